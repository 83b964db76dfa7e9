"""What each grammar calls functions and classes, and how their names are read. Cuts nothing.

To add a language, add its lists here: most need no code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING

from review_core.syntax import COMMENTS

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Definitions:
    """The node types of one grammar that define something.

    bodies, class_bodies: children without which a definition is only a declaration; empty where
    there is no difference. methods: functions that are methods wherever they stand. modules:
    classes whose functions are not methods. lambdas: functions without a name of their own.
    bindings: what gives them one, with the fields of the name and of the value (empty: the last
    child). scopes: what lends its name to the functions inside and is no class. leading: what
    belongs to the function below it when it has lines of its own. wrappers: what one definition
    fills. calls: what a text and a function among the arguments, or a block, make a definition, as
    in `it("adds", () => ...)`. texts: what such a text may be.
    """

    functions: frozenset[str]
    classes: frozenset[str]
    bodies: frozenset[str]
    class_bodies: frozenset[str]
    methods: frozenset[str]
    modules: frozenset[str]
    lambdas: frozenset[str]
    bindings: Mapping[str, tuple[str, str]]
    scopes: frozenset[str]
    leading: frozenset[str]
    wrappers: frozenset[str]
    calls: frozenset[str]
    texts: frozenset[str]


def _define(*, bindings: str = "", leading: str = "", **types: str) -> Definitions:
    """Definitions from lists separated by blanks; a binding is `type:name field:value field`."""
    plain = ("functions", "classes", "bodies", "class_bodies", "methods", "modules", "lambdas")
    lists = {name: types.get(name, "") for name in (*plain, "scopes", "wrappers", "calls", "texts")}
    parts = (binding.split(":") for binding in bindings.split())
    return Definitions(
        bindings={kind: (name, value) for kind, name, value in parts},
        leading=COMMENTS | frozenset(leading.split()),
        **{name: frozenset(listed.split()) for name, listed in lists.items()},
    )


_JAVASCRIPT = {
    "functions": "function_declaration generator_function_declaration method_definition",
    "methods": "method_definition",
    "classes": "class_declaration class",
    "lambdas": "arrow_function function_expression generator_function",
    "bindings": "variable_declarator:name:value assignment_expression:left:right pair:key:value"
    " field_definition:property:value public_field_definition:name:value export_statement::value",
    "leading": "decorator",
    "calls": "call_expression",
    "texts": "string template_string",
}
_TYPESCRIPT = _JAVASCRIPT | {
    "classes": "class_declaration class abstract_class_declaration interface_declaration"
    " enum_declaration internal_module",
    "modules": "internal_module",
}
_C = {
    "functions": "function_definition",
    "bodies": "compound_statement try_statement",
    "classes": "struct_specifier union_specifier enum_specifier class_specifier",
    "class_bodies": "field_declaration_list enumerator_list",
    "lambdas": "lambda_expression",
    "bindings": "type_definition:declarator:type init_declarator:declarator:value"
    " field_declaration:declarator:default_value",
    "wrappers": "template_declaration",
}

DEFINITIONS: Mapping[str, Definitions] = {
    "C": _define(**_C),
    "C++": _define(**_C),
    "C#": _define(
        functions="method_declaration constructor_declaration destructor_declaration"
        " operator_declaration conversion_operator_declaration indexer_declaration"
        " property_declaration event_declaration local_function_statement",
        bodies="block arrow_expression_clause",
        classes="class_declaration struct_declaration interface_declaration record_declaration"
        " enum_declaration",
        lambdas="lambda_expression anonymous_method_expression",
        bindings="variable_declarator:name:",
    ),
    "Go": _define(
        functions="function_declaration method_declaration",
        methods="method_declaration",
        bodies="block",
        classes="type_spec",
        class_bodies="struct_type interface_type",
        lambdas="func_literal",
        bindings="var_spec:name:value keyed_element:key:value",
    ),
    "Java": _define(
        functions="method_declaration constructor_declaration compact_constructor_declaration",
        bodies="block constructor_body",
        classes="class_declaration interface_declaration enum_declaration record_declaration"
        " annotation_type_declaration",
        methods="method_declaration constructor_declaration compact_constructor_declaration",
        lambdas="lambda_expression",
        bindings="variable_declarator:name:value",
        scopes="enum_constant",
    ),
    "JavaScript": _define(**_JAVASCRIPT),
    "TypeScript": _define(**_TYPESCRIPT),
    "TSX": _define(**_TYPESCRIPT),
    "Python": _define(
        functions="function_definition",
        classes="class_definition",
        lambdas="lambda",
        bindings="assignment:left:right",
        leading="decorator",
    ),
    "Ruby": _define(
        functions="method singleton_method",
        classes="class module",
        lambdas="lambda",
        bindings="assignment:left:right",
        scopes="singleton_class",
        calls="call",
        texts="string",
    ),
    "Rust": _define(
        functions="function_item",
        bodies="block",
        classes="struct_item enum_item union_item trait_item impl_item mod_item",
        class_bodies="field_declaration_list ordered_field_declaration_list enum_variant_list"
        " declaration_list",
        modules="mod_item",
        lambdas="closure_expression",
        bindings="static_item:name:value const_item:name:value",
        leading="attribute_item",
    ),
    "PHP": _define(
        functions="function_definition method_declaration",
        methods="method_declaration",
        bodies="compound_statement",
        classes="class_declaration interface_declaration trait_declaration enum_declaration",
        lambdas="anonymous_function arrow_function",
        bindings="assignment_expression:left:right",
    ),
    "Kotlin": _define(
        functions="function_declaration property_declaration secondary_constructor",
        bodies="function_body block",
        classes="class_declaration object_declaration companion_object",
        lambdas="lambda_literal anonymous_function",
        bindings="property_declaration::",
        scopes="enum_entry",
    ),
}
"""By the name of the language."""

GROUPS = frozenset(
    {
        *("describe", "fdescribe", "xdescribe", "context", "fcontext", "xcontext", "feature"),
        *("suite", "module", "shared_examples", "shared_examples_for", "shared_context"),
    }
)
"""Calls whose function or block holds the definitions of others, by what is called."""

CASES = frozenset({"it", "fit", "xit", "test", "xtest", "bench", "specify", "example", "scenario"})
"""Calls that only their text names: what is called would say the same of all."""

_VARIANTS = frozenset(
    {
        *("only", "skip", "each", "for", "todo", "failing", "fails", "fixme", "skipIf", "runIf"),
        *("concurrent", "sequential", "parallel", "serial"),
    }
)
"""What may follow their names, as in `it.only`."""


# --- reading nodes --------------------------------------------------------------------------------


def text_of(node: Node | None) -> str:
    """The node's text; empty for none."""
    return node.text.decode(errors="replace") if node is not None and node.text else ""


