"""The fake GitHub keeps its promises: a fake that lies is worse than none."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from fake_github import FakeGitHub, Hosted, create_shop
from fake_github.graphql import SCHEMA
from fake_github.keys import key_pair
from fake_github.routes import APP, ROUTES
from fake_github.world import Pull
from git_repository import GitRepository
from graphql import GraphQLEnumType, build_schema
from tools import tool

SHOP = "/repos/octo/shop"
THREADS = """
query($number: Int!, $after: String) {
  repository(owner: "octo", name: "shop") {
    pullRequest(number: $number) {
      reviewThreads(first: 2, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated line
          comments(first: 10) { nodes { fullDatabaseId author { __typename login } body } }
        }
      }
    }
  }
}
"""
RESOLVE = (
    "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
)


def signed(github: FakeGitHub, key: str | None = None, **changed: Any) -> str:
    now = int(time.time())
    claims = {"iat": now - 60, "exp": now + 540, "iss": str(github.app.id)} | changed
    return jwt.encode(claims, key or github.private_key, algorithm="RS256")


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def new_token(github: FakeGitHub, **narrowed: Any) -> httpx.Response:
    url = f"{github.at.api}/app/installations/{github.installation.id}/access_tokens"
    return httpx.post(url, json=narrowed, headers=bearer(signed(github)), verify=False)


def get(url: str, secret: str | None = None) -> httpx.Response:
    """Once; without loading certificates, which would take most of the time."""
    return httpx.get(url, headers=bearer(secret) if secret else {}, verify=False)


@pytest.fixture
def api(github: FakeGitHub, hosted: Hosted) -> Iterator[httpx.Client]:
    """A client with a token for all."""
    headers = bearer(new_token(github).json()["token"])
    with httpx.Client(base_url=github.at.api, headers=headers, verify=False) as client:
        yield client


def numbered(*numbers: int) -> str:
    """A file of some lines."""
    return "".join(f"line {number}\n" for number in numbers)


@pytest.fixture
def pull(hosted: Hosted) -> Pull:
    """A pull request that changes line 20 of 40 and adds a file."""
    hosted.commit(module=numbered(*range(1, 41)))
    hosted.push()
    hosted.branch("feature")
    hosted.commit(module=numbered(*range(1, 20), 200, *range(21, 41)), other="a = 1\nb = 2\n")
    return hosted.open_pull()


def comment(line: int, **more: Any) -> dict[str, Any]:
    return {"path": "module.py", "line": line, "side": "RIGHT", "body": "Look"} | more


def post_review(api: httpx.Client, pull: Pull, *comments: dict[str, Any]) -> httpx.Response:
    review = {"event": "COMMENT", "commit_id": pull.head_sha, "comments": list(comments)}
    return api.post(f"{SHOP}/pulls/{pull.number}/reviews", json=review)


def git_with(
    token: str | None, *arguments: str, authority: Path | None = None
) -> subprocess.CompletedProcess[str]:
    options = []
    trusted = {} if authority is None else {"GIT_SSL_CAINFO": str(authority)}
    if token is not None:
        secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        options = ["-c", f"http.extraHeader=Authorization: Basic {secret}"]
    return subprocess.run(
        ["git", "-c", "credential.helper=", *options, *arguments],
        env=os.environ | {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull} | trusted,
        capture_output=True,
        text=True,
        check=False,
    )


# --- who may -------------------------------------------------------------------------------------


def test_only_a_good_signature_of_the_app_opens_its_endpoints(github: FakeGitHub) -> None:
    now = int(time.time())
    other = key_pair.__wrapped__()[0]
    bad = [
        signed(github, key=other),
        signed(github, exp=now + 700),
        signed(github, exp=now - 1),
        signed(github, iat=now + 30),
        signed(github, iss="77"),
        signed(github)[:-4],
        jwt.encode({"iss": "1", "iat": now, "exp": now + 9}, "k" * 32, algorithm="HS256"),
    ]
    url = f"{github.at.api}/app"
    assert [get(url, each).status_code for each in bad] == [401] * len(bad)
    assert get(url).status_code == 401
    for issuer in (str(github.app.id), github.app.client_id):
        assert get(url, signed(github, iss=issuer)).status_code == 200


def test_a_token_opens_what_it_was_narrowed_to_and_nothing_else(
    github: FakeGitHub, hosted: Hosted
) -> None:
    other = github.create_repository("octo/other")
    shop = github.repository("octo/shop")
    made = new_token(github, repository_ids=[shop.id], permissions={"checks": "read"}).json()
    assert [each["name"] for each in made["repositories"]] == ["shop"]
    assert made["permissions"] == {"checks": "read", "metadata": "read"}
    token = made["token"]
    assert get(github.at.api + SHOP, token).status_code == 200
    assert get(f"{github.at.api}/repos/{other.full_name}", token).status_code == 404
    pulls = get(f"{github.at.api}{SHOP}/pulls", token)
    assert (pulls.status_code, pulls.json()["message"]) == (
        403,
        "Resource not accessible by integration",
    )
    assert get(f"{github.at.api}/app", token).status_code == 401
    assert new_token(github, permissions={"administration": "read"}).status_code == 422
    assert new_token(github, repository_ids=[1]).status_code == 422


def test_a_token_ends_after_an_hour_when_told_and_with_its_installation(
    github: FakeGitHub, api: httpx.Client
) -> None:
    assert api.get(SHOP).status_code == 200
    github.expire_tokens()
    assert api.get(SHOP).json()["message"] == "Bad credentials"
    api.headers["authorization"] = f"token {new_token(github).json()['token']}"
    assert api.get(SHOP).status_code == 200
    github.advance(3601)
    assert api.get(SHOP).status_code == 401
    github.advance(-3601)
    installation = github.installation.id
    github.suspend(installation)
    assert api.get(SHOP).status_code == 403
    github.uninstall(installation)
    assert api.get(SHOP).status_code == 401
    seen = get(f"{github.at.api}/app/installations", signed(github))
    assert seen.json() == []


def test_an_installation_sees_the_repositories_it_was_given(
    github: FakeGitHub, api: httpx.Client
) -> None:
    github.create_repository("octo/other")
    github.create_repository("eve/else")
    github.select(github.installation.id, ["octo/other"])
    api.headers["authorization"] = f"Bearer {new_token(github).json()['token']}"
    seen = api.get("/installation/repositories").json()
    assert (seen["total_count"], seen["repositories"][0]["name"]) == (1, "other")
    assert seen["repository_selection"] == "selected"
    assert api.get(SHOP).status_code == 404


def test_roles_are_told_in_githubs_four_words(github: FakeGitHub, api: httpx.Client) -> None:
    github.grant("octo/shop", "mia", "maintain")
    github.grant("octo/shop", "tom", "triage")
    told = {
        login: api.get(f"{SHOP}/collaborators/{login}/permission").json()["permission"]
        for login in ("octo", "mia", "tom", "eve")
    }
    assert told == {"octo": "admin", "mia": "write", "tom": "read", "eve": "none"}


# --- git -----------------------------------------------------------------------------------------


def test_git_clones_partially_with_a_token_and_not_without(
    github: FakeGitHub, pull: Pull, tmp_path: Path
) -> None:
    url = f"{github.at.web}/octo/shop.git"
    token = new_token(github, permissions={"contents": "read"}).json()["token"]
    made = git_with(token, "clone", "-q", "--bare", "--filter=blob:none", url, str(tmp_path / "c"))
    assert made.returncode == 0, made.stderr
    clone = GitRepository(tmp_path / "c")
    assert "?" in clone.git("rev-list", "--objects", "--missing=print", "--all")  # blobs stay away
    assert pull.head_sha in clone.git("ls-remote", github.repository("octo/shop").folder)
    assert git_with(None, "ls-remote", url).returncode != 0
    assert git_with("ghs_wrong", "ls-remote", url).returncode != 0
    blind = new_token(github, permissions={"checks": "read"}).json()["token"]
    assert git_with(blind, "ls-remote", url).returncode != 0
    github.expire_tokens()
    assert git_with(token, "ls-remote", url).returncode != 0
    assert {entry.who for entry in github.log(path=".git/") if entry.status == 401} == {""}


def test_the_head_of_a_pull_request_outlives_its_branch_and_its_fork(
    github: FakeGitHub, hosted: Hosted, tmp_path: Path
) -> None:
    fork = hosted.fork("eve/shop", tmp_path / "fork")
    fork.branch("theirs")
    head = fork.commit(evil="x = 1\n")
    assert fork.open_pull(into="octo/shop", author="eve").head_sha == head
    github.delete_repository("eve/shop")
    token = new_token(github).json()["token"]
    listed = git_with(token, "ls-remote", f"{github.at.web}/octo/shop.git", "refs/pull/1/head")
    assert listed.stdout.split() == [head, "refs/pull/1/head"]
    shown = get(f"{github.at.api}{SHOP}/pulls/1", token).json()
    assert (shown["head"]["repo"], shown["head"]["sha"]) == (None, head)


def test_git_may_not_be_pushed_to(github: FakeGitHub, hosted: Hosted) -> None:
    token = new_token(github).json()["token"]
    url = f"{github.at.web}/octo/shop.git"
    assert git_with(token, "-C", str(hosted.work.path), "push", url, "main:x").returncode != 0


# --- pull requests -------------------------------------------------------------------------------


def test_lists_come_in_pages_with_links(hosted: Hosted, api: httpx.Client) -> None:
    for number in range(5):
        hosted.branch(f"branch-{number}")
        hosted.commit()
        hosted.open_pull()
    first = api.get(f"{SHOP}/pulls", params={"per_page": 2})
    assert [pull["number"] for pull in first.json()] == [5, 4]
    assert set(first.links) == {"next", "last"}
    second = api.get(first.links["next"]["url"])
    assert [pull["number"] for pull in second.json()] == [3, 2]
    last = api.get(first.links["last"]["url"])
    assert [pull["number"] for pull in last.json()] == [1]
    assert set(last.links) == {"prev", "first"}


def test_a_pull_request_follows_its_branch(
    github: FakeGitHub, hosted: Hosted, api: httpx.Client, pull: Pull
) -> None:
    first = pull.head_sha
    hosted.commit(module="b = 2\n")
    pushed = hosted.push()
    hosted.checkout("main")
    hosted.commit(elsewhere="c = 1\n")
    hosted.push()
    hosted.checkout("feature")
    rebased = hosted.rebase("main")
    assert pull.heads == [first, pushed, rebased]
    assert api.get(f"{SHOP}/pulls/1").json()["head"]["sha"] == rebased
    assert [p["number"] for p in api.get(f"{SHOP}/commits/{rebased}/pulls").json()] == [1]
    assert api.get(f"{SHOP}/commits/{first}/pulls").json() == []
    hosted.delete_branch("feature")
    assert api.get(f"{SHOP}/pulls/1").json()["state"] == "closed"
    assert api.get(f"{SHOP}/pulls").json() == []


def test_another_base_changes_what_the_pull_request_holds(
    github: FakeGitHub, hosted: Hosted, api: httpx.Client, pull: Pull
) -> None:
    hosted.branch("release", "main")
    hosted.commit(other="a = 1\nb = 2\n")
    hosted.push()
    github.edit("octo/shop", 1, base="release")
    shown = api.get(f"{SHOP}/pulls/1").json()
    assert shown["base"]["ref"] == "release"
    assert shown["changed_files"] == 2  # three dots: from where the branches part


def test_the_files_of_a_large_pull_request_end_at_three_thousand(
    hosted: Hosted, api: httpx.Client
) -> None:
    hosted.branch("large")
    for number in range(3001):
        hosted.work.write(f"files/{number:04}.txt", f"{number}\n")
    hosted.commit()
    hosted.open_pull()
    last = api.get(f"{SHOP}/pulls/1/files", params={"per_page": 100, "page": 30})
    assert len(last.json()) == 100
    assert "next" not in last.links
    assert api.get(f"{SHOP}/pulls/1").json()["changed_files"] == 3001
    diff = api.get(f"{SHOP}/pulls/1", headers={"accept": "application/vnd.github.diff"})
    assert (diff.status_code, diff.json()["errors"][0]["code"]) == (406, "too_large")


def test_files_say_how_they_changed_and_leave_out_large_and_binary_patches(
    hosted: Hosted, api: httpx.Client
) -> None:
    hosted.commit(moved=numbered(*range(50)), gone="x = 1\n", named="ä = 1\n")
    hosted.push()
    hosted.branch("feature")
    hosted.work.git("mv", "moved.py", "here.py")
    hosted.work.git("rm", "-q", "gone.py")
    hosted.work.write("große Datei\t.txt", numbered(*range(3001)))
    hosted.commit(binary=b"\0\1\2", named="ö = 1\n")
    hosted.open_pull()
    files = {each["filename"]: each for each in api.get(f"{SHOP}/pulls/1/files").json()}
    assert {name: (each["status"], "patch" in each) for name, each in files.items()} == {
        "here.py": ("renamed", False),
        "gone.py": ("removed", True),
        "große Datei\t.txt": ("added", False),
        "binary.py": ("added", False),
        "named.py": ("modified", True),
    }
    assert files["here.py"]["previous_filename"] == "moved.py"
    assert files["große Datei\t.txt"]["additions"] == 3001
    assert files["named.py"]["patch"] == "@@ -1 +1 @@\n-ä = 1\n+ö = 1"
    diff = api.get(f"{SHOP}/pulls/1", headers={"accept": "application/vnd.github.diff"})
    assert diff.text.startswith("diff --git ")


def test_a_renamed_repository_answers_at_its_old_name_with_where_it_went(
    github: FakeGitHub, api: httpx.Client
) -> None:
    github.rename("octo/shop", "store")
    moved = api.get(SHOP)
    assert moved.status_code == 301
    assert api.get(moved.headers["location"]).json()["full_name"] == "octo/store"


# --- reviews -------------------------------------------------------------------------------------


def test_one_line_outside_the_diff_refuses_the_whole_review(
    github: FakeGitHub, api: httpx.Client, pull: Pull
) -> None:
    """Line 20 changed: with three lines around it the diff shows 17 to 23."""
    outside = [
        comment(16),
        comment(24),
        comment(2, path="missing.py"),
        comment(20, start_line=16),
        comment(20, start_line=20),
        comment(20, start_line=21),
        comment(17, side="LEFT", path="other.py"),
    ]
    for each in outside:
        answer = post_review(api, pull, comment(20), each)
        assert answer.status_code == 422, each
        assert len(answer.json()["errors"]) == 1
    assert github.review_comments("octo/shop", 1) == []
    assert github.world.reviews == []
    inside = [
        comment(17),
        comment(23),
        comment(20, side="LEFT"),
        comment(23, start_line=17, start_side="RIGHT"),
        comment(2, path="other.py"),
    ]
    assert post_review(api, pull, *inside).status_code == 200
    assert len(github.review_comments("octo/shop", 1)) == 5
    assert len(github.world.reviews) == 1


def test_comments_go_to_files_and_into_threads(
    github: FakeGitHub, api: httpx.Client, pull: Pull
) -> None:
    url = f"{SHOP}/pulls/1/comments"
    asked = {"commit_id": pull.head_sha, "path": "module.py", "body": "All of it"}
    on_file = api.post(url, json=asked | {"subject_type": "file"})
    assert (on_file.status_code, on_file.json()["line"]) == (201, None)
    outside = api.post(url, json=asked | {"line": 1})
    assert outside.status_code == 422
    assert outside.json()["errors"][0]["resource"] == "PullRequestReviewComment"
    id_ = on_file.json()["id"]
    reply = api.post(f"{url}/{id_}/replies", json={"body": "Indeed"})
    assert reply.json()["in_reply_to_id"] == id_
    github.reply(id_, "ada", "No")
    ((_, comments),) = github.threads("octo/shop", 1)
    assert [each.author for each in comments] == [github.app.login, github.app.login, "ada"]
    changed = api.patch(f"{SHOP}/pulls/comments/{id_}", json={"body": "Better"})
    assert changed.json()["body"] == "Better"
    theirs = api.patch(f"{SHOP}/pulls/comments/{comments[2].id}", json={"body": "Yes"})
    assert theirs.status_code == 403


def test_a_comment_moves_with_its_line_is_outdated_without_it_and_comes_back(
    github: FakeGitHub, hosted: Hosted, api: httpx.Client, pull: Pull
) -> None:
    post_review(api, pull, comment(20, start_line=19), comment(20, side="LEFT"))
    head = pull.head_sha

    def places() -> list[tuple[int | None, int | None]]:
        listed = api.get(f"{SHOP}/pulls/1/comments").json()
        return [(each["start_line"], each["line"]) for each in listed]

    hosted.commit(module=numbered(0, *range(1, 20), 200, *range(21, 41)))
    hosted.push()
    assert places() == [(20, 21), (None, 20)]
    hosted.commit(module=numbered(0, *range(1, 20), 201, *range(21, 41)))
    hosted.push()
    assert places() == [(None, None), (None, 20)]
    hosted.commit(module=numbered(0, *range(1, 20), 20, *range(21, 41)))
    hosted.push()
    assert places() == [(None, None), (None, None)]
    hosted.work.git("reset", "-q", "--hard", head)
    hosted.push(force=True)
    assert places() == [(19, 20), (None, 20)]
    assert {each["original_line"] for each in api.get(f"{SHOP}/pulls/1/comments").json()} == {20}


def graphql(github: FakeGitHub, api: httpx.Client, query: str, **variables: Any) -> Any:
    asked = {"query": query, "variables": variables}
    return api.post(github.at.graphql, json=asked).json()


def test_threads_are_told_in_pages_and_resolved_by_who_may_write_contents(
    github: FakeGitHub, hosted: Hosted, api: httpx.Client, pull: Pull
) -> None:
    post_review(api, pull, *(comment(line) for line in (18, 19, 20)))
    hosted.commit(module=numbered(*range(1, 20), 201, *range(21, 41)))
    hosted.push()
    page = graphql(github, api, THREADS, number=1)["data"]["repository"]["pullRequest"]
    first = page["reviewThreads"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    after = first["pageInfo"]["endCursor"]
    page = graphql(github, api, THREADS, number=1, after=after)["data"]["repository"]
    (last,) = page["pullRequest"]["reviewThreads"]["nodes"]
    assert last["isOutdated"] and not first["nodes"][0]["isOutdated"]
    assert last["comments"]["nodes"][0]["author"] == {"__typename": "Bot", "login": "themis-review"}
    resolved = graphql(github, api, RESOLVE, id=last["id"])
    assert resolved["data"]["resolveReviewThread"]["thread"] == {"isResolved": True}
    permissions = {"contents": "read", "pull_requests": "write"}
    api.headers.update(bearer(new_token(github, permissions=permissions).json()["token"]))
    refused = graphql(github, api, RESOLVE, id=first["nodes"][0]["id"])
    assert refused["data"] == {"resolveReviewThread": None}
    assert refused["errors"][0]["type"] == "FORBIDDEN"
    missing = graphql(github, api, THREADS, number=9)
    assert missing["errors"][0]["type"] == "NOT_FOUND"
    graphql(github, api, "{ repository(owner: 1) { nonsense } }")
    assert len(github.unknown_requests) == 3  # two missing arguments' types and a field
    github.unknown_requests.clear()


def test_graphql_is_a_part_of_githubs_schema() -> None:
    """Every type, field, argument and enum value is there, of the same type, in GitHub's own."""
    official = build_schema(tool("schema.graphql").read_text(), assume_valid=True)
    for name, ours in build_schema(SCHEMA).type_map.items():
        theirs = official.type_map[name]
        assert type(ours) is type(theirs), name
        if isinstance(ours, GraphQLEnumType):
            assert ours.values.keys() == theirs.values.keys()  # type: ignore[union-attr]
        for key, one in getattr(ours, "fields", {}).items():
            other = theirs.fields[key]  # type: ignore[union-attr]
            assert str(one.type) == str(other.type), f"{name}.{key}"
            arguments = {k: str(v.type) for k, v in getattr(one, "args", {}).items()}
            expected = {k: str(v.type) for k, v in getattr(other, "args", {}).items()}
            assert arguments == expected, f"{name}.{key}"


