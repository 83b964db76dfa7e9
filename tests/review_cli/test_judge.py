"""`themis` with a judge, as a user runs it: two real (random) models in a process."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cascades import Pair, cascade

__all__ = ["cascade"]

Themis = Callable[..., subprocess.CompletedProcess[str]]

BASE = "".join(
    f"def f{at}(items):\n    amount = {at}\n    for item in items:\n        amount += item.price\n"
    "    return amount\n\n\n"
    for at in range(4)
)
HEAD = BASE.replace("amount += item.price", "amount = amount + item.price * item.count")
ONE = BASE.replace("amount += item.price", "amount = amount + item.price * item.count", 1)


@pytest.fixture
def shop(repository: Any) -> Any:
    repository.commit("Add carts", cart=BASE)
    repository.commit("Count the items", cart=HEAD)
    return repository


def document(run: subprocess.CompletedProcess[str]) -> Any:
    assert (run.returncode, run.stderr) == (0, "")
    return json.loads(run.stdout)


def test_a_review_with_a_judge_names_it_and_who_spoke(
    themis: Themis, shop: Any, cascade: Pair
) -> None:
    models = ("--model", cascade.model, "--judge", cascade.judge)
    told = document(themis("review", "HEAD", *models, "--format", "json", cwd=shop.path))
    schema = resources.files("review_core").joinpath("schemas/report.schema.json").read_text()
    jsonschema.validate(told, json.loads(schema))
    assert (told["bundle"]["name"], told["judge"]["name"]) == ("tiny-qwen2", "tiny-qwen3")
    assert told["stats"]["judge"]["functions"] == 4
    scores = [score for each in told["functions"] for score in each["axes"].values()]
    assert {score["by"] for score in scores} == {"judge"}
    assert any(score["verdict"] != "unsure" for score in scores)
    assert all(each["by"] == "judge" for each in told["findings"])
    page = themis("review", "HEAD", *models, cwd=shop.path)
    assert "model tiny-qwen2 (" in page.stdout
    assert "judge tiny-qwen3 (" in page.stdout
    assert "asked of 4 functions" in page.stdout


def test_environment_and_file_name_a_judge_as_the_option_does(
    themis: Themis, shop: Any, cascade: Pair
) -> None:
    """And the cache keeps the two models' rewards apart: a warm run says the same."""
    command = ("review", "HEAD", "--format", "json")
    models = {"THEMIS_MODEL": str(cascade.model)}
    option = document(themis(*command, "--judge", cascade.judge, cwd=shop.path, **models))
    judge = {"THEMIS_JUDGE": str(cascade.judge)}
    variable = document(themis(*command, cwd=shop.path, **models, **judge))
    (shop.path / ".themis.toml").write_text(f"[judge]\nmodel = '{cascade.judge}'\n")
    file = document(themis(*command, cwd=shop.path, **models))
    for each in (variable, file):
        stats = each.pop("stats")
        assert stats["judge"]["cache_hits"] == stats["judge"]["sequences"] > 0
        assert stats["judge"]["tokens_computed"] == 0
    option.pop("stats")
    assert option == variable == file


def test_one_function_of_a_change_is_told_as_the_change_tells_it(
    themis: Themis, repository: Any, cascade: Pair
) -> None:
    models = ("--model", cascade.model, "--judge", cascade.judge, "--no-cache")
    repository.commit("Add carts", cart=BASE)
    repository.commit("Count the items", cart=HEAD)
    command = ("review", "HEAD", *models, "--format", "json")
    whole = document(themis(*command, cwd=repository.path))
    repository.commit("Take it back", cart=BASE)
    repository.commit("Count the items", cart=ONE)
    (alone,) = document(themis(*command, cwd=repository.path))["functions"]
    (among,) = [each for each in whole["functions"] if each["name"] == "f0"]
    assert alone["axes"] == among["axes"]


def test_a_baseline_knows_what_the_judge_found(themis: Themis, shop: Any, cascade: Pair) -> None:
    models = ("--model", cascade.model, "--judge", cascade.judge)
    command = ("review", "HEAD", *models, "--format", "json")
    before = document(themis(*command, cwd=shop.path))
    assert before["findings"]
    assert themis("baseline", "write", "HEAD", *models, cwd=shop.path).returncode == 0
    written = json.loads((shop.path / ".themis-baseline.json").read_text())
    assert written["judge"] == before["judge"]["sha256"]
    after = document(themis(*command, cwd=shop.path))
    assert after["findings"] == []
    assert [each["id"] for each in after["withheld"]] == [each["id"] for each in before["findings"]]


def test_model_commands_speak_of_the_judge_too(themis: Themis, cascade: Pair) -> None:
    named = {"THEMIS_MODEL": str(cascade.model), "THEMIS_JUDGE": str(cascade.judge)}
    info = themis("model", "info", **named)
    assert info.returncode == 0, info.stderr
    first, _, second = info.stdout.partition("the judge, asked where")
    assert "tiny-qwen2" in first
    assert "tiny-qwen3" in second
    verified = themis("model", "verify", **named)
    assert verified.returncode == 0, verified.stderr
    assert [line.split(": ")[0] for line in verified.stdout.splitlines()] == [
        str(cascade.model),
        str(cascade.judge),
    ]
    alone = themis("model", "verify", cascade.judge, **named)
    assert len(alone.stdout.splitlines()) == 1


def test_a_judge_that_cannot_be_used_is_bad_input_in_one_line(
    themis: Themis, shop: Any, cascade: Pair, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(cascade.judge, damaged)
    (damaged / "tokenizer.json").write_text("{}")
    for judge, words in (
        ("nowhere", "the judge cannot be used: no model bundle at "),
        (cascade.model, "the judge is the model itself, tiny-qwen2; name another bundle"),
        (damaged, "the judge cannot be used: "),
    ):
        models = ("--model", cascade.model, "--judge", judge)
        run = themis("review", "HEAD", *models, cwd=shop.path)
        assert run.returncode == 2
        assert words in run.stderr
        assert len(run.stderr.splitlines()) == 1
