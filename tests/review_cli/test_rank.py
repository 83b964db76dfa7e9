"""`themis rank` as a user runs it: a process, a real repository, a real (random) model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from review_cli.main import cli
from review_core import command

Themis = Callable[..., subprocess.CompletedProcess[str]]

BASE = """\
def total(items):
    amount = 0
    for item in items:
        amount += item.price
    return amount


def shown(items):
    return [item.name for item in items]
"""
COUNTED = BASE.replace("amount += item.price", "amount = amount + item.price * item.count")
SUMMED = BASE.replace(
    "    amount = 0\n    for item in items:\n        amount += item.price\n    return amount\n",
    "    return sum(item.price for item in items)\n",
)


@pytest.fixture
def shop(repository: Any) -> Any:
    """main, and the branches counted and summed that each change `total`."""
    repository.commit("Add a cart", cart=BASE)
    for branch, text in (("counted", COUNTED), ("summed", SUMMED)):
        repository.git("switch", "--quiet", "--create", branch, "main")
        repository.commit(f"Make it {branch}", cart=text)
    repository.git("switch", "--quiet", "main")
    for name, text in (("counted", COUNTED), ("summed", SUMMED)):
        repository.write(f"drafts/{name}.py", text)
        patch = repository.git("diff", "main", name) + "\n"
        repository.write(f"drafts/{name}.patch", patch)
    return repository


def document(run: subprocess.CompletedProcess[str]) -> Any:
    assert (run.returncode, run.stderr) == (0, "")
    found = json.loads(run.stdout)
    schema = resources.files("review_core").joinpath("schemas/ranking.schema.json").read_text()
    jsonschema.validate(found, json.loads(schema))
    return found


def said(found: Any) -> list[Any]:
    """The groups of each axis, whatever the candidates are called."""
    names = {found["base"]: 0} | {name: at for at, name in enumerate(found["candidates"], 1)}
    return [
        (order["axes"], [[names[name] for name in group] for group in order["groups"]])
        for order in found["orders"]
    ]


def test_files_patches_folders_and_branches_are_ranked_alike(themis: Themis, shop: Any) -> None:
    before = shop.path.parent / "before"
    shop.git("worktree", "add", "--quiet", "--detach", str(before), "main")
    operands = [
        ("main", "counted", "summed"),
        ("cart.py", "drafts/counted.py", "drafts/summed.py"),
        ("cart.py", "drafts/counted.patch", "drafts/summed.py"),
        (".", "drafts/counted.patch", "drafts/summed.patch"),
    ]
    found = [
        document(themis("rank", *each, "--format", "json", cwd=shop.path)) for each in operands
    ]
    assert all(said(each) == said(found[0]) for each in found)
    assert [each["name"] for each in found[0]["functions"]] == ["total"]
    assert any(len(order["groups"]) == 3 for order in found[0]["orders"])
    better = found[0]["functions"][0]["axes"]["correctness"]["better"]
    assert len(better) == 3  # this model is never unsure: each pair is told apart


def test_the_page_names_groups_chances_and_the_trade_off(themis: Themis, shop: Any) -> None:
    run = themis("rank", "main", "counted", "summed", cwd=shop.path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("themis rank main against counted, summed\n")
    assert "correctness\n  1  " in run.stdout
    assert "how probably" in run.stdout
    assert " %" in run.stdout
    assert "\x1b" not in run.stdout
    assert run.stdout.splitlines()[-1].startswith("1 function · model ")


def test_one_function_of_several_can_be_asked_for(themis: Themis, shop: Any) -> None:
    both = COUNTED.replace("item.name for", "item.title for")
    shop.write("both.py", both)
    run = themis("rank", "cart.py", "both.py", "--format", "json", cwd=shop.path)
    names = [each["name"] for each in document(run)["functions"]]
    assert names == ["total", "shown"]
    run = themis(
        "rank", "cart.py", "both.py", "--function", "shown", "--format", "json", cwd=shop.path
    )
    assert [each["name"] for each in document(run)["functions"]] == ["shown"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["main"], "Missing argument 'CANDIDATE...'"),
        (["main", "no-such-branch"], "unknown revision 'no-such-branch'"),
        (["no-such-branch", "main"], "unknown revision 'no-such-branch'"),
        (["main...counted", "summed"], "main...counted is a range"),
        (["cart.py", "nowhere.py"], "nowhere.py does not exist, and cart.py is a path"),
        (["cart.py", "drafts"], "are a file and a folder"),
        (["cart.py", "cart.js"], "are in two languages"),
        (["cart.py", "drafts/stale.patch"], "drafts/stale.patch: "),
        (["cart.py", "drafts/other.patch"], "does not change cart.py"),
        (["main", "drafts/counted.patch"], "check the revision out"),
        (["cart.py", "drafts/other.py"], "has none of the functions of the base"),
        (["cart.py", "drafts/counted.py", "--function", "totel"], "did you mean total?"),
        (["main", "counted", "counted"], "counted is named twice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_gets_one_line_and_exit_code_2(
    shop: Any,
    arguments: list[str],
    told: str,
    decided_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("THEMIS_MODEL", str(decided_bundle))
    shop.write("cart.js", "function total() {}\n")
    shop.write("other.py", "def other():\n    return 1\n")
    shop.write(
        "drafts/other.py", "class Quite:\n    def different(self, x, y):\n        return y\n"
    )
    counted = (shop.path / "drafts/counted.patch").read_text()
    shop.write("drafts/stale.patch", counted.replace("amount += item.price", "amount += 1"))
    shop.write(
        "drafts/other.patch",
        "--- a/other.py\n+++ b/other.py\n@@ -1,2 +1,2 @@\n def other():\n-    return 1\n"
        "+    return 2\n",
    )
    code = command.run(cli, "themis", ["rank", "-C", str(shop.path), *arguments])
    out, error = capsys.readouterr()
    assert (code, out) == (2, "")
    assert error.startswith("themis: ")
    assert error.count("\n") == 1
    assert told in error


@pytest.mark.bundle
def test_the_bundle_that_ships_ranks_the_demo_and_calls_no_side_the_best(tmp_path: Path) -> None:
    """One side is more correct, the other reads better: a trade-off, shown as one."""
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-m", "review_cli", "rank", "base", "head", "--format", "json"],
        cwd=root / "examples" / "demo",
        env=os.environ
        | {"THEMIS_MODEL": str(root / "models" / "default"), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = document(run)
    axes = [axis for order in found["orders"] for axis in order["axes"]]
    assert sorted(axes) == sorted(set(axes))
    assert len(axes) == 5
    head = found["trade_offs"]["head"]
    assert not (head["best"] and head["lowers"])
    counts = [order["against_base"]["head"] for order in found["orders"]]
    assert all(sum(each.values()) <= len(found["functions"]) for each in counts)
