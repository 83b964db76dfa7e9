"""Bugs of one operator or constant: off by one, the wrong sign, the condition inverted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from training.mutations.code import (
    ASSIGNMENTS,
    BINARY,
    CALLS,
    CHOICES,
    CONDITIONALS,
    LOOPS,
    NUMBERS,
    Code,
    Mutation,
    replaced,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_STRICTNESS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_INDEX_NAME = re.compile(r"[$@]?([ijkn]|\w*(idx|index|pos|offset|Index|Idx|Pos|Offset|row|col))")
_SUBSCRIPTS = (
    "subscript_expression",
    "subscript",
    "index_expression",
    "array_access",
    "element_access_expression",
    "element_reference",
)


def off_by_one(code: Code) -> Iterator[Mutation]:
    """A bound, an index, the start of a count, or the end of a range missed by one."""
    yield from _bounds(code)
    yield from _ones(code)
    yield from _indices(code)
    yield from _starts(code)
    yield from _ranges(code)


def _bounds(code: Code) -> Iterator[Mutation]:
    for node in code.of(*BINARY):
        operator, operands = code.operator(node), code.operands(node)
        if operator is None or operands is None or operator.type not in _STRICTNESS:
            continue
        if not _is_boundary(code, node, operator.type, operands):
            continue
        yield replaced(operator, _STRICTNESS[operator.type])
        loop = code.parent(node)
        if operator.type == "<" and loop is not None and loop.type in LOOPS:
            right = operands[1]
            if code.is_plain(right) or right.type in CALLS:
                yield replaced(right, code.text(right) + " - 1")


def _is_boundary(code: Code, node: Node, operator: str, operands: tuple[Node, Node]) -> bool:
    """Whether it matters on which side of the comparison the equal case falls."""
    left, right = (code.text(each) for each in operands)
    if any(re.search(r"\d\.\d|['\"]|now|Time|time", text) for text in (left, right)):
        return False  # nothing falls on the boundary
    around = code.parent(node)
    if around is None:
        return False
    if around.type in BINARY and {"<", ">"} & {child.type for child in around.children}:
        return False  # a template's brackets, misread
    while around is not None and around.type in ("parenthesized_expression", "condition_clause"):
        around = code.parent(around)
    if around is None:
        return False
    if around.type in CHOICES:
        branches = {code.text(child) for child in around.named_children} - {code.text(node)}
        return not branches & {left, right}
    if around.type in CONDITIONALS:
        if (operator, right) == (">", "0"):
            return False  # what follows often does nothing for an empty one
        body = code.body(around)
        if len(body) == 1 and _gives(code, body[0]) & {left, right}:
            return False  # `if (a > top) top = a`
    return True


def _gives(code: Code, statement: Node) -> set[str]:
    """The texts that a statement assigns, assigns to or returns."""
    if statement.type == "expression_statement" and statement.named_children:
        statement = statement.named_children[0]
    if statement.type in ASSIGNMENTS or statement.type.startswith("return"):
        return {code.text(child) for child in statement.named_children}
    return set()


def _ones(code: Code) -> Iterator[Mutation]:
    """`n - 1` without its one, or with one more."""
    for node in code.of(*BINARY):
        operator, operands = code.operator(node), code.operands(node)
        if operator is None or operands is None or operator.type not in ("+", "-"):
            continue
        left, right = operands
        if code.text(right) != "1" or '"' in code.text(left) or "'" in code.text(left):
            continue
        around = code.parent(node)
        if around is not None and around.type == "expression_list":
            around = code.parent(around)
        target = code.operands(around) if around and around.type in ASSIGNMENTS else None
        if target is not None and code.text(target[0]) == code.text(left):
            continue  # a counter that would stand still
        yield ((left.end_byte, right.end_byte, b""),)


def _indices(code: Code) -> Iterator[Mutation]:
    for node in code.of(*_SUBSCRIPTS):
        index = node.child_by_field_name("index") or node.child_by_field_name("subscript")
        if index is None:
            index = node.named_children[-1] if node.named_child_count > 1 else None
        while index is not None and index.type in (
            "bracketed_argument_list",
            "subscript_argument_list",
            "argument",
        ):
            index = index.named_children[0] if index.named_child_count == 1 else None
        if index is None:
            continue
        text = code.text(index)
        if index.type in ("identifier", "variable_name") and _INDEX_NAME.fullmatch(text):
            yield replaced(index, f"{text} + 1")
            if text[-1] not in "in":
                yield replaced(index, f"{text} - 1")
        elif text in ("0", "1"):
            yield replaced(index, "1" if text == "0" else "0")


def _starts(code: Code) -> Iterator[Mutation]:
    """A counting loop that starts one late."""
    for loop in code.of("for_statement"):
        condition = loop.child_by_field_name("condition")
        if code.language == "Go":
            condition = next(
                (child for child in loop.named_children if child.type == "for_clause"), None
            )
        if condition is None:
            continue
        head = code.source[loop.start_byte : condition.end_byte]
        if found := re.match(rb"for\s*\(?\s*[\w: ]*?\$?\w+\s*:?=\s*(0|1)\s*;", head):
            other = b"1" if found[1] == b"0" else b"0"
            yield ((loop.start_byte + found.start(1), loop.start_byte + found.end(1), other),)


def _ranges(code: Code) -> Iterator[Mutation]:
    for call in code.of(*CALLS):
        name, arguments = code.called(call), code.arguments(call)
        if name in ("range", "xrange") and arguments and code.language == "Python":
            last = arguments[min(1, len(arguments) - 1)]
            text = code.text(last)
            if re.fullmatch(r"[\w.]+(\(\w+\))?", text):
                yield replaced(last, f"{text} - 1")
                yield replaced(last, f"{text} + 1")
            if len(arguments) == 1:
                yield replaced(last, f"1, {text}")
        if name in ("substring", "slice", "substr", "Substring", "subList") and arguments:
            last = arguments[-1]
            if last.type in NUMBERS and code.text(last).isdigit():
                yield replaced(last, str(int(code.text(last)) + 1))
            elif re.fullmatch(r"[a-z][\w.]*(\(\w*\))?", code.text(last)):
                yield replaced(last, f"{code.text(last)} + 1")
    for node in code.of("slice", "slice_expression"):
        for bound in node.named_children:
            if bound.type in NUMBERS and code.text(bound) in ("1", "2"):
                yield replaced(bound, str(int(code.text(bound)) + 1))
    other = {"...": "..", "..": "...", "..=": "..", "..<": "..", "until": ".."}
    if code.language == "Rust":
        other["..."] = other[".."] = "..="
    for node in code.of("range", "range_expression", "infix_expression"):
        for child in node.children:
            if code.text(child) in other and node.child_count == 3:
                yield replaced(child, other[code.text(child)])


# --- conditions -----------------------------------------------------------------------------------

_OPPOSITE = {
    "==": "!=",
    "!=": "==",
    "===": "!==",
    "!==": "===",
    "is": "is not",
    "is not": "is",
    "in": "not in",
    "not in": "in",
}
_OTHER_LOGIC = {"&&": "||", "||": "&&", "and": "or", "or": "and"}


def inverted_condition(code: Code) -> Iterator[Mutation]:
    """A condition, or one part of it, that asks the opposite."""
    for condition in code.conditions():
        if not condition.has_error:
            yield from _inverted(code, condition, may_negate=_may_negate(code, condition))
    for node in code.of("if_modifier", "unless_modifier"):
        for child in node.children:
            if child.type in ("if", "unless") and not child.is_named:
                yield replaced(child, "unless" if child.type == "if" else "if")


def _may_negate(code: Code, condition: Node) -> bool:
    """Not a loop's, which would never run, and not `unless`, which has its own opposite."""
    around = next(each for each in code.ancestors(condition) if "parenthesized" not in each.type)
    return around.type not in LOOPS and not around.type.startswith("unless")


