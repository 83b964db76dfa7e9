"""ignores and covers: `themis: ignore` in real comments."""

from __future__ import annotations

import pytest

from review_core.functions import functions_of
from review_core.languages import LANGUAGES, Language, language_named
from review_core.suppressions import Ignore, covers, ignores
from review_core.types import Axis


def language(name: str) -> Language:
    known = language_named(name)
    assert known is not None
    return known


@pytest.mark.parametrize("name", [each.name for each in LANGUAGES])
def test_an_ignore_is_found_in_the_comments_of_every_language(name: str) -> None:
    known = language(name)
    start = "<?php\n" if name == "PHP" else ""
    text = f"{start}{known.line_comment} themis: ignore[security]\n"
    line = 2 if start else 1
    assert ignores(text, known) == (Ignore(frozenset({Axis.SECURITY}), line),)


@pytest.mark.parametrize(
    ("comment", "axes", "unknown"),
    [
        ("themis: ignore", set(), ()),
        ("themis:ignore", set(), ()),
        ("Themis: Ignore, it is generated", set(), ()),
        ("themis: ignore[]", set(), ()),
        ("themis: ignore[correctness,security]", {"correctness", "security"}, ()),
        ("themis: ignore [ Correctness , security ] because", {"correctness", "security"}, ()),
        ("themis: ignore[corectness]", set(), ("corectness",)),
        ("themis: ignore[speed, readability]", {"readability"}, ("speed",)),
    ],
)
def test_axes_may_be_named(comment: str, axes: set[str], unknown: tuple[str, ...]) -> None:
    [ignore] = ignores(f"x = 1\ny = 2  # {comment}\n", language("Python"))
    assert ignore == Ignore(frozenset(Axis(axis) for axis in axes), 2, unknown)


@pytest.mark.parametrize(
    "text",
    [
        "x = '# themis: ignore'\n",
        '"""themis: ignore"""\n',
        "# themis: ignored\n",
        "# themis ignore\n",
        "# xthemis: ignore\n",
    ],
)
def test_what_only_looks_like_an_ignore_is_none(text: str) -> None:
    assert ignores(text, language("Python")) == ()


def test_an_ignore_inside_a_long_comment_has_its_own_line() -> None:
    text = "int a;\n/* one\n * themis: ignore[efficiency]\n */\nint f() { return 1; }\n"
    assert [ignore.line for ignore in ignores(text, language("C"))] == [3]


def test_without_names_every_axis_is_silenced_and_a_misspelt_one_silences_none() -> None:
    everything, nothing = Ignore(frozenset(), 1), Ignore(frozenset(), 1, ("corectness",))
    security = Ignore(frozenset({Axis.SECURITY}), 1)
    assert all(everything.silences(axis) and not nothing.silences(axis) for axis in Axis)
    assert [axis for axis in Axis if security.silences(axis)] == [Axis.SECURITY]


def test_an_ignore_covers_the_function_it_stands_in_or_above() -> None:
    text = "x = 1\n\n\ndef f():\n    return 1\n\n\ndef g():\n    return 2\n"
    by_name = {function.name: function for function in functions_of(text, language("Python"))}
    lines = {
        name: [line for line in range(1, 10) if covers(Ignore(frozenset(), line), function)]
        for name, function in by_name.items()
    }
    assert lines == {"<module>": [1], "f": [3, 4, 5], "g": [7, 8, 9]}


def test_an_ignore_in_a_method_does_not_cover_its_class() -> None:
    text = "class A:\n    x = 1\n\n    def f(self):\n        return 1\n\n    y = 2\n"
    body, method = functions_of(text, language("Python"))
    assert [covers(Ignore(frozenset(), 5), piece) for piece in (body, method)] == [False, True]
    assert [covers(Ignore(frozenset(), 7), piece) for piece in (body, method)] == [True, False]
