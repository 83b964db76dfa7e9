"""Bugs of the wrong kind of value: identity for equality, a pointer's size, no conversion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from training.mutations.code import BLOCKS, CALLS, Code, Mutation, replaced

if TYPE_CHECKING:
    from tree_sitter import Node

_CONVERSIONS = re.compile(
    r"str|int|float|list|tuple|set|dict|bytes|bool|sorted|reversed|String|Number|parseInt|parseFloat"
    r"|Array|Boolean|copy|deepcopy"
)
_COPIES = re.compile(
    r"copy|clone|dup|slice|toLowerCase|toUpperCase|lower|upper|strip|trim|ToLower|ToUpper|Trim|to_s"
    r"|to_i|to_sym|downcase|upcase|toString|ToString|encode|decode|items|ToList|ToArray|Clone"
    r"|deepcopy|uniq|compact|flatten|sort"
)


def lost_conversion(code: Code) -> Iterator[Mutation]:
    """A value used as it is that was copied, converted or normalised first."""
    for call in code.of(*CALLS):
        name, arguments = code.called(call), code.arguments(call)
        around = code.parent(call)
        if around is None or around.type == "expression_statement" or around.type in BLOCKS:
            continue
        if code.language != "Python" and name in _TO_TEXT and _adds_text(around):
            continue
        function = call.child_by_field_name("function")
        if code.language in ("C", "C++", "Go", "Rust"):
            function = None  # would convert all the same, or not compile
        if any(
            each.type.startswith(("raise", "throw")) for each in islice(code.ancestors(call), 3)
        ):
            continue  # for a message
        if function is not None and _CONVERSIONS.fullmatch(code.text(function)) and arguments:
            inner = arguments[0]
            if code.is_plain(inner) or inner.type in CALLS:
                yield replaced(call, code.text(inner))
        elif _COPIES.fullmatch(name) and not arguments:
            text = code.text(call)
            if found := re.search(rf"\??&?\.{re.escape(name)}(\(\))?$", text):
                start = call.start_byte + len(text[: found.start()].encode())
                yield ((start, call.end_byte, b""),)


_TO_TEXT = ("toString", "ToString", "String", "to_s")


def _adds_text(node: Node) -> bool:
    """Whether a text is made of the part all the same."""
    return node.type == "interpolation" or any(child.type == "+" for child in node.children)


def wrong_comparison(code: Code) -> Iterator[Mutation]:
    """Identity or assignment for equality, the size of a pointer for what it points to."""
    yield from _identities(code)
    for node in code.of("sizeof_expression"):
        text = code.text(node)
        if re.fullmatch(r"sizeof\s*\(?\*\w+\)?", text):
            yield replaced(node, text.replace("*", "", 1))
    for comparison in code.of("binary_expression", "comparison_operator"):
        operator, operands = code.operator(comparison), code.operands(comparison)
        if operator is None or operands is None:
            continue
        left, right = operands
        is_plain = code.is_plain(left) and code.is_plain(right)
        if code.text(left).startswith("typeof ") and code.text(right)[1:-1] == "undefined":
            yield replaced(right, "undefined")
        elif operator.type not in ("==", "==="):
            continue
        elif code.language == "Python" and right.type in ("string", "integer"):
            yield replaced(operator, "is")
        elif code.language in _WITH_ASSIGNMENTS and is_plain and _is_asked(code, comparison):
            yield replaced(operator, "=")


_WITH_ASSIGNMENTS = frozenset({"C", "C++", "JavaScript"})
"""Languages whose conditions may assign."""


def _is_asked(code: Code, comparison: Node) -> bool:
    """Whether the comparison is all that a conditional or loop asks."""
    around = code.parent(comparison)
    while around is not None and around.type in ("parenthesized_expression", "condition_clause"):
        around = code.parent(around)
    return around is not None and around.type in ("if_statement", "while_statement")


def _identities(code: Code) -> Iterator[Mutation]:
    """`a.equals(b)` as `a == b`."""
    for call in code.of("method_invocation"):
        subject, arguments = call.child_by_field_name("object"), code.arguments(call)
        if code.called(call) != "equals" or subject is None or len(arguments) != 1:
            continue
        around = code.parent(call)
        negated = around is not None and around.type == "unary_expression"
        whole = around if negated and around is not None else call
        operator = "!=" if negated else "=="
        yield replaced(whole, f"{code.text(subject)} {operator} {code.text(arguments[0])}")
