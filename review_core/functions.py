"""Cuts a file into the pieces that are reviewed. Compares nothing; definitions.py knows grammars.

Every line that is not blank belongs to exactly one piece. A function holds its decorators, its doc
comment and whatever is defined inside it; a class body is what its functions leave over, and the
module what both leave over. Where two functions share a line, the first takes the other in.

A statement that hands a call a text and a function, as in `it("adds", () => ...)`, is a function
under that text; a group of them, such as `describe`, is cut like a class: "Cart > adds".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from review_core.definitions import (
    DEFINITIONS,
    GROUPS,
    field_text,
    has_body,
    has_class_body,
    is_called,
    name_of,
    plain_name,
    text_of,
    title_of,
)
from review_core.syntax import parse, rows
from review_core.types import Function, FunctionKind, LineRange

if TYPE_CHECKING:
    from tree_sitter import Node

    from review_core.definitions import Definitions
    from review_core.languages import Language

MODULE_NAME = "<module>"


def functions_of(text: str, language: Language) -> tuple[Function, ...]:
    """The pieces of a file in the order of their first lines.

    A syntax error marks the piece it stands in (`has_error`); the others stay as they are. Blank
    lines inside a piece are kept, those between pieces belong to none. Texts have LF line ends.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    search, cut = _search(lines, language)
    module = _Piece(MODULE_NAME, FunctionKind.MODULE, 0, len(lines) - 1)
    owners = [module] * len(lines)
    # an outer class before an inner one, which so keeps its lines; functions keep theirs from both
    for piece in [*search.classes, *_apart([*cut, *search.functions])]:
        owners[piece.first : piece.last + 1] = [piece] * (piece.last - piece.first + 1)
    pieces = _runs(lines, owners)
    for piece, runs in pieces:
        if piece.kind in (FunctionKind.CLASS_BODY, FunctionKind.MODULE):
            owned = (row for first, last in runs for row in range(first, last + 1))
            piece.has_error = not search.error_rows.isdisjoint(owned)
    found = [_function(piece, runs, lines) for piece, runs in pieces]
    return tuple(sorted(found, key=lambda function: function.lines.start))


@dataclass(slots=True)
class _Piece:
    """A function or class and its rows, 0-based and inclusive, before lines are shared out."""

    name: str
    kind: FunctionKind
    first: int
    last: int
    has_error: bool = False


# --- finding functions and classes ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scope:
    """A node around the one looked at, whose name qualifies it."""

    depth: int
    name: str
    holds_methods: bool
    is_group: bool = False


