"""What people say of our findings on pull requests: 👍, 👎, or a reply that says so.

It stands at GitHub and is read from there, as everything that was said: before comments are said
anew, when a reply asks for it, and when the pull request is closed. It is kept where a repository's
configuration has remember_findings, in a store on this machine; nothing is sent anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from github_app.github.api import Repository
from github_app.github.values import Remark
from github_app.grammar import command_of
from github_app.publishing.conversations import is_ours
from github_app.publishing.marks import finding_mark
from github_app.types import CommandName, PullRequestRef
from review_core.errors import InputError
from review_core.feedback import FeedbackStore, shown_findings
from review_core.types import Report

LOG = logging.getLogger(__name__)
MOST_SHOWN = 20_000
"""Findings that wait for an answer, of all repositories: those of the last pull requests."""


class Feedback:
    """Keeps findings that were published, and what people say of them.

    Nothing here fails a review: what cannot be kept is logged.
    """

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store

    def remember(self, pull: PullRequestRef, report: Report) -> None:
        """Keep what is about to be published, with the code it is about."""
        try:
            self._store.remember(key_of(pull), tuple(shown_findings(report)))
        except InputError as error:
            LOG.warning("findings are not kept: %s", error)

    def keeps(self, pull: PullRequestRef) -> bool:
        """Whether findings of the repository are kept here."""
        try:
            return key_of(pull) in self._store.repositories()
        except InputError as error:
            LOG.warning("feedback is not read: %s", error)
            return False

    def collect(self, repository: Repository, pull: PullRequestRef) -> int:
        """Read what stands at GitHub and keep what is new; how many answers that were.

        :raises GitHubError: where GitHub failed.
        """
        remarks = repository.remarks(pull.number)
        slug = repository.app_login.removesuffix("[bot]")
        told = dict(answers(remarks, slug, cache(repository.may_write)))
        key, kept = key_of(pull), 0
        try:
            known = {
                id_: each.right for each in self._store.answers(key) for id_ in each.finding.ids
            }
        except InputError as error:
            LOG.warning("feedback is not kept: %s", error)
            return 0
        for id_, right in told.items():
            if known.get(id_) is right:
                continue
            try:
                self._store.answer(key, id_, right=right, note=None)
                kept += 1
            except InputError as error:  # shown by another machine, or too long ago
                LOG.info("an answer is not kept: %s", error)
        return kept

    def forget(self, installation: int, repositories: Sequence[int] | None) -> None:
        """Drop all that is kept of an installation, or of some of its repositories."""
        ours = (
            [f"{installation}/"]
            if repositories is None
            else [f"{installation}/{each}/" for each in repositories]
        )
        try:
            for key in self._store.repositories():
                if key.startswith(tuple(ours)):
                    self._store.forget_all(key)
        except InputError as error:
            LOG.warning("feedback is not forgotten: %s", error)

    def purge(self, before: float) -> None:
        """Drop findings shown before a moment, in seconds since 1970, that nobody answered."""
        try:
            self._store.drop_shown(before)
        except InputError as error:
            LOG.warning("findings without answers are not dropped: %s", error)


def key_of(pull: PullRequestRef) -> str:
    """What answers of a repository are kept under: ids to forget it by, and its name to read."""
    repository = pull.repository
    return f"{pull.installation}/{repository.id}/{repository.full_name}"


def answers(
    remarks: Sequence[Remark], slug: str, may_write: Callable[[str], bool]
) -> Iterator[tuple[str, bool]]:
    """What people say of each finding that a conversation of ours is about, by its id.

    A reply with the command counts before reactions, the last one of several; of reactions the
    larger side, and neither if both are as large. What is older than the comment's last edit was
    said of another finding: a function that was edited again keeps its conversation.

    :param may_write: whether a person may push; others have no say.
    """
    for opening in remarks:
        mark = finding_mark(opening.body)
        if opening.in_reply_to is not None or mark is None or mark.gone:
            continue
        if not is_ours(opening.author, f"{slug}[bot]"):
            continue
        since = opening.updated_at
        replies = [each for each in remarks if each.in_reply_to == opening.id]
        right = _said(replies, slug, since, may_write)
        if right is None:
            right = _voted(opening, since, may_write)
        if right is not None:
            yield mark.id, right


def _said(
    replies: Iterable[Remark], slug: str, since: str, may_write: Callable[[str], bool]
) -> bool | None:
    right = None
    for reply in replies:
        if reply.created_at < since:
            continue
        command = command_of(reply.body, slug)
        if command is None or command.name is not CommandName.FEEDBACK:
            continue
        if may_write(reply.author):
            right = command.right
    return right


def _voted(opening: Remark, since: str, may_write: Callable[[str], bool]) -> bool | None:
    sides = {
        content: {
            each.author
            for each in opening.reactions
            if each.content == content and each.created_at >= since and may_write(each.author)
        }
        for content in ("+1", "-1")
    }
    up, down = len(sides["+1"]), len(sides["-1"])
    return None if up == down else up > down