def field_text(node: Node, field: str) -> str:
    """The text of what fills a field of the node, or an empty one."""
    return text_of(node.child_by_field_name(field))


def plain_name(text: str) -> str:
    """A name without quotes, blanks and type arguments, its parts joined by dots."""
    name = re.sub(r"\s+", "", text).strip("\"'`:")
    while (shorter := re.sub(r"<[^<>]*>", "", name)) != name:
        name = shorter
    return name.replace("::", ".")


_BETWEEN_BODY = frozenset({"accessor_list", "accessor_declaration", "getter", "setter"})
"""What may stand between a property and the body that makes it code."""


def has_body(node: Node, definitions: Definitions) -> bool:
    """Whether a function is defined here, not only declared."""
    todo = list(node.named_children) if definitions.bodies else []
    while todo:
        child = todo.pop()
        if child.type in definitions.bodies:
            return True
        if child.type in _BETWEEN_BODY:
            todo.extend(child.named_children)
    return not definitions.bodies


def has_class_body(node: Node, definitions: Definitions) -> bool:
    """Whether a class is defined here, not only named."""
    bodies = definitions.class_bodies
    return not bodies or any(child.type in bodies for child in node.named_children)


def called(call: Node) -> str:
    """What a call calls, without the arguments; empty if it has none."""
    arguments = call.child_by_field_name("arguments")
    if arguments is None or call.text is None:
        return ""
    before = call.text[: arguments.start_byte - call.start_byte]
    return before.decode(errors="replace").strip()


def is_called(call: Node, names: frozenset[str]) -> bool:
    """Whether a call's function has one of the names; also `it.only`, `RSpec.describe`, `it.each`.

    `module.hot.accept` and `a.module("b").run` are other functions than `module`.
    """
    callee = called(call)
    words = re.split(r"[(`]", callee)[0].split(".")
    while words and words[-1] in _VARIANTS:
        words.pop()
    return ")." not in callee and bool(words) and words[-1] in names


