"""When to try again, and when to give up: pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How patient we are.

    first_seconds: the pause after the first failure; each further one doubles it, up to
    longest_seconds. attempts: failures after which a job is given up; with these defaults 21 hours
    later, as long as a bad day of GitHub's. crashes: how many workers in a row may die with a job
    in hand before it is taken for the cause.
    """

    first_seconds: float = 10.0
    longest_seconds: float = 7200.0
    attempts: int = 20
    crashes: int = 10

    def pause(self, failures: int, chance: Callable[[], float]) -> float | None:
        """Seconds to wait after so many failures; None: give up.

        :param chance: in [0, 1): spreads what failed together by up to a half.
        """
        if failures >= self.attempts:
            return None
        doubled: float = self.first_seconds * 2 ** min(failures - 1, 30)
        return min(doubled, self.longest_seconds) * (1.0 + chance() / 2)
