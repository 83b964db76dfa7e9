"""One evaluation: scores (or reads what was scored), counts, writes the report and its numbers."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from review_core.calibration import Calibration
from review_core.errors import InputError
from review_core.records import PreferencePair
from training.evaluation import charts
from training.evaluation.benchmark import Published, first_record, read_records
from training.evaluation.lists import (
    Ranking,
    ResponseList,
    holds_lists,
    list_rewards,
    rank,
    rank_at_random,
    rank_by_length,
    read_lists,
)
from training.evaluation.margins import ScoredPair, score_pairs
from training.evaluation.report import Report
from training.evaluation.scorers import (
    Opened,
    open_model,
    plain_calibration,
    torch_device,
    weights_hash,
)
from training.evaluation.settings import EvaluateSettings
from training.evaluation.tables import RANDOM, Contender, Evaluation, evaluate_pairs
from training.evaluation.verdicts import VerdictCounts, any_neutral_flagged, count_verdicts
from training.settings import write_settings

log = logging.getLogger(__name__)
METRICS, REPORT, MARGINS = "metrics.json", "report.md", "margins.jsonl.zst"
LIKELIHOOD = "likelihood"


def evaluate(
    out: Path, model: Path, records: Sequence[Path], settings: EvaluateSettings
) -> dict[str, Any]:
    """Measure a model and write report.md, metrics.json, margins and pictures into `out`.

    :return: what metrics.json says.
    :raises ThemisError: if the model, a record file or what `out` holds cannot be used.
    """
    pairs, lists = _read(records)
    opened = open_model(model, settings.scoring)
    calibration = _calibration(settings.calibration, opened)
    out.mkdir(parents=True, exist_ok=True)
    evaluation, scored = None, list[ScoredPair]()
    if pairs:
        scored = score_pairs(out / MARGINS, pairs, opened.scorer, opened.identity)
        ours = Contender(opened.name, scored, calibration)
        evaluation = evaluate_pairs(ours, _contenders(out, pairs, scored, opened, settings))
        _check_asked(evaluation, opened, scored)
    calibrated = opened.calibrated or settings.calibration is not None
    verdicts = _verdicts(scored, calibration) if calibrated else {}
    report = Report(
        model=opened.name,
        records=[path.name for path in records],
        calibrated=calibrated,
        evaluation=evaluation,
        verdicts=verdicts,
        neutral_flagged=any_neutral_flagged(scored, calibration, list(opened.scorer.criteria)),
        rankings=_rankings(out, lists, opened, settings),
        published=_published(scored),
        pictures=_pictures(out, evaluation),
    )
    made = _metrics(report, opened)
    (out / METRICS).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    (out / REPORT).write_text(report.to_markdown(), encoding="utf-8")
    write_settings(out, "evaluate", settings, model=model, records=list(records))
    return made


def _read(
    records: Sequence[Path],
) -> tuple[list[PreferencePair], dict[str, list[ResponseList]]]:
    """All pairs, and the lists by the name of their file."""
    pairs: list[PreferencePair] = []
    lists: dict[str, list[ResponseList]] = {}
    for path in records:
        if holds_lists(first_record(path)):
            lists[path.name] = list(read_lists(path))
        else:
            pairs += read_records(path)
    if not pairs and not any(lists.values()):
        raise InputError("the record files are empty; name files of pairs or of lists")
    return pairs, lists


def _calibration(path: Path | None, opened: Opened) -> Calibration:
    if path is None:
        return opened.calibration
    try:
        return Calibration.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is no calibration ({error}); make one with themis-train calibrate"
        ) from error


def _contenders(
    out: Path,
    pairs: Sequence[PreferencePair],
    scored: Sequence[ScoredPair],
    model: Opened,
    settings: EvaluateSettings,
) -> list[Contender]:
    found: list[Contender] = []
    for path in settings.compare:
        other = open_model(path, settings.scoring)
        name = _free_name(other.name, [model.name, *(each.name for each in found)])
        file = out / f"margins-{other.identity[:12]}.jsonl.zst"
        theirs = score_pairs(file, pairs, other.scorer, other.identity)
        found.append(Contender(name, theirs, other.calibration))
    if settings.likelihood is not None:
        found.append(_likelihood(out, pairs, scored, model, settings, settings.likelihood))
    return found


def _likelihood(
    out: Path,
    pairs: Sequence[PreferencePair],
    scored: Sequence[ScoredPair],
    model: Opened,
    settings: EvaluateSettings,
    folder: Path,
) -> Contender:
    """The baseline's margins, None for pairs that are not in the sample."""
    scorer = _likelihood_scorer(model, settings, folder)
    identity = _likelihood_identity(settings, folder)
    count = min(settings.likelihood_pairs or len(pairs), len(pairs))
    sample = sorted(random.Random(0).sample(range(len(pairs)), count))
    file = out / f"margins-{LIKELIHOOD}-{count}.jsonl.zst"
    measured = score_pairs(file, [pairs[index] for index in sample], scorer, identity)
    theirs = [replace(pair, margins=None) for pair in scored]
    for index, pair in zip(sample, measured, strict=True):
        theirs[index] = pair
    return Contender(LIKELIHOOD, theirs, plain_calibration(model.scorer.criteria))


