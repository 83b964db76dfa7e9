"""A cascade of two real models: opened late, refused early, one number whatever the change."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cascades import LEANS, Pair, cascade
from tiny_models import recalibrated

from benchmarks.cascade import LEANINGS, counted, finding, reading
from benchmarks.changes import Edit
from review_core.api import review
from review_core.bundle import describe_bundle
from review_core.cascade import DISAGREES
from review_core.config import Settings, default_settings
from review_core.errors import BundleError, ConfigurationError, ThemisError
from review_core.loading import load_judge, load_scorer
from review_core.types import Change, FileChange, Report, Verdict

__all__ = ["cascade"]


def settings_of(pair: Pair) -> Settings:
    settings = default_settings()
    return replace(
        settings,
        model=pair.model,
        threads=1,
        honesty_check=False,
        cache=replace(settings.cache, enabled=False),
        judge=replace(settings.judge, model=pair.judge),
    )


def changes(count: int) -> list[FileChange]:
    return [
        FileChange(
            f"m{at}.py",
            f"def f{at}(x):\n    return x + {at}\n",
            f"def f{at}(x):\n    y = x * {at}\n    return y + load({at})\n",
        )
        for at in range(count)
    ]


def reviewed(pair: Pair, *files: FileChange) -> Report:
    settings = settings_of(pair)
    scorer, calibration = load_scorer(settings)
    judge = load_judge(settings, scorer.bundle, calibration)
    return review(Change("b", "h", files), scorer, calibration, settings, second=judge)


def test_a_function_alone_and_among_forty_gets_the_same_word(cascade: Pair) -> None:
    files = changes(40)
    settings = settings_of(cascade)
    scorer, calibration = load_scorer(settings)
    judge = load_judge(settings, scorer.bundle, calibration)

    def told(*asked: FileChange) -> Report:
        return review(Change("b", "h", asked), scorer, calibration, settings, second=judge)

    whole = told(*files)
    found = {each.id: each.preference for each in whole.findings}
    assert whole.statistics.judge is not None
    assert whole.statistics.judge.functions == 40
    for at in (0, 7, 39):
        (alone,) = told(files[at]).functions
        (among,) = [each for each in whole.functions if each.function.path == f"m{at}.py"]
        for axis, score in alone.scores.items():
            other = among.scores[axis]
            assert (score.verdict, score.why, score.by_judge) == (
                other.verdict,
                other.why,
                other.by_judge,
            )
            assert score.margin == pytest.approx(other.margin, abs=1e-5)
        assert {each.id for each in told(files[at]).findings} <= set(found)


def test_the_judge_decides_by_its_own_weights_unless_the_model_leans_against_it(
    cascade: Pair,
) -> None:
    """Both kinds occur: the weights are random and have nothing to do with one another."""
    files = changes(12)
    alone = reviewed(Pair(cascade.judge, cascade.model), *files)  # the judge as the only model
    first = reviewed(Pair(cascade.model, cascade.judge), *files)
    whys = set()
    for mine, theirs in zip(first.functions, alone.functions, strict=True):
        for axis, score in mine.scores.items():
            assert score.by_judge
            assert score.margin == pytest.approx(theirs.scores[axis].margin, abs=1e-5)
            whys.add(score.why)
            if score.why is None:
                assert score.verdict is theirs.scores[axis].verdict
    assert whys == {None, DISAGREES}
    assert {each.verdict for each in first.functions[0].scores.values()} <= set(Verdict)


def test_a_judge_that_is_not_asked_is_never_opened(cascade: Pair, tmp_path: Path) -> None:
    """Its graph is not even there."""
    folder = tmp_path / "judge"
    shutil.copytree(cascade.judge, folder)
    for graph in folder.glob("*.onnx*"):
        graph.unlink()
    layout = FileChange("a.py", "def f(x):\n    return x\n", "def f(x):\n\n    return x\n")
    report = reviewed(Pair(cascade.model, folder), layout)
    assert report.judge == describe_bundle(folder).identity
    with pytest.raises(BundleError, match=r"^the judge cannot be used: .* lacks model\.onnx"):
        reviewed(Pair(cascade.model, folder), *changes(1))


def test_a_judge_is_opened_once_for_many_reviews(cascade: Pair) -> None:
    settings = settings_of(cascade)
    scorer, calibration = load_scorer(settings)
    judge = load_judge(settings, scorer.bundle, calibration)
    assert judge is not None
    assert judge.open() is judge.open()


def test_no_judge_is_none(cascade: Pair) -> None:
    settings = settings_of(cascade)
    scorer, calibration = load_scorer(settings)
    alone = replace(settings, judge=default_settings().judge)
    assert load_judge(alone, scorer.bundle, calibration) is None


def _refused(pair: Pair) -> ThemisError:
    settings = settings_of(pair)
    scorer, calibration = load_scorer(settings)
    with pytest.raises(ThemisError) as error:
        load_judge(settings, scorer.bundle, calibration)
    assert "\n" not in str(error.value)
    return error.value


def test_a_judge_that_is_missing_or_damaged_is_said_before_anything_is_read(
    cascade: Pair, tmp_path: Path
) -> None:
    missing = _refused(Pair(cascade.model, tmp_path / "nowhere"))
    assert isinstance(missing, BundleError)
    assert str(missing).startswith("the judge cannot be used: no model bundle at ")
    assert "--judge or THEMIS_JUDGE" in str(missing)
    damaged = tmp_path / "damaged"
    shutil.copytree(cascade.judge, damaged)
    (damaged / "calibration.json").write_text("{}")
    assert "calibration.json is damaged" in str(_refused(Pair(cascade.model, damaged)))
    (damaged / "manifest.json").write_text("[]")
    assert "states no format" in str(_refused(Pair(cascade.model, damaged)))


def test_a_judge_that_is_replaced_before_it_is_opened_is_not_used(
    cascade: Pair, tmp_path: Path
) -> None:
    folder = tmp_path / "judge"
    shutil.copytree(cascade.judge, folder)
    settings = settings_of(Pair(cascade.model, folder))
    scorer, calibration = load_scorer(settings)
    judge = load_judge(settings, scorer.bundle, calibration)
    assert judge is not None
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"name": "another"}))
    with pytest.raises(BundleError, match="was replaced meanwhile"):
        judge.open()


def test_a_judge_that_adds_nothing_is_refused(cascade: Pair, tmp_path: Path) -> None:
    same = _refused(Pair(cascade.model, cascade.model))
    assert isinstance(same, ConfigurationError)
    assert str(same).startswith("the judge is the model itself, tiny-qwen2")
    never = {**LEANS, "worse_at": None, "better_at": None}
    mute = recalibrated(cascade.judge, tmp_path / "mute", never)
    assert "would never be asked" in str(_refused(Pair(cascade.model, mute)))


# --- what is measured of it -----------------------------------------------------------------------


def test_the_benchmark_counts_cases_without_the_judge_and_costs_with_it(cascade: Pair) -> None:
    """The first leans .8 on everything: all four are cases up to there, none from .85 on."""
    chosen = [
        Edit(each.path, "f", each.base or "", each.head or "", "an intent") for each in changes(4)
    ]
    counts = counted(cascade.model, cascade.judge, chosen)
    assert {leaning for leaning, count in counts.items() if count == 4} == {*LEANINGS} - {0.85}
    assert counts[0.85] == 0
    alone = reading(cascade.model, None, "fp32", chosen, 0.5, 1)
    both = reading(cascade.model, cascade.judge, "fp32", chosen, 0.5, 1)
    assert (alone.asked, alone.judge_tokens) == (0, 0)
    assert (both.asked, both.tokens) == (4, alone.tokens)
    assert both.judge_tokens > 0
    told = finding(("first", "judge"), counts, 4, [alone, both], 4)
    assert told.figures["share_asked"]["0.8"] == 1.0
    assert [row["leaning_from"] for row in told.figures["rows"]] == [None, 0.5]
