"""A judge that counts words, for tests in any process, and a first model that leans only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fake_scorer import WORDS, FakeScorer

from review_core.calibration import Calibration
from review_core.cascade import JudgeModel
from review_core.types import BundleIdentity

JUDGE = BundleIdentity("fake-judge", "cd" * 32)


class FakeJudge(FakeScorer):
    """Counts the words that the first counts. sign: -1 for one that likes what the first hates."""

    def __init__(self, *, sign: float = 1.0, **manifest: Any) -> None:
        super().__init__(**manifest)
        self.bundle = replace(self.bundle, identity=JUDGE)
        self._sign = sign

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Mapping[str, float] | None]:
        answers = super().rewards(codes, intent=intent, progress=progress, cancelled=cancelled)
        return [
            None if each is None else {key: self._sign * reward for key, reward in each.items()}
            for each in answers
        ]


def speaking(temperature: float = 1.0, *, mute: Sequence[str] = ()) -> Calibration:
    """Worse from P .9 on, better too, but never on `mute`. One marker is three logits: at
    temperature 1 sigmoid(3) = .953, a verdict; at 3 sigmoid(1) = .731, a lean; at 6 .622.
    """
    said = {"temperature": temperature, "worse_at": 0.1, "better_at": 0.9, "isotonic": None}
    silent = said | {"worse_at": None, "better_at": None}
    criteria = {key: silent if key in mute else said for key in WORDS}
    return Calibration.from_json({"format": 1, "criteria": criteria})


def judge_model(
    scorer: FakeScorer | None = None, calibration: Calibration | None = None
) -> JudgeModel[FakeScorer]:
    """A judge that is never unsure of a marker."""
    opened = scorer or FakeJudge()
    return JudgeModel(JUDGE, opened.bundle.manifest, calibration or speaking(), lambda: opened)
