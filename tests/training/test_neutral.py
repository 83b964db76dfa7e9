"""neutral_edits: every edit keeps the meaning, in all languages that models are trained on."""

from __future__ import annotations

import ast
import inspect
import random
import re
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from code_samples import SAMPLES

import review_core
from review_core.comments import same_code
from review_core.functions import functions_of
from review_core.languages import LANGUAGES, Language, language_named
from review_core.syntax import parse_part, walk
from review_core.types import FunctionKind
from training.local_names import local_names
from training.neutral import neutral_edits

NAMES = [each.name for each in LANGUAGES if each.in_distribution]
KINDS = {"rename_local", "reformat", "comment_only", "reorder_imports"}

IMPORTS = {
    "C": "#include <stdio.h>\n#include <stdlib.h>\n\n",
    "C++": "#include <map>\n#include <vector>\n\n",
    "C#": "using System;\nusing System.Linq;\n\n",
    "Go": 'package p\n\nimport (\n\t"fmt"\n\t"os"\n)\n\n',
    "Ruby": "",
    "TSX": "import a from 'a';\nimport { b } from 'b';\n\n",
}
"""For the samples that have not two import lines beside each other."""


def language(name: str) -> Language:
    known = language_named(name)
    assert known is not None
    return known


def errors(code: str, name: str) -> int:
    return sum(
        node.is_error or node.is_missing for node, _ in walk(parse_part(code, language(name))[0])
    )


def sample(name: str) -> str:
    text = SAMPLES[name]
    if name in IMPORTS:
        text = IMPORTS[name] + re.sub(r"^(using|package|import) .*\n", "", text, flags=re.MULTILINE)
    return text


def many(code: str, name: str, seeds: int = 25) -> Iterator[tuple[str, str]]:
    for seed in range(seeds):
        yield from neutral_edits(code, name, random.Random(seed)).items()


def renamable(code: str, name: str) -> list[str]:
    root, _ = parse_part(code, language(name))
    return [found.name for found in local_names(root, code, name)]


@pytest.mark.parametrize("name", NAMES)
def test_every_edit_changes_the_text_and_parses_no_worse(name: str) -> None:
    code = sample(name)
    kinds = set()
    for kind, edited in many(code, name):
        assert edited != code
        assert errors(edited, name) == errors(code, name) == 0
        kinds.add(kind)
    assert kinds == KINDS - ({"reorder_imports"} if name == "Ruby" else set())


