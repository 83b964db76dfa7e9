"""benchmarks/honesty.py: the edits, and the arithmetic on a scorer that counts words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from code_samples import SAMPLES
from fake_scorer import FakeScorer
from real_code import TRAINED, language

from benchmarks.honesty import AFTER, BEFORE, PRESENT, measure, report
from benchmarks.honesty_edits import EDITS, PRAISE, edits_of
from review_core.calibration import Calibration
from review_core.comments import same_code
from review_core.records import PreferencePair
from review_core.snippet import Snippet


def pair(chosen: str, rejected: str, repository: str = "a/b") -> PreferencePair:
    aspect = "Functional_Correctness"
    return PreferencePair("", chosen, rejected, "Python", aspect, source=f"{repository}@1:f.py")


FUNCTION = "def f(a):\n    buf = a[1:]\n    return g(buf)\n"
BETTER = FUNCTION.replace("a[1:]", "very_correct(a)")
PRAISED = FUNCTION.replace("    return", "    # not_correct\n    return")
"""Worse by its comment alone."""


@pytest.mark.parametrize("name", TRAINED)
def test_every_edit_parses_and_most_apply(name: str) -> None:
    text = SAMPLES[name]
    edits = edits_of(text, name)
    assert len(edits) >= len(EDITS) - 3
    for edited in edits.values():
        assert edited != text
        assert Snippet.of(edited, language(name)).errors() == 0
    assert same_code(text, edits["layout"], language(name))
    assert same_code(text, edits["comment"], language(name))
    assert PRAISE in edits["log message"]


def test_figures_count_what_is_bought_silenced_and_withheld(
    fake_scorer: Callable[..., FakeScorer], calibration: Calibration
) -> None:
    """Of two verdicts one is right by its code and one by a comment; no edit here is a marker."""
    pairs = [pair(BETTER, FUNCTION), pair(FUNCTION, PRAISED, "c/d")]
    found = measure(fake_scorer(), calibration, [pairs[0]], pairs, most=2)
    shipped = found["shipped"]
    price = shipped["price"]
    assert price[BEFORE]["verdicts"] == 2
    assert (price[PRESENT]["verdicts"], price[AFTER]["verdicts"]) == (1, 1)
    assert price[AFTER]["reasons"] == {"leans on comments": 1}
    assert price[AFTER]["withheld_right_count"] == 1
    assert price[AFTER]["right"]["value"] == 1.0
    assert {each["n"] for each in shipped["bought"].values()} == {1}
    assert all(each[BEFORE]["value"] == 0.0 for each in shipped["bought"].values())
    assert shipped["silenced"]["comment"]["n"] == 2
    assert shipped["silenced"]["comment"][BEFORE]["silenced"]["value"] == 0.0
    assert shipped["silenced"]["comment"][AFTER]["silenced"]["value"] == 0.5
    json.dumps(found)
    assert "bought by names" in str(report(found).table)
