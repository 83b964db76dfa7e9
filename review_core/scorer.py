"""Rewards for code, by criterion: renders, asks the cache, runs the engine. Knows nothing of
changes, axes or verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from review_core.bundle import Bundle
from review_core.cache import RewardCache, cache_key
from review_core.engine import Engine
from review_core.errors import BundleError
from review_core.layout import Slot, TokenSequence, normalise

_CHUNK = 128
"""Sequences computed, remembered and reported together: enough to share prefixes, few enough to
show progress.
"""


@dataclass(frozen=True, slots=True)
class ScoringStatistics:
    """What a scorer did since it was made. sequences: distinct ones, per call; tokens: what they
    hold together.
    """

    sequences: int = 0
    cache_hits: int = 0
    tokens: int = 0
    tokens_computed: int = 0


class Scorer:
    """Scores code with a bundle. Not for several threads at once."""

    def __init__(self, bundle: Bundle, engine: Engine, cache: RewardCache | None = None) -> None:
        self.bundle = bundle
        self._engine = engine
        self._cache = cache
        self._statistics = ScoringStatistics()

    @property
    def statistics(self) -> ScoringStatistics:
        """What was done so far."""
        return self._statistics

    @property
    def criteria(self) -> tuple[str, ...]:
        """The criterion keys it answers, in the manifest's order."""
        return tuple(self.bundle.manifest.criteria)

    @property
    def reads_intent(self) -> bool:
        """Whether the intent makes a difference."""
        return Slot.INTENT in self.bundle.layout.segments

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Mapping[str, float] | None]:
        """For each code its reward by criterion, or None where it is longer than the model reads.

        :param progress: called with (done, all) sequences, as they are done.
        :param cancelled: asked between runs of the model; what was computed until then stays in the
            cache.
        :raises concurrent.futures.CancelledError: once `cancelled` says so.
        """
        questions = {code: self._questions(code, intent) for code in dict.fromkeys(codes)}
        answerable = [asked for asked in questions.values() if asked is not None]
        wanted = {sequence for asked in answerable for sequence in asked.values()}
        heads = self._heads(sorted(wanted, key=lambda each: each.ids), progress, cancelled)
        return [self._answer(questions[code], heads) for code in codes]

    def verify(self) -> None:
        """Score the probe recorded at export, past the cache.

        :raises BundleError: if a reward differs by more than the bundle allows.
        """
        probe = self._engine.variant.probe or self.bundle.manifest.probe
        rewards = Scorer(self.bundle, self._engine).rewards([probe.code])[0]
        if rewards is None:
            raise BundleError(
                f"{self.bundle.path} has a probe longer than it reads; export the bundle again"
            )
        for criterion, expected in probe.rewards.items():
            if not abs(rewards[criterion] - expected) <= probe.tolerance:  # a NaN is wrong too
                raise BundleError(
                    f"{self.bundle.path} scores its probe {rewards[criterion]:.6f} on {criterion}, "
                    f"where the export scored {expected:.6f}; reinstall onnxruntime, "
                    "or export the bundle again"
                )

    def _questions(self, code: str, intent: str) -> Mapping[str, TokenSequence] | None:
        """The sequence that answers each criterion, or None if one is too long."""
        manifest, layout = self.bundle.manifest, self.bundle.layout
        text = normalise(code)
        asked = {}
        by_prompt: dict[str, TokenSequence] = {}  # criteria by head share one
        for key, criterion in manifest.criteria.items():
            prompt = criterion.prompt or ""
            if prompt not in by_prompt:
                by_prompt[prompt] = layout.render(
                    self.bundle.tokenizer, text, criterion=prompt, intent=intent
                )
            asked[key] = by_prompt[prompt]
        if any(len(sequence.ids) > manifest.max_tokens for sequence in by_prompt.values()):
            return None
        return asked

    def _heads(
        self,
        sequences: Sequence[TokenSequence],
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> Mapping[TokenSequence, NDArray[np.float32]]:
        """All heads' rewards of each distinct sequence; `sequences` are sorted, so that neighbours
        share prefixes.
        """
        keys = {sequence: cache_key(self.bundle.scoring_sha256, sequence) for sequence in sequences}
        known = self._cache.get_many(list(keys.values())) if self._cache is not None else {}
        heads = {sequence: known[key] for sequence, key in keys.items() if key in known}
        self._count(
            sequences=len(sequences),
            cache_hits=len(heads),
            tokens=sum(len(sequence.ids) for sequence in sequences),
        )
        missing = [sequence for sequence in sequences if sequence not in heads]
        for start in range(0, len(missing), _CHUNK):
            if progress is not None:
                progress(len(heads), len(sequences))
            chunk = missing[start : start + _CHUNK]
            before = self._engine.tokens_computed
            try:
                computed = self._engine.rewards(chunk, cancelled=cancelled)
            finally:
                self._count(tokens_computed=self._engine.tokens_computed - before)
            heads |= zip(chunk, computed, strict=True)
            if self._cache is not None:
                self._cache.put_many({keys[sequence]: heads[sequence] for sequence in chunk})
        if progress is not None:
            progress(len(heads), len(sequences))
        return heads

    def _answer(
        self,
        asked: Mapping[str, TokenSequence] | None,
        heads: Mapping[TokenSequence, NDArray[np.float32]],
    ) -> Mapping[str, float] | None:
        if asked is None:
            return None
        criteria = self.bundle.manifest.criteria
        return {key: float(heads[sequence][criteria[key].head]) for key, sequence in asked.items()}

    def _count(self, **more: int) -> None:
        now = self._statistics
        self._statistics = replace(
            now, **{name: getattr(now, name) + count for name, count in more.items()}
        )
