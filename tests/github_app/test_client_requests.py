"""The client against answers made by hand: what goes out, how long it waits, what it says."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from github_app.errors import (
    ForbiddenError,
    GitHubError,
    InvalidError,
    MissingError,
    UnavailableError,
)
from github_app.github.auth import AppKey
from github_app.github.client import GitHubClient, RepositoryClient
from github_app.github.limits import Times, Wait
from github_app.github.values import CheckOutput, CheckStatus, NewComment
from github_app.site import github_site
from github_app.types import RepositoryRef
from review_core.errors import ConfigurationError

REF = RepositoryRef(11, "octo", "hello")
NOW = 1_800_000_000.0

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(scope="session")
def key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@dataclass
class Clock:
    """Time that passes only by sleeping."""

    now: float = NOW
    waits: list[tuple[Wait, float]] = field(default_factory=list)

    def times(self, patience: float = 120.0) -> Times:
        return Times(
            clock=lambda: self.now,
            sleep=self.sleep,
            random=lambda: 1.0,
            patience=patience,
            waited=lambda reason, seconds: self.waits.append((reason, seconds)),
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class World:
    """A GitHub that answers from a list, and makes a new token whenever it is asked for one."""

    key: str
    clock: Clock
    answers: list[httpx.Response | Exception] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    tokens: list[httpx.Request] = field(default_factory=list)
    life: float = 3600.0
    handler: Handler | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            self.tokens.append(request)
            expires = datetime.fromtimestamp(self.clock.now + self.life, UTC)
            told = {"token": f"ghs_secret{len(self.tokens)}", "expires_at": expires.isoformat()}
            return httpx.Response(201, json=told)
        self.requests.append(request)
        if self.handler is not None:
            return self.handler(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, url: str = "https://github.com", patience: float = 120.0) -> GitHubClient:
        return GitHubClient(
            AppKey("7", self.key),
            github_site(url),
            self.clock.times(patience),
            transport=httpx.MockTransport(self),
        )

    def repository(self, **options: Any) -> RepositoryClient:
        return self.client(**options).repository(3, REF)

    def sent(self, at: int = -1) -> Any:
        return json.loads(self.requests[at].content)


@pytest.fixture
def world(key: str) -> World:
    return World(key, Clock())


def comment(id_: int = 1, login: str = "ada", body: str = "hello") -> dict[str, Any]:
    return {"id": id_, "user": {"login": login}, "body": body}


def test_an_app_signs_in_for_ten_minutes_at_most_and_from_a_minute_ago(world: World) -> None:
    world.answers = [httpx.Response(200, json={"id": 7, "slug": "themis"})]
    assert world.client().identity() == (7, "themis[bot]")
    sent = world.requests[0].headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(sent, options={"verify_signature": False})
    assert claims == {"iat": NOW - 60, "exp": NOW + 540, "iss": "7"}
    assert jwt.get_unverified_header(sent)["alg"] == "RS256"
    assert world.requests[0].headers["x-github-api-version"] == "2022-11-28"


def test_a_token_is_narrowed_to_the_repository_and_to_what_a_review_needs(world: World) -> None:
    world.answers = [httpx.Response(201, json=comment())]
    world.repository().create_issue_comment(5, "hello")
    assert json.loads(world.tokens[0].content) == {
        "repository_ids": [11],
        "permissions": {
            "checks": "write",
            "contents": "read",
            "metadata": "read",
            "pull_requests": "write",
        },
    }


def test_a_token_to_clone_with_may_read_contents_alone(world: World) -> None:
    assert world.repository().clone_token() == "ghs_secret1"
    told = json.loads(world.tokens[0].content)
    assert told["permissions"] == {"contents": "read", "metadata": "read"}
    assert told["repository_ids"] == [11]


def test_a_token_serves_until_shortly_before_it_expires(world: World) -> None:
    world.handler = lambda request: httpx.Response(200, json=[])
    repository = world.repository()
    repository.issue_comments(1)
    world.clock.now += 3600 - 301
    repository.issue_comments(1)
    assert len(world.tokens) == 1
    world.clock.now += 2
    repository.issue_comments(1)
    assert len(world.tokens) == 2


def test_a_token_that_github_no_longer_takes_is_renewed_once(world: World) -> None:
    world.answers = [
        httpx.Response(401, json={"message": "Bad credentials"}),
        httpx.Response(201, json=comment()),
    ]
    world.repository().create_issue_comment(5, "hello")
    sent = [request.headers["authorization"] for request in world.requests]
    assert sent == ["Bearer ghs_secret1", "Bearer ghs_secret2"]


def test_a_token_refused_twice_is_said_and_not_asked_for_again(world: World) -> None:
    world.answers = [httpx.Response(401, json={"message": "Bad credentials"})] * 2
    with pytest.raises(ForbiddenError, match="Bad credentials"):
        world.repository().issue_comments(5)
    assert len(world.tokens) == 2


def test_pages_are_followed_to_the_end_and_only_at_our_host(world: World) -> None:
    link = '<https://elsewhere.example/repositories/11/issues/5/comments?page=2>; rel="next"'
    world.answers = [
        httpx.Response(200, json=[comment(1)], headers={"link": link}),
        httpx.Response(200, json=[comment(2)]),
    ]
    found = world.repository().issue_comments(5)
    assert [each.id for each in found] == [1, 2]
    assert str(world.requests[1].url) == (
        "https://api.github.com/repositories/11/issues/5/comments?page=2"
    )


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_what_has_moved_is_asked_for_there_word_by_word_and_only_at_our_host(
    world: World, status: int
) -> None:
    """A POST stays one, with its body and its token."""
    moved = {"location": "https://elsewhere.example/repositories/11/issues/5/comments"}
    world.answers = [
        httpx.Response(status, json={"message": "Moved"}, headers=moved),
        httpx.Response(201, json=comment()),
    ]
    world.repository().create_issue_comment(5, "hello")
    assert world.requests[1].method == "POST"
    assert str(world.requests[1].url) == "https://api.github.com/repositories/11/issues/5/comments"
    assert world.sent() == {"body": "hello"}


def test_what_moves_in_a_circle_is_given_up(world: World) -> None:
    world.handler = lambda request: httpx.Response(301, headers={"location": str(request.url)})
    with pytest.raises(UnavailableError):
        world.repository().issue_comments(5)
    assert len(world.requests) == 5


def test_an_unchanged_answer_is_asked_for_by_its_etag_and_costs_nothing(world: World) -> None:
    link = '<https://api.github.com/x?page=2>; rel="next"'
    world.answers = [
        httpx.Response(200, json=[comment(1)], headers={"etag": 'W/"a"', "link": link}),
        httpx.Response(200, json=[comment(2)], headers={"etag": 'W/"b"'}),
        httpx.Response(304),
        httpx.Response(304),
    ]
    repository = world.repository()
    first, second = repository.issue_comments(5), repository.issue_comments(5)
    assert [each.id for each in second] == [each.id for each in first] == [1, 2]
    assert [request.headers.get("if-none-match") for request in world.requests] == [
        None,
        None,
        'W/"a"',
        'W/"b"',
    ]


def test_what_one_installation_may_see_is_not_answered_to_another(world: World) -> None:
    world.answers = [
        httpx.Response(200, json=[comment(1)], headers={"etag": '"a"'}),
        httpx.Response(200, json=[]),
    ]
    client = world.client()
    client.repository(3, REF).issue_comments(5)
    assert client.repository(4, REF).issue_comments(5) == []
    assert "if-none-match" not in world.requests[1].headers


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_read_is_asked_again_after_a_server_error(world: World, status: int) -> None:
    world.answers = [httpx.Response(status), httpx.Response(200, json=[])]
    assert world.repository().issue_comments(5) == []
    assert world.clock.waits == [(Wait.RETRY, 1.0)]


def test_pauses_double_and_tries_end(world: World) -> None:
    """1 + 2 + 4 + 8 seconds between five tries, with the longest jitter."""
    world.answers = [httpx.ReadTimeout("slow")] * 5
    with pytest.raises(UnavailableError, match=r"GET /repos/octo/hello/issues/5/comments \(Read"):
        world.repository().issue_comments(5)
    assert [seconds for _, seconds in world.clock.waits] == [1, 2, 4, 8]


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("slow"), httpx.Response(502)])
def test_a_comment_whose_fate_is_unknown_is_not_posted_again(
    world: World, lost: httpx.Response | Exception
) -> None:
    world.answers = [lost]
    with pytest.raises(UnavailableError):
        world.repository().create_issue_comment(5, "hello")
    assert len(world.requests) == 1


def test_a_comment_that_never_left_is_posted_again(world: World) -> None:
    world.answers = [httpx.ConnectError("refused"), httpx.Response(201, json=comment())]
    assert world.repository().create_issue_comment(5, "hello").id == 1


def test_annotations_are_not_sent_again_where_github_would_append_them_twice(world: World) -> None:
    from github_app.github.values import Annotation

    remark = Annotation("a.py", 1, 2, "notice", "message", "title")
    world.answers = [httpx.ReadTimeout("slow"), httpx.Response(200, json={})]
    with pytest.raises(UnavailableError):
        world.repository().update_check_run(1, output=CheckOutput("t", "s", None, (remark,)))
    assert len(world.requests) == 1
    world.answers = [httpx.ReadTimeout("slow"), httpx.Response(200, json={})]
    world.repository().update_check_run(1, output=CheckOutput("t", "s"))
    assert len(world.requests) == 3


def test_a_secondary_limit_is_waited_out_and_the_comment_posted(world: World) -> None:
    words = {"message": "You have exceeded a secondary rate limit."}
    world.answers = [
        httpx.Response(403, json=words, headers={"retry-after": "17"}),
        httpx.Response(201, json=comment()),
    ]
    world.repository().create_issue_comment(5, "hello")
    assert world.clock.waits == [(Wait.SECONDARY, 17)]


def test_a_secondary_limit_without_a_time_is_a_minute(world: World) -> None:
    world.answers = [
        httpx.Response(403, json={"message": "You have exceeded a secondary rate limit"}),
        httpx.Response(200, json=[]),
    ]
    world.repository().issue_comments(5)
    assert world.clock.waits == [(Wait.SECONDARY, 60)]


def spent(reset: float) -> httpx.Response:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(reset))}
    return httpx.Response(403, json={"message": "API rate limit exceeded"}, headers=headers)


def test_a_spent_hour_is_waited_out_if_it_is_nearly_over(world: World) -> None:
    world.answers = [spent(NOW + 30), httpx.Response(200, json=[])]
    world.repository().issue_comments(5)
    assert world.clock.waits == [(Wait.PRIMARY, 31)]


def test_a_spent_hour_that_lasts_is_left_to_the_caller_with_its_time(world: World) -> None:
    world.answers = [spent(NOW + 1800)]
    repository = world.repository()
    for _ in range(2):  # the second is not even sent
        with pytest.raises(UnavailableError, match="1801 s") as raised:
            repository.issue_comments(5)
        assert raised.value.retry_after == 1801
    assert len(world.requests) == 1
    assert world.clock.waits == []


def test_graphql_that_is_limited_is_waited_out_too(world: World) -> None:
    limited = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW + 5))}
    world.answers = [
        httpx.Response(200, json=limited, headers=headers),
        httpx.Response(200, json={"data": {"resolveReviewThread": {}}}),
    ]
    world.repository().resolve_thread("T1")
    assert (Wait.PRIMARY, 6) in world.clock.waits


def test_writes_of_an_installation_are_a_second_apart(world: World) -> None:
    world.handler = lambda request: httpx.Response(201, json=comment())
    client = world.client()
    other = client.repository(3, RepositoryRef(12, "octo", "other"))
    client.repository(3, REF).create_issue_comment(1, "a")
    other.create_issue_comment(1, "b")
    assert world.clock.waits == [(Wait.WRITES, 1.0)]
    client.repository(4, REF).create_issue_comment(1, "c")
    assert len(world.clock.waits) == 1


def test_eighty_writes_a_minute_are_enough_and_500_an_hour(world: World) -> None:
    """Eighty take 79 s with a second between, so it is the hour's 500 that stops us."""
    world.handler = lambda request: httpx.Response(200, json={})
    repository = world.repository()
    for _ in range(500):
        repository.update_issue_comment(1, "again")
    assert world.clock.now == NOW + 499
    with pytest.raises(UnavailableError, match="writes"):
        repository.update_issue_comment(1, "again")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, ForbiddenError),
        (403, ForbiddenError),
        (404, MissingError),
        (410, MissingError),
        (422, InvalidError),
    ],
)
def test_a_refusal_is_told_in_githubs_words(
    world: World, status: int, error: type[GitHubError]
) -> None:
    body = {"message": "No", "errors": [{"message": "line must be part of the diff"}, "or so"]}
    world.handler = lambda request: httpx.Response(status, json=body)
    with pytest.raises(error, match=r"No; line must be part of the diff; or so"):
        world.repository().create_review(1, "f" * 40, "", [NewComment("a.py", "b", 1)])


