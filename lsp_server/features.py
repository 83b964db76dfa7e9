"""An editor's standard notifications and requests. Each handler is short; what it says is made in
diagnostics.py, annotations.py and actions.py.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp

from lsp_server.actions import EXPLAIN, FEEDBACK, SHOW_HUNK, Asked, code_actions
from lsp_server.annotations import COMPARE, code_lenses, hover, inlay_hints
from lsp_server.answering import answer
from lsp_server.diagnostics import result_id
from lsp_server.pages import axis_page
from lsp_server.server import ALL, SECTION, ThemisServer
from lsp_server.settings import When
from lsp_server.uris import path_of, uri_of
from lsp_server.watching import endings
from review_core.types import Axis

log = logging.getLogger(__name__)

_PULL = lsp.DiagnosticOptions(
    identifier="themis", inter_file_dependencies=False, workspace_diagnostics=True
)


_FILES = lsp.FileOperationRegistrationOptions(
    [
        lsp.FileOperationFilter(lsp.FileOperationPattern(glob, kind), scheme="file")
        for glob, kind in (
            (f"**/*.{{{','.join(endings())}}}", lsp.FileOperationPatternKind.File),
            ("**/*", lsp.FileOperationPatternKind.Folder),
        )
    ]
)
"""Files and folders that we want to know of when they come, go or change their name."""


def register(server: ThemisServer) -> None:
    """Have the server answer all of them."""
    _register_lifecycle(server)
    _register_documents(server)
    _register_notebooks(server)
    _register_diagnostics(server)
    _register_annotations(server)
    _register_actions(server)


def _register_lifecycle(server: ThemisServer) -> None:
    @server.feature(lsp.INITIALIZE)
    def initialize(ls: ThemisServer, params: lsp.InitializeParams) -> None:
        options = params.initialization_options
        if isinstance(options, dict):
            ls.wants_status = bool(options.get("statusNotifications"))
            ls.take_settings(ALL, options.get("settings"))

    @server.feature(lsp.INITIALIZED)
    async def initialized(ls: ThemisServer, params: lsp.InitializedParams) -> None:
        await ls.ask_for_settings()
        await ls.watch()
        ls.review_again()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(ls: ThemisServer, params: lsp.DidChangeConfigurationParams) -> None:
        told = params.settings
        if isinstance(told, dict) and SECTION in told:
            ls.take_settings(ALL, told[SECTION])
        await ls.ask_for_settings()
        await ls.watch()
        ls.review_again()
        ls.changes.announce()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders(ls: ThemisServer, params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        for removed in params.event.removed:
            ls.changes.forget(removed.uri)
        await ls.ask_for_settings()
        await ls.watch()
        ls.review_again()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(ls: ThemisServer, params: lsp.DidChangeWatchedFilesParams) -> None:
        above: set[Path] = set()
        files: set[Path] = set()
        for change in params.changes:
            path = path_of(change.uri)
            if path is None:
                continue
            if path.parent in ls.git_folders:
                above.add(ls.git_folders[path.parent])
            elif path.parent.name == ".git":
                above.add(path.parent.parent)
            elif path.suffix == ".toml":
                above.add(path.parent)
            else:
                files.add(path)
        if files:
            ls.review_folders({file.parent for file in files})
        for folder in above:
            ls.review_again(folder)

    @server.feature(lsp.WORKSPACE_DID_CREATE_FILES, _FILES)
    def created(ls: ThemisServer, params: lsp.CreateFilesParams) -> None:
        ls.review_moved(_paths(each.uri for each in params.files))

    @server.feature(lsp.WORKSPACE_DID_RENAME_FILES, _FILES)
    def renamed(ls: ThemisServer, params: lsp.RenameFilesParams) -> None:
        uris = (uri for each in params.files for uri in (each.old_uri, each.new_uri))
        ls.review_moved(_paths(uris))

    @server.feature(lsp.WORKSPACE_DID_DELETE_FILES, _FILES)
    def deleted(ls: ThemisServer, params: lsp.DeleteFilesParams) -> None:
        ls.review_moved(_paths(each.uri for each in params.files))

    @server.feature(lsp.SHUTDOWN)
    async def shutdown(ls: ThemisServer, params: None) -> None:
        await ls.stop()


def _register_documents(server: ThemisServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: ThemisServer, params: lsp.DidOpenTextDocumentParams) -> None:
        _opened(ls, params.text_document.uri, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: ThemisServer, params: lsp.DidChangeTextDocumentParams) -> None:
        _edited(ls, params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: ThemisServer, params: lsp.DidSaveTextDocumentParams) -> None:
        _saved(ls, params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: ThemisServer, params: lsp.DidCloseTextDocumentParams) -> None:
        ls.closed(params.text_document.uri)


def _register_notebooks(server: ThemisServer) -> None:
    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)
    def opened(ls: ThemisServer, params: lsp.DidOpenNotebookDocumentParams) -> None:
        ls.notebooks.open(params)
        _opened(ls, params.notebook_document.uri, params.notebook_document.version)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def changed(ls: ThemisServer, params: lsp.DidChangeNotebookDocumentParams) -> None:
        ls.notebooks.change(params, ls.units())
        _edited(ls, params.notebook_document.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_SAVE)
    def saved(ls: ThemisServer, params: lsp.DidSaveNotebookDocumentParams) -> None:
        _saved(ls, params.notebook_document.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def closed(ls: ThemisServer, params: lsp.DidCloseNotebookDocumentParams) -> None:
        uri = params.notebook_document.uri
        ls.closed(uri, ls.notebooks.close(uri))


def _opened(ls: ThemisServer, uri: str, version: int) -> None:
    ls.reviews.forget(uri)  # versions begin anew
    if _when(ls, uri) is When.MANUAL:
        ls.reviews.edited(uri, version)
    else:
        ls.review(uri, asked=True)


def _edited(ls: ThemisServer, uri: str) -> None:
    if _when(ls, uri) is When.TYPE:
        ls.review(uri, asked=True)
    else:
        ls.edited(uri)


def _saved(ls: ThemisServer, uri: str) -> None:
    path = path_of(uri)
    if _when(ls, uri) is When.SAVE:
        ls.review(uri, asked=False, now=True)
    if path is not None:
        ls.review_folders([path])


def _register_diagnostics(server: ThemisServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DIAGNOSTIC, _PULL)
    async def document(
        ls: ThemisServer, params: lsp.DocumentDiagnosticParams
    ) -> lsp.DocumentDiagnosticReport:
        uri = params.text_document.uri
        await ls.settled(uri)
        items = ls.diagnostics_of(ls.on_screen(uri))
        known = result_id(items)
        if params.previous_result_id == known:
            return lsp.RelatedUnchangedDocumentDiagnosticReport(known)
        return lsp.RelatedFullDocumentDiagnosticReport(items, result_id=known)

    @server.feature(lsp.WORKSPACE_DIAGNOSTIC)
    async def workspace(
        ls: ThemisServer, params: lsp.WorkspaceDiagnosticParams
    ) -> lsp.WorkspaceDiagnosticReport:
        """Answered when there is something new: clients ask again at once."""
        ls.told_generation = await ls.changes.newer_than(ls.told_generation)
        known = {each.uri: each.value for each in params.previous_result_ids}
        found = ls.diagnostics_of_changes()
        is_open = {buffer.uri for buffer in ls.buffers()}
        items: list[lsp.WorkspaceDocumentDiagnosticReport] = []
        for uri in sorted({*found, *(set(known) - is_open)}):
            diagnostics = found.get(uri, [])
            id_ = result_id(diagnostics)
            if known.get(uri) == id_:
                items.append(lsp.WorkspaceUnchangedDocumentDiagnosticReport(uri, id_))
            else:
                items.append(
                    lsp.WorkspaceFullDocumentDiagnosticReport(uri, diagnostics, result_id=id_)
                )
        return lsp.WorkspaceDiagnosticReport(items)


def _register_annotations(server: ThemisServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_CODE_LENS, lsp.CodeLensOptions())
    async def lenses(ls: ThemisServer, params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
        uri = params.text_document.uri
        if not ls.settings_of(uri).code_lens:
            return []
        await ls.settled(uri)
        reviewed = ls.on_screen(uri)
        return code_lenses(reviewed, ls.positions_of(reviewed.buffer)) if reviewed else []

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hovered(ls: ThemisServer, params: lsp.HoverParams) -> lsp.Hover | None:
        """At once, and only of the text on screen: who hovers does not wait."""
        uri = params.text_document.uri
        reviewed = ls.on_screen(uri)
        if reviewed is None or not ls.settings_of(uri).hover:
            return None
        positions = ls.positions_of(reviewed.buffer)
        return hover(reviewed, positions, positions.line_at(params.position))

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT, lsp.InlayHintOptions())
    async def hints(ls: ThemisServer, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        uri = params.text_document.uri
        if not ls.settings_of(uri).inlay_hints:
            return []
        await ls.settled(uri)
        reviewed = ls.on_screen(uri)
        if reviewed is None:
            return []
        positions = ls.positions_of(reviewed.buffer)
        return inlay_hints(reviewed, positions, *positions.lines_at(params.range))


def _register_actions(server: ThemisServer) -> None:
    kinds = [lsp.CodeActionKind.QuickFix]

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=kinds))
    def actions(ls: ThemisServer, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        reviewed = ls.on_screen(params.text_document.uri)
        only = params.context.only
        if reviewed is None or (only and not any(_takes_in(kind) for kind in only)):
            return []
        positions = ls.positions_of(reviewed.buffer)
        workspace = ls.client_capabilities.workspace
        edits = workspace.workspace_edit if workspace else None
        asked = Asked(
            *positions.lines_at(params.range),
            tuple(params.context.diagnostics),
            versioned=bool(edits and edits.document_changes),
        )
        return list(code_actions(reviewed, positions, asked))

    @server.command(SHOW_HUNK)
    async def show_hunk(ls: ThemisServer, uri: str, selection: lsp.Range) -> None:
        await _show(ls, uri, selection)

    @server.command(COMPARE)
    async def compare(ls: ThemisServer, uri: str) -> None:
        reviewed = await ls.settled(uri)
        file = ls.file_with_base(reviewed) if reviewed else None
        if file is None:
            _inform(ls, "there is no base to compare this document with")
        else:
            await _show(ls, uri_of(file))

    @server.command(EXPLAIN)
    async def explain(ls: ThemisServer, axis: str) -> None:
        page = axis_page(Axis(axis)) if axis in list(Axis) else None
        if page is not None:
            await _show(ls, page)

    @server.command(FEEDBACK)
    async def feedback(ls: ThemisServer, uri: str, verdict: str, at: Any) -> None:
        severity, message = await answer(ls, uri, verdict, at)
        ls.window_show_message(lsp.ShowMessageParams(severity, f"Themis: {message}"))


async def _show(ls: ThemisServer, uri: str, selection: lsp.Range | None = None) -> None:
    window = ls.client_capabilities.window
    if window is None or window.show_document is None or not window.show_document.support:
        _inform(ls, f"this editor cannot be asked to open {uri}")
        return
    await ls.window_show_document_async(
        lsp.ShowDocumentParams(uri, take_focus=True, selection=selection)
    )


def _inform(ls: ThemisServer, message: str) -> None:
    ls.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Info, f"Themis: {message}"))


def _paths(uris: Iterable[str]) -> set[Path]:
    return {path for uri in uris if (path := path_of(uri)) is not None}


def _takes_in(kind: Any) -> bool:
    return kind in ("", lsp.CodeActionKind.QuickFix)


def _when(ls: ThemisServer, uri: str) -> When:
    return ls.settings_for(path_of(uri)).run
