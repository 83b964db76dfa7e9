"""What goes wrong on the way: writes whose answer is lost, lines GitHub refuses, limits, tokens,
people who close and push while we work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from app_work import SHOP, App, app, bad, calibration, function, good
from fake_github import FakeGitHub, Hosted
from fake_scorer import FakeScorer

from github_app.errors import UnavailableError
from github_app.types import CloseTask, ReviewTask

MANY = [f"m{n}" for n in range(56)]


@pytest.fixture
def work(github: FakeGitHub, hosted: Hosted, tmp_path: Path) -> Iterator[App]:
    github.limits.points = github.limits.contents = None
    settings = "[pull_request]\nmax_comments = 4\n"
    hosted.work.write(".themis.toml", settings)
    hosted.commit("Base", a=good("f", "g", "h"), b=good(*MANY))
    hosted.push("main")
    hosted.branch("feature")
    with app(github, tmp_path / "app") as made:
        yield made


def test_every_write_that_failed_after_it_happened_is_done_once(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    """Of three reviews, which post, edit, resolve, open again, sum up and upload."""
    hosted.checkout("main")
    hosted.work.write(".themis.toml", "[pull_request]\nsarif = true\n")
    hosted.commit("Code scanning", k=good("k"))
    hosted.push("main")
    hosted.branch("more")
    hosted.commit(a=bad("f", "g", "h"))
    hosted.open_pull()
    with app(work.github, tmp_path / "losing", losing=True) as losing:
        assert losing.insist(losing.review) >= 5  # check, review, summary, upload, check
        assert (len(work.open()), work.reviews()) == (3, 1)
        edited = function("f", "y = 3", "return not_safe, not_safe")
        hosted.commit(a=edited + good("g") + bad("h"), k=bad("k"))
        hosted.push()
        assert losing.insist(losing.review) >= 8
        assert (len(work.told()), len(work.open()), work.reviews()) == (4, 3, 2)
        hosted.commit(a=bad("f", "g", "h"), k=bad("k"))
        hosted.push()
        assert losing.insist(losing.review) >= 6
        writes = set(losing.trouble.lost)
    assert writes == {
        "create_check_run",
        "update_check_run",
        "create_review",
        "update_review_comment",
        "resolve_thread",
        "unresolve_thread",
        "create_issue_comment",
        "update_issue_comment",
        "upload_sarif",
    }
    assert (len(work.told()), len(work.open()), work.reviews()) == (4, 4, 2)
    assert len({(each.path, each.line, each.body) for each in work.told()}) == 4
    assert len(work.summaries()) == 1
    assert len(work.github.check_runs(SHOP)) == 3
    assert {each.status for each in work.github.check_runs(SHOP)} == {"completed"}


def test_a_review_whose_answer_the_network_lost_is_not_posted_again(
    work: App, hosted: Hosted
) -> None:
    hosted.commit(a=bad("f", "g", "h"))
    hosted.open_pull()
    work.github.fail("POST", r"/reviews$", after=True, kind="reset")
    assert work.insist(work.review) == 1
    assert (len(work.told()), work.reviews()) == (3, 1)


@pytest.mark.parametrize("lost", [1, 2])
def test_annotations_whose_answer_was_lost_are_not_added_again(
    work: App, hosted: Hosted, lost: int
) -> None:
    """52 of 56 findings are over the budget: two requests, of 50 and of 2."""
    hosted.commit(b=bad(*MANY))
    hosted.open_pull()
    work.github.fail("PATCH", r"/check-runs/\d+$", after=True, kind="reset", skip=lost - 1)
    work.insist(work.review)
    notes = [(each["path"], each["start_line"]) for each in work.check().annotations]
    assert len(notes) == len(set(notes)) == 52
    assert work.check().status == "completed"


def test_annotations_of_one_wish_are_not_mixed_with_those_of_another(
    work: App, hosted: Hosted
) -> None:
    """GitHub only ever adds some: a review that is asked for anew begins its own check run."""
    hosted.commit(b=bad(*MANY[:6]) + good(*MANY[6:]))
    hosted.open_pull()
    work.review()
    assert len(work.check().annotations) == 2
    work.review(occasion="again", asked=True)
    runs = work.github.check_runs(SHOP)
    assert [len(run.annotations) for run in runs] == [2, 2]
    assert {run.status for run in runs} == {"completed"}


def test_one_bad_line_loses_the_review(work: App, hosted: Hosted) -> None:
    """pr-agent#592: GitHub refuses a whole review for one comment outside the diff."""
    hosted.commit(a=bad("f", "g", "h"))
    hosted.open_pull()
    work.github.fail("POST", r"/reviews$", status=422, times=1)
    work.review()
    assert sorted(each.line or 0 for each in work.open()) == [14, 30, 46]
    assert work.reviews() == 2  # its halves


