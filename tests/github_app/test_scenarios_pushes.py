"""Pushes to one pull request, as people make them. Each test is a complaint about other bots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_work import SHOP, App, app, bad, function, good
from fake_github import FakeGitHub, Hosted


@pytest.fixture
def work(github: FakeGitHub, hosted: Hosted, tmp_path: Path) -> Iterator[App]:
    github.limits.points = github.limits.contents = None
    hosted.commit("Base", a=good("f", "g", "h"), b=good("k"))
    hosted.push("main")
    hosted.branch("feature")
    with app(github, tmp_path / "app") as made:
        yield made


def test_a_first_review_says_everything_once(work: App, hosted: Hosted) -> None:
    hosted.commit(a=bad("f") + good("g") + bad("h"))
    hosted.open_pull()
    work.review()
    assert [(each.path, each.line) for each in work.open()] == [("a.py", 14), ("a.py", 46)]
    assert work.reviews() == 1
    check = work.check()
    assert (check.status, check.conclusion) == ("completed", "neutral")
    assert check.output["title"] == "2 functions likely worse · 2 reviewed"
    (summary,) = work.summaries()
    assert "2 functions likely worse" in summary
    assert "themis: ignore[security]" in work.open()[0].body


def test_the_check_waits_begins_and_ends(work: App, hosted: Hosted) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    posted = [each.body for each in work.github.log("POST", "/check-runs")]
    patched = [each.body for each in work.github.log("PATCH", "/check-runs")]
    statuses = [body.get("status") for body in (*posted, *patched)]
    assert statuses == ["queued", "in_progress", "completed"]


def test_the_same_comments_on_every_push(work: App, hosted: Hosted) -> None:
    """trufos#902, pnpm#12546. Ten pushes and three force-pushes with a rebase."""
    hosted.commit(a=bad("f", "g") + good("h"))
    hosted.open_pull()
    work.review()
    first = {each.comment for each in work.open()}
    assert len(first) == 2
    for n in range(10):
        hosted.commit(**{f"new{n}": good(f"n{n}")})
        hosted.push()
        work.review()
    for n in range(3):
        hosted.checkout("main")
        hosted.commit(**{f"main{n}": good("m")})
        hosted.push("main")
        hosted.checkout("feature")
        hosted.rebase()
        work.review()
    assert {each.comment for each in work.told()} == first
    assert len(work.summaries()) == 1
    assert work.reviews() == 1
    assert len({run.head_sha for run in work.github.check_runs(SHOP)}) == 14
    assert len(work.github.check_runs(SHOP)) == 14
    assert {run.conclusion for run in work.github.check_runs(SHOP)} == {"neutral"}


def test_outdated_comments_stay_open(work: App, hosted: Hosted) -> None:
    """reviewdog#568. Two are repaired in different ways, one is not, one was answered."""
    hosted.commit(a=bad("f", "g", "h"), b=bad("k"))
    hosted.open_pull()
    work.review()
    by_path = {each.line: each for each in work.open() if each.path == "a.py"}
    work.github.reply(by_path[46].comment, "ada", "That is meant so.")
    hosted.commit(a=function("f", "return 2") + good("g", "h"), b=bad("k"))
    hosted.push()
    work.review()
    states = {each.comment: each.resolved for each in work.told()}
    assert states[by_path[14].comment]  # repaired
    assert states[by_path[30].comment]  # taken back
    assert not states[by_path[46].comment]  # a person's
    assert [each.path for each in work.open()] == ["a.py", "b.py"]
    gone = next(each for each in work.told() if each.comment == by_path[14].comment)
    assert "No longer found" in gone.body
    resolved = [thread for thread, _ in work.github.threads(SHOP, 1) if thread.resolved_by]
    assert {thread.resolved_by for thread in resolved} == {work.github.app.login}


