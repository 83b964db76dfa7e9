"""Takes new names back: two versions of a function as if nobody had called a variable anew.

Only variables that are provably local (local_names.py) and that one side alone spells are renamed.
One that came or went with its code has no other name to compare: to call it something plain would
speak against the side that has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import chain
from typing import TYPE_CHECKING

from review_core.diff import hunks
from review_core.local_names import LocalName, local_names
from review_core.snippet import Edit, Snippet

if TYPE_CHECKING:
    from review_core.languages import Language

_MAX_TOKENS = 1000
"""Tokens of a hunk above which nobody looks for what was renamed to what: difflib is quadratic."""


def without_new_names(base: str, head: str, language: Language) -> tuple[str, str]:
    """Both sides, with LF line ends; a variable that only head spells is called as in base if a new
    name is what happened to it.

    Equal but for names of variables, the sides become equal. A head that would parse worse stays.
    """
    sides = Snippet.of(base, language), Snippet.of(head, language)
    spelt = [set(re.findall(r"\w+", side.text)) for side in sides]
    own = [
        {
            name.name: name
            for name in local_names(side.root, side.text, language.name)
            if name.name not in other
        }
        for side, other in zip(sides, reversed(spelt), strict=True)
    ]
    renamed = dict(_renamed(*sides, *own))
    if not renamed:
        return base, head
    return sides[0].text, _with_names(sides[1], own[1].values(), renamed)


def _with_names(snippet: Snippet, names: Iterable[LocalName], called: Mapping[str, str]) -> str:
    edits: list[Edit] = [
        (start, start + len(name.name.encode()), called[name.name].encode())
        for name in names
        if name.name in called
        for start in name.starts
    ]
    edited = snippet.edited(edits)
    worse = Snippet.of(edited, snippet.language).errors() > snippet.errors()
    return snippet.text if worse else edited


def _renamed(
    base: Snippet,
    head: Snippet,
    base_own: Mapping[str, LocalName],
    head_own: Mapping[str, LocalName],
) -> Iterator[tuple[str, str]]:
    """Head's names and what base calls them: each most often stands where the other stood.

    Only lines that differ can hold one.
    """
    if not (base_own and head_own):
        return
    base_lines, head_lines = _tokens(base), _tokens(head)
    met: Counter[tuple[str, str]] = Counter()
    for hunk in hunks(base.text, head.text):
        first, before = hunk.head_start - 1, hunk.base_start - 1
        removed = list(chain(*base_lines[before : before + hunk.base_count]))
        added = list(chain(*head_lines[first : first + hunk.head_count]))
        if max(len(removed), len(added)) <= _MAX_TOKENS:
            met.update(_met(removed, added, base_own, head_own))
    taken: set[str] = set()
    for (before_name, after_name), _ in met.most_common():
        if before_name not in taken and after_name not in taken:
            taken |= {before_name, after_name}
            yield after_name, before_name


def _met(
    removed: Sequence[str], added: Sequence[str], base_own: Container[str], head_own: Container[str]
) -> Iterator[tuple[str, str]]:
    """Pairs of names that stand in one place, if names are all that differs there."""
    masked = ["" if token in base_own else token for token in removed]
    others = ["" if token in head_own else token for token in added]
    blocks = SequenceMatcher(None, masked, others, autojunk=False).get_matching_blocks()
    for i, j, size in blocks:
        for before, after in zip(removed[i : i + size], added[j : j + size], strict=True):
            if before in base_own and after in head_own:
                yield before, after


def _tokens(snippet: Snippet) -> list[list[str]]:
    """The tokens that start on each line."""
    lines: list[list[str]] = [[] for _ in snippet.lines]
    for node in snippet.nodes():
        row = node.start_point.row - snippet.first_row
        if not node.child_count and row < len(lines):
            lines[row].append(snippet.text_of(node))
    return lines