# --- comments ------------------------------------------------------------------------------------


def test_comments_below_a_pull_request_are_ours_to_change_if_ours(
    github: FakeGitHub, api: httpx.Client, pull: Pull
) -> None:
    theirs = github.comment("octo/shop", 1, "ada", "@themis review")
    made = api.post(f"{SHOP}/issues/1/comments", json={"body": "Hello"}).json()
    assert made["user"]["login"] == "themis-review[bot]"
    assert [c["id"] for c in api.get(f"{SHOP}/issues/1/comments").json()] == [theirs.id, made["id"]]
    url = f"{SHOP}/issues/comments"
    assert api.patch(f"{url}/{made['id']}", json={"body": "Bye"}).json()["body"] == "Bye"
    assert api.patch(f"{url}/{theirs.id}", json={"body": "Bye"}).status_code == 403
    assert api.post(f"{SHOP}/issues/1/comments", json={"body": "x" * 65537}).status_code == 422
    assert api.post(f"{SHOP}/issues/1/comments", json={"body": " "}).status_code == 422
    reacting = f"{url}/{theirs.id}/reactions"
    assert api.post(reacting, json={"content": "eyes"}).status_code == 201
    assert api.post(reacting, json={"content": "eyes"}).status_code == 200
    assert len(theirs.reactions) == 1


