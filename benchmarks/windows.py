"""Whether a window of a long function is judged as the whole is.

    python -m benchmarks.windows PAIRS.jsonl.zst [--count 100] [--rows rows.jsonl] [--out ...]

PAIRS are held-out preference pairs that come from commits. Of those whose longer side has at least
--shortest characters, both sides are read whole, and again as if the model read no more than a half
of that: in the window that a review would cut, and, for comparison, from the beginning on for as
many characters. The margin is that of the criterion that a pair is labelled with. Said of each way
are: how often it prefers the chosen side, how often it prefers the same side as the whole does, and
of its verdicts how many the whole gives, too.

With --rows what was read is kept there line by line, and a run that was broken off goes on. One
processor reads 100 pairs in about six minutes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.attribution import mean
from benchmarks.report import Finding, Table, add_out, tell
from review_core.bundle import default_bundle_path, load_bundle
from review_core.calibration import Calibration
from review_core.engine import Engine
from review_core.languages import Language, language_named
from review_core.layout import normalise
from review_core.records import PreferencePair, read_pairs
from review_core.scorer import Scorer
from review_core.types import Function, FunctionKind, LineRange, Verdict
from review_core.windows import window_of
from training.pictures import Bar, bar_chart

Sides = tuple[str, str]
Row = Mapping[str, Any]


def whole(base: str, head: str, language: Language) -> Sides:
    """Both sides as they are."""
    return base, head


def window(base: str, head: str, language: Language) -> Sides | None:
    """The window of half the size, hunks and all."""
    half = max(len(base), len(head)) // 2
    found = window_of(_function(base), _function(head), language, size=half, context=half)
    return None if found is None else (normalise(found.base.text), normalise(found.head.text))


def beginning(base: str, head: str, language: Language) -> Sides | None:
    """The first half, in whole lines; None where nothing differs in it."""
    half = max(len(base), len(head)) // 2
    cut = tuple(normalise(text[: text.rfind("\n", 0, half) + 1]) for text in (base, head))
    return None if cut[0] == cut[1] else (cut[0], cut[1])


WAYS: Mapping[str, Callable[[str, str, Language], Sides | None]] = {
    "whole": whole,
    "window": window,
    "beginning": beginning,
}


def _function(text: str) -> Function:
    lines = LineRange(1, text.count("\n") + 1)
    return Function("f", FunctionKind.FUNCTION, text, (lines,))


def chosen_pairs(
    pairs: Sequence[PreferencePair], *, shortest: int, longest: int, seed: int = 0
) -> Iterator[PreferencePair]:
    """Pairs of real changes of that size in random order."""
    for pair in random.Random(seed).sample(list(pairs), len(pairs)):
        size = max(len(pair.chosen), len(pair.rejected))
        if pair.group.count("/") == 1 and shortest <= size <= longest and not pair.tie:
            yield pair


def measured(pairs: Iterator[PreferencePair], scorer: Scorer, rows: Path | None) -> list[Row]:
    """What each way of reading says of the pairs; what `rows` has already is not read again."""
    done: list[Row] = []
    if rows is not None and rows.exists():
        done = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    for pair in islice(pairs, len(done), None):
        done.append(row := _row(pair, scorer))
        if rows is not None:
            with rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    return done


def _row(pair: PreferencePair, scorer: Scorer) -> dict[str, Any]:
    language = language_named(pair.language)
    base, head = normalise(pair.rejected), normalise(pair.chosen)
    sides = {
        way: None if language is None else read(base, head, language) for way, read in WAYS.items()
    }
    texts = [text for each in sides.values() if each is not None for text in each]
    known = dict(zip(texts, scorer.rewards(texts), strict=True))

    def margin(way: str) -> float | None:
        if (pair_read := sides[way]) is None:
            return None
        theirs, ours = known[pair_read[0]], known[pair_read[1]]
        if theirs is None or ours is None:
            return None
        return ours[pair.aspect] - theirs[pair.aspect]

    return {
        "group": pair.group,
        "criterion": pair.aspect,
        "language": pair.language,
        "longer": len(head) > len(base),
        **{way: margin(way) for way in WAYS},
    }


def report(rows: Sequence[Row], verdict: Callable[[Row, float], Verdict]) -> Finding:
    """The table of the ways.

    :param verdict: what is said of a row at a margin.
    """
    lines: list[tuple[str, ...]] = []
    figures: dict[str, Any] = {}
    bars = []
    for way in (*WAYS, "the longer side"):
        own = rows if way not in WAYS else [row for row in rows if row[way] is not None]
        own = [row for row in own if row["whole"] is not None]
        if not own:
            continue
        groups = [row["group"] for row in own]

        def margin(row: Row, way: str = way) -> float:
            return float(row[way] if way in WAYS else (1 if row["longer"] else -1))

        right = mean([float(margin(row) > 0) for row in own], groups)
        same = mean([float((margin(row) > 0) == (row["whole"] > 0)) for row in own], groups)
        told: dict[str, Any] = {"n": len(own), "right": right.to_json(), "as_whole": same.to_json()}
        cells = [way, str(len(own)), str(right), str(same)]
        if way in WAYS:
            said = _verdicts(own, way, verdict)
            told |= said
            cells += [f"{said['verdicts']}", f"{said['right_verdicts']}", f"{said['opposite']}"]
        else:
            cells += ["-", "-", "-"]
        figures[way] = told
        lines.append(tuple(cells))
        bars.append(Bar(way, (same.value,), (same.low, same.high)))
    columns = ("read", "pairs", "prefers chosen", "as the whole", "verdicts", "right", "against it")
    return Finding(
        "Whether a window of half a function is judged as the whole is",
        {"ways": figures},
        Table(columns, tuple(lines)),
        [
            "95 % intervals over repositories",
            "verdicts: confident ones; right: those for the chosen side; against it: those "
            "that are the opposite of the whole's",
        ],
        bar_chart("The same side preferred as in the whole", bars, limit=1.0),
    )


def _verdicts(
    rows: Sequence[Row], way: str, verdict: Callable[[Row, float], Verdict]
) -> dict[str, int]:
    pairs = [(verdict(row, row[way]), verdict(row, row["whole"])) for row in rows]
    spoken = [each for each in pairs if each[0] is not Verdict.UNSURE]
    return {
        "verdicts": len(spoken),
        "right_verdicts": sum(ours is Verdict.BETTER for ours, _ in spoken),
        "shared": sum(ours is theirs for ours, theirs in spoken),
        "opposite": sum(theirs not in (ours, Verdict.UNSURE) for ours, theirs in spoken),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pairs", type=Path, help="held-out pairs, .jsonl or .jsonl.zst")
    parser.add_argument("--model", type=Path, help="a bundle; else the one that ships")
    parser.add_argument("--count", type=int, default=100, help="pairs to read")
    parser.add_argument("--shortest", type=int, default=2000, help="characters of the longer side")
    parser.add_argument("--longest", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="a .jsonl file that keeps what was read")
    add_out(parser)
    asked = parser.parse_args(arguments)
    bundle = load_bundle(asked.model or default_bundle_path())
    calibration = Calibration.from_json(bundle.calibration_json)
    scorer = Scorer(bundle, Engine(bundle, threads=asked.threads))
    pairs = chosen_pairs(
        list(read_pairs(asked.pairs)), shortest=asked.shortest, longest=asked.longest
    )

    def verdict(row: Row, margin: float) -> Verdict:
        preference = calibration.preference(row["criterion"], margin, row["language"])
        return calibration.verdict(row["criterion"], preference, row["language"])

    rows = measured(islice(pairs, asked.count), scorer, asked.rows)
    tell(report(rows, verdict), "benchmarks.windows", asked.out)


if __name__ == "__main__":
    main()
