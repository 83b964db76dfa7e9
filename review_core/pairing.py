"""Finds the functions that a change touches, each beside what it was before. Judges nothing.

Pieces are paired by name first, then by what they say, so that what was moved or renamed is not
taken for new. What reads the same on both sides is left out: unchanged code is never scored.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import pairwise

from review_core.diff import hunks, lines_of
from review_core.functions import functions_of
from review_core.languages import Language
from review_core.layout import normalise
from review_core.types import ChangedFunction, FileChange, Function, FunctionKind, Hunk, LineRange

LIKE_ENOUGH = 0.7
"""Least similarity of two pieces under different names.

Of 1,051 functions edited by one commit, 95 % stay above it; two getters that differ in two names
come to .64. Clones above it are taken for one another, but only if one goes while the other comes.
"""

LIKE_ENOUGH_BY_NAME = 0.3
"""The same where the last part of the name agrees: a method that was moved and changed."""

_LEFT_OVER = (FunctionKind.CLASS_BODY, FunctionKind.MODULE)

Pair = tuple[Function | None, Function | None]


def changed_functions(file: FileChange, language: Language) -> tuple[ChangedFunction, ...]:
    """The pieces of a file that differ between its sides, in the order of head, gone ones included.

    Each has the hunks that touch it on either side. Hunks of nothing but blank lines do not count,
    and a pair that none touches has not changed, even if its limits have: a blank line after a
    comment makes it cease to be a function's.
    """
    base = functions_of(file.base, language) if file.base is not None else ()
    head = functions_of(file.head, language) if file.head is not None else ()
    edits = _hunks_with_text(file.base or "", file.head or "")
    changed = [
        ChangedFunction(file.path, language.name, before, after, touching)
        for before, after in _paired(base, head)
        if (touching := _touching(edits, before, after)) and not _reads_the_same(before, after)
    ]
    return tuple(sorted(changed, key=_position))


def similarity(base: str, head: str) -> float:
    """How alike two texts are in [0, 1]: Dice's coefficient over pairs of neighbouring tokens."""
    return _overlap(_bigrams(base), _bigrams(head))


# --- pairing --------------------------------------------------------------------------------------


def _paired(base: Sequence[Function], head: Sequence[Function]) -> list[Pair]:
    pairs: list[Pair] = []
    left, right = list(base), list(head)
    for key in (_full_name, _name):
        found = list(_pairs_by(key, left, right))
        pairs += found
        left = _without(left, (before for before, _ in found))
        right = _without(right, (after for _, after in found))
    found = _pairs_by_likeness(left, right)
    pairs += found
    pairs += [(before, None) for before in _without(left, (before for before, _ in found))]
    pairs += [(None, after) for after in _without(right, (after for _, after in found))]
    return pairs


def _full_name(function: Function) -> Hashable:
    return function.kind, function.name


def _name(function: Function) -> Hashable:
    """Without the kind: a function may become a lambda, and an assigned one a method."""
    return function.kind in _LEFT_OVER, function.name


def _pairs_by(
    key: Callable[[Function], Hashable], base: Sequence[Function], head: Sequence[Function]
) -> Iterator[tuple[Function, Function]]:
    """Pairs of equal keys; of several, the most alike first, then in order."""
    sides: defaultdict[Hashable, tuple[list[Function], list[Function]]]
    sides = defaultdict(lambda: ([], []))
    for function in base:
        sides[key(function)][0].append(function)
    for function in head:
        sides[key(function)][1].append(function)
    for left, right in sides.values():
        if len(left) == 1 and len(right) == 1:
            yield left[0], right[0]
        elif left and right:
            yield from _matched(left, right)


def _matched(
    base: Sequence[Function], head: Sequence[Function]
) -> Iterator[tuple[Function, Function]]:
    """As many pairs as the shorter side has pieces."""
    alike = _pairs_by_likeness(base, head, least=0.0)
    yield from alike
    left = _without(base, (before for before, _ in alike))
    right = _without(head, (after for _, after in alike))
    yield from zip(left, right, strict=False)


def _without(functions: Sequence[Function], taken: Iterable[Function]) -> list[Function]:
    gone = {id(function) for function in taken}
    return [function for function in functions if id(function) not in gone]


