"""Turns rows into pairs and judges them, in one process or several, in the order of the rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from review_core.records import PreferencePair
from training.preparation.filters import filters
from training.preparation.formats import Missing, Row, pair_of
from training.preparation.funnel import Drop
from training.preparation.settings import PrepareSettings

Judgement = tuple[Row, PreferencePair | Drop]


class Judge:
    """Everything that one row can be judged by, without looking at others."""

    def __init__(self, settings: PrepareSettings) -> None:
        """:raises InputError: if a file that a filter needs cannot be read."""
        self._filters = filters(settings)
        keep_unknown = settings.unknown_language == "keep"
        self._missing = Missing(settings.language, settings.aspect, keep_unknown)

    def __call__(self, row: Row) -> PreferencePair | Drop:
        """The pair that a row holds, if it may be learned from."""
        pair = pair_of(row, self._missing)
        if isinstance(pair, Drop):
            return pair
        for judge in self._filters:
            if drop := judge(pair):
                return drop
        return pair


def judged(rows: Iterable[Row], settings: PrepareSettings) -> Iterator[Judgement]:
    """Each row with its pair or why it gives none; few rows are held at a time."""
    judge = Judge(settings)
    if settings.workers == 1:
        yield from ((row, judge(row)) for row in rows)
        return
    waiting: deque[tuple[list[Row], Future[list[PreferencePair | Drop]]]] = deque()
    with ProcessPoolExecutor(
        settings.workers, get_context("spawn"), initializer=_start, initargs=(settings,)
    ) as pool:
        for chunk in _chunks(rows):
            waiting.append((chunk, pool.submit(_judge, chunk)))
            if len(waiting) > 4 * settings.workers:
                yield from _first(waiting)
        while waiting:
            yield from _first(waiting)


def _first(
    waiting: deque[tuple[list[Row], Future[list[PreferencePair | Drop]]]],
) -> Iterator[Judgement]:
    chunk, future = waiting.popleft()
    yield from zip(chunk, future.result(), strict=True)


_judge_here: Judge | None = None
"""Each worker process has its own, made once."""


def _start(settings: PrepareSettings) -> None:
    global _judge_here
    _judge_here = Judge(settings)


def _judge(chunk: list[Row]) -> list[PreferencePair | Drop]:
    assert _judge_here is not None
    return [_judge_here(row) for row in chunk]


def _chunks(rows: Iterable[Row], size: int = 64) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
