"""Bugs of the wrong name: arguments swapped, another variable or member, a copy half adapted."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from training.mutations.code import (
    ASSIGNMENTS,
    BINARY,
    BLOCKS,
    CALLS,
    FUNCTIONS,
    LOOPS,
    NUMBERS,
    Code,
    Mutation,
    replaced,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_SYMMETRIC = re.compile(
    r"(?i)(std)?(min|max|gcd|lcm|hypot|swap|xor|and|or|add|sum|plus|union|intersect\w*|equals?|eq|ne"
    r"|is_?equal|same|strict_?equal|not_?equal|deep_?equal|i?str(n?case)?(n?i?)cmp|memcmp|compare"
    r"|assert\w*|expect\w*|print\w*|puts|log\w*|debug|info|warn\w*|error|trace|f?printf|format|is_?instance"
    r"|concat|join|merge|lock|all|race|array|list|set|vec|pair|tuple|zip|of|push|append|cat|superclass)"
)


def swapped_arguments(code: Code) -> Iterator[Mutation]:
    """Two plain arguments of a call, or operands of an ordered operation, the other way round."""
    for call in code.of(*CALLS):
        if _SYMMETRIC.fullmatch(code.called(call)):
            continue
        arguments = code.arguments(call)
        for first, second in itertools.pairwise(arguments):
            if _alike(code, first, second):
                yield _swap(code, first, second)
    for node in code.of(*BINARY):
        operator, operands = code.operator(node), code.operands(node)
        if operator is None or operands is None or operator.type not in ("-", "/", "%", "<<"):
            continue
        left, right = operands
        if _alike(code, left, right) and left.type not in NUMBERS:
            yield _swap(code, left, right)


def _alike(code: Code, first: Node, second: Node) -> bool:
    """Whether both are plain, differ, and may well be of one type."""
    one, two = code.text(first), code.text(second)
    if one == two:
        return False
    if first.type in NUMBERS and second.type in NUMBERS:
        return True
    if not (code.is_plain(first) and code.is_plain(second)):
        return False
    cases = [re.sub(r"^.*[.>:]|^[$@_]+", "", text)[:1].isupper() for text in (one, two)]
    calls = [
        bool(
            re.search(
                r"(?i)callback|^cb$|func|handler|^fn$|^done$|^next$|^self$|^this$|block", text
            )
        )
        for text in (one, two)
    ]
    return cases[0] == cases[1] and calls[0] == calls[1]


def _swap(code: Code, first: Node, second: Node) -> Mutation:
    return (
        (first.start_byte, first.end_byte, code.source[second.start_byte : second.end_byte]),
        (second.start_byte, second.end_byte, code.source[first.start_byte : first.end_byte]),
    )


# --- another variable -----------------------------------------------------------------------------

_SCOPES = BLOCKS | FUNCTIONS | frozenset(LOOPS) | {"catch_clause", "do_block", "block", "lambda"}
_NOT_VARIABLES = re.compile(
    r"self|this|cls|super|true|false|null|nil|undefined|NULL|None|True|False|it|err|ctx"
)


def wrong_variable(code: Code) -> Iterator[Mutation]:
    """Another variable that is in scope and used in the same way."""
    mentions: defaultdict[str, list[Node]] = defaultdict(list)
    for node in code.of("identifier", "variable_name"):
        text = code.text(node)
        if not _NOT_VARIABLES.fullmatch(text) and re.match(
            r"[$@]?[a-z_]\w*[a-z0-9]\w*$|[a-z]$", text
        ):
            mentions[text].append(node)
    uses = {name: {_use(code, each) for each in nodes} for name, nodes in mentions.items()}
    seen = {name: _scope(code, nodes[0]) for name, nodes in mentions.items()}
    declared = {name for name, nodes in mentions.items() if _declares(code, nodes[0])}
    names = sorted(declared)
    for name in names:
        for other in names:
            common = (uses[name] & uses[other]) - {""}
            if other == name or not common or not seen[other]:
                continue
            for node in mentions[name][1:]:
                if _use(code, node) not in common or not _visible(
                    seen[other], mentions[other][0], node
                ):
                    continue
                if not _twice(code, node, other):
                    yield replaced(node, other)


def _declares(code: Code, node: Node) -> bool:
    """Whether the first mention makes the name known: a parameter, declaration or assignment."""
    inner = node
    for around in code.ancestors(node):
        kind = around.type
        if "parameter" in kind or ("declarat" in kind and kind not in FUNCTIONS):
            name = inner == around.child_by_field_name("value")
            return not name and kind != "function_declarator"
        if kind in ("assignment", "short_var_declaration", "let_declaration"):
            return inner == (
                around.child_by_field_name("left") or around.child_by_field_name("pattern")
            )
        if kind in (
            "for_statement",
            "for_in_statement",
            "enhanced_for_statement",
            "foreach_statement",
        ):
            return inner == (
                around.child_by_field_name("left") or around.child_by_field_name("name")
            )
        if kind in ("range_clause",):
            return inner == around.child_by_field_name("left")
        if kind in BLOCKS or kind in CALLS:
            return False
        inner = around
    return False


def _use(code: Code, node: Node) -> str:
    """How a variable is used, when the place says what kind of value it is; else an empty text."""
    around = code.parent(node)
    if around is None:
        return ""
    kind, place = around.type, code.field_of(node)
    if kind in BINARY:
        operator = code.operator(around)
        if operator is None or operator.type in ("&&", "||", "and", "or"):
            return ""
        if operator.type in ("<", ">", "<=", ">=", "+", "-", "*", "/", "%"):
            return "number"
        operands = code.operands(around)
        other = [each for each in operands or () if each.id != node.id]
        return f"compared {code.text(other[0])}" if other else ""
    if kind in ("subscript_expression", "subscript", "index_expression", "array_access"):
        return "index" if place in ("index", "subscript") else "indexed"
    if kind in (
        "member_expression",
        "field_expression",
        "field_access",
        "selector_expression",
        "attribute",
        "member_access_expression",
    ):
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


def _scope(code: Code, node: Node) -> tuple[int, int] | None:
    around = next((each for each in code.ancestors(node) if each.type in _SCOPES), None)
    return (around.start_byte, around.end_byte) if around is not None else None


def _visible(scope: tuple[int, int] | None, first: Node, use: Node) -> bool:
    return (
        scope is not None
        and first.end_byte < use.start_byte
        and use.end_byte <= scope[1]
        and scope[0] <= use.start_byte
    )


def _twice(code: Code, node: Node, other: str) -> bool:
    """Whether the other name would meet itself: `a == a`, `a = a`, `f(a, a)`."""
    for around in code.ancestors(node):
        if around.type in BINARY or around.type in ASSIGNMENTS or around.type in CALLS:
            return bool(re.search(rf"(?<![\w.]){re.escape(other)}\b", code.text(around)))
        if around.type in BLOCKS or around.type.endswith("statement"):
            return bool(re.search(rf"(?<![\w.]){re.escape(other)}\b", code.text(around))) and (
                around.type not in BLOCKS
            )
    return False


# --- a copy half adapted --------------------------------------------------------------------------


def copy_paste(code: Code) -> Iterator[Mutation]:
    """The second of two parallel clauses or statements that still names what the first does."""
    for node in code.of(*BINARY):
        operator, operands = code.operator(node), code.operands(node)
        if operator is None or operands is None or operator.type not in ("&&", "||", "and", "or"):
            continue
        left, right = operands
        if left.type in BINARY:
            inner, last = code.operator(left), code.operands(left)
            if inner is not None and last is not None and inner.type == operator.type:
                left = last[1]
        yield from _half_adapted(code, left, right)
    for kind in sorted(BLOCKS):
        for block in code.of(kind):
            statements = code.statements(block)
            for first, second in itertools.pairwise(statements):
                yield from _half_adapted(code, first, second)


def _half_adapted(code: Code, first: Node, second: Node) -> Iterator[Mutation]:
    one, two = list(_leaves(first)), list(_leaves(second))
    if len(one) != len(two) or not 5 <= len(one) <= 30:
        return
    changed: defaultdict[tuple[str, str], list[Node]] = defaultdict(list)
    for before, after in zip(one, two, strict=True):
        if before.type != after.type:
            return
        if (old := code.text(before)) != (new := code.text(after)):
            if not re.fullmatch(r"[\w$@]+", old):
                return
            changed[old, new].append(after)
    for (old, _), places in changed.items():
        if len(places) >= 2:
            yield replaced(places[-1], old)


def _leaves(node: Node) -> Iterator[Node]:
    if not node.child_count or "string" in node.type:
        yield node
        return
    for child in node.children:
        yield from _leaves(child)
