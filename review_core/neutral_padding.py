"""Takes code out that does nothing: unreachable, never true, empty, assigned to nobody.

Simple forms only, each by syntax alone; what could have an effect (a call, a property whose type we
do not see, a value that is returned) stays. It is no optimiser: it sees to it that a verdict cannot
be bought with such code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from review_core.local_names import local_names
from review_core.snippet import Edit, Snippet
from review_core.syntax import COMMENTS, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from review_core.languages import Language

_ROUNDS = 3
"""What is taken out may leave other code without use: looked at so many times."""


def without_new_padding(base: str, head: str, language: Language) -> tuple[str, str]:
    """Both sides without statements that do nothing, unless both have the same ones."""
    bare_base, in_base = _stripped(base, language)
    bare_head, in_head = _stripped(head, language)
    return (base, head) if in_base == in_head else (bare_base, bare_head)


def without_padding(text: str, language: Language) -> str:
    """The text, with LF line ends, without statements that do nothing.

    A block of Python's keeps one. A text that would parse worse stays as it is.
    """
    return _stripped(text, language)[0]


def _stripped(text: str, language: Language) -> tuple[str, Counter[str]]:
    """The text without them, and what they were."""
    snippet = Snippet.of(text, language)
    gone: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        removals = list(_removals(snippet, {node.id: node for node in _idle(snippet)}.values()))
        if not removals:
            break
        shorter = Snippet.of(snippet.edited(removals), language)
        if shorter.errors() > snippet.errors():
            break
        gone.update(_told(snippet, start, end) for start, end, _ in removals)
        snippet = shorter
    return snippet.text, gone


def _told(snippet: Snippet, start: int, end: int) -> str:
    """A removed statement, whatever its layout."""
    return " ".join(snippet.source[start:end].decode(errors="replace").split())


_BLOCKS = frozenset(
    {
        "compound_statement",
        "block",
        "statement_block",
        "statement_list",
        "constructor_body",
        "body_statement",
        "block_body",
        "then",
        "else",
        "do",
    }
)
_JUMPS = frozenset(
    {
        "return_statement",
        "throw_statement",
        "raise_statement",
        "break_statement",
        "continue_statement",
        "goto_statement",
        "return",
        "break",
        "next",
    }
)


def _idle(snippet: Snippet) -> Iterator[Node]:
    """Statements that do nothing."""
    once = _named_once(snippet)
    for block in snippet.nodes():
        if block.type not in _BLOCKS:
            continue
        statements = [each for each in block.named_children if each.type not in COMMENTS]
        if len(statements) == 1 and statements[0].type == "statement_list":
            continue  # Go's block holds one, whose turn comes
        found = [*_unreachable(statements), *_without_effect(snippet, statements, once)]
        must_stay = found and snippet.language.name == "Python"
        if must_stay and len({each.id for each in found}) == len(statements):
            kept = next((each for each in found if each.type == "pass_statement"), found[0])
            found = [each for each in found if each.id != kept.id]
        yield from found


def _without_effect(snippet: Snippet, statements: list[Node], once: set[str]) -> Iterator[Node]:
    for at, statement in enumerate(statements):
        # The last value of a block is what Ruby returns.
        is_value = snippet.language.name == "Ruby" and at == len(statements) - 1
        if is_value or statement.has_error:
            continue
        # The first text of a block of Python's may be its docstring.
        if _does_nothing(snippet, statement, once) or (at and _is_text(statement)):
            yield statement


def _is_text(statement: Node) -> bool:
    children = statement.named_children
    return (
        statement.type == "expression_statement"
        and len(children) == 1
        and children[0].type == "string"
        and all(each.type != "interpolation" for each in children[0].named_children)
        and statement.text is not None
        and statement.text.startswith((b'"""', b"'''"))
    )


def _unreachable(statements: list[Node]) -> Iterator[Node]:
    jumped = next((at for at, each in enumerate(statements) if each.type in _JUMPS), None)
    if jumped is None:
        return
    after = statements[jumped + 1 :]
    if not any(_matters_unreached(node) for each in after for node, _ in walk(each)):
        yield from after


_UNREACHED = re.compile(
    r"label|case|default|yield|preproc|function_declaration|variable_declaration|rescue|ensure|else$"
    r"|local_function|class_declaration|type_declaration"
)


def _matters_unreached(node: Node) -> bool:
    """Whether it counts though nobody gets there: a way in, a name for what stands before, a yield,
    which makes a generator.
    """
    return node.is_error or (node.is_named and _UNREACHED.search(node.type) is not None)


# --- statements ----------------------------------------------------------------------------------

_CONDITIONALS = frozenset({"if_statement", "if", "while_statement", "while", "if_modifier"})
_FALSE = re.compile(r"\(*\s*(false|False|0|nil|None|null|nullptr|not True|!\s*true|!\s*1)\s*\)*")
_ASSERTIONS = re.compile(r"assert\s*\(?\s*(True|true|1)\s*\)?;?")


def _does_nothing(snippet: Snippet, statement: Node, once: set[str]) -> bool:
    if statement.type in ("empty_statement", "pass_statement"):
        return True
    if statement.type in _CONDITIONALS or statement.type == "preproc_if":
        return _never_acts(snippet, statement)
    if statement.type in ("assert_statement", "expression_statement") and _ASSERTIONS.fullmatch(
        snippet.text_of(statement)
    ):
        return True
    if statement.type in ("expression_statement", "assignment_statement", "assignment"):
        return _is_idle_expression(snippet, statement, once)
    return _declares_for_nobody(snippet, statement, once)


