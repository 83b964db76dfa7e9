"""without_padding: what does nothing goes, what may do something stays."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from real_code import TRAINED, functions, language

from benchmarks.honesty_edits import edits_of
from review_core.comments import without_comments
from review_core.local_names import local_names
from review_core.neutral_padding import without_new_padding, without_padding
from review_core.snippet import Snippet
from review_core.syntax import walk

OPENED = {
    "C": ("int f(int a) {", "}"),
    "C++": ("int f(int a) {", "}"),
    "C#": ("int F(int a) {", "}"),
    "Go": ("func f(a int) int {", "}"),
    "Java": ("int f(int a) {", "}"),
    "JavaScript": ("function f(a) {", "}"),
    "TypeScript": ("function f(a: number) {", "}"),
    "TSX": ("function f(a: number) {", "}"),
    "Python": ("def f(a):", ""),
    "Ruby": ("def f(a)", "end"),
}


def function(name: str, *lines: str) -> str:
    opening, closing = OPENED[name]
    return "\n".join([opening, *(f"    {line}" for line in lines), *([closing] if closing else [])])


IDLE = [
    ("Python", ["x = 0", "return a"], ["return a"]),
    ("Python", ["if False:", "    g()", "return a"], ["return a"]),
    ("Python", ["while 0:", "    g()", "return a"], ["return a"]),
    ("Python", ["if a is None:", "    pass", "return a"], ["return a"]),
    ("Python", ["return a", "g()"], ["return a"]),
    ("Python", ["x = 1", "y = x", "return a"], ["return a"]),  # in two rounds
    ("Python", ["assert True", "pass", "a = a", "...", "return a"], ["return a"]),
    ("Python", ["pass", "pass"], ["pass"]),
    ("C", ["int x = 0;", "if (0) { g(); }", ";", "if (!a) {", "}", "return a;"], ["return a;"]),
    ("C", ["a = a;", "return a;", "g();"], ["return a;"]),
    ("C++", ["int x = 0;", "if (false) { g(); }", "return a;"], ["return a;"]),
    ("C#", ["int x = 0;", "if (false) { G(); }", "if (a == 0) { }", "return a;"], ["return a;"]),
    ("Go", ["x := 3", "_ = x", "if false {", "g()", "}", "return a"], ["return a"]),
    ("Java", ["final int x = 0;", "if (false) { g(); }", "return a;"], ["return a;"]),
    ("Java", ["throw new E();", "return a;"], ["throw new E();"]),
    ("JavaScript", ["const x = 'a';", "if (false) { g(); }", "return a;"], ["return a;"]),
    ("TypeScript", ["const x: number = 1;", "while (false) { g(); }", "return a;"], ["return a;"]),
    ("TSX", ["let x = a;", "if (a === 1) {}", "return a;"], ["return a;"]),
    ("Ruby", ["x = 0", "if false", "  g(1)", "end", "return a", "g(1)"], ["return a"]),
]

NEEDED = [
    ("Python", ["x = g()", "return a"]),
    ("Python", ["x = a.b", "return a"]),
    ("Python", ["x = 0", "return locals()"]),
    ("Python", ["if g(a):", "    pass", "return a"]),
    ("Python", ["if a is None:", "    pass", "else:", "    g()"]),
    ("Python", ["if False:", "    g()", "else:", "    h()"]),
    ("Python", ["return", "yield"]),  # makes it a generator
    ("Python", ["for x in a:", "    pass"]),
    ("Python", ["try:", "    unicode", "except NameError:", "    g()"]),
    ("C", ["return a;", "out:", "g();"]),
    ("C", ["switch (a) {", "case 1:", "    return 1;", "case 2:", "    g();", "}"]),
    ("C", ["while (g(a));"]),
    ("C", ["UNREACHABLE;", "return a;"]),  # a macro may be any code
    ("C", ["do { g(); } while (0);"]),
    ("C++", ["Guard x = a;", "return a;"]),  # runs something when it goes
    ("C#", ["using var x = a;", "return a;"]),
    ("Go", ["if x := g(); false {", "}", "return a"]),
    ("Java", ["int x = g();", "return a;"]),
    ("JavaScript", ["'use strict';", "return a;"]),
    ("JavaScript", ["return g();", "function g() {}"]),
    ("JavaScript", ["const x = a++;", "return a;"]),
    ("Ruby", ["g(1)", "x = 3"]),  # what the method returns
    ("Ruby", ["x = g", "return a"]),  # a name alone may be a call
    ("Ruby", ["return 1", "rescue E", "g(1)"]),
]


@pytest.mark.parametrize(("name", "lines", "left"), IDLE)
def test_what_does_nothing_goes(name: str, lines: list[str], left: list[str]) -> None:
    bare = without_padding(function(name, *lines), language(name))
    assert bare.rstrip() == function(name, *left).rstrip()


@pytest.mark.parametrize(("name", "lines"), NEEDED)
def test_what_may_do_something_stays(name: str, lines: list[str]) -> None:
    text = function(name, *lines)
    assert without_padding(text, language(name)) == text


def test_padding_that_both_sides_have_is_no_part_of_the_change() -> None:
    base = function("Python", "x = 0", "return a")
    head = function("Python", "x = 0", "return a + 1")
    assert without_new_padding(base, head, language("Python")) == (base, head)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(TRAINED).flatmap(lambda n: st.tuples(st.just(n), st.sampled_from(functions(n))))
)
def test_tokens_are_only_taken_out_and_taking_out_ends(case: tuple[str, str]) -> None:
    """Of real functions, with padding and as they are. What is left still parses."""
    name, text = case
    edits = edits_of(text, name)
    for padded in (text, edits.get("dead code", text), edits.get("idle guard", text)):
        bare = without_padding(padded, language(name))
        assert is_subsequence(tokens(bare, name), tokens(padded, name))
        assert without_padding(bare, language(name)) == bare
        assert (
            Snippet.of(bare, language(name)).errors() <= Snippet.of(text, language(name)).errors()
        )
        if name == "Python":
            ast.parse(textwrap.dedent(bare))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(TRAINED).flatmap(lambda n: st.tuples(st.just(n), st.sampled_from(functions(n))))
)
def test_dead_code_put_into_real_functions_is_taken_back(case: tuple[str, str]) -> None:
    name, text = case
    base = without_comments(text, language(name))  # below other code a docstring is none
    head = edits_of(base, name).get("dead code", base)
    snippet = Snippet.of(head, language(name))
    # A text with `eval` in it, for one, may read any variable.
    assume(head == base or local_names(snippet.root, head, name) or name == "Go")
    sides = without_new_padding(base, head, language(name))
    assert sides[0] == sides[1]


def tokens(text: str, name: str) -> list[str]:
    snippet = Snippet.of(text, language(name))
    return [snippet.text_of(node) for node, _ in walk(snippet.root) if not node.child_count]


def is_subsequence(few: list[str], many: list[str]) -> bool:
    rest = iter(many)
    return all(token in rest for token in few)