def test_force_push_breaks_incremental_review(work: App, hosted: Hosted) -> None:
    """pr-agent#2844, #3407: history that is rewritten leaves the findings that are still there."""
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    (before,) = work.open()
    hosted.work.git("reset", "-q", "--hard", "main")
    hosted.commit("Another history", a=bad("f") + good("g") + bad("h"))
    hosted.push(force=True)
    work.review()
    assert work.open()[0].comment == before.comment
    assert len(work.open()) == 2


def test_an_earlier_blocker_is_forgotten(work: App, hosted: Hosted) -> None:
    """pr-reviewer-action#193: a push that does not touch it does not make it go away."""
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    hosted.commit(b=function("k", "return 2"))
    hosted.push()
    work.review()
    assert len(work.open()) == 1
    assert work.check().conclusion == "neutral"
    assert work.check().output["title"] == "1 function likely worse · 2 reviewed"


def test_edited_again_and_still_worse_the_comment_is_edited_in_place(
    work: App, hosted: Hosted
) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    (before,) = work.open()
    hosted.commit(a=function("f", "y = 3", "return not_safe, not_safe") + good("g", "h"))
    hosted.push()
    work.review()
    (after,) = work.open()
    assert after.comment == before.comment
    assert after.body != before.body
    assert "P(worse) &gt;99 %" in after.body


def test_what_we_resolved_is_opened_again_when_it_comes_back(work: App, hosted: Hosted) -> None:
    for source in (bad("f"), good("f"), bad("f")):
        hosted.commit(a=source + good("g", "h"), b=function("k", "return 2"))
        if source is not None and not work.github.world.pulls:
            hosted.open_pull()
        else:
            hosted.push()
        work.review()
    assert len(work.told()) == 1
    assert len(work.open()) == 1
    assert "likely worse" in work.open()[0].body


def test_what_a_person_resolved_stays_resolved_until_a_full_review(
    work: App, hosted: Hosted
) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    work.github.resolve(work.open()[0].thread, "ada")
    hosted.commit(b=function("k", "return 2"))
    hosted.push()
    work.review()
    assert work.open() == []
    assert "(resolved by a person)" in work.check().output["text"]
    work.review(full=True, asked=True, occasion="again")
    assert len(work.open()) == len(work.told()) == 1


def test_the_summary_says_when_all_is_well_again(work: App, hosted: Hosted) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    hosted.commit(a=function("f", "return 2") + good("g", "h"))
    hosted.push()
    work.review()
    (summary,) = work.summaries()
    assert "no function likely worse" in summary
    assert work.check().conclusion == "success"


def test_without_findings_nothing_is_written_but_the_check(work: App, hosted: Hosted) -> None:
    hosted.commit(a=function("f", "return 2") + good("g", "h"))
    hosted.open_pull()
    work.review()
    assert work.told() == work.summaries() == work.answers() == []
    assert work.reviews() == 0
    assert work.check().conclusion == "success"
    assert work.check().output["title"] == "No function likely worse · 1 reviewed"


def test_scores_differ_from_run_to_run(work: App, hosted: Hosted) -> None:
    """cli-printing-press#3963: reviewed again, nothing changes, and nothing is written twice."""
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    before = [each.body for each in work.told()], work.summaries(), work.check().output
    writes = len(work.github.log("POST", "/comments")) + len(work.github.log("PATCH", "/comments"))
    work.review(occasion="reopened")
    assert ([each.body for each in work.told()], work.summaries(), work.check().output) == before
    again = len(work.github.log("POST", "/comments")) + len(work.github.log("PATCH", "/comments"))
    assert again == writes
    assert len(work.github.check_runs(SHOP)) == 1


def test_the_smaller_diff_is_not_the_safer_one(work: App, hosted: Hosted) -> None:
    """repowise#1593: "risk" that is only the size of the diff."""
    big = "".join(function(name, *(f"y{n} = {n}" for n in range(60)), "return 1") for name in "gh")
    hosted.commit(a=bad("f") + big)
    hosted.open_pull()
    work.review()
    assert [each.line for each in work.open()] == [14]
