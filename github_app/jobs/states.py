"""How far a delivery's work is, and which work may begin: pure, the database is in `table`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a row of the inbox stands."""

    WAITING = "waiting"
    STARTED = "started"  # handed to the queue, or in a worker's hands
    DONE = "done"
    DUPLICATE = "duplicate"  # another delivery wished the same
    SUPERSEDED = "superseded"  # GitHub named another head after it came in
    DEAD = "dead"  # given up; reason says why


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is weighed of a row that waits. head_sha: of a review."""

    seq: int
    kind: str
    key: str
    installation: int
    pull: str | None
    head_sha: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """The head that GitHub named for a pull request when asked, after that delivery had come."""

    sha: str
    seen_after: int


@dataclass(frozen=True, slots=True)
class Busy:
    """What has started and not ended: the pull requests, and how much of each installation."""

    pulls: frozenset[str]
    installations: Mapping[int, int]


def superseded(waiting: Iterable[Waiting], heads: Mapping[str, Head]) -> set[int]:
    """Reviews of heads that are no longer: GitHub was asked after they came, and named another.

    Not simply "a newer one came in": deliveries overtake each other.
    """
    seqs = set()
    for row in waiting:
        head = heads.get(row.pull) if row.kind == "review" and row.pull else None
        if head is not None and row.seq <= head.seen_after and row.head_sha != head.sha:
            seqs.add(row.seq)
    return seqs


def duplicates(waiting: Iterable[Waiting], last_keys: Mapping[int, str | None]) -> set[int]:
    """Reviews that wish what the review before them wished, on the same pull request.

    Two subscriptions deliver one event under two GUIDs. A head that comes back after another one
    (a force-push there and back) is a new wish.

    :param last_keys: per row, the key of the last review received before it, if any.
    """
    return {
        row.seq for row in waiting if row.kind == "review" and last_keys.get(row.seq) == row.key
    }


def startable(waiting: Iterable[Waiting], busy: Busy, room: int) -> list[int]:
    """Which rows may start now, at most `room`; one of a pull request at a time.

    The installation with the least under way goes first, so one that pushes 500 times does not keep
    another waiting. Within it, the longest waiting pull request; within that, commands and closings
    in their order, then the newest push: the older ones are most likely superseded by it.
    """
    begun = Counter(busy.installations)
    lines: dict[int, Iterator[int]] = {}
    for installation, rows in _by_installation(waiting).items():
        lines[installation] = _line(rows, busy, begun[installation])
    chosen: list[int] = []
    while lines and len(chosen) < room:
        installation = min(lines, key=lambda each: begun[each])
        seq = next(lines[installation], None)
        if seq is None:
            del lines[installation]
        else:
            chosen.append(seq)
            begun[installation] += 1
    return chosen


def _by_installation(waiting: Iterable[Waiting]) -> dict[int, list[Waiting]]:
    rows: dict[int, list[Waiting]] = {}
    for row in sorted(waiting, key=lambda each: each.seq):
        rows.setdefault(row.installation, []).append(row)
    return rows


def _line(rows: list[Waiting], busy: Busy, running: int) -> Iterator[int]:
    """The rows of one installation that may start, in their order.

    Forgetting waits for all that runs, and all that came later waits for it.
    """
    forget = next((row for row in rows if row.kind == "forget"), None)
    if forget is not None:
        if running == 0:
            yield forget.seq
        return
    pulls: dict[str, list[Waiting]] = {}
    for row in rows:
        if row.pull is not None and row.pull not in busy.pulls:
            pulls.setdefault(row.pull, []).append(row)
    for of_pull in pulls.values():
        yield min(of_pull, key=_turn).seq


def _turn(row: Waiting) -> tuple[bool, int]:
    return (True, -row.seq) if row.kind == "review" else (False, row.seq)
