"""Rewrites one expression or branch as another that means the same by syntax alone.

A rewrite whose proof needs a type (an operator that a class may overload) is made only where the
language has none, or the text declares a plain one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from review_core.snippet import Snippet
from review_core.syntax import COMMENTS
from training.mutations.code import BINARY, CALLS, LOOPS, Code, Mutation, replaced
from training.mutations.variables import variables

if TYPE_CHECKING:
    from tree_sitter import Node


def equivalent(snippet: Snippet, rng: random.Random) -> str | None:
    """One rewrite: a comparison turned round, branches flipped, parentheses, quotes, a counter."""
    code = Code.of_snippet(snippet)
    kinds = [list(find(code)) for find in (_comparisons, _branches, _parentheses, _quotes, _counts)]
    found = [kind for kind in kinds if kind]
    return snippet.edited(rng.choice(rng.choice(found))) if found else None


# --- comparisons ----------------------------------------------------------------------------------

_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_NO_OVERLOADS = frozenset({"C", "Go", "Java"})
_PRIMITIVE = re.compile(
    r"(const )?(unsigned )?(int|long|short|char|size_t|u?int\d*(_t)?|float|double|bool|boolean|byte"
    r"|[iuf](8|16|32|64)|usize|isize|Int|Long|Double|Float)"
)


def _comparisons(code: Code) -> Iterator[Mutation]:
    """`a < b` as `b > a`, where reading either is all that happens."""
    primitive = {
        name
        for name, each in variables(code).items()
        if each.declared_type and _PRIMITIVE.fullmatch(each.declared_type)
    }
    for node in code.of("binary_expression", "comparison_operator"):
        operator, operands = code.operator(node), code.operands(node)
        if operator is None or operands is None or operator.type not in _MIRRORED:
            continue
        texts = [code.text(each) for each in operands]
        around = code.parent(node)
        if node.has_error or around is None or _compares(code, around):
            continue
        if around.type in LOOPS or around.type == "for_clause":
            continue  # nobody writes `for (i = 0; n > i; i++)`
        if code.language in _NO_OVERLOADS:
            safe = all(re.fullmatch(r"[a-z]\w*((\.|->)[A-Za-z]\w*)*|len\(\w+\)", t) for t in texts)
        elif code.language == "Python":
            safe = all(re.fullmatch(r"[a-z]\w*|len\([a-z]\w*\)", text) for text in texts)
            safe = safe and any(text.startswith("len(") for text in texts)
        else:
            safe = all(text in primitive for text in texts)
        if safe and texts[0] != texts[1] and not any(_LITERAL.fullmatch(text) for text in texts):
            yield (
                *replaced(operands[0], texts[1]),
                *replaced(operator, _MIRRORED[operator.type]),
                *replaced(operands[1], texts[0]),
            )


_LITERAL = re.compile(r"null|nil|true|false|nullptr|undefined")


def _compares(code: Code, node: Node) -> bool:
    operator = code.operator(node) if node.type in BINARY else None
    return operator is not None and operator.type in _COMPARISONS


_COMPARISONS = frozenset({"<", ">", "<=", ">=", "==", "!=", "===", "!==", "is", "is not"})

# --- branches -------------------------------------------------------------------------------------

_OPPOSITE = {"===": "!==", "!==": "===", "is": "is not", "is not": "is", "in": "not in"}
_OPPOSITE |= {"not in": "in"}
_OPPOSITE_WITHOUT_OVERLOADS = {"==": "!=", "!=": "=="}


def _branches(code: Code) -> Iterator[Mutation]:
    """`if (!a) x else y` as `if (a) y else x`."""
    for node in code.of("if_statement", "if"):
        condition, blocks = code.condition(node), _two_blocks(code, node)
        if condition is None or blocks is None or node.has_error:
            continue
        if any(child.type in COMMENTS for child in node.children):
            continue
        opposite = _opposite(code, condition)
        if opposite is not None:
            one, two = ((start, end, code.source[start:end]) for start, end in blocks)
            yield (*opposite, (one[0], one[1], two[2]), (two[0], two[1], one[2]))


def _opposite(code: Code, condition: Node) -> Mutation | None:
    operator = code.operator(condition) if condition.type in BINARY else None
    if operator is not None and len(condition.children) == 3:
        known = dict(_OPPOSITE)
        if code.language in (*_NO_OVERLOADS, "JavaScript", "TypeScript", "TSX"):
            known |= _OPPOSITE_WITHOUT_OVERLOADS
        other = known.get(operator.type)
        return replaced(operator, other) if other else None
    if condition.type in ("unary_expression", "not_operator", "prefix_unary_expression", "unary"):
        inner = condition.named_children[-1] if condition.named_children else None
        is_not = re.match(r"!|not\b", code.text(condition)) is not None
        plain = inner is not None and (code.is_plain(inner) or inner.type in CALLS)
        if inner is not None and is_not and plain and code.language not in ("C++", "Rust"):
            return ((condition.start_byte, inner.start_byte, b""),)
    return None


def _two_blocks(code: Code, node: Node) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The bytes of both branches of a conditional that has no others."""
    around = code.parent(node)
    first, second = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
    if first is None or second is None or around is None:
        return None
    if around.type in ("else_clause", "elif_clause") or code.field_of(node) == "alternative":
        return None
    if len(node.children_by_field_name("alternative")) > 1:
        return None
    if second.type in ("else_clause", "else") and code.language != "Ruby":
        inner = second.child_by_field_name("body") or next(iter(second.named_children), None)
        if inner is None or any(child.type in COMMENTS for child in second.children):
            return None
        second = inner
    if code.language == "Ruby":
        if second.type != "else" or b"\n" not in code.source[second.start_byte : second.end_byte]:
            return None
        start = second.start_byte + len(b"else")
        spans = (first.start_byte, first.end_byte), (start, second.end_byte)
        return _trimmed(code, spans[0]), _trimmed(code, spans[1])
    kinds = {"block", "compound_statement", "statement_block"}
    if first.type not in kinds or second.type not in kinds:
        return None
    if code.language == "Python" and code.margin(first) != code.margin(second):
        return None
    return (first.start_byte, first.end_byte), (second.start_byte, second.end_byte)


