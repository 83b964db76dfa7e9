"""with_one_layout: the code stays, and layout that changed is no longer seen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_code import TRAINED, functions, language

from benchmarks.honesty_edits import edits_of
from review_core.comments import same_code
from review_core.diff import changed_characters
from review_core.neutral_layout import with_one_layout


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(TRAINED).flatmap(
        lambda n: st.tuples(
            st.just(n), st.sampled_from(functions(n)), st.sampled_from(functions(n))
        )
    )
)
def test_each_side_stays_the_same_code(case: tuple[str, str, str]) -> None:
    name, base, other = case
    for head in (other, edits_of(base, name).get("layout", base)):
        laid = with_one_layout(base, head, language(name))
        assert same_code(base, laid[0], language(name))
        assert same_code(head, laid[1], language(name))
        assert changed_characters(*laid) <= changed_characters(base, head)


@pytest.mark.parametrize("name", TRAINED)
def test_most_functions_that_were_only_laid_out_anew_become_equal(name: str) -> None:
    tried = equal = 0
    for base in functions(name)[:8]:
        head = edits_of(base, name).get("layout")
        if head is not None and "\n#" not in base:
            tried += 1
            laid = with_one_layout(base, head, language(name))
            equal += laid[0].split() == laid[1].split()
    assert equal >= 0.7 * tried


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        (
            "Python",
            "def f(a):\n  return g(a, 1)\n",
            "def f(a):\n    return g(\n        a, 1\n    )\n",
        ),
        ("C", "int f(int a) {\n\treturn a+1;\n}\n", "int f(int a)\n{\n  return a + 1;\n\n}\n"),
        ("Go", "func f() {\n\tg(a, b)\n}\n", "func f() {\n\n\tg(a,b)\n}\n"),
        ("Ruby", "def f\n  g(a, b)\nend\n", "def f\n\n    g(a,\n      b)\nend\n"),
        ("Java", "void f() {\n  g(a, b);\n}\n", "void f()\n{\n    g(a,\n            b);\n}\n"),
    ],
)
def test_the_same_laid_out_anew_is_equal(name: str, base: str, head: str) -> None:
    laid = with_one_layout(base, head, language(name))
    assert laid[0] == laid[1]


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        # not one line of the code: the loop's body, the end of a statement, a text
        ("Python", "for a in b:\n    c()\nd()\n", "for a in b:\n    c()\n    d()\n"),
        ("JavaScript", "function f() {\n  return a\n}\n", "function f() {\n  return\n  a\n}\n"),
        ("Python", 'a = """\nb\n"""\n', 'a = """\n\nb\n"""\n'),
        ("Ruby", "a = <<~B\n  c\nB\n", "a = <<~B\n  c\n\nB\n"),
    ],
)
def test_layout_that_is_meaning_stays_a_difference(name: str, base: str, head: str) -> None:
    laid = with_one_layout(base, head, language(name))
    assert not same_code(*laid, language(name))


def test_layout_that_nobody_changed_is_left_alone() -> None:
    base, head = "def f():\n  return 1+1\n", "def f():\n  return 1+2\n"
    assert with_one_layout(base, head, language("Python")) == (base, head)