@pytest.mark.parametrize(
    ("kind", "error"),
    [("NOT_FOUND", MissingError), ("FORBIDDEN", ForbiddenError), ("OTHER", InvalidError)],
)
def test_graphql_refuses_with_status_200(world: World, kind: str, error: type[GitHubError]) -> None:
    body = {"data": None, "errors": [{"type": kind, "message": "it says why"}]}
    world.answers = [httpx.Response(200, json=body)]
    with pytest.raises(error, match="it says why"):
        world.repository().review_threads(1)


def test_an_answer_that_is_not_json_names_what_to_check(world: World) -> None:
    world.answers = [httpx.Response(200, text="<html>proxy</html>")]
    with pytest.raises(UnavailableError, match="a proxy between"):
        world.repository().issue_comments(1)


def test_a_conversation_is_resolved_by_a_token_for_that_alone(world: World) -> None:
    world.answers = [httpx.Response(200, json={"data": {"resolveReviewThread": {}}})]
    world.repository().resolve_thread("T1")
    permissions = json.loads(world.tokens[0].content)["permissions"]
    assert permissions == {"contents": "write", "metadata": "read", "pull_requests": "write"}


def node(id_: int, login: str, kind: str, body: str, reply_to: int | None = None) -> dict[str, Any]:
    return {
        "fullDatabaseId": str(id_),
        "author": {"__typename": kind, "login": login},
        "body": body,
        "path": "a.py",
        "line": None,
        "replyTo": {"fullDatabaseId": str(reply_to)} if reply_to else None,
    }


