"""Pairs a file that is gone with a new one that holds most of its lines, where git does not.

Like git's `-M`: half of the bytes in common is enough, and the most similar pair is taken first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

_MIN_SIMILARITY = 0.5


def renamed(gone: Iterable[tuple[str, bytes]], new: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Which path among `new` was which among `gone`; each path occurs at most once.

    Similarity is the share of the larger file's bytes that stand in lines both have.
    """
    held: dict[str, Counter[bytes]] = {}
    sizes: dict[str, int] = {}
    holders: defaultdict[bytes, list[str]] = defaultdict(list)
    for path, content in gone:
        sizes[path] = len(content)
        held[path] = _lines(content)
        for line in held[path]:
            holders[line].append(path)
    candidates: list[tuple[float, str, str]] = []
    for path, content in new:
        shared: Counter[str] = Counter()
        needed, left = _MIN_SIMILARITY * len(content), len(content)
        # What many files have comes last: by then, one that was not met cannot have enough.
        lines = _lines(content)
        for line in sorted(lines, key=lambda line: len(holders.get(line, ()))):
            for holder in holders.get(line, ()) if left >= needed else list(shared):
                shared[holder] += len(line) * min(lines[line], held[holder][line])
            left -= len(line) * lines[line]
        for holder, size in shared.items():
            similarity = size / max(len(content), sizes[holder])
            if similarity >= _MIN_SIMILARITY:
                candidates.append((-similarity, path, holder))
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    for _, path, holder in sorted(candidates):
        if path not in pairs and holder not in taken:
            pairs[path] = holder
            taken.add(holder)
    return pairs


def _lines(content: bytes) -> Counter[bytes]:
    return Counter(content.splitlines(keepends=True))