def _never_acts(snippet: Snippet, statement: Node) -> bool:
    """A conditional or loop without alternative whose condition is false, or that has no body and
    asks what has no effect.
    """
    if statement.children_by_field_name("alternative"):
        return False
    condition = statement.child_by_field_name("condition")
    if condition is None or statement.child_by_field_name("initializer") is not None:
        return False
    if _FALSE.fullmatch(snippet.text_of(condition)):
        return True
    body = statement.child_by_field_name("consequence")
    if statement.type not in ("if_statement", "if"):
        return False
    if body is None:  # the grammar of Ruby leaves an empty body out
        return statement.type == "if" and _is_pure(snippet, condition)
    inner = [each for each in body.named_children if each.type not in COMMENTS]
    is_empty = body.type in _BLOCKS and all(each.type == "pass_statement" for each in inner)
    return is_empty and _is_pure(snippet, condition)


def _is_idle_expression(snippet: Snippet, statement: Node, once: set[str]) -> bool:
    """`x = x`, `_ = 0`, a name or number alone, an assignment to a variable that nobody reads."""
    inner = statement
    if statement.type == "expression_statement":
        children = [each for each in statement.named_children if each.type not in COMMENTS]
        if not children:
            return True  # `;`
        if len(children) != 1:
            return False
        inner = children[0]
    if inner.type in _LONE or (inner.type == "identifier" and snippet.language.name not in _MACROS):
        return True
    left, right = inner.child_by_field_name("left"), inner.child_by_field_name("right")
    if not inner.type.startswith("assignment") or left is None or right is None:
        return False
    operator = inner.child_by_field_name("operator")
    if operator is not None and operator.text != b"=":
        return False
    name = snippet.text_of(left)
    if not re.fullmatch(r"\w+", name):
        return False
    if name == snippet.text_of(right):
        return True
    unread = name in once or (name == "_" and snippet.language.name == "Go")
    return unread and _is_pure(snippet, right)


_MACROS = frozenset({"C", "C++"})
"""Where a name alone may be any code."""
_LONE = frozenset(
    {
        "ellipsis",
        "integer",
        "float",
        "true",
        "false",
        "none",
        "null",
        "number",
        "number_literal",
        "undefined",
    }
)
_DECLARATIONS = frozenset(
    {
        "lexical_declaration",
        "variable_declaration",
        "declaration",
        "local_variable_declaration",
        "local_declaration_statement",
        "short_var_declaration",
    }
)
_TYPES_OF_C = frozenset({"primitive_type", "sized_type_specifier"})


def _declares_for_nobody(snippet: Snippet, statement: Node, once: set[str]) -> bool:
    """A declaration of one variable that nothing else mentions, with a value that does nothing."""
    if statement.type not in _DECLARATIONS:
        return False
    if statement.type == "declaration":  # of another type, it might construct and destruct
        kind = statement.child_by_field_name("type")
        if kind is None or kind.type not in _TYPES_OF_C:
            return False
    if statement.type == "short_var_declaration":
        left, right = statement.child_by_field_name("left"), statement.child_by_field_name("right")
        return (
            left is not None
            and right is not None
            and snippet.text_of(left) in once
            and _is_pure(snippet, right)
        )
    declarators = [
        node
        for node, _ in walk(statement)
        if node.type in ("variable_declarator", "init_declarator")
    ]
    if len(declarators) != 1 or b"using" in (statement.text or b"")[:6]:
        return False
    names = [node for node, _ in walk(declarators[0]) if node.type == "identifier"]
    if not names or snippet.text_of(names[0]) not in once:
        return False
    value = declarators[0].child_by_field_name("value")
    if value is None:  # C# has no field for it
        rest = declarators[0].named_children[1:]
        return statement.type == "local_declaration_statement" and all(
            _is_pure(snippet, each) for each in rest
        )
    return _is_pure(snippet, value)


def _named_once(snippet: Snippet) -> set[str]:
    """Variables that are local and mentioned where they are declared alone."""
    names = local_names(snippet.root, snippet.text, snippet.language.name)
    return {name.name for name in names if len(name.starts) == 1}


_PURE = re.compile(
    r"identifier|expression_list|parenthesized_(expression|statements)|tuple|list|array\w*"
    r"|(binary|unary|boolean|comparison|not)(_expression|_operator)?|prefix_unary_expression"
    r"|predefined_type|this|self|\w*literal\w*|integer|float|number|string\w*|escape_sequence"
    r"|true|false|none|null|nil|undefined|char\w*|condition_clause|simple_symbol|is_expression"
    r"|equals_value_clause"
)


def _is_pure(snippet: Snippet, node: Node) -> bool:
    """Whether evaluating it does nothing else: names, literals, and operators on them.

    A name alone may be a call in Ruby.
    """
    calls = snippet.language.name == "Ruby"
    return not re.search(r"\+\+|--", snippet.text_of(node)) and all(
        _PURE.fullmatch(each.type) and not (calls and each.type == "identifier")
        for each, _ in walk(node)
        if each.is_named
    )


# --- taking out ----------------------------------------------------------------------------------


def _removals(snippet: Snippet, idle: Iterable[Node]) -> Iterator[Edit]:
    """The outermost of the statements, each with its line where it has one to itself."""
    gone: list[tuple[int, int]] = []
    for node in sorted(idle, key=lambda each: (each.start_byte, -each.end_byte)):
        if gone and node.end_byte <= gone[-1][1]:
            continue
        start, end = snippet.lines_of(node)
        if end is None or (gone and start < gone[-1][1]):
            start, end = node.start_byte, node.end_byte
        gone.append((start, end))
        yield start, end, b""
