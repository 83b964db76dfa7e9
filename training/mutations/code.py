"""A snippet as mutations see it: nodes by type, parents, texts, and how to take a statement out.

Knows the grammars' names for what all languages have: conditions, operators, calls, blocks, jumps.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review_core.snippet import Edit, Snippet
from review_core.syntax import COMMENTS, walk

if TYPE_CHECKING:
    from tree_sitter import Node

Mutation = tuple[Edit, ...]
"""What injects one bug."""

BINARY = (
    "binary_expression",
    "binary_operator",
    "boolean_operator",
    "comparison_operator",
    "binary",
)
CALLS = (
    "call_expression",
    "invocation_expression",
    "method_invocation",
    "call",
    "new_expression",
    "object_creation_expression",
    "function_call_expression",
    "member_call_expression",
    "scoped_call_expression",
)
ARGUMENTS = ("argument_list", "arguments", "value_arguments")
ASSIGNMENTS = (
    "assignment_expression",
    "augmented_assignment_expression",
    "assignment",
    "augmented_assignment",
    "operator_assignment",
    "assignment_statement",
    "compound_assignment_expr",
)
CONDITIONALS = (
    "if_statement",
    "if_expression",
    "if",
    "if_modifier",
    "unless",
    "unless_modifier",
    "elif_clause",
    "elsif",
)
LOOPS = (
    "for_statement",
    "while_statement",
    "do_statement",
    "for_in_statement",
    "for_range_loop",
    "enhanced_for_statement",
    "foreach_statement",
    "while_expression",
    "for_expression",
    "while",
    "until",
    "for",
)
CHOICES = ("conditional_expression", "ternary_expression", "conditional")
JUMPS = (
    "return_statement",
    "throw_statement",
    "break_statement",
    "continue_statement",
    "goto_statement",
    "raise_statement",
    "return_expression",
    "throw_expression",
    "break_expression",
    "continue_expression",
    "return",
    "next",
    "break",
)
BLOCKS = frozenset(
    {
        "compound_statement",
        "block",
        "statement_block",
        "statement_list",
        "body_statement",
        "block_body",
        "then",
        "else",
        "ensure",
        "begin",
        "case_statement",
        "switch_case",
        "switch_default",
        "switch_section",
        "switch_block_statement_group",
        "constructor_body",
        "default_statement",
        "do",
    }
)
FUNCTIONS = frozenset(
    {
        "function_definition",
        "function_declaration",
        "function_item",
        "function_expression",
        "arrow_function",
        "generator_function_declaration",
        "method_definition",
        "method_declaration",
        "constructor_declaration",
        "local_function_statement",
        "lambda_expression",
        "lambda_literal",
        "lambda",
        "func_literal",
        "anonymous_function",
        "closure_expression",
        "method",
        "singleton_method",
        "accessor_declaration",
    }
)
_PLAIN = frozenset(
    {
        "identifier",
        "variable_name",
        "instance_variable",
        "scoped_identifier",
    }
)
MEMBERS = (
    "member_expression",
    "field_expression",
    "field_access",
    "selector_expression",
    "attribute",
    "member_access_expression",
    "navigation_expression",
)
NUMBERS = frozenset(
    {
        "number_literal",
        "integer_literal",
        "int_literal",
        "decimal_integer_literal",
        "number",
        "integer",
    }
)


_REPORTS = re.compile(
    rb"(?i)[\w.:]*?\b(\w*print\w*|log(ger|_\w+)?|trace|debug|info|warn(ing)?|error|puts|\w*assert\w*"
    rb"|expect\w*|d?check(_\w+|state|argument|notnull)?)(\.\w+)?\s*[(!\s]"
)
"""Calls that log, or check what never happens: nobody depends on their arguments."""


@dataclass(frozen=True, slots=True)
class Code:
    """A snippet's own nodes by type, apart from what the parser could not read, what is only logged
    and what is only asserted.

    by_type: in the order of the text. parents: by the id of the child.
    """

    snippet: Snippet
    by_type: Mapping[str, list[Node]]
    parents: Mapping[int, Node]

    @classmethod
    def of_snippet(cls, snippet: Snippet) -> Code:
        """Walk the snippet's tree once."""
        source = snippet.source
        found: defaultdict[str, list[Node]] = defaultdict(list)
        parents: dict[int, Node] = {}
        above: list[Node] = []
        broken: int | None = None
        for node, depth in walk(snippet.root):
            del above[depth:]
            if above:
                parents[node.id] = above[-1]
            above.append(node)
            if broken is not None and depth > broken:
                continue
            broken = depth if node.is_error else None
            inside = node.start_byte >= snippet.shift and node.end_byte <= len(source)
            if node.type in CALLS and _REPORTS.match(source, node.start_byte, node.end_byte):
                broken = depth
            if broken is None and inside:
                found[node.type].append(node)
        return cls(snippet, found, parents)

    @property
    def source(self) -> bytes:
        """The parsed bytes, as the nodes count them."""
        return self.snippet.source

    @property
    def language(self) -> str:
        """The language's name."""
        return self.snippet.language.name

    def of(self, *types: str) -> Iterator[Node]:
        """The named nodes of these types."""
        for kind in types:
            yield from (node for node in self.by_type.get(kind, ()) if node.is_named)

    def text(self, node: Node) -> str:
        """What the node spells."""
        return self.snippet.text_of(node)

    def parent(self, node: Node) -> Node | None:
        """The node around, found without going down from the root again."""
        return self.parents.get(node.id)

    def ancestors(self, node: Node) -> Iterator[Node]:
        """The nodes around, the nearest first."""
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def function(self, node: Node) -> Node:
        """The nearest function around, or the root."""
        return next((each for each in self.ancestors(node) if each.type in FUNCTIONS), self.root)

    @property
    def root(self) -> Node:
        """The root of the tree."""
        return self.snippet.root

    def field_of(self, node: Node) -> str:
        """The field that the node fills in its parent, or an empty text."""
        parent = self.parent(node)
        if parent is None:
            return ""
        for at, child in enumerate(parent.children):
            if child.id == node.id:
                return parent.field_name_for_child(at) or ""
        return ""

    # --- expressions ------------------------------------------------------------------------------

    def operator(self, node: Node) -> Node | None:
        """The operator of an operation or assignment with two operands."""
        for name in ("operator", "operators"):
            found = node.children_by_field_name(name)
            if len(found) == 1:
                return found[0]
        return next((child for child in node.children if child.type == "="), None)

    def operands(self, node: Node) -> tuple[Node, Node] | None:
        """Left and right operand of an operation with two."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is not None and right is not None:
            return left, right
        named = [child for child in node.named_children if child.type not in COMMENTS]
        return (named[0], named[1]) if len(named) == 2 else None

    def is_plain(self, node: Node) -> bool:
        """Whether the node is a name or names joined by dots: reading it does nothing else."""
        return (node.type in _PLAIN or node.type in MEMBERS) and bool(
            re.fullmatch(r"[\w$@.:>?-]+", self.text(node))
        )

    def condition(self, node: Node) -> Node | None:
        """What a conditional or loop asks, without the parentheses around."""
        condition = node.child_by_field_name("condition")
        while condition is not None and condition.type in (
            "parenthesized_expression",
            "condition_clause",
        ):
            inner = [child for child in condition.named_children if child.type not in COMMENTS]
            if len(inner) != 1:
                return None
            condition = inner[0]
        return condition

    def conditions(self) -> Iterator[Node]:
        """What the conditionals, loops and choices ask."""
        for node in self.of(*CONDITIONALS, *LOOPS, *CHOICES):
            condition = self.condition(node)
            if condition is None and node.type == "conditional_expression":  # Python's
                named = node.named_children
                condition = named[1] if self.language == "Python" and len(named) == 3 else None
            if condition is not None and condition.is_named:
                yield condition

    def called(self, node: Node) -> str:
        """The last part of a called function's name."""
        for name in ("name", "method", "function", "constructor", "type"):
            if (found := node.child_by_field_name(name)) is not None:
                break
        else:
            found = node.named_children[0] if node.named_children else None
        words = re.findall(r"[\w$]+[!?]?", self.text(found)) if found is not None else []
        return words[-1] if words else ""

    def arguments(self, call: Node) -> list[Node]:
        """The positional arguments of a call; empty where one is named or spread."""
        around = call.child_by_field_name("arguments") or next(
            (child for child in call.named_children if child.type in ARGUMENTS), None
        )
        if around is None:
            return []
        found = []
        for argument in around.named_children:
            if argument.type in COMMENTS:
                continue
            if argument.type in ("argument", "value_argument"):
                if len(argument.children) != 1:
                    return []
                argument = argument.children[0]
            found.append(argument)
        return found

    # --- statements -------------------------------------------------------------------------------

    def body(self, node: Node) -> list[Node]:
        """The statements that a conditional, clause or loop runs."""
        inner = node.child_by_field_name("consequence") or node.child_by_field_name("body")
        if inner is None:
            inner = next((child for child in node.named_children if child.type in BLOCKS), None)
        return self.statements(inner) if inner is not None else []

    def statements(self, block: Node) -> list[Node]:
        """The statements of a block, or the statement that stands in its place."""
        if block.type not in BLOCKS:
            return [block]
        inner = [child for child in block.named_children if child.type not in COMMENTS]
        if len(inner) == 1 and inner[0].type == "statement_list":
            return self.statements(inner[0])
        return inner

    def jumps(self, statement: Node) -> bool:
        """Whether the statement always leaves: return, throw, break, continue, goto, raise."""
        if statement.type in JUMPS:
            return True
        if statement.type == "expression_statement" and statement.named_child_count == 1:
            return self.jumps(statement.named_children[0])
        if self.language == "Ruby" and statement.type in ("call", "identifier"):
            return bool(re.match(r"(raise|fail|throw)\b", self.text(statement)))
        return self.language == "Kotlin" and self.text(statement) in ("break", "continue")

    def is_statement(self, node: Node) -> bool:
        """Whether the node stands in a block, where it may be taken out."""
        parent = self.parent(node)
        return parent is not None and parent.type in BLOCKS

    def next_statement(self, node: Node) -> Node | None:
        """The statement after, in the same block."""
        after = node.next_named_sibling
        while after is not None and after.type in COMMENTS:
            after = after.next_named_sibling
        return after

    def without(self, statement: Node) -> Mutation | None:
        """Take a statement out of its block, with its lines and its own comments.

        None where that would leave the block empty, or another statement stands on the lines.
        """
        parent = self.parent(statement)
        if parent is None or parent.type not in BLOCKS:
            return None
        if [child.id for child in self.statements(parent)] == [statement.id]:
            return None
        start, end = self.lines_of(statement)
        if end is None:
            return None
        above = statement.prev_named_sibling
        while above is not None and above.type in COMMENTS:
            first, last = self.lines_of(above)
            if last != start:
                break
            start, above = first, above.prev_named_sibling
        opens = re.search(rb"(?:^|\n|[{:(]\s*\n)[ \t]*\n$|[{:(][ \t]*\n$", self.source[:start])
        if opens and (blank := re.match(rb"[ \t]*\n", self.source[end:])):
            end += blank.end()
        return ((start, end, b""),)

    def lines_of(self, node: Node) -> tuple[int, int | None]:
        """Start and end of the node's lines, as its snippet knows them."""
        return self.snippet.lines_of(node)

    def margin(self, node: Node) -> bytes:
        """The blanks before the line on which the node starts."""
        return self.snippet.margin_of(node)


def replaced(node: Node, text: str) -> Mutation:
    """Another text in a node's place."""
    return ((node.start_byte, node.end_byte, text.encode()),)
