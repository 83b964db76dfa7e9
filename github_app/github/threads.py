"""Conversations on lines of a pull request: GraphQL alone has them, and may resolve them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from github_app.errors import ForbiddenError, InvalidError, MissingError, UnavailableError
from github_app.github.values import ReviewComment, ReviewThread
from github_app.types import RepositoryRef

Query = Callable[[str, Mapping[str, Any]], Any]
"""Asks GraphQL and gives `data`; see `data_of`."""

_COMMENTS = """
pageInfo { hasNextPage endCursor }
nodes { fullDatabaseId author { __typename login } body path line replyTo { fullDatabaseId } }
"""

_THREADS = f"""
query($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      reviewThreads(first: 50, after: $after) {{
        pageInfo {{ hasNextPage endCursor }}
        nodes {{ id isResolved isOutdated comments(first: 50) {{ {_COMMENTS} }} }}
      }}
    }}
  }}
}}
"""

_MORE_COMMENTS = f"""
query($id: ID!, $after: String) {{
  node(id: $id) {{
    ... on PullRequestReviewThread {{ comments(first: 100, after: $after) {{ {_COMMENTS} }} }}
  }}
}}
"""

RESOLVE = """
mutation($id: ID!) {
  resolveReviewThread(input: {threadId: $id}) { thread { id isResolved } }
}
"""

UNRESOLVE = """
mutation($id: ID!) {
  unresolveReviewThread(input: {threadId: $id}) { thread { id isResolved } }
}
"""


def review_threads(ask: Query, ref: RepositoryRef, number: int) -> list[ReviewThread]:
    """All conversations of a pull request, whole.

    :raises GitHubError: where one cannot be had.
    """
    threads: list[ReviewThread] = []
    after = None
    while True:
        asked = {"owner": ref.owner, "name": ref.name, "number": number, "after": after}
        data = ask(_THREADS, asked)
        pull = (data.get("repository") or {}).get("pullRequest")
        if pull is None:
            raise MissingError(f"GitHub has no pull request {ref.full_name}#{number} for us")
        page = pull["reviewThreads"]
        threads += [_thread(ask, node) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return threads
        after = page["pageInfo"]["endCursor"]


def data_of(body: Any) -> Any:
    """What GraphQL answered.

    :raises GitHubError: where it names errors: with its words.
    """
    errors = body.get("errors") if isinstance(body, dict) else None
    if errors:
        words = "; ".join(str(each.get("message", each))[:200] for each in errors[:3])
        kinds = {each.get("type") for each in errors}
        if "NOT_FOUND" in kinds:
            raise MissingError(f"GitHub's GraphQL: {words}")
        if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
            raise ForbiddenError(f"GitHub's GraphQL: {words}")
        if kinds <= {None, "INTERNAL", "SERVICE_UNAVAILABLE"} and "wrong while" in words:
            raise UnavailableError(f"GitHub's GraphQL: {words}")
        raise InvalidError(f"GitHub's GraphQL: {words}")
    if not isinstance(body, dict) or body.get("data") is None:
        raise UnavailableError("GitHub's GraphQL gave neither data nor errors; try again later")
    return body["data"]


def _thread(ask: Query, node: Any) -> ReviewThread:
    page = node["comments"]
    comments = list(page["nodes"])
    while page["pageInfo"]["hasNextPage"]:
        asked = {"id": node["id"], "after": page["pageInfo"]["endCursor"]}
        page = (ask(_MORE_COMMENTS, asked).get("node") or {}).get("comments")
        if page is None:  # it was deleted while we read
            break
        comments += page["nodes"]
    return ReviewThread(
        id=node["id"],
        is_resolved=node["isResolved"],
        is_outdated=node["isOutdated"],
        comments=tuple(map(_comment, comments)),
    )


def _comment(node: Any) -> ReviewComment:
    reply_to = node["replyTo"]
    return ReviewComment(
        id=int(node["fullDatabaseId"]),
        author=_login(node["author"]),
        body=node["body"],
        path=node["path"],
        line=node["line"],
        in_reply_to=int(reply_to["fullDatabaseId"]) if reply_to else None,
    )


def _login(author: Any) -> str:
    """As REST has it: GraphQL leaves out what marks an app."""
    if author is None:
        return ""
    login: str = author["login"]
    is_app = author["__typename"] == "Bot" and not login.endswith("[bot]")
    return f"{login}[bot]" if is_app else login
