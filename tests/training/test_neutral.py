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
from review_core.local_names import local_names
from review_core.syntax import parse_part, walk
from review_core.types import FunctionKind
from training.neutral import neutral_edits

NAMES = [each.name for each in LANGUAGES if each.in_distribution]
KINDS = {"rename_local", "reformat", "comment_only", "reorder_imports"}
"""What every language has; other kinds need code of their own, below."""

IMPORTS = {
    "C": "#include <stdio.h>\n#include <stdlib.h>\n\n",
    "C++": "#include <map>\n#include <vector>\n\n",
    "C#": "using System;\nusing System.Linq;\n\n",
    "Go": 'package p\n\nimport (\n\t"fmt"\n\t"os"\n)\n\n',
    "Ruby": "require 'json'\nrequire 'set'\n\n",
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


def many(code: str, name: str, seeds: int = 10) -> Iterator[tuple[str, str]]:
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
    assert kinds >= KINDS


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
    assert len({edit for _, edit in many(code, "Java")}) > 10


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


# --- order ----------------------------------------------------------------------------------------


def after(code: str, name: str, kind: str, seeds: int = 12) -> set[str]:
    """All that one kind of edit makes of the code."""
    return {edited for made, edited in many(code, name, seeds) if made == kind}


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("PHP", "use A\\B;", "use C;"),
        ("Rust", "use a::b;", "use c::{d, e};"),
        ("Kotlin", "import a.b", "import c.d"),
        ("Ruby", "require 'json'", "require 'set'"),
    ],
)
def test_imports_of_other_languages_change_places(name: str, first: str, second: str) -> None:
    start = "<?php\n" if name == "PHP" else ""
    code = f"{start}{first}\n{second}\n"
    assert after(code, name, "reorder_imports") == {f"{start}{second}\n{first}\n"}


def test_a_ruby_library_that_may_change_another_is_loaded_in_its_order() -> None:
    assert not after("require 'rails'\nrequire 'set'\n", "Ruby", "reorder_imports")


MEMBERS = {
    "C": ("", "// One.\nint f(void)\n{\n    return 1;\n}", "int g(void)\n{\n    return 2;\n}", ""),
    "C++": ("class A {\n public:\n", "  int f() { return 1; }", "  int g() { return 2; }", "};\n"),
    "C#": (
        "class A\n{\n",
        "    int F() { return G(); }",
        "    [B]\n    int G() { return 2; }",
        "}\n",
    ),
    "Go": ("package p\n\n", "func (a A) f() {}", "// g does.\nfunc g() {}", ""),
    "Java": (
        "class A {\n",
        "    int f() { return g(); }",
        "    @B\n    int g() { return 2; }",
        "}\n",
    ),
    "JavaScript": ("class A {\n", "  f() { this.g(); }", "  static g() {}", "}\n"),
    "TypeScript": ("class A {\n", "  f(): void { this.g(); }", "  g(): void {}", "}\n"),
    "TSX": ("", "function f() { return <p/>; }", "function g() { return f(); }", ""),
    "Python": (
        "class A:\n",
        "    def f(self):\n        g()",
        "    @property\n    def g(self):\n        f()",
        "",
    ),
    "Ruby": ("class A\n", "  def f\n    g\n  end", "  def self.g\n  end", "end\n"),
    "Rust": ("impl A {\n", "    fn f() {}", "    fn g() {}", "}\n"),
    "PHP": ("<?php class A {\n", "    function f() {}", "    function g() {}", "}\n"),
    "Kotlin": ("class A {\n", "    fun f() {}", "    fun g() {}", "}\n"),
}


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_neighbouring_functions_change_places_with_their_comments(name: str) -> None:
    before, first, second, end = MEMBERS[name]
    code = f"{before}{first}\n\n{second}\n{end}"
    assert after(code, name, "reorder_members") == {f"{before}{second}\n\n{first}\n{end}"}


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("C", "int f(void) { return 1; }\nint g(void) { return f(); }\n", "declared first"),
        ("C", "int f(void) { return 1; }\n#define A\nint g(void) { return 2; }\n", "a directive"),
        ("C++", "int f(int a) { return 1; }\nint f(A a) { return 2; }\n", "overloads"),
        ("Go", "package p\n\nfunc init() {}\n\nfunc f() {}\n", "runs at the start"),
        ("JavaScript", "class A {\n  get a() {}\n  set a(b) {}\n}\n", "one property"),
        ("JavaScript", "class A {\n  [a]() {}\n  [b]() {}\n}\n", "computed names"),
        ("JavaScript", "class A {\n  a = 1;\n  b = 2;\n}\n", "fields"),
        ("TypeScript", "class A {\n  @b()\n  f() {}\n  g() {}\n}\n", "a decorator"),
        ("Python", "def f():\n    pass\ndef g(a=f):\n    pass\n", "a default"),
        ("Python", "def f():\n    pass\n@f\ndef g():\n    pass\n", "a decorator"),
        ("Python", "@a.b\ndef f():\n    pass\n@a.c\ndef g():\n    pass\n", "may register itself"),
        ("Python", "if a:\n    def f():\n        pass\n    def g():\n        pass\n", "a branch"),
        (
            "Ruby",
            "class A\n  sig { void }\n  def f\n  end\n\n  def g\n  end\nend\n",
            "its signature",
        ),
        ("Rust", "impl A {\n    #[b]\n    fn f() {}\n    fn g() {}\n}\n", "an attribute"),
        (
            "Java",
            "class A {\n    int f() {\n        return 1; } int g() { return 2; }\n}\n",
            "one line",
        ),
    ],
)
def test_members_whose_order_may_matter_stay(name: str, code: str, why: str) -> None:
    assert not after(code, name, "reorder_members"), why


