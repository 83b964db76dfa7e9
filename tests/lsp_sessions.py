"""Sessions of a real client with a real server over stdio, for the tests of lsp_server."""

from __future__ import annotations

import asyncio
import os
import sys
from ast import literal_eval
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import make_test_lsp_client

FAKE_SERVER = Path(__file__).with_name("lsp_fake_server.py")
TIME_LIMIT = 100.0
"""Seconds that anything a test waits for may take, on a busy machine."""

QUICK = {"debounceMilliseconds": 10}


def pulling() -> lsp.ClientCapabilities:
    """VS Code, with what it learned since pytest-lsp's recording of it."""
    capabilities = client_capabilities("visual-studio-code")
    assert capabilities.text_document and capabilities.workspace
    capabilities.text_document.diagnostic = lsp.DiagnosticClientCapabilities()
    capabilities.text_document.inlay_hint = lsp.InlayHintClientCapabilities()
    refresh = lsp.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    capabilities.workspace.diagnostics = refresh
    watched = lsp.DidChangeWatchedFilesClientCapabilities(True, relative_pattern_support=True)
    capabilities.workspace.did_change_watched_files = watched
    capabilities.notebook_document = lsp.NotebookDocumentClientCapabilities(
        lsp.NotebookDocumentSyncClientCapabilities()
    )
    return capabilities


def pushed_to() -> lsp.ClientCapabilities:
    """Neovim 0.7: it is sent diagnostics, and knows neither configuration nor progress."""
    return client_capabilities("neovim@v0.7")


class Session:
    """A client, and what tests do with it again and again."""

    def __init__(
        self,
        client: LanguageClient,
        answer: lsp.InitializeResult,
        registered: list[lsp.Registration],
    ) -> None:
        self.client = client
        self.answer = answer
        self.registered = registered
        """What the server wants to be told of."""
        self.versions: dict[str, int] = {}

    @property
    def is_running(self) -> bool:
        """Whether the server is, as far as its client knows."""
        server = self.client._server
        return server is not None and server.returncode is None

    def open(self, file: Path, text: str | None = None, language: str = "python") -> str:
        """Open a file, with the text on disk or another one; return its URI."""
        uri = file.as_uri()
        text = file.read_bytes().decode() if text is None else text
        self.versions[uri] = 1
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, language, 1, text))
        )
        return uri

    def change(self, uri: str, text: str) -> int:
        """Give a document a new text; return its version."""
        self.versions[uri] += 1
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self.versions[uri], uri), [whole]
            )
        )
        return self.versions[uri]

    def close(self, uri: str) -> None:
        self.client.text_document_did_close(lsp.DidCloseTextDocumentParams(_document(uri)))

    def save(self, uri: str) -> None:
        self.client.text_document_did_save(lsp.DidSaveTextDocumentParams(_document(uri)))

    @property
    def messages(self) -> list[str]:
        """What the user was shown."""
        return [each.message for each in self.client.messages]

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self.client._server is not None
        return self.client._server.pid

    async def pull(self, uri: str, known: str | None = None) -> Any:
        """The report of a document's diagnostics."""
        params = lsp.DocumentDiagnosticParams(_document(uri), previous_result_id=known)
        return await within(self.client.text_document_diagnostic_async(params))

    async def found(self, uri: str) -> list[lsp.Diagnostic]:
        """The diagnostics of a document that is asked for them."""
        return list((await self.pull(uri)).items)

    async def lenses(self, uri: str) -> list[str]:
        """The titles of a document's code lenses."""
        params = lsp.CodeLensParams(_document(uri))
        lenses = await within(self.client.text_document_code_lens_async(params))
        return [lens.command.title for lens in lenses or () if lens.command]

    async def hover(self, uri: str, line: int) -> str | None:
        """What a hover says at the start of a line, counted from 0."""
        params = lsp.HoverParams(_document(uri), lsp.Position(line, 4))
        told = await within(self.client.text_document_hover_async(params))
        assert told is None or isinstance(told.contents, lsp.MarkupContent)
        return told.contents.value if told else None

    async def actions(self, uri: str, line: int, **context: Any) -> list[lsp.CodeAction]:
        """The code actions at the start of a line, counted from 0."""
        where = lsp.Range(lsp.Position(line, 0), lsp.Position(line, 1))
        told = lsp.CodeActionContext(**({"diagnostics": []} | context))
        params = lsp.CodeActionParams(_document(uri), where, told)
        found = await within(self.client.text_document_code_action_async(params))
        return [_action(each) for each in found or ()]

    async def ask(self, method: str, params: Any = None) -> Any:
        """The plain answer to a request of our own."""
        return plain(await within(self.client.protocol.send_request_async(method, params)))

    async def command(self, name: str, *arguments: Any) -> None:
        params = lsp.ExecuteCommandParams(name, list(arguments))
        await within(self.client.workspace_execute_command_async(params))

    async def published(self, uri: str, is_right: Callable[[Any], bool] = bool) -> Any:
        """The diagnostics that a document was sent, once they are right."""
        await until(
            lambda: uri in self.client.diagnostics and is_right(self.client.diagnostics[uri])
        )
        return self.client.diagnostics[uri]


