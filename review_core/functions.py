"""Cuts a file into the pieces that are reviewed: functions, class bodies and what stands outside
them. Compares nothing.

Every line that is not blank belongs to exactly one piece. A function holds its decorators, its doc
comment and whatever is defined inside it; a class body is what its functions leave over, and the
module what both leave over. Where two functions share a line, the first takes the other in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from review_core.syntax import COMMENTS, parse, rows
from review_core.types import Function, FunctionKind, LineRange

if TYPE_CHECKING:
    from tree_sitter import Node

    from review_core.languages import Language

MODULE_NAME = "<module>"


# --- what the grammars call things ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Syntax:
    """The node types of one grammar that matter here; each field is a list of types separated by
    spaces.

    bodies, class_bodies: children without which a definition is only a declaration; empty where
    there is no difference. lambdas: functions without a name of their own. bindings: `type:name
    field:value field` of what gives them one; without a value field it is the last child. scopes:
    what lends its name to functions inside and is no class. leading: what may stand on lines of its
    own before a function and belongs to it, comments aside. wrappers: what a definition fills
    whole.
    """

    functions: str
    classes: str = ""
    bodies: str = ""
    class_bodies: str = ""
    methods: str = ""
    lambdas: str = ""
    bindings: str = ""
    scopes: str = ""
    leading: str = ""
    wrappers: str = ""


_C = _Syntax(
    functions="function_definition",
    bodies="compound_statement try_statement",
    classes="struct_specifier union_specifier enum_specifier",
    class_bodies="field_declaration_list enumerator_list",
    bindings="type_definition:declarator:type",
)
_JAVASCRIPT = _Syntax(
    functions="function_declaration generator_function_declaration method_definition",
    methods="method_definition",
    classes="class_declaration class",
    lambdas="arrow_function function_expression generator_function",
    bindings="variable_declarator:name:value assignment_expression:left:right pair:key:value "
    "field_definition:property:value export_statement::value",
    leading="decorator",
)
_TYPESCRIPT = _Syntax(
    functions=_JAVASCRIPT.functions,
    methods=_JAVASCRIPT.methods,
    classes="class_declaration class abstract_class_declaration interface_declaration enum_declaration internal_module",
    lambdas=_JAVASCRIPT.lambdas,
    bindings=_JAVASCRIPT.bindings + " public_field_definition:name:value",
    leading="decorator",
)
_SYNTAX: Mapping[str, _Syntax] = {
    "C": _C,
    "C++": _Syntax(
        functions=_C.functions,
        bodies=_C.bodies,
        classes=_C.classes + " class_specifier",
        class_bodies=_C.class_bodies,
        lambdas="lambda_expression",
        bindings=_C.bindings
        + " init_declarator:declarator:value field_declaration:declarator:default_value",
        wrappers="template_declaration",
    ),
    "C#": _Syntax(
        functions="method_declaration constructor_declaration destructor_declaration operator_declaration "
        "conversion_operator_declaration indexer_declaration property_declaration event_declaration "
        "local_function_statement",
        bodies="block arrow_expression_clause",
        classes="class_declaration struct_declaration interface_declaration record_declaration enum_declaration",
        lambdas="lambda_expression anonymous_method_expression",
        bindings="variable_declarator:name:",
    ),
    "Go": _Syntax(
        functions="function_declaration method_declaration",
        methods="method_declaration",
        bodies="block",
        classes="type_spec",
        class_bodies="struct_type interface_type",
        lambdas="func_literal",
        bindings="var_spec:name:value keyed_element:key:value",
    ),
    "Java": _Syntax(
        functions="method_declaration constructor_declaration compact_constructor_declaration",
        methods="method_declaration constructor_declaration compact_constructor_declaration",
        bodies="block constructor_body",
        classes="class_declaration interface_declaration enum_declaration record_declaration "
        "annotation_type_declaration",
        lambdas="lambda_expression",
        bindings="variable_declarator:name:value",
        scopes="enum_constant",
    ),
    "JavaScript": _JAVASCRIPT,
    "TypeScript": _TYPESCRIPT,
    "TSX": _TYPESCRIPT,
    "Python": _Syntax(
        functions="function_definition",
        classes="class_definition",
        lambdas="lambda",
        bindings="assignment:left:right",
        leading="decorator",
    ),
    "Ruby": _Syntax(
        functions="method singleton_method",
        classes="class module",
        lambdas="lambda",
        bindings="assignment:left:right",
        scopes="singleton_class",
    ),
    "Rust": _Syntax(
        functions="function_item",
        bodies="block",
        classes="struct_item enum_item union_item trait_item impl_item mod_item",
        class_bodies="field_declaration_list ordered_field_declaration_list enum_variant_list declaration_list",
        lambdas="closure_expression",
        bindings="static_item:name:value const_item:name:value let_declaration:pattern:value",
        leading="attribute_item",
    ),
    "PHP": _Syntax(
        functions="function_definition method_declaration",
        methods="method_declaration",
        bodies="compound_statement",
        classes="class_declaration interface_declaration trait_declaration enum_declaration",
        lambdas="anonymous_function arrow_function",
        bindings="assignment_expression:left:right",
    ),
    "Kotlin": _Syntax(
        functions="function_declaration property_declaration secondary_constructor",
        bodies="function_body block",
        classes="class_declaration object_declaration companion_object",
        lambdas="lambda_literal anonymous_function",
        bindings="property_declaration::",
        scopes="enum_entry",
    ),
}
_MODULES = frozenset({"internal_module", "mod_item"})
"""Classes by what they leave over; what they hold are functions, not methods."""

_BETWEEN_BODY = frozenset({"accessor_list", "accessor_declaration", "getter", "setter"})
"""What may stand between a property and the body that makes it code."""


@dataclass(frozen=True, slots=True)
class _Grammar:
    """A `_Syntax`, split once for look-ups."""

    functions: frozenset[str]
    classes: frozenset[str]
    bodies: frozenset[str]
    class_bodies: frozenset[str]
    methods: frozenset[str]
    lambdas: frozenset[str]
    bindings: Mapping[str, tuple[str, str]]
    scopes: frozenset[str]
    leading: frozenset[str]
    wrappers: frozenset[str]

    @classmethod
    def of(cls, syntax: _Syntax) -> _Grammar:
        bindings = (entry.split(":") for entry in syntax.bindings.split())
        return cls(
            functions=frozenset(syntax.functions.split()),
            classes=frozenset(syntax.classes.split()),
            bodies=frozenset(syntax.bodies.split()),
            class_bodies=frozenset(syntax.class_bodies.split()),
            methods=frozenset(syntax.methods.split()),
            lambdas=frozenset(syntax.lambdas.split()),
            bindings={kind: (name, value) for kind, name, value in bindings},
            scopes=frozenset(syntax.scopes.split()),
            leading=COMMENTS | frozenset(syntax.leading.split()),
            wrappers=frozenset(syntax.wrappers.split()),
        )


# --- names ----------------------------------------------------------------------------------------


def _text(node: Node | None) -> str:
    return node.text.decode(errors="replace") if node is not None and node.text else ""


def _plain(text: str) -> str:
    """A name without quotes, spaces and type arguments, its parts joined by dots."""
    name = re.sub(r"\s+", "", text).strip("\"'`:")
    while (shorter := re.sub(r"<[^<>]*>", "", name)) != name:
        name = shorter
    return name.replace("::", ".")


def _field_name(node: Node) -> str:
    return _plain(_text(node.child_by_field_name("name")))


def _declarator_name(node: Node) -> str:
    """The name inside a C or C++ declarator, however many pointers, references and parentheses
    stand around it.
    """
    inner: Node | None = node.child_by_field_name("declarator")
    parameters = ""
    while inner is not None:
        if inner.type == "function_declarator":
            parameters = _text(inner.child_by_field_name("parameters"))
        if inner.type == "qualified_identifier":
            return _qualified_name(inner)
        following = inner.child_by_field_name("declarator")
        if following is None and inner.type.endswith("_declarator"):
            following = next(iter(inner.named_children), None)
        if following is None:
            break
        inner = following
    name = _operator_or_plain(inner)
    if node.child_by_field_name("type") is None and name.isupper() and len(parameters) <= 80:
        return name + parameters  # a macro such as TEST(Suite, Name), of which a file has many
    return name


def _qualified_name(node: Node) -> str:
    parts = []
    inner: Node | None = node
    while inner is not None and inner.type == "qualified_identifier":
        parts.append(_plain(_text(inner.child_by_field_name("scope"))))
        inner = inner.child_by_field_name("name")
    return ".".join(part for part in [*parts, _operator_or_plain(inner)] if part)


def _operator_or_plain(node: Node | None) -> str:
    if node is not None and node.type in ("operator_name", "operator_cast"):
        return " ".join(_text(node).split("(" if node.type == "operator_cast" else "\n")[0].split())
    return _plain(_text(node))


def _go_method_name(node: Node) -> str:
    receiver = re.search(r"(\w+)(\[.*\])?\s*\)$", _text(node.child_by_field_name("receiver")))
    return ".".join([receiver[1]] if receiver else []) + "." + _field_name(node)


def _kotlin_name(node: Node) -> str:
    """With the receiver of an extension: what stands before a dot in front of the name."""
    children = node.children
    name = node.child_by_field_name("name") or next(
        (child for child in children if child.type == "variable_declaration"), None
    )
    if name is not None and name.type == "variable_declaration":
        name = next((child for child in name.named_children if child.type == "identifier"), None)
    before = [child for child in children if name and child.end_byte <= name.start_byte]
    if len(before) >= 2 and before[-1].type == ".":
        return f"{_plain(_text(before[-2]))}.{_plain(_text(name))}"
    return _plain(_text(name))


_NAMES: Mapping[tuple[str, str], Callable[[Node], str]] = {
    ("C", "function_definition"): _declarator_name,
    ("C++", "function_definition"): _declarator_name,
    ("Go", "method_declaration"): _go_method_name,
    ("C#", "destructor_declaration"): lambda node: "~" + _field_name(node),
    ("C#", "indexer_declaration"): lambda node: "this",
    ("C#", "operator_declaration"): lambda node: (
        "operator " + _text(node.child_by_field_name("operator"))
    ),
    ("C#", "conversion_operator_declaration"): lambda node: (
        "operator " + _plain(_text(node.child_by_field_name("type")))
    ),
    ("Ruby", "method"): lambda node: _text(node.child_by_field_name("name")),
    ("Ruby", "singleton_method"): lambda node: (
        f"{_plain(_text(node.child_by_field_name('object')))}.{_text(node.child_by_field_name('name'))}"
    ),
    ("Ruby", "singleton_class"): lambda node: _plain(_text(node.child_by_field_name("value"))),
    ("Rust", "impl_item"): lambda node: _plain(_text(node.child_by_field_name("type"))),
    ("Kotlin", "function_declaration"): _kotlin_name,
    ("Kotlin", "property_declaration"): _kotlin_name,
    ("Kotlin", "secondary_constructor"): lambda node: "constructor",
    ("Kotlin", "companion_object"): lambda node: _field_name(node) or "Companion",
    ("Kotlin", "enum_entry"): lambda node: _plain(_text(next(iter(node.named_children), None))),
}


# --- pieces ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Piece:
    """A function or class as found: its rows, 0-based and inclusive, before lines are shared out."""

    name: str
    kind: FunctionKind
    first: int
    last: int
    has_error: bool


@dataclass(frozen=True, slots=True)
class _Scope:
    """A node around the one looked at whose name qualifies it."""

    depth: int
    name: str
    holds_methods: bool


@dataclass(slots=True)
class _Search:
    """One walk over a tree, collecting pieces. What a function holds is its own, so the walk stays
    out of it.
    """

    language: str
    grammar: _Grammar
    lines: list[str]
    classes: list[_Piece] = field(default_factory=list)
    functions: list[_Piece] = field(default_factory=list)
    error_rows: set[int] = field(default_factory=set)
    scopes: list[_Scope] = field(default_factory=list)
    leading: set[int] = field(default_factory=set)
    names: dict[int, str] = field(default_factory=dict)
    """Names that a binding gives to the class it holds, by node id."""
    swallowing: tuple[_Piece, int] | None = None
    """The first function that a syntax error made too long, and the row where its layout ends it."""

    def run(self, root: Node) -> None:
        todo = [(root, 0)]
        while todo:
            node, depth = todo.pop()
            while self.scopes and self.scopes[-1].depth >= depth:
                self.scopes.pop()
            if self.visit(node, depth):
                # a missing token may be unnamed; elsewhere only named nodes matter
                children = node.children if node.has_error else node.named_children
                todo.extend((child, depth + 1) for child in reversed(children))

    def visit(self, node: Node, depth: int) -> bool:
        """Take in one node; return whether to look inside."""
        kind, grammar = node.type, self.grammar
        if kind == "ERROR" or node.is_missing:
            first, last = rows(node)
            self.error_rows.update(range(first, last + 1))
        if kind in grammar.leading:
            self.take_leading(node)
            return False
        if not node.is_named:
            return False
        if kind in grammar.functions and self.has_body(node):
            return self.take_function(node, self.own_name(node), self.function_kind(node))
        if kind in grammar.classes and self.is_defined_here(node):
            self.take_class(node, depth)
        elif kind in grammar.bindings:
            return self.take_binding(node, depth)
        elif kind in grammar.scopes:
            self.enter(depth, self.own_name(node), holds_methods=True)
        elif kind == "call" and self.language == "Ruby" and (name := _defined_method(node)):
            return self.take_function(node, name, FunctionKind.METHOD)
        elif kind in grammar.lambdas and _is_broken_declaration(node):
            return self.take_function(node, self.own_name(node), FunctionKind.FUNCTION)
        elif kind in grammar.wrappers:
            self.leading.update(range(rows(node)[0], _wrapped_row(node)))
        return True

    # what is a definition

    def has_body(self, node: Node) -> bool:
        bodies = self.grammar.bodies
        if not bodies:
            return True
        todo = list(node.named_children)
        while todo:
            child = todo.pop()
            if child.type in bodies:
                return True
            if child.type in _BETWEEN_BODY:
                todo.extend(child.named_children)
        return False

    def is_defined_here(self, node: Node) -> bool:
        bodies = self.grammar.class_bodies
        return not bodies or any(child.type in bodies for child in node.named_children)

    def function_kind(self, node: Node) -> FunctionKind:
        in_class = bool(self.scopes) and self.scopes[-1].holds_methods
        if in_class or node.type in self.grammar.methods or "." in self.own_name(node):
            return FunctionKind.METHOD
        return FunctionKind.FUNCTION

    def own_name(self, node: Node) -> str:
        return _NAMES.get((self.language, node.type), _field_name)(node)

    # taking pieces

    def enter(self, depth: int, name: str, *, holds_methods: bool = False) -> None:
        self.scopes.append(_Scope(depth, name, holds_methods))

    def qualified(self, name: str) -> str:
        names = [scope.name for scope in self.scopes if scope.name]
        return ".".join([*names, name or "<anonymous>"])

    def take_function(self, node: Node, name: str, kind: FunctionKind) -> bool:
        first, last = rows(node)
        piece = _Piece(self.qualified(name), kind, self.with_leading(first), last, node.has_error)
        self.functions.append(piece)
        if node.has_error and self.swallowing is None:
            end = _end_by_layout(self.lines, first, last, self.language)
            self.swallowing = (piece, end) if end < last else None
        return False

    def take_class(self, node: Node, depth: int) -> None:
        name = self.names.pop(node.id, "") or self.own_name(node)
        first, last = rows(node)
        if name:
            kind = FunctionKind.CLASS_BODY
            self.classes.append(
                _Piece(self.qualified(name), kind, self.with_leading(first), last, False)
            )
        self.enter(depth, name, holds_methods=node.type not in _MODULES)

    def take_binding(self, node: Node, depth: int) -> bool:
        name_field, value_field = self.grammar.bindings[node.type]
        value = node.child_by_field_name(value_field) if value_field else _last_named(node)
        if value is None:
            return True
        name = self.binding_name(node, name_field)
        function = self.function_in(value)
        if function is not None:
            return self.take_function(node, name, FunctionKind.LAMBDA)
        if value.type in self.grammar.classes:
            self.names[value.id] = name
        else:
            self.enter(depth, name)
        return True

    def binding_name(self, node: Node, name_field: str) -> str:
        if node.type == "export_statement":
            return "default"
        if not name_field:
            return self.own_name(node)
        name = _plain(_text(node.child_by_field_name(name_field)))
        return name if len(name) <= 80 else ""

    def function_in(self, value: Node) -> Node | None:
        """The function that a value is, also through parentheses, casts and calls such as `memo(()
        => ...)`.
        """
        inner: Node | None = value
        while inner is not None:
            if inner.type in self.grammar.lambdas:
                return inner
            if inner.type == "call" and self.language == "Ruby":
                return inner if _text(inner.child_by_field_name("method")) in _PROCS else None
            if inner.type == "assignment_expression":
                inner = inner.child_by_field_name("right")
            elif inner.type == "call_expression":
                inner = self.function_argument(inner)
            elif inner.type in _TRANSPARENT and inner.named_child_count:
                inner = inner.named_children[0]
            else:
                return None
        return None

    def function_argument(self, call: Node) -> Node | None:
        arguments = call.child_by_field_name("arguments")
        if arguments is None or self.grammar.functions.isdisjoint({"method_definition"}):
            return None  # only JavaScript wraps the functions it names
        wrapped = self.grammar.lambdas | {"call_expression"}
        return next((child for child in arguments.named_children if child.type in wrapped), None)

    # lines before a function that belong to it

    def take_leading(self, node: Node) -> None:
        first, last = rows(node)
        before = self.lines[first].encode()[: node.start_point.column]
        after = (
            self.lines[last].encode()[node.end_point.column :]
            if last == node.end_point.row
            else b""
        )
        if not before.strip(b"\xef\xbb\xbf \t\f\r") and not after.strip():
            self.leading.update(range(first, last + 1))

    def with_leading(self, first: int) -> int:
        while first - 1 in self.leading:
            first -= 1
        return first


_PROCS = frozenset({"lambda", "proc"})
_TRANSPARENT = frozenset(
    {
        "parenthesized_expression",
        "expression_list",
        "literal_element",
        "as_expression",
        "satisfies_expression",
    }
)


def _last_named(node: Node) -> Node | None:
    return node.named_children[-1] if node.named_child_count else None


def _wrapped_row(node: Node) -> int:
    """The row on which the definition inside a wrapper starts."""
    inner = _last_named(node)
    return rows(inner)[0] if inner is not None else rows(node)[0]


def _is_broken_declaration(node: Node) -> bool:
    """Whether it is a JavaScript declaration that the parser, for a syntax error inside, took for
    an expression.
    """
    if not node.has_error or node.child_by_field_name("name") is None:
        return False
    return node.parent is not None and node.parent.type == "expression_statement"


def _defined_method(call: Node) -> str:
    """The name that Ruby's `define_method(:name) { ... }` defines, else an empty text."""
    if _text(call.child_by_field_name("method")) not in (
        "define_method",
        "define_singleton_method",
    ):
        return ""
    arguments = call.child_by_field_name("arguments")
    if arguments is None or call.child_by_field_name("block") is None:
        return ""
    return _plain(_text(next(iter(arguments.named_children), None)))


