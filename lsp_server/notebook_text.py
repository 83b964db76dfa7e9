"""A notebook's code as one text, which is what is reviewed. Reads the file format, no protocol.

Code cells of the notebook's language follow one another, as they do when it runs. Cells in another
language, told by the editor or by a magic on their first line, are left out; a line that only the
notebook's shell understands becomes a comment of the same length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from review_core.diff import lines_of
from review_core.languages import Language, language_named

LANGUAGE_IDS: Mapping[str, str] = {
    "c": "C",
    "cpp": "C++",
    "csharp": "C#",
    "go": "Go",
    "java": "Java",
    "javascript": "JavaScript",
    "kotlin": "Kotlin",
    "php": "PHP",
    "python": "Python",
    "ruby": "Ruby",
    "rust": "Rust",
    "typescript": "TypeScript",
    "typescriptreact": "TSX",
}
"""Our languages, by the names that editors and kernels give them."""

_CELL_MAGIC = re.compile(r"\s*%%")
_LINE_MAGIC = re.compile(r"^([ \t]*)!|^%(?=[A-Za-z])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CodeCell:
    """A code cell: the name of its language, as editors give it, and its text."""

    language_id: str
    text: str


@dataclass(frozen=True, slots=True)
class NotebookText:
    """Cells as one text. firsts: the line where each cell's text starts, None if it is left out."""

    text: str
    firsts: tuple[int | None, ...]


def language_of_cells(cells: Sequence[CodeCell]) -> Language | None:
    """The language of the first cell in one of ours: the notebook's."""
    names = (LANGUAGE_IDS.get(cell.language_id) for cell in cells)
    return next((language_named(name) for name in names if name), None)


def notebook_text(cells: Sequence[CodeCell], language: Language) -> NotebookText:
    """The cells of a language, an empty line between two."""
    parts: list[str] = []
    firsts: list[int | None] = []
    line = 1
    for cell in cells:
        if LANGUAGE_IDS.get(cell.language_id) != language.name or _CELL_MAGIC.match(cell.text):
            firsts.append(None)
            continue
        firsts.append(line)
        text = cell.text if cell.text.endswith("\n") else f"{cell.text}\n"
        if language.name == "Python":
            text = _LINE_MAGIC.sub(lambda match: f"{match[1] or ''}#", text)
        parts.append(f"{text}\n")
        line += len(lines_of(parts[-1]))
    return NotebookText("".join(parts), tuple(firsts))


def cells_of_file(content: bytes) -> list[CodeCell] | None:
    """The code cells of a notebook's file, format 4; None where it is something else.

    Source: https://nbformat.readthedocs.io/en/latest/format_description.html
    """
    try:
        document = json.loads(content)
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("cells"), list):
        return None
    return list(_code_cells(document))


def _code_cells(document: Mapping[str, Any]) -> Iterator[CodeCell]:
    usual = (
        _text(document, "metadata", "language_info", "name")
        or _text(document, "metadata", "kernelspec", "language")
        or "python"
    )
    for cell in document["cells"]:
        if _text(cell, "cell_type") == "code":
            source = cell.get("source", "")
            text = source if isinstance(source, str) else "".join(map(str, source))
            yield CodeCell(_text(cell, "metadata", "vscode", "languageId") or usual, text)


def _text(value: Any, *keys: str) -> str | None:
    """The text under keys in nested objects, where there is one."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None
