"""`themis review` of a new function in a repository that wants it compared with its others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from git_repository import GitRepository
from jsonschema import Draft202012Validator

from review_core.percentile import CAVEAT

Themis = Callable[..., subprocess.CompletedProcess[str]]
SCHEMA = Path(__file__).parents[2] / "review_core" / "schemas" / "report.schema.json"


@pytest.fixture
def shop(repository: GitRepository) -> GitRepository:
    """Forty functions in ten files, and a new one that is not committed."""
    for number in range(10):
        functions = (f"def f{number}_{at}(x):\n    return x + {at}\n" for at in range(4))
        repository.write(f"m{number}.py", "\n\n".join(functions))
    repository.write(".themis.toml", "compare_new_functions = 40\n")
    repository.commit("Start")
    repository.write("new.py", "def fresh(x):\n    return x * x\n")
    return repository


def report(themis: Themis, *arguments: str) -> Any:
    done = themis("review", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def fresh(document: Any) -> Any:
    return next(each for each in document["functions"] if each["name"] == "fresh")


def test_a_new_function_is_placed_among_those_of_the_base_and_the_second_time_from_the_cache(
    themis: Themis, shop: GitRepository
) -> None:
    there = ("-C", str(shop.path))
    first = report(themis, *there)
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(first)
    standings = fresh(first)["standings"]
    assert standings and {each["among"] for each in standings} == {40}
    assert fresh(first)["axes"] == {}
    assert CAVEAT in first["notices"]
    again = report(themis, *there)
    assert fresh(again)["standings"] == standings
    assert again["stats"]["tokens_computed"] == 0 < first["stats"]["tokens_computed"]
    page = themis("review", *there).stdout
    assert "of 40 functions of its size here on" in " ".join(page.split())


def test_nothing_is_compared_unasked_and_none_of_a_patch(
    themis: Themis, shop: GitRepository
) -> None:
    there = ("-C", str(shop.path))
    shop.git("add", "--all")
    patch = shop.path.parent / "new.patch"
    patch.write_text(shop.git("diff", "--cached") + "\n", encoding="utf-8")
    shop.git("reset", "--quiet")
    (shop.path / "new.py").unlink()
    assert fresh(report(themis, *there, "--patch", str(patch)))["standings"] == []
    shop.write("new.py", "def fresh(x):\n    return x * x\n")
    (shop.path / ".themis.toml").unlink()
    found = report(themis, *there)
    assert fresh(found)["standings"] == []
    assert CAVEAT not in found["notices"]