def title_of(call: Node, definitions: Definitions) -> str:
    """What a call says of itself: its first argument, after what it calls unless that is a test."""
    arguments = call.child_by_field_name("arguments")
    first = next(iter(arguments.named_children), None) if arguments is not None else None
    title = text_of(first)
    if first is not None and first.type in definitions.texts:
        title = title[1:-1] if title[:1] in "\"'`" else title
    elif not is_called(call, GROUPS) or first is None or first.type in definitions.lambdas:
        return ""
    if title and not is_called(call, GROUPS | CASES):
        title = f"{called(call)} {title}"
    return shorten(title, _LONGEST_TITLE, placeholder=" ...")


_LONGEST_TITLE = 80
"""In characters; a table has no room for more."""


# --- names ----------------------------------------------------------------------------------------


def name_of(node: Node, language: str) -> str:
    """The name that a definition gives itself, not yet qualified; empty if it has none."""
    read = _NAMES.get((language, node.type))
    return read(node) if read is not None else plain_name(field_text(node, "name"))


def _declarator_name(node: Node) -> str:
    """The name in a C or C++ declarator, whatever pointers and parentheses stand around it."""
    inner = node.child_by_field_name("declarator")
    if inner is not None and inner.type == "parenthesized_declarator":
        # `int MACRO main(void)`: the parser ends a declaration after MACRO and main for a type
        return plain_name(field_text(node, "type"))
    parameters = ""
    while inner is not None:
        if inner.type == "function_declarator":
            parameters = field_text(inner, "parameters")
        following = inner.child_by_field_name("declarator")
        if following is None and inner.type.endswith("_declarator"):
            following = next(iter(inner.named_children), None)
        if following is None or inner.type == "operator_cast":
            break
        inner = following
    name = _qualified_name(inner)
    if node.child_by_field_name("type") is None and name.isupper() and len(parameters) <= 80:
        return name + parameters  # a macro such as TEST(Suite, Name), of which a file has many
    return name


def _qualified_name(node: Node | None) -> str:
    parts = []
    while node is not None and node.type == "qualified_identifier":
        parts.append(plain_name(field_text(node, "scope")))
        node = node.child_by_field_name("name")
    if node is not None and node.type in ("operator_name", "operator_cast"):
        end = r"$" if node.type == "operator_name" else r"\("  # a cast goes on with its parameters
        last = " ".join(re.split(end, text_of(node))[0].split())
    else:
        last = plain_name(text_of(node))
    return ".".join(part for part in [*parts, last] if part)


def _go_method_name(node: Node) -> str:
    receiver = re.search(r"(\w+)(\[.*\])?\s*\)$", field_text(node, "receiver"))
    name = field_text(node, "name")
    return f"{receiver[1]}.{name}" if receiver else name


def _kotlin_name(node: Node) -> str:
    """With the receiver of an extension: what stands before a dot in front of the name."""
    children = node.children
    name = node.child_by_field_name("name")
    for child in children:
        if child.type == "variable_declaration":
            name = next(
                (inner for inner in child.named_children if inner.type == "identifier"), None
            )
    before = [child for child in children if name is not None and child.end_byte <= name.start_byte]
    if len(before) >= 2 and before[-1].type == ".":
        return f"{plain_name(text_of(before[-2]))}.{plain_name(text_of(name))}"
    return plain_name(text_of(name))


_NAMES: Mapping[tuple[str, str], Callable[[Node], str]] = {
    ("C", "function_definition"): _declarator_name,
    ("C++", "function_definition"): _declarator_name,
    ("Go", "method_declaration"): _go_method_name,
    ("C#", "destructor_declaration"): lambda node: "~" + field_text(node, "name"),
    ("C#", "indexer_declaration"): lambda node: "this",
    ("C#", "operator_declaration"): lambda node: f"operator {field_text(node, 'operator')}",
    ("C#", "conversion_operator_declaration"): lambda node: f"operator {field_text(node, 'type')}",
    ("Ruby", "method"): lambda node: field_text(node, "name"),
    ("Ruby", "singleton_method"): lambda node: (
        f"{plain_name(field_text(node, 'object'))}.{field_text(node, 'name')}"
    ),
    ("Ruby", "singleton_class"): lambda node: plain_name(field_text(node, "value")),
    ("Rust", "impl_item"): lambda node: plain_name(field_text(node, "type")),
    ("Kotlin", "function_declaration"): _kotlin_name,
    ("Kotlin", "property_declaration"): _kotlin_name,
    ("Kotlin", "secondary_constructor"): lambda node: "constructor",
    ("Kotlin", "companion_object"): lambda node: field_text(node, "name") or "Companion",
    ("Kotlin", "enum_entry"): lambda node: text_of(next(iter(node.named_children), None)),
}
