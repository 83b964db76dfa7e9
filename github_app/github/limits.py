"""How long to wait for GitHub's sake: its two kinds of rate limits, and pauses between retries.

Numbers are GitHub's documented ones; https://docs.github.com/rest/using-the-rest-api has them.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from github_app.errors import UnavailableError

BETWEEN_WRITES = 1.0
"""Seconds."""

WRITES = ((80, 60.0), (500, 3600.0))
"""How many writes in how many seconds."""

_SECONDARY_WAIT = 60.0  # "wait for at least one minute", where GitHub names no time
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class Wait(StrEnum):
    """Why we waited; a label of the metric."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    WRITES = "writes"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Times:
    """Time, so that tests need none.

    clock: seconds since the epoch. sleep: may raise to break the waiting off. patience: seconds
    that one request may wait in all; a limit that lasts longer is the caller's to reschedule.
    waited: told of every wait, with its seconds.
    """

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    patience: float = 120.0
    waited: Callable[[Wait, float], None] = lambda reason, seconds: None


class Patience:
    """What one request may still wait."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._left = times.patience

    def wait(self, reason: Wait, seconds: float, error: UnavailableError | None = None) -> None:
        """Sleep, if that is not too long.

        :raises UnavailableError: at once, where it is; `error` if given. It names the seconds.
        """
        if seconds <= 0:
            return
        if seconds > self._left:
            raise error or UnavailableError(
                f"GitHub's limits ({reason}) ask to wait {seconds:.0f} s; try again then",
                retry_after=seconds,
            )
        self._left -= seconds
        self._times.waited(reason, seconds)
        self._times.sleep(seconds)


class Pace:
    """Keeps one installation within the secondary limits: writes one by one, with pauses.

    It counts this process's writes only; `shared_pace` counts those of all.
    """

    def __init__(self, times: Times) -> None:
        self._times = times
        self._writing = threading.RLock()
        self._written: deque[float] = deque(maxlen=max(count for count, _ in WRITES))
        self._held: tuple[float, Wait] = (0.0, Wait.PRIMARY)

    @contextmanager
    def turn(self, writes: bool) -> Iterator[None]:
        """Alone among writers; readers need not queue."""
        if not writes:
            yield
            return
        with self._writing:
            yield

    def wait(self, patience: Patience, writes: bool) -> None:
        """Until a request may be sent.

        :raises UnavailableError: where that is too long.
        """
        until, reason = self._held
        patience.wait(reason, until - self._times.clock())
        if writes:
            patience.wait(Wait.WRITES, self._until_write() - self._times.clock())
            self._written.append(self._times.clock())

    def hold(self, seconds: float, reason: Wait) -> None:
        """GitHub asked for a pause: nothing is sent for so long."""
        self._held = max(self._held, (self._times.clock() + seconds, reason))

    def _until_write(self) -> float:
        """The moment from which on one more write is allowed."""
        free = self._written[-1] + BETWEEN_WRITES if self._written else 0.0
        for count, seconds in WRITES:
            if len(self._written) >= count:
                free = max(free, self._written[-count] + seconds)
        return free


def pause(attempt: int, times: Times) -> float:
    """Seconds before the next try: doubling, and half of it by chance, so that many spread out."""
    longest: float = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
    return longest * (0.5 + 0.5 * times.random())


def asked_to_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that an answer's headers ask for; None if they do not."""
    after = headers.get("retry-after", "")
    if after.isdecimal():
        return float(after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(float(reset) - now, 0.0) + 1  # its clock counts whole seconds
    return _SECONDARY_WAIT if after else None


def limit_of(status: int, headers: Mapping[str, str], message: str, now: float) -> float | None:
    """Seconds to wait, where an answer says that we asked too often; else None."""
    if status not in (403, 429):
        return None
    wait = asked_to_wait(headers, now)
    if wait is None and (status == 429 or "secondary rate limit" in message.lower()):
        return _SECONDARY_WAIT
    return wait
