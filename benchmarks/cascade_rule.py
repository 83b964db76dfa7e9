"""Which cases are worth a judge, read off published scores: where the first leans, or where it has
no idea?

    python -m benchmarks.cascade_rule RUNS [--first Themis-RM-0.6B] [--judge Themis-RM-4B]
                                      [--precision 0.95] [--out FILE]

RUNS is the folder `Evaluation/Evaluation_Runs` of a checkout of the authors' public repository: the
scores that their models gave to the 8,866 pairs of their benchmark. The models, the pairs and the
scores are theirs; what is counted here is ours. A pair is called where |margin| is at least a
threshold of its criterion, set on half of the pairs so that 95 % of those called are right, and
counted on the other half; the margin's temperature, too. In these pairs one side is always better,
which real edits often are not: shares and precisions compare the rules with one another.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Finding, Table, add_out, tell
from training.pictures import Line, line_chart

Numbers = NDArray[np.float64]
Chosen = NDArray[np.bool_]

LEANINGS = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8)
FORCED = 0.3
"""The share that the judge has where every pair must be called."""
_FEWEST = 20
"""Calls that a threshold must rest on."""
_TEMPERATURES = np.exp(np.linspace(np.log(0.05), np.log(10.0), 200))


@dataclass(frozen=True, slots=True)
class Scores:
    """Margins chosen - rejected of the same pairs by two models, and each pair's criterion."""

    first: Numbers
    judge: Numbers
    criterion: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule comes to, as shares of all pairs. sent: put to the judge. told: it then called.

    right: of those told. all_told, all_right: by both models together.
    """

    name: str
    sent: float
    told: float
    right: float
    all_told: float
    all_right: float


def read_scores(runs: Path, first: str, judge: str) -> Scores:
    """The scores of two models, by the pairs' ids."""
    import pyarrow.parquet as parquet

    tables = [parquet.read_table(runs / name / "scores.parquet") for name in (first, judge)]
    ours, theirs = (table.to_pydict() for table in tables)
    by_id = dict(zip(theirs["id"], theirs["score_diff"], strict=True))
    return Scores(
        np.array(ours["score_diff"]),
        np.array([by_id[each] for each in ours["id"]]),
        np.array(ours["aspect"]),
    )


def threshold(margins: Numbers, precision: float) -> float:
    """The smallest |margin| from which the share of right signs is that, infinity if from none."""
    order = np.argsort(-np.abs(margins))
    right = np.cumsum(margins[order] > 0) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(right[_FEWEST - 1 :] >= precision)
    return float(np.abs(margins[order[enough[-1] + _FEWEST - 1]])) if len(enough) else np.inf


