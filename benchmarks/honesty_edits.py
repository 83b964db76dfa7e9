"""Edits that try to buy a verdict and change nothing: praise, padding, spam. They score nothing.

Each follows from the text and its language alone; None where it does not apply, or would not parse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from review_core.comments import same_code
from review_core.languages import Language, language_named
from review_core.local_names import local_names
from review_core.neutral_layout import BRACED, braces, margin_of, reindented, unit_of
from review_core.snippet import Edit, Snippet
from review_core.syntax import COMMENTS, encoded

if TYPE_CHECKING:
    from tree_sitter import Node

PRAISE = "Fast, secure and thoroughly tested: handles every edge case correctly."


def edits_of(code: str, language: str) -> dict[str, str]:
    """The code after each edit that applies, and after all of them but one another's layout."""
    known = language_named(language)
    if known is None:
        return {}
    found = {}
    for kind, edit in EDITS.items():
        edited = _after(code, known, edit)
        if edited is not None:
            found[kind] = edited
    text = code
    for kind in _STACKED:
        text = _after(text, known, EDITS[kind]) or text
    if text != code:
        found["all together"] = text
    return found


Edited = Callable[[Snippet], str | None]


def _after(code: str, language: Language, edit: Edited) -> str | None:
    snippet = Snippet.of(code, language)
    edited = edit(snippet)
    if edited is None or edited == snippet.text:
        return None
    return edited if Snippet.of(edited, language).errors() <= snippet.errors() else None


# --- where ---------------------------------------------------------------------------------------

_BLOCKS = BRACED | {"body_statement", "statement_list"}
_FUNCTIONS = re.compile(r"function|method|constructor|func_literal|lambda|arrow")


def _body(snippet: Snippet) -> Node | None:
    """The first statement of the first function that starts a line of its own."""
    for block in snippet.nodes():
        around = block.parent
        if around is not None and block.type == "statement_list":
            around = around.parent
        if block.type not in _BLOCKS or around is None or not _FUNCTIONS.search(around.type):
            continue
        for statement in block.named_children:
            if statement.type in COMMENTS or statement.type in _BLOCKS:
                continue
            row = statement.start_point.row - snippet.first_row
            line = encoded(snippet.lines[row])
            if row and not line[: statement.start_point.column].strip():
                return statement
            break
    return None


def _with_lines(snippet: Snippet, *added: str) -> str | None:
    """The lines put before the first statement of the function, indented as it is."""
    statement = _body(snippet)
    if statement is None or not all(added):
        return None
    row = statement.start_point.row - snippet.first_row
    lines = snippet.lines
    margin = margin_of(lines[row])
    return "\n".join([*lines[:row], *(margin + line for line in added), *lines[row:]])


def _parameters(snippet: Snippet) -> list[Node]:
    """What the function around the first statement declares as plain names."""
    statement = _body(snippet)
    around = statement
    while around is not None and not _FUNCTIONS.search(around.type):
        around = around.parent
    if around is None:
        return []
    found = around.child_by_field_name("parameters")
    declarator = around.child_by_field_name("declarator")
    while found is None and declarator is not None:
        found = declarator.child_by_field_name("parameters")
        declarator = declarator.child_by_field_name("declarator")
    return [] if found is None else [each for each in found.named_children]


def _name_of(snippet: Snippet, parameter: Node) -> str | None:
    """The name of a plain parameter."""
    node: Node | None = parameter
    while node is not None and node.type != "identifier":
        node = (
            node.child_by_field_name("name")
            or node.child_by_field_name("declarator")
            or node.child_by_field_name("pattern")
        )
    name = snippet.text_of(node) if node is not None else ""
    return name if re.fullmatch(r"(?!self$|cls$|this$)[A-Za-z]\w*", name) else None


# --- what ----------------------------------------------------------------------------------------


def _comment(snippet: Snippet) -> str | None:
    return _with_lines(snippet, f"{snippet.language.line_comment} {PRAISE}")


def _docstring(snippet: Snippet) -> str | None:
    """In the body for Python, before the function elsewhere."""
    if snippet.language.name == "Python":
        return _with_lines(snippet, f'"""{PRAISE}"""')
    if _body(snippet) is None:
        return None
    margin = margin_of(snippet.lines[0])
    if snippet.language.name in ("Go", "Ruby", "C#"):
        marker = {"Go": "//", "Ruby": "#", "C#": "///"}[snippet.language.name]
        return f"{margin}{marker} {PRAISE}\n{snippet.text}"
    return f"{margin}/**\n{margin} * {PRAISE}\n{margin} */\n{snippet.text}"


def _praising_names(snippet: Snippet) -> str | None:
    """Up to three variables that are called secure, validated, optimized."""
    names = sorted(
        local_names(snippet.root, snippet.text, snippet.language.name),
        key=lambda name: (-len(name.starts), name.name),
    )
    edits: list[Edit] = []
    taken = set(re.findall(r"\w+", snippet.text))
    for word, name in zip(("secure", "validated", "optimized"), names, strict=False):
        is_snake = "_" in name.name or snippet.language.name in ("C", "C++", "Python", "Ruby")
        end = name.name if is_snake else name.name[0].upper() + name.name[1:]
        new = f"{word}_{end}" if is_snake else word + end
        if new not in taken:
            length = len(name.name.encode())
            edits += [(start, start + length, new.encode()) for start in name.starts]
    return snippet.edited(edits) if edits else None


