"""What a judge costs: how often it is asked, and what that takes beside the first model alone.

    python -m benchmarks.cascade --judge BUNDLE [--precision int8] [--bundle FIRST]
                                 [--functions 30] [--counted 300] [--out FILE]

The functions are real, those that commits of this repository changed last. How many of them are put
to the judge follows from the first model alone, by `judge.leaning_from`, and is counted on more of
them than the judge reads. Its cost depends on its shape and not on what its weights say, so that a
bundle with random weights stands in for one that cannot be had (`benchmarks.shape` makes one). Its
calibration is replaced by one that may speak and never does: nothing here says how good a cascade
is, and what its verdicts would cost further (honesty checks, causes) is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.changes import Edit, Source, add_source, edits
from benchmarks.measuring import alone, cost, peak_bytes
from benchmarks.report import Finding, Table, add_out, megabytes, seconds, tell
from benchmarks.rows import only
from review_core import margins
from review_core.api import review
from review_core.bundle import Description, default_bundle_path, describe_bundle, load_bundle
from review_core.cache import RewardCache
from review_core.calibration import Calibration, CriterionCalibration
from review_core.cascade import JudgeModel
from review_core.config import default_settings
from review_core.engine import Engine
from review_core.margins import Progress
from review_core.scorer import Scorer, ScoringStatistics
from review_core.types import Change, FileChange, Report
from training.pictures import Line, line_chart

LEANINGS = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85)
"""The values of `judge.leaning_from` at which cases are counted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a review took. leaning_from: None for the first model alone.

    tokens, judge_tokens: that went through the first and through the judge.
    """

    leaning_from: float | None
    asked: int
    tokens: int
    judge_tokens: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int | None


def change_of(chosen: Sequence[Edit]) -> Change:
    """The functions as a change, each in a file of its own."""
    files = (
        FileChange(f"{at}/{each.path}", f"{each.base}\n", f"{each.head}\n")
        for at, each in enumerate(chosen)
    )
    return Change("base", "head", tuple(files))


def silent_calibration(criteria: Sequence[str]) -> Calibration:
    """One that may give verdicts and is never sure enough to."""
    return Calibration(dict.fromkeys(criteria, CriterionCalibration(1.0, 0.0, 1.0)))


def counted(path: Path, judge: Path, chosen: Sequence[Edit]) -> dict[float, int]:
    """By `leaning_from`, how many of the functions are put to the judge. It is not opened."""
    with TemporaryDirectory() as folder:
        cache = RewardCache(Path(folder) / "rewards.sqlite")
        bundle = load_bundle(path)
        scorer = Scorer(bundle, Engine(bundle), cache)
        about = describe_bundle(judge)
        second = _judge(about, lambda: _Deaf(about))
        return {leaning: _asked(_reviewed(scorer, second, chosen, leaning)) for leaning in LEANINGS}


def reading(
    path: Path,
    judge: Path | None,
    precision: str,
    chosen: Sequence[Edit],
    leaning: float,
    threads: int,
) -> Reading:
    """A review with both models open before the clock runs; without a judge by the first alone."""
    bundle = load_bundle(path)
    scorer = Scorer(bundle, Engine(bundle, threads=threads))
    scorer.rewards(["def warm(up):\n    pass"])
    second = None
    if judge is not None:
        asked = only(load_bundle(judge), precision)
        opened = Scorer(asked, Engine(asked, threads=threads))
        opened.rewards(["def warm(up):\n    pass"])
        second = _judge(describe_bundle(judge), lambda: opened)
    with cost() as spent:
        report = _reviewed(scorer, second, chosen, leaning)
    told = report.statistics.judge
    return Reading(
        None if judge is None else leaning,
        _asked(report),
        report.statistics.tokens_computed,
        told.tokens_computed if told else 0,
        spent.seconds,
        spent.cpu_seconds,
        peak_bytes(),
    )


def _reviewed(
    scorer: Scorer,
    second: JudgeModel[margins.Scorer] | None,
    chosen: Sequence[Edit],
    leaning: float,
) -> Report:
    settings = default_settings()
    settings = replace(settings, judge=replace(settings.judge, leaning_from=leaning))
    calibration = Calibration.from_json(scorer.bundle.calibration_json)
    return review(change_of(chosen), scorer, calibration, settings, second=second)


def _asked(report: Report) -> int:
    return report.statistics.judge.functions if report.statistics.judge else 0


def _judge(about: Description, opened: Callable[[], margins.Scorer]) -> JudgeModel[margins.Scorer]:
    calibration = silent_calibration(tuple(about.manifest.criteria))
    return JudgeModel(about.identity, about.manifest, calibration, opened)


class _Deaf:
    """Stands for a judge where only what it is asked is of interest."""

    def __init__(self, about: Description) -> None:
        self.bundle = about
        self.statistics = ScoringStatistics()

    def rewards(
        self, codes: Sequence[str], *, intent: str = "", progress: Progress | None = None
    ) -> list[Mapping[str, float] | None]:
        return [dict.fromkeys(self.bundle.manifest.criteria, 0.0) for _ in codes]


def finding(
    names: tuple[str, str], counts: Mapping[float, int], of: int, read: Sequence[Reading], size: int
) -> Finding:
    """A row a review, and a curve of how often the judge is asked.

    :param counts: as `counted` gives them, of so many functions.
    :param size: functions that each review of `read` was of.
    """
    first = read[0].cpu_seconds
    rows = [
        {
            "leaning_from": each.leaning_from,
            "functions": size,
            "asked": each.asked,
            "tokens_computed": each.tokens,
            "judge_tokens_computed": each.judge_tokens,
            "seconds": round(each.seconds, 2),
            "cpu_seconds": round(each.cpu_seconds, 2),
            "times_the_first_alone": round(each.cpu_seconds / first, 2),
            "peak_mb": None if each.peak_bytes is None else round(each.peak_bytes / 1e6),
        }
        for each in read
    ]
    cells = tuple(
        (
            "the first alone" if each.leaning_from is None else f"judge from {each.leaning_from}",
            f"{each.asked} of {size}",
            f"{each.tokens:,}",
            f"{each.judge_tokens:,}",
            seconds(each.cpu_seconds),
            f"{each.cpu_seconds / first:.1f}",
            megabytes(each.peak_bytes),
        )
        for each in read
    )
    columns = (
        "review", "put to the judge", "tokens of the first", "tokens of the judge", "CPU seconds",
        "times the first alone", "MB at most",
    )  # fmt: skip
    shares = {leaning: count / of for leaning, count in counts.items()}
    told = ", ".join(f"{share:.0%} from {leaning}" for leaning, share in shares.items())
    notes = [
        f"the first model is {names[0]}, the judge has the shape of {names[1]}; what its weights "
        "say does not matter here and nothing is said of its quality",
        f"of {of} functions are put to the judge: {told}",
        "opening the models is left out; of the judge's verdicts there are none, so that honesty "
        "checks and causes by the judge are left out, too",
    ]
    title = "What a judge costs"
    picture = line_chart(
        "How often a judge is asked",
        [Line("share of changed functions", tuple(shares.items()))],
        x_label="judge.leaning_from",
        y_label="share of changed functions that are put to the judge",
        y_range=(0.0, 1.0),
    )
    figures = {
        "first": names[0],
        "judge": names[1],
        "counted": of,
        "share_asked": {str(leaning): round(share, 4) for leaning, share in shares.items()},
        "rows": rows,
    }
    return Finding(title, figures, Table(columns, cells), notes, picture)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--judge", type=Path, required=True, help="a bundle of the shape to measure"
    )
    parser.add_argument("--precision", help="its graph to run; default: its first")
    parser.add_argument("--bundle", type=Path, help="the first; default: the one that ships")
    parser.add_argument("--functions", type=int, default=30, help="that are reviewed")
    parser.add_argument("--counted", type=int, default=300, help="of which cases are counted")
    parser.add_argument("--leaning", default="0.5,0.7,0.8", help="values that are reviewed at")
    parser.add_argument("--threads", type=int, default=0, help="0 for one a physical core")
    add_source(parser)
    add_out(parser)
    given = parser.parse_args()
    path = given.bundle or default_bundle_path()
    about = describe_bundle(given.judge)
    precision = given.precision or about.manifest.variants[0].precision
    every = edits(Source.of(given), max(given.counted, given.functions))
    chosen = every[: given.functions]
    read = [alone(reading, path, None, precision, chosen, 0.5, given.threads)]
    for leaning in map(float, given.leaning.split(",")):
        read.append(alone(reading, path, given.judge, precision, chosen, leaning, given.threads))
    counts = alone(counted, path, given.judge, every[: given.counted])
    names = describe_bundle(path).identity.name, f"{about.identity.name}, {precision}"
    found = finding(names, counts, len(every[: given.counted]), read, len(chosen))
    tell(found, "benchmarks.cascade", given.out)


if __name__ == "__main__":
    main()
