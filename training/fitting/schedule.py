"""The learning rate of each step."""

from __future__ import annotations

import math

from training.fitting.settings import FitSettings


def warm_steps(steps: int, settings: FitSettings) -> int:
    """How long the rate rises: one step at least."""
    return max(1, round(settings.warm_up * steps))


def learning_rate(step: int, steps: int, settings: FitSettings) -> float:
    """The rate of a step, counted from 0: up to the highest in the warm-up, then to the final one.

    Cosine: down along half a wave, to the end. wsd (warm-up, stable, decay): level, then straight
    down over the last `decay` of the steps.
    """
    warm = warm_steps(steps, settings)
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    if settings.schedule == "cosine":
        share = 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
    else:
        falling = max(1, min(round(settings.decay * steps), steps - warm))
        share = min(1.0, (steps - step) / falling)
    low = settings.final_learning_rate
    return low + (settings.learning_rate - low) * share
