"""What deliveries ask for: GitHub's own examples, and each decision by itself."""

import json
from collections import Counter
from typing import Any

import pytest
from app_front import APP_ID, GUID, SLUG, official_examples
from hypothesis import given
from hypothesis import strategies as st

from github_app.encoding import task_as_json, task_from_json
from github_app.errors import PayloadError
from github_app.events import EVENTS, App, task_of
from github_app.types import (
    CloseTask,
    CommandName,
    CommandTask,
    FeedbackTask,
    ForgetTask,
    Ignored,
    PullRequestRef,
    RepositoryRef,
    RerunTask,
    ReviewTask,
    Task,
)
from review_core.types import Axis

OURS = App(APP_ID, SLUG)
SHOP = RepositoryRef(1, "acme", "shop")
PULL = PullRequestRef(7, SHOP, 3)
SHA = "0123456789" * 4
MOMENT, LATER = "2026-11-24T10:00:00Z", "2026-11-24T10:00:01Z"


def payload(action: str, **parts: Any) -> dict[str, Any]:
    return {
        "action": action,
        "installation": {"id": 7},
        "repository": {"id": 1, "name": "shop", "owner": {"login": "acme"}},
        "sender": {"login": "ann", "type": "User"},
        **parts,
    }


def pull_request(action: str, sha: str = SHA, updated_at: str = MOMENT, **parts: Any) -> Any:
    pull = {"number": 3, "head": {"sha": sha}, "updated_at": updated_at, "title": "Sell more"}
    return task_of("pull_request", GUID, payload(action, pull_request=pull, **parts), OURS)


def check(event: str, action: str, app: int = APP_ID, guid: str = GUID, **parts: Any) -> Any:
    what = {"head_sha": SHA, "app": {"id": app}, "pull_requests": []}
    return task_of(event, guid, payload(action, **{event: what}, **parts), OURS)


def comment(body: str | None, **parts: Any) -> Any:
    whole = {
        "issue": {"number": 3, "pull_request": {"url": "https://api.github.com/…"}},
        "comment": {"id": 9, "user": {"login": "ann", "type": "User"}, "body": body},
    }
    return task_of("issue_comment", GUID, payload("created", **(whole | parts)), OURS)


# --- GitHub's own examples -----------------------------------------------------------------------


def test_no_official_example_crashes_and_all_of_pull_requests_parse() -> None:
    """What is counted here was read by hand in the examples; those of pull requests without a task
    are other actions, but for one `opened` that came through a repository's own webhook.
    """
    kinds: Counter[tuple[str, str]] = Counter()
    for event, example in official_examples():
        found = task_of(event, GUID, example, App(2, "octoapp"))
        kinds[event, type(found).__name__] += 1
    asked = {key: count for key, count in kinds.items() if key[1] != "Ignored"}
    assert asked == {
        ("pull_request", "ReviewTask"): 7,
        ("pull_request", "CloseTask"): 2,
        ("check_run", "RerunTask"): 2,
        ("installation", "ForgetTask"): 2,
        ("installation_repositories", "ForgetTask"): 1,
    }
    assert kinds["pull_request", "Ignored"] == 29 - 9


def test_every_official_pull_request_is_read_whatever_happened_to_it() -> None:
    """Each as if it had been opened through our installation."""
    numbers = set()
    for event, example in official_examples():
        if event == "pull_request":
            opened = example | {"action": "opened", "installation": {"id": 1}}
            task = task_of(event, GUID, opened, OURS)
            assert isinstance(task, ReviewTask)
            assert task.head_sha == example["pull_request"]["head"]["sha"]
            numbers.add(task.pull.number)
    assert numbers == {2}


def test_an_official_comment_on_a_pull_request_can_command() -> None:
    """All of them are on issues; one is made one on a pull request."""
    examples = [each for event, each in official_examples() if event == "issue_comment"]
    example = json.loads(json.dumps(next(each for each in examples if "installation" in each)))
    example["issue"]["pull_request"] = {"url": "https://api.github.com/repos/a/b/pulls/1"}
    example["comment"]["body"] = f"@{SLUG} pause"
    task = task_of("issue_comment", GUID, example, OURS)
    assert isinstance(task, CommandTask)
    assert (task.command, task.author) == (CommandName.PAUSE, "Codertocat")


# --- pull requests -------------------------------------------------------------------------------


def test_an_opened_pull_request_is_reviewed_at_its_head() -> None:
    assert pull_request("opened") == ReviewTask(PULL, SHA, "")


