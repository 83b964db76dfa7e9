"""The wrong variable or member: one of the same scope that is used in the same way."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from training.mutations.code import (
    ASSIGNMENTS,
    BINARY,
    BLOCKS,
    CALLS,
    FUNCTIONS,
    LOOPS,
    MEMBERS,
    Code,
    Mutation,
    replaced,
)

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Variable:
    """A name declared in the snippet.

    start, end: the bytes that see it. known_from: where its declaration ends. declared_type: as
    written, with its pointers; None where the text does not say. built_of: the
    declaration.
    """

    name: str
    start: int
    end: int
    known_from: int
    declared_type: str | None
    built_of: str

    def is_visible(self, use: Node) -> bool:
        """Whether a place comes after the declaration, inside its scope."""
        return max(self.start, self.known_from) <= use.start_byte and use.end_byte <= self.end

    def is_like(self, other: Variable) -> bool:
        """Whether nothing in the text says that the types differ or the values agree."""
        if self.declared_type and other.declared_type and self.declared_type != other.declared_type:
            return False
        copies = re.compile(r"\bnew \w+\(|\b[cC](opy|lone)|\bdup\b")
        return not any(
            re.search(rf"\b{re.escape(one.name)}\b", two.built_of) and copies.search(two.built_of)
            for one, two in ((self, other), (other, self))
        )


_SCOPES = BLOCKS | FUNCTIONS | frozenset(LOOPS) | {"catch_clause", "do_block", "block", "lambda"}
_NOT_VARIABLES = re.compile(
    r"self|this|cls|super|true|false|null|nil|undefined|NULL|None|True|False|it|err|error|ctx|_+|e"
)
_INNER = re.compile(
    r"\w*_declarator|variable_declaration|\w*pattern\w*|expression_list|optional_parameter"
    r"|left_assignment_list|default_parameter|typed_\w+|type_annotation"
)
_DECLARING = re.compile(
    r"\w*parameters?|parameter_declaration|declaration|local_variable_declaration|lexical_declaration"
    r"|local_declaration_statement|short_var_declaration|let_declaration|assignment|var_spec"
    r"|range_clause|\w*for_\w+|foreach_statement|variable_declaration|property_declaration"
)
_UNTYPED = re.compile(r"var|auto|let|const|val|def|dynamic")


def variables(code: Code) -> dict[str, Variable]:
    """The variables whose first mention declares them, by name."""
    first: dict[str, Node] = {}
    for node in chain(code.of("identifier"), code.of("variable_name")):
        first.setdefault(code.text(node), node)
    found = {}
    for name, node in first.items():
        if _NOT_VARIABLES.fullmatch(name) or not re.match(r"[$@]?[a-z_]\w*", name):
            continue
        if (declaration := _declaration(code, node)) is not None:
            around = [each for each in code.ancestors(declaration) if each.type in _SCOPES]
            scope = declaration if declaration.type in LOOPS else next(iter(around), None)
            if scope is not None:
                found[name] = _variable(code, name, node, declaration, scope)
    return found


def _variable(code: Code, name: str, node: Node, declaration: Node, scope: Node) -> Variable:
    known_from = node.end_byte if declaration.type in LOOPS else declaration.end_byte
    built_of = "" if declaration.type in LOOPS else code.text(declaration)
    return Variable(
        name, scope.start_byte, scope.end_byte, known_from, _type(code, node, declaration), built_of
    )


def _declaration(code: Code, node: Node) -> Node | None:
    """The declaration that makes the name known, if this mention is its name."""
    inner = node
    for around in code.ancestors(node):
        place = code.field_of(inner)
        if place in ("value", "right", "body", "condition", "type", "function", "arguments"):
            return None
        if _DECLARING.fullmatch(around.type) and around.type not in FUNCTIONS:
            return around
        if around.type == "assignment_expression" and code.language == "PHP":
            return around
        if not _INNER.fullmatch(around.type) or around.type == "function_declarator":
            return None
        inner = around
    return None


def _type(code: Code, node: Node, declaration: Node) -> str | None:
    stars = ""
    for around in code.ancestors(node):
        if around.type in ("pointer_declarator", "array_declarator"):
            stars += "*"
        if (found := around.child_by_field_name("type")) is not None:
            text = code.text(found).lstrip(": ")
            return None if _UNTYPED.fullmatch(text) else text + stars
        if around.id == declaration.id:
            break
    return None


def wrong_variable(code: Code) -> Iterator[Mutation]:
    """Another variable that is in scope and used in the same way, or the opposite member."""
    known = variables(code)
    uses: defaultdict[str, dict[str, list[Node]]] = defaultdict(lambda: defaultdict(list))
    for node in chain(code.of("identifier"), code.of("variable_name")):
        if code.text(node) in known and (use := _use(code, node)):
            uses[code.text(node)][use].append(node)
    for name in sorted(uses):
        for other in sorted(uses):
            if other == name or not known[name].is_like(known[other]):
                continue
            for use, places in uses[name].items():
                if use in uses[other]:
                    yield from _instead(code, places, known[other])
    yield from _opposite_members(code)


def _instead(code: Code, places: list[Node], other: Variable) -> Iterator[Mutation]:
    for node in places:
        if other.is_visible(node) and not _meets(code, node, other.name):
            yield replaced(node, other.name)


def _use(code: Code, node: Node) -> str:
    """How a variable is used, when the place says what kind of value it is; else an empty text."""
    around = code.parent(node)
    if around is None:
        return ""
    kind, place = around.type, code.field_of(node)
    if kind in BINARY:
        return _operand(code, around, node)
    if kind in ("subscript_expression", "subscript", "index_expression", "array_access"):
        return "index" if place in ("index", "subscript") else "indexed"
    if kind in MEMBERS:
        if place in ("object", "argument", "operand", "value", "expression"):
            return code.source[node.end_byte : around.end_byte].decode(errors="replace")
        return ""
    if kind in ("method_invocation", "call") and place in ("object", "receiver"):
        return f".{code.called(around)}"
    if kind in ("argument_list", "arguments", "argument"):
        call = next((each for each in code.ancestors(node) if each.type in CALLS), None)
        if call is None:
            return ""
        at = [each.id for each in code.arguments(call)]
        return f"{code.called(call)} {at.index(node.id)}" if node.id in at else ""
    return ""


def _operand(code: Code, operation: Node, node: Node) -> str:
    operator = code.operator(operation)
    if operator is None or operator.type in ("&&", "||", "and", "or", "<<", "+"):
        return ""
    if operator.type in ("<", ">", "<=", ">=", "-", "*", "/", "%"):
        return "number"
    other = [each for each in code.operands(operation) or () if each.id != node.id]
    return f"compared {code.text(other[0])}" if other else ""


def _meets(code: Code, node: Node, other: str) -> bool:
    """Whether the other name would meet itself: `a == a`, `a = a`, `f(a, a)`."""
    name = re.compile(rf"(?<![\w.]){re.escape(other)}\b")
    for around in code.ancestors(node):
        if around.type in BLOCKS:
            return False
        is_own = around.type in BINARY or around.type in ASSIGNMENTS or around.type in CALLS
        if (is_own or around.type.endswith(("statement", "declaration"))) and (
            name.search(code.text(around).split("{")[0])
        ):
            return True
    return False


# --- members --------------------------------------------------------------------------------------

_OPPOSITES = (
    "width height",
    "x y",
    "min max",
    "start end",
    "begin end",
    "left right",
    "first last",
    "top bottom",
    "row column",
    "rows columns",
    "rows cols",
    "row col",
    "src dst",
    "source target",
    "source destination",
    "old new",
    "next prev",
    "previous next",
    "before after",
    "key value",
    "input output",
    "in out",
    "read write",
    "lower upper",
    "parent child",
    "head tail",
    "low high",
    "request response",
    "from to",
    "expected actual",
    "base head",
)
_TWIN: Mapping[str, str] = {
    one: other
    for words in _OPPOSITES
    for pair in (words.split(),)
    for one, other in (pair, pair[::-1])
}
_WORDS = re.compile(r"[A-Z]?[a-z]+")


def _opposite_members(code: Code) -> Iterator[Mutation]:
    """`box.width` where `box.height` is meant; both are names of the snippet."""
    places = list(
        chain(
            code.of("property_identifier", "field_identifier"),
            (
                node
                for node in code.of("identifier")
                if code.field_of(node) in ("name", "field", "attribute", "method", "property")
                and (around := code.parent(node)) is not None
                and around.type in (*MEMBERS, *CALLS)
            ),
        )
    )
    names = {code.text(node) for node in places}
    for node in places:
        for twin in _twins(code.text(node)):
            if twin in names and not _meets(code, node, twin) and not _is_written(code, node):
                yield replaced(node, twin)


def _is_written(code: Code, node: Node) -> bool:
    member = code.parent(node)
    if member is None or member.type not in (*MEMBERS, *CALLS):
        return True
    return code.field_of(member) == "left"


def _twins(name: str) -> Iterator[str]:
    for word in _WORDS.finditer(name):
        if (twin := _TWIN.get(word[0].lower())) is not None:
            twin = twin.capitalize() if word[0][0].isupper() else twin
            yield name[: word.start()] + twin + name[word.end() :]
