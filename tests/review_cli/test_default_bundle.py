"""The bundle that ships, through the command that ships it, on the demo change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "models" / "default"
DEMO = ROOT / "examples" / "demo"

pytestmark = pytest.mark.bundle


def themis(*arguments: str, cache: Path, cwd: Path = DEMO) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "review_cli", *arguments],
        cwd=cwd,
        env=os.environ | {"THEMIS_MODEL": str(BUNDLE), "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_verifies(tmp_path: Path) -> None:
    run = themis("model", "verify", cache=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


def test_it_serves_the_five_axes_and_says_when_it_speaks(tmp_path: Path) -> None:
    run = themis("model", "info", cache=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    for axis in ("correctness", "efficiency", "readability", "security", "maintainability"):
        assert f"\n  {axis} " in run.stdout


def test_the_demo_is_reviewed_and_says_the_same_again_on_other_threads(tmp_path: Path) -> None:
    runs = [
        themis("review", "base", "head", "--format", "json", *options, cache=tmp_path)
        for options in ((), (), ("--no-cache", "--threads", "1"))
    ]
    assert {run.returncode for run in runs} == {0}, runs[0].stderr
    texts = [run.stdout[: run.stdout.index('"stats"')] for run in runs]
    assert texts[0] == texts[1] == texts[2]
    document = json.loads(runs[0].stdout)
    scored = [each for each in document["functions"] if each["axes"]]
    assert len(scored) >= 8
    assert {len(each["axes"]) for each in scored} == {5}


def test_a_baseline_withholds_what_was_accepted_and_no_gate_stops_at_it(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    here = partial(themis, cache=tmp_path / "cache", cwd=tmp_path / "demo")
    gate = ("review", "base", "head", "--fail-on", "correctness")
    assert here(*gate).returncode == 1
    written = here("baseline", "write", "base", "head")
    assert (written.returncode, written.stdout) == (0, ".themis-baseline.json: 1 finding\n")
    again = here(*gate, "--format", "json")
    assert again.returncode == 0
    assert [each["reason"] for each in json.loads(again.stdout)["withheld"]] == ["in the baseline"]
