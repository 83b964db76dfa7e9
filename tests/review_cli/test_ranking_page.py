"""The page of `themis rank`: chances for one function, counts for several, any width."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from fake_scorer import FakeScorer
from rich.console import Console

from review_cli.ranking_page import print_comparison
from review_core.alternatives import Alternative, compare
from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.types import Change, FileChange

Page = Callable[..., list[str]]


def function(name: str, *words: str) -> str:
    body = "".join(f"    {word}()\n" for word in ("first", "second", *words))
    return f"def {name}(items):\n{body}    return items\n\n\n"


BASE = function("total") + function("shown")
ONE = function("total", "very_safe") + function("shown")
TWO = function("total", "very_fast") + function("shown", "not_safe")


@pytest.fixture
def page(calibration: Calibration) -> Page:
    def shown(*heads: str, width: int = 120) -> list[str]:
        alternatives = [
            Alternative(name, Change("base", name, (FileChange("cart.py", BASE, head),)))
            for name, head in zip(("one", "two"), heads, strict=False)
        ]
        found = compare("base", alternatives, FakeScorer(), calibration, default_settings())
        file = StringIO()
        print_comparison(found, Console(file=file, width=width, markup=False, highlight=False))
        return file.getvalue().splitlines()

    return shown


def test_one_function_is_told_with_its_chance(page: Page) -> None:
    """One marker is three logits: sigmoid(3) = .953."""
    lines = page(ONE)
    assert lines[0] == "themis rank base against one"
    at = lines.index("security")
    assert lines[at + 1 : at + 3] == ["  1  one", "  2  base"]
    assert "correctness  all tie" in lines
    (row,) = (line for line in lines if line.startswith("  one"))
    assert row.split() == ["one", "·", "·", "·", "▲", "95", "%", "·"]
    assert "best: one" in lines


def test_several_functions_are_counted(page: Page) -> None:
    lines = page(ONE, TWO)
    (row,) = (line for line in lines if line.startswith("  two") and "▲" in line)
    assert row.split() == ["two", "·", "▲", "1", "·", "▼", "1", "·"]
    assert "  two raises efficiency, lowers security" in lines
    assert "2 functions · model fake (abababab)" in lines


def test_a_narrow_page_has_a_line_an_axis(page: Page) -> None:
    lines = page(ONE, TWO, width=50)
    at = lines.index("  two")
    assert lines[at - 2 : at] == ["  one", "    security ▲ 1"]
    assert lines[at + 1 : at + 3] == ["    efficiency ▲ 1", "    security ▼ 1"]


def test_nothing_to_compare_is_said(page: Page) -> None:
    assert "no function that could be compared differs from the base" in page(BASE)
