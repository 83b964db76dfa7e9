r"""How often a review blames the right part of a change, and what finding it out costs.

    python -m benchmarks.attribution PAIRS.jsonl.zst [--cases 200] [--rows rows.jsonl] [--out ...]

PAIRS are held-out preference pairs that come from commits; attribution_cases.py makes changes of
them in which it is known which part does the harm:

    planted   the pair's own hunks, which improve, and one bug put in elsewhere: which hunk is it?
    reverted  a fix of one hunk taken back, among edits that keep the meaning: which hunk is it?
    within    a bug put into a large hunk of a pair: which statement of the hunk is it?

Each way of ordering the parts is asked which comes first. A model cannot point at harm that it
does not see. So beside all cases stand those in which it prefers base at all and, of a bug within a
hunk, those in which it prefers the head without that bug. Intervals are 95 %, by bootstrap over
repositories. Of a pair with several hunks as it was committed nobody knows which of
them matters, so it has no row here.

With --rows what was read is kept there line by line, and a run that was broken off goes on. One
processor reads 200 cases a kind in about ten minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.attribution_cases import MAKERS, cases
from benchmarks.attribution_rewards import Reader, TokenEngine
from benchmarks.report import Finding, Table, add_out, tell
from review_core.bundle import default_bundle_path, load_bundle
from review_core.calibration import Calibration
from review_core.causes import MOST
from review_core.records import read_pairs
from training.pictures import Bar, bar_chart

BATCH = 4
"""Cases read together: enough to fill a run of the model, few enough to lose little."""

Row = Mapping[str, Any]
Part = Mapping[str, Any]
Blame = Callable[[Row, Part], float]
"""How much a part is to blame; the order of parts of equal blame stays."""


def _gain(row: Row, part: Part) -> float:
    return float(part["without"] - row["margin"])


def _alone(row: Row, part: Part) -> float:
    return _gain(row, part) if part["alone"] is None else -float(part["alone"])


def _mixed(weight: float) -> Blame:
    return lambda row, part: (1 - weight) * _gain(row, part) + weight * _alone(row, part)


def _as_asked(row: Row, part: Part) -> float:
    return _gain(row, part) if _explained(row) else _mixed(0.5)(row, part)


def _explained(row: Row) -> bool:
    """Whether a review asks about no part alone."""
    return any(part["telling"] for part in row["parts"])


ORDERS: Mapping[str, Blame] = {
    "first": lambda row, part: 0.0,
    "largest": lambda row, part: part["changed"],
    "smallest": lambda row, part: -part["changed"],
    "share of the margin": lambda row, part: -part["share"],
    "taken back": _gain,
    "alone": _alone,
    "taken back and alone": _mixed(0.5),
    "as a review asks": _as_asked,
}
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of `alone`, tried on one half of the repositories."""


def ranks(row: Row, blame: Blame) -> list[int]:
    """The places of the guilty parts, from 0, in the order of blame."""
    blames = [blame(row, part) for part in row["parts"]]
    order = sorted(range(len(blames)), key=lambda at: -blames[at])
    return [order.index(at) for at in row["guilty"]]


def by_chance(row: Row) -> tuple[float, float]:
    """How often any order has a guilty part first, and the mean of 1 / place of the best one."""
    parts, guilty = len(row["parts"]), len(row["guilty"])
    first, reciprocal, none_before = guilty / parts, 0.0, 1.0
    for place in range(1, parts - guilty + 2):
        left = parts - place + 1
        reciprocal += none_before * guilty / left / place
        none_before *= 1 - guilty / left
    return first, reciprocal


def narrowed(row: Row, blame: Blame) -> int:
    """The piece that a review would point at: the smallest of those that give back most."""
    blames = [blame(row, part) for part in row["parts"]]
    most = max(blames)
    good = [at for at, each in enumerate(blames) if each >= MOST * most > 0] or [blames.index(most)]
    return min(good, key=lambda at: (_lines(row["parts"][at]), at))


def _lines(part: Part) -> int:
    first, last = part["lines"]
    return int(last - first + 1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f}-{self.high:.2f})"

    def to_json(self) -> dict[str, float]:
        """Rounded to 4 decimals."""
        return {name: round(getattr(self, name), 4) for name in ("value", "low", "high")}


