"""scripts/train-default, rehearsed: the whole road of a GPU at tiny size."""

from __future__ import annotations

import json
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
import torch

from review_core.bundle import load_bundle

SCRIPT = Path(__file__).parents[2] / "scripts" / "train-default"


@pytest.fixture(scope="module")
def script() -> Any:
    """The script as a module: run in this process, it imports torch no second time."""
    loader = SourceFileLoader("train_default", str(SCRIPT))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[loader.name] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


def test_the_road_leads_from_a_base_to_a_sound_bundle_and_is_walked_once(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """First no time at all, so nothing is done; then a teacher, two depths with the first seed and
    the better one with the second, and the best of the three as a bundle; then nothing is left.
    """
    torch.set_num_threads(1)
    road = [str(tmp_path / "road"), "--rehearse"]
    assert script.main([*road, "--minutes", "0"]) == 75
    assert "time is up before base" in capsys.readouterr().err
    assert script.main(road) == 0
    out, said = capsys.readouterr()
    assert "is sound" in out
    assert said.count("--- themis-train fit") == 4
    made = tmp_path / "road"
    choice = json.loads((made / "choice.json").read_text())
    found = {name: figures["lba"] for name, figures in choice["students"].items()}
    assert len(found) == 3
    assert found[choice["chosen"]] == max(found.values())
    assert load_bundle(made / "bundle").identity.name == choice["chosen"]
    taught = (made / "margins.jsonl").read_text().splitlines()
    assert len(taught) == 36 + 8
    assert script.main(road) == 0
    assert "---" not in capsys.readouterr().err


def test_a_step_that_fails_ends_the_road_with_its_code(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.jsonl")
    given = [str(tmp_path / "road"), "--base", str(tmp_path), "--train", missing]
    assert script.main([*given, "--held-out", missing]) == 2
    assert "neutral failed; mend it and run again" in capsys.readouterr().err
