"""Rewards for code, by criterion: renders, asks the cache, runs the engine. Knows nothing of
changes, axes or verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from review_core.bundle import Bundle
from review_core.cache import RewardCache, cache_key
from review_core.engine import Engine
from review_core.errors import BundleError
from review_core.layout import Slot, TokenSequence, normalise

_Item = TypeVar("_Item")

_CHUNK = 128
"""Sequences computed and remembered together: enough to share prefixes."""

_WINDOW = 128
"""Codes whose tokens are held at a time: those of ten thousand functions would take 300 MB."""


@dataclass(frozen=True, slots=True)
class ScoringStatistics:
    """What a scorer did since it was made. sequences: distinct ones, per call; tokens: what they
    hold together.
    """

    sequences: int = 0
    cache_hits: int = 0
    tokens: int = 0
    tokens_computed: int = 0


@dataclass(slots=True)
class _Rest:
    """What the cache does not answer. waiting: keys of sequences that are not computed yet.

    found: rewards of the codes' other sequences, by key. total: sequences that were asked for.
    """

    codes: list[str] = field(default_factory=list)
    found: dict[bytes, NDArray[np.float32]] = field(default_factory=dict)
    waiting: set[bytes] = field(default_factory=set)
    total: int = 0


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
    def scoring_sha256(self) -> str:
        """What its rewards are remembered by: those of equal hash are equal."""
        return self.bundle.scoring_sha256(self._engine.variant)

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

        :param progress: called with (done, all) sequences: with those that the cache has, and then
            for each that is done.
        :param cancelled: asked between runs of the model.
        :raises concurrent.futures.CancelledError: once `cancelled` says so. What was computed until
            then stays in the cache; so it does where an interrupt ends it.
        """
        texts = list(map(normalise, codes))
        known, rest = self._remembered(dict.fromkeys(texts), intent)

        def tell() -> None:
            if progress is not None:
                progress(rest.total - len(rest.waiting), rest.total)

        tell()
        # Neighbours share prefixes. In the order of their tokens they would, too, but those are not
        # held.
        rest.codes.sort()
        for part in _batches(rest.codes, _WINDOW):
            asked = {code: self._questions(code, intent) for code in part}
            heads = self._heads(asked.values(), rest, tell, cancelled)
            known |= {code: self._answer(each, heads) for code, each in asked.items()}
        return [known[text] for text in texts]

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

    def _questions(self, text: str, intent: str) -> Mapping[str, TokenSequence] | None:
        """The sequence that answers each criterion, or None if one is too long."""
        manifest, layout = self.bundle.manifest, self.bundle.layout
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

    def _remembered(
        self, codes: Iterable[str], intent: str
    ) -> tuple[dict[str, Mapping[str, float] | None], _Rest]:
        """The answers that need no model, and what is left to do."""
        known: dict[str, Mapping[str, float] | None] = {}
        rest = _Rest()
        seen: set[bytes] = set()
        tokens = 0
        for part in _batches(codes, _WINDOW):
            asked = {code: self._questions(code, intent) for code in part}
            keys = self._keys(asked.values())
            found = self._cache.get_many(list(keys.values())) if self._cache is not None else {}
            tokens += sum(len(each.ids) for each, key in keys.items() if key not in seen)
            seen.update(keys.values())
            heads = {each: found[key] for each, key in keys.items() if key in found}
            for code, each in asked.items():
                if each is None or all(sequence in heads for sequence in each.values()):
                    known[code] = self._answer(each, heads)
                    continue
                own = {keys[sequence] for sequence in each.values()}
                rest.codes.append(code)
                rest.found |= {key: found[key] for key in own if key in found}
                rest.waiting |= own - found.keys()
        rest.total = len(seen)
        self._count(sequences=len(seen), cache_hits=len(seen) - len(rest.waiting), tokens=tokens)
        return known, rest

    def _keys(
        self, asked: Iterable[Mapping[str, TokenSequence] | None]
    ) -> dict[TokenSequence, bytes]:
        """What the cache calls each distinct sequence."""
        distinct = {sequence for each in asked if each is not None for sequence in each.values()}
        return {each: cache_key(self.scoring_sha256, each) for each in distinct}

    def _heads(
        self,
        asked: Iterable[Mapping[str, TokenSequence] | None],
        rest: _Rest,
        tell: Callable[[], None],
        cancelled: Callable[[], bool] | None,
    ) -> Mapping[TokenSequence, NDArray[np.float32]]:
        """All heads' rewards of each sequence."""
        keys = self._keys(asked)
        heads = {each: rest.found[key] for each, key in keys.items() if key in rest.found}
        missing = sorted((each for each in keys if each not in heads), key=lambda each: each.ids)
        for chunk in _batches(missing, _CHUNK):
            before = self._engine.tokens_computed
            computed: dict[bytes, NDArray[np.float32]] = {}
            try:
                for sequence, rewards in self._engine.each(chunk, cancelled=cancelled):
                    heads[sequence] = computed[keys[sequence]] = rewards
                    rest.waiting.discard(keys[sequence])
                    tell()
            finally:
                self._count(tokens_computed=self._engine.tokens_computed - before)
                if self._cache is not None and computed:
                    self._cache.put_many(computed)
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


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
