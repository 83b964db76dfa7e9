"""What should not decide about code, and a change without it: comments, layout, messages, names,
padding. Asks no model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review_core.comments import comments_of, without_comments
from review_core.layout import normalise
from review_core.neutral_layout import with_one_layout
from review_core.neutral_names import without_new_names
from review_core.neutral_padding import without_new_padding
from review_core.neutral_strings import without_new_messages

if TYPE_CHECKING:
    from review_core.languages import Language

Sides = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Influence:
    """Something that should not decide. reason: why a verdict is withheld that needs it.

    without: both sides without what of it changed; the sides as they are where none did.
    """

    reason: str
    without: Callable[[str, str, Language], Sides]


def _without_comments(base: str, head: str, language: Language) -> Sides:
    if comments_of(base, language) == comments_of(head, language):
        return base, head
    return without_comments(base, language), without_comments(head, language)


COMMENTS = Influence("leans on comments", _without_comments)
LAYOUT = Influence("leans on layout", with_one_layout)
MESSAGES = Influence("leans on the wording of messages", without_new_messages)
NAMES = Influence("leans on names", without_new_names)
PADDING = Influence("leans on code that does nothing", without_new_padding)

INFLUENCES: Sequence[Influence] = (COMMENTS, MESSAGES, PADDING, NAMES, LAYOUT)
"""In the order in which they are taken away. Layout comes last: only then is it all that is left of
what does not matter."""


def readings(
    base: str, head: str, language: Language, influences: Sequence[Influence] = INFLUENCES
) -> Iterator[tuple[Influence, Sides]]:
    """The change without one influence, without two, and so on, as the model reads it; influences
    that have none on it are left out. Made as they are asked for.
    """
    sides = normalise(base), normalise(head)
    for influence in influences:
        without_base, without_head = influence.without(*sides, language)
        without = normalise(without_base), normalise(without_head)
        if without != sides:
            sides = without
            yield influence, sides
