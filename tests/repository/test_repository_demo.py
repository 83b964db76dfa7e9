"""The demo change is what its EXPECTED.md says it is, and its code gives nothing away."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from review_core.comments import same_code
from review_core.functions import functions_of
from review_core.languages import Language, language_of
from review_core.pairing import changed_functions
from review_core.sources.files import paths_change
from review_core.sources.filters import Limits
from review_core.types import Axis, ChangedFunction

DEMO = Path(__file__).parents[2] / "examples" / "demo"


@dataclass(frozen=True, slots=True)
class Row:
    function: str
    file: str
    planted: str
    axis: str


def rows() -> list[Row]:
    table = re.findall(
        r"^\| `(.+?)` \| `(.+?)` \| (\w+) \| (\S+) \|",
        (DEMO / "EXPECTED.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    return [Row(*cells) for cells in table]


def language(path: str) -> Language:
    found = language_of(path)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def changed() -> dict[tuple[str, str], ChangedFunction]:
    change = paths_change(DEMO / "base", DEMO / "head", limits=Limits())
    assert change.skipped == ()
    return {
        (file.path, function.name): function
        for file in change.files
        for function in changed_functions(file, language(file.path))
    }


def test_the_changed_functions_are_those_of_the_table(
    changed: dict[tuple[str, str], ChangedFunction],
) -> None:
    expected = {(row.file, row.function) for row in rows() if row.planted != "unchanged"}
    assert set(changed) == expected


def test_the_demo_is_large_and_mixed_enough() -> None:
    table = rows()
    assert len(table) >= 8
    assert len({language(row.file).name for row in table}) >= 4
    assert {row.planted for row in table} == {"worse", "better", "neutral", "unchanged", "new"}
    for row in table:
        assert row.axis in set(Axis) if row.planted in {"worse", "better"} else row.axis == "-"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.function)
def test_a_planted_function_is_on_the_sides_it_should_be(
    row: Row, changed: dict[tuple[str, str], ChangedFunction]
) -> None:
    sides = {}
    for side in ("base", "head"):
        text = (DEMO / side / row.file).read_text(encoding="utf-8")
        for function in functions_of(text, language(row.file)):
            if function.name == row.function:
                sides[side] = function
    assert not any(function.has_error for function in sides.values())
    if row.planted == "new":
        assert set(sides) == {"head"}
        return
    assert set(sides) == {"base", "head"}
    same = same_code(sides["base"].text, sides["head"].text, language(row.file))
    assert same is (row.planted == "unchanged")


def test_no_comment_gives_the_answer_away() -> None:
    telling = r"\b(bug|wrong|broken|leak|unsafe|vulnerab|slow|fast|quadratic|todo|worse|better)"
    for path in DEMO.glob("*/*/*"):
        assert re.findall(telling, path.read_text(encoding="utf-8"), flags=re.IGNORECASE) == []
