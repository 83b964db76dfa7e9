"""What a delivery asks for. Pure: an event and its payload in, a task out, or why there is none.

The state of a pull request is asked of GitHub when the work is done; a payload only says that
something happened, and deliveries may come late, twice or out of order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from github_app.errors import PayloadError
from github_app.grammar import Command, command_of
from github_app.payloads import (
    AnyEvent,
    Check,
    CheckRunEvent,
    CheckSuiteEvent,
    Event,
    InstallationEvent,
    InstallationRepositoriesEvent,
    IssueCommentEvent,
    PullRequestEvent,
    Repository,
    ReviewCommentEvent,
)
from github_app.types import (
    ActionName,
    CloseTask,
    CommandName,
    CommandTask,
    FeedbackTask,
    ForgetTask,
    Ignored,
    PullRequestRef,
    RepositoryRef,
    RerunTask,
    ReviewTask,
    Task,
)


@dataclass(frozen=True, slots=True)
class App:
    """Who we are. slug: of our address; `slug[bot]` is our login."""

    id: int
    slug: str

    @property
    def login(self) -> str:
        """In comments and as a sender."""
        return f"{self.slug}[bot]"


def task_of(event: str, guid: str, payload: Mapping[str, Any], app: App) -> Task | Ignored:
    """What a delivery asks for.

    :param event: as in X-GitHub-Event; guid: as in X-GitHub-Delivery.
    :raises PayloadError: if what we need of it is missing or of another kind than documented.
    """
    action = payload.get("action")
    key = (event, action if isinstance(action, str) else "")
    if key not in _HANDLERS:
        return Ignored(f"{' '.join(filter(None, key))} asks for nothing"[:200])
    return _HANDLERS[key](payload, guid, app)


def action_of(payload: Mapping[str, Any]) -> str:
    """The payload's action, "" without one; for logs and rows."""
    action = payload.get("action")
    return action if isinstance(action, str) else ""


# --- one function an event -----------------------------------------------------------------------


def _pull_request(payload: Mapping[str, Any], guid: str, app: App) -> Task | Ignored:
    event = _read(PullRequestEvent, payload)
    if (installation := _installation(event, app)) is None:
        return _not_ours(event)
    pull = _pull(installation, event.repository, event.pull_request.number)
    moment = event.pull_request.updated_at or guid
    action = payload["action"]
    if action == "closed":
        return CloseTask(pull, event.pull_request.closed_at or moment)
    if action == "edited" and (event.changes is None or event.changes.base is None):
        return Ignored("the base was not edited")
    return ReviewTask(
        pull, event.pull_request.head.sha, occasion="" if action == "opened" else moment
    )


def _check_run(payload: Mapping[str, Any], guid: str, app: App) -> Task | Ignored:
    event = _read(CheckRunEvent, payload)
    full = False
    if payload["action"] == "requested_action":
        pressed = event.requested_action.identifier if event.requested_action else None
        if pressed != ActionName.FULL_REVIEW:
            return Ignored("no button of ours was pressed")
        full = True
    return _rerun(event, event.repository, event.check_run, guid, app, full=full)


def _check_suite(payload: Mapping[str, Any], guid: str, app: App) -> Task | Ignored:
    event = _read(CheckSuiteEvent, payload)
    return _rerun(event, event.repository, event.check_suite, guid, app)


def _rerun(
    event: Event, repository: Repository, check: Check, guid: str, app: App, *, full: bool = False
) -> Task | Ignored:
    if (installation := _installation(event, app)) is None:
        return _not_ours(event)
    if check.app is None or check.app.id != app.id:
        return Ignored("another app's check")
    return RerunTask(installation, _ref(repository), check.head_sha, guid, full)


def _issue_comment(payload: Mapping[str, Any], guid: str, app: App) -> Task | Ignored:
    event = _read(IssueCommentEvent, payload)
    if (installation := _installation(event, app)) is None:
        return _not_ours(event)
    if event.issue.pull_request is None:
        return Ignored("the comment is on an issue")
    author = event.comment.user
    if author is None or author.type == "Bot":
        return Ignored("bots do not command us: two of them could talk for ever")
    command = command_of(event.comment.body or "", app.slug)
    if command is None:
        return Ignored("the comment holds no command")
    if command.name is CommandName.FEEDBACK:
        command = Command(CommandName.HELP, hint=_WHERE_FEEDBACK_GOES)
    return CommandTask(
        _pull(installation, event.repository, event.issue.number),
        event.comment.id,
        author.login,
        command.name,
        command.axis,
        command.hint,
    )