@dataclass(slots=True)
class _Search:
    """One walk over a tree that collects pieces. It stays out of functions: they own all inside."""

    language: str
    definitions: Definitions
    lines: list[str]
    classes: list[_Piece] = field(default_factory=list)
    functions: list[_Piece] = field(default_factory=list)
    error_rows: set[int] = field(default_factory=set)
    swallowing: tuple[_Piece, int] | None = None
    """The first function that a syntax error made too long, and the row where layout ends it."""
    _scopes: list[_Scope] = field(default_factory=list)
    _leading: set[int] = field(default_factory=set)
    """Rows that belong to the function below them, if there is one."""
    _bound: dict[int, str] = field(default_factory=dict)
    """Names that bindings give to the classes they hold, by node id."""
    _statements: set[int] = field(default_factory=set)
    """Ids of the statements outside functions, where a call may define something."""

    def run(self, root: Node) -> None:
        self._open(root)
        todo = [(root, 0)]  # a stack: generated code nests deeper than Python recurses
        while todo:
            node, depth = todo.pop()
            while self._scopes and self._scopes[-1].depth >= depth:
                self._scopes.pop()
            if self._visit(node, depth):
                # a missing token may be unnamed; elsewhere only named nodes matter
                children = node.children if node.has_error else node.named_children
                todo.extend((child, depth + 1) for child in reversed(children))

    def _visit(self, node: Node, depth: int) -> bool:
        """Take in one node; return whether to look inside."""
        kind, known = node.type, self.definitions
        if node.has_error and (node.is_error or node.is_missing):
            first, last = rows(node)
            self.error_rows.update(range(first, last + 1))
        if kind in known.leading:
            self._take_leading(node)
            return False
        if not node.is_named:
            return False
        if kind in known.functions and has_body(node, known):
            return self._take_function(node, name_of(node, self.language), self._kind(node))
        if kind in known.bindings:
            return self._take_binding(node, depth)
        if self.language == "Ruby" and (name := _defined_method(node)):
            return self._take_function(node, name, FunctionKind.METHOD)
        if kind in known.calls and node.id in self._statements:
            return self._take_call(node, depth)
        if kind in known.lambdas and _is_broken_declaration(node):
            return self._take_function(node, field_text(node, "name"), FunctionKind.FUNCTION)
        if kind in known.classes and has_class_body(node, known):
            self._take_class(node, depth)
        elif kind in known.scopes:
            self._scopes.append(_Scope(depth, name_of(node, self.language), holds_methods=True))
        elif kind in known.wrappers and node.named_children:
            self._leading.update(range(rows(node)[0], rows(node.named_children[-1])[0]))
        return True

    def _kind(self, node: Node) -> FunctionKind:
        in_class = bool(self._scopes) and self._scopes[-1].holds_methods
        is_method = in_class or node.type in self.definitions.methods
        if is_method or "." in name_of(node, self.language):  # Cart::total outside its class
            return FunctionKind.METHOD
        return FunctionKind.FUNCTION

    def _qualified(self, name: str, *, is_title: bool = False) -> str:
        """The name after those around it; titles have dots of their own and stand apart."""
        qualified, apart = "", False
        for scope in self._scopes:
            if scope.name:
                link = (" > " if apart or scope.is_group else ".") if qualified else ""
                qualified, apart = qualified + link + scope.name, scope.is_group
        link = (" > " if apart or is_title else ".") if qualified else ""
        return qualified + link + (name or "<anonymous>")

    def _take_function(
        self, node: Node, name: str, kind: FunctionKind, *, is_title: bool = False
    ) -> bool:
        first, last = rows(node)
        name = self._qualified(name, is_title=is_title)
        piece = _Piece(name, kind, self._with_leading(first), last, node.has_error)
        self.functions.append(piece)
        if node.has_error and self.swallowing is None:
            end = _end_by_layout(self.lines, first, last, self.language)
            self.swallowing = (piece, end) if end < last else None
        return False

    def _take_class(self, node: Node, depth: int) -> None:
        name = self._bound.get(node.id) or name_of(node, self.language)
        if name:
            first, last = rows(node)
            first = self._with_leading(first)
            kind = FunctionKind.CLASS_BODY
            self.classes.append(_Piece(self._qualified(name), kind, first, last))
        holds_methods = node.type not in self.definitions.modules
        self._scopes.append(_Scope(depth, name, holds_methods))
        self._open(node.child_by_field_name("body"))

    def _take_call(self, node: Node, depth: int) -> bool:
        """Take in a statement such as `describe "Cart" do ... end` or `app.get("/", () => ...)`."""
        title = title_of(node, self.definitions)
        function = node.child_by_field_name("block") or self._handed_function(node)
        if not title or function is None:
            return True
        body = function.child_by_field_name("body")
        if is_called(node, GROUPS):
            first, last = rows(node)
            name = self._qualified(title, is_title=True)
            first = self._with_leading(first)
            self.classes.append(_Piece(name, FunctionKind.CLASS_BODY, first, last))
            self._scopes.append(_Scope(depth, title, holds_methods=False, is_group=True))
            self._open(body)
            return True
        in_group = bool(self._scopes) and self._scopes[-1].is_group
        if not in_group and self._declares(body):
            return True  # a file's outermost function, as in `define("cart", function () { ... })`
        return self._take_function(node, title, FunctionKind.LAMBDA, is_title=True)

    def _handed_function(self, call: Node) -> Node | None:
        """The last argument that is a function; options or a time limit may follow it."""
        arguments = call.child_by_field_name("arguments")
        if arguments is None or self.language == "Ruby":
            return None
        return next(filter(self._is_function, reversed(arguments.named_children)), None)

    def _declares(self, body: Node | None) -> bool:
        known = self.definitions.functions | self.definitions.classes
        return body is not None and any(child.type in known for child in body.named_children)

    def _open(self, body: Node | None) -> None:
        """Let the statements of a file, class or group be definitions."""
        for child in body.named_children if body is not None else []:
            is_wrapped = child.type == "expression_statement" and child.named_children
            self._statements.add((child.named_children[0] if is_wrapped else child).id)

    def _take_binding(self, node: Node, depth: int) -> bool:
        name_field, value_field = self.definitions.bindings[node.type]
        value = node.child_by_field_name(value_field) if value_field else _last_child(node)
        name = self._bound_name(node, name_field)
        if value is not None and self._is_function(value):
            return self._take_function(node, name, FunctionKind.LAMBDA)
        if value is not None and value.type in self.definitions.classes:
            self._bound[value.id] = name
        elif value is not None:
            self._scopes.append(_Scope(depth, name, holds_methods=False))
        return True

    def _bound_name(self, node: Node, name_field: str) -> str:
        if node.type == "export_statement":
            return "default"
        name = field_text(node, name_field) if name_field else name_of(node, self.language)
        return plain_name(name) if len(name) <= _LONGEST_NAME else ""

    def _is_function(self, value: Node) -> bool:
        """Also through parentheses, casts, other assignments and calls as in `memo(() => ...)`."""
        inner: Node | None = value
        while inner is not None and inner.type not in self.definitions.lambdas:
            if inner.type == "call" and self.language == "Ruby":
                return field_text(inner, "method") in ("lambda", "proc")
            if inner.type == "assignment_expression":
                inner = inner.child_by_field_name("right")
            elif inner.type == "call_expression":
                inner = self._function_argument(inner)
            elif inner.type in _TRANSPARENT and inner.named_children:
                inner = inner.named_children[0]
            else:
                inner = None
        return inner is not None

    def _function_argument(self, call: Node) -> Node | None:
        if self.language not in ("JavaScript", "TypeScript", "TSX"):
            return None
        arguments = call.child_by_field_name("arguments")
        wrapped = self.definitions.lambdas | {"call_expression"}
        children = arguments.named_children if arguments is not None else []
        return next((child for child in children if child.type in wrapped), None)

    def _take_leading(self, node: Node) -> None:
        """Remember a comment or decorator that has its lines for itself."""
        first, last = rows(node)
        before = self.lines[first].encode(errors="replace")[: node.start_point.column]
        ends_here = last == node.end_point.row
        after = self.lines[last].encode(errors="replace")[node.end_point.column :]
        if not before.decode(errors="replace").strip("\ufeff \t\f") and not (
            ends_here and after.strip()
        ):
            self._leading.update(range(first, last + 1))

    def _with_leading(self, first: int) -> int:
        while first - 1 in self._leading:
            first -= 1
        return first


