"""What may be offered to be taken back: only what parses and, scored again, is not worse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_scorer import WORDS, FakeScorer

from github_app.publishing.outcome import Outcome, identified
from github_app.publishing.suggestions import Suggestion, suggestions
from review_core.api import review
from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.types import Change, FileChange, LineRange, Report

SETTINGS = default_settings()


def offered(base: str, head: str, *, worse_at: float = 0.1, path: str = "a.py") -> list[Suggestion]:
    each = {"temperature": 1.0, "worse_at": worse_at, "better_at": 0.9, "isotonic": None}
    calibration = Calibration.from_json({"format": 1, "criteria": dict.fromkeys(WORDS, each)})

    def rescore(file: FileChange) -> Report:
        change = Change("b", "h", (file,))
        return review(change, FakeScorer(), calibration, SETTINGS)

    file = FileChange(path, base, head)
    found = identified(Outcome(rescore(file), SETTINGS.pull_request, {path: file}))
    assert found, "the change was to be worse"
    return list(suggestions(found, {path: file}, rescore).values())


def lines(*changed: str) -> str:
    """A function in which lines that change stand far from one another."""
    apart = "".join(f"    x{n} = {n}\n" for n in range(8))
    return "def f():\n" + apart.join(f"    {line}\n" for line in changed)


def test_of_two_hunks_the_one_that_made_it_worse_is_offered() -> None:
    (offer,) = offered(lines("a = 1", "return b"), lines("a = 2", "return not_safe"))
    assert offer.lines == LineRange(11, 11)
    assert offer.replacement == ("    return b",)
    assert offer.without == pytest.approx(0.5)


def test_what_is_still_worse_without_is_not_offered() -> None:
    """Two hunks, each enough."""
    assert not offered(lines("a = 1", "return b"), lines("a = not_safe", "return not_safe"))


def test_unsure_but_rather_worse_is_not_good_enough() -> None:
    """Margin -6, and -3 without either hunk: P(worse) .9975 and .953; from .99 on it is said."""
    base, head = lines("g(1)", "return b"), lines("g(not_safe)", "return not_safe")
    assert not offered(base, head, worse_at=0.01)


def test_what_makes_another_axis_worse_is_not_offered() -> None:
    """The hunk is unsafe and correct: without it the function is safe and wrong."""
    base = lines("g(1)", "return b")
    head = lines("g(not_correct)", "return not_safe, very_correct")
    assert not offered(base, head)


def test_what_would_not_parse_is_not_offered() -> None:
    base = lines("a = (1,", "2)")
    head = lines("a = 1", "return not_safe")
    assert all(offer.lines != LineRange(2, 2) for offer in offered(base, head))


def test_a_deletion_is_offered_with_the_line_below_it() -> None:
    base, head = lines("g(very_safe)\n    y = 2", "return b"), lines("y = 2", "return c")
    (offer,) = offered(base, head)
    assert offer.lines == LineRange(2, 2)
    assert offer.replacement == ("    g(very_safe)", "    y = 2")


def test_what_people_could_not_see_is_not_offered() -> None:
    hidden = lines("a = 1", "return b  # \u202e")
    assert not offered(hidden, lines("a = 1", "return not_safe"))


def test_much_is_not_offered_at_a_press() -> None:
    long = "\n".join(f"    y{n} = {n}" for n in range(20)).strip()
    assert not offered(lines("a = 1", long), lines("a = 1", "return not_safe"))


def test_without_time_nothing_is_offered() -> None:
    file = FileChange("a.py", lines("a", "return b"), lines("a", "return not_safe"))
    each = {"temperature": 1.0, "worse_at": 0.1, "better_at": 0.9, "isotonic": None}
    calibration = Calibration.from_json({"format": 1, "criteria": dict.fromkeys(WORDS, each)})
    report = review(Change("b", "h", (file,)), FakeScorer(), calibration, SETTINGS)
    found = identified(Outcome(replace(report), SETTINGS.pull_request, {"a.py": file}))
    assert found
    assert not suggestions(found, {"a.py": file}, lambda _: None)
    assert not suggestions(found, {}, lambda _: report)