def temperature(margins: Numbers) -> float:
    """That at which sigmoid(margin / t) is likeliest."""
    losses = [np.logaddexp(0, -margins / each).mean() for each in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def rules(scores: Scores, precision: float, halves: int, seed: int = 0) -> list[Rule]:
    """Each rule's figures, the mean over so many ways to halve the pairs."""
    drawn = [_once(scores, precision, np.random.default_rng(seed + at)) for at in range(halves)]
    return [
        Rule(
            same[0].name, *(float(np.mean(each)) for each in zip(*map(_figures, same), strict=True))
        )
        for same in zip(*drawn, strict=True)
    ]


def _once(scores: Scores, precision: float, random: np.random.Generator) -> list[Rule]:
    half = random.random(len(scores.first)) < 0.5
    ours = _held_out(scores, half, lambda pairs: threshold(scores.first[pairs], precision))
    theirs = _held_out(scores, half, lambda pairs: threshold(scores.judge[pairs], precision))
    scale = _held_out(scores, half, lambda pairs: temperature(scores.first[pairs]))
    lean = 1 / (1 + np.exp(-np.abs(scores.first) / scale))
    called = np.abs(scores.first) >= ours
    told = np.abs(scores.judge) >= theirs
    agreed = np.sign(scores.first) == np.sign(scores.judge)

    def rule(name: str, sent: Chosen, stands: Chosen) -> Rule:
        new = sent & told & stands
        both = called | new
        right = np.where(called, scores.first, scores.judge)[both] > 0
        new_right = (scores.judge[new] > 0).mean() if new.any() else np.nan
        return Rule(name, sent.mean(), new.mean(), new_right, both.mean(), right.mean())

    nobody = np.zeros_like(called)
    found = [rule("the first alone", nobody, nobody)]
    for leaning in LEANINGS:
        sent = ~called & (lean >= leaning)
        found.append(rule(f"leans from {leaning}", sent, np.ones_like(called)))
        found.append(rule(f"leans from {leaning}, agreed", sent, agreed))
        if leaning == 0.7:
            least = _least(lean, ~called, int(sent.sum()))
            found.append(
                rule(f"as many as from {leaning}, least sure", least, np.ones_like(called))
            )
            found.append(rule(f"as many as from {leaning}, least sure, agreed", least, agreed))
    everything = np.ones_like(called)
    alone = rule("the judge alone", everything, everything)
    right = float((scores.judge[told] > 0).mean())
    found.append(Rule(alone.name, 1.0, float(told.mean()), right, float(told.mean()), right))
    return found


def _held_out(scores: Scores, half: Chosen, fit: Callable[[Chosen], float]) -> Numbers:
    """For each pair what is fitted to the pairs of its criterion in the other half."""
    found = np.zeros(len(half))
    for criterion in np.unique(scores.criterion):
        for side in (half, ~half):
            own = scores.criterion == criterion
            found[own & ~side] = fit(own & side)
    return found


def _least(lean: Numbers, among: Chosen, count: int) -> Chosen:
    order = np.flatnonzero(among)[np.argsort(lean[among], kind="stable")]
    found = np.zeros_like(among)
    found[order[:count]] = True
    return found


def _figures(rule: Rule) -> tuple[float, ...]:
    return rule.sent, rule.told, rule.right, rule.all_told, rule.all_right


def finding(
    names: tuple[str, str], scores: Scores, found: Sequence[Rule], precision: float
) -> Finding:
    """A row a rule."""
    columns = ("rule", "sent", "told by the judge", "of these right", "told by both", "right")
    cells = tuple(
        (each.name, *(("-" if np.isnan(one) else f"{one:.3f}") for one in _figures(each)))
        for each in found
    )
    rows = [
        {"rule": each.name}
        | {
            name: None if np.isnan(one) else round(one, 4)
            for name, one in zip(("sent", *Rule.__slots__[2:]), _figures(each), strict=True)
        }
        for each in found
    ]
    everyone = np.full(len(scores.first), True)
    least = _least(np.abs(scores.first), everyone, round(FORCED * len(everyone)))
    mixed = np.where(least, scores.judge, scores.first)
    forced = [float((each > 0).mean()) for each in (scores.first, scores.judge, mixed)]
    notes = [
        f"published scores of {names[0]} and {names[1]} on {len(scores.first):,} pairs: the scores "
        "are the authors', the counts ours",
        f"thresholds for {precision:.0%} right on the other half, a criterion each",
        f"called at any margin, {forced[0]:.3f} and {forced[1]:.3f} are right, and {forced[2]:.3f} "
        f"where the judge has the {FORCED:.0%} of the smallest |margin|",
    ]
    leans = [each for each in found if each.name.startswith("leans") and "agreed" in each.name]
    picture = line_chart(
        "What a judge adds, by where it is asked",
        [
            Line("told by both, leaning and agreed", tuple((e.sent, e.all_told) for e in leans)),
            Line("right", tuple((e.sent, e.all_right) for e in leans)),
        ],
        x_label="share of pairs that are put to the judge",
        y_label="share of pairs",
        y_range=(0.0, 1.0),
    )
    title = "Where a judge is worth asking"
    figures = {
        "first": names[0],
        "judge": names[1],
        "precision": precision,
        "rows": rows,
        "right_at_any_margin": {
            name: round(share, 4)
            for name, share in zip(("first", "judge", "least_sure"), forced, strict=True)
        },
    }
    return Finding(title, figures, Table(columns, cells), notes, picture)


def main() -> None:
    """Count, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=Path, help="the authors' folder Evaluation/Evaluation_Runs")
    parser.add_argument("--first", default="Themis-RM-0.6B")
    parser.add_argument("--judge", default="Themis-RM-4B")
    parser.add_argument("--precision", type=float, default=0.95)
    parser.add_argument("--halvings", type=int, default=20)
    add_out(parser)
    given = parser.parse_args()
    scores = read_scores(given.runs, given.first, given.judge)
    found = rules(scores, given.precision, given.halvings)
    names = given.first, given.judge
    tell(finding(names, scores, found, given.precision), "benchmarks.cascade_rule", given.out)


if __name__ == "__main__":
    main()
