"""Edits that keep the meaning of a snippet: renamed variables, other layout, other comments, other order of imports.

They make the neutral pairs that calibration and training need: what a scorer should call a tie. An edit that does not
provably apply is left out, so a snippet may have none.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review_core.comments import same_code
from review_core.languages import Language, language_named
from review_core.syntax import COMMENTS, encoded, parse_part, rows, walk
from training.local_names import LocalName, local_names

if TYPE_CHECKING:
    from tree_sitter import Node

Edit = tuple[int, int, bytes]
"""Bytes from start to end, and what takes their place."""


@dataclass(frozen=True, slots=True)
class _Snippet:
    """A text and its tree. shift: how many bytes of the parsed text stand before the snippet's own."""

    text: str
    language: Language
    root: Node
    shift: int

    @classmethod
    def of(cls, text: str, language: Language) -> _Snippet:
        text = text.replace("\r\n", "\n")
        return cls(text, language, *parse_part(text, language))

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def first_row(self) -> int:
        """The row of the parsed text where the snippet starts."""
        return 1 if self.shift else 0

    def nodes(self) -> Iterator[Node]:
        """The nodes of the snippet itself."""
        end = self.shift + len(encoded(self.text))
        for node, _ in walk(self.root):
            if node.start_byte >= self.shift and node.end_byte <= end:
                yield node

    def edited(self, edits: Iterable[Edit]) -> str:
        source = encoded(self.text)
        for start, end, instead in sorted(edits, reverse=True):
            source = source[: start - self.shift] + instead + source[end - self.shift :]
        return source.decode()

    def errors(self) -> int:
        if not self.root.has_error:
            return 0
        return sum(node.is_error or node.is_missing for node, _ in walk(self.root))


def neutral_edits(code: str, language: str, rng: random.Random) -> dict[str, str]:
    """The code after each kind of edit that applies: rename_local, reformat, comment_only, reorder_imports.

    Every result differs from `code` (line ends aside), parses no worse, and but for renamed variables and the order of
    imports is the same code by `same_code`. Equal arguments and generator state give equal results.

    :param language: its name as in records; one that we do not read has no edits.
    """
    known = language_named(language)
    if known is None:
        return {}
    snippet = _Snippet.of(code, known)
    edits: dict[str, str] = {}
    for kind, (edit, keeps_code) in _EDITS.items():
        edited = edit(snippet, rng)
        if edited is None or edited == snippet.text:
            continue
        if keeps_code and not same_code(snippet.text, edited, known):
            continue
        if _Snippet.of(edited, known).errors() <= snippet.errors():
            edits[kind] = edited
    return edits


# --- names -----------------------------------------------------------------------------------------------------------

_WORDS = (
    "acc aux elem curr item node info data temp entry total count index token chunk state buffer result"
    " current content element payload position candidate selection"
).split()
_LETTERS = "abcdeghjkmnpqrstuvwxyz"
_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def _rename_local(snippet: _Snippet, rng: random.Random) -> str | None:
    """One variable under another plain name, of about the same length and written in the same way."""
    source = b" " * snippet.shift + encoded(snippet.text)  # so that the nodes' bytes fit
    names = [
        name
        for name in local_names(snippet.root, source, snippet.language.name)
        if re.fullmatch(r"[a-z][A-Za-z0-9_]*", name.name)
    ]
    rng.shuffle(names)
    for name in names:
        taken = set(re.findall(r"\w+", snippet.text))
        for new in _other_names(name.name, rng):
            if new not in taken:
                return snippet.edited(_renamed(name, new))
    return None


def _renamed(name: LocalName, new: str) -> Iterator[Edit]:
    for start in name.starts:
        yield start, start + len(name.name.encode()), new.encode()


