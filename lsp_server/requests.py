"""Requests of our own. Requests, not commands: pygls cannot cancel a command that runs.

    themis/reviewWorkspace  {uri?}                    {reports: [{folder, root, report}], problems}
    themis/reviewRange      {textDocument, range}     {report, reason}
    themis/rank             {texts?, uri?, intent?,   {axes: [...], tooLong, candidates,
                             textDocument?, revisions?,    function}
                             position?}
    themis/baseText         {textDocument}            {name, text}
    themis/clearCache       {}                        null
    themis/status           {}                        as server.ThemisServer.status

Reports are those of `themis review --format json`. The first three show progress, under the
client's `workDoneToken` if it gives one, and stop when the request or its progress is cancelled.
What reviewRange finds is shown in the document, too, even where nothing is reviewed unasked.

What is ranked are `texts`, or the open document against what `revisions` (branches, tags, commits,
"index") have of its file, or both; with a `position`, only the function there. The answer's groups
are indices into `candidates`: "open document", the revisions, then "text 1" ...
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from lsp_server.jobs import (
    ClearCache,
    Context,
    DocumentReview,
    Rank,
    RankedTexts,
    ReviewDocument,
    ReviewWorkspace,
    Versions,
    WorkspaceReview,
)
from lsp_server.process import JobError
from lsp_server.reviewing import Progress
from lsp_server.server import ThemisServer
from lsp_server.uris import path_of
from review_core.renderers.json import report_to_json
from review_core.types import Report

_Answer = TypeVar("_Answer")


def register(server: ThemisServer) -> None:
    """Have the server answer all of them."""

    @server.feature("themis/reviewWorkspace")
    async def review_workspace(ls: ThemisServer, params: Any) -> dict[str, Any]:
        asked = _mapping(params)
        folders = ls.folders()
        if "uri" in asked:
            folders = {uri: path for uri, path in folders.items() if uri == asked["uri"]}
        return await _in_progress(
            ls, asked, "Reviewing changes", lambda told: _review_folders(ls, folders, told)
        )

    @server.feature("themis/reviewRange")
    async def review_range(ls: ThemisServer, params: Any) -> dict[str, Any]:
        asked = _mapping(params)
        uri = _uri(asked)
        shown = ls.cell_of(uri)
        buffer = ls.buffer_of(shown.notebook if shown else uri)
        if buffer is None:
            raise JsonRpcInvalidParams(f"{uri} is not an open document in a language Themis reads")
        within = _range(asked.get("range"))
        before = shown.first - 1 if shown else 0
        on_screen = ls.positions_of(shown.buffer if shown else buffer)
        first, last = (line + before for line in on_screen.lines_at(within))
        job = ReviewDocument(buffer.file, buffer.text, ls.context_of(buffer.file), buffer.notebook)
        found = await _in_progress(
            ls,
            asked,
            f"Reviewing {buffer.file.name}",
            lambda told: ls.model.run(job, urgent=True, progress=told),
        )
        review = _expected(found, DocumentReview)
        ls.adopt(buffer, review)
        if review.report is None:
            return {"report": None, "reason": review.reason or "nothing changed"}
        return {"report": _within(review.report, first, last), "reason": None}

    @server.feature("themis/rank")
    async def rank(ls: ThemisServer, params: Any) -> dict[str, Any]:
        asked = _mapping(params)
        texts, versions = _texts(asked, "texts"), _versions(ls, asked)
        if versions is None and len(texts) < 2:
            message = "texts must be a list of two texts or more, or revisions name some versions"
            raise JsonRpcInvalidParams(message)
        path = versions.file if versions else path_of(str(asked.get("uri", "")))
        job = Rank(
            texts,
            path.name if path else "",
            str(asked.get("intent") or ""),
            _context(ls, path),
            versions,
        )
        found = await _in_progress(
            ls,
            asked,
            "Comparing alternatives",
            lambda told: ls.model.run(job, urgent=True, progress=told),
        )
        return _ranking(_expected(found, RankedTexts))

    @server.feature("themis/baseText")
    async def base_text(ls: ThemisServer, params: Any) -> dict[str, Any] | None:
        reviewed = await ls.settled(_uri(_mapping(params)))
        if reviewed is None or reviewed.review.base is None or reviewed.review.report is None:
            return None
        return {"name": reviewed.review.report.base, "text": reviewed.review.base}

    @server.feature("themis/clearCache")
    async def clear_cache(ls: ThemisServer, params: Any) -> None:
        for folder in ls.folders().values() or [Path.home()]:
            with _failures():
                await ls.model.run(ClearCache(_context(ls, folder)), urgent=True)
        ls.review_again()

    @server.feature("themis/status")
    def status(ls: ThemisServer, params: Any) -> dict[str, Any]:
        return ls.status()


async def _review_folders(
    ls: ThemisServer, folders: Mapping[str, Path], told: Progress
) -> dict[str, Any]:
    reports, problems = [], []
    for uri, folder in folders.items():
        job = ReviewWorkspace(ls.context_of(folder), ls.open_texts())
        try:
            found = await ls.model.run(job, urgent=False, progress=told)
        except JobError as error:
            problems.append({"folder": uri, "message": str(error)})
            continue
        review = _expected(found, WorkspaceReview)
        root = review.root.as_uri()
        reports.append({"folder": uri, "root": root, "report": report_to_json(review.report)})
    return {"reports": reports, "problems": problems}


def _within(report: Report, first: int, last: int) -> dict[str, Any]:
    """The report of the functions that lines first to last touch."""
    document = report_to_json(report)
    document["functions"] = [
        shown
        for shown, review in zip(document["functions"], report.functions, strict=True)
        if review.function.head is not None
        and any(span.start <= last and first <= span.end for span in review.function.head.spans)
    ]
    names = {each["name"] for each in document["functions"]}
    document["findings"] = [each for each in document["findings"] if each["function"] in names]
    return document


def _versions(ls: ThemisServer, asked: Mapping[str, Any]) -> Versions | None:
    """The versions of an open document that are to be ranked, if some are."""
    revisions = _texts(asked, "revisions")
    if not revisions:
        return None
    uri = _uri(asked)
    buffer = ls.buffer_of(uri)
    if buffer is None or buffer.notebook is not None:
        raise JsonRpcInvalidParams(f"{uri} is not an open file in a language Themis reads")
    line = None
    if asked.get("position") is not None:
        line = ls.positions_of(buffer).line_at(_position(asked["position"], "position"))
    return Versions(buffer.file, buffer.text, revisions, line)


def _ranking(found: RankedTexts) -> dict[str, Any]:
    ranking = found.ranking
    return {
        "candidates": list(found.candidates),
        "function": found.function,
        "axes": [
            {
                "axis": each.axis.value,
                "criterion": each.criterion,
                "groups": [list(group) for group in each.groups],
                "preference": round(each.preference, 3),
            }
            for each in ranking.axes
        ],
        "tooLong": list(ranking.too_long),
    }


# --- progress, cancellation, failures -------------------------------------------------------------


async def _in_progress(
    ls: ThemisServer,
    asked: Mapping[str, Any],
    title: str,
    work: Callable[[Progress], Awaitable[_Answer]],
) -> _Answer:
    """Do the work under a progress that the user may cancel; a cancelled one answers as a cancelled
    request does.
    """
    token = await _token(ls, asked)
    task = asyncio.ensure_future(work(lambda done, total: _report(ls, token, done, total)))
    if token is not None:
        ls.work_done_progress.begin(
            token, lsp.WorkDoneProgressBegin(title, cancellable=True, percentage=0)
        )
        ls.work_done_progress.tokens[token].add_done_callback(lambda _: task.cancel())
    try:
        with _failures():
            return await task
    finally:
        task.cancel()
        if token is not None:
            ls.work_done_progress.end(token, lsp.WorkDoneProgressEnd())
            ls.work_done_progress.tokens.pop(token, None)


async def _token(ls: ThemisServer, asked: Mapping[str, Any]) -> int | str | None:
    token: int | str | None = asked.get("workDoneToken")
    window = ls.client_capabilities.window
    if token is None and window is not None and window.work_done_progress:
        token = uuid.uuid4().hex
        # Shielded: pygls cannot take the client's answer for a question that was cancelled.
        created = asyncio.ensure_future(ls.work_done_progress.create_async(token))
        created.add_done_callback(lambda future: future.cancelled() or future.exception())
        await asyncio.shield(created)
    return token


def _report(ls: ThemisServer, token: int | str | None, done: int, total: int) -> None:
    if token is not None and token in ls.work_done_progress.tokens:
        percentage = 100 * done // max(total, 1)
        ls.work_done_progress.report(token, lsp.WorkDoneProgressReport(percentage=percentage))


@contextmanager
def _failures() -> Iterator[None]:
    """Turns what a user can do something about into the protocol's error for it."""
    try:
        yield
    except JobError as error:
        raise JsonRpcException(str(error), lsp.LSPErrorCodes.RequestFailed.value) from error


