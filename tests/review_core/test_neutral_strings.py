"""without_new_messages: the wording of new messages goes, texts that the program reads stay."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_code import TRAINED, functions, language

from benchmarks.honesty_edits import edits_of
from review_core.neutral_strings import without_new_messages
from review_core.snippet import Snippet
from review_core.syntax import walk

BASES = {
    "C": "int f(int a) {\n  return 1;\n}\n",
    "C++": "int f(int a) {\n  return 1;\n}\n",
    "C#": "int F(int a) {\n  return 1;\n}\n",
    "Go": "func f(a int) int {\n\treturn 1\n}\n",
    "Java": "int f(int a) {\n  return 1;\n}\n",
    "JavaScript": "function f(a) {\n  return 1;\n}\n",
    "TypeScript": "function f(a: number) {\n  return 1;\n}\n",
    "TSX": "function f(a: number) {\n  return 1;\n}\n",
    "Python": "def f(a):\n    return 1\n",
    "Ruby": "def f(a)\n  return 1\nend\n",
}

MESSAGES = [
    ("Python", 'log.info("very fast: %s of %d\\n", a)', 'log.info("text %s text %d\\n", a)'),
    (
        "Python",
        "raise ValueError(f'no such {a} here' 'or there')",
        "raise ValueError(f'text {a} text' 'text')",
    ),
    ("Python", 'print("all is well".format(a))', 'print("all is well".format(a))'),
    ("Python", 'assert a, "a must be safe"', 'assert a, "text"'),
    ("JavaScript", "console.log(`safe and ${a} sound`);", "console.log(`text ${a} text`);"),
    ("JavaScript", "throw new Error('this is safe');", "throw new Error('text');"),
    ("TypeScript", "logger.warn('this is safe', a);", "logger.warn('text', a);"),
    ("TSX", "console.error('this is safe' + a);", "console.error('text' + a);"),
    ("C", 'fprintf(stderr, "safe and fast\\n");', 'fprintf(stderr, "text\\n");'),
    ("C++", 'std::cerr << "safe and fast" << a;', 'std::cerr << "text" << a;'),
    ("C++", 'throw std::runtime_error("this is safe");', 'throw std::runtime_error("text");'),
    ("C#", 'Log.Error($"safe {a} and fast");', 'Log.Error($"text {a} text");'),
    (
        "C#",
        'throw new ArgumentException(@"this is safe");',
        'throw new ArgumentException(@"text");',
    ),
    ("Go", 'return errors.New("this is safe")', 'return errors.New("text")'),
    ("Go", 'log.Printf("this is safe %v", a)', 'log.Printf("text %v", a)'),
    ("Java", 'log.info("this is safe " + a);', 'log.info("text " + a);'),
    ("Java", 'throw new StateException("this is safe");', 'throw new StateException("text");'),
    ("Ruby", 'raise ArgumentError, "this is safe"', 'raise ArgumentError, "text"'),
    ("Ruby", 'logger.info "this is #{a} safe"', 'logger.info "text #{a} text"'),
]

DATA = [
    ("Python", 'db.execute("SELECT name FROM users WHERE id = 1")'),
    ("Python", 'log.info("SELECT name FROM users")'),  # looks like a query: better left
    ("Python", 'a["the key here"] = 1'),
    ("Python", 'if a == "some words here": return'),
    ("Python", "re.compile('some words [a-z]+')"),
    ("Python", 'open("/etc/some file/x y")'),
    ("Python", 'log.info("see https://example.org/a b")'),
    ("Python", 'log.info("key")'),  # one word may be a name
    ("JavaScript", "a.innerHTML = '<b>some words here</b>';"),
    ("JavaScript", "console.log(find('some words here'));"),  # what find reads
    ("C", 'strcpy(a, "some words here");'),
    ("C", 'sprintf(a, "some words %s here", b);'),
    ("Go", 'return fmt.Sprintf("some words %s here", a)'),
    ("Java", 'return a.equals("some words here");'),
    ("Ruby", 'a.match("some words here")'),
    ("C#", 'var x = cmd("DELETE FROM users or more");'),
]


def with_line(name: str, line: str) -> str:
    lines = BASES[name].split("\n")
    margin = re.match(r"\s*", lines[1])
    assert margin is not None
    return "\n".join([lines[0], margin[0] + line, *lines[1:]])


@pytest.mark.parametrize(("name", "line", "expected"), MESSAGES)
def test_prose_in_a_new_message_is_one_word(name: str, line: str, expected: str) -> None:
    sides = without_new_messages(BASES[name], with_line(name, line), language(name))
    assert sides == (BASES[name], with_line(name, expected))


@pytest.mark.parametrize(("name", "line"), DATA)
def test_a_text_that_the_program_may_read_stays(name: str, line: str) -> None:
    head = with_line(name, line)
    assert without_new_messages(BASES[name], head, language(name)) == (BASES[name], head)


@pytest.mark.parametrize("name", TRAINED)
def test_a_message_that_both_sides_have_stays(name: str) -> None:
    line = next(line for known, line, _ in MESSAGES if known == name)
    base, head = with_line(name, line), with_line(name, line) + "\n"
    assert without_new_messages(base, head, language(name)) == (base, head)


def test_a_message_that_was_only_reworded_makes_the_sides_equal() -> None:
    base = 'def f(a):\n    log.info("opened %s", a)\n    log.info("the file is open: %s", a)\n'
    head = base.replace("the file is open", "securely and quickly opened the file")
    sides = without_new_messages(base, head, language("Python"))
    assert sides[0] == sides[1]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(TRAINED).flatmap(
        lambda n: st.tuples(
            st.just(n), st.sampled_from(functions(n)), st.sampled_from(functions(n))
        )
    )
)
def test_nothing_but_texts_changes(case: tuple[str, str, str]) -> None:
    """Of any two functions and of one with a log message put in: outside literals all stays."""
    name, base, other = case
    for head in (other, edits_of(base, name).get("log message", base)):
        sides = without_new_messages(base, head, language(name))
        for before, after in zip((base, head), sides, strict=True):
            assert outside_texts(before, name) == outside_texts(after, name)


def outside_texts(text: str, name: str) -> list[str]:
    snippet = Snippet.of(text, language(name))
    assert not snippet.errors() or snippet.text == text
    found: list[str] = []
    hidden: int | None = None
    for node, depth in walk(snippet.root):
        if hidden is not None and depth > hidden:
            continue
        hidden = depth if "string" in node.type and node.is_named else None
        found.append(node.type if hidden is not None or node.child_count else snippet.text_of(node))
    return found
