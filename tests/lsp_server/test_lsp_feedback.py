"""Saying in an editor that a finding is right or wrong, over a real session with any client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from git_repository import GitRepository
from lsp_sessions import Session, session, until

from review_core.feedback import Answer, FeedbackStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = """def load(path):
    check = very_safe(path)
    return open(path)


def total(items):
    return sum(items)
"""
WORSE = BASE.replace("very_safe", "not_safe")
TWICE = WORSE.replace("open(path)", "not_fast(path)")
ROW = 1
"""The row of the line that got worse."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    path = tmp_path_factory.mktemp("feedback")
    repository = GitRepository(path).another(path / "shop")
    repository.write(".themis.toml", "remember_findings = true\n")
    repository.write("quiet/.themis.toml", "exclude = []\n")
    names = ("cart", "edited", "twice", "quiet/cart")
    repository.commit("base", **dict.fromkeys(names, BASE))
    return repository


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's data folder."""
    return tmp_path_factory.mktemp("data")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(shop: GitRepository, data: Path) -> AsyncIterator[Session]:
    async with session(shop.path, XDG_DATA_HOME=str(data)) as opened:
        yield opened


def answers(shop: GitRepository, data: Path) -> list[Answer]:
    store = FeedbackStore(data / "themis-review" / "feedback.sqlite")
    return store.answers(str(shop.path.resolve()))


async def told(editor: Session, said: int) -> str:
    """What the user was shown since."""
    await until(lambda: len(editor.messages) > said)
    return editor.messages[-1]


async def answering(editor: Session, uri: str) -> dict[str, Any]:
    actions = await editor.actions(uri, ROW)
    return {each.title: each.command for each in actions if "this finding is" in each.title}


async def test_an_action_keeps_a_finding_with_what_was_said_of_it(
    editor: Session, shop: GitRepository, data: Path
) -> None:
    uri = editor.open(shop.path / "cart.py", WORSE)
    (found,) = await editor.found(uri)
    assert answers(shop, data) == []  # nobody said anything: nothing is kept
    commands = await answering(editor, uri)
    right, wrong = commands.values()
    assert list(commands) == [
        "Themis: this finding is right (security)",
        "Themis: this finding is wrong (security)",
    ]
    said = len(editor.messages)
    await editor.command(wrong.command, *wrong.arguments)
    assert await told(editor, said) == (
        "Themis: kept on this machine: load (security) is wrong; 1 answer here so far"
    )
    (answer,) = answers(shop, data)
    assert (answer.finding.id, answer.right) == (found.data["id"], False)
    assert "not_safe" in answer.finding.head
    assert "very_safe" in answer.finding.base
    await editor.command(right.command, *right.arguments)
    assert [each.right for each in answers(shop, data)] == [True]  # the second one counts


async def test_a_position_stands_for_the_one_finding_of_the_function_there(
    editor: Session, shop: GitRepository, data: Path
) -> None:
    uri = editor.open(shop.path / "edited.py", WORSE.replace("load", "fetch"))
    await editor.found(uri)
    before, said = len(answers(shop, data)), len(editor.messages)
    await editor.command("themis.feedback", uri, "good", {"line": ROW, "character": 8})
    assert "fetch (security) is right" in await told(editor, said)
    assert len(answers(shop, data)) == before + 1
    await editor.command("themis.feedback", uri, "good", {"line": 6, "character": 0})
    assert "there is no finding here" in await told(editor, said + 1)


async def test_two_findings_at_one_place_are_not_answered_as_one(
    editor: Session, shop: GitRepository, data: Path
) -> None:
    uri = editor.open(shop.path / "twice.py", TWICE)
    assert len(await editor.found(uri)) == 2
    before, said = len(answers(shop, data)), len(editor.messages)
    await editor.command("themis.feedback", uri, "bad", {"line": ROW, "character": 0})
    assert "2 findings are here (" in await told(editor, said)
    assert len(answers(shop, data)) == before


async def test_of_an_edited_function_and_in_other_words_nothing_is_kept(
    editor: Session, shop: GitRepository, data: Path
) -> None:
    uri = editor.open(shop.path / "cart.py", WORSE)
    (found,) = await editor.found(uri)
    before, said = len(answers(shop, data)), len(editor.messages)
    await editor.command("themis.feedback", uri, "nonsense", found.data["id"])
    assert await told(editor, said) == "Themis: a finding is good or bad, not nonsense"
    await editor.command("themis.feedback", uri, "bad", "0123456789abcdef")
    assert "there is no finding here" in await told(editor, said + 1)
    await editor.command("themis.feedback", "file:///nowhere.py", "bad", found.data["id"])
    assert "nothing is said of this document" in await told(editor, said + 2)
    editor.change(uri, WORSE.replace("return open", "return closed(path) or open"))
    await editor.command("themis.feedback", uri, "bad", found.data["id"])
    assert "edited since" in await told(editor, said + 3)
    assert len(answers(shop, data)) == before


async def test_where_nobody_asked_for_it_nothing_is_offered_and_nothing_kept(
    editor: Session, shop: GitRepository, data: Path
) -> None:
    uri = editor.open(shop.path / "quiet" / "cart.py", WORSE)
    (found,) = await editor.found(uri)
    assert await answering(editor, uri) == {}
    before, said = len(answers(shop, data)), len(editor.messages)
    await editor.command("themis.feedback", uri, "bad", found.data["id"])
    assert "remember_findings = true in .themis.toml keeps them" in await told(editor, said)
    assert len(answers(shop, data)) == before