@pytest.mark.parametrize("name", NAMES)
def test_layout_and_comments_are_all_that_reformat_and_comment_only_change(name: str) -> None:
    code = sample(name)
    for kind, edited in many(code, name):
        if kind in ("reformat", "comment_only"):
            assert same_code(code, edited, language(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_renamed_variable_is_all_that_rename_local_changes(name: str) -> None:
    """Back under its old name, the text is what it was; the new name was not taken."""
    code = sample(name)
    renames = set()
    for kind, edited in many(code, name):
        if kind == "rename_local":
            words, new_words = (re.findall(r"\w+", text) for text in (code, edited))
            [(old, new)] = {
                pair for pair in zip(words, new_words, strict=True) if len(set(pair)) > 1
            }
            assert new not in words and old not in new_words
            assert re.sub(rf"\b{new}\b", old, edited) == code
            renames.add(old)
    assert renames


@pytest.mark.parametrize("name", NAMES)
def test_reordered_imports_are_the_same_lines(name: str) -> None:
    code = sample(name)
    for kind, edited in many(code, name):
        if kind == "reorder_imports":
            assert sorted(edited.split("\n")) == sorted(code.split("\n"))
            moved = [
                pair
                for pair in zip(code.split("\n"), edited.split("\n"), strict=True)
                if len(set(pair)) > 1
            ]
            assert len(moved) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_method_alone_is_edited_like_a_whole_file(name: str) -> None:
    known = language(name)
    left_over = (FunctionKind.CLASS_BODY, FunctionKind.MODULE)
    functions = [
        piece for piece in functions_of(SAMPLES[name], known) if piece.kind not in left_over
    ]
    longest = max(functions, key=lambda function: len(function.text))
    kinds = {kind for kind, _ in many(longest.text, name)}
    assert kinds >= {"rename_local", "reformat", "comment_only"}


def test_equal_seeds_give_equal_edits() -> None:
    code = sample("Java")
    assert neutral_edits(code, "Java", random.Random(3)) == neutral_edits(
        code, "Java", random.Random(3)
    )
    assert len({edit for _, edit in many(code, "Java")}) > 20


def test_a_language_we_do_not_read_and_an_empty_text_have_no_edits() -> None:
    assert neutral_edits("a = b", "COBOL", random.Random(0)) == {}
    assert all(neutral_edits("", name, random.Random(0)) == {} for name in NAMES)


def test_a_docstring_moves_with_its_function_and_another_text_stays() -> None:
    code = 'def f():\n    """One.\n\n    Two.\n    """\n    return """a\n    b"""\n'
    reindented = {edited for _, edited in many(code, "Python") if "\n  return" in edited}
    assert reindented
    assert all("\n  Two." in edited and "\n    b" in edited for edited in reindented)


def test_imports_of_one_name_keep_their_order() -> None:
    """The later one wins."""
    for code in ("from a import x\nfrom b import y, x\n", "from __future__ import a\nimport b\n"):
        assert "reorder_imports" not in dict(many(code, "Python"))


# --- what may be renamed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("Python", "def f(a):\n    b = a\n    return b\n", "b"),
        ("Python", "def f():\n    for a, (b, c) in d():\n        a(b, c)\n", "abc"),
        ("Python", "def f():\n    with a() as b:\n        return [c for c in b]\n", "bc"),
        ("C", "int f(int *a, int b) { int c[2], *d = a; return c[b] + *d; }", "abcd"),
        ("C", "int f(int (*a)(int b), int c) { return a(c); }", "bc"),
        ("C++", "void f(A& a) { for (auto b : a) { b->c(); } }", "ab"),
        ("C++", "void f() { auto a = [&](int b) { return b; }; a(1); }", "ab"),
        ("C#", "void F(int a) { var b = a; foreach (var c in b) { G(c); } }", "bc"),
        ("Go", "func f(a int) (b error) {\n\tc, d := g(a)\n\tb = c(d)\n\treturn b\n}", "abcd"),
        ("Go", "func f() {\n\tfor a, b := range g() {\n\t\th(a, b)\n\t}\n}", "ab"),
        ("Java", "int f(int a) { int b = a; for (int c : d) { b += c; } return b; }", "abc"),
        ("Java", "void f() { g(a -> a.h()); try { i(); } catch (E b) { g(b); } }", "ab"),
        ("JavaScript", "function f(a, [b]) { const c = a; let d = (e) => e; d(b + c); }", "abcde"),
        ("JavaScript", "function f() { for (const a of b) c(a); }", "a"),
        ("TypeScript", "function f(a: A, b?: B): C { const c: A = a; return b; }", "abc"),
        ("TSX", "function F(a: A) { const b = a.c; return <p d={b}>{b}</p>; }", "ab"),
        ("Ruby", "def f(a, b = 1)\n  c = a\n  d.each { |e| c += e + b }\n  c\nend", "abce"),
    ],
)
def test_locals_are_found(name: str, code: str, expected: str) -> None:
    assert renamable(code, name) == list(expected)


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("Python", "x = 1\n", "module level"),
        ("Python", "def f(x):\n    return x\n", "callers may name a parameter"),
        ("Python", "def f():\n    global x\n    x = 1\n", "global"),
        ("Python", "def f():\n    x = 1\n    g(x=x)\n", "a keyword argument"),
        ("Python", "def f():\n    x = 1\n    return self.x + x\n", "an attribute"),
        ("Python", "def f():\n    x = 1\n    return '{x}'.format(x)\n", "a string"),
        ("Python", "def f():\n    x = 1  # of x\n    return x\n", "a comment"),
        ("Python", "def f():\n    x = 1\n    return f'{x=}'\n", "an f-string that prints it"),
        ("Python", "def f():\n    x = 1\n    return locals()\n", "names seen as text"),
        ("Python", "def f():\n    class A:\n        x = 1\n    return A\n", "a class attribute"),
        ("Python", "def f(a=x):\n    x = 1\n    return x\n", "a default from outside"),
        ("Python", "def f(a=g(x)):\n    x = 1\n    return x\n", "a default from outside"),
        ("Python", "def f():\n    def g():\n        x = 1\n    return x\n", "another scope"),
        ("C", "int x;\nint f(void) { return x; }", "a global"),
        ("C", "int f(void) { { int x = 1; } return x; }", "another scope"),
        ("C", "int f(void) { extern int x; return x; }", "a global"),
        ("C", "int f(int x) { return ASSERT(x); }", "a macro may spell it"),
        ("C", "int f(A *x) { return x->x; }", "a field"),
        ("C", "int x;\nint f(int (*a)(int x)) { return a(x); }", "a name in a type"),
        ("C", "#define G x\nint f(int x) { return G; }", "a macro's text"),
        ("C", "int f(int x) { goto x; x: return x; }", "a label"),
        ("C", "int f(void) { int x = 1; return x + ; }", "a syntax error"),
        ("C#", "void F() { var x = 1; G(x: x); }", "a named argument"),
        ("C#", "void F() { var x = 1; G(nameof(x)); }", "a name as text"),
        ("C#", "void F() { var x = 1; return new A { x = 2 }; }", "a property"),
        ("C#", "void F() { var x = 1; return (x, 2); }", "a name of a tuple's part"),
        ("C#", "class A { int x = 1; int F() { return x; } }", "a field"),
        ("Go", "var x = 1\nfunc f() int { return x }", "a global"),
        ("Go", "func f() A { x := 1; return A{x: x} }", "a field"),
        ("Java", "class A { int x; int f() { return x; } }", "a field"),
        ("Java", "void f() { int x = 1; g(new A() { int x = 2; }); }", "a field inside"),
        ("Java", "void f() { int x = 1; this.x = x; }", "a field"),
        ("JavaScript", "const x = 1; f(x);", "top level"),
        ("JavaScript", "function f() { const x = 1; return { x }; }", "a property"),
        ("JavaScript", "function f() { for (x of y) g(x); }", "assigned, not declared"),
        ("JavaScript", "function f() { { let x = 1; } return x; }", "another scope"),
        ("JavaScript", "function f() { var x = 1; eval('1'); return x; }", "code as text"),
        ("JavaScript", "function f(a = x) { var x = 1; return x; }", "a default from outside"),
        ("TypeScript", "class A { constructor(private x: number) { f(x); } }", "a property"),
        ("TSX", "function f() { const x = g(); return <x/>; }", "an element"),
        ("Ruby", "x = 1\nputs x\n", "top level"),
        ("Ruby", "def f\n  x\n  x = 1\nend", "a method before it is a variable"),
        ("Ruby", "def f\n  x = 1\n  g(x: x)\nend", "a keyword"),
        ("Ruby", "def f\n  x = 1\n  send(:x, x)\nend", "a symbol"),
        ("Ruby", "def f\n  x = 1\n  @x = x\nend", "an instance variable"),
        ("Ruby", "def f\n  x = 1\n  def g\n    x + 1\n  end\nend", "a method's own scope"),
        ("Ruby", "def f\n  x = 1\n  binding\nend", "names seen as text"),
    ],
)
def test_what_others_may_see_under_its_name_is_not_local(name: str, code: str, why: str) -> None:
    assert "x" not in renamable(code, name), why


