"""Commands in comments: who may, what they do, and that nothing is answered twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_work import SHOP, App, app, bad, function, good
from fake_github import FakeGitHub, Hosted

from github_app.types import CommandName, CommandTask
from review_core.config import config_schema
from review_core.types import Axis


@pytest.fixture
def work(github: FakeGitHub, hosted: Hosted, tmp_path: Path) -> Iterator[App]:
    """A pull request with one finding, not reviewed yet. ada may push, eve may not."""
    github.limits.points = github.limits.contents = None
    github.grant(SHOP, "ada", "write")
    github.grant(SHOP, "eve", "read")
    hosted.work.write(".themis.toml", '[axes.efficiency]\nmode = "monitor"\n')
    hosted.commit("Base", a=good("f", "g"))
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull()
    with app(github, tmp_path / "app") as made:
        yield made


def reactions(work: App, task: CommandTask) -> list[str]:
    comment = next(each for each in work.github.comments(SHOP, 1) if each.id == task.comment_id)
    return [each.content for each in comment.reactions]


def test_who_may_not_push_gets_one_reaction_and_no_words(work: App) -> None:
    for command in CommandName:
        task = work.command(command, "eve", Axis.SECURITY)
        assert reactions(work, task) == ["confused"]
    assert work.answers() == work.told() == []
    assert not work.store.pull(work.pull()).paused


def test_review_reviews_now(work: App) -> None:
    task = work.command(CommandName.REVIEW)
    assert reactions(work, task) == ["eyes"]
    assert len(work.open()) == 1
    assert work.answers() == []


def test_a_full_review_tells_again_what_people_resolved(work: App) -> None:
    work.review()
    work.github.resolve(work.open()[0].thread, "ada")
    work.command(CommandName.REVIEW)
    assert work.open() == []
    work.command(CommandName.FULL_REVIEW)
    assert len(work.open()) == len(work.told()) == 1


def test_a_pause_holds_until_resume_and_a_wish_goes_before_it(work: App, hosted: Hosted) -> None:
    assert reactions(work, work.command(CommandName.PAUSE)) == ["+1"]
    work.review()
    assert work.told() == []
    assert work.check().output["title"].startswith("Not reviewed: reviews of this pull request are")
    assert work.check().conclusion == "neutral"
    work.command(CommandName.REVIEW)
    assert len(work.open()) == 1
    hosted.commit(a=bad("f", "g"))
    hosted.push()
    work.review()
    assert len(work.open()) == 1
    work.command(CommandName.RESUME)
    assert len(work.open()) == 2
    assert len({run.id for run in work.github.check_runs(SHOP)}) == 2


def test_an_ignored_axis_is_withheld_and_its_conversations_closed(
    work: App, hosted: Hosted
) -> None:
    work.review()
    assert len(work.open()) == 1
    work.command(CommandName.IGNORE, axis=Axis.SECURITY)
    assert work.open() == []
    assert "ignored on this pull request by a command" in work.check().output["text"]
    hosted.commit(a=bad("f", "g"))
    hosted.push()
    work.review()
    assert work.open() == []
    assert work.check().output["title"] == "No function likely worse · 2 reviewed"


def test_the_configuration_is_printed_with_where_each_value_came_from(work: App) -> None:
    task = work.command(CommandName.CONFIGURATION)
    (answer,) = work.answers()
    assert reactions(work, task) == ["+1"]
    row = '| <code>axes.efficiency.mode</code> | <code>"monitor"</code> | .themis.toml |'
    assert row in answer
    assert '| <code>axes.security.mode</code> | <code>"comment"</code> | default |' in answer
    assert "| <code>cache.enabled</code> | <code>false</code> | host |" in answer
    assert answer.count("\n| <code>") == sum(
        1 if "properties" not in part else _leaves(part)
        for part in config_schema()["properties"].values()
    )


def _leaves(part: dict[str, object]) -> int:
    properties = part["properties"]
    assert isinstance(properties, dict)
    return sum(_leaves(each) if "properties" in each else 1 for each in properties.values())


def test_help_has_every_command_and_says_what_was_not_understood(work: App) -> None:
    work.command(CommandName.HELP, hint="`revue` is not a command; did you mean `review`?")
    (answer,) = work.answers()
    for command in CommandName:
        assert f"@{work.github.app.slug} {command}" in answer
    assert "did you mean `review`?" in answer
    assert all(f"`@{work.github.app.slug}" in line for line in answer.splitlines() if "@" in line)


@pytest.mark.parametrize("command", [CommandName.HELP, CommandName.CONFIGURATION])
def test_an_answer_is_given_once_however_often_the_work_is_done(
    work: App, tmp_path: Path, command: CommandName
) -> None:
    task = work.command(command)
    work.work(task, lambda: False)
    with app(work.github, tmp_path / "losing", losing=True) as losing:
        losing.insist(lambda: losing.work(task, lambda: False))
        other = CommandTask(
            work.pull(), work.github.comment(SHOP, 1, "ada", "?").id, "ada", command
        )
        losing.insist(lambda: losing.work(other, lambda: False))
    assert len(work.answers()) == 2
    assert len(reactions(work, task)) == 1


def test_a_closed_pull_request_is_not_reviewed_by_command(work: App) -> None:
    work.github.close(SHOP, 1)
    assert reactions(work, work.command(CommandName.REVIEW)) == ["confused"]
    assert work.told() == []


def test_a_comment_that_was_deleted_meanwhile_is_no_trouble(work: App) -> None:
    comment = work.github.comment(SHOP, 1, "ada", "@themis-review review")
    work.github.delete_comment(comment.id)
    work.work(CommandTask(work.pull(), comment.id, "ada", CommandName.REVIEW), lambda: False)
    assert len(work.open()) == 1


def test_the_wrong_configuration_is_told(work: App, hosted: Hosted) -> None:
    hosted.checkout("main")
    hosted.work.write(".themis.toml", "modes = 2\n")
    hosted.commit("Misspell")
    hosted.push("main")
    work.command(CommandName.CONFIGURATION)
    assert "is not valid: .themis.toml: unknown key modes" in work.answers()[0]


def test_another_function_of_the_same_axis_is_not_lost(work: App, hosted: Hosted) -> None:
    """Ignoring one axis leaves the others."""
    hosted.commit(a=bad("f") + function("g", "return not_correct"))
    hosted.push()
    work.command(CommandName.IGNORE, axis=Axis.SECURITY)
    assert ["correctness" in each.body for each in work.open()] == [True]
