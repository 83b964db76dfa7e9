"""report.md: an evaluation for people. All numbers come from metrics.json's own objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from review_core.metrics import Estimate
from training.evaluation.benchmark import Published
from training.evaluation.lists import HITS, Ranking
from training.evaluation.tables import LONGER, RANDOM, Evaluation, Row
from training.evaluation.verdicts import VerdictCounts

_TITLES: Mapping[str, str] = {
    "aspect": "By aspect",
    "fine_aspect": "By fine aspect",
    "language": "By language",
    "source_kind": "By kind of source",
    "commits_by_aspect": "Commits alone, by aspect",
    "commits_by_language": "Commits alone, by language",
    "subset": "By subset",
}
_LEGEND = """\
Chosen must score strictly higher. *LBA*, length-balanced accuracy: within each aspect the mean of
the accuracy where the better side is longer and where it is shorter, then the mean over aspects; a
coin, "longer wins" and "shorter wins" score .500. Accuracy has "longer wins" beside it; a coin
scores .500. Brackets: 95 % intervals, bootstrap over repositories; none where there is one
repository. *ECE*: 15 bins of equal count; after it, what a perfectly calibrated model of that
confidence would measure on as many pairs: the mean, and what one in 20 exceeds."""
_RANKING_LEGEND = """\
Hits@k: prompts with a right response among the first k, of those that have one; MRR: mean of 1 /
rank of the first right one; rank correlations of reward and score, over prompts where both vary. Of
equal rewards the wrong responses come first; random is exact. Brackets: 95 %, bootstrap over the
prompts' sources."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says.

    calibrated: whether preferences come from a fitted calibration. published: figures that may
    stand beside these, with the aspects that are whole.
    """

    model: str
    records: Sequence[str]
    calibrated: bool
    evaluation: Evaluation | None
    verdicts: Mapping[str, VerdictCounts]
    neutral_flagged: tuple[int, int]
    rankings: Mapping[str, Mapping[str, Ranking]]
    published: tuple[Published, tuple[str, ...]] | None
    pictures: Sequence[str]

    def to_markdown(self) -> str:
        """The whole text."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"# {self.model} on {', '.join(self.records)}"
        if self.evaluation is not None:
            yield from self._pairs(self.evaluation)
        for name, rows in self.rankings.items():
            yield from ("", f"## Re-ranking: {name}", "")
            yield from _ranking_table(rows)
            yield from ("", _RANKING_LEGEND)

    def _pairs(self, evaluation: Evaluation) -> Iterator[str]:
        whole = evaluation.overall
        yield from ("", f"{whole.metrics.n} pairs{_left_out(evaluation)}.", "", _LEGEND)
        if not self.calibrated:
            yield "The model is not calibrated: its confidence is the sigmoid of the margin."
        yield from ("", *_rows_table({"all": whole}))
        if self.published is not None:
            yield from ("", *_published_table(self.model, evaluation, *self.published))
        for name, rows in evaluation.tables.items():
            yield from ("", f"## {_TITLES[name]}", "", *_rows_table(rows))
        if self.verdicts:
            yield from ("", "## Verdicts", "", *self._verdict_table())
        yield from ("", "## Pictures", "")
        yield from (f"![{name.removesuffix('.svg')}]({name})\n" for name in self.pictures)

    def _verdict_table(self) -> Iterator[str]:
        yield from _header("criterion", "pairs", "verdicts", "right", "neutral edits called worse")
        for name, each in self.verdicts.items():
            about = each.to_json()
            right = _interval(about["precision"], about["precision_low"], about["precision_high"])
            quiet = f"{_number(about['neutral_called_worse'], 4)} of {each.neutral}"
            yield _line(_plain(name), each.pairs, each.given, right, quiet)
        flagged, readings = self.neutral_flagged
        if readings:
            share = _number(flagged / readings, 4)
            yield f"\nNeutral edits called worse by any criterion: {share} of {readings} readings."
        yield (
            "\nRight: Wilson intervals. If thresholds were chosen on these pairs, this is kind to "
            "the model: calibrate states what they do on repositories they were not chosen on."
        )