def _inverted(code: Code, condition: Node, *, may_negate: bool) -> Iterator[Mutation]:
    operator = code.operator(condition) if condition.type in BINARY else None
    if operator is not None and operator.type in _OTHER_LOGIC:
        yield replaced(operator, _OTHER_LOGIC[operator.type])
        for operand in code.operands(condition) or ():
            yield from _inverted(code, operand, may_negate=may_negate)
    elif operator is not None and operator.type in _OPPOSITE:
        yield replaced(operator, _OPPOSITE[operator.type])
    elif condition.type in _NEGATIONS and code.source[condition.start_byte :][:1] in (b"!", b"n"):
        inner = condition.named_children[-1] if condition.named_children else None
        if inner is not None:
            yield ((condition.start_byte, inner.start_byte, b""),)
    elif may_negate and (code.is_plain(condition) or condition.type in CALLS):
        negation = b"not " if code.language == "Python" else b"!"
        yield ((condition.start_byte, condition.start_byte, negation),)


_NEGATIONS = (
    "unary_expression",
    "not_operator",
    "unary",
    "prefix_unary_expression",
    "unary_op_expression",
)

# --- arithmetic -----------------------------------------------------------------------------------

_OTHER_OPERATOR = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "%": "/",
    "<<": ">>",
    ">>": "<<",
    "&": "|",
    "|": "&",
    "+=": "-=",
    "-=": "+=",
    "|=": "&=",
    "<": ">",
    ">": "<",
    "//": "/",
}
_OTHER_CALL = {
    "min": "max",
    "max": "min",
    "floor": "ceil",
    "ceil": "floor",
    "any": "all",
    "all": "any",
    "some": "every",
    "every": "some",
    "startsWith": "endsWith",
    "endsWith": "startsWith",
    "startswith": "endswith",
    "endswith": "startswith",
    "StartsWith": "EndsWith",
    "start_with?": "end_with?",
    "HasPrefix": "HasSuffix",
    "TrimPrefix": "TrimSuffix",
    "indexOf": "lastIndexOf",
    "lastIndexOf": "indexOf",
    "first": "last",
    "last": "first",
    "First": "Last",
    "keys": "values",
    "values": "keys",
    "containsKey": "containsValue",
    "any?": "all?",
    "all?": "any?",
    "select": "reject",
    "reject": "select",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "addFirst": "addLast",
    "Any": "All",
    "All": "Any",
    "Min": "Max",
    "Max": "Min",
    "isBefore": "isAfter",
    "isAfter": "isBefore",
    "before": "after",
    "encode": "decode",
    "decode": "encode",
}
_TEXT = re.compile(
    r"['\"`]|[sS]tr|name|Name|path|Path|text|msg|prefix|suffix|\[\]|chr|list|List|html"
)
_NUMBER = re.compile(
    r"(?i)\b\d|len|size|count|total|offset|pos|index|\bsum|num|width|height|delta|step|start|end|time"
    r"|[xyz]\b|\b[ijkmn]\b|row|col|left|right|top|bottom|min|max|base|limit|\*|/|bits?|bytes|amount|depth"
)


