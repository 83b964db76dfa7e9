"""Bugs of the wrong kind of value: identity for equality, a pointer's size, no conversion."""

from __future__ import annotations

import re
from collections.abc import Iterator

from training.mutations.code import CALLS, Code, Mutation, replaced

_CONVERSIONS = re.compile(
    r"str|int|float|list|tuple|set|dict|bytes|bool|sorted|reversed|String|Number|parseInt|parseFloat"
    r"|Array|Boolean|copy|deepcopy"
)
_COPIES = re.compile(
    r"copy|clone|dup|slice|toLowerCase|toUpperCase|lower|upper|strip|trim|ToLower|ToUpper|Trim|to_s"
    r"|to_i|to_sym|to_a|downcase|upcase|toString|ToString|encode|decode|items|ToList|ToArray|Clone"
    r"|deepcopy|uniq|compact|flatten|sort"
)


def lost_conversion(code: Code) -> Iterator[Mutation]:
    """A value used as it is that was copied, converted or normalised first."""
    for call in code.of(*CALLS):
        name, arguments = code.called(call), code.arguments(call)
        around = code.parent(call)
        if around is None or around.type == "expression_statement" or "statement" in around.type:
            continue
        function = call.child_by_field_name("function")
        if function is not None and _CONVERSIONS.fullmatch(code.text(function)) and arguments:
            inner = arguments[0]
            if code.is_plain(inner) or inner.type in CALLS:
                yield replaced(call, code.text(inner))
        elif _COPIES.fullmatch(name) and not arguments:
            text = code.text(call)
            if found := re.search(rf"\??&?\.{re.escape(name)}(\(\))?$", text):
                start = call.start_byte + len(text[: found.start()].encode())
                yield ((start, call.end_byte, b""),)


def wrong_comparison(code: Code) -> Iterator[Mutation]:
    """Identity for equality, the size of a pointer for what it points to, a loose equality."""
    yield from _identities(code)
    for node in code.of("sizeof_expression"):
        text = code.text(node)
        if re.fullmatch(r"sizeof\s*\(?\*\w+\)?", text):
            yield replaced(node, text.replace("*", "", 1))
    is_script = code.language in ("JavaScript", "TypeScript", "TSX")
    for comparison in code.of("binary_expression" if is_script else "comparison_operator"):
        operator, operands = code.operator(comparison), code.operands(comparison)
        if operator is None or operands is None:
            continue
        is_loose = any(re.fullmatch(_LOOSE, code.text(each)) for each in operands)
        is_literal = any(each.type in ("string", "integer") for each in operands)
        if operator.type in ("===", "!==") and is_loose:
            yield replaced(operator, operator.type[:-1])
        elif operator.type in ("==", "!=") and is_literal and not is_script:
            yield replaced(operator, "is" if operator.type == "==" else "is not")


_LOOSE = r"0|''|\"\"|false"
"""What a loose equality takes for one another."""


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