def test_two_deliveries_of_one_push_are_one_wish_under_whatever_guid() -> None:
    body = payload(
        "synchronize", pull_request={"number": 3, "head": {"sha": SHA}, "updated_at": MOMENT}
    )
    first, second = (task_of("pull_request", guid, body, OURS) for guid in ("one", "two"))
    assert isinstance(first, ReviewTask)
    assert isinstance(second, ReviewTask)
    assert first.key == second.key


def test_a_branch_pushed_back_to_an_earlier_head_is_reviewed_there_again() -> None:
    """A, B, A: the second A is a push of its own, and the comments at B are not its."""
    first, second, third = (
        pull_request("synchronize", sha * 40, moment)
        for sha, moment in (("a", MOMENT), ("b", LATER), ("a", "2026-11-24T10:00:02Z"))
    )
    assert len({first.key, second.key, third.key}) == 3


@pytest.mark.parametrize("action", ["reopened", "ready_for_review"])
def test_what_makes_a_pull_request_reviewable_again_is_a_new_wish(action: str) -> None:
    assert pull_request(action).key != pull_request("opened").key


def test_an_edit_counts_if_it_changed_the_base() -> None:
    assert pull_request("edited", changes={"base": {"ref": {"from": "main"}}}) == ReviewTask(
        PULL, SHA, MOMENT
    )
    assert isinstance(pull_request("edited", changes={"title": {"from": "a"}}), Ignored)
    assert isinstance(pull_request("edited"), Ignored)


def test_a_closed_pull_request_ends_what_runs() -> None:
    assert pull_request("closed") == CloseTask(PULL, MOMENT)


def test_without_a_moment_the_deliverys_id_tells_wishes_apart() -> None:
    body = payload("synchronize", pull_request={"number": 3, "head": {"sha": SHA}})
    assert task_of("pull_request", GUID, body, OURS) == ReviewTask(PULL, SHA, GUID)


def test_a_sha256_repository_has_longer_heads() -> None:
    assert pull_request("opened", "ab" * 32).head_sha == "ab" * 32


# --- checks --------------------------------------------------------------------------------------


def test_a_check_asked_for_again_is_done_even_for_a_fork() -> None:
    """GitHub names no pull request of a fork, so the head has to do."""
    expected = RerunTask(7, SHOP, SHA, GUID)
    assert check("check_run", "rerequested") == expected
    assert check("check_suite", "rerequested") == expected


def test_a_button_pressed_twice_is_two_wishes() -> None:
    once, twice = (check("check_run", "rerequested", guid=guid) for guid in ("one", "two"))
    assert once.key != twice.key


def test_the_button_for_a_full_review_asks_for_one() -> None:
    pressed = {"identifier": "full-review"}
    task = check("check_run", "requested_action", requested_action=pressed)
    assert task == RerunTask(7, SHOP, SHA, GUID, full=True)
    pressed = {"identifier": "theirs"}
    assert isinstance(check("check_run", "requested_action", requested_action=pressed), Ignored)


@pytest.mark.parametrize(
    ("event", "action"),
    [("check_run", "rerequested"), ("check_suite", "rerequested"), ("check_suite", "requested")],
)
def test_checks_of_other_apps_are_theirs(event: str, action: str) -> None:
    assert isinstance(check(event, action, app=APP_ID + 1), Ignored)


def test_a_new_suite_is_covered_by_the_pull_requests_own_event() -> None:
    assert isinstance(check("check_suite", "requested"), Ignored)


# --- comments ------------------------------------------------------------------------------------


def test_a_comment_commands_by_whom_it_is() -> None:
    assert comment(f"@{SLUG} ignore security") == CommandTask(
        PULL, 9, "ann", CommandName.IGNORE, Axis.SECURITY
    )


@pytest.mark.parametrize("body", [None, "", "hello", f"what does @{SLUG} say?"])
def test_a_comment_that_does_not_address_us_asks_for_nothing(body: str | None) -> None:
    assert isinstance(comment(body), Ignored)


def test_comments_on_issues_by_bots_and_by_ghosts_do_not_command() -> None:
    body = f"@{SLUG} review"
    bot = {"id": 9, "user": {"login": "other[bot]", "type": "Bot"}, "body": body}
    assert isinstance(comment(body, issue={"number": 3}), Ignored)
    assert isinstance(comment(body, comment=bot), Ignored)
    assert isinstance(comment(body, comment=bot | {"user": None}), Ignored)


@pytest.mark.parametrize("action", ["edited", "deleted"])
def test_a_comment_that_was_edited_or_deleted_commands_nothing(action: str) -> None:
    assert isinstance(task_of("issue_comment", GUID, {"action": action}, OURS), Ignored)


# --- installations -------------------------------------------------------------------------------