@asynccontextmanager
async def session(
    *folders: Path,
    capabilities: lsp.ClientCapabilities | None = None,
    settings: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    command: list[str] | None = None,
    **environment: str,
) -> AsyncIterator[Session]:
    """A session in a workspace of these folders, shut down in order at its end."""
    client = make_test_lsp_client()
    registered: list[lsp.Registration] = []
    client.feature(lsp.CLIENT_REGISTER_CAPABILITY)(
        lambda params: registered.extend(params.registrations)
    )
    client.feature(lsp.CLIENT_UNREGISTER_CAPABILITY)(lambda _: None)
    client.feature(lsp.WORKSPACE_CODE_LENS_REFRESH)(lambda *_: None)
    client.feature(lsp.WORKSPACE_INLAY_HINT_REFRESH)(lambda *_: None)
    client.set_configuration(dict(QUICK | dict(settings or {})), section="themis")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    started = command or [sys.executable, str(FAKE_SERVER)]
    await client.start_io(*started, env=clean | environment)
    params = lsp.InitializeParams(
        capabilities or pulling(),
        initialization_options=dict(options or {"settings": dict(QUICK | dict(settings or {}))}),
        workspace_folders=[lsp.WorkspaceFolder(path.as_uri(), path.name) for path in folders],
    )
    try:
        answer = await within(client.initialize_session(params))
        yield Session(client, answer, registered)
        if client._server is not None and client._server.returncode is None:
            await within(client.shutdown_session())
    finally:
        if client._server is not None and client._server.returncode is None:
            client._server.kill()
        await within(client.stop())


async def within(coroutine: Any, seconds: float = TIME_LIMIT) -> Any:
    """The result of a coroutine that must not hang."""
    return await asyncio.wait_for(coroutine, seconds)


async def eventually(ask: Callable[[], Any], is_right: Callable[[Any], bool] = bool) -> Any:
    """The answer to a question that is asked until it is right."""
    async with asyncio.timeout(TIME_LIMIT):
        while not is_right(answer := await ask()):
            await asyncio.sleep(0.05)
        return answer


async def until(is_so: Callable[[], Any], seconds: float = TIME_LIMIT) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.02)


def plain(value: Any) -> Any:
    """An answer as JSON has it; pygls makes named tuples of objects it does not know."""
    if hasattr(value, "_asdict"):
        return {key: plain(each) for key, each in value._asdict().items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _action(found: lsp.Command | lsp.CodeAction) -> lsp.CodeAction:
    """lsprotocol 2025.0.0 takes an action with a command for a command of that text."""
    if isinstance(found, lsp.CodeAction):
        return found
    told = literal_eval(found.command)
    command = lsp.Command(told["title"], told["command"], arguments=told["arguments"])
    return lsp.CodeAction(found.title, command=command)


def _document(uri: str) -> lsp.TextDocumentIdentifier:
    return lsp.TextDocumentIdentifier(uri)