def _review_comment(payload: Mapping[str, Any], guid: str, app: App) -> Task | Ignored:
    event = _read(ReviewCommentEvent, payload)
    if (installation := _installation(event, app)) is None:
        return _not_ours(event)
    author = event.comment.user
    if author is None or author.type == "Bot":
        return Ignored("bots do not answer us: two of them could talk for ever")
    command = command_of(event.comment.body or "", app.slug)
    if command is None:
        return Ignored("the comment holds no command")
    if command.name is not CommandName.FEEDBACK:
        return Ignored("on lines no command but feedback is read")
    pull = _pull(installation, event.repository, event.pull_request.number)
    return FeedbackTask(pull, event.comment.id, author.login)


def _installation_deleted(payload: Mapping[str, Any], guid: str, app: App) -> Task | Ignored:
    event = _read(InstallationEvent, payload)
    if event.installation is None:
        return _not_ours(event)
    return ForgetTask(event.installation.id, None, guid)


def _repositories_removed(payload: Mapping[str, Any], guid: str, app: App) -> Task | Ignored:
    event = _read(InstallationRepositoriesEvent, payload)
    if event.installation is None:
        return _not_ours(event)
    removed = tuple(each.id for each in event.repositories_removed)
    return ForgetTask(event.installation.id, removed, guid) if removed else Ignored("none removed")


def _says(reason: str) -> Callable[[Mapping[str, Any], str, App], Task | Ignored]:
    return lambda payload, guid, app: Ignored(reason)


_WHERE_FEEDBACK_GOES = "`feedback` belongs below a finding: reply in its conversation."
_LATER = "pull requests are reviewed from their next push on"
_HANDLERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any], str, App], Task | Ignored]] = {
    ("pull_request", "opened"): _pull_request,
    ("pull_request", "reopened"): _pull_request,
    ("pull_request", "synchronize"): _pull_request,
    ("pull_request", "ready_for_review"): _pull_request,
    ("pull_request", "edited"): _pull_request,
    ("pull_request", "closed"): _pull_request,
    ("check_run", "rerequested"): _check_run,
    ("check_run", "requested_action"): _check_run,
    ("check_suite", "requested"): _says("the event of the pull request asks for it"),
    ("check_suite", "rerequested"): _check_suite,
    ("issue_comment", "created"): _issue_comment,
    ("pull_request_review_comment", "created"): _review_comment,
    ("installation", "created"): _says(_LATER),
    ("installation", "deleted"): _installation_deleted,
    ("installation_repositories", "added"): _says(_LATER),
    ("installation_repositories", "removed"): _repositories_removed,
    ("ping", ""): _says("GitHub tries whether we are there"),
}
EVENTS = tuple(dict.fromkeys(event for event, _ in _HANDLERS if event != "ping"))


# --- what they share -----------------------------------------------------------------------------


def _read(kind: type[AnyEvent], payload: Mapping[str, Any]) -> AnyEvent:
    try:
        return kind.model_validate(payload)
    except ValidationError as error:
        # Where and what, never the value: it is somebody's text.
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3]]
        raise PayloadError(f"the payload is not as documented: {'; '.join(wrong)}") from None


def _installation(event: Event, app: App) -> int | None:
    """The installation that an event of somebody else came through."""
    if event.installation is None or (event.sender and event.sender.login == app.login):
        return None
    return event.installation.id


def _not_ours(event: Event) -> Ignored:
    if event.installation is None:
        return Ignored("it did not come through an installation of the app")
    return Ignored("we did this ourselves")


def _ref(repository: Repository) -> RepositoryRef:
    return RepositoryRef(repository.id, repository.owner.login, repository.name)


def _pull(installation: int, repository: Repository, number: int) -> PullRequestRef:
    return PullRequestRef(installation, _ref(repository), number)
