"""Takes a change's new names back: two versions of a function as if nobody had thought about names.

Only variables that are provably local (local_names.py) and that one side alone spells are renamed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from review_core.local_names import LocalName, local_names
from review_core.snippet import Edit, Snippet

if TYPE_CHECKING:
    from review_core.languages import Language

_MAX_TOKENS = 5000
"""Tokens of a side above which nobody looks for what was renamed to what: difflib is quadratic."""


def without_new_names(base: str, head: str, language: Language) -> tuple[str, str]:
    """Both sides, with LF line ends; a variable that only head spells is called as in base if that
    is all that happened to it, and otherwise, like one that only base spells, `temp1`, `temp2`...

    Equal but for names of variables, the sides become equal. A side that would parse worse stays.
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
    if not any(own):
        return base, head
    renamed = dict(_renamed(*sides, *own))
    fresh = (name for n in range(1, _MAX_TOKENS) if (name := f"temp{n}") not in spelt[0] | spelt[1])
    called = [{name: next(fresh) for name in own[0] if name not in renamed.values()}]
    called.append({name: renamed.get(name) or next(fresh) for name in own[1]})
    return (
        _with_names(sides[0], own[0].values(), called[0]),
        _with_names(sides[1], own[1].values(), called[1]),
    )


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
    """Head's names and what base calls them: each most often stands where the other stood."""
    if not (base_own and head_own):
        return
    base_tokens, head_tokens = list(_tokens(base)), list(_tokens(head))
    if max(len(base_tokens), len(head_tokens)) > _MAX_TOKENS:
        return
    masked = [
        ["" if token in own else token for token in tokens]
        for tokens, own in ((base_tokens, base_own), (head_tokens, head_own))
    ]
    met: Counter[tuple[str, str]] = Counter()
    for i, j, size in SequenceMatcher(
        None, masked[0], masked[1], autojunk=False
    ).get_matching_blocks():
        for before, after in zip(base_tokens[i : i + size], head_tokens[j : j + size], strict=True):
            if before in base_own and after in head_own:
                met[before, after] += 1
    taken: set[str] = set()
    for (before, after), _ in met.most_common():
        if before not in taken and after not in taken:
            taken |= {before, after}
            yield after, before


def _tokens(snippet: Snippet) -> Iterator[str]:
    return (snippet.text_of(node) for node in snippet.nodes() if not node.child_count)
