"""Edits that keep a snippet's meaning: other names, layout, comments, order, equivalents.

They make the neutral pairs that calibration and training need: what a scorer should call a tie. An
edit that does not provably apply is left out, so a snippet may have none. Nothing is scored here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from review_core.comments import same_code
from review_core.languages import language_named
from review_core.local_names import LocalName, local_names
from review_core.neutral_layout import (
    BRACED,
    braces,
    margin_of,
    operators_of,
    reindented,
    rows_inside_texts,
    unit_of,
)
from review_core.snippet import Edit, Snippet
from review_core.syntax import COMMENTS, encoded
from training.equivalents import equivalent
from training.members import reorder_members, reorder_statements

if TYPE_CHECKING:
    from tree_sitter import Node


def neutral_edits(code: str, language: str, rng: random.Random) -> dict[str, str]:
    """The code after each edit that applies: rename_local, reformat, comment_only, reorder_imports,
    reorder_members, reorder_statements, equivalent.

    Every result differs from `code` (line ends aside) and parses no worse; after reformat and
    comment_only it is the same code by `same_code`. Equal arguments give equal results, the state
    of `rng` included.

    :param language: its name as in records; one that we do not read has no edits.
    """
    known = language_named(language)
    if known is None:
        return {}
    snippet = Snippet.of(code, known)
    edits: dict[str, str] = {}
    for kind, (edit, keeps_code) in _EDITS.items():
        edited = edit(snippet, rng)
        if edited is None or edited == snippet.text:
            continue
        if keeps_code and not same_code(snippet.text, edited, known):
            continue
        if Snippet.of(edited, known).errors() <= snippet.errors():
            edits[kind] = edited
    return edits


# --- names ----------------------------------------------------------------------------------------

# Words that say as much as one another in a name: any of a line may stand for the others.
_LIKE_WORDS = (
    "count total number amount",
    "item entry element elem",
    "result res ret output",
    "value val",
    "index idx pos position",
    "data payload content",
    "buffer buf",
    "message msg",
    "length len size",
    "list items entries elements",
    "name label title",
    "node vertex",
    "request req",
    "response resp reply",
    "error err failure",
    "config cfg conf settings",
    "context ctx",
    "callback handler cb",
    "options opts params",
    "temp tmp scratch",
    "current curr cur",
    "previous prev last",
    "key id ident",
    "line row",
    "text str string content",
    "start begin first",
    "end stop finish",
    "source src origin",
    "target dest dst",
    "parent owner",
    "child kid",
    "path location",
    "token word",
    "flag toggle",
    "url uri link",
    "user account",
    "i j k",
    "m n",
    "p q",
    "s t",
    "u v",
    "x y z",
    "a b",
    "e err ex",
    "f fn func",
)
_GENERIC_ENDINGS = ("value", "item", "data", "entry", "ref", "obj")
_KEYWORDS = frozenset({"begin", "end", "fn", "func", "params", "ref", "string"})
"""Words of the lists that one of our languages keeps for itself."""

_SNAKE_CASE = frozenset({"C", "C++", "Python", "Ruby"})

_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def _rename_local(snippet: Snippet, rng: random.Random) -> str | None:
    """One variable under another name that says as much, written in the same way."""
    names = [
        name
        for name in local_names(snippet.root, snippet.text, snippet.language.name)
        if re.fullmatch(r"(?!self$|cls$)[a-z][A-Za-z0-9_]*", name.name)
    ]
    rng.shuffle(names)
    taken = set(re.findall(r"\w+", snippet.text))
    for name in names:
        for new in _other_names(name.name, snippet.language.name, rng):
            if new not in taken:
                return snippet.edited(_renamed(name, new))
    return None


def _renamed(name: LocalName, new: str) -> Iterator[Edit]:
    for start in name.starts:
        yield start, start + len(name.name.encode()), new.encode()


def _other_names(name: str, language: str, rng: random.Random) -> list[str]:
    """Candidates: the last part of the name in a like word; else the name with a generic ending."""
    parts = list(_PARTS.finditer(name))
    if not parts or parts[-1].end() != len(name):
        return []
    stem, last = name[: parts[-1].start()], parts[-1][0]
    like = [
        word
        for words in _LIKE_WORDS
        if last.lower() in words.split()
        for word in words.split()
        if word != last.lower() and (stem or word not in _KEYWORDS)
    ]
    endings = [ending for ending in _GENERIC_ENDINGS if ending != last.lower()]
    rng.shuffle(like)
    rng.shuffle(endings)
    joint = "_" if "_" in name or (name.islower() and language in _SNAKE_CASE) else ""
    as_last = [stem + (word.capitalize() if last[0].isupper() else word) for word in like]
    return as_last + [name + joint + (end if joint else end.capitalize()) for end in endings]


# --- layout ---------------------------------------------------------------------------------------


def _reformat(snippet: Snippet, rng: random.Random) -> str | None:
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
        snippet = Snippet.of(edited, snippet.language)
        wanted -= 1
        if not wanted:
            break
    return snippet.text


def _reindent(snippet: Snippet, rng: random.Random) -> str | None:
    unit = unit_of(snippet)
    if not unit:
        return None
    others = [each for each in ("  ", "    ", "\t") if each != unit]
    return reindented(snippet, unit, rng.choice(others))


def _respace(snippet: Snippet, rng: random.Random) -> str | None:
    """In up to three places, blanks around an operator or after a comma taken away or put in."""
    source = b" " * snippet.shift + encoded(snippet.text)
    places = [
        place
        for node in snippet.nodes()
        for place in (_around_operators(node, source), _after_comma(node, source))
        if place
    ]
    chosen = rng.sample(places, min(3, len(places)))
    return snippet.edited(edit for place in chosen for edit in place)


def _around_operators(node: Node, source: bytes) -> list[Edit]:
    for operator in operators_of(node):
        start, end = operator.start_byte, operator.end_byte
        before, after = source[start - 2 : start], source[end : end + 2]
        if re.fullmatch(rb"[\w)\]] ", before) and re.fullmatch(rb" [\w(]", after):
            return [(start - 1, start, b""), (end, end + 1, b"")]
        if re.search(rb"[\w)\]]$", before) and re.match(rb"[\w(]", after):
            return [(start, start, b" "), (end, end, b" ")]
    return []


def _after_comma(node: Node, source: bytes) -> list[Edit]:
    if node.type != "," or node.child_count:
        return []
    end = node.end_byte
    after = source[end : end + 2]
    if re.fullmatch(rb" \S", after):
        return [(end, end + 1, b"")]
    return [(end, end, b" ")] if re.match(rb"[\w\"'(]", after) else []


def _move_braces(snippet: Snippet, rng: random.Random) -> str | None:
    """Opening braces on lines of their own instead of the ends of lines, or the other way round."""
    down, up = braces(snippet)
    return snippet.edited(down or up)


def _blank_lines(snippet: Snippet, rng: random.Random) -> str | None:
    """One or two blank lines taken out, or put in before statements."""
    lines, inside = snippet.lines, rows_inside_texts(snippet, docstrings=True)
    blank = [row for row, line in enumerate(lines) if not line.strip() and row not in inside]
    if blank and rng.random() < 0.5:
        gone = rng.sample(blank, min(len(blank), rng.choice((1, 2))))
        return "\n".join(line for row, line in enumerate(lines) if row not in gone)
    starts = _statement_rows(snippet)
    for row in sorted(rng.sample(starts, min(len(starts), rng.choice((1, 2)))), reverse=True):
        lines.insert(row, "")
    return "\n".join(lines)


_LAYOUTS: tuple[Callable[[Snippet, random.Random], str | None], ...] = (
    _reindent,
    _respace,
    _move_braces,
    _blank_lines,
)


# --- comments -------------------------------------------------------------------------------------

_BLOCKS = BRACED | {"statement_list", "body_statement", "then", "block_body", "do"}
_REMARKS = (
    "See the callers.",
    "Next step.",
    "As described in the documentation.",
    "Continue from here.",
    "This part is straightforward.",
    "Same as before.",
)
# What tools read, tasks, and what may be a fact that the code does not show.
_DIRECTIVE = re.compile(
    r"todo|fixme|xxx|hack|note|bug|http|lint|noqa|nosec|type:|pragma|rubocop|frozen|coverage|copyright"
    r"|region|istanbul|prettier|disable|enable|ignore|suppress|resharper|clang|fall|intentional|unsafe",
    re.IGNORECASE,
)


def _comment_only(snippet: Snippet, rng: random.Random) -> str | None:
    """A remark that says nothing put in, or a plain comment line reworded, or a short one gone."""
    plain = _plain_comments(snippet)
    changes: list[Callable[[], str | None]] = [lambda: _add_remark(snippet, rng)]
    if plain:
        changes += [lambda: _reword(snippet, rng.choice(plain)), lambda: _remove(snippet, rng)]
    rng.shuffle(changes)
    return next((edited for change in changes if (edited := change()) is not None), None)


def _add_remark(snippet: Snippet, rng: random.Random) -> str | None:
    starts = _statement_rows(snippet)
    if not starts:
        return None
    lines, row = snippet.lines, rng.choice(starts)
    lines.insert(
        row, f"{margin_of(lines[row])}{snippet.language.line_comment} {rng.choice(_REMARKS)}"
    )
    return "\n".join(lines)


def _statement_rows(snippet: Snippet) -> list[int]:
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


def _plain_comments(snippet: Snippet) -> list[Node]:
    """Single comment lines that are prose: no directive, no code, no task."""
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


def _reword(snippet: Snippet, comment: Node) -> str | None:
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


def _remove(snippet: Snippet, rng: random.Random) -> str | None:
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


# --- imports --------------------------------------------------------------------------------------

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
    # Only its own library, which defines names and leaves others' alone.
    "Ruby": re.compile(
        r"require (['\"])(base64|benchmark|bigdecimal|csv|date|delegate|digest|English|erb"
        r"|fileutils|forwardable|json|logger|net/http|observer|open3|optparse|ostruct|pathname|pp"
        r"|securerandom|set|shellwords|singleton|socket|stringio|tempfile|time|timeout|tmpdir|tsort"
        r"|uri|yaml|zlib"
        r")\1"
    ),
    "Rust": re.compile(r"(pub )?use [\w:]+(::\{[\w, ]+\})?( as \w+)?;"),
    "PHP": re.compile(r"use [\w\\]+( as \w+)?;"),
    "Kotlin": re.compile(r"import [\w.]+(\.\*)?( as \w+)?"),
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
        "use_declaration",
        "namespace_use_declaration",
        "import",
    }
)


def _reorder_imports(snippet: Snippet, rng: random.Random) -> str | None:
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
    """Whether two import lines stand at one level and list no name in common."""
    first, second = lines[row], lines[row + 1]
    if margin_of(first) != margin_of(second) or first.strip() == second.strip():
        return False
    return not _listed(first) & _listed(second)


def _listed(line: str) -> set[str]:
    """The names that `from a import b, c` or `import {b, c} from 'a'` lists."""
    names = re.search(r"from [\w.]+ import (.*)|import (.*) from ", line)
    return set(re.findall(r"\w+", names[1] or names[2])) if names else set()


_EDITS: dict[str, tuple[Callable[[Snippet, random.Random], str | None], bool]] = {
    "rename_local": (_rename_local, False),
    "reformat": (_reformat, False),  # looks at each of its changes itself
    "comment_only": (_comment_only, True),
    "reorder_imports": (_reorder_imports, False),
    "reorder_members": (reorder_members, False),
    "reorder_statements": (reorder_statements, False),
    "equivalent": (equivalent, False),
}