def wrong_operator(code: Code) -> Iterator[Mutation]:
    """Another operator of the same family, or the twin of a function such as min and max."""
    for node in code.of(*BINARY):
        operator, operands = code.operator(node), code.operands(node)
        if operator is None or operands is None or operator.type not in _OTHER_OPERATOR:
            continue
        text = code.text(node)
        if _TEXT.search(text) or (operator.type == "+" and not _NUMBER.search(text)):
            continue  # adds up texts or lists
        numbers = [each.type in NUMBERS for each in operands]
        if all(numbers) or (operator.type in ("<<", ">>") and not numbers[1]):
            continue  # a constant written as a product; a list or stream added to
        around = code.parent(node)
        if around is None or around.type in ("expression_statement", "source_file", "program"):
            continue  # a declaration, misread
        if operator.type in "<>" and any(
            each.type in (*LOOPS, *BINARY) for each in _two(code, node)
        ):
            continue  # a loop that never runs, or a template's brackets
        yield replaced(operator, _OTHER_OPERATOR[operator.type])
    for node in code.of(*ASSIGNMENTS):
        operator = code.operator(node)
        if operator is None or operator.type not in ("+=", "-=", "|=", "&="):
            continue
        text = code.text(node)
        is_number = operator.type != "+=" or _NUMBER.search(text)
        if operator.type in _OTHER_OPERATOR and is_number and not _TEXT.search(text):
            yield replaced(operator, _OTHER_OPERATOR[operator.type])
        if operator.type in ("+=", "|="):
            yield replaced(operator, "=")
    for node in code.of(*CALLS):
        name = code.called(node)
        around = code.parent(node)
        if name.endswith("ndexOf") and (around is None or around.type in BINARY):
            continue  # asks only whether it is there
        if name in _OTHER_CALL and (at := _called_at(code, node, name)) is not None:
            yield ((at, at + len(name), _OTHER_CALL[name].encode()),)


