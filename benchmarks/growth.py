"""How time and memory grow with a change, from one function to a thousand.

    python -m benchmarks.growth [--bundle BUNDLE] [--sizes 1,10,100,1000] [--out FILE]

The functions are real: those that commits of this repository changed, both sides, the newest first,
so that a larger change contains the smaller ones. Each size is scored by a process of its own, with
nothing kept from before. Time should grow as the tokens do, or slower, and memory not at all.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.changes import Edit, Source, add_source, edits, texts
from benchmarks.measuring import Apart, alone, cost, peak_bytes, resident_bytes
from benchmarks.report import Finding, Table, add_out, megabytes, seconds, tell
from review_core.bundle import default_bundle_path, load_bundle
from training.pictures import Line, line_chart


@dataclass(frozen=True, slots=True)
class Size:
    """What a change of so many functions took. opened_bytes: memory with the model open."""

    functions: int
    tokens: int
    computed: int
    seconds: float
    cpu_seconds: float
    opened_bytes: int | None
    peak_bytes: int | None


def scored(path: Path, chosen: Sequence[Edit], threads: int) -> Size:
    """Score both sides of all of them."""
    from review_core.engine import Engine
    from review_core.scorer import Scorer

    bundle = load_bundle(path)
    scorer = Scorer(bundle, Engine(bundle, threads=threads))
    scorer.rewards(["def warm(up):\n    pass"])
    opened, before = resident_bytes(), scorer.statistics
    with cost() as spent:
        scorer.rewards(texts(chosen), intent=chosen[0].intent)
    did = scorer.statistics
    return Size(
        len(chosen),
        did.tokens - before.tokens,
        did.tokens_computed - before.tokens_computed,
        spent.seconds,
        spent.cpu_seconds,
        opened,
        peak_bytes(),
    )


def growth(
    path: Path, chosen: Sequence[Edit], sizes: Sequence[int], threads: int, apart: Apart = alone
) -> list[Size]:
    """Each size in a process of its own, the newest functions first."""
    return [apart(scored, path, chosen[:size], threads) for size in sizes]


def finding(model: str, found: Sequence[Size]) -> Finding:
    """A row a size, and a curve of time a thousand tokens."""
    rows = [
        {
            "functions": each.functions,
            "tokens": each.tokens,
            "tokens_computed": each.computed,
            "seconds": round(each.seconds, 3),
            "cpu_seconds": round(each.cpu_seconds, 3),
            "cpu_ms_a_token": round(1000 * each.cpu_seconds / each.tokens, 3),
            "opened_mb": None if each.opened_bytes is None else round(each.opened_bytes / 1e6),
            "peak_mb": None if each.peak_bytes is None else round(each.peak_bytes / 1e6),
        }
        for each in found
    ]
    cells = tuple(
        (
            f"{each.functions:,}",
            f"{each.tokens:,}",
            f"{each.computed:,}",
            seconds(each.seconds),
            seconds(each.cpu_seconds),
            f"{1000 * each.cpu_seconds / each.tokens:.2f}",
            megabytes(each.opened_bytes),
            megabytes(each.peak_bytes),
        )
        for each in found
    )
    columns = (
        "functions", "tokens", "tokens computed", "seconds", "CPU seconds", "CPU ms a token",
        "MB with the model open", "MB at most",
    )  # fmt: skip
    title = "Scoring a change as it grows"
    points = tuple((each.functions, 1000 * each.cpu_seconds / each.tokens) for each in found)
    picture = line_chart(
        title,
        [Line("CPU ms a token", points)],
        x_label="changed functions",
        y_label="CPU milliseconds for each token of the change: level is linear",
        y_range=(0.0, 1.2 * max(y for _, y in points)),
    )
    notes = [
        f"scored by {model}, both sides of every function; opening the model is left out",
        "a level curve is linear growth",
    ]
    return Finding(title, {"model": model, "rows": rows}, Table(columns, cells), notes, picture)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, help="default: the one that ships")
    parser.add_argument("--sizes", default="1,10,100,1000", help="numbers of functions")
    parser.add_argument("--threads", type=int, default=0, help="0 for one a physical core")
    add_source(parser)
    add_out(parser)
    given = parser.parse_args()
    path = given.bundle or default_bundle_path()
    sizes = [int(size) for size in given.sizes.split(",")]
    found = growth(path, edits(Source.of(given), max(sizes)), sizes, given.threads)
    tell(finding(load_bundle(path).identity.name, found), "benchmarks.growth", given.out)


if __name__ == "__main__":
    main()
