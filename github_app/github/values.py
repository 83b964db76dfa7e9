"""What GitHub tells us, cut down to what we use. Ids are GitHub's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as it is now.

    head_repository: None once the fork is deleted. body is not kept: nothing reads it.
    """

    number: int
    title: str
    is_open: bool
    is_draft: bool
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    head_repository: str | None
    author: str


class Side(StrEnum):
    """Which side of the diff a comment stands on."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


@dataclass(frozen=True, slots=True)
class NewComment:
    """An inline comment to post. line: the last line; start_line: the first, None for one line.

    line None: a comment on the file as a whole.
    """

    path: str
    body: str
    line: int | None
    start_line: int | None = None
    side: Side = Side.RIGHT


@dataclass(frozen=True, slots=True)
class ReviewComment:
    """An inline comment on the pull request, whoever wrote it. author: a login, "" for a ghost.

    line: None once it is outdated, or for a comment on a file.
    """

    id: int
    author: str
    body: str
    path: str
    line: int | None
    in_reply_to: int | None


@dataclass(frozen=True, slots=True)
class ReviewThread:
    """A conversation on some lines. comments: oldest first; the first one opened it."""

    id: str
    is_resolved: bool
    is_outdated: bool
    comments: tuple[ReviewComment, ...]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What somebody made of a comment. content: `+1`, `-1` ... created_at: as GitHub writes it."""

    author: str
    content: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Remark:
    """An inline comment as part of a talk: when it was written and edited, what was made of it.

    in_reply_to: the comment that opened the conversation; None for that one itself.
    """

    id: int
    author: str
    body: str
    in_reply_to: int | None
    created_at: str
    updated_at: str
    reactions: tuple[Reaction, ...] = ()


@dataclass(frozen=True, slots=True)
class IssueComment:
    """A comment below the pull request."""

    id: int
    author: str
    body: str


class CheckStatus(StrEnum):
    """How far a check run is."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Conclusion(StrEnum):
    """How a check run ended; only those that we use."""

    SUCCESS = "success"
    NEUTRAL = "neutral"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark of a check run on some lines at head. level: notice, warning or failure."""

    path: str
    start_line: int
    end_line: int
    level: str
    message: str
    title: str


@dataclass(frozen=True, slots=True)
class CheckAction:
    """A button of a check run; GitHub's limits: label and identifier 20, description 40."""

    label: str
    description: str
    identifier: str


@dataclass(frozen=True, slots=True)
class CheckOutput:
    """What a check run shows.

    title: one line; summary and text: Markdown, 65,535 characters at most.
    annotations: those still to be added; GitHub appends, 50 a request.
    """

    title: str
    summary: str
    text: str | None = None
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check run of ours. external_id: what we called it when we made it."""

    id: int
    head_sha: str
    external_id: str
    status: CheckStatus
    conclusion: str | None
    annotations_count: int = 0
    actions: tuple[CheckAction, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook delivery as GitHub remembers it, for three days."""

    id: int
    guid: str
    event: str
    action: str | None
    delivered_at: str
    status_code: int
    redelivery: bool
