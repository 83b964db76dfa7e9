"""What a second push costs, when it touches one function of those that the first one changed.

    python -m benchmarks.pushes [--bundle BUNDLE] [--functions 30] [--out FILE]

A pull request changes some functions; after a look at the report one of them is edited once more
and pushed. Rewards of texts that did not change come from the cache on disk, so the second push
reads what is new. Each push is scored by a process of its own, as in CI or by a worker of the app:
nothing but the cache connects them. The edit renames the first word of the function's last line:
almost all of that function has been read before, but by a process that is gone. The goal is 5 % of
the first push.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.changes import Edit, Source, add_source, edits, texts
from benchmarks.measuring import Apart, alone, cost
from benchmarks.report import Finding, Table, add_out, seconds, tell
from review_core.bundle import default_bundle_path, load_bundle
from training.pictures import Bar, bar_chart

GOAL = 0.05


@dataclass(frozen=True, slots=True)
class Push:
    """What scoring a push took, opening the model left out. computed: tokens through the model."""

    name: str
    seconds: float
    cpu_seconds: float
    sequences: int
    remembered: int
    computed: int


def touched(edit: Edit) -> str:
    """The head of an edit with another first word in its last line."""
    lines = edit.head.split("\n")
    lines[-1] = re.sub(r"\w+", lambda found: f"{found[0]}_again", lines[-1], count=1)
    return "\n".join(lines) if lines[-1] != edit.head.split("\n")[-1] else f"{edit.head}\npass"


def pushed(
    name: str, path: Path, cache: Path, codes: Sequence[str], intent: str, threads: int
) -> Push:
    """Score the sides of a push's functions with a cache."""
    from review_core.cache import RewardCache
    from review_core.engine import Engine
    from review_core.scorer import Scorer

    bundle = load_bundle(path)
    scorer = Scorer(bundle, Engine(bundle, threads=threads), RewardCache(cache))
    with cost() as spent:
        scorer.rewards(codes, intent=intent)
    did = scorer.statistics
    return Push(
        name, spent.seconds, spent.cpu_seconds, did.sequences, did.cache_hits, did.tokens_computed
    )


def pushes(
    bundle: Path, chosen: Sequence[Edit], threads: int = 0, apart: Apart = alone
) -> list[Push]:
    """The first push; a second that touches the function of middle length; the same once more."""
    first, intent = texts(chosen), chosen[0].intent
    middle = sorted(chosen, key=lambda edit: (len(edit.head), edit.path, edit.name))[
        len(chosen) // 2
    ]
    at = first.index(middle.head)
    second = [*first[:at], touched(middle), *first[at + 1 :]]
    named = [("first push", first), ("second push, one function", second), ("no change", second)]
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "rewards.sqlite"
        return [apart(pushed, name, bundle, cache, codes, intent, threads) for name, codes in named]


def finding(model: str, functions: int, found: Sequence[Push]) -> Finding:
    """The pushes as shares of the first."""
    whole = found[0]
    rows = [
        {
            "name": each.name,
            "seconds": round(each.seconds, 3),
            "cpu_seconds": round(each.cpu_seconds, 3),
            "share_of_first": round(each.seconds / whole.seconds, 4),
            "cpu_share_of_first": round(each.cpu_seconds / whole.cpu_seconds, 4),
            "sequences": each.sequences,
            "from_cache": each.remembered,
            "tokens_computed": each.computed,
        }
        for each in found
    ]
    cells = tuple(
        (
            each.name,
            seconds(each.seconds),
            f"{each.seconds / whole.seconds:.1%}",
            seconds(each.cpu_seconds),
            f"{each.cpu_seconds / whole.cpu_seconds:.1%}",
            f"{each.remembered} of {each.sequences}",
            f"{each.computed:,}",
        )
        for each in found
    )
    columns = (
        "", "seconds", "of first", "CPU seconds", "of first", "from cache", "tokens computed",
    )  # fmt: skip
    bars = [Bar(each.name, (each.seconds / whole.seconds,)) for each in found]
    title = f"A second push, one of {functions} functions touched"
    picture = bar_chart(
        title,
        bars,
        mark=(GOAL, "goal"),
        x_label="share of the first push's seconds",
        as_text=lambda share: f"{100 * share:.3g} %",
    )
    notes = [f"scored by {model}; opening the model is left out", f"goal: {GOAL:.0%} of the first"]
    figures = {"functions": functions, "model": model, "goal": GOAL, "rows": rows}
    return Finding(title, figures, Table(columns, cells), notes, picture)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, help="default: the one that ships")
    parser.add_argument("--functions", type=int, default=30)
    parser.add_argument("--threads", type=int, default=0, help="0 for one a physical core")
    add_source(parser)
    add_out(parser)
    given = parser.parse_args()
    path = given.bundle or default_bundle_path()
    found = pushes(path, edits(Source.of(given), given.functions), given.threads)
    name = load_bundle(path).identity.name
    tell(finding(name, given.functions, found), "benchmarks.pushes", given.out)


if __name__ == "__main__":
    main()
