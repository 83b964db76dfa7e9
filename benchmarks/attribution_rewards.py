"""Rewards of a case's texts, and the share of the margin that each of its parts has by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.attribution_cases import Case
from review_core.bundle import Bundle
from review_core.calibration import Calibration
from review_core.causes import TELLING
from review_core.diff import lines_of
from review_core.engine import Engine
from review_core.layout import TokenSequence, normalise
from review_core.prefixes import Node, prefix_tree


class TokenEngine(Engine):
    """An engine that remembers the reward at every token of what it has read."""

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        super().__init__(bundle, threads=threads)
        self.tokens: dict[tuple[int, ...], NDArray[np.float32]] = {}

    def _pool(self, node: Node, code: tuple[int, int]) -> NDArray[np.float32]:
        read = [above.rewards for above in node.path if above.rewards is not None]
        assert node.sequence is not None
        self.tokens[node.sequence] = np.concatenate(read)
        return super()._pool(node, code)


@dataclass(frozen=True, slots=True)
class Reader:
    """A bundle, and an engine that reads with it."""

    bundle: Bundle
    calibration: Calibration
    engine: TokenEngine

    def rows(self, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """What is measured of each case; read together, so that beginnings are shared."""
        texts = {
            normalise(text)
            for case in cases
            for text in (case.base, case.head, case.harmless, *_texts(case))
            if text is not None
        }
        sequences = {text: self._sequence(text) for text in texts}
        limit = self.bundle.manifest.max_tokens
        sequences = {text: each for text, each in sequences.items() if len(each.ids) <= limit}
        self.engine.tokens.clear()
        found = self.engine.rewards(list(sequences.values()))
        pooled = dict(zip(sequences, found, strict=True))
        return [self._row(case, pooled) for case in cases]

    def _row(self, case: Case, pooled: Mapping[str, NDArray[np.float32]]) -> dict[str, Any]:
        head_of = self.bundle.manifest.criteria[case.criterion].head
        base = float(pooled[case.base][head_of])

        def margin(text: str) -> float:
            return float(pooled[normalise(text)][head_of]) - base

        def preference(margin: float) -> float:
            return self.calibration.preference(case.criterion, margin, case.language)

        found = margin(case.head)
        shares = self._shares(case, head_of)
        return {
            "kind": case.kind,
            "group": case.group,
            "criterion": case.criterion,
            "language": case.language,
            "margin": found,
            "preference": preference(found),
            "seen": margin(case.harmless) - found,
            "guilty": case.guilty,
            "lines": case.lines,
            "tokens": self._tokens(case),
            "parts": [
                {
                    "lines": [part.lines.start, part.lines.end],
                    "changed": sum(each.head_count + each.base_count for each in part.hunks),
                    "without": margin(part.without),
                    "telling": preference(margin(part.without)) - preference(found) >= TELLING,
                    "alone": None if part.alone is None else margin(part.alone),
                    "share": share,
                }
                for part, share in zip(case.parts, shares, strict=True)
            ],
        }

    def _shares(self, case: Case, head_of: int) -> list[float]:
        """Of each part, what its own tokens add to the margin over as many of base's mean reward.

        Over all tokens of both sides these sums are the margin exactly.
        """
        theirs, ours = self._by_line(case.base, head_of), self._by_line(case.head, head_of)
        middle = sum(sum(each) for each in theirs) / max(sum(map(len, theirs)), 1)

        def share(lines: Sequence[list[float]], start: int, count: int) -> float:
            inside = [reward for line in lines[start - 1 : start - 1 + count] for reward in line]
            return sum(reward - middle for reward in inside) / max(sum(map(len, lines)), 1)

        return [
            sum(
                share(ours, each.head_start, each.head_count)
                - share(theirs, each.base_start, each.base_count)
                for each in part.hunks
            )
            for part in case.parts
        ]

    def _tokens(self, case: Case) -> dict[str, int]:
        """Tokens to compute, by what is read; of each what the ones before it did not compute."""
        texts = [case.base, case.head]
        sizes = [self._distinct(texts)]
        for more in ([part.without for part in case.parts], [part.alone for part in case.parts]):
            texts += [normalise(text) for text in more if text is not None]
            sizes.append(self._distinct(texts))
        read, without, both = sizes
        return {"read": read, "without": without - read, "alone": both - without}

    def _distinct(self, texts: Sequence[str]) -> int:
        root = prefix_tree({self._sequence(text).ids for text in texts}, 1 << 20)
        waiting, count = list(root.children), 0
        while waiting:
            node = waiting.pop()
            count += len(node.ids)
            waiting += node.children
        return count

    def _by_line(self, text: str, head_of: int) -> list[list[float]]:
        """The rewards of the tokens of each line; a token belongs where its first letter stands."""
        sequence = self._sequence(text)
        start, end = sequence.code
        rewards = self.engine.tokens[sequence.ids][start:end, head_of]
        offsets = self.bundle.tokenizer.encode(text, add_special_tokens=False).offsets
        lines: list[list[float]] = [[] for _ in range(len(lines_of(text)) + 1)]
        for (first, last), reward in zip(offsets, rewards, strict=True):
            word = text[first:last]
            blank = len(word) - len(word.lstrip())
            at = first + (blank if blank < len(word) else 0)
            lines[text.count("\n", 0, at)].append(float(reward))
        return lines

    def _sequence(self, text: str) -> TokenSequence:
        return self.bundle.layout.render(self.bundle.tokenizer, text)


def _texts(case: Case) -> list[str | None]:
    return [text for part in case.parts for text in (part.without, part.alone)]
