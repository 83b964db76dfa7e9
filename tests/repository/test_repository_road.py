"""The small road from pairs to a bundle is open, and the pairs it starts from are sound."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from review_core.languages import language_named
from review_core.records import PreferencePair, read_pairs
from review_core.syntax import parse

ROOT = Path(__file__).parents[2]
PAIRS = ROOT / "examples" / "pairs"
ALL = [pair for name in ("train", "dev") for pair in read_pairs(PAIRS / f"{name}.jsonl")]


def test_held_out_pairs_are_not_trained_on_and_ask_the_same_questions() -> None:
    train, held_out = (list(read_pairs(PAIRS / f"{name}.jsonl")) for name in ("train", "dev"))
    assert not {pair.input for pair in train} & {pair.input for pair in held_out}
    for field in ("aspect", "fine_aspect"):
        assert {getattr(pair, field) for pair in train} == {
            getattr(pair, field) for pair in held_out
        }


def test_length_does_not_give_the_better_side_away() -> None:
    """Neither direction has more than two thirds of any aspect."""
    aspects = Counter(pair.aspect for pair in ALL)
    longer = Counter(pair.aspect for pair in ALL if len(pair.chosen) > len(pair.rejected))
    for aspect, count in aspects.items():
        assert count / 3 <= longer[aspect] <= 2 * count / 3, aspect


@pytest.mark.parametrize("pair", ALL, ids=lambda pair: str(pair.idx))
def test_both_sides_of_a_pair_are_code(pair: PreferencePair) -> None:
    language = language_named(pair.language)
    assert language is not None
    assert pair.chosen != pair.rejected
    assert not parse(pair.chosen, language).has_error
    assert not parse(pair.rejected, language).has_error


def test_the_road_from_pairs_to_a_review_is_open(tmp_path: Path) -> None:
    """Real programs, a real repository and a real model of two layers; two minutes, most of them
    importing torch.
    """
    made = tmp_path / "small"
    road = [ROOT / "scripts" / "train-small", Path(sys.executable).parent, made]
    walked = subprocess.run(road, cwd=ROOT, capture_output=True, text=True, check=False)
    assert walked.returncode == 0, walked.stderr
    assert "is sound" in walked.stdout
    assert "11 changed functions" in walked.stdout
    assert "no findings" in walked.stdout

    mined = json.loads((made / "mined" / "stats.json").read_text(encoding="utf-8"))
    assert mined["commits"] == mined["with_pairs"] + sum(mined["dropped"].values()) == 4
    kinds = {pair.subset for pair in read_pairs(made / "prepared" / "train.jsonl.zst")}
    assert {"NEUTRAL", "INJECTED"} <= {(kind or "").partition("/")[0] for kind in kinds}
    assert len((made / "checkpoint" / "log.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    report = (made / "figures" / "report.md").read_text(encoding="utf-8")
    for baseline in ("random", '"longer wins"', "likelihood", "heads"):
        assert f"| {baseline}" in report

    calibration = json.loads((made / "bundle" / "calibration.json").read_text(encoding="utf-8"))
    assert {each["worse_at"] for each in calibration["criteria"].values()} == {None}

    again = subprocess.run(road, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "remove it" in again.stderr
