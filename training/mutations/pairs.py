"""Makes preference pairs out of snippets and their mutants."""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from review_core.records import PreferencePair
from training.mutations.kinds import KINDS, Mutants


def injected_pairs(
    pairs: Sequence[PreferencePair], count: int, *, seed: int = 0
) -> list[PreferencePair]:
    """A side of a drawn pair, chosen, against itself with an injected bug, rejected.

    Languages take turns; of the kinds that apply the one used least is taken, and of its bugs one
    that lengthens, keeps or shortens the snippet, whichever was rarest.

    :return: at most `count`, fewer when the snippets run out; `subset` names the kind of bug and
        `source` stays, so that the group does.
    """
    rng = random.Random(seed)
    drawn: list[PreferencePair] = []
    kinds: Counter[str] = Counter()
    directions: Counter[int] = Counter()
    for pair in _in_turns(pairs, rng):
        if len(drawn) == count:
            break
        code = rng.choice((pair.chosen, pair.rejected)).replace("\r\n", "\n")
        mutants = Mutants.of(code, pair.language)
        if mutants is None:
            continue
        for kind in sorted(KINDS, key=lambda name: (kinds[name], name)):
            mutated = mutants.mutant(kind, rng, growth=lambda size: directions[_sign(size)])
            if mutated is not None:
                kinds[kind] += 1
                directions[_sign(len(mutated.encode()) - len(code.encode()))] += 1
                drawn.append(_pair(pair, code, mutated, kind))
                break
    return drawn


def _pair(pair: PreferencePair, code: str, mutated: str, kind: str) -> PreferencePair:
    return replace(
        pair,
        chosen=code,
        rejected=mutated,
        aspect=KINDS[kind].aspect,
        fine_aspect=None,
        subset=f"INJECTED/{kind}",
        tie=False,
    )


def _sign(size: int) -> int:
    return (size > 0) - (size < 0)


def _in_turns(pairs: Sequence[PreferencePair], rng: random.Random) -> Iterator[PreferencePair]:
    """Every pair once, in random order, one language after the other."""
    waiting: defaultdict[str, deque[PreferencePair]] = defaultdict(deque)
    for pair in rng.sample(list(pairs), len(pairs)):
        waiting[pair.language].append(pair)
    while waiting:
        for language in sorted(waiting):
            yield waiting[language].popleft()
            if not waiting[language]:
                del waiting[language]