def page(nodes: list[Any], after: str | None = None) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": bool(after), "endCursor": after}, "nodes": nodes}


def test_conversations_are_read_whole_with_authors_as_rest_names_them(world: World) -> None:
    """Two pages of threads, the first with a second page of comments; ids above 32 bits."""

    def threads(nodes: list[Any], after: str | None = None) -> httpx.Response:
        pull = {"reviewThreads": page(nodes, after)}
        return httpx.Response(200, json={"data": {"repository": {"pullRequest": pull}}})

    first = {
        "id": "T1",
        "isResolved": False,
        "isOutdated": True,
        "comments": page([node(2**33, "themis", "Bot", "worse")], "c1"),
    }
    second = first | {"id": "T2", "isResolved": True, "comments": page([])}
    more = {"data": {"node": {"comments": page([node(9, "ada", "User", "no", 2**33)])}}}
    world.answers = [threads([first], "t1"), httpx.Response(200, json=more), threads([second])]
    found = world.repository().review_threads(1)
    assert [each.id for each in found] == ["T1", "T2"]
    assert [(each.id, each.author, each.in_reply_to) for each in found[0].comments] == [
        (2**33, "themis[bot]", None),
        (9, "ada", 2**33),
    ]
    assert [world.sent(at)["variables"].get("after") for at in range(3)] == [None, "c1", "t1"]


