"""Cuts what is too long for GitHub: whole lines, and what was left out is counted."""

from __future__ import annotations

from collections.abc import Sequence

FIELD_BYTES = 65_535
"""GitHub's limit for the texts of a check run and for comments. It speaks of characters; bytes are
counted here, which are never fewer.
"""
MESSAGE_BYTES = 64 * 1024


def size(text: str) -> int:
    """In bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def fitting(lines: Sequence[str], room: int, noun: str) -> list[str]:
    """The first lines that have room together, and if some have not, a line that counts them.

    :param room: bytes, line ends included. :param noun: what one line is, for the count.
    """
    if sum(size(line) + 1 for line in lines) <= room:
        return list(lines)
    left = room - size(_rest(len(lines), noun)) - 1
    kept: list[str] = []
    for line in lines:
        left -= size(line) + 1
        if left < 0:
            break
        kept.append(line)
    return [*kept, _rest(len(lines) - len(kept), noun)]


def shortened(text: str, room: int) -> str:
    """Text of at most `room` bytes; "…" says that there was more."""
    if size(text) <= room:
        return text
    return text.encode("utf-8", "replace")[: room - 3].decode("utf-8", "ignore") + "…"


def _rest(count: int, noun: str) -> str:
    return f"… and {count} more {noun}" + ("s" if count != 1 else "")
