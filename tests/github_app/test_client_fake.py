"""The client against our GitHub over real HTTP, both sides judged by GitHub's own description."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_readers import Readers
from fake_github import FakeGitHub, Hosted
from tools import tool

from github_app.errors import (
    ForbiddenError,
    GitHubError,
    InvalidError,
    MissingError,
    UnavailableError,
)
from github_app.github.limits import Times, Wait
from github_app.github.values import (
    Annotation,
    CheckAction,
    CheckOutput,
    CheckStatus,
    Conclusion,
    NewComment,
    Side,
)

SOURCE = "".join(f"line_{n} = {n}\n" for n in range(20))


@pytest.fixture(params=["api.github.com.json", "ghes-3.19.json"])
def anywhere(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FakeGitHub]:
    """github.com, and an Enterprise Server, whose API is elsewhere and described otherwise."""
    folder = tmp_path / "github"
    folder.mkdir()
    enterprise = request.param.startswith("ghes")
    with FakeGitHub(folder, enterprise=enterprise, description=tool(request.param)) as fake:
        yield fake
    broken = [str(violation) for violation in fake.violations] + fake.unknown_requests
    assert not broken, "\n".join(broken)


def quick(waits: list[tuple[Wait, float]] | None = None) -> Times:
    """Pauses are noted and not kept: the fake counts writes, and does not mind their pace."""
    noted = [] if waits is None else waits
    return Times(sleep=lambda _: None, waited=lambda *wait: noted.append(wait))


def one_pull(github: FakeGitHub, tmp_path: Path) -> Hosted:
    shop = Hosted.create(github, "octo/shop", tmp_path / "shop")
    shop.commit("Begin", a=SOURCE)
    shop.push("main")
    github.install("octo")
    shop.branch("feature")
    shop.commit(a=SOURCE.replace("line_9 = 9", "line_9 = 90"))
    shop.open_pull(title="Change nine")
    return shop


@pytest.fixture
def app(anywhere: FakeGitHub, tmp_path: Path) -> Iterator[Readers]:
    one_pull(anywhere, tmp_path)
    readers = Readers.of(anywhere, tmp_path / "clones", quick())
    yield readers
    readers.client.close()


@pytest.fixture
def shop(github: FakeGitHub, tmp_path: Path) -> Iterator[Readers]:
    """The same at github.com alone."""
    one_pull(github, tmp_path)
    readers = Readers.of(github, tmp_path / "clones", quick())
    yield readers
    readers.client.close()


def test_a_review_with_all_that_belongs_to_it(app: Readers) -> None:
    """Check run, review, comments, threads, reactions, code scanning: written, and read again."""
    repository = app.repository()
    assert repository.app_login == app.github.app.login
    pull = repository.pull_request(1)
    assert (pull.title, pull.is_open, pull.head_repository) == ("Change nine", True, "octo/shop")
    assert repository.open_pull_requests() == [pull]
    assert repository.pull_requests_of(pull.head_sha) == [pull]

    remarks = tuple(
        Annotation("a.py", line, line, "warning", f"message {line}", "title")
        for line in range(1, 51)
    )
    output = CheckOutput("Reviewing", "summary", "text", remarks)
    run = repository.create_check_run(
        pull.head_sha, "Themis", "mine", CheckStatus.IN_PROGRESS, output
    )
    repository.update_check_run(
        run.id,
        status=CheckStatus.COMPLETED,
        conclusion=Conclusion.NEUTRAL,
        output=CheckOutput("Reviewed", "summary", None, remarks[:1]),
        actions=[CheckAction("Again", "Review once more", "again")],
    )
    [again] = repository.check_runs(pull.head_sha, "Themis")
    assert (again.external_id, again.conclusion, again.annotations_count) == ("mine", "neutral", 51)

    inline = NewComment("a.py", "worse", line=10, start_line=9)
    removed = NewComment("a.py", "was better", line=10, side=Side.LEFT)
    repository.create_review(1, pull.head_sha, "", [inline, removed])
    repository.create_file_comment(1, pull.head_sha, NewComment("a.py", "as a whole", None))
    threads = repository.review_threads(1)
    assert [each.comments[0].body for each in threads] == ["worse", "was better", "as a whole"]
    assert {each.comments[0].author for each in threads} == {repository.app_login}
    app.github.reply(threads[0].comments[0].id, "ada", "no, it is not")
    repository.update_review_comment(threads[0].comments[0].id, "worse indeed")
    repository.resolve_thread(threads[1].id)
    threads = repository.review_threads(1)
    assert [each.body for each in threads[0].comments] == ["worse indeed", "no, it is not"]
    assert threads[0].comments[1].in_reply_to == threads[0].comments[0].id
    assert [each.is_resolved for each in threads] == [False, True, False]
    repository.unresolve_thread(threads[1].id)
    assert not repository.review_threads(1)[1].is_resolved

    ours = repository.create_issue_comment(1, "summary")
    repository.update_issue_comment(ours.id, "summary, edited")
    theirs = app.github.comment("octo/shop", 1, "ada", "@themis review")
    repository.react(theirs.id, "eyes")
    repository.react(theirs.id, "eyes")
    assert [each.body for each in repository.issue_comments(1)] == [
        "summary, edited",
        "@themis review",
    ]
    assert (repository.may_write("octo"), repository.may_write("stranger")) == (True, False)
    repository.upload_sarif(pull.head_sha, "refs/pull/1/head", '{"version": "2.1.0", "runs": []}')
    assert len(app.github.world.sarifs) == 1


def test_what_the_app_may_see_and_what_was_not_delivered(app: Readers) -> None:
    app.github.send_webhooks_to("http://127.0.0.1:1/")
    app.github.comment("octo/shop", 1, "ada", "hello")
    app.github.settle()
    assert app.client.installations() == [app.installation]
    assert app.client.repositories(app.installation) == [app.ref()]
    failed = app.client.failed_deliveries("2020-01-01T00:00:00Z")
    assert failed[0].event == "issue_comment"
    before = len(app.github.world.deliveries)
    app.client.redeliver(failed[0].id)
    app.github.settle()
    assert len(app.github.world.deliveries) == before + 1


def test_long_lists_are_read_whole(shop: Readers) -> None:
    """Two pages of comments below, two pages of threads, one thread of two pages."""
    github = shop.github
    for number in range(101):
        github.comment("octo/shop", 1, "ada", f"comment {number}")
    roots = [
        github.review_comment("octo/shop", 1, "ada", "a.py", 10, f"thread {number}").id
        for number in range(51)
    ]
    for number in range(60):
        github.reply(roots[0], "bob", f"reply {number}")
    repository = shop.repository()
    assert len(repository.issue_comments(1)) == 101
    threads = repository.review_threads(1)
    assert len(threads) == 51
    assert sorted(len(each.comments) for each in threads)[-2:] == [1, 61]


def test_one_line_outside_the_diff_refuses_the_whole_review(shop: Readers) -> None:
    repository = shop.repository()
    head = repository.pull_request(1).head_sha
    comments = [NewComment("a.py", "in", 10), NewComment("a.py", "out", 19)]
    with pytest.raises(InvalidError, match=r"422 to POST /repos/octo/shop/pulls/1/reviews"):
        repository.create_review(1, head, "", comments)
    assert repository.review_threads(1) == []


def test_a_token_that_ends_in_the_middle_is_renewed(shop: Readers) -> None:
    repository = shop.repository()
    repository.create_issue_comment(1, "before")
    shop.github.expire_tokens()
    repository.create_issue_comment(1, "after")
    assert [each.body for each in repository.issue_comments(1)] == ["before", "after"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["status", "reset"])
def test_a_write_whose_answer_is_lost_is_the_callers_to_look_for(
    shop: Readers, kind: str, after: bool
) -> None:
    """It may or may not have been done; the client does it once at most."""
    repository = shop.repository()
    shop.github.fail("POST", r"/issues/1/comments$", kind=kind, after=after)
    with pytest.raises(UnavailableError):
        repository.create_issue_comment(1, "once")
    assert len(repository.issue_comments(1)) == int(after)


def test_what_may_be_done_twice_is_tried_again(shop: Readers) -> None:
    repository = shop.repository()
    comment = repository.create_issue_comment(1, "first")
    shop.github.fail("PATCH|GET", r"/issues/", kind="reset", times=2)
    shop.github.fail("POST", r"/graphql$", status=502)
    repository.update_issue_comment(comment.id, "second")
    assert [each.body for each in repository.issue_comments(1)] == ["second"]
    assert repository.review_threads(1) == []


def test_a_secondary_limit_is_obeyed_in_real_time(shop: Readers) -> None:
    waits: list[tuple[Wait, float]] = []
    times = Times(waited=lambda *wait: waits.append(wait))
    patient = Readers.of(shop.github, shop.folder, times)
    shop.github.secondary_limit("POST", "/comments", seconds=1)
    started = time.monotonic()
    patient.repository().create_issue_comment(1, "once")
    assert time.monotonic() - started >= 1.0
    assert [(reason, round(seconds)) for reason, seconds in waits] == [(Wait.SECONDARY, 1)]
    assert len(patient.repository().issue_comments(1)) == 1
    patient.client.close()


def test_a_spent_hour_is_told_with_its_end(shop: Readers) -> None:
    repository = shop.repository()
    repository.pull_request(1)
    shop.github.limit(shop.installation, remaining=0, reset_in=1800)
    with pytest.raises(UnavailableError) as raised:
        repository.create_issue_comment(1, "later")
    assert 1700 < (raised.value.retry_after or 0) < 1900


def test_what_has_not_changed_is_not_counted(shop: Readers) -> None:
    repository = shop.repository()
    first = repository.pull_request(1)
    assert repository.pull_request(1) == first
    asked = shop.github.log("GET", "/pulls/1")
    assert [each.status for each in asked] == [200, 304]


def test_a_repository_that_was_renamed_is_found_under_its_old_name(shop: Readers) -> None:
    repository = shop.repository()
    shop.github.rename("octo/shop", "store")
    assert repository.pull_request(1).title == "Change nine"
    repository.create_issue_comment(1, "still a comment")
    assert [each.body for each in repository.issue_comments(1)] == ["still a comment"]


def test_an_installation_that_is_gone_is_missing_or_forbidden(shop: Readers) -> None:
    repository = shop.repository()
    shop.github.uninstall(shop.installation)
    with pytest.raises((MissingError, ForbiddenError)):
        repository.pull_request(1)


def test_permissions_that_were_not_given_are_named(
    github: FakeGitHub, hosted: Hosted, tmp_path: Path
) -> None:
    github.uninstall(next(iter(github.world.installations)))
    made = github.install("octo", permissions={"metadata": "read", "contents": "read"})
    app = Readers.of(github, tmp_path / "clones", quick())
    repository = app.client.repository(made.id, app.ref())
    with pytest.raises(GitHubError, match=r"permission"):
        repository.create_issue_comment(1, "hello")
    assert repository.clone_token()
    app.client.close()


def test_several_threads_may_ask_at_once(shop: Readers) -> None:
    """One token for all, writes one by one."""
    repository = shop.repository()
    errors: list[Exception] = []

    def write(number: int) -> None:
        try:
            repository.create_issue_comment(1, f"from {number}")
        except GitHubError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not errors
    assert len(repository.issue_comments(1)) == 8
    assert len(shop.github.log("POST", "/access_tokens")) == 1