# --- the strongest evidence: Python's own compiler ------------------------------------------------

SOURCES = sorted(Path(review_core.__file__).parent.glob("*.py")) + [
    Path(inspect.getfile(module)) for module in (ast, inspect, random, re)
]


def compiled(code: types.CodeType) -> list[object]:
    """What the compiler makes of code, but for the names of its own variables."""
    inner = [
        compiled(each) if isinstance(each, types.CodeType) else each for each in code.co_consts
    ]
    return [code.co_code, code.co_names, code.co_argcount, len(code.co_varnames), str(inner)]


def by_kind(kind: str, compare: Callable[[str], object]) -> int:
    """Compare what functions and their edited selves amount to; return how many there were."""
    count = 0
    for path in SOURCES:
        for piece in functions_of(path.read_text(), language("Python")):
            if piece.kind.value != "function" or "lambda" in piece.text:
                continue  # the order of closed-over names, and so the code, depends on spelling
            code = textwrap.dedent(piece.text)
            edited = neutral_edits(code, "Python", random.Random(path.name)).get(kind)
            if edited is not None:
                assert compare(edited) == compare(code), edited
                count += 1
    return count


def test_renaming_a_local_variable_leaves_the_compiled_code_alone() -> None:
    assert by_kind("rename_local", lambda code: compiled(compile(code, "f", "exec"))) > 80


@pytest.mark.parametrize("kind", ["reformat", "comment_only"])
def test_layout_and_comments_leave_the_syntax_tree_alone(kind: str) -> None:
    def tree(code: str) -> str:
        root = ast.parse(code)
        for node in ast.walk(root):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                match node.body[0]:
                    case ast.Expr(ast.Constant(str() as text) as docstring):
                        docstring.value = " ".join(text.split())  # indented as its function is
        return ast.dump(root)

    assert by_kind(kind, tree) > 150
