"""The scorer that counts words as a fixture, and a report made by hand. tests/conftest.py offers
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fake_scorer import AXES, IDENTITY, WORDS, FakeScorer

from review_core.calibration import Calibration
from review_core.findings import percent
from review_core.types import (
    Axis,
    AxisScore,
    ChangedFunction,
    Finding,
    Function,
    FunctionKind,
    FunctionReview,
    Hunk,
    LineRange,
    Report,
    Skipped,
    Statistics,
    Verdict,
    Withheld,
)


@pytest.fixture
def fake_scorer() -> Callable[..., FakeScorer]:
    """A scorer that counts marker words."""
    return FakeScorer


@pytest.fixture
def calibration() -> Calibration:
    """Temperature 1; worse from P .9 on, better too. One marker: sigmoid(3) = .953."""
    each = {"temperature": 1.0, "worse_at": 0.1, "better_at": 0.9, "isotonic": None}
    return Calibration.from_json({"format": 1, "criteria": dict.fromkeys(WORDS, each)})


# --- a report made by hand -----------------------------------------------------------------------


def _function(name: str, text: str, start: int, **more: Any) -> Function:
    kind = FunctionKind.METHOD if "." in name else FunctionKind.FUNCTION
    end = start + text.count("\n")
    return Function(name, kind, text, (LineRange(start, end),), **more)


def _scores(**worse: float) -> dict[Axis, AxisScore]:
    """Every axis; those named with their P(worse), below .1 meaning better."""
    scores = {}
    for axis, criteria in AXES.items():
        preference = 1 - worse.get(axis.value, 0.45)
        verdict = Verdict.WORSE if preference <= 0.1 else Verdict.UNSURE
        verdict = Verdict.BETTER if preference >= 0.9 else verdict
        scores[axis] = AxisScore(axis, criteria[0], 4 * preference - 2, preference, verdict)
    return scores


def _reviewed(
    path: str,
    name: str,
    base: str | None,
    head: str | None,
    scores: Mapping[Axis, AxisScore] | None = None,
    note: str | None = None,
    start: int = 12,
) -> FunctionReview:
    function = ChangedFunction(
        path,
        "Python",
        None if base is None else _function(name, base, start - 1),
        None if head is None else _function(name, head, start),
        (Hunk(start, 1, start + 1, 1),),
    )
    return FunctionReview(function, scores or {}, note)


def _finding(review: FunctionReview, axis: Axis, digits: str) -> Finding:
    score = review.scores[axis]
    line = review.function.shown.lines.start + 1
    return Finding(
        id=digits * 8,
        path=review.function.path,
        start_line=line,
        end_line=line,
        axis=axis,
        criterion=score.criterion,
        preference=score.preference,
        margin=score.margin,
        function=review.function.name,
        message=f"{axis}: likely worse than base, P(worse) {percent(1 - score.preference)}",
    )


@pytest.fixture
def report() -> Report:
    """Nine functions in three files: two findings, one withheld, and every kind of silence."""
    why = "leans on comments"
    leaning = _scores()
    leaning[Axis.CORRECTNESS] = replace(leaning[Axis.CORRECTNESS], why=why)
    only_layout = {
        axis: replace(score, why="only comments or layout changed")
        for axis, score in _scores().items()
    }
    total = _reviewed(
        "shop/cart.py",
        "Cart.total",
        "def total(self):\n    if not self.items:\n        return 0\n    return self.sum",
        "def total(self):\n    if self.items is None:\n        return 0\n    return self.sum",
        _scores(correctness=0.934, readability=0.02),
    )
    login = _reviewed(
        "shop/login.py",
        "sign_in",
        "def sign_in(name):\n    return run(QUERY, (name,))",
        "def sign_in(name):\n    return run(f\"SELECT * FROM users WHERE name = '{name}'\")",
        _scores(security=0.996, efficiency=0.08),
        start=40,
    )
    dump = _reviewed("shop/login.py", "dump", "x", "y", _scores(security=0.93), start=80)
    functions = (
        total,
        _reviewed("shop/cart.py", "Cart.clear", None, "x", note="new", start=30),
        _reviewed("shop/cart.py", "Cart.old", "x", None, note="deleted", start=50),
        _reviewed("shop/cart.py", "Cart.shown", "x", "y", only_layout, start=60),
        _reviewed("shop/cart.py", "Cart.talk", "x", "y", leaning, start=70),
        login,
        dump,
        _reviewed(
            "shop/login.py",
            "broken",
            "x",
            "y",
            _scores(),
            note="syntax error",
            start=90,
        ),
        _reviewed(
            "native/cart.rs",
            "Cart::total",
            "x",
            "y",
            note="not scored: the model was not trained on Rust",
        ),
    )
    return Report(
        bundle=IDENTITY,
        base="0123456789abcdef0123456789abcdef01234567",
        head="working tree",
        intent="Speed up the cart",
        functions=functions,
        findings=(
            _finding(total, Axis.CORRECTNESS, "aa"),
            _finding(login, Axis.SECURITY, "bb"),
        ),
        withheld=(
            Withheld(_finding(dump, Axis.SECURITY, "cc"), "ignored by the comment at line 79"),
        ),
        skipped=(
            Skipped("logo.png", "binary file"),
            Skipped("dist/a.min.js", "generated file"),
            Skipped("dist/b.min.js", "generated file"),
        ),
        notices=("shop/cart.py:9: this `themis: ignore` withholds nothing in this change",),
        statistics=Statistics(1.84, 3, 9, 14, 2, 3000, 2100),
    )
