"""Swaps neighbouring functions, methods or statements whose order provably does not matter.

What could tell the order apart (a decorator, a default value, an overload, a declaration that must
come first) keeps it. Fields are left alone: their order is layout, or that of their initialisers.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from review_core.snippet import Edit, Snippet
from review_core.syntax import COMMENTS

if TYPE_CHECKING:
    from tree_sitter import Node

_METHODS = ("method_declaration", "constructor_declaration")
_SCRIPT = ("method_definition", "function_declaration")
_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "C": ("function_definition",),
    "C++": ("function_definition",),
    "C#": _METHODS,
    "Go": ("function_declaration", "method_declaration"),
    "Java": _METHODS,
    "JavaScript": _SCRIPT,
    "TypeScript": _SCRIPT,
    "TSX": _SCRIPT,
    "Python": ("function_definition", "decorated_definition"),
    "Ruby": ("method", "singleton_method"),
    "Rust": ("function_item",),
    "PHP": ("method_declaration",),
    "Kotlin": ("function_declaration",),
}
_AROUND = frozenset(
    {
        "translation_unit",
        "field_declaration_list",
        "declaration_list",
        "source_file",
        "class_body",
        "program",
        "module",
        "block",
        "body_statement",
    }
)


def reorder_members(snippet: Snippet, rng: random.Random) -> str | None:
    """Two neighbouring functions or methods, with their comments, the other way round."""
    kinds = _FUNCTIONS.get(snippet.language.name, ())
    pairs = [
        swap
        for node in snippet.nodes()
        if node.type in kinds and (after := _next(node)) is not None and after.type in kinds
        if _may_change_places(snippet, node, after) and (swap := _swap(snippet, node, after))
    ]
    return snippet.edited(rng.choice(pairs)) if pairs else None


def _next(node: Node) -> Node | None:
    after = node.next_named_sibling
    while after is not None and after.type in COMMENTS:
        after = after.next_named_sibling
    return after


def _previous(node: Node) -> Node | None:
    before = node.prev_named_sibling
    while before is not None and before.type in COMMENTS:
        before = before.prev_named_sibling
    return before


def _may_change_places(snippet: Snippet, first: Node, second: Node) -> bool:
    parent = first.parent
    names = [_name(snippet, node) for node in (first, second)]
    if parent is None or parent.type not in _AROUND or not all(names) or names[0] == names[1]:
        return False
    if first.has_error or second.has_error:
        return False
    rule = _RULES.get(snippet.language.name)
    return rule is None or rule(snippet, first, second)


def _name(snippet: Snippet, node: Node) -> str:
    """The function's plain name; empty where it has none, or one that is computed."""
    if node.type == "decorated_definition":
        inner = node.child_by_field_name("definition")
        return _name(snippet, inner) if inner is not None else ""
    found = node.child_by_field_name("name")
    while found is None and (inner := node.child_by_field_name("declarator")) is not None:
        found, node = inner.child_by_field_name("name"), inner
        if inner.type in ("identifier", "field_identifier"):
            found = inner
    text = snippet.text_of(found) if found is not None else ""
    return text if re.fullmatch(r"[#~\w$.:]+[?!=]?", text) else ""


# --- what each language asks for ------------------------------------------------------------------


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _c(snippet: Snippet, first: Node, second: Node) -> bool:
    """The second must not need the first's declaration, nor the preprocessor their order."""
    texts = [snippet.text_of(node) for node in (first, second)]
    if any(re.search(r"(?m)^\s*#|\boperator\b|\bauto\b|\btemplate\b", text) for text in texts):
        return False
    name = _name(snippet, first).split(":")[-1]
    return not _mentions(texts[1], name)


def _go(snippet: Snippet, first: Node, second: Node) -> bool:
    return all(_name(snippet, node) not in ("init", "_") for node in (first, second))


def _script(snippet: Snippet, first: Node, second: Node) -> bool:
    """Decorators and overload signatures stand before the member that they belong to."""
    before, parent = first.prev_named_sibling, first.parent
    if before is not None and (before.type == "decorator" or before.type.endswith("signature")):
        return False
    methods = [node.type == "method_definition" for node in (first, second)]
    return all(methods) or (not any(methods) and parent is not None and parent.type == "program")


_PLAIN_DECORATOR = re.compile(
    r"@(staticmethod|classmethod|property|(abc\.)?abstractmethod|override)"
)


def _python(snippet: Snippet, first: Node, second: Node) -> bool:
    """Decorators, defaults and annotations are read when the function is defined."""
    parent = first.parent
    owner = parent.parent if parent is not None else None
    is_class = owner is not None and owner.type == "class_definition"
    if parent is None or (parent.type != "module" and not is_class):
        return False
    for node, other in ((first, second), (second, first)):
        head = snippet.text_of(node)
        inner = node.child_by_field_name("definition") or node
        body = inner.child_by_field_name("body")
        if body is None or _mentions(
            head[: len(head) - len(snippet.text_of(body))], _name(snippet, other)
        ):
            return False
        decorators = [child for child in node.children if child.type == "decorator"]
        if not all(
            _PLAIN_DECORATOR.fullmatch(snippet.text_of(each).strip()) for each in decorators
        ):
            return False
    return True


_RUBY_BEFORE = re.compile(r"private|protected|public|(include|extend|attr_\w+|require\w*)\b[^\n]*")


