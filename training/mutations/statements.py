"""Bugs of whole statements: a check, release, await, error or jump that is missing, or a statement
in the wrong place or there twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from training.mutations.code import (
    ASSIGNMENTS,
    BINARY,
    BLOCKS,
    CALLS,
    CONDITIONALS,
    LOOPS,
    Code,
    Mutation,
    replaced,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_CHECKS = re.compile(
    r"(?i)null|nil|none|undefined|<|>|err|!\s*[\w$@(]|not |valid|exist|contains|has|in "
    r"|instanceof|is_|isinstance|length|size|len\(|\bis\w|respond_to|fail|closed|cancel|abort|allow|permi|auth"
)
_EMPTY = re.compile(r"(?i)empty|(length|size|count|len\(\w+\))(\(\))?\s*(===?|<=)\s*0|blank|any\?")
_CACHED = re.compile(r"(?i)cache|memo|already|fast|debug|verbose|log|enabled|dirty|initiali[sz]ed")


def dropped_check(code: Code) -> Iterator[Mutation]:
    """A guard gone, a condition without one of its parts, a null-safe access made plain."""
    for node in code.of(*CONDITIONALS):
        if _is_guard(code, node) and (gone := code.without(node)) and _compiles(code, gone, node):
            yield gone
        elif unwrapped := _unguarded(code, node):
            yield unwrapped
    for condition in code.conditions():
        yield from _dropped_parts(code, condition)
    yield from _plain_accesses(code)


def _is_guard(code: Code, node: Node) -> bool:
    """Whether a conditional only leaves when something is not as it should be."""
    if node.child_by_field_name("alternative") is not None or not code.is_statement(node):
        return False
    if any(child.type in ("else_clause", "else", "elif_clause") for child in node.children):
        return False
    body, condition = code.body(node), code.condition(node)
    if condition is None or not 1 <= len(body) <= 3 or not code.jumps(body[-1]):
        return False
    asked, leaves = code.text(condition), code.text(body[-1])
    if not _CHECKS.search(asked) or _CACHED.search(asked + leaves):
        return False
    raises = re.match(r"(throw|raise|fail|panic)\b", leaves)
    if _EMPTY.search(asked) and not raises:
        return False  # what follows often does nothing for an empty one
    after = code.next_statement(node)
    if after is None or code.text(after) == leaves:
        return False  # falls through to the same
    if after.type.startswith("return") and len(body) == 1 and leaves.startswith("return"):
        return bool(raises)  # `if (a) return b; return c;` chooses, it does not guard
    given = set(re.findall(r"\w+", leaves)[1:])
    positive = not re.search(r"!|not |nil|null|None|NULL|<|==|===", asked)
    return not (positive and given & set(re.findall(r"\w+", asked)))  # `if (found) return found`


def _compiles(code: Code, gone: Mutation, node: Node) -> bool:
    """Whether no variable is left that Go would call unused."""
    if code.language != "Go":
        return True
    function = code.function(node)
    before = code.source[function.start_byte : gone[0][0]].decode(errors="replace")
    after = code.source[gone[0][1] : function.end_byte].decode(errors="replace")
    return all(
        len(re.findall(rf"\b{word}\b", before + after)) > 1
        for word in re.findall(r"\b[a-z]\w*", code.text(node))
        if re.search(rf"\b{word}\b[^\n]*:=|var {word}\b", before)
    )


_NULL_CHECK = re.compile(
    r"([\w$@.>-]+?)(?:\s*(?:!==?\s*(?:null|NULL|nullptr|nil|undefined)|is not (?:None|null)))?"
)


def _unguarded(code: Code, node: Node) -> Mutation | None:
    """The only statement of `if (p != null) { p.close(); }` without its check."""
    condition, body = code.condition(node), code.body(node)
    if condition is None or len(body) != 1 or not code.is_statement(node):
        return None
    if node.child_by_field_name("alternative") is not None or code.jumps(body[0]):
        return None
    if any(child.type in ("else_clause", "else", "elif_clause") for child in node.children):
        return None
    found = _NULL_CHECK.fullmatch(code.text(condition))
    inner = code.text(body[0])
    if found is None or "\n" in inner or node.type in ("unless", "unless_modifier"):
        return None
    if not re.search(rf"(?<![\w.]){re.escape(found[1])}(\.|->|\[)", inner):
        return None
    if code.lines_of(node)[1] is None:
        return None
    return ((node.start_byte, node.end_byte, inner.encode()),)


def _dropped_parts(code: Code, condition: Node) -> Iterator[Mutation]:
    if condition.type not in BINARY:
        return
    operator, operands = code.operator(condition), code.operands(condition)
    if operator is None or operands is None or operator.type not in ("&&", "||", "and", "or"):
        return
    left, right = operands
    if _CHECKS.search(code.text(left)):
        yield ((left.start_byte, right.start_byte, b""),)
    if _CHECKS.search(code.text(right)):
        yield ((left.end_byte, right.end_byte, b""),)
    yield from _dropped_parts(code, left)


def _plain_accesses(code: Code) -> Iterator[Mutation]:
    for node in code.of("optional_chain"):
        after = code.source[node.end_byte : node.end_byte + 1]
        yield replaced(node, "" if after in (b"[", b"(") else ".")
    for node in code.of("conditional_access_expression"):
        if (mark := next((each for each in node.children if each.type == "?"), None)) is not None:
            yield replaced(mark, "")
    for node in code.of("call", "navigation_expression"):
        for child in node.children:
            if code.text(child) in ("&.", "?."):
                yield replaced(child, ".")
    for node in code.of("binary_expression", "binary", "boolean_operator"):
        operator, operands = code.operator(node), code.operands(node)
        around = code.parent(node)
        if operator is None or operands is None or around is None or around.type in BINARY:
            continue
        is_default = operator.type == "??" or (
            operator.type in ("||", "or")
            and code.is_plain(operands[0])
            and re.match(r"\{\}|\[\]|['\"0-9]|dict\(|new ", code.text(operands[1]))
        )
        if is_default and code.is_plain(operands[0]):
            yield ((operands[0].end_byte, operands[1].end_byte, b""),)


# --- releases, waits ------------------------------------------------------------------------------

_RELEASE = re.compile(
    r"(?i)(\w*_)?(k|v|g_|ev|sds|z|js_|xml|m|s)?free(_?(all|mem|list|node|buf|addrinfo|ctx|data|sds))?|free\w*|\w+_free"
    r"|f?close(_?(file|connection|socket|stream|quietly|fd|handle))?|dispose|destroy|release|\w*_put|\w*_unref"
    r"|decref|py_x?decref|unref|unsubscribe|removelistener|removeeventlistener|off|cleartimeout"
    r"|clearinterval|shutdown|unlink|disconnect|cleanup|recycle|ReleaseBuffer|delete\w*Ref"
)
_UNLOCK = re.compile(
    r"(?i)(\w*_)?(r|w|read|write|mutex_?|spin_)?unlock(_\w+)?|(lock|mutex|sem\w*)_?release|signal(all)?"
    r"|notify(all)?|flush|commit|join|wait|done"
)


def missing_release(code: Code) -> Iterator[Mutation]:
    """What was opened or allocated is not closed or freed."""
    yield from _without_calls(code, _RELEASE)
    for node in code.of("delete_expression"):
        statement = code.parent(node)
        if statement is not None and (gone := code.without(statement)):
            yield gone


_NO_RELEASE = r"join\([^)]|(?<!thread)(?<!worker)(?<!process)\.join\b(?!\()|std(out|err)"
"""Calls of the same names that release nothing: texts joined, what the end of a process flushes."""


def missing_unlock(code: Code) -> Iterator[Mutation]:
    """A lock is kept, or nobody is told, or nobody waits."""
    yield from _without_calls(code, _UNLOCK)


def _without_calls(code: Code, names: re.Pattern[str]) -> Iterator[Mutation]:
    for call in code.of(*CALLS):
        if not names.fullmatch(code.called(call)) or re.search(_NO_RELEASE, code.text(call)):
            continue
        statement: Node = call
        around = code.parent(call)
        while around is not None and around.type in (
            "expression_statement",
            "await_expression",
            "await",
            "defer_statement",
        ):
            statement, around = around, code.parent(around)
        if (gone := code.without(statement)) and _compiles(code, gone, statement):
            yield gone


def missing_await(code: Code) -> Iterator[Mutation]:
    """A promise taken for its value, or let go."""
    if code.language == "Rust":
        return
    for node in code.of("await_expression", "await"):
        around = code.parent(node)
        inner = node.named_children[-1] if node.named_children else None
        if around is None or inner is None or around.type in ("return_statement", "arrow_function"):
            continue  # the caller awaits it
        yield ((node.start_byte, inner.start_byte, b""),)


# --- errors ---------------------------------------------------------------------------------------

_ERROR_CODE = r"return (err|error|ret|rc|status|rv|retval|-E[A-Z]+|-1);"


def swallowed_error(code: Code) -> Iterator[Mutation]:
    """An error that was handled, passed on or raised, and no longer is."""
    yield from _silent_handlers(code)
    yield from _lost_errors(code)
    if code.language == "Ruby":
        for call in code.of("call"):
            method = call.child_by_field_name("method")
            if method is not None and code.text(method) in (
                "save!",
                "create!",
                "update!",
                "destroy!",
            ):
                yield ((method.end_byte - 1, method.end_byte, b""),)
    for name in code.of("except_clause"):
        value = name.child_by_field_name("value")
        is_name = value is not None and value.type == "identifier"
        if value is not None and is_name and not code.text(value).endswith("Exception"):
            yield replaced(value, "Exception")


def _silent_handlers(code: Code) -> Iterator[Mutation]:
    for handler in code.of("catch_clause", "except_clause", "rescue", "catch_block"):
        body = code.body(handler)
        if not body:
            continue
        if code.jumps(body[-1]):
            text = code.text(body[-1])
            if (
                len(body) > 1
                and re.match(r"throw|raise", text)
                and (gone := code.without(body[-1]))
            ):
                yield gone
        if len(body) <= 4:
            first, last = body[0], body[-1]
            empty = b"pass" if code.language == "Python" else b""
            if empty:
                yield ((first.start_byte, last.end_byte, empty),)
            elif code.lines_of(first)[1] is not None:
                start, end = code.lines_of(first)[0], code.lines_of(last)[1]
                if end is not None:
                    yield ((start, end, b""),)


def _lost_errors(code: Code) -> Iterator[Mutation]:
    for node in code.of("return_statement"):
        text = code.text(node)
        if not _is_in_check(code, node):
            continue
        if code.language == "Go":
            if found := re.fullmatch(
                r"return (.*?)\b((?:err|errors\.\w+\(.*\)|fmt\.Errorf\(.*\)))", text
            ):
                start = node.start_byte + len(text[: found.start(2)].encode())
                if start != node.start_byte:
                    yield ((start, node.start_byte + len(text.encode()), b"nil"),)
        elif code.language in ("C", "C++") and re.fullmatch(_ERROR_CODE, text):
            yield replaced(node, "return 0;")
    for node in code.of("raise_statement", "throw_statement"):
        if code.language in ("Python", "JavaScript") and node.named_child_count:
            made = node.named_children[0]
            if made.type in ("call", "new_expression") and not _is_in_handler(code, node):
                yield ((node.start_byte, made.start_byte, b""),)
    for call in code.of("call_expression"):
        name, arguments = code.called(call), code.arguments(call)
        if not arguments or code.language not in ("JavaScript", "TypeScript", "TSX"):
            continue
        error = re.match(r"err|e$|error|new \w*Error", code.text(arguments[0]))
        if name in ("callback", "cb", "done", "next") and len(arguments) == 1 and error:
            yield replaced(arguments[0], "")
        if name == "reject":
            function = call.child_by_field_name("function")
            if function is not None and code.text(function) == "reject":
                yield replaced(function, "resolve")
        if name == "catch" and len(arguments) == 1 and arguments[0].type == "identifier":
            yield replaced(arguments[0], "() => {}")


def _is_in_check(code: Code, node: Node) -> bool:
    around = code.parent(node)
    while around is not None and around.type in BLOCKS:
        around = code.parent(around)
    return around is not None and around.type in CONDITIONALS


def _is_in_handler(code: Code, node: Node) -> bool:
    return any(each.type in ("except_clause", "catch_clause") for each in code.ancestors(node))


# --- jumps and branches ---------------------------------------------------------------------------


def missing_jump(code: Code) -> Iterator[Mutation]:
    """A break, continue or return gone, an else gone, an else-if made an if."""
    for node in code.of(
        "break_statement", "continue_statement", "return_statement", "next", "break"
    ):
        if _matters(code, node) and (gone := code.without(node)):
            yield gone
    if code.language in ("JavaScript", "TypeScript", "TSX", "Python"):
        yield from _lost_values(code)
    yield from _lost_branches(code)


def _matters(code: Code, jump: Node) -> bool:
    """Whether the code runs on to somewhere else without the jump."""
    block = code.parent(jump)
    if block is None or block.type not in BLOCKS:
        return False
    own = code.statements(block)
    if len(own) < 2 or own[-1].id != jump.id:
        return False
    if block.type == "statement_list":
        block = code.parent(block) or block
    around = code.parent(block)
    if jump.type == "return_statement" and code.text(jump).rstrip(";") != "return":
        return False  # a value is missing, which compilers see
    if block.type in ("case_statement", "switch_case", "switch_block_statement_group"):
        after = block.next_named_sibling
        return jump.type == "break_statement" and after is not None and code.language != "Go"
    if around is None or around.type not in CONDITIONALS:
        return False
    if jump.type in ("break_statement", "break"):
        constants = r"[\w.\s]+=\s*(true|false|True|False|1|0|\"[^\"]*\");?"
        return not all(re.fullmatch(constants, code.text(each)) for each in own[:-1])
    after = code.next_statement(around)
    return after is not None


def _lost_values(code: Code) -> Iterator[Mutation]:
    """`return f(x)` that only calls."""
    for node in code.of("return_statement"):
        inner = node.named_children[0] if node.named_child_count == 1 else None
        if inner is None or inner.type not in CALLS or not code.is_statement(node):
            continue
        if not _UNREACHABLE.match(code.text(inner)):
            yield ((node.start_byte, inner.start_byte, b""),)


def _lost_branches(code: Code) -> Iterator[Mutation]:
    for clause in code.of("else_clause", "else"):
        owner = code.parent(clause)
        if owner is None or owner.type not in ("if_statement", "if", "elsif", "if_expression"):
            continue
        inner = [child for child in clause.named_children if child.type == "if_statement"]
        if inner and code.source[clause.start_byte :].startswith(b"else if"):
            consequence = code.body(owner)
            has_end = inner[0].child_by_field_name("alternative") is not None
            if has_end and consequence and not code.jumps(consequence[-1]):
                head = code.source[: clause.start_byte]
                blanks = len(head) - len(head.rstrip(b" \t\n"))
                margin = b"\n" + code.margin(owner)
                start = clause.start_byte - blanks
                yield ((start, clause.start_byte + len(b"else "), margin),)
            continue
        statements = code.statements(clause.named_children[0]) if clause.named_children else []
        if clause.type == "else":
            statements = code.statements(clause)
        if 1 <= len(statements) <= 4 and not _UNREACHABLE.match(code.text(statements[0])):
            yield _cut_clause(code, clause)
    for node in code.of("if_statement"):
        alternative = node.child_by_field_name("alternative")
        if code.language in ("Go", "Java", "C#") and alternative is not None:
            word = next((child for child in node.children if child.type == "else"), None)
            size = len(code.statements(alternative)) if alternative.type == "block" else 0
            if word is not None and 1 <= size <= 4:
                yield _cut(code, word.start_byte, alternative.end_byte)


_UNREACHABLE = re.compile(
    r"throw new (Assertion|IllegalState|InvalidOp|NotS|NotI)"
    r"|[\w.]*([aA]ssert|[uU]nreachable|abort|panic|never|[tT]hrow|raise)"
)
"""What starts a branch that never runs."""


def _cut_clause(code: Code, clause: Node) -> Mutation:
    end = clause.end_byte
    while code.source[end - 1 : end].isspace():
        end -= 1
    return _cut(code, clause.start_byte, end)


def _cut(code: Code, start: int, end: int) -> Mutation:
    """Take a clause out with the blanks before it."""
    while code.source[start - 1 : start].isspace():
        start -= 1
    return ((start, end, b""),)


# --- order ----------------------------------------------------------------------------------------


def moved_statement(code: Code) -> Iterator[Mutation]:
    """Two dependent statements in the wrong order, or a return that ends its loop too early."""
    blocks = [node for kind in sorted(BLOCKS) for node in code.of(kind)]
    for block in blocks:
        statements = code.statements(block)
        for first, second in pairwise(statements):
            if code.parent(first) == code.parent(second) and _depends(code, first, second):
                yield _swap(code, first, second)
            if moved := _return_in_loop(code, first, second):
                yield moved


def _expression(statement: Node) -> Node:
    if statement.type == "expression_statement" and statement.named_children:
        return statement.named_children[0]
    return statement


def _depends(code: Code, first: Node, second: Node) -> bool:
    """Whether the second reads what the first assigns, or uses what the second then releases."""
    for statement in (first, second):
        start, end = code.lines_of(statement)
        if end is None or code.source[start:end].count(b"\n") != 1:
            return False
    if code.margin(first) != code.margin(second) or code.jumps(second):
        return False
    one, two = _expression(first), _expression(second)
    if two.type in CALLS and re.fullmatch(_RELEASE, code.called(two)):
        subject = re.findall(r"\w+", code.text(two))
        used = re.findall(r"\w+", code.text(one))
        return bool({each for each in subject if len(each) > 2} & set(used)) and one.type in (
            *CALLS,
            *ASSIGNMENTS,
        )
    if one.type in ASSIGNMENTS and two.type in (*ASSIGNMENTS, *CALLS):
        target = one.child_by_field_name("left")
        declares = one.type == "assignment" and code.language in ("Python", "Ruby")
        if target is None or (declares and "." not in code.text(target)):
            return False
        again = two.child_by_field_name("left") if two.type in ASSIGNMENTS else None
        if again is not None and code.text(again) == code.text(target):
            return False  # adds up in either order
        read = two.child_by_field_name("right") or two
        name = re.escape(code.text(target))
        return bool(re.search(rf"(?<![\w.>]){name}(?![\w(])", code.text(read)))
    return False


def _swap(code: Code, first: Node, second: Node) -> Mutation:
    return (
        (first.start_byte, first.end_byte, code.source[second.start_byte : second.end_byte]),
        (second.start_byte, second.end_byte, code.source[first.start_byte : first.end_byte]),
    )


def _return_in_loop(code: Code, loop: Node, jump: Node) -> Mutation | None:
    if loop.type not in LOOPS or jump.type != "return_statement":
        return None
    body = code.body(loop)
    gone = code.lines_of(jump)
    if not body or not code.is_statement(body[-1]) or code.jumps(body[-1]) or gone[1] is None:
        return None
    end = code.lines_of(body[-1])[1]
    if end is None or end > gone[0] or "\n" in code.text(jump):
        return None
    line = code.margin(body[-1]) + code.text(jump).encode() + b"\n"
    before = code.source[: gone[0]]
    blank = re.search(rb"\n((?:[ \t]*\n)*)$", before)
    return ((end, end, line), (gone[0] - (len(blank[1]) if blank else 0), gone[1], b""))


_REPEATABLE = re.compile(
    r"push(_back)?|append|emplace_back|write(line)?|increment|decrement|emit|advance|pop|shift|consume"
)
_REPEATABLE_RELEASE = re.compile(r"\w*free|f?close|\w*_(put|unref)|Py_DECREF|unlock|release")
_IDEMPOTENT_OWNER = re.compile(
    r"(?i)set\b|div|element|el\.|dom|body|container|\$\(|parent|classlist"
)


def repeated_statement(code: Code) -> Iterator[Mutation]:
    """A statement there twice, as after a merge: counted, added or freed once too often."""
    counts = ("update_expression", "inc_statement", "dec_statement", "postfix_unary_expression")
    candidates: list[Node] = [*code.of(*counts), *code.of(*ASSIGNMENTS), *code.of(*CALLS)]
    for node in candidates:
        if node.type in ASSIGNMENTS:
            operator = code.operator(node)
            if operator is None or operator.type not in ("+=", "-=", "*=", "<<=", "/="):
                continue
            if code.language == "C#" and _EVENT.search(code.text(node)):
                continue
        if node.type in CALLS and not _is_repeatable(code, node):
            continue
        statement = code.parent(node)
        if statement is None or statement.type != "expression_statement":
            statement = node
        if not code.is_statement(statement):
            continue
        start, end = code.lines_of(statement)
        if end is not None:
            lines = code.source[start:end]
            yield ((end, end, lines if lines.endswith(b"\n") else b"\n" + lines),)


_EVENT = re.compile(r"[-+]= *(_?[A-Z]|new |.*=>)")
"""What adds a handler to an event, or takes it away again, of C#."""


def _is_repeatable(code: Code, call: Node) -> bool:
    """Whether doing it twice is not the same as doing it once."""
    name = code.called(call)
    owner = code.text(call).partition("(")[0]
    if code.language in ("C", "C++") and _REPEATABLE_RELEASE.fullmatch(name):
        return True
    literal = re.search(r"\(['\"]", code.text(call))
    return bool(_REPEATABLE.fullmatch(name)) and not literal and not _IDEMPOTENT_OWNER.search(owner)
