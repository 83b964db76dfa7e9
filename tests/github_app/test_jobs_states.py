"""Which work may begin, and which need not: pure rules."""

from __future__ import annotations

from collections.abc import Sequence

from github_app.jobs.states import Busy, Head, Waiting, duplicates, startable, superseded

IDLE = Busy(frozenset(), {})


def row(
    seq: int, pull: str | None = "p", *, kind: str = "review", head: str = "a", of: int = 1
) -> Waiting:
    return Waiting(seq, kind, f"{kind}/{pull}/{head}", of, pull, head)


def started(rows: Sequence[Waiting], busy: Busy = IDLE, room: int = 99) -> list[int]:
    return startable(rows, busy, room)


def test_one_job_of_a_pull_request_starts_at_a_time() -> None:
    assert started([row(1), row(2)], Busy(frozenset({"p"}), {1: 1})) == []
    assert len(started([row(1), row(2)])) == 1


def test_the_newest_push_goes_first() -> None:
    assert started([row(1, head="a"), row(2, head="b")]) == [2]


def test_commands_go_before_reviews_and_in_their_order() -> None:
    rows = [row(1), row(2, kind="command"), row(3, kind="command"), row(4)]
    assert started(rows) == [2]


def test_an_installation_that_pushes_much_does_not_keep_another_waiting() -> None:
    rows = [row(n, f"p{n}", of=1) for n in range(500)] + [row(500, "other", of=2)]
    assert 500 in started(rows, room=2)
    assert started(rows, Busy(frozenset(), {1: 3}), room=1) == [500]


def test_no_more_start_than_there_is_room_for() -> None:
    rows = [row(n, f"p{n}", of=n % 3) for n in range(9)]
    assert len(started(rows, room=4)) == 4
    assert started(rows, room=0) == []


def test_forgetting_waits_for_what_runs_and_what_came_later_waits_for_it() -> None:
    forget = row(1, None, kind="forget")
    rows = [row(0, "q"), forget, row(2, "r"), row(3, "s", of=2)]
    assert started(rows, Busy(frozenset({"p"}), {1: 1})) == [3]
    assert started(rows, Busy(frozenset(), {})) in ([1, 3], [3, 1])


def test_a_head_that_github_no_longer_named_is_superseded() -> None:
    heads = {"p": Head("b", seen_after=2)}
    assert superseded([row(1, head="a"), row(2, head="b")], heads) == {1}


def test_a_push_that_came_after_github_was_asked_is_not_superseded() -> None:
    """Its delivery has number 3; GitHub named head b when 2 was the last."""
    assert superseded([row(3, head="c")], {"p": Head("b", seen_after=2)}) == set()


def test_a_delivery_that_was_overtaken_does_not_supersede_the_newer_head() -> None:
    """Push b arrived before push a; that a came last says nothing about which head is current."""
    assert superseded([row(1, head="b"), row(2, head="a")], {}) == set()
    assert superseded([row(1, head="b"), row(2, head="a")], {"p": Head("b", 2)}) == {2}


def test_a_command_is_never_superseded() -> None:
    assert superseded([row(1, kind="command", head="x")], {"p": Head("b", 2)}) == set()


def test_the_same_wish_twice_in_a_row_is_a_duplicate() -> None:
    first, second = row(1), row(2)
    assert duplicates([first, second], {1: None, 2: first.key}) == {2}


def test_a_head_that_comes_back_after_another_is_a_new_wish() -> None:
    assert duplicates([row(3, head="a")], {3: "review/p/b"}) == set()