# --- checks --------------------------------------------------------------------------------------


def annotation(line: int) -> dict[str, Any]:
    place = {"path": "module.py", "start_line": line, "end_line": line}
    return place | {"annotation_level": "notice", "message": "Look"}


def test_check_runs_keep_githubs_limits(github: FakeGitHub, api: httpx.Client, pull: Pull) -> None:
    asked = {"name": "Themis", "head_sha": pull.head_sha, "status": "queued"}
    action = {"label": "l" * 20, "description": "d" * 40, "identifier": "i" * 20}
    output = {"title": "T", "summary": "s" * 65535}
    bad: list[dict[str, Any]] = [
        {"head_sha": "0" * 40},
        {"output": output | {"summary": "s" * 65536}},
        {"output": output | {"text": "s" * 65536}},
        {"output": output | {"annotations": [annotation(n) for n in range(1, 52)]}},
        {"output": output | {"annotations": [annotation(2) | {"end_line": 1}]}},
        {"output": output | {"annotations": [annotation(2) | {"message": "x" * 65537}]}},
        {"actions": [action] * 4},
        *({"actions": [action | {name: "x" * 41}]} for name in action),
    ]
    for each in bad:
        assert api.post(f"{SHOP}/check-runs", json=asked | each).status_code == 422, each
    assert github.check_runs("octo/shop") == []
    assert github.violations  # and the description knows some of them
    github.violations.clear()
    annotations = [annotation(number) for number in range(1, 51)]
    good = asked | {"output": output | {"annotations": annotations}, "actions": [action] * 3}
    assert api.post(f"{SHOP}/check-runs", json=good).status_code == 201


