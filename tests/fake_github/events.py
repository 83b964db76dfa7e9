"""Payloads of webhooks: what a record looks like when it is told of. The sender adds the rest."""

from __future__ import annotations

from fake_github.shapes import Shapes, node_id
from fake_github.world import (
    CheckRun,
    CheckSuite,
    IssueComment,
    Json,
    Pull,
    Repository,
    Review,
    ReviewComment,
)

_OF_AN_ISSUE = (
    "id",
    "node_id",
    "number",
    "title",
    "state",
    "locked",
    "user",
    "body",
    "labels",
    "assignee",
    "assignees",
    "milestone",
    "created_at",
    "updated_at",
    "closed_at",
    "author_association",
    "active_lock_reason",
    "draft",
)


def pull_request(
    pull: Json, number: int, changes: Json | None = None, pushed: tuple[str, str] | None = None
) -> Json:
    """pull: its full shape. pushed: head before and after a push."""
    payload: Json = {"number": number, "pull_request": pull}
    if changes is not None:
        payload["changes"] = changes
    if pushed is not None:
        payload |= {"before": pushed[0], "after": pushed[1]}
    return payload


def issue_comment(shapes: Shapes, comment: IssueComment) -> Json:
    pull = shapes.world.pull(comment.repository, comment.number)
    assert pull is not None
    return {"issue": issue(shapes, pull), "comment": shapes.issue_comment(comment)}


def issue(shapes: Shapes, pull: Pull) -> Json:
    """A pull request as the issue it also is."""
    shape = shapes.pull_simple(pull)
    links = {
        "url": shape["url"],
        "html_url": shape["html_url"],
        "diff_url": shape["diff_url"],
        "patch_url": shape["patch_url"],
        "merged_at": shape["merged_at"],
    }
    return {name: shape[name] for name in _OF_AN_ISSUE} | {
        "url": shape["issue_url"],
        "html_url": shape["html_url"],
        "comments_url": shape["comments_url"],
        "events_url": f"{shape['issue_url']}/events",
        "labels_url": f"{shape['issue_url']}/labels{{/name}}",
        "repository_url": shape["base"]["repo"]["url"],
        "comments": 0,
        "pull_request": links,
    }


def review(shapes: Shapes, review: Review) -> Json:
    pull = shapes.world.pull(review.repository, review.number)
    assert pull is not None
    shape = shapes.review(review)
    shape["state"] = review.state.lower()  # webhooks write it small, answers do not
    return {"review": shape, "pull_request": shapes.pull_simple(pull)}


def review_comment(shapes: Shapes, comment: ReviewComment) -> Json:
    pull = shapes.world.pull(comment.repository, comment.number)
    assert pull is not None
    return {
        "comment": shapes.review_comment(comment),
        "pull_request": shapes.pull_simple(pull),
    }


def check_run(shapes: Shapes, run: CheckRun, action: str | None = None) -> Json:
    """action: the identifier of the button that was pressed."""
    suite = next(s for s in shapes.world.check_suites if s.id == run.suite)
    inner = shapes.check_suite(suite)
    del inner["repository"]
    payload: Json = {"check_run": shapes.check_run(run) | {"check_suite": inner}}
    if action is not None:
        payload["requested_action"] = {"identifier": action}
    return payload


def check_suite(shapes: Shapes, suite: CheckSuite) -> Json:
    shape = shapes.check_suite(suite)
    del shape["repository"]
    return {"check_suite": shape}


def small_repository(repository: Repository) -> Json:
    """As installation events list them."""
    return {
        "id": repository.id,
        "node_id": node_id("R", repository.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
    }
