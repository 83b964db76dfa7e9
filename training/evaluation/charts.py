"""Reliability diagrams and accuracy-coverage curves of an evaluation, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from review_core.metrics import PairOutcome, accuracy_by_coverage, confidences, reliability
from training.evaluation.verdicts import wilson
from training.pictures import Line, line_chart, percent

RELIABILITY, COVERAGE, BY_CRITERION = "reliability.svg", "coverage.svg", "reliability-{}.svg"
_PAIRS_A_BIN = 25  # with fewer a point is mostly chance
_MOST_BINS = 15
_LEAST_PAIRS = 10  # a curve over fewer jumps from pair to pair


def draw(
    out: Path, overall: Sequence[PairOutcome], by_aspect: Mapping[str, Sequence[PairOutcome]]
) -> list[str]:
    """Write the pictures into `out`; their names: reliability of all and of each criterion, and
    coverage.
    """
    made = {
        RELIABILITY: _reliability("How sure, and how often right: all pairs", overall),
        COVERAGE: _coverage(overall, by_aspect),
    }
    for aspect, outcomes in by_aspect.items():
        title = f"How sure, and how often right: {aspect.replace('_', ' ')}"
        made[BY_CRITERION.format(aspect)] = _reliability(title, outcomes)
    for name, text in made.items():
        (out / name).write_text(text, encoding="utf-8")
    return list(made)


def _reliability(title: str, outcomes: Sequence[PairOutcome]) -> str:
    bins = max(1, min(_MOST_BINS, len(outcomes) // _PAIRS_A_BIN))
    found = reliability(confidences(outcomes), _right(outcomes), bins) if outcomes else ()
    ends = [wilson(round(each.accuracy * each.n), each.n) for each in found]
    line = Line(
        f"{len(outcomes)} pairs",
        tuple((each.confidence, each.accuracy) for each in found),
        tuple((low or 0.0, 1.0 if high is None else high) for low, high in ends),
    )
    return line_chart(
        title,
        [line],
        x_label="confidence: the greater of P and 1 - P",
        y_label="share right, with 95 % intervals",
        x_range=(0.5, 1.0),
        y_range=(0.0, 1.0),
        diagonal="as sure as right",
        x_text=percent,
        y_text=percent,
    )


def _coverage(
    overall: Sequence[PairOutcome], by_aspect: Mapping[str, Sequence[PairOutcome]]
) -> str:
    lines = [
        Line(
            name.replace("_", " "),
            tuple(
                (share, accuracy)
                for share, accuracy in accuracy_by_coverage(confidences(some), _right(some))
                if share * len(some) >= _LEAST_PAIRS
            ),
        )
        for name, some in [("all", overall), *by_aspect.items()]
        if len(some) >= _PAIRS_A_BIN
    ]
    return line_chart(
        "Accuracy over the surest share of the pairs",
        lines,
        x_label="share of the pairs, surest first",
        y_label="accuracy",
        x_range=(0.0, 1.0),
        mark=(0.5, "a coin"),
        x_text=percent,
        y_text=percent,
    )


def _right(outcomes: Sequence[PairOutcome]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([float(outcome.margin > 0) for outcome in outcomes])
