"""What an edit of one function consists of, and which edits teach nothing whatever their message
says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from review_core.comments import same_code
from review_core.excuses import only_imports_changed
from review_core.languages import Language
from review_core.moves import moved_code
from review_core.syntax import COMMENTS, parse_part, walk
from review_core.types import ChangedFunction, Function, FunctionKind
from training.mining.rules import Label
from training.mining.settings import MineSettings

_STRINGS = (
    *("string", "interpreted_string", "raw_string", "verbatim_string", "template_string"),
    *("interpolated_string", "heredoc_body", "jsx_text"),
)
"""How the names of strings' nodes start."""
_CODE_IN_STRINGS = frozenset({"template_substitution", "interpolation"})
_LEFT_OVER = (FunctionKind.CLASS_BODY, FunctionKind.MODULE)
_LEAST_CODE = 4  # tokens: a bare declaration is nothing to judge


def edits_of(
    functions: Sequence[ChangedFunction], label: Label, language: Language, settings: MineSettings
) -> tuple[list[tuple[str, str]], Counter[str]]:
    """The functions that a commit made better, as (base, head) texts, and the others by reason."""
    kept: list[tuple[str, str]] = []
    dropped: Counter[str] = Counter()
    has_functions = any(each.kind not in _LEFT_OVER for each in functions)
    for function, moved in zip(functions, moved_code(functions), strict=True):
        base, head = function.base, function.head
        if base is None or head is None:
            dropped["a new or gone function"] += 1
        elif has_functions and function.kind in _LEFT_OVER:
            dropped["what stands around a changed function"] += 1  # its constant, its import
        elif moved:
            dropped["code moved between functions"] += 1
        elif why := _drop(function, base, head, label, language, settings):
            dropped[why] += 1
        else:
            kept.append((base.text, head.text))
    return kept, dropped


def _drop(
    function: ChangedFunction,
    base: Function,
    head: Function,
    label: Label,
    language: Language,
    settings: MineSettings,
) -> str | None:
    if base.has_error or head.has_error:
        return "a syntax error"
    if max(len(base.text), len(head.text)) > settings.max_characters:
        return "too long"
    if sum(h.base_count + h.head_count for h in function.hunks) > settings.max_changed_lines:
        return "too much changed"
    if only_imports_changed(function):
        return "only imports"
    if same_code(base.text, head.text, language):
        return "only comments or layout"
    before, after = (code_tokens(each.text, language) for each in (base, head))
    if min(len(before), len(after)) < _LEAST_CODE:
        return "hardly any code"
    if before == after:
        return "only strings"
    if label.smaller and len(after) > len(before):
        return "promised to be smaller, and grew"
    return None


def code_tokens(text: str, language: Language) -> list[str]:
    """The tokens of a part of a file, without comments; what stands in a string is left out.

    Code that a string holds, as in `f"{total}"`, is code.
    """
    root, shift = parse_part(text, language)
    end = shift + len(text.encode(errors="replace"))
    tokens: list[str] = []
    around: list[tuple[int, bool]] = []  # depth of each string and of each piece of code in one
    for node, depth in walk(root):
        while around and around[-1][0] >= depth:
            around.pop()
        in_string = bool(around) and around[-1][1]
        if node.type in _CODE_IN_STRINGS:
            around.append((depth, False))
        elif in_string:
            continue
        elif node.type in COMMENTS:
            around.append((depth, True))
        elif node.is_named and node.type.startswith(_STRINGS):
            tokens.append('""')
            around.append((depth, True))
        elif not node.child_count and node.text and shift <= node.start_byte < end:
            tokens.append(node.text.decode())
    return tokens
