"""Early warning: stops a run that cannot end well, and says what to change."""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass
from typing import Any

from review_core.errors import ThemisError
from training.fitting.settings import FitSettings

log = logging.getLogger(__name__)
_MEMORY = 0.9
_GROWTH = 4.0
"""Warn when the mean |reward| has grown so many times over what it was after the warm-up."""


class TrainingStoppedError(ThemisError):
    """The run was going nowhere; the message names the remedy. What was saved last is kept."""


@dataclass(slots=True)
class Watch:
    """Running means over steps: of |reward|, of the margins and of their squares.

    first: the mean |reward| at the end of the warm-up. drifting, collapsed: steps in a row. Its
    fields are saved with a run, so that one that goes on is warned of the same.
    """

    weight: float = 0.0
    reward: float = 0.0
    margin: float = 0.0
    square: float = 0.0
    first: float = 0.0
    drifting: int = 0
    collapsed: int = 0
    warned: bool = False

    def state(self) -> dict[str, Any]:
        """What to save."""
        return asdict(self)

    @property
    def spread(self) -> float:
        """Standard deviation of the margins over the last steps, in logits."""
        if not self.weight:
            return 0.0
        mean = self.margin / self.weight
        return math.sqrt(max(0.0, self.square / self.weight - mean * mean))

    @property
    def mean_reward(self) -> float:
        """Mean |reward| over the last steps, in logits."""
        return self.reward / self.weight if self.weight else 0.0

    def observe(
        self,
        step: int,
        warm: int,
        settings: FitSettings,
        reward: float,
        margin: float,
        square: float,
    ) -> None:
        """Take in a step: means of |reward|, margin and margin^2; `warm` steps are the warm-up.

        :raises TrainingStoppedError: when something has been wrong for longer than the patience.
        """
        for name, value in (
            ("weight", 1.0),
            ("reward", reward),
            ("margin", margin),
            ("square", square),
        ):
            setattr(self, name, _MEMORY * getattr(self, name) + (1 - _MEMORY) * value)
        if step < warm:
            return
        self.first = self.first or self.mean_reward
        if not self.warned and self.first and self.mean_reward > max(1.0, _GROWTH * self.first):
            self.warned = True
            log.warning(
                "fit: step %d: rewards drift, mean |reward| %.1f against %.1f after the warm-up; a "
                "larger --centring-weight holds them",
                *(step, self.mean_reward, self.first),
            )
        self.drifting = self.drifting + 1 if self.mean_reward > settings.max_reward else 0
        self.collapsed = self.collapsed + 1 if self.spread < settings.min_spread else 0
        if self.drifting > settings.patience:
            raise TrainingStoppedError(
                f"stopped at step {step}: mean |reward| is {self.mean_reward:.0f}, above "
                f"max_reward for {self.drifting} steps; raise --centring-weight or lower "
                "--learning-rate, and start again in another folder"
            )
        if self.collapsed > settings.patience:
            raise TrainingStoppedError(
                f"stopped at step {step}: all margins are alike (spread {self.spread:.1e} for "
                f"{self.collapsed} steps), the model tells nothing apart; raise --learning-rate, "
                "or look whether chosen and rejected differ where the model reads"
            )


def check_finite(step: int, loss: float, norm: float) -> None:
    """:raises TrainingStoppedError: if the loss or the length of the gradient is no number."""
    if math.isfinite(loss) and math.isfinite(norm):
        return
    what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient's length is {norm}"
    raise TrainingStoppedError(
        f"stopped at step {step}: {what}; lower --learning-rate, lengthen --warm-up, or use "
        "--precision mixed or float32, and run again: it goes on from the last save"
    )