def test_a_removed_installation_is_forgotten_and_so_are_removed_repositories() -> None:
    gone = payload("deleted")
    assert task_of("installation", GUID, gone, OURS) == ForgetTask(7, None, GUID)
    less = payload("removed", repositories_removed=[{"id": 4}, {"id": 5}])
    assert task_of("installation_repositories", GUID, less, OURS) == ForgetTask(7, (4, 5), GUID)
    none = payload("removed", repositories_removed=[])
    assert isinstance(task_of("installation_repositories", GUID, none, OURS), Ignored)


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ("installation", "created"),
        ("installation", "suspend"),
        ("installation_repositories", "added"),
        ("push", ""),
        ("ping", ""),
        ("no_such_event", "opened"),
    ],
)
def test_what_asks_for_nothing_says_why(event: str, action: str) -> None:
    found = task_of(event, GUID, payload(action) if action else {}, OURS)
    assert isinstance(found, Ignored)
    assert found.reason


# --- who, and of what shape ----------------------------------------------------------------------


def test_what_we_did_ourselves_asks_for_nothing() -> None:
    us = {"login": f"{SLUG}[bot]", "type": "Bot"}
    assert isinstance(pull_request("synchronize", sender=us), Ignored)
    assert isinstance(check("check_run", "rerequested", sender=us), Ignored)


def test_pull_requests_of_other_bots_are_reviewed() -> None:
    bot = {"login": "dependabot[bot]", "type": "Bot"}
    assert isinstance(pull_request("opened", sender=bot), ReviewTask)


def test_what_comes_through_a_repositorys_own_webhook_asks_for_nothing() -> None:
    assert isinstance(pull_request("opened", installation=None), Ignored)
    assert isinstance(check("check_run", "rerequested", installation=None), Ignored)
    assert isinstance(comment(f"@{SLUG} review", installation=None), Ignored)


@pytest.mark.parametrize(
    "parts",
    [
        {"installation": {"id": 2**63}},
        {"installation": {"id": "7"}},
        {"installation": {"id": True}},
        {"installation": {"id": 7.0}},
        {"repository": {"id": 1, "name": "..", "owner": {"login": "acme"}}},
        {"repository": {"id": 1, "name": "a/b", "owner": {"login": "acme"}}},
        {"repository": {"id": 1, "name": "shop", "owner": {"login": "a\nb"}}},
        {"repository": {"id": 1, "name": "shop", "owner": {"login": "acme\x00"}}},
        {"repository": None},
        {"pull_request": {"number": 0, "head": {"sha": SHA}}},
        {"pull_request": {"number": 3, "head": {"sha": "main"}}},
        {"pull_request": {"number": 3, "head": {"sha": "--upload-pack=touch /tmp/x"}}},
        {"pull_request": {"number": 3, "head": {"sha": SHA + "\n"}}},
        {"pull_request": {"number": 3, "head": {"sha": SHA}, "updated_at": "a/b"}},
        {"sender": "ann"},
    ],
)
def test_what_could_do_harm_in_a_path_a_row_or_a_command_is_refused(parts: Any) -> None:
    body = payload("synchronize", pull_request={"number": 3, "head": {"sha": SHA}})
    with pytest.raises(PayloadError, match="not as documented"):
        task_of("pull_request", GUID, body | parts, OURS)


def test_the_events_to_subscribe_to_are_those_that_are_handled() -> None:
    assert set(EVENTS) == {
        "pull_request",
        "check_run",
        "check_suite",
        "issue_comment",
        "pull_request_review_comment",
        "installation",
        "installation_repositories",
    }


# --- tasks as JSON -------------------------------------------------------------------------------

ids = st.integers(1, 2**63 - 1)
words = st.text(max_size=20)
repositories = st.builds(RepositoryRef, ids, words, words)
pulls = st.builds(PullRequestRef, ids, repositories, ids)
tasks = st.one_of(
    st.builds(ReviewTask, pulls, words, words, st.booleans()),
    st.builds(RerunTask, ids, repositories, words, words, st.booleans()),
    st.builds(
        CommandTask,
        pulls,
        ids,
        words,
        st.sampled_from(CommandName),
        st.sampled_from(Axis) | st.none(),
        words,
    ),
    st.builds(FeedbackTask, pulls, ids, words),
    st.builds(CloseTask, pulls, words),
    st.builds(ForgetTask, ids, st.lists(ids, max_size=3).map(tuple) | st.none(), words),
)


@given(tasks)
def test_a_task_comes_back_from_json_as_it_was(task: Task) -> None:
    back = task_from_json(task_as_json(task))
    assert back == task
    assert repr(back) == repr(task)  # kinds of fields too: a StrEnum equals its text


@given(st.text(max_size=20) | st.just('{"kind": "review"}') | st.just('{"kind": ["a"]}'))
def test_what_is_no_task_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        task_from_json(text)
