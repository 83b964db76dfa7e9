"""What is never judged: imports, and tests on axes that are not theirs."""

from __future__ import annotations

import pytest

from review_core.excuses import is_test, only_imports_changed
from review_core.types import ChangedFunction, Function, FunctionKind, LineRange


def module(base: str, head: str, kind: FunctionKind = FunctionKind.MODULE) -> ChangedFunction:
    def side(text: str) -> Function:
        return Function("<module>", kind, text, (LineRange(1, text.count("\n") + 1),))

    return ChangedFunction("a", "any", side(base), side(head))


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ("require 'time'\nX = 1", "require_relative 'a'\n\nX = 1"),
        ("import a\nx = 1", "import a\nfrom b import (\n    c,\n    d,\n)\nx = 1"),
        ("#include <a.h>\nint x;", '#include <a.h>\n#include "b.h"\nint x;'),
        ("const a = require('a');\nf();", "const { b } = require('a');\nf();"),
        ("import { a } from './a.js';\n", "import {\n  a,\n  b,\n} from './a.js';\n"),
        ("using A;\nusing B;", "using B;"),
    ],
)
def test_changes_of_imports_alone_are_seen(base: str, head: str) -> None:
    assert only_imports_changed(module(base, head))


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ("import a\nx = 1", "import b\nx = 2"),
        ("LIMIT = 10", "LIMIT = 100"),
        ("names = [\n    a,\n]", "names = [\n    a,\n    b,\n]"),
        ("import a\nrun(a)", "import a"),
    ],
)
def test_anything_else_is_judged(base: str, head: str) -> None:
    assert not only_imports_changed(module(base, head))


def test_a_function_that_imports_is_judged() -> None:
    body = module("import a", "import b", FunctionKind.FUNCTION)
    assert not only_imports_changed(body)


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py",
        "src/test/java/A.java",
        "lib/__tests__/a.js",
        "test_a.py",
        "pkg/a_test.go",
        "web/a.spec.ts",
        "spec/a.rb",
        "src/CartTest.java",
    ],
)
def test_test_code_is_known_by_its_path(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize("path", ["src/a.py", "contest.py", "latest/a.js", "lib/attest.go", "a.py"])
def test_other_code_is_not(path: str) -> None:
    assert not is_test(path)
