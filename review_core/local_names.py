"""Finds the variables of a snippet that can be renamed and keep its meaning. Renames nothing.

A name qualifies only when every word of the snippet that spells it is provably that variable: an
identifier in a place known to be an expression, inside the scope of a declaration of the name. A
mention in a comment, a string, a field or a place we do not know disqualifies it. So does a caller
who can spell it: parameters of Python, C# and Ruby's keywords are not local.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

Path = tuple[tuple["Node", str], ...]
"""A node after its ancestors, each with the field it fills in its parent, or an empty text."""


@dataclass(frozen=True, slots=True)
class LocalName:
    """A variable and where each of its mentions starts, in bytes."""

    name: str
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Rules:
    """Where one grammar declares and uses variables; a place is `node type:field`.

    declares: for each declaring place, the node types that bound the variable's scope. through:
    patterns and declarators between an identifier and the place that declares it. uses: other
    places where an identifier is a variable. barriers: nodes whose inside does not see the
    variables around, or sees them as something else. hoisted: declaring places that a mention may
    come before. dynamic: words that see names as text; a snippet with one has no safe names.
    """

    declares: Mapping[str, str]
    uses: str
    through: str = ""
    barriers: str = ""
    hoisted: str = ""
    dynamic: str = ""


_C_BLOCKS = "compound_statement for_statement for_range_loop case_statement lambda_expression"
_C_FUNCTIONS = (
    "function_definition lambda_expression declaration field_declaration type_descriptor"
    " parameter_declaration type_definition"
)
_C = _Rules(
    declares={
        "init_declarator:declarator": _C_BLOCKS,
        "declaration:declarator": _C_BLOCKS,
        "parameter_declaration:declarator": _C_FUNCTIONS,
        "for_range_loop:declarator": "for_range_loop",
    },
    through="pointer_declarator:declarator array_declarator:declarator reference_declarator:",
    uses="argument_list: field_expression:argument assignment_expression:left"
    " assignment_expression:right"
    " binary_expression:left binary_expression:right pointer_expression:argument"
    " parenthesized_expression:"
    " subscript_expression:argument subscript_expression:index subscript_argument_list:"
    " return_statement:"
    " update_expression:argument cast_expression:value unary_expression:argument"
    " array_declarator:size"
    " init_declarator:value comma_expression:left comma_expression:right"
    " conditional_expression:condition"
    " conditional_expression:consequence conditional_expression:alternative initializer_list:"
    " condition_clause:value for_range_loop:right delete_expression: for_statement:condition"
    " call_expression:function expression_statement:",
    barriers="field_declaration_list preproc_def preproc_function_def",
)
_JAVASCRIPT_FUNCTIONS = (
    "function_declaration function_expression arrow_function method_definition generator_function"
    " generator_function_declaration function_type function_signature method_signature"
    " abstract_method_signature call_signature construct_signature constructor_type"
)
_JAVASCRIPT_BLOCKS = "statement_block for_statement for_in_statement switch_body"
_JAVASCRIPT = _Rules(
    declares={
        "lexical_declaration:": _JAVASCRIPT_BLOCKS,
        "variable_declaration:": _JAVASCRIPT_FUNCTIONS,
        "formal_parameters:": _JAVASCRIPT_FUNCTIONS,
        "required_parameter:pattern": _JAVASCRIPT_FUNCTIONS,
        "optional_parameter:pattern": _JAVASCRIPT_FUNCTIONS,
        "arrow_function:parameter": "arrow_function",
        "catch_clause:parameter": "catch_clause",
        "for_in_statement:left": "for_in_statement",
    },
    through="variable_declarator:name array_pattern: assignment_pattern:left rest_pattern:",
    uses="member_expression:object arguments: binary_expression:left binary_expression:right"
    " call_expression:function assignment_expression:left assignment_expression:right"
    " subscript_expression:object subscript_expression:index unary_expression:argument"
    " parenthesized_expression: new_expression:constructor return_statement:"
    " update_expression:argument"
    " pair:value array: augmented_assignment_expression:left augmented_assignment_expression:right"
    " ternary_expression:condition ternary_expression:consequence ternary_expression:alternative"
    " for_in_statement:right variable_declarator:value sequence_expression: template_substitution:"
    " spread_element: switch_case:value expression_statement: throw_statement: await_expression:"
    " jsx_expression: arrow_function:body non_null_expression: as_expression: yield_expression:",
    barriers="class_body",
    hoisted="variable_declaration:",
    dynamic="eval with",
)
_PYTHON_FUNCTION = "function_definition lambda class_definition module"
_COMPREHENSIONS = (
    "list_comprehension set_comprehension dictionary_comprehension generator_expression"
)

_RULES: Mapping[str, _Rules] = {
    "C": _C,
    "C++": _C,
    "C#": _Rules(
        declares={
            "local_declaration_statement:": "block switch_section",
            "for_statement:initializer": "for_statement",
            "using_statement:": "using_statement",
            "foreach_statement:left": "foreach_statement",
            "catch_declaration:name": "catch_clause",
        },
        through="variable_declarator:name variable_declaration:",
        uses="member_access_expression:expression argument: assignment_expression:left"
        " assignment_expression:right invocation_expression:function binary_expression:left"
        " binary_expression:right element_access_expression:expression"
        " is_pattern_expression:expression"
        " return_statement: postfix_unary_expression: prefix_unary_expression:"
        " if_statement:condition"
        " while_statement:condition foreach_statement:right conditional_access_expression:condition"
        " cast_expression:value variable_declarator: as_expression:left interpolation:"
        " conditional_expression:condition conditional_expression:consequence"
        " conditional_expression:alternative initializer_expression: lock_statement:"
        " await_expression: parenthesized_expression: expression_statement: lambda_expression:body"
        " switch_statement:value throw_statement: yield_statement:",
        barriers="declaration_list",
        dynamic="nameof",
    ),
    "Go": _Rules(
        declares={
            place: "block if_statement for_statement expression_switch_statement"
            " type_switch_statement"
            " expression_case type_case default_case communication_case"
            for place in ("short_var_declaration:left", "var_spec:name", "const_spec:name")
        }
        | {
            "range_clause:left": "for_statement",
            "parameter_declaration:name": "function_declaration method_declaration func_literal"
            " function_type method_elem",
            "variadic_parameter_declaration:name": "function_declaration method_declaration"
            " func_literal function_type method_elem",
        },
        through="expression_list:",
        uses="selector_expression:operand expression_list: argument_list: call_expression:function"
        " binary_expression:left binary_expression:right index_expression:operand"
        " index_expression:index unary_expression:operand range_clause:right if_statement:condition"
        " slice_expression:operand slice_expression:start slice_expression:end"
        " type_assertion_expression:operand inc_statement: dec_statement: variadic_argument:"
        " expression_statement: expression_switch_statement:value type_switch_statement:value"
        " send_statement:channel send_statement:value type_conversion_expression:operand"
        " parenthesized_expression:",
    ),
    "Java": _Rules(
        declares={
            "local_variable_declaration:declarator": "block for_statement constructor_body"
            " switch_block_statement_group",
            "enhanced_for_statement:name": "enhanced_for_statement",
            "formal_parameter:name": "method_declaration constructor_declaration lambda_expression"
            " record_declaration",
            "catch_formal_parameter:name": "catch_clause",
            "lambda_expression:parameters": "lambda_expression",
            "inferred_parameters:": "lambda_expression",
            "resource:name": "try_with_resources_statement",
        },
        through="variable_declarator:name",
        uses="method_invocation:object argument_list: field_access:object binary_expression:left"
        " binary_expression:right assignment_expression:left assignment_expression:right"
        " return_statement: cast_expression:value instanceof_expression:left update_expression:"
        " array_access:array array_access:index parenthesized_expression: unary_expression:operand"
        " enhanced_for_statement:value variable_declarator:value ternary_expression:condition"
        " ternary_expression:consequence ternary_expression:alternative throw_statement:"
        " lambda_expression:body array_initializer: dimensions_expr: for_statement:condition",
        barriers="class_body",
    ),
    "JavaScript": _JAVASCRIPT,
    "TypeScript": _JAVASCRIPT,
    "TSX": _JAVASCRIPT,
    "Python": _Rules(
        declares={
            place: _PYTHON_FUNCTION
            for place in (
                "assignment:left",
                "for_statement:left",
                "as_pattern_target:",
                "named_expression:name",
            )
        }
        | {"for_in_clause:left": _COMPREHENSIONS},
        through="pattern_list: tuple_pattern: list_pattern: list_splat_pattern:",
        uses="attribute:object argument_list: call:function subscript:value subscript:subscript"
        " comparison_operator: tuple: keyword_argument:value binary_operator:left"
        " binary_operator:right assignment:right return_statement: for_statement:right list:"
        " if_statement:condition augmented_assignment:left augmented_assignment:right"
        " for_in_clause:right boolean_operator:left boolean_operator:right not_operator:argument"
        " conditional_expression: pair:key pair:value dictionary_splat: list_splat:"
        " expression_list: expression_statement: interpolation:expression unary_operator:argument"
        " slice: raise_statement: raise_statement:cause parenthesized_expression:"
        " list_comprehension:body generator_expression:body set_comprehension:body yield: set:"
        " while_statement:condition elif_clause:condition lambda:body delete_statement:"
        " with_item:value assert_statement: await: if_clause:",
        barriers="class_definition parameters lambda_parameters",
        hoisted="assignment:left for_statement:left as_pattern_target: named_expression:name"
        " for_in_clause:left",
        dynamic="locals vars eval exec globals",
    ),
    "Ruby": _Rules(
        declares={
            place: "method singleton_method block do_block class module program"
            for place in ("assignment:left", "operator_assignment:left", "exception_variable:")
        }
        | {
            "block_parameters:": "block do_block lambda",
            "lambda_parameters:": "lambda",
            "method_parameters:": "method singleton_method",
        },
        through="left_assignment_list: optional_parameter:name splat_parameter:name"
        " destructured_parameter: block_parameter:name",
        uses="call:receiver argument_list: element_reference:object element_reference: binary:left"
        " binary:right interpolation: assignment:right body_statement: pair:value array:"
        " splat_argument: then: unless_modifier:condition if:condition block_argument:"
        " if_modifier:condition case:value conditional:condition conditional:consequence"
        " conditional:alternative block_body: else: unless:condition unary:operand"
        " operator_assignment:right elsif:condition if_modifier:body unless_modifier:body"
        " optional_parameter:value right_assignment_list: parenthesized_statements: range:begin"
        " range:end hash_splat_argument:",
        barriers="method singleton_method class module",
        dynamic="binding eval instance_eval local_variables",
    ),
}


def local_names(root: Node, text: str, language: str) -> tuple[LocalName, ...]:
    """The variables below `root` that may be renamed, by name.

    :param text: the snippet that the tree was read from.
    """
    rules = _RULES.get(language)
    if rules is None or (rules.dynamic and _mentions(text, *rules.dynamic.split())):
        return ()
    paths: defaultdict[str, list[Path]] = defaultdict(list)
    for path in _identifiers(root):
        if spelling := path[-1][0].text:
            paths[spelling.decode(errors="replace")].append(path)
    words = Counter(re.findall(r"\w+", text))
    return tuple(
        LocalName(name, tuple(path[-1][0].start_byte for path in mentions))
        for name, mentions in sorted(paths.items())
        if len(mentions) == words[name] and _is_local(mentions, rules)
    )


def _mentions(text: str, *words: str) -> int:
    pattern = "|".join(re.escape(word) for word in words)
    return len(re.findall(rf"\b(?:{pattern})\b", text))


def _identifiers(root: Node) -> Iterator[Path]:
    cursor = root.walk()
    path: list[tuple[Node, str]] = []
    while True:
        if (node := cursor.node) is not None:
            path.append((node, cursor.field_name or ""))
            if node.type == "identifier" and len(path) > 1:
                yield tuple(path)
        if cursor.goto_first_child():
            continue
        path.pop()
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            path.pop()


@dataclass(frozen=True, slots=True)
class _Declaration:
    scope: Node
    start: int


def _is_local(mentions: list[Path], rules: _Rules) -> bool:
    """Whether every mention is a declaration of a variable, or a use in the scope of one."""
    declarations = []
    for path in mentions:
        declaration = _declaration(path, rules)
        if declaration is not None:
            declarations.append(declaration)
        elif not _is_use(path, rules):
            return False
    return all(any(_sees(path, each, rules) for each in declarations) for path in mentions)


def _declaration(path: Path, rules: _Rules) -> _Declaration | None:
    through = rules.through.split()
    at = len(path) - 1
    while at > 0 and (place := _place(path, at)) not in rules.declares:
        if place not in through:
            return None
        at -= 1
    if at == 0 or _declares_elsewhere(path[at - 1][0]):
        return None
    scopes = rules.declares[place].split()
    own = path[at - 1][0].type == rules.declares[place]  # such as a loop with its variable
    for node, _ in reversed(path[: at if own else at - 1]):
        if node.type in scopes:
            if node.has_error or node.type in ("class_definition", "module", "class", "program"):
                return None
            start = node.start_byte if place in rules.hoisted.split() else path[-1][0].start_byte
            return _Declaration(node, start)
    return None


def _place(path: Path, at: int) -> str:
    return f"{path[at - 1][0].type}:{path[at][1]}"


def _declares_elsewhere(node: Node) -> bool:
    """Whether what looks like a local declaration names what others see, or declares nothing."""
    if node.type == "for_in_statement":  # `for (x of xs)` assigns to an x that exists already
        kind = node.child_by_field_name("kind")
        return kind is None or kind.text not in (b"const", b"let")
    return any(
        child.text == b"extern" or child.type in ("accessibility_modifier", "override_modifier")
        for child in node.named_children
    )


def _is_use(path: Path, rules: _Rules) -> bool:
    parent = path[-2][0]
    around = path[-3][0] if len(path) > 2 else parent
    if _place(path, len(path) - 1) not in rules.uses.split():
        return False
    if parent.type == "interpolation":  # f"{name=}" prints the name
        return all(child.type != "=" for child in parent.children)
    if parent.type == "assignment_expression":  # `new Cart { total = 1 }` names a property
        return around.type != "initializer_expression"
    if parent.type == "argument":  # (a, b) names the parts of a tuple after its variables
        return around.type != "tuple_expression"
    if parent.type == "argument_list" and around.type == "call_expression":
        called = around.child_by_field_name("function")
        spelling = called.text if called is not None else None
        is_macro = spelling is not None and (spelling.isupper() or spelling == b"assert")
        return not is_macro  # a macro may spell its argument
    return True


def _sees(path: Path, declaration: _Declaration, rules: _Rules) -> bool:
    if path[-1][0].start_byte < declaration.start:
        return False
    nodes = [node for node, _ in path]
    if declaration.scope not in nodes:
        return False
    inside = nodes[nodes.index(declaration.scope) + 1 :]
    barriers = rules.barriers.split()
    return not any(node.type in barriers for node in inside)