def test_a_line_outside_the_diff_becomes_a_comment_on_the_file(work: App, hosted: Hosted) -> None:
    hosted.commit(a=bad("f", "g", "h"))
    hosted.open_pull()
    # All of three, then the half of one.
    work.github.fail("POST", r"/reviews$", status=422, times=2)
    work.review()
    lines = [each.line for each in work.open()]
    assert sorted(line or 0 for line in lines) == [0, 30, 46]
    work.review(occasion="again")
    assert len(work.told()) == 3


def test_what_github_takes_nowhere_is_in_the_summary_and_the_check(
    work: App, hosted: Hosted
) -> None:
    hosted.commit(a=bad("f", "g", "h"))
    hosted.open_pull()
    work.github.fail("POST", r"/reviews$", status=422, times=99)
    work.github.fail("POST", r"/pulls/1/comments$", status=422, times=99)
    work.review()
    assert work.told() == []
    (summary,) = work.summaries()
    assert "Not commented on lines:" in summary
    assert len(work.check().annotations) == 3
    assert work.check().conclusion == "neutral"


def test_red_on_rate_limit(work: App, hosted: Hosted) -> None:
    """JFalkorDB#336: a limit that lasts is tried again later, and the check is never red."""
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.github.secondary_limit("POST", "/reviews", seconds=3600)
    with pytest.raises(UnavailableError):
        work.review()
    assert work.check().conclusion is None
    work.sleep(3601)
    work.review()
    assert work.check().conclusion == "neutral"
    assert len(work.told()) == 1


def test_a_short_secondary_limit_is_waited_out(work: App, hosted: Hosted) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.github.secondary_limit("POST", "/reviews", seconds=1)
    work.review()
    assert len(work.told()) == 1


class Interrupted(FakeScorer):
    """Does something to the world while it scores, once."""

    def __init__(self, what: Callable[[], Any]) -> None:
        super().__init__(max_tokens=100_000)
        self.what: Callable[[], Any] | None = what

    def rewards(self, codes: Any, **more: Any) -> Any:
        if self.what is not None:
            what, self.what = self.what, None
            what()
        return super().rewards(codes, **more)


def meanwhile(work: App, what: Callable[[], Any], folder: Path) -> Any:
    """An app as `work`, in whose review something happens."""
    return app(work.github, folder, scorer=Interrupted(what))


