"""A scorer that counts words, for tests in any process: it imports no test framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from review_core.types import Axis, BundleIdentity

IDENTITY = BundleIdentity("fake", "ab" * 32)
AXES: dict[Axis, tuple[str, ...]] = {
    Axis.CORRECTNESS: ("Functional_Correctness",),
    Axis.EFFICIENCY: ("Runtime_Efficiency", "Memory_Efficiency"),
    Axis.READABILITY: ("Readability",),
    Axis.SECURITY: ("Security_Hardness",),
    Axis.MAINTAINABILITY: ("Maintainability",),
}
WORDS = {
    "Functional_Correctness": "correct",
    "Runtime_Efficiency": "fast",
    "Memory_Efficiency": "small",
    "Readability": "clear",
    "Security_Hardness": "safe",
    "Maintainability": "tidy",
}


@dataclass(frozen=True)
class FakeManifest:
    axes: Mapping[Axis, tuple[str, ...]] = field(default_factory=lambda: AXES)
    languages: tuple[str, ...] = ("Python", "Go", "JavaScript")
    max_tokens: int = 2000


@dataclass(frozen=True)
class FakeBundle:
    manifest: FakeManifest = field(default_factory=FakeManifest)
    identity: BundleIdentity = IDENTITY


@dataclass(frozen=True)
class FakeMeter:
    sequences: int = 0
    cache_hits: int = 0
    tokens: int = 0
    tokens_computed: int = 0


class FakeScorer:
    """Likes `very_safe` and dislikes `not_safe`, three logits a piece; a token is a character."""

    def __init__(self, **manifest: Any) -> None:
        self.bundle = FakeBundle(replace(FakeManifest(), **manifest))
        self.statistics = FakeMeter()
        self.calls: list[tuple[str, ...]] = []
        self.intents: list[str] = []

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Mapping[str, float] | None]:
        self.calls.append(tuple(codes))
        self.intents.append(intent)
        if progress is not None:
            progress(len(codes), len(codes))
        length = sum(map(len, codes))
        self.statistics = replace(
            self.statistics,
            sequences=self.statistics.sequences + len(codes),
            tokens=self.statistics.tokens + length,
            tokens_computed=self.statistics.tokens_computed + length,
        )
        return [self._reward(code) for code in codes]

    def _reward(self, code: str) -> Mapping[str, float] | None:
        if len(code) > self.bundle.manifest.max_tokens:
            return None
        return {
            key: 3.0 * (code.count(f"very_{word}") - code.count(f"not_{word}"))
            for key, word in WORDS.items()
        }
