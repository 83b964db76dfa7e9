"""The values that flow through the app: what a webhook asks for. No I/O, no framework.

Every task can be written as JSON and read back: queues hold nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from review_core.types import Axis


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
    """What may follow the app's name in a comment; `grammar` reads it."""

    REVIEW = "review"
    FULL_REVIEW = "full review"
    PAUSE = "pause"
    RESUME = "resume"
    IGNORE = "ignore"
    FEEDBACK = "feedback"
    CONFIGURATION = "configuration"
    HELP = "help"


class ActionName(StrEnum):
    """The buttons of our check run: the identifiers GitHub sends back when one is pressed."""

    FULL_REVIEW = "full-review"


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """Review a pull request at one head.

    occasion: what tells this wish from an earlier one for the same head. "" for a pull request's
    first head; else a moment as GitHub wrote it, the same in every delivery of one push (a branch
    may be pushed back to a head that was reviewed before), or an id.
    full: score and post as if nothing had been said before, resolved threads included.
    asked: a person asked for it, so that drafts and pauses do not matter.
    """

    pull: PullRequestRef
    head_sha: str
    occasion: str = ""
    full: bool = False
    asked: bool = False

    @property
    def key(self) -> str:
        """The same for every delivery of the same wish."""
        return f"review/{self.pull.key}/{self.head_sha}/{self.occasion}"


@dataclass(frozen=True, slots=True)
class RerunTask:
    """Review what has this head once more, whatever pull requests those are: of pull requests from
    forks, GitHub names none when somebody asks for a check again.

    occasion: the delivery's id; whoever presses the button twice wants it twice.
    """

    installation: int
    repository: RepositoryRef
    head_sha: str
    occasion: str
    full: bool = False

    @property
    def key(self) -> str:
        """The same for every delivery of the same wish."""
        return f"rerun/{self.installation}/{self.repository.id}/{self.head_sha}/{self.occasion}"


@dataclass(frozen=True, slots=True)
class CommandTask:
    """Do what a comment asks for, if its author may ask.

    axis: of `ignore`. hint: what was not understood, and what may have been meant, to be said above
    the help: one sentence of Markdown that is safe to post.
    """

    pull: PullRequestRef
    comment_id: int
    author: str
    command: CommandName
    axis: Axis | None = None
    hint: str = ""

    @property
    def key(self) -> str:
        """One comment is obeyed once."""
        return f"command/{self.pull.key}/{self.comment_id}"


@dataclass(frozen=True, slots=True)
class FeedbackTask:
    """Read what people say of our findings: one answered in a conversation on lines.

    comment_id: of the answer, which gets a reaction. author: who wrote it.
    """

    pull: PullRequestRef
    comment_id: int
    author: str

    @property
    def key(self) -> str:
        """One answer is read once."""
        return f"feedback/{self.pull.key}/{self.comment_id}"


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


Task = ReviewTask | RerunTask | CommandTask | FeedbackTask | CloseTask | ForgetTask


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that asks for nothing, and why (one plain clause, for the log)."""

    reason: str