def _other_names(name: str, rng: random.Random) -> list[str]:
    """Candidates: a letter for a letter; otherwise the last part of the name in another word, most alike in length first."""
    if len(name) <= 2:
        return rng.sample(_LETTERS, len(_LETTERS))
    parts = list(_PARTS.finditer(name))
    last = parts[-1] if parts else None
    if last is None or last.end() != len(name):
        return []
    words = rng.sample(_WORDS, len(_WORDS))
    words.sort(key=lambda word: abs(len(word) - len(last[0])) // 2)
    return [name[: last.start()] + _in_case_of(last[0], word) for word in words if word != last[0]]


def _in_case_of(part: str, word: str) -> str:
    return word.capitalize() if part[0].isupper() else word


# --- layout ----------------------------------------------------------------------------------------------------------


def _reformat(snippet: _Snippet, rng: random.Random) -> str | None:
    """One or two changes of layout that keep the code what it is."""
    changes = list(_LAYOUTS)
    rng.shuffle(changes)
    wanted = rng.choice((1, 2))
    for change in changes:
        edited = change(snippet, rng)
        if edited is None or edited == snippet.text:
            continue
        if not same_code(snippet.text, edited, snippet.language):
            continue
        snippet = _Snippet.of(edited, snippet.language)
        wanted -= 1
        if not wanted:
            break
    return snippet.text


def _reindent(snippet: _Snippet, rng: random.Random) -> str | None:
    """Every step of indentation in another width; what stands inside texts of several lines stays."""
    lines, kept = snippet.lines, _rows_inside_texts(snippet)
    margins = {line[: len(line) - len(line.lstrip())] for line in lines if line.strip()}
    if all("\t" not in margin for margin in margins):
        step = min((len(margin) for margin in margins if margin), default=0)
        unit, others = " " * step, [" " * width for width in (2, 4) if width != step] + ["\t"]
    elif all(" " not in margin for margin in margins):
        unit, others = "\t", ["  ", "    "]
    else:
        return None
    if len(unit) not in (1, 2, 4, 8) or (unit == " "):
        return None
    other = rng.choice(others)
    return "\n".join(
        line if row in kept else _with_unit(line, unit, other) for row, line in enumerate(lines)
    )


def _with_unit(line: str, unit: str, other: str) -> str:
    code = line.lstrip()
    steps, rest = divmod(len(line) - len(code), len(unit))
    return other * steps + " " * rest + code


def _rows_inside_texts(snippet: _Snippet) -> set[int]:
    """Rows, in the snippet, that start inside a literal: their blanks are data."""
    inside: set[int] = set()
    for node in snippet.nodes():
        first, last = rows(node)
        if first != last and ("string" in node.type or "heredoc" in node.type):
            inside.update(row - snippet.first_row for row in range(first + 1, last + 1))
    return inside


_TIGHT_OPERATORS = frozenset("+ - * / % < > <= >= == != && || === !==".split())
_BINARY = frozenset({"binary_expression", "binary_operator", "binary", "comparison_operator"})


def _respace(snippet: _Snippet, rng: random.Random) -> str | None:
    """Blanks around binary operators, or after commas, taken away or put in."""
    return snippet.edited(_operator_spaces(snippet) if rng.random() < 0.5 else _commas(snippet))


def _operator_spaces(snippet: _Snippet) -> list[Edit]:
    source = b" " * snippet.shift + encoded(snippet.text)
    wide: list[Edit] = []
    tight: list[Edit] = []
    for node in snippet.nodes():
        if node.type not in _BINARY:
            continue
        for operator in node.children:
            if operator.is_named or operator.type not in _TIGHT_OPERATORS:
                continue
            start, end = operator.start_byte, operator.end_byte
            around = source[start - 2 : start], source[end : end + 2]
            if re.fullmatch(rb"[\w)\]] ", around[0]) and re.fullmatch(rb" [\w(]", around[1]):
                wide += [(start - 1, start, b""), (end, end + 1, b"")]
            elif re.search(rb"[\w)\]]$", around[0]) and re.match(rb"[\w(]", around[1]):
                tight += [(start, start, b" "), (end, end, b" ")]
    return wide or tight


def _commas(snippet: _Snippet) -> list[Edit]:
    source = b" " * snippet.shift + encoded(snippet.text)
    wide: list[Edit] = []
    tight: list[Edit] = []
    for node in snippet.nodes():
        if node.type != "," or node.child_count:
            continue
        after = source[node.end_byte : node.end_byte + 2]
        if re.fullmatch(rb" \S", after):
            wide.append((node.end_byte, node.end_byte + 1, b""))
        elif re.match(rb"[\w\"'(]", after):
            tight.append((node.end_byte, node.end_byte, b" "))
    return wide or tight


_BRACED = frozenset(
    {
        "compound_statement",
        "block",
        "statement_block",
        "class_body",
        "constructor_body",
        "declaration_list",
    }
)
_BRACE_LANGUAGES = frozenset({"C", "C++", "C#", "Java", "JavaScript", "TypeScript", "TSX"})


def _move_braces(snippet: _Snippet, rng: random.Random) -> str | None:
    """Opening braces on lines of their own instead of the ends of lines, or the other way round."""
    if snippet.language.name not in _BRACE_LANGUAGES:
        return None
    lines = snippet.lines
    down: list[Edit] = []
    up: list[Edit] = []
    for node in snippet.nodes():
        if node.type not in _BRACED or not node.children or node.children[0].type != "{":
            continue
        brace = node.children[0]
        row = brace.start_point.row - snippet.first_row
        line = encoded(lines[row])
        before, after = line[: brace.start_point.column], line[brace.end_point.column :]
        if after.strip() or "\\" in lines[row]:
            continue
        if before.strip():
            margin = before[: len(before) - len(before.lstrip())]
            blanks = len(before) - len(before.rstrip())
            down.append((brace.start_byte - blanks, brace.start_byte, b"\n" + margin))
        elif row and re.search(r"[\w)>]$", lines[row - 1]) and "//" not in lines[row - 1]:
            up.append((brace.start_byte - len(before) - 1, brace.start_byte, b" "))
    return snippet.edited(down or up)


def _blank_lines(snippet: _Snippet, rng: random.Random) -> str | None:
    """The blank lines taken out; where there are none, one or two put in between statements."""
    lines, inside = snippet.lines, _rows_inside_texts(snippet)
    kept = [line for row, line in enumerate(lines) if line.strip() or row in inside]
    if len(kept) < len(lines):
        return "\n".join(kept)
    starts = _statement_rows(snippet)
    for row in sorted(rng.sample(starts, min(len(starts), rng.choice((1, 2)))), reverse=True):
        lines.insert(row, "")
    return "\n".join(lines)


_LAYOUTS: tuple[Callable[[_Snippet, random.Random], str | None], ...] = (
    _reindent,
    _respace,
    _move_braces,
    _blank_lines,
)


# --- comments --------------------------------------------------------------------------------------------------------

_BLOCKS = _BRACED | {"statement_list", "body_statement", "then", "block_body", "do"}
_REMARKS = (
    "See the callers.",
    "Next step.",
    "As described in the documentation.",
    "Continue from here.",
    "This part is straightforward.",
    "Same as before.",
)
_DIRECTIVE = re.compile(
    r"TODO|FIXME|XXX|HACK|NOTE|BUG|https?:|lint|noqa|nosec|type:|pragma|pylint|rubocop|frozen|"
    r"@\w|^#!|//go:|//\s*\+build|#(end)?region|<|=|;|\(|coverage|istanbul|prettier|eslint|copyright",
    re.IGNORECASE,
)


def _comment_only(snippet: _Snippet, rng: random.Random) -> str | None:
    """A remark that says nothing put in, or a plain one-line comment reworded, or a short one taken out."""
    plain = _plain_comments(snippet)
    changes: list[Callable[[], str | None]] = [lambda: _add_remark(snippet, rng)]
    if plain:
        changes += [lambda: _reword(snippet, rng.choice(plain)), lambda: _remove(snippet, rng)]
    rng.shuffle(changes)
    return next((edited for change in changes if (edited := change()) is not None), None)


def _add_remark(snippet: _Snippet, rng: random.Random) -> str | None:
    starts = _statement_rows(snippet)
    if not starts:
        return None
    lines, row = snippet.lines, rng.choice(starts)
    margin = lines[row][: len(lines[row]) - len(lines[row].lstrip())]
    lines.insert(row, f"{margin}{snippet.language.line_comment} {rng.choice(_REMARKS)}")
    return "\n".join(lines)


def _statement_rows(snippet: _Snippet) -> list[int]:
    """Rows of the snippet on which a statement of a block starts, with nothing before it."""
    lines, first = snippet.lines, snippet.first_row
    found = set()
    for block in snippet.nodes():
        if block.type not in _BLOCKS or block.has_error:
            continue
        for statement in block.named_children:
            row = statement.start_point.row - first
            if statement.type in COMMENTS or statement.type in _BLOCKS or not 0 < row < len(lines):
                continue
            if not encoded(lines[row])[: statement.start_point.column].strip():
                found.add(row)
    return sorted(found)


def _plain_comments(snippet: _Snippet) -> list[Node]:
    """Comments alone on their line that are prose: no directive, no code, no task, nothing above or below."""
    lines, marker = snippet.lines, snippet.language.line_comment
    found = []
    for node in snippet.nodes():
        if node.type not in COMMENTS or not node.text:
            continue
        text = node.text.decode(errors="replace").rstrip("\n")
        row = node.start_point.row - snippet.first_row
        if "\n" in text or lines[row].strip() != text or _DIRECTIVE.search(text):
            continue
        if not re.fullmatch(rf"{marker} ?[A-Za-z][\w ,.'-]*", text):
            continue
        beside = [lines[other].strip() for other in (row - 1, row + 1) if 0 <= other < len(lines)]
        if not any(line.startswith((marker, "*", "/*")) for line in beside):
            found.append(node)
    return found


def _reword(snippet: _Snippet, comment: Node) -> str | None:
    """The same words with or without a full stop, or with the other case at their start."""
    text = comment.text.decode().rstrip() if comment.text else ""
    marker = snippet.language.line_comment
    words = text.removeprefix(marker).strip()
    if words.endswith("."):
        other = words.removesuffix(".")
    elif words[1:2].islower() and words[0].isupper():
        other = words[0].lower() + words[1:]
    else:
        other = words[0].upper() + words[1:] + "."
    start = comment.start_byte
    return snippet.edited([(start, start + len(text.encode()), f"{marker} {other}".encode())])


def _remove(snippet: _Snippet, rng: random.Random) -> str | None:
    """One short comment line less."""
    rows_of_short = [
        comment.start_point.row - snippet.first_row
        for comment in _plain_comments(snippet)
        if comment.text and len(comment.text.split()) <= 5
    ]
    if not rows_of_short:
        return None
    lines = snippet.lines
    del lines[rng.choice(rows_of_short)]
    return "\n".join(lines)


# --- imports ---------------------------------------------------------------------------------------------------------

# A line that only makes names known, and changes nothing when it stands before its neighbour.
_IMPORTS: dict[str, re.Pattern[str]] = {
    "C": re.compile(r"#\s*include <[\w/.+-]+>"),
    "C++": re.compile(r"#\s*include <[\w/.+-]+>"),
    "C#": re.compile(r"using (static )?[\w.]+;"),
    "Go": re.compile(r'\s+"[\w./-]+"'),
    "Java": re.compile(r"import (static )?[\w.]+;"),
    "JavaScript": re.compile(r"import [\w{}*, ]+ from (['\"])[\w@./-]+\1;?"),
    "TypeScript": re.compile(r"import [\w{}*, ]+ from (['\"])[\w@./-]+\1;?"),
    "TSX": re.compile(r"import [\w{}*, ]+ from (['\"])[\w@./-]+\1;?"),
    "Python": re.compile(r"\s*(import [\w.]+|from (?!__future__)[\w.]+ import [\w, ]+)"),
    "Ruby": re.compile(r"require (['\"])[\w/-]+\1"),
}
_IMPORT_NODES = frozenset(
    {
        "preproc_include",
        "using_directive",
        "import_spec",
        "import_declaration",
        "import_statement",
        "import_from_statement",
        "call",
    }
)


def _reorder_imports(snippet: _Snippet, rng: random.Random) -> str | None:
    """Two neighbouring import lines the other way round."""
    pattern = _IMPORTS.get(snippet.language.name)
    if pattern is None:
        return None
    lines = snippet.lines
    imports = {
        row
        for node in snippet.nodes()
        if node.type in _IMPORT_NODES
        and (row := node.start_point.row - snippet.first_row) < len(lines)
        and pattern.fullmatch(lines[row].rstrip())
    }
    pairs = [row for row in sorted(imports) if row + 1 in imports and _independent(lines, row)]
    if not pairs:
        return None
    row = rng.choice(pairs)
    lines[row], lines[row + 1] = lines[row + 1], lines[row]
    return "\n".join(lines)


def _independent(lines: Sequence[str], row: int) -> bool:
    """Whether two import lines stand at one level and bring different names."""
    first, second = lines[row], lines[row + 1]
    margins = [len(line) - len(line.lstrip()) for line in (first, second)]
    last_words = [re.findall(r"\w+", line)[-1] for line in (first, second)]
    return margins[0] == margins[1] and first.strip() != second.strip() and len(set(last_words)) > 1


_EDITS: dict[str, tuple[Callable[[_Snippet, random.Random], str | None], bool]] = {
    "rename_local": (_rename_local, False),
    "reformat": (_reformat, True),
    "comment_only": (_comment_only, True),
    "reorder_imports": (_reorder_imports, False),
}
