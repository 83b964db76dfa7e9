"""Hours of work in minutes: edits of real commits replayed, requests asked and taken back,
processes killed. THEMIS_SOAK_SECONDS says how long (3600: an hour), THEMIS_SOAK_BUNDLE=1 takes the
bundle that ships in place of a scorer that counts words.

A life ends with the server killed while it works; the next one, of another client, takes over. In
each life memory has to stay where it was after its first third, every request has to be answered,
and in the end the diagnostics have to be those of a fresh review of the same texts.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from git_repository import GitRepository
from lsp_edits import Series, demo_series, made_series, real_series, steps
from lsp_sessions import Session, plain, pulling, pushed_to, session, until, within
from lsprotocol import types as lsp

from lsp_server.worker import resident_bytes
from review_core import api
from review_core.config import default_settings
from review_core.loading import load_scorer as load_bundle
from review_core.sources.working import working_change
from review_core.types import Report

SECONDS = float(os.environ.get("THEMIS_SOAK_SECONDS", "12"))
BUNDLE = bool(os.environ.get("THEMIS_SOAK_BUNDLE"))
LIFE = max(SECONDS / 2, min(SECONDS / 4, 600.0)) if SECONDS < 1200 else SECONDS / 6
ROOT = Path(__file__).parents[2]
MEGABYTE = 2**20
GROWTH = 40 * MEGABYTE
"""How much more a process may hold in the rest of a life than in its first third."""


@dataclass
class Memory:
    """The most that a process held in a life's first third, and in the rest."""

    early: int = 0
    late: int = 0

    def note(self, size: int | None, *, early: bool) -> None:
        if size is not None and early:
            self.early = max(self.early, size)
        elif size is not None:
            self.late = max(self.late, size)


@dataclass
class Figures:
    """What a soak did and saw."""

    edits: int = 0
    asked: int = 0
    cancelled: int = 0
    killed_workers: int = 0
    compared: int = 0
    findings: int = 0
    slowest: float = 0.0
    server: list[Memory] = field(default_factory=list)
    worker: list[Memory] = field(default_factory=list)


class Author:
    """Somebody who edits, looks, saves, commits and changes their mind, in one life of a server."""

    def __init__(
        self, opened: Session, repository: GitRepository, series: Series, rng: random.Random
    ) -> None:
        self.opened, self.repository, self.rng = opened, repository, rng
        self.texts: dict[str, str] = {}
        self.coming: dict[str, Iterator[str]] = {}
        for name, texts in series.items():
            self.coming[name] = steps(texts, rng)
            self.texts[opened.open(repository.path / name, texts[0], "")] = texts[0]
        self.asked: list[asyncio.Future[Any]] = []

    def edit(self) -> None:
        uri = self.rng.choice(list(self.texts))
        self.texts[uri] = next(self.coming[Path(uri).name])
        self.opened.change(uri, self.texts[uri])

    def look(self) -> None:
        """Ask something that editors ask, and go on without waiting for it."""
        uri = self.rng.choice(list(self.texts))
        document = lsp.TextDocumentIdentifier(uri)
        row = self.rng.randrange(self.texts[uri].count("\n") + 1)
        at = lsp.Position(row, 0)
        context = lsp.CodeActionContext([])
        requests: list[tuple[str, Any]] = [
            (lsp.TEXT_DOCUMENT_DIAGNOSTIC, lsp.DocumentDiagnosticParams(document)),
            (lsp.TEXT_DOCUMENT_CODE_LENS, lsp.CodeLensParams(document)),
            (lsp.TEXT_DOCUMENT_HOVER, lsp.HoverParams(document, at)),
            (
                lsp.TEXT_DOCUMENT_CODE_ACTION,
                lsp.CodeActionParams(document, lsp.Range(at, lsp.Position(row + 1, 0)), context),
            ),
            ("themis/status", {}),
        ]
        self.ask(*self.rng.choice(requests))

    def ask(self, method: str, params: Any, *, change_mind: bool = False) -> None:
        id_ = f"soak{len(self.asked)}"
        future = self.opened.client.protocol.send_request(method, params, msg_id=id_)
        self.asked.append(asyncio.wrap_future(future))
        if change_mind:
            self.opened.client.cancel_request(lsp.CancelParams(id_))

    def storm(self) -> None:
        """Ask for much at every keystroke and take it all back."""
        for _ in range(10):
            self.edit()
            uri = self.rng.choice(list(self.texts))
            params = lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(uri))
            self.ask(lsp.TEXT_DOCUMENT_DIAGNOSTIC, params, change_mind=True)
        self.ask("themis/reviewWorkspace", {}, change_mind=True)

    def reopen(self) -> None:
        """Close a document and open it again: versions begin anew."""
        uri = self.rng.choice(list(self.texts))
        self.opened.close(uri)
        self.opened.open(self.repository.path / Path(uri).name, self.texts[uri], "")

    def commit(self) -> None:
        """One of the texts becomes the base."""
        uri = self.rng.choice(list(self.texts))
        self.repository.write(Path(uri).name, self.texts[uri])
        self.repository.commit("as it is now")
        event = lsp.FileEvent(
            (self.repository.path / ".git" / "index").as_uri(), lsp.FileChangeType.Changed
        )
        self.opened.client.workspace_did_change_watched_files(
            lsp.DidChangeWatchedFilesParams([event])
        )

    async def answered(self) -> int:
        """How many requests there were; each has to be answered, whichever way."""
        await within(asyncio.gather(*self.asked, return_exceptions=True))
        count = len(self.asked)
        self.asked.clear()
        return count


