"""The few GraphQL fields that REST lacks: review threads, resolved and unresolved.

The schema is a part of GitHub's own: names, types and nullability as in its published schema
(https://docs.github.com/public/schema.docs.graphql), so that a query that is valid here is valid
there. Two of its habits are kept: a bot's login has no `[bot]`, and a list must be asked for with
`first` or `last`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from graphql import GraphQLError, GraphQLSchema, build_schema, graphql_sync

from fake_github.shapes import Shapes, node_id
from fake_github.world import Json, Pull, Repository, ReviewComment, Thread, Token, World

SCHEMA = """
scalar DateTime
scalar URI

type Query {
  repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
  node(id: ID!): Node
  viewer: User!
  rateLimit(dryRun: Boolean = false): RateLimit
}

type RateLimit { cost: Int! limit: Int! remaining: Int! resetAt: DateTime! used: Int! }

interface Node { id: ID! }
interface Actor { login: String! url: URI! avatarUrl(size: Int): URI! }

type User implements Node & Actor {
  id: ID! login: String! url: URI! avatarUrl(size: Int): URI! databaseId: Int
}
type Bot implements Node & Actor {
  id: ID! login: String! url: URI! avatarUrl(size: Int): URI! databaseId: Int
}

type Repository implements Node {
  id: ID!
  databaseId: Int
  name: String!
  nameWithOwner: String!
  pullRequest(number: Int!): PullRequest
}

type PullRequest implements Node {
  id: ID!
  databaseId: Int
  fullDatabaseId: BigInt
  number: Int!
  title: String!
  isDraft: Boolean!
  state: PullRequestState!
  headRefOid: GitObjectID!
  reviewThreads(
    after: String, before: String, first: Int, last: Int
  ): PullRequestReviewThreadConnection!
}
scalar BigInt
scalar GitObjectID
enum PullRequestState { CLOSED MERGED OPEN }
enum DiffSide { LEFT RIGHT }
enum PullRequestReviewThreadSubjectType { FILE LINE }

type PageInfo {
  endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String
}

type PullRequestReviewThreadConnection {
  edges: [PullRequestReviewThreadEdge]
  nodes: [PullRequestReviewThread]
  pageInfo: PageInfo!
  totalCount: Int!
}
type PullRequestReviewThreadEdge { cursor: String! node: PullRequestReviewThread }

type PullRequestReviewThread implements Node {
  id: ID!
  comments(
    after: String, before: String, first: Int, last: Int, skip: Int
  ): PullRequestReviewCommentConnection!
  diffSide: DiffSide!
  isCollapsed: Boolean!
  isOutdated: Boolean!
  isResolved: Boolean!
  line: Int
  originalLine: Int
  originalStartLine: Int
  path: String!
  pullRequest: PullRequest!
  repository: Repository!
  resolvedBy: User
  startDiffSide: DiffSide
  startLine: Int
  subjectType: PullRequestReviewThreadSubjectType!
  viewerCanReply: Boolean!
  viewerCanResolve: Boolean!
  viewerCanUnresolve: Boolean!
}

type PullRequestReviewCommentConnection {
  edges: [PullRequestReviewCommentEdge]
  nodes: [PullRequestReviewComment]
  pageInfo: PageInfo!
  totalCount: Int!
}
type PullRequestReviewCommentEdge { cursor: String! node: PullRequestReviewComment }

type PullRequestReviewComment implements Node {
  id: ID!
  author: Actor
  body: String!
  createdAt: DateTime!
  databaseId: Int
  fullDatabaseId: BigInt
  diffHunk: String!
  isMinimized: Boolean!
  line: Int
  originalLine: Int
  originalStartLine: Int
  outdated: Boolean!
  path: String!
  replyTo: PullRequestReviewComment
  startLine: Int
  subjectType: PullRequestReviewThreadSubjectType!
  updatedAt: DateTime!
  url: URI!
  viewerDidAuthor: Boolean!
}

