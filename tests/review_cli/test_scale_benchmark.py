"""The benchmark of large changes at a size that takes seconds: what it makes, what it tells."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tools import ROOT

from review_core.languages import language_named
from review_core.sources.git import git_change

MAKE = """
import sys
from pathlib import Path
from benchmarks.large_repository import make_repository
made = make_repository(Path(sys.argv[1]), 400, [10], sources=80)
assert made.pulls == {"pull-10": 10}, made
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def repository_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "repository"
    run("-c", MAKE, folder)
    return folder


@pytest.fixture(scope="module")
def found(repository_made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("out") / "scale.json"
    small = ["--functions", "10", "--real", "0", "--repository", str(repository_made)]
    run("-m", "benchmarks.scale", *small, "--out", out)
    assert out.with_suffix(".svg").read_text("utf-8").startswith("<svg")
    result: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return result


def test_a_pull_request_has_real_functions_and_all_that_pulls_have_besides(
    repository_made: Path,
) -> None:
    change = git_change(repository_made, "main...pull-10")
    assert 2 <= len(change.files) <= 10
    assert any(each.base_path for each in change.files), "none was renamed"
    reasons = " ".join(each.reason for each in change.skipped)
    for what in ("larger than", "vendored", "generated", "symbolic link", "not a language"):
        assert what in reasons, what


def test_each_step_is_measured_for_each_size(found: dict[str, Any]) -> None:
    (pull,) = found["pulls"]
    assert pull["functions"] >= 8
    assert pull["peak_bytes"] > 10_000_000
    assert set(pull["cpu_seconds"]) >= {"git", "cutting", "tokens", "judging", "html", "sarif"}
    assert all(each > 0 for each in pull["characters"].values())
    assert found["files"] == 400
    assert found["repository"].keys() >= {"git status", "one text, for an editor"}


def test_an_edited_file_still_parses(repository_made: Path) -> None:
    from benchmarks.large_repository import Source, edited
    from review_core.syntax import parse

    python = language_named("Python")
    assert python is not None
    text = Path(__file__).read_text("utf-8")
    changed, count = edited(Source(text, ".py", python), 3, random.Random(1))
    assert count == 3
    assert changed != text
    assert not parse(changed, python).has_error