@pytest.mark.asyncio
@pytest.mark.timeout(SECONDS + 280)
async def test_hours_of_work_leave_no_trace(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(0)
    series = {**made_series(rng), **demo_series(ROOT), **real_series(ROOT)}
    for name, texts in series.items():
        repository.write(name, texts[0])
    repository.commit("base")
    figures = Figures()
    end = time.monotonic() + SECONDS
    life = 0
    while (left := end - time.monotonic()) > LIFE / 4:
        capabilities = pushed_to() if life % 2 else pulling()
        async with soaked(repository, tmp_path, capabilities) as opened:
            author = Author(opened, repository, series, rng)
            await live(author, min(LIFE, left), figures, pushed=bool(life % 2))
            await compare(author, figures, pushed=bool(life % 2))
            author.storm()
            os.kill(opened.pid, signal.SIGKILL)
            await until(lambda server=opened.client._server: server.returncode is not None)
            await author.answered()
        life += 1
    with capsys.disabled():
        sys.stdout.write(f"\n{summary(figures)}\n")
    assert BUNDLE or figures.findings > 0
    for memory in (*figures.server, *figures.worker):
        assert not memory.early or memory.late < memory.early + GROWTH, summary(figures)
    assert max(memory.late for memory in figures.server) < 150 * MEGABYTE


@asynccontextmanager
async def soaked(
    repository: GitRepository, tmp_path: Path, capabilities: lsp.ClientCapabilities
) -> AsyncIterator[Session]:
    command = [sys.executable, "-m", "lsp_server.main"] if BUNDLE else None
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    async with session(
        repository.path, capabilities=capabilities, command=command, **environment
    ) as opened:
        yield opened


async def live(author: Author, seconds: float, figures: Figures, *, pushed: bool) -> None:
    """Work for a while."""
    started = time.monotonic()
    server, worker = Memory(), Memory()
    figures.server.append(server)
    figures.worker.append(worker)
    rounds = 0
    while (gone := time.monotonic() - started) < seconds:
        rounds += 1
        for _ in range(6):
            author.edit()
            author.look()
            await asyncio.sleep(0.02)
        figures.edits += 6
        if rounds % 5 == 0:
            author.storm()
            figures.edits += 10
            figures.cancelled += 11
        if rounds % 7 == 0:
            author.reopen()
        if rounds % 11 == 0:
            author.commit()
        asked = time.monotonic()
        figures.asked += await author.answered()
        figures.slowest = max(figures.slowest, time.monotonic() - asked)
        pid = (await author.opened.ask("themis/status"))["worker"]["pid"]
        server.note(resident_bytes(author.opened.pid), early=gone < seconds / 3)
        if pid is not None:
            worker.note(resident_bytes(pid), early=gone < seconds / 3)
        if rounds % 13 == 0 and pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            figures.killed_workers += 1
        if rounds % 20 == 0:
            await compare(author, figures, pushed=pushed)


async def compare(author: Author, figures: Figures, *, pushed: bool) -> None:
    """What the editor shows is what a fresh review of the same texts says."""
    report = fresh_report(author.repository.path, author.texts)
    for uri in author.texts:
        findings = [each for each in report.findings if each.path == Path(uri).name]
        expected = {(bare(each.id), each.start_line) for each in findings}
        if pushed:
            await until(partial(is_shown, author.opened.client, uri, expected))
        else:
            assert shown(await author.opened.found(uri)) == expected, uri
        figures.compared += 1
        figures.findings += len(expected)


def is_shown(client: Any, uri: str, expected: set[tuple[str, int]]) -> bool:
    return shown(client.diagnostics.get(uri, [])) == expected


def shown(found: Iterable[Any]) -> set[tuple[str, int]]:
    """Findings by id and first line."""
    return {
        (bare(id_), each.range.start.line + 1)
        for each in found
        for id_ in plain(each.data)["ids"].values()
    }


def bare(id_: str) -> str:
    """Without the number of those that are alike: one file's report knows of no other file's."""
    return id_.partition("-")[0]


def fresh_report(root: Path, texts: dict[str, str]) -> Report:
    from lsp_scorer import load_scorer

    settings = default_settings()
    scorer, calibration = (load_bundle if BUNDLE else load_scorer)(settings)
    buffers = {root / Path(uri).name: text for uri, text in texts.items()}
    return api.review(working_change(root, "HEAD", buffers), scorer, calibration, settings)


def summary(figures: Figures) -> str:
    def megabytes(all_: list[Memory]) -> str:
        return ", ".join(
            f"{each.early // MEGABYTE} then {each.late // MEGABYTE} MB" for each in all_
        )

    return (
        f"soak of {SECONDS:.0f} s: {figures.edits} edits, {figures.asked} requests answered, "
        f"{figures.cancelled} taken back, {figures.killed_workers} workers killed, "
        f"{figures.compared} documents compared with {figures.findings} findings, slowest round "
        f"of answers {figures.slowest:.2f} s; server {megabytes(figures.server)}; "
        f"worker {megabytes(figures.worker)}"
    )