type Mutation {
  resolveReviewThread(input: ResolveReviewThreadInput!): ResolveReviewThreadPayload
  unresolveReviewThread(input: UnresolveReviewThreadInput!): UnresolveReviewThreadPayload
}
input ResolveReviewThreadInput { clientMutationId: String threadId: ID! }
type ResolveReviewThreadPayload { clientMutationId: String thread: PullRequestReviewThread }
input UnresolveReviewThreadInput { clientMutationId: String threadId: ID! }
type UnresolveReviewThreadPayload { clientMutationId: String thread: PullRequestReviewThread }
"""

Fields = dict[str, Any]


@cache
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA)


def execute(
    world: World, shapes: Shapes, token: Token, query: str, variables: Json | None, operation: str
) -> Json:
    """The body of the answer, whose status is always 200."""
    root = _Root(world, shapes, token)
    result = graphql_sync(
        schema(),
        query,
        {
            "repository": root.repository,
            "node": root.node,
            "viewer": root.viewer,
            "rateLimit": root.rate_limit,
            "resolveReviewThread": root.resolve,
            "unresolveReviewThread": root.unresolve,
        },
        variable_values=variables,
        operation_name=operation or None,
    )
    body: Json = {"data": result.data}
    if result.errors:
        body["errors"] = [_error(error) for error in result.errors]
        if result.data is None:
            del body["data"]
    return body


def _error(error: GraphQLError) -> Json:
    """As GitHub has it: the type stands beside the message."""
    formatted: Json = dict(error.formatted)
    formatted |= formatted.pop("extensions", {})
    return formatted


def _not_found(what: str, name: str) -> GraphQLError:
    message = f"Could not resolve to a {what} with the {name}."
    return GraphQLError(message, extensions={"type": "NOT_FOUND"})


def _forbidden() -> GraphQLError:
    message = "Resource not accessible by integration"
    return GraphQLError(message, extensions={"type": "FORBIDDEN"})


class _Root:
    """Resolvers for one request, by leave of one token."""

    def __init__(self, world: World, shapes: Shapes, token: Token) -> None:
        self._world = world
        self._shapes = shapes
        self._token = token

    def repository(self, _: object, owner: str, name: str, **__: object) -> Fields:
        found = self._world.repository(f"{owner}/{name}")
        if found is None or found.id not in self._token.repositories:
            raise _not_found("Repository", f"name '{owner}/{name}'")
        return self._repository(found)

    def _repository(self, found: Repository) -> Fields:
        def pull_request(_: object, number: int) -> Fields:
            self._need("read")
            pull = self._world.pull(found.id, number)
            if pull is None:
                raise _not_found("PullRequest", f"number of {number}")
            return self._pull(pull)

        return {
            "__typename": "Repository",
            "id": node_id("R", found.id),
            "databaseId": found.id,
            "name": found.name,
            "nameWithOwner": found.full_name,
            "pullRequest": pull_request,
        }

    def node(self, _: object, id: str) -> Fields:
        for thread in self._world.threads:
            if thread.id == id and self._sees(thread):
                return self._thread(thread)
        for pull in self._world.pulls:
            if node_id("PR", pull.id) == id and pull.repository in self._token.repositories:
                return self._pull(pull)
        raise _not_found("node", f"global id of '{id}'")

    def viewer(self, _: object) -> Fields:
        return self._actor(self._world.app.login) | {"__typename": "User"}

    def rate_limit(self, _: object, **__: object) -> Fields:
        now = self._world.timestamp()
        return {"cost": 1, "limit": 5000, "remaining": 4999, "used": 1, "resetAt": now}

    def resolve(self, _: object, input: Fields) -> Fields:
        thread = self._writable(input["threadId"])
        thread.resolved_by = self._world.app.login
        return self._payload(input, thread)

    def unresolve(self, _: object, input: Fields) -> Fields:
        thread = self._writable(input["threadId"])
        thread.resolved_by = None
        return self._payload(input, thread)

    def _payload(self, given: Fields, thread: Thread) -> Fields:
        return {
            "clientMutationId": given.get("clientMutationId"),
            "thread": self._thread(thread),
        }

    def _writable(self, id_: str) -> Thread:
        """Contents must be writable, too: https://github.com/orgs/community/discussions/44650."""
        self._need("write")
        if self._token.permissions.get("contents") != "write":
            raise _forbidden()
        for thread in self._world.threads:
            if thread.id == id_ and self._sees(thread):
                return thread
        raise _not_found("node", f"global id of '{id_}'")

    def _need(self, level: str) -> None:
        granted = self._token.permissions.get("pull_requests")
        if granted is None or (level == "write" and granted != "write"):
            raise _forbidden()

    def _sees(self, thread: Thread) -> bool:
        return self._comments(thread)[0].repository in self._token.repositories

    def _comments(self, thread: Thread) -> list[ReviewComment]:
        return [c for c in self._world.review_comments if thread.root in (c.id, c.in_reply_to)]

    def _pull(self, pull: Pull) -> Fields:
        def threads(_: object, **page: Any) -> Fields:
            found = [
                thread
                for thread in self._world.threads
                for root in self._comments(thread)[:1]
                if (root.repository, root.number) == (pull.repository, pull.number)
            ]
            return _connection("reviewThreads", found, self._thread, page)

        return {
            "__typename": "PullRequest",
            "id": node_id("PR", pull.id),
            "databaseId": pull.id,
            "fullDatabaseId": str(pull.id),
            "number": pull.number,
            "title": pull.title,
            "isDraft": pull.draft,
            "state": "MERGED" if pull.merged else pull.state.upper(),
            "headRefOid": pull.head_sha,
            "reviewThreads": threads,
        }

    def _thread(self, thread: Thread) -> Fields:
        root = self._comments(thread)[0]
        pull = self._world.pull(root.repository, root.number)
        assert pull is not None
        resolved = thread.resolved_by is not None

        def comments(_: object, **page: Any) -> Fields:
            return _connection("comments", self._comments(thread), self._comment, page)

        return {
            "__typename": "PullRequestReviewThread",
            "id": thread.id,
            "comments": comments,
            "diffSide": root.side or "RIGHT",
            "isCollapsed": resolved,
            "isOutdated": _outdated(root),
            "isResolved": resolved,
            "line": root.line,
            "originalLine": root.original_line,
            "originalStartLine": root.original_start_line,
            "path": root.path,
            "pullRequest": lambda _: self._pull(pull),
            "repository": lambda _: self._repository(self._world.repositories[root.repository]),
            "resolvedBy": self._actor(thread.resolved_by) if thread.resolved_by else None,
            "startDiffSide": root.start_side,
            "startLine": root.start_line,
            "subjectType": root.subject_type.upper(),
            "viewerCanReply": True,
            "viewerCanResolve": not resolved,
            "viewerCanUnresolve": resolved,
        }

    def _comment(self, comment: ReviewComment) -> Fields:
        def reply_to(_: object) -> Fields | None:
            for other in self._world.review_comments:
                if other.id == comment.in_reply_to:
                    return self._comment(other)
            return None

        return {
            "__typename": "PullRequestReviewComment",
            "id": node_id("PRRC", comment.id),
            "author": self._actor(comment.author),
            "body": comment.body,
            "createdAt": comment.created_at,
            "updatedAt": comment.updated_at,
            "databaseId": comment.id,
            "fullDatabaseId": str(comment.id),
            "diffHunk": comment.diff_hunk,
            "isMinimized": False,
            "line": comment.line,
            "originalLine": comment.original_line,
            "originalStartLine": comment.original_start_line,
            "outdated": _outdated(comment),
            "path": comment.path,
            "replyTo": reply_to,
            "startLine": comment.start_line,
            "subjectType": comment.subject_type.upper(),
            "url": self._shapes.review_comment(comment)["html_url"],
            "viewerDidAuthor": comment.author == self._world.app.login,
        }

    def _actor(self, login: str) -> Fields:
        shape = self._shapes.user(login)
        return {
            "__typename": "Bot" if shape["type"] == "Bot" else "User",
            "id": shape["node_id"],
            "databaseId": shape["id"],
            "login": login.removesuffix("[bot]"),
            "url": shape["html_url"],
            "avatarUrl": lambda _, **__: shape["avatar_url"],
        }