STATEMENTS = {
    "C": ("void f(void)\n{\n", "    int a = 0;", "    bool b = true;", "}\n"),
    "C++": ("void f() {\n", "  int a = 0;", "  size_t b = 1;", "}\n"),
    "C#": ("void F()\n{\n", "    var a = 0;", "    string b = null;", "}\n"),
    "Go": ("func f() {\n", "\ta := 0", "\tvar b []string", "}\n"),
    "Java": ("void f() {\n", "    int a = 0;", "    String b = null;", "}\n"),
    "JavaScript": ("function f() {\n", "  const a = 0;", "  let b = [];", "}\n"),
    "TypeScript": ("function f() {\n", "  const a = 0;", "  let b: string = 'c';", "}\n"),
    "Python": ("def f():\n", "    a = 0", "    b = []", ""),
    "Ruby": ("def f\n", "  a = 0", "  b = nil", "end\n"),
    "Rust": ("fn f() {\n", "    let a = 0;", "    let mut b = 1;", "}\n"),
    "PHP": ("<?php function f() {\n", "    $a = 0;", "    $b = null;", "}\n"),
    "Kotlin": ("fun f() {\n", "    val a = 0", "    var b = true", "}\n"),
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_variables_that_start_as_literals_change_places(name: str) -> None:
    before, first, second, end = STATEMENTS[name]
    code = f"{before}{first}\n{second}\n{end}"
    assert after(code, name, "reorder_statements") == {f"{before}{second}\n{first}\n{end}"}


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("Python", "class A:\n    a = 0\n    b = 1\n", "fields"),
        ("Python", "def f():\n    a = 0\n    b = a\n", "reads the first"),
        ("Python", "def f():\n    a = g()\n    b = 0\n", "a call"),
        ("Python", "def f():\n    a = 0\n    a = 1\n", "one name"),
        ("Ruby", 'def f\n  a = 0\n  b = "#{a}"\nend\n', "reads the first in its text"),
        ("C++", "void f() {\n  A a = 0;\n  B b = 1;\n}\n", "constructors"),
    ],
)
def test_statements_whose_order_may_matter_stay(name: str, code: str, why: str) -> None:
    assert not after(code, name, "reorder_statements"), why