def _ruby(snippet: Snippet, first: Node, second: Node) -> bool:
    """A call before a method may be about it, as `sig` and `desc` are."""
    before = _previous(first)
    return (
        before is None
        or before.type in ("method", "singleton_method")
        or _RUBY_BEFORE.fullmatch(snippet.text_of(before)) is not None
    ) and "method_added" not in snippet.text


def _rust(snippet: Snippet, first: Node, second: Node) -> bool:
    before = first.prev_named_sibling
    return before is None or "attribute" not in before.type


_RULES: dict[str, Callable[[Snippet, Node, Node], bool]] = {
    "C": _c,
    "C++": _c,
    "Go": _go,
    "JavaScript": _script,
    "TypeScript": _script,
    "TSX": _script,
    "Python": _python,
    "Ruby": _ruby,
    "Rust": _rust,
}

# --- the swap -------------------------------------------------------------------------------------

_RANGE_DIRECTIVE = re.compile(
    r"disable|enable|region|clang-format|nolint|prettier|rubocop|coverage"
)


def _swap(snippet: Snippet, first: Node, second: Node) -> list[Edit] | None:
    one, two = _lines_with_comments(snippet, first), _lines_with_comments(snippet, second)
    if one is None or two is None or snippet.source[one[1] : two[0]].strip():
        return None
    texts = [snippet.source[start:end] for start, end in (one, two)]
    if any(_RANGE_DIRECTIVE.search(text.decode(errors="replace")) for text in texts):
        return None
    return [(*one, texts[1]), (*two, texts[0])]


def _lines_with_comments(snippet: Snippet, node: Node) -> tuple[int, int] | None:
    """Where the node's lines start, those of the comments right above included, and end."""
    start, end = snippet.lines_of(node)
    if end is None:
        return None
    if snippet.source[end - 1 : end] == b"\n":
        end -= 1
    above = node.prev_named_sibling
    while above is not None and above.type in COMMENTS:
        first, last = snippet.lines_of(above)
        if last != start:
            break
        start, above = first, above.prev_named_sibling
    return start, end


# --- statements -----------------------------------------------------------------------------------

_LITERAL = (
    r"(-?\d[\w.]*|'[^'\\\n]*'|\"[^\"\\\n$#]*\""
    r"|true|false|null|nil|NULL|nullptr|None|True|False|\[\]|\{\})"
)
_C_TYPE = r"(?:(?:unsigned|const) )*(?:int|bool|char|long|short|float|double|size_t|u?int\d+_t)"
_DECLARATIONS: dict[str, re.Pattern[str]] = {
    "C": re.compile(rf"{_C_TYPE} (\w+) = {_LITERAL};"),
    "C++": re.compile(rf"{_C_TYPE} (\w+) = {_LITERAL};"),
    "C#": re.compile(rf"(?:var|int|bool|string|long|double) (\w+) = {_LITERAL};"),
    "Go": re.compile(rf"(\w+) := {_LITERAL}|var (\w+) [\w.*\[\]]+"),
    "Java": re.compile(rf"(?:final )?(?:int|boolean|String|long|double|char) (\w+) = {_LITERAL};"),
    "JavaScript": re.compile(rf"(?:const|let|var) (\w+) = {_LITERAL};?"),
    "Python": re.compile(rf"(\w+) = {_LITERAL}"),
    "Ruby": re.compile(rf"([a-z]\w*) = {_LITERAL}"),
    "Rust": re.compile(rf"let (?:mut )?(\w+)(?:: \w+)? = {_LITERAL};"),
    "PHP": re.compile(rf"\$(\w+) = {_LITERAL};"),
    "Kotlin": re.compile(rf"va[lr] (\w+)(?:: \w+)? = {_LITERAL}"),
}
_DECLARATIONS["TypeScript"] = _DECLARATIONS["TSX"] = re.compile(
    rf"(?:const|let|var) (\w+)(?:: [\w\[\]]+)? = {_LITERAL};?"
)
_STATEMENTS = frozenset(
    {
        "declaration",
        "local_declaration_statement",
        "short_var_declaration",
        "var_declaration",
        "local_variable_declaration",
        "lexical_declaration",
        "variable_declaration",
        "expression_statement",
        "assignment",
        "let_declaration",
        "property_declaration",
    }
)
_BODIES = frozenset(
    {
        "compound_statement",
        "block",
        "statement_list",
        "statement_block",
        "body_statement",
        "constructor_body",
    }
)
_OWNERS = frozenset(
    {"class_definition", "class", "module", "class_body", "program", "singleton_class"}
)


def reorder_statements(snippet: Snippet, rng: random.Random) -> str | None:
    """Two neighbouring local variables that start as literals, the other way round."""
    pairs = []
    for node in snippet.nodes():
        if node.type not in _STATEMENTS or (after := node.next_named_sibling) is None:
            continue
        if _are_independent(snippet, node, after) and (swap := _swap(snippet, node, after)):
            pairs.append(swap)
    return snippet.edited(rng.choice(pairs)) if pairs else None


def _are_independent(snippet: Snippet, first: Node, second: Node) -> bool:
    pattern = _DECLARATIONS[snippet.language.name]
    parent = first.parent
    owner = parent.parent if parent is not None else None
    if parent is None or owner is None or parent.type not in _BODIES or owner.type in _OWNERS:
        return False
    found = [pattern.fullmatch(snippet.text_of(node).strip()) for node in (first, second)]
    names = [next(each for each in match.groups() if each) for match in found if match]
    return len(names) == 2 and names[0] != names[1]