def pull(number: int, head_sha: str, state: str = "open") -> dict[str, Any]:
    return {
        "number": number,
        "title": "A title",
        "state": state,
        "draft": False,
        "user": None,
        "base": {"ref": "main", "sha": "b" * 40},
        "head": {"ref": "topic", "sha": head_sha, "repo": None},
    }


def test_a_pull_request_of_a_deleted_fork_by_a_deleted_user_is_read(world: World) -> None:
    world.answers = [httpx.Response(200, json=pull(5, "f" * 40))]
    read = world.repository().pull_request(5)
    assert (read.head_repository, read.author, read.is_open) == (None, "", True)


def test_a_pull_request_of_a_fork_is_found_by_its_head_though_github_lists_none(
    world: World,
) -> None:
    world.answers = [
        httpx.Response(422, json={"message": "No commit found for SHA"}),
        httpx.Response(200, json=[pull(4, "e" * 40), pull(5, "f" * 40)]),
    ]
    assert [each.number for each in world.repository().pull_requests_of("f" * 40)] == [5]


@pytest.mark.parametrize(
    ("permission", "may"), [("admin", True), ("write", True), ("read", False), ("none", False)]
)
def test_who_may_push_may_command(world: World, permission: str, may: bool) -> None:
    world.answers = [httpx.Response(200, json={"permission": permission})]
    assert world.repository().may_write("ada/../octo") is may
    assert world.requests[0].url.raw_path.endswith(b"/collaborators/ada%2F..%2Focto/permission")


