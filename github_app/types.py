"""The values that flow through the app: what a webhook asks for. No I/O, no framework.

Every task can be written as JSON and read back: queues hold nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class RepositoryRef:
    """A repository. `id` stays when it is renamed or transferred; owner and name are for URLs."""

    id: int
    owner: str
    name: str

    @property
    def full_name(self) -> str:
        """As in `owner/name`."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class PullRequestRef:
    """A pull request, and the installation by whose leave we look at it."""

    installation: int
    repository: RepositoryRef
    number: int

    @property
    def key(self) -> str:
        """Names the pull request in keys of jobs and rows; survives a renaming."""
        return f"{self.installation}/{self.repository.id}/{self.number}"


class CommandName(StrEnum):
    """What may follow the app's name in a comment; commands.py has the grammar."""

    REVIEW = "review"
    FULL_REVIEW = "full review"
    PAUSE = "pause"
    RESUME = "resume"
    IGNORE = "ignore"
    CONFIGURATION = "configuration"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """Review a pull request at one head.

    occasion: what tells this wish from an earlier one for the same head ("" for a push: every
    delivery of one push is one wish; a moment or an id for reopened, edited, rerequested, asked).
    full: score and post as if nothing had been said before, resolved threads included.
    """

    pull: PullRequestRef
    head_sha: str
    occasion: str = ""
    full: bool = False

    @property
    def key(self) -> str:
        """The same for every delivery of the same wish."""
        return f"review/{self.pull.key}/{self.head_sha}/{self.occasion}"


@dataclass(frozen=True, slots=True)
class CommandTask:
    """Do what a comment asks for, if its author may ask.

    axis: of `ignore`.
    """

    pull: PullRequestRef
    comment_id: int
    author: str
    command: CommandName
    axis: str | None = None

    @property
    def key(self) -> str:
        """One comment is obeyed once."""
        return f"command/{self.pull.key}/{self.comment_id}"


@dataclass(frozen=True, slots=True)
class CloseTask:
    """A pull request was closed: stop what runs for it.

    occasion: the moment, as GitHub wrote it.
    """

    pull: PullRequestRef
    occasion: str

    @property
    def key(self) -> str:
        """The same for every delivery of one closing."""
        return f"close/{self.pull.key}/{self.occasion}"


@dataclass(frozen=True, slots=True)
class ForgetTask:
    """An installation was removed, or some repositories of it: delete what is stored of them.

    repositories: ids; None for all. occasion: the delivery's id.
    """

    installation: int
    repositories: tuple[int, ...] | None
    occasion: str

    @property
    def key(self) -> str:
        """The same for every delivery of one removal."""
        return f"forget/{self.installation}/{self.occasion}"


Task = ReviewTask | CommandTask | CloseTask | ForgetTask


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that asks for nothing, and why (one plain clause, for the log)."""

    reason: str
