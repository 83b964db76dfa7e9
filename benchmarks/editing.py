"""What a keystroke costs the engine, in the first, a middle and the last line of a function.

    python -m benchmarks.editing [--bundle BUNDLE] [--lines 40] [--keystrokes 10] [--out FILE]

A function was scored and is edited: its text up to the edit has been read before, and its states
are still there, so an edit costs what stands behind it. Every keystroke makes another text. The
function is a real one, the nearest to the length asked for among those that commits of this
repository changed. What else an editor waits for is measured by benchmarks/editor.py.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.changes import Source, add_source, edits
from benchmarks.measuring import alone, cost
from benchmarks.report import Finding, Table, add_out, tell
from review_core.bundle import default_bundle_path, load_bundle
from training.pictures import Bar, bar_chart

PLACES = {"first line": 0.0, "middle line": 0.5, "last line": 1.0}
_POOL = 400
"""Functions among which the nearest in length is looked for."""


@dataclass(frozen=True, slots=True)
class Keystrokes:
    """Medians over keystrokes in one place. computed: tokens through the model."""

    place: str
    milliseconds: float
    cpu_milliseconds: float
    computed: float


def function_of(source: Source, lines: int) -> str:
    """The changed function nearest to that many lines; of equals, the newest.

    :raises ValueError: if the history changes none.
    """
    pool = edits(source, _POOL, at_most=True)
    return min((edit.head for edit in pool), key=lambda text: abs(text.count("\n") + 1 - lines))


def typed(text: str, share: float, key: int) -> str:
    """The text with a comment's sign and a number more at the end of the line at that share."""
    lines = text.split("\n")
    lines[round(share * (len(lines) - 1))] += f"  # {key}"
    return "\n".join(lines)


def keystrokes(path: Path, text: str, count: int, threads: int) -> tuple[list[Keystrokes], int]:
    """What keystrokes in each place take, the whole text read anew first; and its tokens."""
    from review_core.engine import Engine
    from review_core.scorer import Scorer

    bundle = load_bundle(path)
    scorer = Scorer(bundle, Engine(bundle, threads=threads))
    found: list[Keystrokes] = []
    scorer.rewards([text])
    tokens = scorer.statistics.tokens // max(1, scorer.statistics.sequences)
    for place, share in PLACES.items():
        clocks, processors, computed = [], [], []
        scorer.rewards([text])  # where the hand comes from
        for key in range(count):
            before = scorer.statistics.tokens_computed
            with cost() as spent:
                scorer.rewards([typed(text, share, key)])
            clocks.append(1000 * spent.seconds)
            processors.append(1000 * spent.cpu_seconds)
            computed.append(scorer.statistics.tokens_computed - before)
        found.append(
            Keystrokes(
                place,
                statistics.median(clocks),
                statistics.median(processors),
                statistics.median(computed),
            )
        )
    return found, tokens


def finding(model: str, text: str, tokens: int, found: Sequence[Keystrokes]) -> Finding:
    """A row a place."""
    lines = text.count("\n") + 1
    rows = [
        {
            "name": each.place,
            "p50_ms": round(each.milliseconds, 1),
            "p50_cpu_ms": round(each.cpu_milliseconds, 1),
            "tokens_computed": each.computed,
        }
        for each in found
    ]
    cells = tuple(
        (
            each.place,
            f"{each.milliseconds:.0f}",
            f"{each.cpu_milliseconds:.0f}",
            f"{each.computed:.0f} of {tokens}",
        )
        for each in found
    )
    title = f"A keystroke in a function of {lines} lines, scored again"
    picture = bar_chart(
        title,
        [Bar(each.place, (each.milliseconds,)) for each in found],
        x_label="milliseconds to the new rewards, median",
    )
    columns = ("keystroke in", "ms", "CPU ms", "tokens computed")
    notes = [f"a real function of {lines} lines and {tokens} tokens, scored by {model}"]
    figures = {"model": model, "lines": lines, "tokens": tokens, "rows": rows}
    return Finding(title, figures, Table(columns, cells), notes, picture)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, help="default: the one that ships")
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--keystrokes", type=int, default=10, help="in each place")
    parser.add_argument("--threads", type=int, default=0, help="0 for one a physical core")
    add_source(parser)
    add_out(parser)
    given = parser.parse_args()
    path = given.bundle or default_bundle_path()
    text = function_of(Source.of(given), given.lines)
    found, tokens = alone(keystrokes, path, text, given.keystrokes, given.threads)
    name = load_bundle(path).identity.name
    tell(finding(name, text, tokens, found), "benchmarks.editing", given.out)


if __name__ == "__main__":
    main()
