"""What people say of findings on pull requests: read from GitHub, counted, kept where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_work import SHOP, App, app, bad, function, good
from click.testing import CliRunner
from fake_github import FakeGitHub, Hosted

from github_app.cli import cli
from github_app.events import App as Us
from github_app.events import task_of
from github_app.feedback import answers, key_of
from github_app.github.values import Reaction, Remark
from github_app.grammar import Command, command_of
from github_app.publishing.marks import FindingMark
from github_app.types import CloseTask, CommandName, CommandTask, FeedbackTask, ForgetTask, Ignored
from review_core.feedback import Answer

US = "themis-review"
EARLY, EDITED, LATE, LATER = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3, 4))
THEY_MAY = {"ada", "bob", "cyd"}


# --- who says what -------------------------------------------------------------------------------


def opening(*reactions: Reaction, body: str = str(FindingMark("ab12", "cd34"))) -> Remark:
    return Remark(1, f"{US}[bot]", body, None, EARLY, EDITED, reactions)


def reply(text: str, author: str = "ada", at: str = LATE, to: int = 1, id_: int = 2) -> Remark:
    return Remark(id_, author, text, to, at, at)


def up(who: str, at: str = LATE) -> Reaction:
    return Reaction(who, "+1", at)


def down(who: str, at: str = LATE) -> Reaction:
    return Reaction(who, "-1", at)


def told(*remarks: Remark) -> dict[str, bool]:
    return dict(answers(remarks, US, THEY_MAY.__contains__))


def test_the_larger_side_of_those_who_may_push_counts() -> None:
    assert told(opening(up("ada"))) == {"ab12": True}
    assert told(opening(down("ada"), down("bob"), up("cyd"))) == {"ab12": False}
    assert told(opening(up("ada"), down("bob"))) == {}
    assert told(opening(up("eve"), up("mallory"), down("ada"))) == {"ab12": False}
    assert told(opening(Reaction("ada", "heart", LATE))) == {}
    assert told(opening(up("ada"), up("ada"), down("bob"), down("cyd"))) == {"ab12": False}


def test_a_reply_that_says_so_counts_before_reactions_and_the_last_one_counts() -> None:
    votes = opening(up("bob"), up("cyd"))
    assert told(votes, reply(f"@{US} feedback bad")) == {"ab12": False}
    both = reply(f"@{US} feedback bad"), reply(f"@{US} feedback good", "bob", LATER, id_=3)
    assert told(opening(), *both) == {"ab12": True}
    asked = reply(f"@{US} feedback bad"), reply(f"@{US} help", "bob", LATER, id_=3)
    assert told(opening(), *asked) == {"ab12": False}
    assert told(votes, reply(f"@{US} feedback bad", "eve")) == {"ab12": True}
    assert told(votes, reply(f"> @{US} feedback bad\n\nI would not say so")) == {"ab12": True}
    assert told(opening(), reply(f"@{US} feedback bad", to=9)) == {}


def test_what_was_said_before_the_comment_was_edited_was_said_of_another_finding() -> None:
    """A function that was edited again and is still worse keeps its conversation, with a new id."""
    assert told(opening(down("ada", EARLY))) == {}
    assert told(opening(), reply(f"@{US} feedback bad", at=EARLY)) == {}
    assert told(opening(down("ada", EDITED))) == {"ab12": False}


def test_only_our_own_comments_about_findings_that_are_there_are_read() -> None:
    mark = str(FindingMark("ab12", "cd34"))
    forged = Remark(1, "eve", mark, None, EARLY, EARLY, (up("ada"),))
    gone = opening(up("ada"), body=str(FindingMark("ab12", "cd34", gone=True)))
    answer = Remark(5, f"{US}[bot]", mark, 1, EARLY, EARLY, (up("ada"),))
    assert told(forged, gone, answer, opening(up("ada"), body="no mark")) == {}


@pytest.mark.parametrize(("word", "right"), [("good", True), ("bad", False)])
def test_the_grammar_has_a_word_for_each_side(word: str, right: bool) -> None:
    assert command_of(f"@{US} feedback {word}.", US) == Command(CommandName.FEEDBACK, right=right)
    misspelt = command_of(f"@{US} feedback {word}d", US)
    assert misspelt is not None
    assert misspelt.name is CommandName.HELP
    assert "did you mean" in misspelt.hint


def payload(body: str | None, **user: Any) -> dict[str, Any]:
    return {
        "action": "created",
        "installation": {"id": 7},
        "repository": {"id": 1, "name": "shop", "owner": {"login": "octo"}},
        "sender": {"login": "ada", "type": "User"},
        "pull_request": {"number": 3},
        "comment": {"id": 9, "user": {"login": "ada", "type": "User"} | user, "body": body},
    }


def test_of_comments_on_lines_an_answer_is_a_task_and_nothing_else() -> None:
    def task(body: str | None, **user: Any) -> Any:
        return task_of("pull_request_review_comment", "g", payload(body, **user), Us(2, US))

    assert isinstance(task(f"@{US} feedback good"), FeedbackTask)
    for words in ("review", "feedback", "feedback maybe", "help"):
        assert isinstance(task(f"@{US} {words}"), Ignored)
    assert isinstance(task(None), Ignored)
    assert isinstance(task(f"@{US} feedback good", login="x[bot]", type="Bot"), Ignored)
    below = {"issue": {"number": 3, "pull_request": {}}} | payload(f"@{US} feedback good")
    help_ = task_of("issue_comment", "g", below, Us(2, US))
    assert isinstance(help_, CommandTask)
    assert (help_.command, "reply in its conversation" in help_.hint) == (CommandName.HELP, True)


# --- against a GitHub ----------------------------------------------------------------------------


@pytest.fixture
def work(github: FakeGitHub, hosted: Hosted, tmp_path: Path) -> Iterator[App]:
    """Two findings, in a repository that wants answers kept. ada and bob may push, eve may not."""
    github.limits.points = github.limits.contents = None
    for who in ("ada", "bob"):
        github.grant(SHOP, who, "write")
    github.grant(SHOP, "eve", "read")
    hosted.work.write(".themis.toml", "remember_findings = true\n")
    hosted.commit("Base", a=good("f", "g", "h"))
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a=bad("f", "g") + good("h"))
    hosted.open_pull()
    with app(github, tmp_path / "app") as made:
        yield made


def kept(work: App) -> dict[str, bool]:
    return {each.finding.function: each.right for each in all_kept(work)}


def all_kept(work: App) -> list[Answer]:
    return work.answers_kept.answers(key_of(work.pull()))


def comment_on(work: App, name: str) -> int:
    return next(each.comment for each in work.told() if f"· `{name}`" in each.body)


def close(work: App) -> None:
    work.work(CloseTask(work.pull(), "now"), lambda: False)


def test_reactions_are_kept_with_the_code_when_the_pull_request_is_closed(work: App) -> None:
    work.review()
    assert all("👍 or 👎 says whether it is right" in each.body for each in work.told())
    work.github.react(comment_on(work, "f"), "ada", "-1")
    work.github.react(comment_on(work, "g"), "ada", "+1")
    work.github.react(comment_on(work, "g"), "eve", "-1")
    work.github.close(SHOP, 1)
    assert kept(work) == {}  # GitHub tells nobody of reactions
    close(work)
    assert kept(work) == {"f": False, "g": True}
    (of_f,) = (each for each in all_kept(work) if each.finding.function == "f")
    assert "not_safe" in of_f.finding.head
    assert "not_safe" not in of_f.finding.base
    close(work)
    assert len(all_kept(work)) == 2


def test_an_answer_in_the_conversation_is_read_at_once_and_acknowledged(work: App) -> None:
    work.review()
    said = work.github.reply(comment_on(work, "f"), "ada", f"@{work.github.app.slug} feedback bad")
    delivery = work.github.world.deliveries[-1]
    task = task_of(delivery.event, delivery.guid, delivery.payload, Us(0, work.github.app.slug))
    assert task == FeedbackTask(work.pull(), said.id, "ada")
    work.work(task, lambda: False)
    assert kept(work) == {"f": False}
    assert [each.content for each in said.reactions] == ["+1"]
    work.work(task, lambda: False)
    assert len(said.reactions) == 1


def test_who_may_not_push_is_not_counted_and_told_so(work: App) -> None:
    work.review()
    said = work.github.reply(comment_on(work, "f"), "eve", f"@{work.github.app.slug} feedback bad")
    work.work(FeedbackTask(work.pull(), said.id, "eve"), lambda: False)
    assert kept(work) == {}
    assert [each.content for each in said.reactions] == ["confused"]
    work.github.delete_review_comment(said.id)
    work.work(FeedbackTask(work.pull(), said.id, "eve"), lambda: False)  # no trouble


def test_a_vote_goes_with_what_it_was_given_for_when_the_function_is_edited_again(
    work: App, hosted: Hosted
) -> None:
    """The 👎 is of the first version; the second is another finding in the same place."""
    work.review()
    first = comment_on(work, "f")
    work.github.react(first, "ada", "-1")
    hosted.commit(a=function("f", "return not_safe + not_safe") + bad("g") + good("h"))
    hosted.push()
    work.sleep(5)
    work.review()
    assert comment_on(work, "f") == first
    close(work)
    (answer,) = all_kept(work)
    assert "not_safe + not_safe" not in answer.finding.head


def test_without_the_setting_nothing_is_kept_and_nothing_asked_for(
    work: App, hosted: Hosted
) -> None:
    hosted.checkout("main")
    hosted.work.write(".themis.toml", "exclude = []\n")
    hosted.commit("Keep nothing")
    hosted.push("main")
    work.review()
    assert not any("👍" in each.body for each in work.told())
    work.github.react(comment_on(work, "f"), "ada", "-1")
    close(work)
    assert work.answers_kept.repositories() == []
    assert work.github.log("GET", "/pulls/1/comments") == []


def test_only_comments_with_a_thumb_cost_a_request(work: App) -> None:
    work.review()
    work.github.react(comment_on(work, "g"), "ada", "+1")
    close(work)
    assert len(work.github.log("GET", "/reactions")) == 1


def test_what_is_forgotten_is_gone_and_old_findings_go_by_themselves(work: App) -> None:
    work.review()
    work.github.react(comment_on(work, "f"), "ada", "+1")
    close(work)
    pull = work.pull()
    other = ForgetTask(pull.installation, (pull.repository.id + 1,), "guid")
    work.work(other, lambda: False)
    assert kept(work) == {"f": True}
    work.answers_kept.drop_shown(float("inf"))
    assert (work.answers_kept.shown(key_of(pull)), kept(work)) == ([], {"f": True})
    work.work(ForgetTask(pull.installation, None, "guid"), lambda: False)
    assert work.answers_kept.repositories() == []


def test_a_store_that_cannot_be_used_fails_no_review(work: App, tmp_path: Path) -> None:
    (tmp_path / "app" / "feedback.sqlite").write_bytes(b"no database at all " * 100)
    work.review()
    assert len(work.open()) == 2
    close(work)


def test_a_github_that_shows_no_reactions_costs_no_review(work: App, hosted: Hosted) -> None:
    work.review()
    work.github.react(comment_on(work, "f"), "ada", "-1")
    work.github.fail("GET", "/reactions", status=403, times=9)
    hosted.commit(a=bad("f", "g", "h"))
    hosted.push()
    work.review()
    assert len(work.open()) == 3
    assert kept(work) == {}


def test_answers_are_listed_and_taken_along(
    work: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.review()
    work.github.react(comment_on(work, "f"), "ada", "-1")
    close(work)
    for key, value in {
        "APP_ID": "1",
        "APP_SLUG": US,
        "PRIVATE_KEY": work.github.private_key,
        "WEBHOOK_SECRET": "s" * 32,
        "DATA_FOLDER": str(tmp_path / "app"),
    }.items():
        monkeypatch.setenv(f"THEMIS_APP_{key}", value)
    run = CliRunner()
    assert run.invoke(cli, ["feedback"]).output == f"{SHOP}  1 answer, 0 right\n"
    file = tmp_path / "answers.jsonl"
    done = run.invoke(cli, ["feedback", SHOP, str(file)])
    assert done.output == f"{file}: 1 answer\n"
    missing = run.invoke(cli, ["feedback", "octo/other", str(file)])
    assert "no answers of octo/other are kept here" in str(missing.exception)
    from review_core.feedback import read_answers

    assert read_answers(file) == all_kept(work)