def _left_out(evaluation: Evaluation) -> str:
    reasons = (
        (evaluation.unscored, "too long to score"),
        (evaluation.unasked, "of an aspect the model does not answer"),
        (evaluation.neutral, "without a better side (neutral edits)"),
    )
    return "".join(f"; {count} {reason}" for count, reason in reasons if count)


def _rows_table(rows: Mapping[str, Row]) -> Iterator[str]:
    beside = list(dict.fromkeys(name for row in rows.values() for name in row.beside))
    yield from _header(
        "",
        "pairs",
        "accuracy",
        "LBA",
        RANDOM,
        f'"{LONGER}"',
        *(f"{_plain(name)}: accuracy / LBA" for name in beside),
        *(f"LBA gained over {_plain(name)}" for name in beside),
        "ECE (floor)",
        "surest 75 / 50 / 25 %",
    )
    for name, row in rows.items():
        yield _line(_plain(name), *_row_cells(row, beside))


def _row_cells(row: Row, beside: Sequence[str]) -> Iterator[str]:
    metrics = row.metrics
    yield str(metrics.n)
    yield _estimate(metrics.pairwise_accuracy)
    yield _estimate(metrics.length_balanced_accuracy)
    yield ".500 / .500"
    yield f"{_number(metrics.size_only_baseline)} / .500"
    found = [row.beside.get(name) for name in beside]
    for each in found:
        yield (
            "-"
            if each is None
            else f"{_number(each.metrics.pairwise_accuracy.value)} / "
            f"{_number(each.metrics.length_balanced_accuracy.value)}"
            f"{'' if each.metrics.n == metrics.n else f' (of {each.metrics.n})'}"
        )
    for each in found:
        yield "-" if each is None else _estimate(each.gain.length_balanced_accuracy, sign=True)
    floor = row.floor and f" ({_number(row.floor.mean)}, {_number(row.floor.high)})"
    yield f"{_number(metrics.calibration_error)}{floor or ''}"
    at = dict(metrics.accuracy_at_coverage)
    yield " / ".join(_number(at.get(share)) for share in (0.75, 0.5, 0.25))


def _published_table(
    model: str, evaluation: Evaluation, published: Published, whole: Sequence[str]
) -> Iterator[str]:
    yield f"This is Themis-CodeRewardBench. Published accuracy beside ours; {published.source}."
    yield ""
    yield from _header("model", *map(_plain, whole))
    rows = {**evaluation.tables["aspect"], "all": evaluation.overall}
    yield _line(f"**{model}**", *(_estimate(rows[key].metrics.pairwise_accuracy) for key in whole))
    for name, figures in published.models.items():
        yield _line(name, *(_number(figures.get(key)) for key in whole))


def _ranking_table(rows: Mapping[str, Ranking]) -> Iterator[str]:
    hits = [f"Hits@{k}" for k in HITS]
    yield from _header("ranked by", "prompts", "answerable", *hits, "MRR", "Spearman", "Kendall")
    for name, each in rows.items():
        shares = [*each.hits.values(), each.mrr, each.spearman, each.kendall]
        yield _line(name, each.prompts, each.answerable, *map(_estimate, shares))


def _header(*cells: str) -> Iterator[str]:
    yield _line(*cells)
    yield _line(*("---" if at == 0 else "---:" for at in range(len(cells))))


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _estimate(estimate: Estimate, *, sign: bool = False) -> str:
    as_text: Callable[[float | None], str] = _signed if sign else _number
    value = as_text(estimate.value)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{as_text(estimate.low)}, {as_text(estimate.high)}]"


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    return _estimate(Estimate(value, low, high))


def _number(value: float | None, decimals: int = 3) -> str:
    """`.713`; a hyphen where nothing can be said."""
    if value is None:
        return "-"
    text = f"{abs(value):.{decimals}f}".removeprefix("0")
    return f"-{text}" if value < 0 and float(text) else text


def _signed(value: float | None) -> str:
    text = _number(value)
    return text if value is None or text.startswith("-") else f"+{text}"


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("|", "/")
