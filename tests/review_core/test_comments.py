"""without_comments and same_code, in every language."""

from __future__ import annotations

import pytest
from code_samples import ENDLESS, SAMPLES

from review_core.comments import same_code, without_comments
from review_core.languages import LANGUAGES, Language, language_named
from review_core.syntax import COMMENTS, parse, walk

NAMES = [language.name for language in LANGUAGES]


def language(name: str) -> Language:
    known = language_named(name)
    assert known is not None
    return known


@pytest.mark.parametrize("name", NAMES)
def test_a_file_without_its_comments_parses_and_is_the_same_code(name: str) -> None:
    text = SAMPLES[name]
    bare = without_comments(text, language(name))
    root = parse(bare, language(name))
    assert not root.has_error
    assert not any(node.type in COMMENTS for node, _ in walk(root))
    assert "cart." not in bare.lower().split() and "A shop" not in bare and "The sum" not in bare
    assert same_code(text, bare, language(name))
    assert len(bare.split("\n")) < len(text.split("\n")) or name == "TSX"


@pytest.mark.parametrize("name", NAMES)
def test_texts_without_comments_stay_as_they_are(name: str) -> None:
    bare = without_comments(SAMPLES[name], language(name))
    assert without_comments(bare, language(name)) == bare


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Python", 'x = "# no"  # yes\n# gone\n\ny = 1\n', 'x = "# no"\n\ny = 1\n'),
        ("Python", 'def f():\n    """Only."""\n', "def f():\n    pass\n"),
        ("Python", 'def f():\n    """Doc."""\n    return 1\n', "def f():\n    return 1\n"),
        ("Python", 'def f(): "doc"; return 1\n', "def f(): pass; return 1\n"),
        ("Python", 'class A:\n    """Two\n    lines."""\n\n    x = 1\n', "class A:\n\n    x = 1\n"),
        ("Python", 'def f():\n    x = """no doc"""\n', 'def f():\n    x = """no doc"""\n'),
        ("Python", '"""Module."""\n', ""),
        ("Python", 'def f():\n    f"{a()}"\n    b"c"\n', 'def f():\n    f"{a()}"\n    b"c"\n'),
        ("C", "int/* a */f() { return 1 /* b */; }\n", "int f() { return 1 ; }\n"),
        ("C", "a(); /* one\n two */ b();\n", "a();  b();\n"),
        (
            "C",
            "#define URL \"http://a\" // b\n#define X 'a' // c\n",
            "#define URL \"http://a\"\n#define X 'a'\n",
        ),
        ("JavaScript", "a()/* one\ntwo */b()\n", "a()\nb()\n"),
        ("Rust", "/// Doc.\nfn f() {}\n//! In.\n", "fn f() {}\n"),
        ("Ruby", "=begin\nx\n=end\ny = <<~A # z\n  # in\nA\n", "y = <<~A\n  # in\nA\n"),
        (
            "Java",
            "  /** Doc. */\n  @A int f() { return 1; } // b\n",
            "  @A int f() { return 1; }\n",
        ),
        ("PHP", "function f() { return 1; # a\n}\n", "function f() { return 1;\n}\n"),
        ("Go", "package a\r\n// b\r\nvar c = 1 // é\r\n", "package a\nvar c = 1\n"),
    ],
)
def test_comments_go_and_code_stays(name: str, text: str, expected: str) -> None:
    assert without_comments(text, language(name)) == expected


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        ("Python", "def f():\n  return 1\n", "def f():\n    # x\n\n    return   1\n"),
        ("Python", 'def f():\n    "a"\n    return 1\n', 'def f():\n    "b"\n    return 1\n'),
        ("Python", 'class A:\n    "a"\n', "class A:\n    pass\n"),
        ("Python", "# only a comment\n", ""),
        ("Python", "x = (1 +\n     2)\n", "x = (1 + 2)\n"),
        ("Python", "x = 1 + \\\n    2\n", "x = 1 + 2\n"),
        ("JavaScript", "function f(){return x}", "function f() {\n  return x // c\n}"),
        ("C", "#define A(x) \\\n  foo(x)\n", "#define A(x) foo(x) // c\n"),
        ("C", "int f(){return 1;}", "int\nf()\n{\n  /* c */\n  return 1;\n}\n"),
        ("Java", "int f() { return 1; }", "/** d */\nint f()\n{\n\treturn 1;\r\n}\n"),
        ("TSX", "const a = <p>\n  hi\n</p>", "const a = <p>hi</p>"),
        ("Go", "package a\n\nfunc f() {\n\tb()\n}", "package a\nfunc f() {\n    b() // c\n\n}\n"),
        ("Ruby", "def f\n  1\nend", "# d\ndef f\n\n    1\nend\n"),
    ],
)
def test_layout_and_comments_are_not_code(name: str, base: str, head: str) -> None:
    assert same_code(base, head, language(name))
    assert same_code(head, base, language(name))


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        ("Python", "if a:\n  b()\n  c()\n", "if a:\n  b()\nc()\n"),
        ("Python", "x = 'a b'", "x = 'a  b'"),
        ("Python", "x = f(1)", "x = f(2)"),
        ("Python", 'def f():\n    f"{a()}"\n', 'def f():\n    f"{b()}"\n'),
        ("Python", "def f():\n    return 1\n    'a'\n", "def f():\n    return 1\n    'b'\n"),
        ("JavaScript", "function f() { return x }", "function f() { return\n x }"),
        ("JavaScript", "a = b\n(c)", "a = b;\n(c)"),
        ("C", "#define A 1\n", "#define A 2\n"),
        ("C", 'char *a = "x  y";', 'char *a = "x y";'),
        ("C", "int a = = 1;", "int a = = 2;"),
        ("Java", "int f() { return a - -b; }", "int f() { return a --b; }"),
        ("TSX", "const a = <p>hi you</p>", "const a = <p>hi  you</p>"),
        ("Go", "package a\nvar b = `x\n y`\n", "package a\nvar b = `x\n  y`\n"),
        ("Ruby", "x = <<~A\n  a\nA\n", "x = <<~A\n  b\nA\n"),
    ],
)
def test_what_the_program_sees_is_code(name: str, base: str, head: str) -> None:
    assert not same_code(base, head, language(name))
    assert not same_code(head, base, language(name))


def test_a_method_without_its_class_is_read_as_a_member() -> None:
    method = "  get total() { /* sum */ return 1; }, // done"
    assert without_comments(method, language("JavaScript")) == "  get total() {  return 1; },"


def test_a_text_that_cannot_be_parsed_is_compared_word_by_word() -> None:
    kotlin = language("Kotlin")
    assert without_comments(ENDLESS, kotlin) == ENDLESS
    assert same_code(ENDLESS, ENDLESS + "\n", kotlin)
    assert not same_code(ENDLESS, ENDLESS + "x", kotlin)


def test_broken_code_with_other_layout_is_the_same_code() -> None:
    assert same_code("int f( { return 1 }", "int f( {\n  // c\n  return 1 }", language("C"))