_LONGEST_NAME = 80
"""In characters; a longer text on the left of an assignment is no name."""

_TRANSPARENT = frozenset(
    {
        "as_expression",
        "expression_list",
        "literal_element",
        "parenthesized_expression",
        "satisfies_expression",
    }
)
"""What may stand around a function that is the value of a binding."""


def _last_child(node: Node) -> Node | None:
    return node.named_children[-1] if node.named_children else None


def _defined_method(node: Node) -> str:
    """The name that Ruby's `define_method(:name) { ... }` defines, or an empty text."""
    if node.type != "call" or node.child_by_field_name("block") is None:
        return ""
    arguments = node.child_by_field_name("arguments")
    if arguments is None or not field_text(node, "method").startswith("define_"):
        return ""
    return plain_name(text_of(next(iter(arguments.named_children), None)))


def _is_broken_declaration(node: Node) -> bool:
    """Whether it is a JavaScript declaration, read as an expression for a syntax error inside."""
    if not node.has_error or node.child_by_field_name("name") is None:
        return False
    return node.parent is not None and node.parent.type == "expression_statement"


# --- syntax errors --------------------------------------------------------------------------------


def _search(lines: list[str], language: Language) -> tuple[_Search, list[_Piece]]:
    """Search a file; the second value are functions cut short because they swallowed others.

    An unclosed bracket makes one function of all that follows. It ends where its layout says, since
    code is indented even while it is being typed, and the rest is read again without it.
    """
    cut: list[_Piece] = []
    readable = list(lines)
    while True:
        search = _Search(language.name, DEFINITIONS[language.name], readable)
        search.run(parse("\n".join(readable), language))
        if search.swallowing is None or len(cut) == _MOST_REPARSES:
            return search, cut
        piece, end = search.swallowing
        piece.last = end
        cut.append(piece)
        readable[piece.first : end + 1] = [""] * (end - piece.first + 1)


_MOST_REPARSES = 8
"""A file with more unclosed functions is not worth more time."""

_DEFINITION_STARTS = re.compile(r"(async\s+)?def\s|class\s|@\w")
_BLOCK_ENDS = re.compile(r"\}(?!.*[{(]\s*$)|end\b")  # not `}) {`, which ends only parameters


def _end_by_layout(lines: list[str], first: int, last: int, language: str) -> int:
    """The row, at most `last`, where a function ends by its indentation, whatever is left open."""
    margin = _margin(lines[first])
    for row in range(first + 1, last):
        line = lines[row].strip()
        if not line or _margin(lines[row]) > margin:
            continue
        if language == "Python":
            if _DEFINITION_STARTS.match(line):
                return row - 1
        elif _BLOCK_ENDS.match(line):
            return row
    return last


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


# --- sharing out the lines ------------------------------------------------------------------------


def _apart(functions: Iterable[_Piece]) -> Iterator[_Piece]:
    """Functions without a common line: one that starts where another ends becomes part of it."""
    current: _Piece | None = None
    for piece in sorted(functions, key=lambda piece: piece.first):
        if current is not None and piece.first <= current.last:
            current.last = max(current.last, piece.last)
            current.has_error |= piece.has_error
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current


def _runs(lines: list[str], owners: list[_Piece]) -> list[tuple[_Piece, list[tuple[int, int]]]]:
    """Each piece that owns a line with its runs of rows, which neither start nor end blank."""
    found: dict[int, tuple[_Piece, list[tuple[int, int]]]] = {}
    previous: _Piece | None = None
    for row, (line, owner) in enumerate(zip(lines, owners, strict=True)):
        if not line.strip():
            continue
        runs = found.setdefault(id(owner), (owner, []))[1]
        if owner is previous:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
        previous = owner
    return list(found.values())


def _function(piece: _Piece, runs: list[tuple[int, int]], lines: list[str]) -> Function:
    return Function(
        name=piece.name,
        kind=piece.kind,
        text="\n\n".join("\n".join(lines[first : last + 1]) for first, last in runs),
        spans=tuple(LineRange(first + 1, last + 1) for first, last in runs),
        has_error=piece.has_error,
    )
