"""The scorer of test sessions, loaded in the worker process. The environment says how it behaves.

FAKE_SECONDS: what a code takes. FAKE_MEGABYTES: what the model takes of memory. FAKE_LOG: a file
that gets a line for each code scored. A code with `crash_worker` in it ends the process, as a bug
in native code would.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from fake_scorer import WORDS, FakeScorer

from review_core.calibration import Calibration
from review_core.config import Settings
from review_core.errors import BundleError


class SessionScorer(FakeScorer):
    """Asks before every code whether it is still wanted, as the engine asks before every run."""

    def __init__(self, **manifest: Any) -> None:
        super().__init__(**manifest)
        self.weights = os.urandom(2**20) * int(os.environ.get("FAKE_MEGABYTES", "0"))

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Mapping[str, float] | None]:
        answers: list[Any] = []
        for code in codes:
            if cancelled is not None and cancelled():
                raise CancelledError
            if "crash_worker" in code:
                os._exit(139)
            time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
            if log := os.environ.get("FAKE_LOG"):
                with Path(log).open("a", encoding="utf-8") as file:
                    file.write(code.split("\n")[0] + "\n")
            answers += super().rewards([code])
        return answers


def load_scorer(settings: Settings) -> tuple[SessionScorer, Calibration]:
    """Temperature 1; worse from P .9 on, better too. One marker: sigmoid(3) = .953."""
    if settings.model is not None:
        raise BundleError(f"no model bundle at {settings.model}; name one that is there")
    each = {"temperature": 1.0, "worse_at": 0.1, "better_at": 0.9, "isotonic": None}
    calibration = Calibration.from_json({"format": 1, "criteria": dict.fromkeys(WORDS, each)})
    return SessionScorer(max_tokens=100_000), calibration
