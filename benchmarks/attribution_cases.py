"""Changes of which it is known which part does the harm: made from held-out pairs.

planted: base is a pair's rejected side, head its chosen side with a bug put in where nothing else
changed; the pair's own hunks are improvements. reverted: a pair of one hunk, taken back, among
edits that keep the meaning. within: as planted, but the bug stands inside a large hunk.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from review_core.attribution import Part, parts_inside, parts_of
from review_core.diff import hunks, lines_of
from review_core.languages import Language, language_named
from review_core.layout import normalise
from review_core.pieces import LARGE
from review_core.records import PreferencePair
from review_core.types import Function, FunctionKind, Hunk, LineRange
from training.mutations import KINDS, injected_bugs
from training.neutral import neutral_edits

NEUTRAL = ("rename_local", "equivalent", "reorder_statements", "comment_only")


@dataclass(frozen=True, slots=True)
class Case:
    """A change with one guilty place.

    parts: what may be blamed. guilty: the index of the part that holds the harm; for `within` of
    every piece that does, the smallest last. lines: changed at head, of the large hunk `within`.
    harmless: head without the harm alone.
    """

    kind: str
    group: str
    criterion: str
    language: str
    base: str
    head: str
    parts: tuple[Part, ...]
    guilty: tuple[int, ...]
    lines: int
    harmless: str


def planted(pair: PreferencePair, rng: random.Random) -> Case | None:
    """A bug beside a pair's own hunks, of a kind drawn at random."""
    return _with_bug(pair, rng, kind="planted")


def within(pair: PreferencePair, rng: random.Random) -> Case | None:
    """A bug inside a large hunk of a pair."""
    return _with_bug(pair, rng, kind="within")


def _with_bug(pair: PreferencePair, rng: random.Random, *, kind: str) -> Case | None:
    language = language_named(pair.language)
    if language is None:
        return None
    base, fixed = normalise(pair.rejected), normalise(pair.chosen)
    bugs = injected_bugs(fixed, pair.language, rng)
    for name in rng.sample(sorted(bugs), len(bugs)):
        head = normalise(bugs[name])
        harm = hunks(fixed, head)
        if len(harm) != 1:
            continue
        make = _beside if kind == "planted" else _inside
        if (found := make(base, head, harm[0], language)) is not None:
            criterion = KINDS[name].aspect
            return Case(kind, pair.group, criterion, pair.language, base, head, *found, fixed)
    return None


def reverted(pair: PreferencePair, rng: random.Random) -> Case | None:
    """A fix of one hunk taken back, among edits that keep the meaning."""
    language = language_named(pair.language)
    if language is None:
        return None
    base, broken = normalise(pair.chosen), normalise(pair.rejected)
    harm = hunks(base, broken)
    if len(harm) != 1:
        return None
    edits = neutral_edits(broken, pair.language, rng)
    for name in rng.sample(NEUTRAL, len(NEUTRAL)):
        if name not in edits:
            continue
        head = normalise(edits[name])
        now = hunks(base, head)
        same = [each for each in now if _said(each, base, head) == _said(harm[0], base, broken)]
        if len(same) == 1 and (found := _beside(base, head, same[0], language)) is not None:
            parts, (guilty,), lines = found
            harmless = normalise(parts[guilty].without)
            return Case(
                "reverted",
                pair.group,
                pair.aspect,
                pair.language,
                base,
                head,
                parts,
                (guilty,),
                lines,
                harmless,
            )
    return None


def _said(hunk: Hunk, base: str, head: str) -> tuple[int, int, list[str]]:
    first = hunk.head_start - 1
    return hunk.base_start, hunk.base_count, lines_of(head)[first : first + hunk.head_count]


_Parts = tuple[tuple[Part, ...], tuple[int, ...], int]


def _beside(base: str, head: str, harm: Hunk, language: Language) -> _Parts | None:
    """The parts of the change, if the harm is a hunk of its own and there are others."""
    own = (harm.head_start, harm.head_count)
    parts = parts_of(_function(base), _function(head), language)
    guilty = [
        at
        for at, part in enumerate(parts)
        if any((each.head_start, each.head_count) == own for each in part.hunks)
    ]
    lines = sum(each.head_count for part in parts for each in part.hunks)
    return (parts, (guilty[0],), lines) if len(guilty) == 1 else None


def _inside(base: str, head: str, harm: Hunk, language: Language) -> _Parts | None:
    """The pieces of the large hunk that holds the harm, if some do not."""
    if not harm.head_count:
        return None
    first, last = harm.head_start, harm.head_start + harm.head_count - 1
    around = [
        each
        for each in hunks(base, head)
        if each.head_count >= LARGE
        and each.head_start <= first
        and last < each.head_start + each.head_count
    ]
    if not around:
        return None
    pieces = parts_inside(_function(base), _function(head), around, language)
    holding = [
        at
        for at, piece in enumerate(pieces)
        if piece.lines.start <= first and last <= piece.lines.end
    ]
    holding.sort(key=lambda at: pieces[at].lines.start - pieces[at].lines.end)
    lines = sum(each.head_count for each in around)
    return (pieces, tuple(holding), lines) if 0 < len(holding) < len(pieces) else None


def _function(text: str) -> Function:
    lines = LineRange(1, text.count("\n") + 1)
    return Function("f", FunctionKind.FUNCTION, text, (lines,))


MAKERS = {"planted": planted, "reverted": reverted, "within": within}


def cases(
    pairs: Sequence[PreferencePair],
    count: int,
    *,
    longest: int,
    kinds: Sequence[str] = tuple(MAKERS),
    seed: int = 0,
) -> Iterator[Case]:
    """Up to `count` cases of each kind, in turn, of pairs in random order.

    :param longest: characters of a pair's longer side.
    """
    rng = random.Random(seed)
    waiting = [
        pair
        for pair in rng.sample(list(pairs), len(pairs))
        if pair.group.count("/") == 1 and max(len(pair.chosen), len(pair.rejected)) <= longest
    ]
    made = dict.fromkeys(kinds, 0)
    for pair in waiting:
        if min(made.values()) >= count:
            return
        for kind in kinds:
            if made[kind] < count and (case := MAKERS[kind](pair, rng)) is not None:
                made[kind] += 1
                yield case
