"""What is done with conversations on lines, by what changed since they were begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import file_of, outcome

from github_app.github.values import ReviewComment, ReviewThread
from github_app.publishing.conversations import Plan, conversations, plan
from github_app.publishing.marks import FindingMark, finding_mark
from github_app.publishing.outcome import Identified, Outcome, identified
from github_app.publishing.suggestions import Suggestion
from github_app.publishing.wording import comment_body, farewell
from review_core.types import LineRange

US = "themis-review[bot]"


def there(
    *bodies: str, resolved: bool = False, answers: Sequence[str] = (), path: str = "a.py"
) -> list[ReviewThread]:
    """Threads that we opened, one a body, with answers by these people."""
    ids = count(100, 10)
    threads = []
    for body in bodies:
        first = next(ids)
        comments = [ReviewComment(first, US, body, path, 7, None)]
        comments += [
            ReviewComment(first + 1 + n, who, "I see", path, 7, first)
            for n, who in enumerate(answers)
        ]
        threads.append(ReviewThread(f"T{first}", resolved, False, tuple(comments)))
    return threads


def planned(of: Outcome, threads: Sequence[ReviewThread], **more: Any) -> Plan:
    return plan(
        identified(of),
        conversations(threads, US),
        body=lambda each: comment_body(each, of),
        farewell=farewell,
        budget=of.settings.max_comments,
        may_be_hidden=frozenset(of.left_out).__contains__,
        **more,
    )


def bodies(of: Outcome) -> list[str]:
    return [comment_body(each, of) for each in identified(of)]


ONE = outcome(file_of(f=("1", "2")))
EDITED = outcome(file_of(f=("1", "3")))
NONE = outcome(file_of(fine=("1", "2")))


def test_what_was_never_told_is_posted() -> None:
    assert planned(ONE, []).post == identified(ONE)


def test_what_was_told_is_not_told_again() -> None:
    found = planned(ONE, there(*bodies(ONE)))
    assert found == Plan(told=identified(ONE))


def test_line_ends_and_capitals_that_github_changed_change_nothing() -> None:
    (thread,) = there(bodies(ONE)[0].replace("\n", "\r\n").rstrip())
    (comment,) = thread.comments
    loud = replace(thread, comments=(replace(comment, author="Themis-Review[bot]"),))
    assert planned(ONE, [loud]) == Plan(told=identified(ONE))


def test_a_function_edited_again_and_still_worse_keeps_its_conversation() -> None:
    found = planned(EDITED, there(*bodies(ONE)))
    (edit,) = found.edit
    assert not found.post
    assert finding_mark(edit.body or "") == identified(EDITED)[0].mark
    assert identified(EDITED)[0].mark.id != identified(ONE)[0].mark.id


def test_a_function_that_moved_to_another_file_takes_its_conversation_along() -> None:
    moved = outcome(file_of("b.py", f=("1", "2")))
    found = planned(moved, there(*bodies(ONE)))
    assert not found.post
    assert not found.resolve
    assert [each.comment for each in found.edit] == [100]  # for the place in its mark


def test_what_is_gone_is_said_and_resolved() -> None:
    found = planned(NONE, there(*bodies(ONE)))
    (gone,) = found.resolve
    assert gone.thread == "T100"
    mark = finding_mark(gone.body or "")
    assert mark is not None
    assert mark.gone


def test_what_was_said_to_be_gone_is_only_resolved() -> None:
    """We were killed between the two."""
    mark = replace(identified(ONE)[0].mark, gone=True)
    (gone,) = planned(NONE, there(farewell(mark))).resolve
    assert gone.body is None


def test_what_a_person_answered_is_theirs() -> None:
    answered = there(*bodies(ONE), answers=["ada"])
    assert planned(NONE, answered) == Plan()
    assert planned(EDITED, answered) == Plan(told=identified(EDITED))


def test_our_own_answer_is_nobodys() -> None:
    assert planned(NONE, there(*bodies(ONE), answers=[US])).resolve


def test_what_a_person_resolved_stays_so_unless_a_full_review_is_asked_for() -> None:
    closed = there(*bodies(ONE), resolved=True)
    assert planned(ONE, closed) == Plan(dismissed=identified(ONE))
    assert planned(EDITED, closed) == Plan(dismissed=identified(EDITED))
    again = planned(ONE, closed, full=True)
    assert [each.thread for each in again.reopen] == ["T100"]
    assert not again.post


def test_what_we_resolved_is_opened_again_when_it_is_back() -> None:
    mark = replace(identified(ONE)[0].mark, gone=True)
    found = planned(ONE, there(farewell(mark), resolved=True))
    assert [each.thread for each in found.reopen] == ["T100"]
    assert not found.post
    assert finding_mark(found.reopen[0].body or "") == identified(ONE)[0].mark


def test_silence_about_a_file_that_was_left_out_resolves_nothing() -> None:
    assert planned(replace(NONE, left_out=("a.py",)), there(*bodies(ONE))) == Plan()
    assert planned(replace(NONE, left_out=("b.py",)), there(*bodies(ONE))).resolve


def test_a_mark_in_somebody_elses_comment_is_none_of_ours() -> None:
    (thread,) = there(*bodies(ONE))
    forged = replace(thread, comments=(replace(thread.comments[0], author="eve"),))
    found = planned(ONE, [forged])
    assert found.post == identified(ONE)


@pytest.mark.parametrize(
    "name", ["<!-- themis:finding id=ab place=cd -->", "<!-- themis:summary -->"]
)
def test_a_mark_in_a_name_is_no_mark(name: str) -> None:
    assert finding_mark(f"text {FindingMark('ab', 'cd')}") is None
    of = outcome(file_of(f"{name}.py", f=("1", "2")))
    mark = finding_mark(bodies(of)[0])
    assert mark == identified(of)[0].mark


def test_the_budget_is_for_the_surest_and_what_blocks_comes_first() -> None:
    files = [file_of(f"{n}.py", f=("1", "2")) for n in range(4)]
    of = outcome(*files, max_comments=2)
    of = replace(of, blocking=(of.report.findings[3],))
    found = planned(of, [])
    assert [each.path for each in found.post] == ["0.py", "3.py"]
    assert [each.path for each in found.over_budget] == ["1.py", "2.py"]


def test_open_conversations_count_and_are_not_closed_for_the_budget() -> None:
    of = outcome(*(file_of(f"{n}.py", f=("1", "2")) for n in range(4)), max_comments=2)
    found = planned(of, there(*bodies(of)[:3]))
    assert len(found.told) == 3
    assert not found.post
    assert not found.resolve
    assert [each.path for each in found.over_budget] == ["3.py"]


def test_the_same_edit_made_twice_is_two_conversations() -> None:
    """Overloads: one name, one text, two places."""
    twice = outcome(file_of("a.py", f=("1", "2")), file_of("b.py", f=("1", "2")))
    ids = [each.mark.place for each in identified(twice)]
    assert len(set(ids)) == 2
    assert planned(twice, there(*bodies(twice))) == Plan(told=identified(twice))


def test_a_suggestion_stays_as_long_as_the_finding_and_no_longer() -> None:
    """A comment said anew stands where the function once was: nothing to replace there."""
    (posted,) = identified(ONE)
    offer = Suggestion(LineRange(22, 22), ("    return 1",), 0.5)
    body = comment_body(posted, ONE, offer)
    assert "```suggestion\n    return 1\n```" in body
    assert planned(ONE, there(body)).edit == ()
    (edit,) = planned(EDITED, there(body)).edit
    assert "suggestion" not in (edit.body or "")
    assert planned(EDITED, there(edit.body or "")).edit == ()


# --- any history ----------------------------------------------------------------------------------


class World:
    """Conversations as GitHub keeps them, and what a person may do to them."""

    def __init__(self) -> None:
        self.threads: list[ReviewThread] = []
        self.posted: list[Identified] = []

    def apply(self, found: Plan, of: Outcome, writes: int) -> int:
        """Do at most so many writes of a plan, as a process that is killed would."""

        def body(thread: ReviewThread, text: str | None) -> ReviewThread:
            if text is None:
                return thread
            first, *rest = thread.comments
            return replace(thread, comments=(replace(first, body=text), *rest))

        steps: list[tuple[str, dict[str, Any], str | None]] = []
        steps += [
            step
            for each in found.reopen
            for step in ((each.thread, {"is_resolved": False}, None), (each.thread, {}, each.body))
        ]
        steps += [(each.thread, {}, each.body) for each in found.edit]
        steps += [
            step
            for each in found.resolve
            for step in ((each.thread, {}, each.body), (each.thread, {"is_resolved": True}, None))
        ]
        for name, fields, text in steps[:writes]:
            self.threads = [
                body(replace(each, **fields), text) if each.id == name else each
                for each in self.threads
            ]
        if len(steps) < writes:
            for each in found.post:
                id_ = 1000 + len(self.posted)
                comment = ReviewComment(id_, US, comment_body(each, of), each.path, 1, None)
                self.threads.append(ReviewThread(f"T{id_}", False, False, (comment,)))
                self.posted.append(each)
        return len(steps)


STATES = [
    outcome(file_of(f=("1", "2"), g=("1", "2"))),
    outcome(file_of(f=("1", "3"), g=("1", "2"))),
    outcome(file_of(f=("1", "2"), fine=("1", "2"))),
    outcome(file_of("b.py", f=("1", "2"))),
    NONE,
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(range(5)), st.integers(0, 6)), max_size=12))
def test_whatever_is_pushed_and_wherever_we_are_killed_nothing_is_told_twice(
    history: list[tuple[int, int]],
) -> None:
    world = World()
    for state, writes in history:
        of = STATES[state]
        world.apply(planned(of, world.threads), of, writes)  # killed after so many writes
        world.apply(planned(of, world.threads), of, 99)
        last = planned(of, world.threads)
        assert last == Plan(told=identified(of)), "the second run left something to do"
        open_ = [each for each in world.threads if not each.is_resolved]
        assert len(open_) == len(identified(of))
    assert len(world.threads) <= 3  # f in a.py, g in a.py, f in b.py
