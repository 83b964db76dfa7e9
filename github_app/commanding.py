"""Does what a comment asks for, if its author may: a reaction acknowledges, one answer tells."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from github_app.errors import ForbiddenError, LeftAloneError, MissingError
from github_app.github.api import Repository
from github_app.github.values import PullRequest
from github_app.publishing.answers import configuration_text, help_text, wrong_configuration_text
from github_app.publishing.conversations import is_ours
from github_app.publishing.marks import answer_mark
from github_app.store import Store
from github_app.types import CommandName, CommandTask, ReviewTask
from review_core.config import Resolved
from review_core.errors import ConfigurationError

Configuration = Callable[[PullRequest], Resolved]
"""What holds for a pull request, by its base branch."""

_REVIEWS = frozenset(
    {CommandName.REVIEW, CommandName.FULL_REVIEW, CommandName.RESUME, CommandName.IGNORE}
)


def obey(
    task: CommandTask, repository: Repository, store: Store, configuration: Configuration
) -> ReviewTask | None:
    """Do what was asked for; what is left to do is a review, or nothing.

    Who may not push gets a `confused` reaction and no words.

    :raises GitHubError: where GitHub failed; asked again, it is not done twice.
    """
    pull = repository.pull_request(task.pull.number)
    reviews = task.command in _REVIEWS
    if not repository.may_write(task.author) or (reviews and not pull.is_open):
        _react(repository, task, "confused")
        return None
    match task.command:
        case CommandName.PAUSE:
            store.pause(task.pull, True)
        case CommandName.RESUME:
            store.pause(task.pull, False)
        case CommandName.IGNORE if task.axis is not None:
            store.ignore(task.pull, task.axis.value)
        case CommandName.HELP:
            slug = repository.app_login.removesuffix("[bot]")
            _answer(repository, task, help_text(task.comment_id, slug, task.hint))
        case CommandName.CONFIGURATION:
            _answer(repository, task, _configuration(task, pull, configuration))
    _react(repository, task, "eyes" if reviews else "+1")
    if not reviews:
        return None
    return ReviewTask(
        task.pull,
        pull.head_sha,
        occasion=f"comment {task.comment_id}",
        full=task.command is CommandName.FULL_REVIEW,
        asked=True,
    )


def _configuration(task: CommandTask, pull: PullRequest, configuration: Configuration) -> str:
    try:
        return configuration_text(task.comment_id, configuration(pull), pull.base_ref)
    except (ConfigurationError, LeftAloneError) as error:
        return wrong_configuration_text(task.comment_id, str(error))


def _answer(repository: Repository, task: CommandTask, body: str) -> None:
    """Answer, unless we have."""
    mark, us = answer_mark(task.comment_id), repository.app_login
    there = repository.issue_comments(task.pull.number)
    if not any(is_ours(each.author, us) and each.body.startswith(mark) for each in there):
        with suppress(ForbiddenError):  # the conversation was locked
            repository.create_issue_comment(task.pull.number, body)


def _react(repository: Repository, task: CommandTask, content: str) -> None:
    with suppress(MissingError, ForbiddenError):  # the comment is gone, or locked
        repository.react(task.comment_id, content)
