"""The language server: what it holds, when it reviews, how diagnostics reach the editor.

features.py answers an editor's standard requests, requests.py those of our own.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lsprotocol import types as lsp
from lsprotocol.converters import get_converter
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)

from lsp_server.changes import Changes
from lsp_server.diagnostics import diagnostics
from lsp_server.jobs import Context, DocumentReview, WorkspaceReview
from lsp_server.notebooks import SYNC, Notebook, Notebooks
from lsp_server.positions import Positions, Units, units_of
from lsp_server.process import JobError, ModelProcess
from lsp_server.protocol import Protocol
from lsp_server.reviewing import LoadScorer
from lsp_server.reviews import Buffer, Reviewed, Reviews
from lsp_server.settings import EditorSettings, Scope, When, editor_settings
from lsp_server.uris import path_of, uri_of
from lsp_server.views import carried, in_cell
from lsp_server.watching import git_folders, watchers
from review_core import __version__
from review_core.config import JUDGE_VARIABLE, MODEL_VARIABLE
from review_core.languages import language_of

log = logging.getLogger(__name__)

SECTION = "themis"
ALL = ""
"""The key of the settings that belong to no folder."""


@dataclass(frozen=True, slots=True)
class CellOnScreen:
    """A cell of a notebook's language. first: the line of the notebook's text that starts it."""

    notebook: str
    buffer: Buffer
    first: int


class ThemisServer(LanguageServer):
    """One editor's server."""

    def __init__(self, model: ModelProcess) -> None:
        # The whole text comes with every change: pygls would apply parts of it to lines that it
        # splits at form feeds too, and from then on review another text than the one on screen.
        super().__init__(
            "themis-lsp",
            __version__,
            lsp.TextDocumentSyncKind.Full,
            SYNC,
            protocol_cls=Protocol,
            converter_factory=_plain_converter,
        )
        self.model = model
        self.model.on_change = self._tell_status
        self.reviews = Reviews(model, self._on_review, self._on_problem)
        self.changes = Changes(model, self._on_changes)
        self.notebooks = Notebooks()
        self._problems: dict[str, str] = {}
        """Why documents could not be reviewed when it was tried last."""
        self._settings: dict[str, EditorSettings] = {ALL: EditorSettings()}
        self._positions: dict[str, tuple[int, Positions]] = {}
        self._carried: dict[str, tuple[Reviewed, Reviewed]] = {}
        """The last review of a document, and as it is on the text that was last looked at."""
        self._unasked: set[str] = set()
        self._said: set[tuple[str, str]] = set()
        self._published: set[str] = set()
        self._told_status: dict[str, Any] | None = None
        self._folder_of_bases: tempfile.TemporaryDirectory[str] | None = None
        self.git_folders: dict[Path, Path] = {}
        """Of repositories that are partly in the workspace, with the working tree of each."""
        self._watched: list[lsp.FileSystemWatcher] = []
        self._follows_settings = False
        self.wants_status = False
        self.told_generation: int | None = None
        """Of the workspace's diagnostics: what the client was told last."""

    # --- settings ---------------------------------------------------------------------------------

    def settings_for(self, path: Path | None) -> EditorSettings:
        """The settings of the innermost workspace folder around a path."""
        folder = self.folder_of(path) if path is not None else None
        return self._settings.get(folder or ALL, self._settings[ALL])

    def folder_of(self, path: Path) -> str | None:
        """The URI of the innermost workspace folder around a path."""
        found = [
            (len(folder.parts), uri)
            for uri, folder in self.folders().items()
            if path.is_relative_to(folder)
        ]
        return max(found)[1] if found else None

    def folders(self) -> dict[str, Path]:
        """The workspace's folders that are on disk, by URI."""
        known = [each.uri for each in self.workspace.folders.values()]
        if not known and self.workspace.root_uri:
            known = [self.workspace.root_uri]
        return {uri: path for uri in known if (path := path_of(uri)) is not None}

    def take_settings(self, folder: str, document: object) -> None:
        """Use what the client set for a folder; what makes no sense is said once."""
        settings, problems = editor_settings(document)
        self._settings[folder] = settings
        for problem in problems:
            self.say_once("settings", problem, lsp.MessageType.Warning, key=problem)
        every = self._settings.values()
        self.model.idle_seconds = 60 * min(each.idle_minutes for each in every)
        self.model.max_bytes = 2**20 * max(each.memory_megabytes for each in every)

    async def ask_for_settings(self) -> None:
        """Ask the client for the settings of every folder."""
        workspace = self.client_capabilities.workspace
        if workspace is None or not workspace.configuration:
            return
        scopes = [ALL, *self.folders()]
        items = [lsp.ConfigurationItem(scope or None, SECTION) for scope in scopes]
        answers = await self.workspace_configuration_async(lsp.ConfigurationParams(items))
        for scope, answer in zip(scopes, answers, strict=False):
            self.take_settings(scope, answer)

    def context_of(self, path: Path) -> Context:
        """How the file, or the folder, is to be reviewed."""
        settings = self.settings_for(path)
        overrides: dict[str, Any] = {}
        named = {
            "model": (settings.model, MODEL_VARIABLE),
            "judge.model": (settings.judge, JUDGE_VARIABLE),
        }
        for key, (bundle, variable) in named.items():
            if bundle is not None:
                folder = self.folder_of(path)
                anchor = self.folders()[folder] if folder else Path.home()
                overrides[key] = str(anchor / Path(bundle).expanduser())
            elif not settings.trusted:  # a stranger must not say what is loaded
                overrides[key] = os.environ.get(variable) or None
        if not settings.trusted:
            overrides["cache.directory"] = None
        directory = path if path.is_dir() else path.parent
        return Context(directory, settings.base, overrides)

    # --- documents --------------------------------------------------------------------------------

    def buffer_of(self, uri: str) -> Buffer | None:
        """An open document that can be reviewed: a file, in a language we read, or a notebook."""
        path = path_of(uri)
        if path is not None and (notebook := self.notebooks.get(uri)) is not None:
            language = notebook.language
            if language is None:
                return None
            return Buffer(uri, path, notebook.version, notebook.code.text, language.name)
        if path is None or language_of(path.name) is None:
            return None
        document = self.workspace.text_documents.get(_key(uri))
        if document is None:
            return None
        return Buffer(uri, path, document.version or 0, document.source)

    def buffers(self) -> list[Buffer]:
        """All of them."""
        uris = [document.uri for document in self.workspace.text_documents.values()]
        uris += [notebook.uri for notebook in self.notebooks]
        return [buffer for uri in uris if (buffer := self.buffer_of(uri)) is not None]

    def cell_of(self, uri: str) -> CellOnScreen | None:
        """The cell with this URI, if its notebook can be reviewed and it is of its language."""
        found = self.notebooks.cell(uri)
        if found is None:
            return None
        notebook, cell = found
        path, first = path_of(notebook.uri), notebook.first_line(cell)
        if path is None or first is None:
            return None
        buffer = Buffer(uri, path, cell.version, cell.code.text)
        return CellOnScreen(notebook.uri, buffer, first)

    def settings_of(self, uri: str) -> EditorSettings:
        """The settings of a document, or of the notebook that a cell is in."""
        found = self.notebooks.cell(uri)
        return self.settings_for(path_of(found[0].uri if found else uri))

    async def settled(self, uri: str) -> Reviewed | None:
        """The last review of the document, or of the whole notebook, once none is under way."""
        found = self.notebooks.cell(uri)
        whole = found[0].uri if found else uri
        await self.reviews.settled(whole)
        return self.reviews.latest(whole)

    def on_screen(self, uri: str) -> Reviewed | None:
        """What is known of the text that the editor shows: nothing is said of functions that were
        edited since they were reviewed.
        """
        cell = self.cell_of(uri)
        whole = cell.notebook if cell else uri
        latest, buffer = self.reviews.latest(whole), self.buffer_of(whole)
        if latest is None or buffer is None:
            return None
        before, now = self._carried.get(whole, (None, latest))
        if before is not latest or now.buffer.version != buffer.version:
            now = carried(latest, buffer)
            self._carried[whole] = latest, now
        return in_cell(now, cell.buffer, cell.first) if cell else now

    def review(self, uri: str, *, asked: bool, now: bool = False) -> None:
        """Review an open document, after a pause or at once.

        :param asked: whether the client knows by itself that there may be something new.
        """
        buffer = self.buffer_of(uri)
        if buffer is None:
            return
        if not asked:
            self._unasked.add(uri)
        pause = 0.0 if now else self.settings_for(buffer.file).debounce_milliseconds / 1000
        self.reviews.review(buffer, self.context_of(buffer.file), pause)

    def review_again(self, below: Path | None = None) -> None:
        """What reviews depend on has changed: for everything below a folder, or everywhere.

        Where nothing is done unasked, what was said before does not count any more.
        """
        for buffer in self.buffers():
            if below is not None and not buffer.file.is_relative_to(below):
                continue
            if self.settings_for(buffer.file).run is not When.MANUAL:
                self.review(buffer.uri, asked=False)
            elif (known := self.reviews.latest(buffer.uri)) is not None and (
                below is not None or known.context != self.context_of(buffer.file)
            ):
                self.reviews.outdate(buffer.uri)
                self._show(buffer.uri, unasked=True)
        self.review_folders([below] if below is not None else None)

    def adopt(self, buffer: Buffer, review: DocumentReview) -> None:
        """Show what was reviewed on request in the document as well."""
        if self.settings_for(buffer.file).run is not When.TYPE:
            self._unasked.add(buffer.uri)
            self.reviews.adopt(buffer, review, self.context_of(buffer.file))

    def review_moved(self, paths: Collection[Path]) -> None:
        """Files or folders are there, or under that name, no longer or only now."""
        for buffer in self.buffers():
            wanted = self.settings_for(buffer.file).run is not When.MANUAL
            if wanted and any(buffer.file.is_relative_to(path) for path in paths):
                self.review(buffer.uri, asked=False)
        self.review_folders(paths)

    def review_folders(self, around: Collection[Path] | None = None) -> None:
        """Review the folders that want to be, or those around or below some paths."""
        for uri, folder in self.folders().items():
            settings = self._settings.get(uri, self._settings[ALL])
            if settings.scope is Scope.OPEN or settings.run is When.MANUAL:
                self.changes.forget(uri)
            elif around is None or any(
                path.is_relative_to(folder) or folder.is_relative_to(path) for path in around
            ):
                self.changes.review(uri, self.context_of(folder), self.open_texts)

    def positions_of(self, buffer: Buffer) -> Positions:
        """Where the lines of a document's version are."""
        version, positions = self._positions.get(buffer.uri, (None, None))
        if positions is None or version != buffer.version:
            positions = Positions(buffer.text, self.units())
            self._positions[buffer.uri] = (buffer.version, positions)
        return positions

    def edited(self, uri: str) -> None:
        """The document is not to be reviewed for now; what was said of edited functions goes."""
        buffer = self.buffer_of(uri)
        if buffer is None:
            return
        self.reviews.edited(uri, buffer.version)
        if not self.pulls and self._published.intersection(self._uris_of(uri)):
            self._show(uri, unasked=False)

    def closed(self, uri: str, notebook: Notebook | None = None) -> None:
        """Nothing is said any more of a document that is not open."""
        self.reviews.forget(uri)
        self._unasked.discard(uri)
        self._carried.pop(uri, None)
        self._problems.pop(uri, None)
        for each in (uri, *(cell.uri for cell in notebook.cells)) if notebook else (uri,):
            self._positions.pop(each, None)
            if each in self._published:
                self._publish(each, None, [])
        path = path_of(uri)
        if path is not None:
            self.review_folders([path])

    # --- diagnostics ------------------------------------------------------------------------------

    @property
    def pulls(self) -> bool:
        """Whether the client asks for diagnostics; others are sent them."""
        document = self.client_capabilities.text_document
        return document is not None and document.diagnostic is not None

    def diagnostics_of(self, reviewed: Reviewed | None) -> list[lsp.Diagnostic]:
        """A document's findings."""
        report = reviewed.review.report if reviewed is not None else None
        if reviewed is None or report is None or not report.functions:
            return []
        buffer = reviewed.buffer
        return diagnostics(
            report,
            report.functions[0].function.path,
            buffer.uri,
            self.positions_of(buffer),
            self.settings_for(buffer.file).severity,
        )

    def _uris_of(self, uri: str) -> Iterator[str]:
        """What diagnostics are shown on: the document, or the cells of the notebook."""
        notebook = self.notebooks.get(uri)
        if notebook is None:
            yield uri
        else:
            yield from (cell.uri for cell in notebook.cells)

    def diagnostics_of_changes(self) -> dict[str, list[lsp.Diagnostic]]:
        """The findings of files that are not open, by URI."""
        is_open = {buffer.file for buffer in self.buffers()}
        found: dict[str, list[lsp.Diagnostic]] = {}
        for review in self.changes.reviews:
            for path, text in review.heads.items():
                file = review.root / path
                if file not in is_open:
                    found[uri_of(file)] = self._diagnostics_on_disk(review, path, text)
        return found

    def _diagnostics_on_disk(
        self, review: WorkspaceReview, path: str, text: str
    ) -> list[lsp.Diagnostic]:
        file = review.root / path
        positions = Positions(text, self.units())
        severity = self.settings_for(file).severity
        return diagnostics(review.report, path, uri_of(file), positions, severity)

    def _on_review(self, reviewed: Reviewed) -> None:
        uri = reviewed.buffer.uri
        unasked = uri in self._unasked
        self._unasked.discard(uri)
        self._problems.pop(uri, None)
        self._show(uri, unasked=unasked)
        self._tell_status()

    def _show(self, uri: str, *, unasked: bool) -> None:
        """Tell the client what is known of a document, or that it should ask again."""
        if not self.pulls:
            for each in self._uris_of(uri):
                reviewed = self.on_screen(each)
                version = reviewed.buffer.version if reviewed is not None else None
                self._publish(each, version, self.diagnostics_of(reviewed))
        elif unasked:
            self._refresh_diagnostics()
        if unasked:
            self._refresh_annotations()

    def _on_changes(self) -> None:
        if self.pulls:
            return  # who asks for the workspace's diagnostics is waiting for them
        found = self.diagnostics_of_changes()
        is_open = {buffer.uri for buffer in self.buffers()}
        for uri in self._published - set(found) - is_open:
            self._publish(uri, None, [])
        for uri, items in found.items():
            self._publish(uri, None, items)

    def _publish(self, uri: str, version: int | None, items: Sequence[lsp.Diagnostic]) -> None:
        if items:
            self._published.add(uri)
        elif uri in self._published:
            self._published.discard(uri)
        elif version is None:
            return
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri, list(items), version)
        )

    def _refresh_diagnostics(self) -> None:
        workspace = self.client_capabilities.workspace
        asked = workspace.diagnostics if workspace else None
        if asked is not None and asked.refresh_support:
            self.workspace_diagnostic_refresh(None)

    def _refresh_annotations(self) -> None:
        workspace = self.client_capabilities.workspace
        if workspace is None:
            return
        if workspace.code_lens is not None and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)
        if workspace.inlay_hint is not None and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)

    # --- what the user is told --------------------------------------------------------------------

    def say_once(self, kind: str, message: str, severity: lsp.MessageType, *, key: str) -> None:
        """Show a message, the first time only: an editor that repeats itself is switched off."""
        log.warning(message, extra={"kind": kind})
        if (kind, key) not in self._said:
            self._said.add((kind, key))
            self.window_show_message(lsp.ShowMessageParams(severity, f"Themis: {message}"))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log a fault of ours; only errors a user can do something about are shown."""
        if not isinstance(error, JsonRpcException):
            log.error("internal error", extra={"error": repr(error)})

    def _on_problem(self, buffer: Buffer, error: Exception) -> None:
        self._problems[buffer.uri] = str(error)
        folder = self.folder_of(buffer.file) or ALL
        kind = error.kind if isinstance(error, JobError) else "internal"
        match kind:
            case "NoRepositoryError":
                message = f"{buffer.file.parent} is in no git repository, so there is no base"
                message += " to compare with; nothing is said of files there"
                self.say_once(kind, message, lsp.MessageType.Info, key=folder)
            case "InputError":
                self.say_once(kind, str(error), lsp.MessageType.Warning, key=folder)
            case "internal":
                message = f"a review failed: {error}; the log says more, please report it"
                self.say_once(kind, message, lsp.MessageType.Error, key="")
            case _:
                self.say_once(kind, str(error), lsp.MessageType.Error, key=str(error))
        self._tell_status()

    @property
    def problem(self) -> str | None:
        """The last reason why an open document could not be reviewed."""
        return next(reversed(self._problems.values()), None)

    def status(self) -> dict[str, Any]:
        """What the server is doing, for a status bar."""
        model = self.model
        bundle = model.bundle
        busy = model.busy > 0
        return {
            "version": __version__,
            "state": "problem" if self.problem and not busy else "busy" if busy else "ready",
            "problem": self.problem,
            "jobs": model.busy,
            "documents": len(self.buffers()),
            "bundle": {"name": bundle.name, "sha256": bundle.sha256} if bundle else None,
            "worker": {"pid": model.pid, "residentBytes": model.resident},
        }

    def _tell_status(self) -> None:
        if not self.wants_status:
            return
        status = {key: self.status()[key] for key in ("state", "problem", "bundle")}
        if status != self._told_status:
            self._told_status = status
            self.protocol.notify("themis/statusChanged", status)

    # --- helpers ----------------------------------------------------------------------------------

    def file_with_base(self, reviewed: Reviewed) -> Path | None:
        """A file with the text that a document was compared with, until the server ends."""
        if reviewed.review.base is None:
            return None
        if self._folder_of_bases is None:
            self._folder_of_bases = tempfile.TemporaryDirectory(prefix="themis-")
        file = Path(self._folder_of_bases.name) / f"base of {reviewed.buffer.file.name}"
        file.write_text(reviewed.review.base, encoding="utf-8", errors="replace", newline="")
        return file

    async def watch(self) -> None:
        """Have the client tell of what changes on disk, and of settings, as far as it can."""
        workspace = self.client_capabilities.workspace
        if workspace is None:
            return
        registrations = []
        watched = workspace.did_change_watched_files
        if watched is not None and watched.dynamic_registration:
            self.git_folders = git_folders(self.folders().values())
            wanted = watchers(
                self.git_folders,
                sources=any(each.scope is Scope.CHANGED for each in self._settings.values()),
                relative=bool(watched.relative_pattern_support),
            )
            if wanted != self._watched:
                await self._unregister(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, self._watched)
                self._watched = wanted
                options = lsp.DidChangeWatchedFilesRegistrationOptions(wanted)
                method = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
                registrations.append(lsp.Registration(f"themis {method}", method, options))
        configuration = workspace.did_change_configuration
        follows = configuration is not None and configuration.dynamic_registration
        if follows and not self._follows_settings:
            self._follows_settings = True
            method = lsp.WORKSPACE_DID_CHANGE_CONFIGURATION
            section = {"section": SECTION}
            registrations.append(lsp.Registration(f"themis {method}", method, section))
        if registrations:
            await self.client_register_capability_async(lsp.RegistrationParams(registrations))

    async def _unregister(self, method: str, registered: object) -> None:
        if registered:
            old = lsp.Unregistration(f"themis {method}", method)
            await self.client_unregister_capability_async(lsp.UnregistrationParams([old]))

    async def stop(self) -> None:
        """End everything that runs."""
        self.reviews.stop()
        self.changes.stop()
        await self.model.close()
        if self._folder_of_bases is not None:
            self._folder_of_bases.cleanup()

    def units(self) -> Units:
        """How the client counts columns."""
        return units_of(self.workspace.position_encoding)

    def open_texts(self) -> tuple[tuple[Path, str], ...]:
        """What counts instead of the files on disk."""
        files = (buffer for buffer in self.buffers() if buffer.notebook is None)
        return tuple((buffer.file, buffer.text) for buffer in files)


def create_server(load_scorer: LoadScorer, *, log_level: str = "warning") -> ThemisServer:
    """A server that is not started yet.

    :param load_scorer: opens the model that settings name; an importable function, since it is
        called in the worker process.
    """
    from lsp_server import features, requests

    server = ThemisServer(ModelProcess(load_scorer, log_level=log_level))
    features.register(server)
    requests.register(server)
    return server


def _plain_converter() -> Any:
    """Parameters of our own requests stay what JSON says; pygls would make named tuples of them."""
    converter = get_converter()
    for message in (JsonRPCRequestMessage, JsonRPCResponseMessage, JsonRPCNotification):
        converter.register_structure_hook(message, lambda obj, cls: cls(**obj))
    return converter


def _key(uri: str) -> str:
    return unquote(uri)  # as pygls keeps its documents