def test_annotations_are_appended_and_a_conclusion_completes(
    github: FakeGitHub, api: httpx.Client, pull: Pull
) -> None:
    asked = {"name": "Themis", "head_sha": pull.head_sha, "external_id": "first"}
    output = {"title": "T", "summary": "S", "annotations": [annotation(1)]}
    url = f"{SHOP}/check-runs/{api.post(f'{SHOP}/check-runs', json=asked).json()['id']}"
    api.patch(url, json={"status": "in_progress", "output": output})
    done = api.patch(url, json={"conclusion": "neutral", "output": output}).json()
    assert (done["status"], done["conclusion"]) == ("completed", "neutral")
    assert done["output"]["annotations_count"] == 2
    assert len(api.get(f"{url}/annotations").json()) == 2
    api.post(f"{SHOP}/check-runs", json=asked | {"external_id": "second"})
    api.post(f"{SHOP}/check-runs", json=asked | {"name": "Other"})
    listing = f"{SHOP}/commits/{pull.head_sha}/check-runs"

    def runs(**query: str) -> list[str]:
        found = api.get(listing, params={"check_name": "Themis"} | query).json()["check_runs"]
        return [run["external_id"] for run in found]

    assert (runs(), runs(filter="all")) == (["second"], ["second", "first"])
    assert runs(app_id="99") == []


