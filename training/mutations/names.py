"""Bugs of names in the wrong place: arguments swapped, a copy half adapted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from training.mutations.code import (
    BINARY,
    BLOCKS,
    CALLS,
    NUMBERS,
    Code,
    Mutation,
    replaced,
)
from training.mutations.variables import Variable, variables

if TYPE_CHECKING:
    from tree_sitter import Node

_SYMMETRIC = re.compile(
    r"(?i)(std)?(min|max|gcd|lcm|hypot|swap|xor|and|or|add|sum|plus|union|intersect\w*|equals?|eq|ne"
    r"|is_?equal|same|strict_?equal|not_?equal|deep_?equal|i?str(n?case)?(n?i?)cmp|memcmp|compare"
    r"|assert\w*|expect\w*|print\w*|puts|log\w*|debug|info|warn\w*|error|trace|f?printf|format|is_?instance"
    r"|concat|join|merge|lock|all|race|array|list|set|vec|pair|tuple|zip|of|push|append|cat|superclass"
    r"|\w*any\w*|\w*all|\w*either\w*|\w*both\w*|one_?of|combine\w*)"
)


def swapped_arguments(code: Code) -> Iterator[Mutation]:
    """Two plain arguments of a call, or operands of an ordered operation, the other way round."""
    known = variables(code)
    for call in code.of(*CALLS):
        if _SYMMETRIC.fullmatch(code.called(call)):
            continue
        arguments = code.arguments(call)
        for first, second in pairwise(arguments):
            related = code.language not in _TYPED or _are_related(code, first, second, known)
            if related and _alike(code, first, second, known):
                yield _swap(code, first, second)
    for node in code.of(*BINARY):
        operator, operands = code.operator(node), code.operands(node)
        if operator is None or operands is None or operator.type not in ("-", "/", "%", "<<"):
            continue
        left, right = operands
        if _alike(code, left, right, known) and left.type not in NUMBERS:
            yield _swap(code, left, right)


def _alike(code: Code, first: Node, second: Node, known: Mapping[str, Variable]) -> bool:
    """Whether both are plain, differ, and may well be of one type."""
    one, two = code.text(first), code.text(second)
    if one == two:
        return False
    if first.type in NUMBERS and second.type in NUMBERS:
        return True
    if not (code.is_plain(first) and code.is_plain(second)):
        return False
    if one in known and two in known and not known[one].is_like(known[two]):
        return False
    cases = [re.sub(r"^.*[.>:]|^[$@_]+", "", text)[:1].isupper() for text in (one, two)]
    functions = [bool(_FUNCTION.search(text)) for text in (one, two)]
    return cases[0] == cases[1] and functions[0] == functions[1]


_TYPED = frozenset({"C", "C++", "C#", "Go", "Java", "Rust", "Kotlin"})
"""Languages whose compilers see most swapped arguments: few such bugs survive there."""
_FUNCTION = re.compile(r"(?i)callback|^cb$|func|handler|^fn$|^done$|^next$|^self$|^this$|block")


def _are_related(code: Code, first: Node, second: Node, known: Mapping[str, Variable]) -> bool:
    """Whether two names have one declared type, an object or a word in common, or are short."""
    one, two = code.text(first), code.text(second)
    types = [known[name].declared_type if name in known else None for name in (one, two)]
    if types[0] is not None and types[0] == types[1]:
        return True
    if any(types):
        return False
    words = [set(re.findall(r"[A-Z]?[a-z]{2,}", name.lower())) for name in (one, two)]
    return bool(words[0] & words[1]) or len(one) <= 2 >= len(two)


def _swap(code: Code, first: Node, second: Node) -> Mutation:
    return (
        (first.start_byte, first.end_byte, code.source[second.start_byte : second.end_byte]),
        (second.start_byte, second.end_byte, code.source[first.start_byte : first.end_byte]),
    )


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
            for first, second in pairwise(statements):
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
