"""Where an ignore comment can stand."""

from __future__ import annotations

import pytest
from code_samples import SAMPLES

from lsp_server.ignoring import comment_place, ignore_comment, with_comment
from review_core.languages import Language, language_named
from review_core.pairing import changed_functions
from review_core.suppressions import ignores
from review_core.types import Axis, ChangedFunction, FileChange, FunctionKind


def changed(base: str, head: str, language: Language) -> list[ChangedFunction]:
    return list(changed_functions(FileChange("a", base, head), language))


def language_of(name: str) -> Language:
    found = language_named(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_every_language_gets_its_own_comment_and_it_silences_the_axis(name: str) -> None:
    """A changed line in each function of the sample; the comment has to be found again."""
    language, head = language_of(name), SAMPLES[name]
    whole = changed("", head, language)
    functions = [
        each for each in whole if each.kind in (FunctionKind.FUNCTION, FunctionKind.METHOD)
    ]
    assert functions
    for function in functions:
        place = comment_place(head, language, function, Axis.SECURITY)
        assert place is not None, function.name
        comment = ignore_comment(language, [Axis.SECURITY])
        found = ignores(with_comment(head, place, comment), language)
        assert [each.axes for each in found] == [{Axis.SECURITY}]


def test_the_comment_stands_above_the_function_with_its_indentation() -> None:
    python = language_of("Python")
    base = "class A:\n    @property\n    def f(self):\n        return 1\n"
    (function,) = changed(base, base.replace("1", "2"), python)
    place = comment_place(base, python, function, Axis.SECURITY)
    assert place is not None
    assert with_comment(base, place, "# x").split("\n")[1:3] == ["    # x", "    @property"]


def test_above_a_file_that_opens_in_html_no_comment_is_written_as_text() -> None:
    """Line 1 of a PHP file is HTML until its tag: the comment has to come later."""
    php = language_of("PHP")
    head = "<?php function f() {\n    return 2;\n}\n"
    (function,) = changed(head.replace("2", "1"), head, php)
    place = comment_place(head, php, function, Axis.SECURITY)
    assert place is not None
    assert (place.line, place.behind) != (1, False)


def test_a_text_in_which_nothing_can_stand_has_no_place() -> None:
    python = language_of("Python")
    head = 'TEXT = """\none\ntwo\n"""\n'
    (function,) = changed(head.replace("two", "2"), head, python)
    place = comment_place(head, python, function, Axis.SECURITY)
    assert place is not None
    assert not with_comment(head, place, "# x").split("\n")[2].startswith("# x")