def test_a_stranger_may_not_command(world: World) -> None:
    world.answers = [httpx.Response(404, json={"message": "Not Found"})]
    assert world.repository().may_write("nobody") is False


def test_findings_for_code_scanning_are_packed_and_go_by_a_token_of_their_own(
    world: World,
) -> None:
    world.answers = [httpx.Response(202, json={"id": "x"})]
    world.repository().upload_sarif("f" * 40, "refs/pull/5/head", '{"runs": []}')
    told = world.sent()
    assert gzip.decompress(base64.b64decode(told["sarif"])) == b'{"runs": []}'
    assert json.loads(world.tokens[0].content)["permissions"]["security_events"] == "write"


def delivery(id_: int, guid: str, status: int, minute: int) -> dict[str, Any]:
    return {
        "id": id_,
        "guid": guid,
        "event": "pull_request",
        "action": "opened",
        "delivered_at": f"2026-11-24T10:{minute:02}:00Z",
        "status_code": status,
        "redelivery": False,
    }


def test_deliveries_that_never_succeeded_are_listed_once_and_no_older_than_asked(
    world: World,
) -> None:
    world.answers = [
        httpx.Response(
            200,
            json=[
                delivery(9, "a", 200, 50),
                delivery(8, "b", 502, 40),
                delivery(7, "a", 502, 30),
                delivery(6, "b", 0, 20),
                delivery(5, "c", 502, 10),
            ],
            headers={"link": '<https://api.github.com/app/hook/deliveries?cursor=x>; rel="next"'},
        )
    ]
    found = world.client().failed_deliveries("2026-11-24T10:15:00Z")
    assert [(each.id, each.guid) for each in found] == [(8, "b")]


