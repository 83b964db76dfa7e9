"""Writes a review to GitHub: only what is missing, each write known again by its mark.

Any write may fail after it happened, and the process may die between two: then all is done again,
from what stands at GitHub by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from github_app.errors import ForbiddenError, InvalidError, MissingError
from github_app.github.api import Repository
from github_app.github.values import CheckRun, CheckStatus
from github_app.publishing.checks import ACTIONS, conclusion, output, pages, reviewed
from github_app.publishing.conversations import Edit, Plan, as_kept, conversations, plan
from github_app.publishing.outcome import Identified, Outcome, identified
from github_app.publishing.suggestions import Suggestion
from github_app.publishing.summary import summary_body, summary_there
from github_app.publishing.wording import (
    comment_body,
    farewell,
    file_comment,
    new_comment,
    review_body,
)
from review_core.renderers.sarif import render_sarif

Suggest = Callable[[Sequence[Identified]], Mapping[str, Suggestion]]

NO_COMMENTS = "GitHub takes no comments of ours here; what they would say is in this check"
NO_RESOLVING = "GitHub does not let us resolve conversations; those whose finding is gone say so"
NO_CODE_SCANNING = "findings were not uploaded to code scanning: GitHub refused"


@dataclass(frozen=True, slots=True)
class Place:
    """The pull request that is written to."""

    repository: Repository
    number: int
    head_sha: str


@dataclass(frozen=True, slots=True)
class Published:
    """What was written, counted.

    refused: comments that GitHub found outside the diff. untold: findings in the check alone.
    """

    posted: int
    edited: int
    resolved: int
    refused: int
    untold: int


def publish(
    place: Place,
    check: CheckRun,
    outcome: Outcome,
    *,
    suggest: Suggest,
    may_go_on: Callable[[], None],
    full: bool = False,
) -> Published:
    """Bring everything at GitHub to what the outcome says; the check run is completed last.

    :param suggest: what would take back each of some findings, by id, where that is known.
    :param may_go_on: called before each write; what it raises ends the work.
    :param full: tell what people resolved again, too.
    :raises GitHubError: where something was not written; do it all again then.
    """
    found = identified(outcome)
    intended = _plan(place, outcome, found, full=full)
    writer = _Writer(place, outcome, may_go_on)
    refused: list[Identified] = []
    untold = list(intended.over_budget)
    try:
        writer.say_anew(intended)
        offers = suggest(intended.post) if outcome.settings.suggestions else {}
        refused = writer.post(intended.post, offers)
        untold += writer.post_on_files(refused)
    except ForbiddenError:
        writer.notices.append(NO_COMMENTS)
        untold = [each for each in found if each not in intended.dismissed]
    writer.summarise(found, untold)
    if outcome.settings.sarif:
        writer.upload(render_sarif(outcome.report, outcome.blocking))
    writer.complete(check, found, untold, intended)
    return Published(
        posted=sum(each not in untold for each in intended.post),
        edited=len(intended.edit) + len(intended.reopen),
        resolved=len(intended.resolve),
        refused=len(refused),
        untold=len(untold),
    )


def _plan(place: Place, outcome: Outcome, found: Sequence[Identified], *, full: bool) -> Plan:
    repository = place.repository
    return plan(
        found,
        conversations(repository.review_threads(place.number), repository.app_login),
        body=lambda each: comment_body(each, outcome),
        farewell=farewell,
        budget=outcome.settings.max_comments,
        may_be_hidden=frozenset(outcome.left_out).__contains__,
        full=full,
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Does what was planned. notices: what the reader of the check must know of how it went."""

    place: Place
    outcome: Outcome
    may_go_on: Callable[[], None]
    notices: list[str] = field(default_factory=list)

    def say_anew(self, intended: Plan) -> None:
        """Edit comments; open and resolve conversations. Which comes first: see Plan."""
        for each in intended.reopen:
            self._resolve(self.place.repository.unresolve_thread, each)
            self._edit(each)
        for each in intended.edit:
            self._edit(each)
        for each in intended.resolve:
            self._edit(each)
            self._resolve(self.place.repository.resolve_thread, each)

    def post(
        self, fresh: Sequence[Identified], offers: Mapping[str, Suggestion]
    ) -> list[Identified]:
        """Post one review; where GitHub refuses it, its halves: one bad line must not lose all.

        :return: those whose lines GitHub does not accept, and those without lines.
        """
        comments = {
            each.mark: new_comment(each, self.outcome, offers.get(each.mark.id)) for each in fresh
        }
        on_lines = [each for each in fresh if comments[each.mark].line is not None]

        def refused(part: Sequence[Identified]) -> Iterator[Identified]:
            if not part:
                return
            self.may_go_on()
            words = review_body(part, reviewed(self.outcome.report))
            try:
                self.place.repository.create_review(
                    self.place.number,
                    self.place.head_sha,
                    words,
                    [comments[each.mark] for each in part],
                )
            except InvalidError:
                if len(part) == 1:
                    yield part[0]
                    return
                middle = len(part) // 2
                yield from refused(part[:middle])
                yield from refused(part[middle:])

        return [*refused(on_lines), *(each for each in fresh if each not in on_lines)]

    def post_on_files(self, refused: Sequence[Identified]) -> Iterator[Identified]:
        """Comment on files as a whole; those for which GitHub refuses that, too, are given back."""
        for each in refused:
            self.may_go_on()
            try:
                self.place.repository.create_file_comment(
                    self.place.number, self.place.head_sha, file_comment(each, self.outcome)
                )
            except InvalidError:
                yield each

    def summarise(self, found: Sequence[Identified], untold: Sequence[Identified]) -> None:
        """Edit the summary, or make it if there is something to say."""
        if not self.outcome.settings.summary:
            return
        repository, number = self.place.repository, self.place.number
        there = summary_there(repository.issue_comments(number), repository.app_login)
        if there is None and not found:
            return
        body = summary_body(self.outcome, found, untold, number)
        if there is not None and as_kept(there.body) == as_kept(body):
            return
        self.may_go_on()
        try:
            if there is None:
                repository.create_issue_comment(number, body)
            else:
                repository.update_issue_comment(there.id, body)
        except (ForbiddenError, MissingError):
            self._note(NO_COMMENTS)

    def upload(self, sarif: str) -> None:
        """Hand the findings to code scanning, where the repository has it."""
        self.may_go_on()
        ref = f"refs/pull/{self.place.number}/head"
        try:
            self.place.repository.upload_sarif(self.place.head_sha, ref, sarif)
        except (ForbiddenError, MissingError):
            self._note(NO_CODE_SCANNING)

    def complete(
        self,
        check: CheckRun,
        found: Sequence[Identified],
        untold: Sequence[Identified],
        intended: Plan,
    ) -> None:
        """Finish the check run, in as many requests as its annotations need."""
        report = self.outcome.report
        report = replace(report, notices=(*report.notices, *self.notices))
        outcome = replace(self.outcome, report=report)
        whole = output(outcome, found, untold, intended.dismissed)
        *first, last = pages(whole, check.annotations_count)
        for page in first:
            self.may_go_on()
            self.place.repository.update_check_run(check.id, output=page)
        self.may_go_on()
        self.place.repository.update_check_run(
            check.id,
            status=CheckStatus.COMPLETED,
            conclusion=conclusion(outcome, found),
            output=last,
            actions=ACTIONS if found else (),
        )

    def _edit(self, each: Edit) -> None:
        if each.body is not None:
            self.may_go_on()
            with suppress(MissingError):  # somebody deleted it meanwhile
                self.place.repository.update_review_comment(each.comment, each.body)

    def _resolve(self, write: Callable[[str], None], each: Edit) -> None:
        """Resolve or open again. GitHub lets an app do so that may write contents; else it is asked
        once a review.
        """
        if NO_RESOLVING in self.notices:
            return
        self.may_go_on()
        try:
            write(each.thread)
        except MissingError:
            pass  # deleted, too
        except ForbiddenError:
            self._note(NO_RESOLVING)

    def _note(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices.append(notice)
