"""How far a long review is: bars and lines on stderr, the time that is left, and an interrupt."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_scorer import FakeScorer
from git_repository import GitRepository

from review_cli.progress import Estimate, Lines, Watched, time_left


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_is_what_the_rest_takes_at_the_speed_so_far() -> None:
    """20 of 100 in 10 s, so the other 80 take 40 s; after 5 s without news it takes longer."""
    clock = Clock()
    estimate = Estimate(clock)
    estimate.update(0, 100)
    clock.now += 10
    estimate.update(20, 100)
    assert estimate.seconds_left() == pytest.approx(40)
    clock.now += 5
    assert estimate.seconds_left() == pytest.approx(60)


def test_what_the_cache_had_does_not_count_as_speed() -> None:
    """900 of 1,000 were there; 10 took 10 s, so 90 take 90 s. With the 900 it would be 1 s."""
    clock = Clock()
    estimate = Estimate(clock)
    estimate.update(900, 1000)
    clock.now += 10
    estimate.update(910, 1000)
    assert estimate.seconds_left() == pytest.approx(90)


def test_only_the_last_minutes_count() -> None:
    """One a second for ten minutes, then one in ten seconds: the last two minutes alone tell."""
    clock = Clock()
    estimate = Estimate(clock)
    done = 0
    for step in [1.0] * 600 + [10.0] * 13:
        estimate.update(done, 1000)
        clock.now += step
        done += 1
    estimate.update(done, 1000)
    assert estimate.seconds_left() == pytest.approx(10 * (1000 - done), rel=0.02)


def test_nothing_is_foretold_in_the_first_seconds() -> None:
    clock = Clock()
    estimate = Estimate(clock)
    assert estimate.seconds_left() is None
    estimate.update(0, 100)
    clock.now += 3.9
    estimate.update(50, 100)
    assert estimate.seconds_left() is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.4, "about 5 s left"),
        (33, "about 35 s left"),
        (54, "about 55 s left"),
        (56, "about 1 min left"),
        (1000, "about 17 min left"),
        (6000, "about 1.7 h left"),
    ],
)
def test_the_time_left_is_told_no_more_exactly_than_it_is_known(
    seconds: float | None, words: str
) -> None:
    assert time_left(seconds) == words


def test_a_log_gets_a_line_after_half_a_minute_and_then_one_a_minute() -> None:
    clock, out = Clock(), io.StringIO()
    lines = Lines("reading functions", out, clock)
    lines.begin("scoring functions")
    for done in range(0, 1200, 10):  # a second each
        lines(done, 6000)
        clock.now += 1
    assert out.getvalue().splitlines() == [
        "themis: scoring functions: 300 of 6,000, about 10 min left",
        "themis: scoring functions: 900 of 6,000, about 8 min left",
    ]


def test_a_short_command_leaves_no_line_in_a_log() -> None:
    clock, out = Clock(), io.StringIO()
    lines = Lines("scoring functions", out, clock)
    for done in range(29):
        lines(done, 28)
        clock.now += 1
    assert out.getvalue() == ""


class Watching:
    def __init__(self) -> None:
        self.told: list[Any] = []

    def begin(self, what: str) -> None:
        self.told.append(what)

    def __call__(self, done: int, total: int) -> None:
        self.told.append((done, total))


def test_each_time_that_the_model_is_asked_is_told_apart() -> None:
    shown, scorer = Watching(), FakeScorer()
    watched = Watched(scorer, shown, "first", "then")
    told: list[tuple[int, int]] = []
    answers: Sequence[Mapping[str, float] | None] = watched.rewards(
        ["a", "b"], progress=lambda done, total: told.append((done, total))
    )
    watched.rewards([])  # nothing is asked, nothing is told
    watched.rewards(["c"])
    assert answers == scorer.rewards(["a", "b"])
    assert shown.told == ["first", (2, 2), "then", (1, 1)]
    assert told == [(2, 2)]
    assert watched.bundle is scorer.bundle


# --- a real process, a real terminal, a real interrupt --------------------------------------------

FUNCTION = """
def part{0}(rows, limit):
    chosen = []
    for index, row in enumerate(rows):
        if row.price > limit + {0}:
            chosen.append((index, row.name, row.price * {0}))
    if not chosen:
        raise ValueError("no row of part {0}")
    return sorted(chosen, key=lambda each: each[2])[: {1}]
"""
COUNT = 10


def code(edit: int) -> str:
    return "\n".join(FUNCTION.format(at, at + edit) for at in range(COUNT))


def seen_on_terminal(
    command: Sequence[str],
    environment: Mapping[str, str],
    until: Callable[[str], bool],
    seconds: float = 120.0,
) -> tuple[int, str, float]:
    """Run a command whose stderr is a terminal, and interrupt it once `until` likes what it shows.

    :return: exit code, all that was shown, and seconds from the interrupt to the end.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        # Who runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    shown, interrupted, limit = "", 0.0, time.monotonic() + seconds
    try:
        while time.monotonic() < limit:
            if not select.select([ours], [], [], 0.05)[0]:
                continue
            try:
                shown += os.read(ours, 1 << 16).decode()
            except OSError:  # the other side was closed: it ended
                break
            if not interrupted and until(shown):
                interrupted = time.monotonic()
                process.send_signal(signal.SIGINT)
        code = process.wait(timeout=10)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return code, shown, time.monotonic() - interrupted


@pytest.mark.bundle
def test_an_interrupted_review_ends_at_once_and_the_next_one_goes_on_from_there(
    repository: GitRepository, tmp_path: Path
) -> None:
    """The model that ships, in a real terminal: interrupted at half, and called again."""
    repository.commit("base", rows=code(3))
    repository.write("rows.py", code(4))
    clean = {name: each for name, each in os.environ.items() if "THEMIS" not in name}
    environment = {**clean, "XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "120"}
    command = [
        *(sys.executable, "-m", "review_cli", "review", "-C", str(repository.path)),
        *("--threads", "1", "--format", "json"),
    ]
    total = 2 * COUNT

    def done(shown: str) -> int:
        return max((int(each) for each in re.findall(rf"(\d+)/{total}\b", shown)), default=0)

    status, shown, seconds = seen_on_terminal(
        command, environment, lambda text: done(text) >= total // 4
    )
    assert status == 130
    assert "scoring functions" in shown
    assert "interrupted; what was scored is kept" in shown
    assert "Traceback" not in shown
    assert seconds < 15  # 1 s on a quiet machine, but tests run side by side

    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode in (0, 1), again.stderr
    # A machine that needs more than half a minute is told how far it is.
    assert all(line.startswith("themis: ") for line in again.stderr.splitlines())
    statistics = json.loads(again.stdout)["stats"]
    assert total // 4 <= statistics["cache_hits"] < statistics["sequences"]
