"""What we read of GitHub's deliveries: small models that know nothing of the rest.

They are strict about what is used later, in addresses, keys and database rows, and take anything
else. Schemas: GitHub's documentation, "Webhook events and payloads".
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictStr

Id = Annotated[int, Field(strict=True, ge=1, lt=2**63)]
Sha = Annotated[str, Field(strict=True, pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Moment = Annotated[str, Field(strict=True, pattern=r"^[0-9T:.Z+-]{1,40}$")]
Login = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_.-]{1,100}(?:\[bot\])?$")]
# Neither `.` nor `..`: names become parts of paths.
Name = Annotated[
    str,
    Field(strict=True, max_length=100, pattern=r"^[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*$"),
]


class Part(BaseModel):
    """A part of a payload."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Account(Part):
    """A person, an organisation or a bot."""

    login: Login
    type: StrictStr | None = None


class Repository(Part):
    """Where something happened."""

    id: Id
    name: Name
    owner: Account


class Installation(Part):
    """By whose leave we are told. What comes through a repository's own webhook has none."""

    id: Id


class Head(Part):
    """The head of a pull request."""

    sha: Sha


class PullRequest(Part):
    """A pull request as it was at the event; how it is now is asked of GitHub later."""

    number: Id
    head: Head
    updated_at: Moment | None = None
    closed_at: Moment | None = None


class Change(Part):
    """What an edit was before."""


class Changes(Part):
    """What an edit changed; only whether the base is among it."""

    base: Change | None = None


class App(Part):
    """Whose check it is."""

    id: Id


class Check(Part):
    """A check run or a check suite."""

    head_sha: Sha
    app: App | None = None


class RequestedAction(Part):
    """The button that was pressed."""

    identifier: StrictStr


class PullRequestMark(Part):
    """Stands in an issue that is a pull request."""


class Issue(Part):
    """What was commented on."""

    number: Id
    pull_request: PullRequestMark | None = None


class Comment(Part):
    """A comment below a pull request or on lines of it. user: None once the account is gone."""

    id: Id
    user: Account | None = None
    body: StrictStr | None = None


class RepositoryId(Part):
    """A repository that was taken away."""

    id: Id


class Event(Part):
    """What every event has."""

    installation: Installation | None = None
    sender: Account | None = None


class PullRequestEvent(Event):
    """`pull_request`."""

    repository: Repository
    pull_request: PullRequest
    changes: Changes | None = None


class CheckRunEvent(Event):
    """`check_run`."""

    repository: Repository
    check_run: Check
    requested_action: RequestedAction | None = None


class CheckSuiteEvent(Event):
    """`check_suite`."""

    repository: Repository
    check_suite: Check


class IssueCommentEvent(Event):
    """`issue_comment`."""

    repository: Repository
    issue: Issue
    comment: Comment


class Talk(Part):
    """The pull request that was talked about."""

    number: Id


class ReviewCommentEvent(Event):
    """`pull_request_review_comment`."""

    repository: Repository
    pull_request: Talk
    comment: Comment


class InstallationEvent(Event):
    """`installation`."""


class InstallationRepositoriesEvent(Event):
    """`installation_repositories`."""

    repositories_removed: tuple[RepositoryId, ...] = ()


AnyEvent = TypeVar("AnyEvent", bound=Event)