def _likelihood_identity(settings: EvaluateSettings, folder: Path) -> str:
    return f"{weights_hash(folder)} {settings.dtype} {settings.likelihood_tokens}"


def _likelihood_scorer(model: Opened, settings: EvaluateSettings, folder: Path) -> Any:
    import torch

    from training.evaluation.likelihood import LikelihoodScorer

    return LikelihoodScorer(
        folder,
        model.scorer.criteria,
        dtype=getattr(torch, settings.dtype),
        device=torch_device(settings.device),
        batch_tokens=settings.batch_tokens,
        max_tokens=settings.likelihood_tokens,
    )


def _free_name(name: str, taken: Sequence[str]) -> str:
    """The name, or one that says which of several it is."""
    if name not in taken:
        return name
    return next(f"{name} ({n})" for n in range(2, len(taken) + 3) if f"{name} ({n})" not in taken)


def _check_asked(evaluation: Evaluation, opened: Opened, scored: Sequence[ScoredPair]) -> None:
    if not evaluation.overall.metrics.n and evaluation.unasked:
        named = sorted({pair.aspect for pair in scored})[:5]
        raise InputError(
            f"{opened.name} answers none of the aspects in the records ({', '.join(named)}); "
            f"it knows {', '.join(opened.scorer.criteria)}"
        )


def _verdicts(scored: Sequence[ScoredPair], calibration: Calibration) -> dict[str, VerdictCounts]:
    found = {key: count_verdicts(scored, calibration, key) for key in calibration.criteria}
    return {key: each for key, each in found.items() if each.pairs}


def _rankings(
    out: Path,
    lists: Mapping[str, Sequence[ResponseList]],
    model: Opened,
    settings: EvaluateSettings,
) -> dict[str, dict[str, Ranking]]:
    if not lists:
        return {}
    scorers = {model.name: (model.scorer, model.identity)}
    if settings.likelihood is not None:
        scorer = _likelihood_scorer(model, settings, settings.likelihood)
        scorers[LIKELIHOOD] = scorer, _likelihood_identity(settings, settings.likelihood)
    found: dict[str, dict[str, Ranking]] = {}
    for name, all_lists in lists.items():
        rewards = {
            who: list_rewards(
                out / f"rewards-{name.split('.')[0]}-{identity[:12]}.jsonl",
                all_lists,
                scorer,
                identity,
                _progress(f"{name}, {who}"),
            )
            for who, (scorer, identity) in scorers.items()
        }
        kept = [
            at
            for at in range(len(all_lists))
            if all(given[at] is not None for given in rewards.values())
        ]
        if len(kept) < len(all_lists):
            log.info("%s: %d of %d lists scored", name, len(kept), len(all_lists))
        if not kept:
            raise InputError(
                f"{name} has no list that {model.name} can score; it answers "
                f"{', '.join(model.scorer.criteria)}"
            )
        some = [all_lists[at] for at in kept]
        found[name] = {
            who: rank(some, [each for at in kept if (each := given[at]) is not None])
            for who, given in rewards.items()
        } | {"longest first": rank_by_length(some), RANDOM: rank_at_random(some)}
    return found


def _progress(what: str) -> Any:
    def report(done: int, count: int) -> None:
        if done % 20 == 0 or done == count:
            log.info("%s: %d of %d lists", what, done, count)

    return report


def _published(scored: Sequence[ScoredPair]) -> tuple[Published, tuple[str, ...]] | None:
    published = Published.read()
    whole = published.complete(scored)
    return (published, whole) if whole else None


def _pictures(out: Path, evaluation: Evaluation | None) -> list[str]:
    if evaluation is None:
        return []
    coarse = [
        outcome for key in evaluation.tables["aspect"] for outcome in evaluation.outcomes[key]
    ]
    return charts.draw(out, coarse, evaluation.outcomes)


def _metrics(report: Report, opened: Opened) -> dict[str, Any]:
    made: dict[str, Any] = {
        "format": 1,
        "model": {"name": opened.name, "identity": opened.identity},
        "records": list(report.records),
        "calibrated": report.calibrated,
    }
    if report.evaluation is not None:
        evaluation = report.evaluation
        made |= {
            "overall": evaluation.overall.to_json(),
            "unscored": evaluation.unscored,
            "unasked": evaluation.unasked,
            "neutral": evaluation.neutral,
            "tables": {
                name: {key: row.to_json() for key, row in rows.items()}
                for name, rows in evaluation.tables.items()
            },
            "verdicts": {key: each.to_json() for key, each in report.verdicts.items()},
            "neutral_readings_flagged": list(report.neutral_flagged),
        }
    if report.published is not None:
        published, whole = report.published
        made["published"] = {
            "source": published.source,
            "models": {
                name: {key: figures[key] for key in whole if key in figures}
                for name, figures in published.models.items()
            },
        }
    if report.rankings:
        made["rankings"] = {
            name: {who: each.to_json() for who, each in rows.items()}
            for name, rows in report.rankings.items()
        }
    return made