@pytest.mark.parametrize(
    ("url", "api", "graphql"),
    [
        ("https://github.com", "https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghe.example", "https://ghe.example/api/v3", "https://ghe.example/api/graphql"),
    ],
)
def test_no_host_is_built_in(world: World, url: str, api: str, graphql: str) -> None:
    answer = {"data": {"repository": {"pullRequest": {"reviewThreads": page([])}}}}
    world.answers = [httpx.Response(200, json=[]), httpx.Response(200, json=answer)]
    repository = world.repository(url=url)
    repository.issue_comments(1)
    repository.review_threads(1)
    assert str(world.tokens[0].url) == f"{api}/app/installations/3/access_tokens"
    assert str(world.requests[0].url).startswith(f"{api}/repos/octo/hello/issues/1/comments")
    assert str(world.requests[1].url) == graphql
    assert repository.clone_url() == f"{url}/octo/hello.git"


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def test_neither_errors_nor_logs_nor_values_hold_a_secret(
    world: World, key: str, everything_logged: pytest.LogCaptureFixture
) -> None:
    """Whatever fails: no token, no signed token, nothing of the key; in tracebacks neither."""
    told: list[str] = []
    failures: list[httpx.Response | Exception] = [
        httpx.Response(404, json={"message": "Not Found"}),
        httpx.Response(500, text="ghs_secret1 as an intermediary echoes it"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.Response(429, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        httpx.Response(200, text="not JSON: ghs_secret1"),
    ]
    client = world.client()
    for failure in failures:
        world.answers = [failure] * 5
        with pytest.raises(GitHubError) as raised:
            client.repository(3, REF).create_issue_comment(1, "hello")
        told += traceback.format_exception(raised.value)
    world.answers = [httpx.Response(401, json={"message": "Bad credentials"})]
    with pytest.raises(ForbiddenError) as refused:
        client.app()
    told += traceback.format_exception(refused.value)
    told += [repr(vars(client)), repr(AppKey("7", key)), everything_logged.text]
    everything = "\n".join(told)
    signed = [request.headers["authorization"].split()[1] for request in world.tokens]
    for secret in ("ghs_secret", *signed, *key.splitlines()[1:-1]):
        assert secret not in everything


def test_a_key_that_is_none_is_refused_without_quoting_it() -> None:
    broken = AppKey("7", "-----BEGIN RSA " + "hunter" + "2")
    with pytest.raises(ConfigurationError) as raised:
        GitHubClient(broken, github_site())
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_named(
    key: str, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"authority\.pem"):
        GitHubClient(AppKey("7", key), github_site("https://ghe.example", ca_file=file))


def test_a_comment_without_a_line_is_not_put_into_a_review(world: World) -> None:
    with pytest.raises(ValueError, match="without a line"):
        world.repository().create_review(1, "f" * 40, "", [NewComment("a.py", "b", None)])


def test_a_check_run_is_made_and_read(world: World) -> None:
    run = {
        "id": 4,
        "head_sha": "f" * 40,
        "external_id": "mine",
        "status": "in_progress",
        "conclusion": None,
        "output": {"annotations_count": 2},
    }
    world.answers = [
        httpx.Response(201, json=run),
        httpx.Response(200, json={"id": 7, "slug": "themis"}),
        httpx.Response(200, json={"check_runs": [run | {"id": 3, "status": "waiting"}, run]}),
    ]
    repository = world.repository()
    made = repository.create_check_run(
        "f" * 40, "Themis", "mine", CheckStatus.IN_PROGRESS, CheckOutput("t", "s", "x")
    )
    assert world.sent()["output"] == {"title": "t", "summary": "s", "text": "x"}
    found = repository.check_runs("f" * 40, "Themis")
    assert [each.id for each in found] == [4, 3]
    assert found[0] == made
    assert world.requests[-1].url.params["app_id"] == "7"