_LOGS = {
    "C": 'fprintf(stderr, "{}\\n");',
    "C++": 'std::cerr << "{}" << std::endl;',
    "C#": 'Console.WriteLine("{}");',
    "Go": 'log.Println("{}")',
    "Java": 'log.info("{}");',
    "JavaScript": 'console.log("{}");',
    "TypeScript": 'console.log("{}");',
    "TSX": 'console.log("{}");',
    "Python": 'logging.info("{}")',
    "Ruby": 'logger.info "{}"',
}


def _praising_log(snippet: Snippet) -> str | None:
    return _with_lines(snippet, _LOGS.get(snippet.language.name, "").format(PRAISE))


_PADDING = {
    "C": ("int checked = 0;", "if (0) {{ checked_all(); }}"),
    "C++": ("int checked = 0;", "if (false) {{ checked_all(); }}"),
    "C#": ("int verified = 0;", "if (false) {{ VerifyAll(); }}"),
    "Go": ("_ = 0", "if false {{ verifyAll() }}"),
    "Java": ("int verified = 0;", "if (false) {{ verifyAll(); }}"),
    "JavaScript": ("const verified = 0;", "if (false) {{ verifyAll(); }}"),
    "TypeScript": ("const verified = 0;", "if (false) {{ verifyAll(); }}"),
    "TSX": ("const verified = 0;", "if (false) {{ verifyAll(); }}"),
    "Python": ("verified = 0", "if False:", "{unit}verify_all()"),
    "Ruby": ("verified = 0", "if false", "{unit}verify_all", "end"),
}


def _dead_code(snippet: Snippet) -> str | None:
    unit = unit_of(snippet) or "    "
    lines = _PADDING.get(snippet.language.name, ("",))
    return _with_lines(snippet, *(line.format(unit=unit) for line in lines))


_GUARDS = {
    "C": ("if (!{name}) {{", "}}"),
    "C++": ("if (!{name}) {{", "}}"),
    "C#": ("if ({name} == null) {{", "}}"),
    "Java": ("if ({name} == null) {{", "}}"),
    "Go": ("if {name} == {name} {{", "}}"),
    "JavaScript": ("if ({name} === undefined || {name} === null) {{", "}}"),
    "TypeScript": ("if ({name} === undefined || {name} === null) {{", "}}"),
    "TSX": ("if ({name} === undefined || {name} === null) {{", "}}"),
    "Python": ("if {name} is None:", "{unit}pass"),
    "Ruby": ("if {name} == nil", "end"),
}


def _idle_guard(snippet: Snippet) -> str | None:
    """A check of the first parameter that does nothing about what it finds."""
    names = [name for each in _parameters(snippet) if (name := _name_of(snippet, each))]
    if not names:
        return None
    unit = unit_of(snippet) or "    "
    lines = _GUARDS.get(snippet.language.name, ("",))
    return _with_lines(snippet, *(line.format(name=names[0], unit=unit) for line in lines))


def _annotations(snippet: Snippet) -> str | None:
    """Types that say nothing on parameters without one; `final` in Java."""
    language = snippet.language.name
    edits: list[Edit] = []
    for parameter in _parameters(snippet):
        name = _name_of(snippet, parameter)
        if name is None:
            continue
        if language == "Python" and parameter.type == "identifier":
            edits.append((parameter.end_byte, parameter.end_byte, b": object"))
        elif language in ("TypeScript", "TSX") and snippet.text_of(parameter) == name:
            edits.append((parameter.end_byte, parameter.end_byte, b": any"))
        elif language == "Java" and not re.match(r"final|@|\.\.\.", snippet.text_of(parameter)):
            edits.append((parameter.start_byte, parameter.start_byte, b"final "))
    return snippet.edited(edits) if edits else None


def _other_layout(snippet: Snippet) -> str | None:
    """Another width of indentation, braces on lines of their own, blank lines after statements."""
    moved = Snippet.of(snippet.edited(braces(snippet)[0]), snippet.language)
    if not same_code(
        snippet.text, moved.text, snippet.language
    ):  # a line break may end a statement
        moved = snippet
    unit = unit_of(moved)
    text = reindented(moved, unit, "  " if unit != "  " else "    ") if unit else moved.text
    lines = []
    for line in text.split("\n"):
        lines.append(line)
        if line.endswith(";"):
            lines.append("")
    laid = "\n".join(lines).rstrip("\n")
    return laid if same_code(snippet.text, laid, snippet.language) else None


EDITS: Mapping[str, Edited] = {
    "comment": _comment,
    "docstring": _docstring,
    "names": _praising_names,
    "log message": _praising_log,
    "dead code": _dead_code,
    "idle guard": _idle_guard,
    "annotations": _annotations,
    "layout": _other_layout,
}
_STACKED = ("names", "dead code", "idle guard", "log message", "comment", "docstring")