# --- parameters -----------------------------------------------------------------------------------


def _mapping(params: Any) -> Mapping[str, Any]:
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        raise JsonRpcInvalidParams("the parameters must be an object")
    return params


def _uri(asked: Mapping[str, Any]) -> str:
    document = asked.get("textDocument")
    if not isinstance(document, Mapping) or not _is_text(document.get("uri")):
        raise JsonRpcInvalidParams("textDocument.uri must name a document")
    return str(document["uri"])


def _range(value: Any) -> lsp.Range:
    if not isinstance(value, Mapping):
        raise JsonRpcInvalidParams("range must have a start and an end")
    start, end = (_position(value.get(side), f"range.{side}") for side in ("start", "end"))
    return lsp.Range(start, end)


def _position(value: Any, name: str) -> lsp.Position:
    try:
        return lsp.Position(int(value["line"]), int(value["character"]))
    except (KeyError, TypeError, ValueError):
        raise JsonRpcInvalidParams(f"{name} must have a line and a character") from None


def _texts(asked: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = asked.get(name)
    if values is None:
        return ()
    if not isinstance(values, list) or not all(map(_is_text, values)):
        raise JsonRpcInvalidParams(f"{name} must be a list of texts")
    return tuple(values)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _expected(found: object, kind: type[_Answer]) -> _Answer:
    if not isinstance(found, kind):
        raise TypeError(f"a job gave {type(found).__name__}, not {kind.__name__}")
    return found


def _context(ls: ThemisServer, path: Path | None) -> Context:
    folders = list(ls.folders().values())
    return ls.context_of(path or (folders[0] if folders else Path.home()))