def test_sarif_is_unzipped_and_read(github: FakeGitHub, api: httpx.Client, pull: Pull) -> None:
    text = json.dumps({"version": "2.1.0", "runs": []})
    zipped = base64.b64encode(gzip.compress(text.encode())).decode()
    asked = {"commit_sha": pull.head_sha, "ref": "refs/pull/1/head", "sarif": zipped}
    made = api.post(f"{SHOP}/code-scanning/sarifs", json=asked)
    assert made.status_code == 202
    assert github.world.sarifs[0].sarif == text
    status = api.get(f"{SHOP}/code-scanning/sarifs/{made.json()['id']}").json()
    assert status["processing_status"] == "complete"
    plain = base64.b64encode(text.encode()).decode()
    broken = api.post(f"{SHOP}/code-scanning/sarifs", json=asked | {"sarif": plain})
    assert broken.status_code == 400


# --- webhooks ------------------------------------------------------------------------------------


@dataclass
class Receiver:
    """An app that writes down what it is told."""

    url: str = ""
    status: int = 202
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def seen(self) -> list[tuple[str, str | None, str]]:
        """Event, action and GUID of each delivery."""
        return [
            (h["x-github-event"], json.loads(body).get("action"), h["x-github-delivery"])
            for h, body in self.got
        ]


