"""What `evaluate` and `calibrate` can be told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.settings import setting


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """How a model is run. What of it changes a number beyond rounding: dtype."""

    threads: int = 0
    cache: bool = True
    dtype: Literal["float32", "bfloat16"] = "float32"
    device: str = "auto"
    batch_tokens: int = 8192


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """Settings of `evaluate`."""

    compare: tuple[Path, ...] = setting(
        (), "Bundles or checkpoints to stand beside MODEL, each with its paired difference."
    )
    likelihood: Path | None = setting(
        None,
        "A causal language model's folder, the untrained base: its log-likelihood a token is a "
        "baseline.",
    )
    calibration: Path | None = setting(
        None, "A calibration.json to read MODEL with, in place of its own."
    )
    threads: int = setting(0, "Threads of a bundle's engine. 0: one a core that it may use.")
    cache: bool = setting(True, "Remember a bundle's rewards in the user's cache.")
    dtype: Literal["float32", "bfloat16"] = setting(
        "float32", "Precision of checkpoints and of the likelihood."
    )
    device: str = setting("auto", "Where torch runs: auto, cpu, cuda ...")
    batch_tokens: int = setting(8192, "Most tokens, with padding, that torch reads at once.")
    likelihood_pairs: int | None = setting(
        None, "Measure the likelihood on a random sample of so many pairs.  [default: all]"
    )
    likelihood_tokens: int = setting(4096, "Most tokens of a code whose likelihood is measured.")

    @property
    def scoring(self) -> ScoringSettings:
        """The part that says how models are run."""
        return ScoringSettings(self.threads, self.cache, self.dtype, self.device, self.batch_tokens)