def _two(code: Code, node: Node) -> Iterator[Node]:
    return islice(code.ancestors(node), 2)


def _called_at(code: Code, call: Node, name: str) -> int | None:
    """Where the name of the called function starts."""
    arguments = call.child_by_field_name("arguments")
    end = arguments.start_byte if arguments is not None else call.end_byte
    at = code.source.rfind(name.encode(), call.start_byte, end)
    return at if at >= 0 else None


# --- constants ------------------------------------------------------------------------------------

_OTHER_CONSTANT = {
    "true": "false",
    "false": "true",
    "True": "False",
    "False": "True",
    "TRUE": "FALSE",
    "FALSE": "TRUE",
    "0": "1",
    "1": "0",
    "-1": "0",
    "8": "4",
    "16": "8",
    "24": "12",
    "32": "16",
    "60": "24",
    "64": "32",
    "100": "10",
    "1000": "100",
    "3600": "360",
    "0xff": "0xf",
    "0xFF": "0xF",
    "0xffff": "0xff",
}
_CONSTANTS = (
    *sorted(NUMBERS),
    "true",
    "false",
    "boolean_literal",
    "boolean",
    "hex_integer_literal",
    "unary_expression",
    "unary_operator",
    "prefix_unary_expression",
    "unary",
)
_CONSTANT_PLACES = (
    *ASSIGNMENTS,
    *BINARY,
    "argument_list",
    "arguments",
    "argument",
    "value_argument",
    "init_declarator",
    "variable_declarator",
    "return_statement",
    "return",
    "expression_list",
    "pair",
    "keyword_argument",
)


def wrong_constant(code: Code) -> Iterator[Mutation]:
    """True for false, nought for one, a width or unit that is not the one meant."""
    for node in code.of(*_CONSTANTS):
        text = code.text(node)
        around = code.parent(node)
        if text not in _OTHER_CONSTANT or around is None or around.type not in _CONSTANT_PLACES:
            continue
        if len(text) > 1 and text[1:].isdigit() and around.type not in BINARY and text != "-1":
            continue  # may well be tuned
        if any(code.field_of(each) in ("initializer", "init") for each in code.ancestors(node)):
            continue  # off by one
        if around.type in BINARY:
            operator = code.operator(around)
            counts = operator is not None and operator.type in ("+", "-")
            compares = operator is not None and operator.type in _STRICTNESS
            if compares or (counts and text == "1"):
                continue  # off by one
            if text in "01" and operator is not None and operator.type in ("*", "/", "%"):
                continue
        yield replaced(node, _OTHER_CONSTANT[text])
