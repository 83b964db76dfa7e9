"""The benchmarks of attribution and windows: cases of known guilt, and the arithmetic."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import attribution, windows
from benchmarks.attribution_cases import planted, reverted, within
from review_core.layout import normalise
from review_core.records import PreferencePair, write_pairs

REJECTED = """\
def total(rows, limit):
    result = 0
    for row in rows:
        result = result + row.price
    if result > limit:
        result = limit
    log(rows)
    return result
"""
CHOSEN = REJECTED.replace(
    "    result = 0\n", "    result = 0\n    if rows is None:\n        return 0\n"
)
LARGE = """\
def total(rows, limit):
    result = 0
    for row in rows:
        if row.price < limit:
            result += row.price * row.count
        else:
            result -= row.discount
        check(row, limit)
    log(result)
    return min(result, limit)
"""


def pair(rejected: str = REJECTED, chosen: str = CHOSEN) -> PreferencePair:
    return PreferencePair(
        "Fix it", chosen, rejected, "Python", "Functional_Correctness", source="a/b@1:f.py"
    )


@pytest.mark.parametrize("seed", range(5))
def test_taking_the_planted_bug_back_leaves_the_pairs_own_change(seed: int) -> None:
    case = planted(pair(), random.Random(seed))
    assert case is not None
    (guilty,) = case.guilty
    assert normalise(case.parts[guilty].without) == normalise(CHOSEN)
    assert case.harmless == normalise(CHOSEN)
    assert len(case.parts) == 2


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_reverted_fix_alone_is_the_rejected_side(seed: int) -> None:
    case = reverted(pair(), random.Random(seed))
    assert case is not None
    (guilty,) = case.guilty
    alone = case.parts[guilty].alone
    assert alone is not None
    assert normalise(alone) == normalise(REJECTED)
    assert case.base == normalise(CHOSEN)
    assert case.harmless == normalise(case.parts[guilty].without)


def test_a_bug_inside_a_large_hunk_is_held_by_some_of_its_pieces() -> None:
    case = within(pair("def total(rows, limit):\n    pass\n", LARGE), random.Random(1))
    assert case is not None
    assert 0 < len(case.guilty) < len(case.parts)
    sizes = [case.parts[at].lines.end - case.parts[at].lines.start for at in case.guilty]
    assert sizes == sorted(sizes, reverse=True)


# --- arithmetic ----------------------------------------------------------------------------------


def row(**fields: Any) -> dict[str, Any]:
    """Two parts: without the second P rises by 2 logits, without the first by .5."""
    parts = [
        {"lines": [1, 8], "changed": 9, "without": -1.5, "alone": -0.4, "share": -0.1},
        {"lines": [9, 9], "changed": 1, "without": 0.0, "alone": None, "share": -0.3},
    ]
    parts = [{**part, "telling": part["without"] == 0} for part in parts]
    known = {"kind": "planted", "group": "a/b", "margin": -2.0, "guilty": [1], "lines": 12}
    tokens = {"read": 100, "without": 20, "alone": 30}
    return {**known, "parts": parts, "tokens": tokens, **fields}


def test_the_place_of_the_guilty_part_follows_the_order() -> None:
    assert {
        name: attribution.ranks(row(), blame) for name, blame in attribution.ORDERS.items()
    } == {
        "first": [1],
        "largest": [1],
        "smallest": [0],
        "share of the margin": [0],
        "taken back": [0],
        "alone": [0],
        "taken back and alone": [0],
        "as a review asks": [0],
    }


def test_chance_is_exact() -> None:
    """One of two: 1/2, and (1 + 1/2) / 2. Two of three: 2/3, and 2/3 + 1/3 x 1/2."""
    assert attribution.by_chance(row()) == pytest.approx((0.5, 0.75))
    three = row(parts=row()["parts"] + row()["parts"][:1], guilty=[0, 1])
    assert attribution.by_chance(three) == pytest.approx((2 / 3, 5 / 6))


def test_parts_are_asked_about_alone_where_none_is_telling() -> None:
    shared = row(parts=[{**part, "telling": False} for part in row()["parts"]])
    assert attribution.cost([row()])["asked"] == 20
    assert attribution.cost([shared])["asked"] == 50
    assert attribution.cost([row(), shared])["both"] == 50


def test_an_interval_is_drawn_over_repositories() -> None:
    """One repository has no spread; two that disagree have all of it."""
    one = attribution.mean([1.0, 0.0], ["a", "a"])
    assert (one.value, one.low, one.high) == (0.5, 0.5, 0.5)
    two = attribution.mean([1.0, 0.0], ["a", "b"])
    assert (two.value, two.low, two.high) == (0.5, 0.0, 1.0)


# --- the whole road, with a model that knows nothing ---------------------------------------------


def test_a_broken_run_goes_on_and_ends_in_a_table(
    tiny_bundle: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, rows = tmp_path / "pairs.jsonl", tmp_path / "rows.jsonl"
    write_pairs(pairs, [pair(), pair("def total(rows, limit):\n    pass\n", LARGE)])
    command = [str(pairs), "--model", str(tiny_bundle()), "--cases", "1", "--rows", str(rows)]
    attribution.main(command)
    first = capsys.readouterr().out
    assert "| taken back |" in first
    lines = rows.read_text("utf-8").splitlines()
    kinds = {json.loads(line)["kind"] for line in lines}
    assert kinds == {"planted", "reverted", "within"}
    out = tmp_path / "found.json"
    attribution.main([*command, "--out", str(out)])
    assert rows.read_text("utf-8").splitlines() == lines
    assert json.loads(out.read_text("utf-8"))["cases"]["planted"]["n"] == 1


def test_windows_are_compared_with_the_whole(
    tiny_bundle: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = tmp_path / "pairs.jsonl"
    body = "".join(f"    step_{at}(rows)\n" for at in range(60))
    write_pairs(pairs, [pair(f"def f(rows):\n{body}    a()\n", f"def f(rows):\n{body}    b()\n")])
    model = ["--model", str(tiny_bundle()), "--shortest", "900"]
    windows.main([str(pairs), *model, "--rows", str(tmp_path / "rows.jsonl")])
    assert "| window | 1 |" in capsys.readouterr().out
    read = json.loads((tmp_path / "rows.jsonl").read_text("utf-8"))
    assert read["window"] is not None
    assert read["beginning"] is None  # the change stands at the end
