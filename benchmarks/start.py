"""What stands between starting a process and its first rewards, and the memory it holds then.

    python -m benchmarks.start [--bundle BUNDLE] [--starts 5] [--out FILE]

Each start is a new process that does what every program of ours does to score one function of 40
lines: start Python, import the engine, read the bundle and check its hashes, import onnxruntime and
open the graph, score, score another text. Files are in the system's cache but for the first start,
which is not counted. Stages are medians and need not add up to the median of the whole.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.changes import Source, add_source
from benchmarks.editing import function_of
from benchmarks.report import Finding, Table, add_out, tell
from review_core.bundle import default_bundle_path, load_bundle
from training.pictures import Bar, bar_chart

STAGES = (
    "Python starts",
    "the engine is imported",
    "the bundle is read and checked",
    "onnxruntime is imported",
    "the graph is opened",
    "the first function is scored",
    "the next one is scored",
)
_FIRST = STAGES.index("the first function is scored") + 1


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds of each stage, in order, and the memory held at its end."""

    seconds: tuple[float, ...]
    resident_bytes: int | None

    @property
    def to_first(self) -> float:
        """Seconds until the first rewards."""
        return sum(self.seconds[:_FIRST])


def start(bundle: Path, code: str, threads: int) -> Start:
    """Start a process and have it tell what it did."""
    asked = json.dumps([str(bundle), code, threads, time.monotonic()])
    program = [sys.executable, "-m", "benchmarks.start_child"]
    root = Path(__file__).parents[1]
    told = subprocess.run(
        program, input=asked, capture_output=True, text=True, cwd=root, check=True
    )
    seconds, resident = json.loads(told.stdout)
    return Start(tuple(seconds), resident)


def finding(model: str, found: Sequence[Start]) -> Finding:
    """Medians by stage."""
    stages = {
        name: 1000 * statistics.median(each.seconds[at] for each in found)
        for at, name in enumerate(STAGES)
    }
    first = 1000 * statistics.median(each.to_first for each in found)
    sizes = [each.resident_bytes for each in found if each.resident_bytes is not None]
    resident = round(statistics.median(sizes) / 1e6) if sizes else None
    figures = {
        "model": model,
        "starts": len(found),
        "p50_ms": {name: round(value, 1) for name, value in stages.items()},
        "p50_ms_to_the_first_rewards": round(first, 1),
        "resident_mb": resident,
    }
    rows = tuple((name, f"{value:,.0f}") for name, value in stages.items())
    rows += (("from the start to the first rewards", f"{first:,.0f}"),)
    picture = bar_chart(
        "From nothing to the first rewards",
        [Bar(name, (value,)) for name, value in stages.items()],
        x_label="milliseconds, median",
    )
    notes = [
        f"a function of about 40 lines, scored by {model}; {len(found)} starts, files in the "
        "system's cache",
        f"memory held at the end: {resident} MB",
    ]
    return Finding("A cold start", figures, Table(("", "ms"), rows), notes, picture)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, help="default: the one that ships")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--lines", type=int, default=40, help="of the function")
    parser.add_argument("--threads", type=int, default=0, help="0 for one a physical core")
    add_source(parser)
    add_out(parser)
    given = parser.parse_args()
    path = given.bundle or default_bundle_path()
    code = function_of(Source.of(given), given.lines)
    found = [start(path.resolve(), code, given.threads) for _ in range(given.starts + 1)][1:]
    tell(finding(load_bundle(path).identity.name, found), "benchmarks.start", given.out)


if __name__ == "__main__":
    main()
