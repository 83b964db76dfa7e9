"""without_new_names: variables go back to what base calls them, and nothing else moves."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_code import TRAINED, functions, language

from benchmarks.honesty_edits import edits_of
from review_core.neutral_names import without_new_names
from review_core.snippet import Snippet
from review_core.syntax import walk


def tokens(text: str, name: str) -> list[tuple[str, str]]:
    snippet = Snippet.of(text, language(name))
    return [
        (node.type, snippet.text_of(node))
        for node, _ in walk(snippet.root)
        if not node.child_count and node.start_byte >= snippet.shift
    ]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(TRAINED).flatmap(lambda n: st.tuples(st.just(n), st.sampled_from(functions(n))))
)
def test_names_that_praise_are_taken_back_whole(case: tuple[str, str]) -> None:
    name, base = case
    head = edits_of(base, name).get("names", base)
    assert without_new_names(base, head, language(name)) == (base, base)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(TRAINED).flatmap(
        lambda n: st.tuples(
            st.just(n), st.sampled_from(functions(n)), st.sampled_from(functions(n))
        )
    )
)
def test_only_names_change_and_each_name_to_one_other(case: tuple[str, str, str]) -> None:
    """Of any two functions: the tokens stay, but for identifiers, each of which becomes one."""
    name, base, head = case
    sides = without_new_names(base, head, language(name))
    for before, after in zip((base, head), sides, strict=True):
        renamed = {}
        old, new = tokens(before, name), tokens(after, name)
        assert len(old) == len(new)
        for (kind, was), (other, now) in zip(old, new, strict=True):
            assert kind == other
            assert was == now or kind == "identifier"
            assert renamed.setdefault((kind, was), now) == now
        assert len(set(renamed.values())) == len({was for _, was in renamed})


@pytest.mark.parametrize(
    ("name", "base", "head", "expected"),
    [
        (  # renamed on head
            "Python",
            "def f(a):\n    x = g(a)\n    return x\n",
            "def f(a):\n    safe_x = g(a)\n    return safe_x + 1\n",
            "def f(a):\n    x = g(a)\n    return x + 1\n",
        ),
        (  # new on head: it came with its code
            "Go",
            "func f(a int) int {\n\treturn a\n}\n",
            "func f(a int) int {\n\tsafe := a * 2\n\treturn safe\n}\n",
            "func f(a int) int {\n\tsafe := a * 2\n\treturn safe\n}\n",
        ),
        (  # a caller can spell it
            "Python",
            "def f(a):\n    return a\n",
            "def f(safe_a):\n    return safe_a\n",
            "def f(safe_a):\n    return safe_a\n",
        ),
        (  # the name of an argument, an attribute and a global stay
            "Python",
            "def f(a):\n    return a\n",
            "def f(a):\n    safe = SAFE\n    return g(safe=safe.safe_b)\n",
            "def f(a):\n    safe = SAFE\n    return g(safe=safe.safe_b)\n",
        ),
        (
            "JavaScript",
            "function f(a) {\n  return a;\n}\n",
            "function f(a) {\n  const safe = secureCopy(a);\n  return safe.fast;\n}\n",
            "function f(a) {\n  const safe = secureCopy(a);\n  return safe.fast;\n}\n",
        ),
        (  # one renamed, one new
            "C",
            "int f(int a) {\n  int b = g(a);\n  return b;\n}\n",
            "int f(int a) {\n  int safe_b = g(a);\n  int fast = 1;\n  return safe_b + fast;\n}\n",
            "int f(int a) {\n  int b = g(a);\n  int fast = 1;\n  return b + fast;\n}\n",
        ),
        (  # gone with its code: base keeps it
            "Python",
            "def f(a):\n    rows = h(a)\n    return g(rows)\n",
            "def f(a):\n    return g(a)\n",
            "def f(a):\n    return g(a)\n",
        ),
    ],
)
def test_head_without_its_new_names(name: str, base: str, head: str, expected: str) -> None:
    assert without_new_names(base, head, language(name)) == (base, expected)


def test_two_that_change_places_keep_their_names() -> None:
    """Both sides spell both: which is which is what changed."""
    base = "def f():\n    a = g()\n    b = h()\n    return a - b\n"
    head = re.sub("a - b", "b - a", base)
    assert without_new_names(base, head, language("Python")) == (base, head)
