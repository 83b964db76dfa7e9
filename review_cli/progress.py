"""How far a command is, on stderr: a bar in a terminal, and elsewhere a line once in a while.

The time that is left is told when it can be known: from how fast the model has been lately, without
what the cache had, and not in the first seconds.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

import click

if TYPE_CHECKING:
    from review_core.margins import Meter, Model, Progress, Scorer

_LEAST_SECONDS = 4.0
"""What is measured before anything is foretold."""

_WINDOW_SECONDS = 120.0
"""How far back "lately" reaches: a machine that others use is not equally fast all the time."""

_FIRST_LINE_SECONDS, _NEXT_LINE_SECONDS = 30.0, 60.0
"""When a log without a terminal gets lines: nobody wants one of a short command."""


class Estimate:
    """How long what is left will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """:param clock: in seconds."""
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._total = 0

    def update(self, done: int, total: int) -> None:
        """What is done by now. What is done at the first call took no time."""
        now = self._clock()
        self._total = total
        while len(self._seen) > 1 and self._seen[1][0] <= now - _WINDOW_SECONDS:
            self._seen.popleft()
        self._seen.append((now, done))

    def seconds_left(self) -> float | None:
        """None where it is not known yet."""
        if not self._seen:
            return None
        since, before = self._seen[0]
        done = self._seen[-1][1]
        spent = self._clock() - since
        if done <= before or spent < _LEAST_SECONDS:
            return None
        return spent * (self._total - done) / (done - before)


def time_left(seconds: float | None) -> str:
    """`about 12 min left`: no more exact than it can be; empty if it is not known."""
    if seconds is None:
        return ""
    if seconds < 55:
        return f"about {max(5 * round(seconds / 5), 5)} s left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min left"
    return f"about {seconds / 3600:.1f} h left"


class Shown(Protocol):
    """What a command tells of how far it is."""

    def begin(self, what: str) -> None:
        """Something else is done now."""

    def __call__(self, done: int, total: int) -> None:
        """So much of it is done."""


@contextmanager
def shown_progress(what: str, *, quiet: bool) -> Iterator[Shown]:
    """Progress on stderr until the block ends."""
    if quiet:
        yield _Nothing()
    elif sys.stderr.isatty():
        with _bar(what) as bar:
            yield bar
    else:
        yield Lines(what, sys.stderr)


class _Nothing:
    def begin(self, what: str) -> None:
        pass

    def __call__(self, done: int, total: int) -> None:
        pass


class Lines:
    """A line after half a minute, then one a minute: for logs."""

    def __init__(self, what: str, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """:param clock: in seconds."""
        self._what = what
        self._out = out
        self._clock = clock
        self._next = clock() + _FIRST_LINE_SECONDS
        self._estimate = Estimate(clock)

    def begin(self, what: str) -> None:
        """Something else is done now."""
        self._what = what
        self._estimate = Estimate(self._clock)

    def __call__(self, done: int, total: int) -> None:
        """Write a line if it is time for one."""
        self._estimate.update(done, total)
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _NEXT_LINE_SECONDS
        left = time_left(self._estimate.seconds_left())
        ending = f", {left}" if left else ""
        print(f"themis: {self._what}: {done:,} of {total:,}{ending}", file=self._out, flush=True)


@contextmanager
def _bar(what: str) -> Iterator[Shown]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        Task,
        TextColumn,
    )
    from rich.text import Text

    estimate = Estimate()

    class TimeLeft(ProgressColumn):
        max_refresh = 1.0  # seconds; a number that changes ten times a second cannot be read

        def render(self, task: Task) -> Text:
            return Text(time_left(estimate.seconds_left()), "dim")

    text = TextColumn("{task.description}", style="dim")
    parts = SpinnerColumn(), text, BarColumn(bar_width=24), MofNCompleteColumn(), TimeLeft()

    class Bar:
        def begin(self, what: str) -> None:
            nonlocal estimate
            estimate = Estimate()
            bar.reset(task, description=what, total=None)

        def __call__(self, done: int, total: int) -> None:
            estimate.update(done, total)
            bar.update(task, completed=done, total=total)

    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield Bar()


@contextmanager
def resumed_by_calling_again(*, cached: bool) -> Iterator[None]:
    """Where an interrupt ends the block, say what is kept.

    :param cached: whether rewards are.
    """
    try:
        yield
    except KeyboardInterrupt:
        kept = "; what was scored is kept, the same command goes on from there" if cached else ""
        click.echo(f"themis: interrupted{kept}", err=True)
        raise


def each_step(shown: Shown, total: int) -> Callable[[], None]:
    """What to call before each of so many steps."""
    done = itertools.count()
    return lambda: shown(next(done), total)


class Watched:
    """A scorer whose work is shown, each time that it is asked."""

    def __init__(self, scorer: Scorer, shown: Shown, first: str, then: str) -> None:
        """first, then: what its first answers are for, and what all later ones are for."""
        self._scorer = scorer
        self._shown = shown
        self._what = first
        self._then = then

    @property
    def bundle(self) -> Model:
        """The scorer's."""
        return self._scorer.bundle

    @property
    def statistics(self) -> Meter:
        """The scorer's."""
        return self._scorer.statistics

    def rewards(
        self, codes: Sequence[str], *, intent: str = "", progress: Progress | None = None
    ) -> Sequence[Mapping[str, float] | None]:
        """The scorer's. `progress` is told as well."""
        if not codes:
            return []
        self._shown.begin(self._what)
        self._what = self._then

        def tell(done: int, total: int) -> None:
            self._shown(done, total)
            if progress is not None:
                progress(done, total)

        return self._scorer.rewards(codes, intent=intent, progress=tell)
