"""GitHub's JSON as our values. Takes what we use and ignores the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from github_app.github.values import (
    CheckOutput,
    CheckRun,
    CheckStatus,
    Delivery,
    IssueComment,
    NewComment,
    PullRequest,
    Reaction,
    Remark,
)
from github_app.types import RepositoryRef


def pull_request(body: Any) -> PullRequest:
    """Of REST's pull request, whole or as in a list."""
    head_repository = body["head"]["repo"]
    return PullRequest(
        number=body["number"],
        title=body["title"],
        is_open=body["state"] == "open",
        is_draft=bool(body.get("draft")),
        base_ref=body["base"]["ref"],
        base_sha=body["base"]["sha"],
        head_ref=body["head"]["ref"],
        head_sha=body["head"]["sha"],
        head_repository=head_repository["full_name"] if head_repository else None,
        author=_login(body.get("user")),
    )


def issue_comment(body: Any) -> IssueComment:
    """Of REST's issue comment."""
    return IssueComment(body["id"], _login(body.get("user")), body.get("body") or "")


def remark(body: Any, reactions: Sequence[Reaction]) -> Remark:
    """Of REST's review comment."""
    return Remark(
        id=body["id"],
        author=_login(body.get("user")),
        body=body.get("body") or "",
        in_reply_to=body.get("in_reply_to_id"),
        created_at=body["created_at"],
        updated_at=body["updated_at"],
        reactions=tuple(reactions),
    )


def is_judged(body: Any) -> bool:
    """Whether REST's review comment has 👍 or 👎; true where GitHub does not count them."""
    counts = body.get("reactions")
    return body.get("user") is not None and (counts is None or bool(counts["+1"] + counts["-1"]))


def reaction(body: Any) -> Reaction:
    """Of REST's reaction."""
    return Reaction(_login(body.get("user")), body["content"], body["created_at"])


def is_of_a_bot(body: Any) -> bool:
    """Whether no person reacted so."""
    return body.get("user") is None or body["user"].get("type") == "Bot"


def check_run(body: Any) -> CheckRun:
    """Of REST's check run. A status we do not use (waiting, requested, pending) is queued."""
    known = body["status"] in list(CheckStatus)
    return CheckRun(
        id=body["id"],
        head_sha=body["head_sha"],
        external_id=body.get("external_id") or "",
        status=CheckStatus(body["status"]) if known else CheckStatus.QUEUED,
        conclusion=body.get("conclusion"),
        annotations_count=(body.get("output") or {}).get("annotations_count") or 0,
    )


def repository_ref(body: Any) -> RepositoryRef:
    """Of REST's repository."""
    return RepositoryRef(body["id"], body["owner"]["login"], body["name"])


def delivery(body: Any) -> Delivery:
    """Of REST's webhook delivery, as in a list."""
    return Delivery(
        id=body["id"],
        guid=body["guid"],
        event=body["event"],
        action=body.get("action"),
        delivered_at=body["delivered_at"],
        status_code=body["status_code"],
        redelivery=body["redelivery"],
    )


def check_output(output: CheckOutput) -> dict[str, Any]:
    """As REST wants it."""
    told: dict[str, Any] = {"title": output.title, "summary": output.summary}
    if output.text is not None:
        told["text"] = output.text
    if output.annotations:
        told["annotations"] = [
            {
                "path": each.path,
                "start_line": each.start_line,
                "end_line": each.end_line,
                "annotation_level": each.level,
                "message": each.message,
                "title": each.title,
            }
            for each in output.annotations
        ]
    return told


def review_comment(comment: NewComment) -> dict[str, Any]:
    """As REST wants it within a review.

    :raises ValueError: where it has no line: such a comment stands alone.
    """
    if comment.line is None:
        raise ValueError(f"a comment on {comment.path} without a line cannot be part of a review")
    told: dict[str, Any] = {
        "path": comment.path,
        "body": comment.body,
        "line": comment.line,
        "side": comment.side.value,
    }
    if comment.start_line is not None and comment.start_line != comment.line:
        told |= {"start_line": comment.start_line, "start_side": comment.side.value}
    return told


def _login(user: Any) -> str:
    return user["login"] if user else ""