def _outdated(comment: ReviewComment) -> bool:
    return comment.subject_type == "line" and comment.line is None


def _connection(
    name: str, records: Sequence[Any], fields: Callable[[Any], Fields], page: dict[str, Any]
) -> Fields:
    first, last = page.get("first"), page.get("last")
    if first is None and last is None:
        raise GraphQLError(
            "You must provide a `first` or `last` value to properly paginate the "
            f"`{name}` connection.",
            extensions={"type": "MISSING_PAGINATION_BOUNDARIES"},
        )
    asked = first if first is not None else last
    if not 1 <= (asked or 0) <= 100:
        raise GraphQLError(
            f"Requesting {asked} records on the `{name}` connection exceeds the `first` limit of "
            "100 records.",
            extensions={"type": "EXCESSIVE_PAGINATION"},
        )
    begin = int(page["after"]) if page.get("after") else 0
    end = int(page["before"]) - 1 if page.get("before") else len(records)
    if first is not None:
        end = min(end, begin + first)
    else:
        begin = max(begin, end - (last or 0))
    edges = [
        {"cursor": str(begin + place + 1), "node": fields(record)}
        for place, record in enumerate(records[begin:end])
    ]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "totalCount": len(records),
        "pageInfo": {
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
            "hasNextPage": end < len(records),
            "hasPreviousPage": begin > 0,
        },
    }