def mean(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    """The mean of the values, its interval by drawing groups."""
    names = sorted(set(groups))
    index = {name: at for at, name in enumerate(names)}
    sums, counts = np.zeros(len(names)), np.zeros(len(names))
    for value, group in zip(values, groups, strict=True):
        sums[index[group]] += value
        counts[index[group]] += 1
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), 2000)
    means = draws @ sums / np.maximum(draws @ counts, 1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Estimate(float(sums.sum() / counts.sum()), float(low), float(high))


def accuracy(rows: Sequence[Row], blame: Blame | None) -> dict[str, Estimate]:
    """How often a guilty part comes first, and the mean of 1 / its place; None: by chance."""
    groups = [row["group"] for row in rows]
    if blame is None:
        chances = [by_chance(row) for row in rows]
    else:
        best = [min(ranks(row, blame)) for row in rows]
        chances = [(float(place == 0), 1 / (1 + place)) for place in best]
    first, reciprocal = zip(*chances, strict=True)
    return {"first": mean(first, groups), "reciprocal": mean(reciprocal, groups)}


def pointing(rows: Sequence[Row], pick: Callable[[Row], int] | None) -> dict[str, Estimate]:
    """How often the lines that are pointed at hold the harm, and which share of the hunk they are;
    None: a piece by chance.
    """
    groups = [row["group"] for row in rows]
    hits, shares = [], []
    for row in rows:
        picked = range(len(row["parts"])) if pick is None else [pick(row)]
        hits.append(fmean(float(at in row["guilty"]) for at in picked))
        shares.append(fmean(_lines(row["parts"][at]) / row["lines"] for at in picked))
    lift = [hit - share for hit, share in zip(hits, shares, strict=True)]
    return {
        "holds": mean(hits, groups),
        "share": mean(shares, groups),
        "above_chance": mean(lift, groups),
    }


def chosen_weight(rows: Sequence[Row]) -> dict[str, Any]:
    """The weight of `alone` that is best on one half of the repositories, on the other half."""
    names = sorted({row["group"] for row in rows})
    halves = [[row for row in rows if row["group"] in names[side::2]] for side in (0, 1)]
    found = []
    for ours, theirs in (halves, halves[::-1]):
        if not ours or not theirs:
            continue
        best = max(WEIGHTS, key=lambda weight: accuracy(ours, _mixed(weight))["first"].value)
        found.append(
            {
                "weight": best,
                "first": accuracy(theirs, _mixed(best))["first"].to_json(),
                "first_at_half": accuracy(theirs, _mixed(0.5))["first"].to_json(),
            }
        )
    return {"chosen": found}


def cost(rows: Sequence[Row]) -> dict[str, float]:
    """Tokens to compute a finding, on average. read: of base and head, before any attribution."""
    sums = {"read": 0.0, "without": 0.0, "both": 0.0, "asked": 0.0}
    for row in rows:
        tokens = row["tokens"]
        sums["read"] += tokens["read"]
        sums["without"] += tokens["without"]
        sums["both"] += tokens["without"] + tokens["alone"]
        sums["asked"] += tokens["without"] + (0 if _explained(row) else tokens["alone"])
    return {name: round(total / max(len(rows), 1), 1) for name, total in sums.items()}


def measured(
    pairs: Path,
    *,
    bundle: Path,
    count: int,
    longest: int,
    kinds: Sequence[str],
    threads: int,
    rows: Path | None,
) -> list[Row]:
    """What is read of the cases; what `rows` has already is not read again."""
    done = (
        [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
        if (rows is not None and rows.exists())
        else []
    )
    opened = load_bundle(bundle)
    calibration = Calibration.from_json(opened.calibration_json)
    reader = Reader(opened, calibration, TokenEngine(opened, threads=threads))
    made = cases(list(read_pairs(pairs)), count, longest=longest, kinds=kinds)
    made = islice(made, len(done), None)
    for batch in _batches(made):
        found = reader.rows(batch)
        done += found
        if rows is not None:
            with rows.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in found)
    return done


def _batches(made: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(made, BATCH)):
        yield batch


def report(rows: Sequence[Row]) -> Finding:
    """The table of all orders."""
    figures: dict[str, Any] = {}
    lines: dict[str, list[str]] = {name: [name] for name in ("chance", *ORDERS)}
    columns = ["parts in the order of"]
    for kind in MAKERS:
        for seen in (False, True):
            own = [row for row in rows if row["kind"] == kind and (not seen or _is_seen(row))]
            name = (
                kind if not seen else f"{kind}, {'seen' if kind == 'within' else 'base preferred'}"
            )
            if not own:
                continue
            if kind == "within":
                figures[name] = {"n": len(own), "picks": _within(own), "tokens": cost(own)}
                continue
            columns.append(f"{name} ({len(own)})")
            found = {order: accuracy(own, blame) for order, blame in _orders()}
            figures[name] = {
                "n": len(own),
                **_json(found),
                **chosen_weight(own),
                "tokens": cost(own),
            }
            for order, each in found.items():
                lines[order].append(str(each["first"]))
    shown = figures.get("reverted, base preferred", {})
    bars = [
        Bar(
            order,
            (shown[order]["first"]["value"],),
            (shown[order]["first"]["low"], shown[order]["first"]["high"]),
        )
        for order in lines
        if order in shown
    ]
    return Finding(
        "How often the guilty part of a change comes first",
        {"cases": figures},
        Table(tuple(columns), tuple(tuple(line) for line in lines.values())),
        [
            "share of cases with the guilty hunk first; 95 % intervals over repositories",
            *_notes(figures),
        ],
        bar_chart("The guilty hunk comes first", bars, limit=1.0),
    )


def _is_seen(row: Row) -> bool:
    return bool(row["seen"] > 0 if row["kind"] == "within" else row["margin"] < 0)


def _orders() -> Iterator[tuple[str, Blame | None]]:
    yield "chance", None
    yield from ORDERS.items()


def _notes(figures: Mapping[str, Any]) -> Iterator[str]:
    for name, found in figures.items():
        if name.startswith("within"):
            for pick, each in found["picks"].items():
                holds, share = each["holds"]["value"], each["share"]["value"]
                told = f"holds the bug {holds:.2f}, {share:.2f} of the hunk's lines"
                yield f"{name} ({found['n']}), {pick}: {told}"
            tokens = found["tokens"]
            yield (
                f"{name}: {tokens['without']:.0f} tokens a case for its statements; base and head "
                f"{tokens['read']:.0f}"
            )
        else:
            tokens = found["tokens"]
            yield (
                f"{name}: {tokens['both']:.0f} tokens a case to take back and to put in alone, "
                f"{tokens['asked']:.0f} as a review asks, {tokens['without']:.0f} to take back "
                f"only; base and head {tokens['read']:.0f}"
            )


def _within(rows: Sequence[Row]) -> dict[str, Any]:
    picks: dict[str, Callable[[Row], int] | None] = {
        "chance": None,
        "most given back": lambda row: narrowed(row, _gain),
        "largest share": lambda row: narrowed(row, ORDERS["share of the margin"]),
        "first": lambda row: 0,
    }
    return _json({name: pointing(rows, pick) for name, pick in picks.items()})


def _json(found: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {
        name: {what: each.to_json() for what, each in figures.items()}
        for name, figures in found.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pairs", type=Path, help="held-out pairs, .jsonl or .jsonl.zst")
    parser.add_argument(
        "--model", type=Path, default=None, help="a bundle; else the one that ships"
    )
    parser.add_argument("--cases", type=int, default=200, help="of each kind")
    parser.add_argument("--longest", type=int, default=1800, help="characters of a side of a pair")
    parser.add_argument("--kinds", nargs="+", choices=tuple(MAKERS), default=tuple(MAKERS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="a .jsonl file that keeps what was read")
    add_out(parser)
    asked = parser.parse_args(arguments)
    rows = measured(
        asked.pairs,
        bundle=asked.model or default_bundle_path(),
        count=asked.cases,
        longest=asked.longest,
        kinds=asked.kinds,
        threads=asked.threads,
        rows=asked.rows,
    )
    tell(report(rows), "benchmarks.attribution", asked.out)


if __name__ == "__main__":
    main()