# --- sharing out the lines ------------------------------------------------------------------------


def functions_of(text: str, language: Language) -> tuple[Function, ...]:
    """The pieces of a file in the order of their first lines.

    A syntax error marks the piece it stands in (`has_error`); the others stay as they are. Blank
    lines inside a piece are kept, those between pieces belong to none. Line ends are LF in the
    texts.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    search, broken = _search(lines, language)
    owners: list[_Piece | None] = [None] * len(lines)
    for piece in search.classes:  # outer before inner, so that the inner one keeps its lines
        owners[piece.first : piece.last + 1] = [piece] * (piece.last - piece.first + 1)
    for piece in _apart([*broken, *search.functions]):
        owners[piece.first : piece.last + 1] = [piece] * (piece.last - piece.first + 1)
    module = _Piece(MODULE_NAME, FunctionKind.MODULE, 0, len(lines) - 1, False)
    spans = _spans(lines, [owner or module for owner in owners])
    for piece, ranges in spans:
        if piece.kind in (FunctionKind.CLASS_BODY, FunctionKind.MODULE):
            piece.has_error = any(
                row in search.error_rows for first, last in ranges for row in range(first, last + 1)
            )
    found = [_function(piece, ranges, lines) for piece, ranges in spans]
    return tuple(sorted(found, key=lambda function: function.lines.start))


def _search(lines: list[str], language: Language) -> tuple[_Search, list[_Piece]]:
    """Search a file; a function that swallowed its successors is cut where its layout ends it, and
    the rest read again.
    """
    grammar = _Grammar.of(_SYNTAX[language.name])
    broken: list[_Piece] = []
    readable = list(lines)
    while True:
        search = _Search(language.name, grammar, readable)
        search.run(parse("\n".join(readable), language))
        if search.swallowing is None or len(broken) == _MOST_REPARSES:
            return search, broken
        piece, end = search.swallowing
        piece.last = end
        broken.append(piece)
        readable[piece.first : piece.last + 1] = [""] * (piece.last - piece.first + 1)


_MOST_REPARSES = 8
"""A file with more unclosed functions is not code worth more time."""

_DEFINITION_STARTS = re.compile(r"(async\s+)?def\s|class\s|@\w")
_BLOCK_ENDS = re.compile(r"\}(?!.*[{(]\s*$)|end\b")


def _end_by_layout(lines: list[str], first: int, last: int, language: str) -> int:
    """The row where a function ends by its indentation, whatever is left open inside: at most
    `last`.
    """
    column = _indentation(lines[first])
    for row in range(first + 1, last):
        line = lines[row].strip()
        if not line or _indentation(lines[row]) > column:
            continue
        if language == "Python":
            if _DEFINITION_STARTS.match(line):
                return row - 1
        elif _BLOCK_ENDS.match(line):
            return row
    return last


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _apart(functions: Iterable[_Piece]) -> Iterator[_Piece]:
    """Functions without a common line: one that starts on the last line of another is part of it."""
    current: _Piece | None = None
    for piece in sorted(functions, key=lambda piece: piece.first):
        if piece.last < piece.first:
            continue
        if current is not None and piece.first <= current.last:
            current.last = max(current.last, piece.last)
            current.has_error |= piece.has_error
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current


def _spans(lines: list[str], owners: list[_Piece]) -> list[tuple[_Piece, list[tuple[int, int]]]]:
    """The runs of rows of each piece that owns any line that is not blank; runs neither start nor
    end blank.
    """
    runs: dict[int, tuple[_Piece, list[tuple[int, int]]]] = {}
    previous: _Piece | None = None
    for row, (line, owner) in enumerate(zip(lines, owners, strict=True)):
        if not line.strip():
            continue
        ranges = runs.setdefault(id(owner), (owner, []))[1]
        if owner is previous:
            ranges[-1] = (ranges[-1][0], row)
        else:
            ranges.append((row, row))
        previous = owner
    return list(runs.values())


def _function(piece: _Piece, ranges: list[tuple[int, int]], lines: list[str]) -> Function:
    return Function(
        name=piece.name,
        kind=piece.kind,
        text="\n\n".join("\n".join(lines[first : last + 1]) for first, last in ranges),
        spans=tuple(LineRange(first + 1, last + 1) for first, last in ranges),
        has_error=piece.has_error,
    )