def _pairs_by_likeness(
    base: Sequence[Function], head: Sequence[Function], least: float | None = None
) -> list[tuple[Function, Function]]:
    """The most alike first, each piece once; who shares no pair of tokens is never compared.

    :param least: the similarity a pair must reach; None: what the names ask for.
    """
    base_grams, head_grams = ([_bigrams(each.text) for each in side] for side in (base, head))
    base_sizes = [grams.total() for grams in base_grams]
    holders: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for at, grams in enumerate(base_grams):
        for gram in grams:
            holders[gram].append(at)
    namesakes: defaultdict[str, list[int]] = defaultdict(list)
    for at, each in enumerate(base):
        namesakes[_last_part(each.name)].append(at)
    # In common pairs x of h, and of b >= x: 2x / (b + h) >= s asks for x >= sh / (2 - s).
    share = LIKE_ENOUGH / (2 - LIKE_ENOUGH) if least is None else 0.0
    candidates = []
    for j, grams in enumerate(head_grams):
        size = left = grams.total()
        common = Counter(dict.fromkeys(namesakes.get(_last_part(head[j].name), ()), 0))
        # What many pieces have comes last: by then, one that was not met cannot have enough.
        for gram in sorted(grams, key=lambda gram: len(holders.get(gram, ()))):
            for i in holders.get(gram, ()) if left >= share * size - 1e-9 else list(common):
                common[i] += min(grams[gram], base_grams[i][gram])
            left -= grams[gram]
        for i, shared in common.items():
            likeness = 2 * shared / (base_sizes[i] + size)
            needed = _least_likeness(base[i], head[j]) if least is None else least
            if shared and likeness >= needed:
                candidates.append((-likeness, i, j))
    pairs, taken_base, taken_head = [], set(), set()
    for _, i, j in sorted(candidates):
        if i not in taken_base and j not in taken_head:
            taken_base.add(i)
            taken_head.add(j)
            pairs.append((base[i], head[j]))
    return pairs


def _least_likeness(base: Function, head: Function) -> float:
    if (base.kind in _LEFT_OVER) != (head.kind in _LEFT_OVER):
        return 2.0  # a class never was a function
    same_last = _last_part(base.name) == _last_part(head.name)
    return LIKE_ENOUGH_BY_NAME if same_last else LIKE_ENOUGH


def _last_part(name: str) -> str:
    _, is_titled, title = name.rpartition(" > ")  # whose dots part nothing: "Cart > adds 1.5"
    return title if is_titled else name.rpartition(".")[2]


_TOKEN = re.compile(r"\w+|[^\w\s]")


def _bigrams(text: str) -> Counter[tuple[str, str]]:
    return Counter(pairwise(["", *_TOKEN.findall(text), ""]))


def _overlap(base: Counter[tuple[str, str]], head: Counter[tuple[str, str]]) -> float:
    return 2 * (base & head).total() / (base.total() + head.total())


# --- what changed ---------------------------------------------------------------------------------


def _canonical(function: Function) -> str:
    """What the piece says. In what functions leave over, blank lines come and go with them."""
    text = normalise(function.text)
    if function.kind in _LEFT_OVER:
        return "\n".join(line for line in text.split("\n") if line)
    return text


def _reads_the_same(base: Function | None, head: Function | None) -> bool:
    return base is not None and head is not None and _canonical(base) == _canonical(head)


def _hunks_with_text(base: str, head: str) -> list[Hunk]:
    base_lines, head_lines = lines_of(base), lines_of(head)

    def has_text(hunk: Hunk) -> bool:
        before, after = hunk.base_start - 1, hunk.head_start - 1
        changed = base_lines[before : before + hunk.base_count]
        changed += head_lines[after : after + hunk.head_count]
        return any(line.strip() for line in changed)

    return [hunk for hunk in hunks(base, head) if has_text(hunk)]


def _touching(
    edits: Iterable[Hunk], base: Function | None, head: Function | None
) -> tuple[Hunk, ...]:
    return tuple(
        hunk
        for hunk in edits
        if _overlaps(base, hunk.base_start, hunk.base_count)
        or _overlaps(head, hunk.head_start, hunk.head_count)
    )


def _overlaps(function: Function | None, start: int, count: int) -> bool:
    spans: tuple[LineRange, ...] = function.spans if function is not None else ()
    return any(span.start < start + count and start <= span.end for span in spans)


def _position(function: ChangedFunction) -> tuple[int, bool]:
    """Where to list it: the line at head, or before what stands where it was."""
    if function.head is not None:
        return function.head.lines.start, True
    return function.hunks[0].head_start, False