@pytest.fixture
def receiver(github: FakeGitHub) -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(told.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/webhook"
    github.send_webhooks_to(told.url)
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_happens_is_told_signed(
    github: FakeGitHub, hosted: Hosted, api: httpx.Client, receiver: Receiver
) -> None:
    hosted.branch("feature")
    hosted.commit(module="a = 1\n")
    pull = hosted.open_pull(draft=True)
    hosted.commit(module="a = 2\n")
    hosted.push()
    github.set_draft("octo/shop", 1, False)
    github.edit("octo/shop", 1, title="Better")
    github.comment("octo/shop", 1, "ada", "@themis help")
    asked = {"name": "Themis", "head_sha": pull.head_sha}
    run = api.post(f"{SHOP}/check-runs", json=asked).json()["id"]
    github.press(run, "again")
    api.post(f"{SHOP}/check-suites/{github.world.check_suites[-1].id}/rerequest")
    github.close("octo/shop", 1)
    github.reopen("octo/shop", 1)
    github.uninstall(github.installation.id)
    github.settle()
    assert [event[:2] for event in receiver.seen()] == [
        ("check_suite", "requested"),
        ("pull_request", "opened"),
        ("pull_request", "synchronize"),
        ("check_suite", "requested"),
        ("pull_request", "ready_for_review"),
        ("pull_request", "edited"),
        ("issue_comment", "created"),
        ("check_run", "created"),
        ("check_run", "requested_action"),
        ("check_suite", "rerequested"),
        ("pull_request", "closed"),
        ("pull_request", "reopened"),
        ("installation", "deleted"),
    ]
    assert len({guid for _, _, guid in receiver.seen()}) == 13
    for headers, body in receiver.got:
        secret = github.app.webhook_secret.encode()
        expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
        assert headers["x-hub-signature-256"] == f"sha256={expected}"
        assert json.loads(body)["installation"]["id"]


def test_deliveries_may_come_late_twice_and_under_two_names(
    github: FakeGitHub, hosted: Hosted, receiver: Receiver
) -> None:
    hosted.branch("feature")
    hosted.push()
    with github.holding_webhooks() as held:
        hosted.open_pull()
        github.close("octo/shop", 1)
    github.settle()
    del receiver.got[:]
    opened, closed = (each for each in held if each.event == "pull_request")
    for each in (closed, opened, opened):
        github.deliver(each)
    github.deliver(opened, guid="another")
    assert receiver.seen() == [
        ("pull_request", "closed", closed.guid),
        ("pull_request", "opened", opened.guid),
        ("pull_request", "opened", opened.guid),
        ("pull_request", "opened", "another"),
    ]


def test_a_burst_is_delivered_together(
    github: FakeGitHub, hosted: Hosted, receiver: Receiver
) -> None:
    hosted.branch("feature")
    hosted.open_pull()
    with github.holding_webhooks() as held:
        for number in range(20):
            github.comment("octo/shop", 1, "ada", f"Number {number}")
    github.settle()
    del receiver.got[:]
    sent = github.deliver_at_once(held)
    assert sorted(each.guid for each in held) == sorted(guid for _, _, guid in receiver.seen())
    assert {each.status_code for each in sent} == {202}
    assert all(0 < each.duration < 5 for each in sent)


def test_failed_deliveries_are_listed_and_sent_again_when_asked(
    github: FakeGitHub, hosted: Hosted, receiver: Receiver
) -> None:
    receiver.status = 503
    hosted.branch("feature")
    hosted.open_pull()
    github.settle()
    receiver.status = 202
    headers = bearer(signed(github))
    app = httpx.Client(base_url=github.at.api, headers=headers, verify=False)
    with app:
        page = app.get("/app/hook/deliveries", params={"per_page": 1, "status": "failure"})
        assert page.json()[0]["event"] == "pull_request"
        assert page.json()[0]["status_code"] == 503
        older = app.get(page.links["next"]["url"])
        assert older.json()[0]["event"] == "check_suite"
        id_, guid = page.json()[0]["id"], page.json()[0]["guid"]
        del receiver.got[:]
        assert app.post(f"/app/hook/deliveries/{id_}/attempts").status_code == 202
        github.settle()
        assert receiver.seen() == [("pull_request", "opened", guid)]
        newest = app.get("/app/hook/deliveries").json()[0]
        assert (newest["guid"], newest["redelivery"], newest["status"]) == (guid, True, "OK")
        assert newest["id"] != id_


def test_an_app_that_is_away_misses_deliveries(github: FakeGitHub, hosted: Hosted) -> None:
    github.send_webhooks_to("http://127.0.0.1:9/webhook")
    hosted.branch("feature")
    hosted.open_pull()
    github.settle()
    assert {d.status for d in github.world.deliveries[-2:]} == {"failed to connect to host"}


def test_payloads_hold_what_githubs_examples_hold(
    github: FakeGitHub, hosted: Hosted, api: httpx.Client, pull: Pull
) -> None:
    """The keys that all of GitHub's examples of an action have, two levels deep.

    Except those of an organisation: the owner here is a person.
    """
    github.comment("octo/shop", 1, "ada", "Hello")
    post_review(api, pull, comment(20))
    github.reply(github.review_comments("octo/shop", 1)[0].id, "ada", "Is it?")
    made = api.post(f"{SHOP}/check-runs", json={"name": "T", "head_sha": pull.head_sha}).json()
    github.rerequest_check_run(made["id"])
    github.press(made["id"], "again")
    hosted.commit()
    hosted.push()
    github.close("octo/shop", 1)
    github.uninstall(github.installation.id)
    examples = {
        each["name"]: each["examples"] for each in json.loads(tool("webhooks.json").read_bytes())
    }
    missing = set()
    for delivery in github.world.deliveries:
        official = [
            e
            for e in examples[delivery.event]
            if e.get("action", delivery.action) == delivery.action
        ]
        for path in _paths(official):
            if path[0] != "organization" and not _has(delivery.payload, path):
                missing.add(f"{delivery.event} {delivery.action}: {'.'.join(path)}")
    assert sorted(missing) == []


def _paths(examples: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    found = [
        {(k,) for k in each} | {(k, i) for k, v in each.items() if isinstance(v, dict) for i in v}
        for each in examples
    ]
    return set.intersection(*found) if found else set()


def _has(payload: dict[str, Any], path: tuple[str, ...]) -> bool:
    here: Any = payload
    for name in path:
        if not isinstance(here, dict) or name not in here:
            return False
        here = here[name]
    return True


# --- limits and trouble --------------------------------------------------------------------------


def test_the_hourly_limit_is_told_kept_and_ends(github: FakeGitHub, api: httpx.Client) -> None:
    github.limit(github.installation.id, remaining=2, reset_in=60)
    first = api.get(SHOP)
    assert first.headers["x-ratelimit-remaining"] == "1"
    same = api.get(SHOP, headers={"if-none-match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["x-ratelimit-remaining"] == "1"  # a 304 is free
    assert api.get(f"{SHOP}/pulls").status_code == 200
    over = api.get(SHOP)
    assert (over.status_code, over.headers["x-ratelimit-remaining"]) == (403, "0")
    assert int(over.headers["x-ratelimit-reset"]) >= time.time()
    assert api.get("/rate_limit").json()["rate"]["remaining"] == 0
    github.advance(61)
    assert api.get(SHOP).status_code == 200


def test_an_etag_changes_with_the_answer(github: FakeGitHub, api: httpx.Client, pull: Pull) -> None:
    url = f"{SHOP}/issues/1/comments"
    tag = {"if-none-match": api.get(url).headers["etag"]}
    assert api.get(url, headers=tag).status_code == 304
    github.comment("octo/shop", 1, "ada", "Hello")
    assert api.get(url, headers=tag).status_code == 200


def test_too_much_writing_meets_the_secondary_limit(
    github: FakeGitHub, api: httpx.Client, pull: Pull
) -> None:
    github.limits.contents = 3
    url = f"{SHOP}/issues/1/comments"
    answers = [api.post(url, json={"body": "Hello"}) for _ in range(4)]
    assert [each.status_code for each in answers] == [201, 201, 201, 403]
    assert answers[3].headers["retry-after"] == "60"
    assert "secondary rate limit" in answers[3].json()["message"]
    github.limits.contents = None
    github.secondary_limit("GET", "/pulls$", seconds=2, status=429)
    told = api.get(f"{SHOP}/pulls")
    assert (told.status_code, told.headers["retry-after"]) == (429, "2")
    assert api.get(f"{SHOP}/pulls").status_code == 200


def test_requests_fail_on_demand_before_and_after_they_are_carried_out(
    github: FakeGitHub, api: httpx.Client, pull: Pull
) -> None:
    url = f"{SHOP}/issues/1/comments"

    def write(within: float = 20) -> int:
        try:
            return api.post(url, json={"body": "Hello"}, timeout=within).status_code
        except httpx.TimeoutException:
            return -1
        except httpx.NetworkError:
            return -2

    github.fail("POST", "/comments$", status=502, skip=1)
    assert [write(), write()] == [201, 502]
    github.fail("POST", "/comments$", kind="reset")
    github.fail("POST", "/comments$", kind="hang", seconds=5)
    assert [write(), write(within=0.3)] == [-2, -1]
    assert len(github.comments("octo/shop", 1)) == 1
    github.fail("POST", "/comments$", after=True, times=1)
    github.fail("POST", "/comments$", after=True, kind="reset")
    assert [write(), write(), write()] == [502, -2, 201]
    assert len(github.comments("octo/shop", 1)) == 4
    writes = [(each.status, each.done, each.failed) for each in github.writes("/comments")]
    assert writes == [
        (201, True, ""),
        (502, False, "502"),
        (0, False, "reset"),
        (0, False, "hang"),
        (502, True, "502 after the write"),
        (0, True, "reset after the write"),
        (201, True, ""),
    ]
    github.fail("POST", "^/graphql$", operation="resolveReviewThread", status=502)
    assert graphql(github, api, THREADS, number=1)["data"]
    answer = api.post(github.at.graphql, json={"query": RESOLVE, "variables": {"id": "x"}})
    assert answer.status_code == 502


def test_all_is_written_down(github: FakeGitHub, api: httpx.Client, pull: Pull) -> None:
    api.post(f"{SHOP}/issues/1/comments", json={"body": "Hello"})
    get(github.at.api + SHOP)
    (entry,) = github.writes()
    assert (entry.method, entry.path, entry.status) == ("POST", f"{SHOP}/issues/1/comments", 201)
    assert entry.body == {"body": "Hello"}
    assert entry.who == str(github.installation.id)
    assert abs(entry.at - time.time()) < 10
    assert [each.status for each in github.log() if each.who == ""] == [401]
    assert api.get("/nowhere").status_code == 404
    assert github.unknown_requests == ["GET /nowhere"]
    github.unknown_requests.clear()


def test_both_sides_are_held_to_githubs_description(
    github: FakeGitHub,
    hosted: Hosted,
    api: httpx.Client,
    pull: Pull,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api.post(f"{SHOP}/check-runs", json={"name": "T", "head_sha": pull.head_sha, "status": "done"})
    assert [each.side for each in github.violations] == ["request", "answer"]
    assert "done" in github.violations[0].reason
    github.violations.clear()
    github.world.check_runs.clear()
    github.comment("octo/shop", 1, "ada", "Hello").created_at = "yesterday"
    github.comments("octo/shop", 1)[0].author = "ada"
    api.get(f"{SHOP}/issues/1/comments")
    assert [each.side for each in github.violations] == ["answer"]
    assert "created_at" in github.violations[0].reason
    github.violations.clear()


def test_every_endpoint_answers_as_github_describes_it(
    github: FakeGitHub, api: httpx.Client, pull: Pull
) -> None:
    """Whatever may be read is read once, with something there to be shown; the judge looks on."""
    review = post_review(api, pull, comment(20)).json()["id"]
    sarif = base64.b64encode(gzip.compress(b'{"version": "2.1.0", "runs": []}')).decode()
    asked = {"commit_sha": pull.head_sha, "ref": "refs/heads/feature", "sarif": sarif}
    output = {"title": "T", "summary": "S", "annotations": [annotation(1)]}
    run = {"name": "Themis", "head_sha": pull.head_sha, "output": output}
    made = github.comment("octo/shop", 1, "ada", "Hello").id
    api.post(f"{SHOP}/issues/comments/{made}/reactions", json={"content": "eyes"})
    github.react(github.review_comments("octo/shop", 1)[0].id, "ada", "-1")
    names = {
        "owner": "octo",
        "repo": "shop",
        "installation_id": github.installation.id,
        "delivery_id": github.world.deliveries[0].id,
        "username": "ada",
        "pull_number": 1,
        "issue_number": 1,
        "review_id": review,
        "commit_sha": pull.head_sha,
        "ref": pull.head_sha,
        "check_run_id": api.post(f"{SHOP}/check-runs", json=run).json()["id"],
        "sarif_id": api.post(f"{SHOP}/code-scanning/sarifs", json=asked).json()["id"],
    }
    github.settle()
    for route in ROUTES:
        if route.method == "GET":
            inline = "/pulls/comments/" in route.template
            here = names | {
                "comment_id": github.review_comments("octo/shop", 1)[0].id if inline else made
            }
            headers = bearer(signed(github)) if route.who == APP else {}
            answer = api.get(route.template.format_map(here), headers=headers)
            assert answer.status_code == 200, route.template
            assert answer.json(), route.template


def test_every_write_is_answered_as_github_describes_it(
    github: FakeGitHub, api: httpx.Client, pull: Pull
) -> None:
    """Those that other tests do not make."""
    review = post_review(api, pull, comment(20), comment(21)).json()["id"]
    first, second = (each.id for each in github.review_comments("octo/shop", 1))
    body = {"body": "Anew"}
    assert api.put(f"{SHOP}/pulls/1/reviews/{review}", json=body).json()["body"] == "Anew"
    liked = api.post(f"{SHOP}/pulls/comments/{first}/reactions", json={"content": "+1"})
    assert liked.status_code == 201
    answered = github.reply(first, "ada", "Why?").id
    assert api.delete(f"{SHOP}/pulls/comments/{first}").status_code == 204
    assert api.delete(f"{SHOP}/pulls/comments/{second}").status_code == 204
    assert api.delete(f"{SHOP}/pulls/comments/{answered}").status_code == 403
    ((thread, left),) = github.threads("octo/shop", 1)
    assert thread.root == left[0].id == answered
    made = api.post(f"{SHOP}/issues/1/comments", json=body).json()["id"]
    assert api.delete(f"{SHOP}/issues/comments/{made}").status_code == 204
    assert api.get(f"{SHOP}/issues/comments/{made}").status_code == 404
    run = api.post(f"{SHOP}/check-runs", json={"name": "T", "head_sha": pull.head_sha}).json()["id"]
    assert api.post(f"{SHOP}/check-runs/{run}/rerequest").status_code == 201
    assert api.delete("/installation/token").status_code == 204
    assert api.get(SHOP).status_code == 401


# --- another place, another process --------------------------------------------------------------


def test_an_enterprise_server_has_other_addresses_and_its_own_authority(
    enterprise: FakeGitHub, tmp_path: Path
) -> None:
    hosted = create_shop(enterprise, tmp_path / "shop")
    hosted.branch("feature")
    hosted.commit(module="a = 1\n")
    pull = hosted.open_pull()
    assert enterprise.at.api == f"{enterprise.at.web}/api/v3"
    token = new_token(enterprise).json()["token"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(enterprise.at.api + SHOP)  # by the authorities that all trust
    trusting = ssl.create_default_context(cafile=enterprise.authority)
    with httpx.Client(base_url=enterprise.at.api, headers=bearer(token), verify=trusting) as api:
        assert api.get(SHOP).json()["clone_url"] == f"{enterprise.at.web}/octo/shop.git"
        assert post_review(api, pull, comment(1)).status_code == 200
        assert api.post(f"{SHOP}/issues/1/comments", json={"body": "Hello"}).status_code == 201
        threads = graphql(enterprise, api, THREADS, number=1)["data"]["repository"]
        assert threads["pullRequest"]["reviewThreads"]["totalCount"] == 1
        assert api.get(enterprise.at.web + SHOP).status_code == 404
    enterprise.unknown_requests.clear()
    url = f"{enterprise.at.web}/octo/shop.git"
    listed = git_with(token, "ls-remote", url, authority=enterprise.authority)
    assert pull.head_sha in listed.stdout, listed.stderr


def test_a_killed_fake_goes_on_where_it_was(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fake_github", str(tmp_path / "git"), "--state"]
    command += [str(tmp_path / "state.json")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}

    def start() -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        process.stdout.close()
        return process, about

    def do(about: dict[str, Any], name: str, **arguments: Any) -> Any:
        return httpx.post(f"{about['web']}/_fake/do/{name}", json=arguments, verify=False).json()

    process, about = start()
    do(about, "create_repository", full_name="octo/shop")
    installation = do(about, "install", account="octo")["id"]
    do(about, "grant", full_name="octo/shop", login="mia", role="write")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process, again = start()
    try:
        assert again["private_key"] == about["private_key"]
        state = get(f"{again['web']}/_fake/state").json()
        assert list(state["installations"]) == [str(installation)]
        assert next(iter(state["repositories"].values()))["roles"] == {"mia": "write"}
        assert do(again, "no_such_thing") == {}
    finally:
        process.terminate()
        assert process.wait(10) == 0
