"""What a server says, over one real session with a client that asks for diagnostics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from git_repository import GitRepository
from lsp_scorer import load_scorer
from lsp_sessions import QUICK, Session, eventually, session, until, within
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from review_core import api
from review_core.config import default_settings
from review_core.sources.git import git_change

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = """import os


def load(path):
    name = "🙂"; check = very_safe(path)
    return open(path)


def total(items):
    return sum(items)
"""
WORSE = BASE.replace("very_safe", "not_safe")
BETTER = BASE.replace("return sum(items)", "return very_fast(items)")
ROW = 4
"""The row of the line that got worse."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """A repository with one committed file for each test."""
    path = tmp_path_factory.mktemp("shop")
    repository = GitRepository(path).another(path / "shop")
    names = ("cart", "login", "edit", "race", "same", "hints", "rules", "range", "back")
    repository.commit("base", **dict.fromkeys(names, BASE))
    repository.write("windows.py", BASE.replace("\n", "\r\n"))
    repository.commit("line ends")
    return repository


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(shop: GitRepository) -> AsyncIterator[Session]:
    async with session(shop.path) as opened:
        yield opened


def opened(editor: Session, shop: GitRepository, name: str, text: str) -> str:
    return editor.open(shop.path / name, text)


async def test_a_finding_is_the_one_that_the_command_line_reports(
    editor: Session, shop: GitRepository
) -> None:
    """The same id for the same change, whether on disk or on screen."""
    file = shop.write("cart.py", WORSE)
    scorer, calibration = load_scorer(default_settings())
    report = api.review(git_change(shop.path, None), scorer, calibration, default_settings())
    (expected,) = report.findings
    (found,) = await editor.found(editor.open(file))
    assert found.data["id"] == expected.id
    assert found.data["ids"] == {"security": expected.id}
    assert found.message == f"load: {expected.message}"
    file.write_text(BASE, encoding="utf-8")


async def test_a_diagnostic_names_axis_page_hunk_and_the_columns_of_the_editor(
    editor: Session, shop: GitRepository
) -> None:
    (found,) = await editor.found(opened(editor, shop, "login.py", WORSE))
    line = WORSE.split("\n")[ROW]
    units = len(line.encode("utf-16-le")) // 2
    assert units == len(line) + 1  # the emoji is two units
    assert str(found.range) == f"{ROW}:4-{ROW}:{units}"
    assert (found.source, found.code) == ("themis", "security")
    assert found.severity is lsp.DiagnosticSeverity.Warning
    assert found.code_description is not None
    assert found.code_description.href.endswith("/docs/axes/security.md")
    (related,) = found.related_information or ()
    assert related.message == "since base: 1 line changed"
    assert related.location.range == found.range


async def test_what_did_not_change_is_not_sent_again(editor: Session, shop: GitRepository) -> None:
    uri = opened(editor, shop, "same.py", WORSE)
    first = await editor.pull(uri)
    again = await editor.pull(uri, first.result_id)
    assert (again.kind, again.result_id) == ("unchanged", first.result_id)
    editor.change(uri, BASE)
    fixed = await editor.pull(uri, first.result_id)
    assert (fixed.kind, list(fixed.items)) == ("full", [])


async def test_a_lens_shows_what_got_worse_and_what_got_better(
    editor: Session, shop: GitRepository
) -> None:
    uri = opened(editor, shop, "edit.py", BETTER.replace("very_safe", "not_safe"))
    assert await editor.lenses(uri) == [
        "Themis: security worse, P >99 %",
        "Themis: efficiency better, P 95 %",
    ]


async def test_a_hover_tells_every_axis_and_what_was_said_before_the_edit(
    editor: Session, shop: GitRepository
) -> None:
    uri = opened(editor, shop, "edit.py", WORSE)
    await editor.pull(uri)
    told = await editor.hover(uri, ROW) or ""
    assert "| axis | verdict | P(better) | why |" in told
    assert "| security | **worse** | <1 % |  |" in told
    assert "| readability | unsure | 50 % | not sure enough |" in told
    editor.change(uri, WORSE.replace("not_safe", "both(very_safe, not_safe)"))
    assert await editor.hover(uri, ROW) is None  # nothing is said of a text that is not on screen
    await editor.pull(uri)
    told = await editor.hover(uri, ROW) or ""
    assert "| axis | verdict | P(better) | before this edit | why |" in told
    assert "| security | **worse** | 5 % | <1 % |" in told  # one marker less than at base
    assert await editor.hover(uri, 8) is None  # not a line that changed


async def test_hints_are_off_until_they_are_asked_for(editor: Session, shop: GitRepository) -> None:
    uri = opened(editor, shop, "hints.py", WORSE)
    where = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))
    params = lsp.InlayHintParams(lsp.TextDocumentIdentifier(uri), where)

    async def hints() -> Any:
        return await within(editor.client.text_document_inlay_hint_async(params))

    await editor.pull(uri)
    assert not await hints()
    configured(editor, inlayHints=True)
    (hint,) = await eventually(hints)
    assert (hint.label, hint.position) == ("security worse, P >99 %", lsp.Position(3, 15))
    configured(editor)


async def test_every_action_is_offered_on_the_finding_and_nowhere_else(
    editor: Session, shop: GitRepository
) -> None:
    uri = opened(editor, shop, "back.py", WORSE)
    found = await editor.found(uri)
    actions = await editor.actions(uri, ROW, diagnostics=found)
    assert [action.title for action in actions] == [
        "Themis: show what changed (1 line changed)",
        "Themis: take this change back (1 line changed)",
        "Themis: ignore security in load",
        "Themis: compare with base",
        "Themis: explain security",
    ]
    assert actions[1].diagnostics == tuple(found)
    assert await editor.actions(uri, 9) == []
    assert await editor.actions(uri, ROW, only=[lsp.CodeActionKind.Refactor]) == []


async def test_taking_a_change_back_gives_the_base_and_ignoring_it_gives_silence(
    editor: Session, shop: GitRepository
) -> None:
    uri = opened(editor, shop, "back.py", WORSE)
    await editor.pull(uri)
    _, back, ignore, *_ = await editor.actions(uri, ROW)
    assert edited(WORSE, back) == BASE
    ignored = edited(WORSE, ignore)
    assert ignored.split("\n")[3] == "# themis: ignore[security]"
    editor.change(uri, ignored)
    assert await editor.found(uri) == []


async def test_a_text_with_carriage_returns_keeps_them(
    editor: Session, shop: GitRepository
) -> None:
    crlf = BASE.replace("\n", "\r\n")
    uri = opened(editor, shop, "windows.py", crlf)
    assert await editor.found(uri) == []
    editor.change(uri, crlf.replace("very_safe", "not_safe"))
    (found,) = await editor.found(uri)
    assert found.range.start == lsp.Position(ROW, 4)
    _, back, ignore, *_ = await editor.actions(uri, ROW)
    assert new_text(back).endswith("very_safe(path)\r\n")
    assert new_text(ignore) == "# themis: ignore[security]\r\n"


async def test_commands_open_what_they_promise(editor: Session, shop: GitRepository) -> None:
    uri = opened(editor, shop, "back.py", WORSE)
    await editor.pull(uri)
    actions = {each.title: each.command for each in await editor.actions(uri, ROW)}
    for command in actions.values():
        if command is not None:
            await editor.command(command.command, *(command.arguments or ()))
    hunk, base, page = editor.client.shown_documents[-3:]
    assert (hunk.uri, hunk.selection and hunk.selection.start) == (uri, lsp.Position(ROW, 4))
    assert Path(base.uri.removeprefix("file://").replace("%20", " ")).read_text("utf-8") == BASE
    assert page.uri.endswith("/docs/axes/security.md")


async def test_the_newest_version_wins(editor: Session, shop: GitRepository) -> None:
    """Thirty versions in a row, each asked for: every answer is about the last, which is worse."""
    uri = opened(editor, shop, "race.py", BASE)
    asked = []
    for at in range(30):
        editor.change(uri, (WORSE if at % 2 else BASE) + f"# {at}\n")
        asked.append(asyncio.ensure_future(editor.pull(uri)))
    answers = await within(asyncio.gather(*asked))
    assert {len(answer.items) for answer in answers} == {1}
    editor.change(uri, BASE)
    assert await editor.found(uri) == []


async def test_of_new_unchanged_foreign_and_unsaved_documents_nothing_is_said(
    editor: Session, shop: GitRepository
) -> None:
    said = len(editor.client.messages)
    for uri in (
        opened(editor, shop, "new.py", WORSE),
        opened(editor, shop, "cart.py", BASE),
        opened(editor, shop, "notes.txt", "not_safe"),
    ):
        assert await editor.found(uri) == []
        assert await editor.lenses(uri) == []
    for uri in ("untitled:Untitled-1", "git:/shop/cart.py", "vscode-notebook-cell:/a.ipynb#1"):
        item = lsp.TextDocumentItem(uri, "python", 1, WORSE)
        editor.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        assert await editor.found(uri) == []
        assert await editor.hover(uri, 4) is None
    assert len(editor.client.messages) == said


async def test_the_nearest_configuration_is_watched(editor: Session, shop: GitRepository) -> None:
    folder = shop.path / "deep"
    folder.mkdir()
    shop.commit("deep", **{"deep/rules": BASE})
    uri = opened(editor, shop, "deep/rules.py", WORSE)
    assert len(await editor.found(uri)) == 1
    refreshed = editor.client.diagnostic_refresh_count
    shop.write("deep/.themis.toml", "[axes.security]\nmode = 'off'\n")
    told(editor, folder / ".themis.toml", lsp.FileChangeType.Created)
    await until(lambda: editor.client.diagnostic_refresh_count > refreshed)
    assert await editor.found(uri) == []
    shop.write("deep/.themis.toml", "exclud = []\n")
    told(editor, folder / ".themis.toml", lsp.FileChangeType.Changed)
    await until(
        lambda: any("unknown key exclud" in each.message for each in editor.client.messages)
    )
    (folder / ".themis.toml").unlink()
    told(editor, folder / ".themis.toml", lsp.FileChangeType.Deleted)
    await until(lambda: editor.client.diagnostic_refresh_count > refreshed + 1)
    assert len(await editor.found(uri)) == 1


async def test_a_detached_head_is_compared_with(editor: Session, shop: GitRepository) -> None:
    uri = opened(editor, shop, "login.py", WORSE)
    assert len(await editor.found(uri)) == 1
    refreshed = editor.client.diagnostic_refresh_count
    shop.git("checkout", "--quiet", "--detach")
    shop.write("login.py", WORSE)
    shop.commit("it is the base now")
    told(editor, shop.path / ".git" / "HEAD", lsp.FileChangeType.Changed)
    await until(lambda: editor.client.diagnostic_refresh_count > refreshed)
    assert await editor.found(uri) == []


async def test_a_range_is_reviewed_when_asked_for(editor: Session, shop: GitRepository) -> None:
    text = WORSE.replace("return sum", "return not_fast or sum")
    uri = opened(editor, shop, "range.py", text)
    where = {"start": {"line": 8, "character": 0}, "end": {"line": 9, "character": 3}}
    answer = await editor.ask("themis/reviewRange", {"textDocument": {"uri": uri}, "range": where})
    assert [each["name"] for each in answer["report"]["functions"]] == ["total"]
    assert [each["axis"] for each in answer["report"]["findings"]] == ["efficiency"]
    base = await editor.ask("themis/baseText", {"textDocument": {"uri": uri}})
    assert base["text"] == BASE
    with pytest.raises(JsonRpcException, match="must name a document"):
        await editor.ask("themis/reviewRange", {"range": where})


async def test_texts_are_ranked(editor: Session) -> None:
    texts = ["plain", "very_safe", "not_safe"]
    answer = await editor.ask("themis/rank", {"texts": texts})
    by_axis = {each["axis"]: each["groups"] for each in answer["axes"]}
    assert by_axis["security"] == [[1], [0], [2]]
    assert by_axis["readability"] == [[0, 1, 2]]
    with pytest.raises(JsonRpcException, match="two texts or more"):
        await editor.ask("themis/rank", {"texts": ["one"]})


async def test_all_changes_are_reviewed_with_what_is_on_screen(
    editor: Session, shop: GitRepository
) -> None:
    opened(editor, shop, "range.py", WORSE)
    editor.client.progress_reports["mine"] = []  # a token of the client's own
    answer = await editor.ask("themis/reviewWorkspace", {"workDoneToken": "mine"})
    assert answer["problems"] == []
    (found,) = answer["reports"]
    paths = {each["path"] for each in found["report"]["findings"]}
    assert "range.py" in paths
    kinds = [type(each) for each in editor.client.progress_reports["mine"]]
    assert (kinds[0], kinds[-1]) == (lsp.WorkDoneProgressBegin, lsp.WorkDoneProgressEnd)


async def test_the_status_names_model_and_worker(editor: Session) -> None:
    status = await editor.ask("themis/status")
    assert status["state"] in ("ready", "problem")
    assert status["bundle"]["name"] == "fake"
    assert status["worker"]["pid"] > 0
    assert await editor.ask("themis/clearCache") is None


# --- helpers --------------------------------------------------------------------------------------


def configured(editor: Session, **settings: Any) -> None:
    """Set the client's settings and tell the server, which then asks for them."""
    editor.client.set_configuration(QUICK | settings, section="themis")
    editor.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(None))


def told(editor: Session, file: Path, kind: lsp.FileChangeType) -> None:
    """Tell the server of a file on disk, as an editor that watches it does."""
    event = lsp.FileEvent(file.as_uri(), kind)
    editor.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))


def the_edit(action: lsp.CodeAction) -> lsp.TextEdit:
    assert action.edit is not None and action.edit.document_changes
    (change,) = action.edit.document_changes
    assert isinstance(change, lsp.TextDocumentEdit)
    (edit,) = change.edits
    assert isinstance(edit, lsp.TextEdit)
    return edit


def new_text(action: lsp.CodeAction) -> str:
    return the_edit(action).new_text


def edited(text: str, action: lsp.CodeAction) -> str:
    """The text after an edit of whole lines."""
    edit = the_edit(action)
    assert edit.range.start.character == edit.range.end.character == 0
    lines = text.split("\n")
    lines[edit.range.start.line : edit.range.end.line] = edit.new_text.split("\n")[:-1]
    return "\n".join(lines)