# --- equivalents ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("C", "void f(int a, int b) { if (a < b) g(); }", "if (b > a) g();"),
        ("C++", "void f(int a, int b) { if (a < b) g(); }", "if (b > a) g();"),
        ("Go", "func f() { if a.b == c { g() } }", "if c == a.b { g() }"),
        ("Java", "boolean f() { return a <= b; }", "return b >= a;"),
        ("Python", "x = a < len(b)\n", "x = len(b) > a\n"),
        ("C", "void f() { if (!a) { b(); } else { c(); } }", "if (a) { c(); } else { b(); }"),
        ("Go", "func f() { if a == B { c() } else { d() } }", "if a != B { d() } else { c() }"),
        ("JavaScript", "if (!a) { b(); } else { c(); }", "if (a) { c(); } else { b(); }"),
        (
            "Python",
            "if a is None:\n    b()\nelse:\n    c()\n",
            "if a is not None:\n    c()\nelse:\n    b()\n",
        ),
        ("Ruby", "if !a\n  b\nelse\n  c\nend\n", "if a\n  c\nelse\n  b\nend\n"),
        ("C#", "bool F() { return a == B || C; }", "return (a == B) || C;"),
        ("C", "x = A && (b == C);", "x = A && b == C;"),
        ("Java", "x = A || B && C;", "x = A || (B && C);"),
        ("Python", "x = 'a'\n", 'x = "a"\n'),
        ("TypeScript", 'x("a")', "x('a')"),
        ("Ruby", "x('a')", 'x("a")'),
        ("C", "void f() { i++; }", "i += 1;"),
        ("Go", "func f() { i -= 1 }", "i--"),
    ],
)
def test_an_equivalent_says_the_same(name: str, code: str, expected: str) -> None:
    edited = after(code, name, "equivalent")
    assert any(expected in each for each in edited), edited
    assert all(errors(each, name) == 0 for each in edited)


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("C", "x = f(a) < g(b);", "calls change places"),
        ("C", "for (i = 0; i < n; i++) f();", "nobody writes it so"),
        ("C++", "void f(A a, A b) { if (a < b) g(); }", "may be overloaded"),
        ("Python", "x = a < b\n", "may be overloaded"),
        ("Java", "boolean f() { return a == null; }", "nobody writes it so"),
        ("Python", "if a == b:\n    c()\nelse:\n    d()\n", "may be overloaded"),
        ("Python", "if not a:\n    b()\nelif c:\n    d()\nelse:\n    e()\n", "three branches"),
        ("JavaScript", "if (A) {} else if (!b) { c(); } else { d(); }", "three branches"),
        ("C", "x = (A || B) && C;", "needs its parentheses"),
        ("JavaScript", "f()\na == b && c()\n", "would call what f returns"),
        ("Ruby", "f a == b && c", "would call f with less"),
        ("Ruby", "x('#{a}')", "reads a in the other quotes"),
        ("Python", 'x = "it\'s"\n', "has the other quote in it"),
        ("Python", 'def f():\n    """a"""\n', "a docstring"),
        ("Python", "x = f'a'\n", "a prefix"),
        ("C", "x = i++;", "its value is read"),
        ("JavaScript", "i++;", "a BigInt knows no += 1"),
    ],
)
def test_what_may_not_be_the_same_is_left_alone(name: str, code: str, why: str) -> None:
    assert not after(code, name, "equivalent"), why


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


def test_another_order_compiles_to_the_same_parts() -> None:
    """The same constants, names and functions, wherever they stand."""

    def parts(code: types.CodeType) -> list[str]:
        inner = [each for each in code.co_consts if isinstance(each, types.CodeType)]
        own = sorted([*code.co_names, *code.co_varnames, str(len(code.co_code))])
        return sorted([str(own), *(part for each in inner for part in parts(each))])

    kinds = set()
    for path in [path for path in SOURCES if path.stat().st_size < 6000]:
        code = path.read_text()
        for kind, edited in neutral_edits(code, "Python", random.Random(path.name)).items():
            if kind.startswith("reorder"):
                assert parts(compile(edited, "f", "exec")) == parts(compile(code, "f", "exec"))
                kinds.add(kind)
    assert kinds >= {"reorder_members", "reorder_imports"}
