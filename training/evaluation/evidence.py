"""What calibration is judged by: per criterion the margins of its pairs, of neutral edits and of
commits made for something else, with the repositories they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.criteria import CRITERIA
from training.evaluation.curves import Margins
from training.evaluation.margins import ScoredPair
from training.evaluation.tables import source_kind

Groups = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Sample:
    """Margins and the group of each; shapes (n,)."""

    margins: Margins
    groups: Groups

    def where(self, kept: Callable[[Groups], NDArray[np.bool_]]) -> Sample:
        """The part whose groups are kept."""
        mask = kept(self.groups)
        return Sample(self.margins[mask], self.groups[mask])


@dataclass(frozen=True, slots=True)
class Evidence:
    """One criterion's.

    asked: pairs of its aspect, better side first. weights: of each, so that over all the evidence
    those whose better side is longer and those whose is shorter weigh the same. neutral: edits that
    change nothing. unrelated: commits made for the sake of another family's criterion, head first:
    most of what a review sees.
    """

    asked: Sample
    weights: Margins
    neutral: Sample
    unrelated: Sample

    def where(self, kept: Callable[[Groups], NDArray[np.bool_]]) -> Evidence:
        """The part whose groups are kept."""
        return Evidence(
            self.asked.where(kept),
            self.weights[kept(self.asked.groups)],
            self.neutral.where(kept),
            self.unrelated.where(kept),
        )


def gather(pairs: Sequence[ScoredPair], criteria: Sequence[str]) -> dict[str, Evidence]:
    """The evidence on each criterion.

    Edits of comments or layout alone are no evidence: a review never judges those.
    """
    scored = [pair for pair in pairs if pair.margins is not None]
    found = {}
    for key in criteria:
        asked = [p for p in scored if not p.tie and key in (p.aspect, p.fine_aspect)]
        found[key] = Evidence(
            _sample(asked, key),
            _direction_weights(asked),
            _sample([pair for pair in scored if pair.tie and pair.judged], key),
            _sample([pair for pair in scored if _is_unrelated(pair, key)], key),
        )
    return found


def family(criterion: str) -> str:
    """The criterion whose refinement this is, or itself."""
    return CRITERIA.get(criterion) or criterion


def group_folds(samples: Sequence[Groups], count: int) -> dict[str, int]:
    """Which of `count` folds each group falls into: the larger first, into the fold with the fewest
    pairs so far, so that every fold holds about as many.
    """
    names, sizes = np.unique(
        np.concatenate([*samples, np.array([], dtype=np.str_)]), return_counts=True
    )
    filled = [0] * count
    found: dict[str, int] = {}
    for size, name in sorted(zip((-sizes).tolist(), names.tolist(), strict=True)):
        fold = filled.index(min(filled))
        found[name] = fold
        filled[fold] -= size
    return found


def in_fold(folds: Mapping[str, int], fold: int) -> Callable[[Groups], NDArray[np.bool_]]:
    """Picks the pairs whose groups fall into `fold`."""
    return lambda groups: np.array([folds.get(g) == fold for g in groups.tolist()], dtype=bool)


def outside(folds: Mapping[str, int], fold: int) -> Callable[[Groups], NDArray[np.bool_]]:
    """Picks all other pairs."""
    inside = in_fold(folds, fold)
    return lambda groups: ~inside(groups)


def _is_unrelated(pair: ScoredPair, key: str) -> bool:
    asked = (pair.aspect, pair.fine_aspect)
    other = family(key) != family(pair.aspect) and key not in asked
    return not pair.tie and source_kind(pair) == "commits" and other


def _direction_weights(pairs: Sequence[ScoredPair]) -> Margins:
    """1 on average; pairs without a longer side count as they are."""
    counts = {way: max(1, sum(p.longer is way for p in pairs)) for way in (True, False)}
    mean = sum(counts.values()) / 2
    return np.array([1.0 if p.longer is None else mean / counts[p.longer] for p in pairs])


def _sample(pairs: Sequence[ScoredPair], key: str) -> Sample:
    return Sample(
        np.array([(pair.margins or {})[key] for pair in pairs], dtype=float),
        np.array([pair.group for pair in pairs], dtype=np.str_),
    )