def _trimmed(code: Code, span: tuple[int, int]) -> tuple[int, int]:
    text = code.source[span[0] : span[1]]
    return span[0] + len(text) - len(text.lstrip()), span[1] - (len(text) - len(text.rstrip()))


# --- parentheses, quotes, counters ----------------------------------------------------------------

_AND, _OR = frozenset({"&&", "and"}), frozenset({"||", "or"})


def _parentheses(code: Code) -> Iterator[Mutation]:
    """Parentheses around a part of an `and` or `or` that binds tighter, put in or taken out."""
    if code.language == "Ruby":
        return  # `f (a == b) && c` calls f with the first part
    for node in code.of(*BINARY):
        around = code.parent(node)
        if around is None or node.has_error:
            continue
        if _binds_tighter(code, node, around) and not _starts_line(code, node):
            yield ((node.start_byte, node.start_byte, b"("), (node.end_byte, node.end_byte, b")"))
        elif around.type == "parenthesized_expression" and (above := code.parent(around)):
            inner = code.source[around.start_byte + 1 : around.end_byte - 1]
            whole = inner == code.text(node).encode() and b"\n" not in inner
            if whole and _binds_tighter(code, node, above) and not _starts_line(code, around):
                yield ((around.start_byte, around.end_byte, inner),)


def _binds_tighter(code: Code, node: Node, around: Node) -> bool:
    """Whether a comparison stands in an and/or, or an and in an or."""
    inner = code.operator(node)
    outer = code.operator(around) if around.type in BINARY else None
    if inner is None or outer is None or outer.type not in _AND | _OR:
        return False
    return inner.type in _COMPARISONS or (inner.type in _AND and outer.type in _OR)


def _starts_line(code: Code, node: Node) -> bool:
    """Whether a parenthesis there could continue the line before."""
    start = code.source.rfind(b"\n", 0, node.start_byte) + 1
    return not code.source[start : node.start_byte].strip()


_QUOTED = re.compile(r"(['\"])([^'\"\\#$`\n{}]*)\1")


def _quotes(code: Code) -> Iterator[Mutation]:
    """A plain text in the other quotes, in languages where they say the same."""
    if code.language not in ("Python", "Ruby", "JavaScript", "TypeScript", "TSX", "PHP"):
        return
    for node in code.of("string", "encapsed_string"):
        found, around = _QUOTED.fullmatch(code.text(node)), code.parent(node)
        if found is None or around is None or "jsx" in around.type:
            continue
        if around.type in ("expression_statement", "concatenated_string", "chained_string"):
            continue
        other = "'" if found[1] == '"' else '"'
        yield replaced(node, other + found[2] + other)


def _counts(code: Code) -> Iterator[Mutation]:
    """`i++` as `i += 1` and back, as a statement of a language where that is one thing."""
    if code.language not in ("C", "Go", "Java"):
        return
    for node in code.of("update_expression", "inc_statement", "dec_statement"):
        found = re.fullmatch(r"(\w+)(\+\+|--)", code.text(node))
        if found is not None and _is_alone(code, node):
            yield replaced(node, f"{found[1]} {found[2][0]}= 1")
    for node in code.of("assignment_expression", "assignment_statement"):
        found = re.fullmatch(r"(\w+) ([+-])= 1", code.text(node))
        if found is not None and _is_alone(code, node):
            yield replaced(node, found[1] + 2 * found[2])


def _is_alone(code: Code, node: Node) -> bool:
    """Whether nobody reads what the expression is worth."""
    around = code.parent(node)
    if around is None:
        return False
    if code.language == "Go":
        return around.type != "for_clause"  # where nobody writes it so
    return around.type == "expression_statement"