def test_a_token_that_expires_during_a_review_is_replaced(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    with meanwhile(work, work.github.expire_tokens, tmp_path / "second") as second:
        second.review()
    assert len(work.told()) == 1


def test_closed_while_running_nothing_is_posted(work: App, hosted: Hosted, tmp_path: Path) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    close = partial(work.github.close, SHOP, 1)
    with meanwhile(work, close, tmp_path / "second") as second:
        second.review()
        assert work.told() == work.summaries() == []
        assert work.check().conclusion == "neutral"
        assert "closed" in work.check().output["title"]
        second.work(CloseTask(work.pull(), "now"), lambda: False)
        assert second.store.latest_report(second.pull()) is not None


def test_a_check_that_was_left_behind_ends_when_the_pull_request_is_closed(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    stopping = Event()
    with meanwhile(work, stopping.set, tmp_path / "second") as second:
        second.review(stop=stopping.is_set)
    assert work.check().status == "in_progress"
    work.github.close(SHOP, 1)
    work.work(CloseTask(work.pull(), "now"), lambda: False)
    assert work.check().output["title"] == "Not reviewed: the pull request was closed"


def test_a_push_while_running_supersedes_and_keeps_the_report(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    old = hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()

    def push() -> None:
        hosted.commit(a=bad("f", "g") + good("h"))
        hosted.push()

    with meanwhile(work, push, tmp_path / "second") as second:
        second.review()
        assert work.told() == []
        (run,) = work.github.check_runs(SHOP, old)
        assert (run.status, run.conclusion) == ("completed", "neutral")
        kept = second.store.latest_report(second.pull())
        assert kept is not None
        assert kept.head_sha == old
        second.review()
    assert len(work.open()) == 2


def test_a_task_about_an_older_head_does_nothing(work: App, hosted: Hosted) -> None:
    old = hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    hosted.commit(a=bad("f", "g") + good("h"))
    hosted.push()
    work.review(head=old)
    assert work.told() == []
    assert work.github.check_runs(SHOP) == []


def test_told_to_stop_it_posts_nothing_more_and_the_next_ends_its_check(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    old = hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    stopping = Event()
    with meanwhile(work, stopping.set, tmp_path / "second") as second:
        second.review(stop=stopping.is_set)
        assert work.told() == []
        assert work.check().status == "in_progress"
        hosted.commit(a=bad("f", "g") + good("h"))
        hosted.push()
        second.review()
    (run,) = work.github.check_runs(SHOP, old)
    assert (run.status, run.conclusion) == ("completed", "neutral")
    assert "newer push" in run.output["title"]
    assert len(work.open()) == 2


def test_a_fault_of_ours_is_neutral_and_raised(work: App, hosted: Hosted, tmp_path: Path) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()

    def fail() -> None:
        raise RuntimeError("a secret detail")

    with meanwhile(work, fail, tmp_path / "second") as second, pytest.raises(RuntimeError):
        second.review()
    check = work.check()
    assert (check.status, check.conclusion) == ("completed", "neutral")
    assert "secret detail" not in str(check.output)
    work.review()
    assert len(work.told()) == 1
    assert len(work.github.check_runs(SHOP)) == 1


def test_given_up_the_check_says_so(work: App, hosted: Hosted, tmp_path: Path) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    stopping = Event()
    with meanwhile(work, stopping.set, tmp_path / "second") as second:
        second.review(stop=stopping.is_set)
    task = ReviewTask(work.pull(), work.github.pull(SHOP, 1).head_sha)
    work.work.give_up(task, "GitHub could not be had for a day")
    assert work.check().output["title"] == "Not reviewed: GitHub could not be had for a day"
    assert work.check().conclusion == "neutral"


def test_a_gate_is_red_only_where_it_was_asked_for_and_may_be(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    """Gates: the base branch sets block; the model that states 96 % obeys, another does not."""
    hosted.checkout("main")
    hosted.work.write(".themis.toml", '[axes.security]\nmode = "block"\n')
    hosted.commit("Gate")
    hosted.push("main")
    hosted.branch("gated")
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    assert work.check().conclusion == "neutral"
    assert "block is refused" in work.check().output["text"]
    precise = calibration(Security_Hardness=0.96)
    with app(work.github, tmp_path / "second", calibrated=precise) as second:
        second.review(occasion="again")
    assert work.check().conclusion == "failure"
    assert work.open()[0].body.splitlines()[1].startswith("**⛔ security")
    hosted.commit(a=good("f", "g", "h"), b=function("m0", "return 3"))
    hosted.push()
    with app(work.github, tmp_path / "third", calibrated=precise) as third:
        third.review()
    assert work.check().conclusion == "success"


def test_where_we_may_not_resolve_the_rest_is_done_and_that_is_said(
    work: App, hosted: Hosted
) -> None:
    hosted.commit(a=bad("f") + good("g", "h"))
    hosted.open_pull()
    work.review()
    work.trouble.refuses = "resolve_thread"
    hosted.commit(a=good("f") + bad("g") + good("h"))
    hosted.push()
    work.review()
    assert [("No longer found" in each.body, each.resolved) for each in work.told()] == [
        (True, False),
        (False, False),
    ]
    assert "does not let us resolve" in work.check().output["text"]
    work.trouble.refuses = ""
    work.review(occasion="again")
    assert [each.resolved for each in work.told()] == [True, False]


def test_where_comments_are_locked_the_check_has_everything(work: App, hosted: Hosted) -> None:
    hosted.commit(a=bad("f", "g") + good("h"))
    hosted.open_pull()
    work.github.fail("POST", r"/reviews$", status=403, times=99)
    work.github.fail("POST", r"/issues/1/comments$", status=403, times=99)
    work.review()
    assert len(work.check().annotations) == 2
    assert "takes no comments of ours" in work.check().output["text"]
