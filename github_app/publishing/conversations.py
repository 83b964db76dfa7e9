"""What to do with our conversations on lines, given those there are: a pure plan.

The state is all findings at head, found anew on every push; only the difference is written. One
that was posted is never posted again, one that a person answered or closed is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from github_app.github.values import ReviewComment, ReviewThread
from github_app.publishing.marks import FindingMark, finding_mark
from github_app.publishing.outcome import Identified
from github_app.publishing.wording import without_suggestion


@dataclass(frozen=True, slots=True)
class Edit:
    """Say a comment anew. body: None to keep it as it is."""

    thread: str
    comment: int
    body: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, and where each finding is then told.

    edit: comments to say anew in open conversations. reopen: conversations whose finding is back;
    they are opened first, then said anew. resolve: those whose finding is gone; they are said anew
    first, then resolved: a run that was killed in between is so understood by the next. post: to
    be told for the first time, in the report's order. told: in an open conversation. dismissed: in
    one that a person closed. over_budget: not told on lines.
    """

    edit: tuple[Edit, ...] = ()
    reopen: tuple[Edit, ...] = ()
    resolve: tuple[Edit, ...] = ()
    post: tuple[Identified, ...] = ()
    told: tuple[Identified, ...] = ()
    dismissed: tuple[Identified, ...] = ()
    over_budget: tuple[Identified, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread that we opened about a finding."""

    thread: ReviewThread
    mark: FindingMark
    is_answered: bool

    @property
    def comment(self) -> ReviewComment:
        """Ours, which opened it."""
        return self.thread.comments[0]


def conversations(threads: Iterable[ReviewThread], login: str) -> tuple[Conversation, ...]:
    """Ours, open ones first, of each the newest first."""
    found = []
    for thread in threads:
        if not thread.comments or not is_ours(thread.comments[0].author, login):
            continue
        mark = finding_mark(thread.comments[0].body)
        if mark is not None:
            answered = any(not is_ours(each.author, login) for each in thread.comments[1:])
            found.append(Conversation(thread, mark, answered))
    return tuple(sorted(found, key=lambda each: (each.thread.is_resolved, -each.comment.id)))


def is_ours(author: str, login: str) -> bool:
    """Whether we wrote it. Logins do not tell capitals apart."""
    return author.casefold() == login.casefold()


def plan(
    wanted: Sequence[Identified],
    there: Sequence[Conversation],
    *,
    body: Callable[[Identified], str],
    farewell: Callable[[FindingMark], str],
    budget: int,
    may_be_hidden: Callable[[str], bool],
    full: bool = False,
) -> Plan:
    """What is missing at GitHub.

    :param body: what a finding's comment should say; its suggestion, if it has one, is kept as long
        as the finding is the same. farewell: what one says whose finding is gone.
    :param budget: open conversations, at most; those there are are not closed for it.
    :param may_be_hidden: whether a file may hold findings that were not looked for this time.
    :param full: tell what people closed again, too.
    """
    pairs, orphans = _matched(wanted, there)
    edit, reopen, told, dismissed = [], [], [], []
    for each in wanted:
        conversation = pairs.get(each.mark)
        if conversation is None:
            continue
        resolved, ours = conversation.thread.is_resolved, conversation.mark.gone
        if resolved and not ours and not full:
            dismissed.append(each)
            continue
        told.append(each)
        change = _edit(conversation, body(each))
        if resolved:
            reopen.append(change)
        elif change.body is not None and not conversation.is_answered:
            edit.append(change)
    fresh = sorted(
        (each for each in wanted if each.mark not in pairs),
        key=lambda each: (not each.blocks, each.preference),
    )
    post = fresh[: max(0, budget - len(told))]
    return Plan(
        edit=tuple(edit),
        reopen=tuple(reopen),
        resolve=tuple(
            _edit(each, farewell(replace(each.mark, gone=True)))
            for each in orphans
            if not each.thread.is_resolved
            and not each.is_answered
            and not may_be_hidden(each.comment.path)
        ),
        post=tuple(each for each in wanted if each in post),
        told=tuple(told),
        dismissed=tuple(dismissed),
        over_budget=tuple(each for each in wanted if each in fresh and each not in post),
    )


def _matched(
    wanted: Sequence[Identified], there: Sequence[Conversation]
) -> tuple[dict[FindingMark, Conversation], list[Conversation]]:
    """Each finding's conversation, and those that no finding is left for.

    What changed decides first, so that a function that moved takes its conversation along; then
    where it stands: a function that was edited again and is still worse keeps its own.
    """
    keys: tuple[Callable[[FindingMark], object], ...] = (
        lambda mark: (mark.id, mark.place),
        lambda mark: mark.id,
        lambda mark: mark.place,
    )
    left = list(there)
    pairs: dict[FindingMark, Conversation] = {}
    for key in keys:
        for each in wanted:
            if each.mark in pairs:
                continue
            found = next((one for one in left if key(one.mark) == key(each.mark)), None)
            if found is not None:
                pairs[each.mark] = found
                left.remove(found)
    return pairs, left


def _edit(conversation: Conversation, body: str) -> Edit:
    kept = without_suggestion(conversation.comment.body, conversation.mark)
    same = as_kept(kept) == as_kept(body)
    return Edit(conversation.thread.id, conversation.comment.id, None if same else body)


def as_kept(body: str) -> str:
    """A body as GitHub may give it back: other line ends, no blanks at the end."""
    return body.replace("\r\n", "\n").strip()
