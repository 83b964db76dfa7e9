"""Turns code into the token sequence a model reads. Training, export and serving all render here,
so they cannot drift.

A layout is an ordered list of literals and slots; a published model's comes from its chat template,
rendered once at export. Special tokens are recognised in literals only: code that spells
`<|im_end|>` is code.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Slot(StrEnum):
    """What a layout leaves open."""

    CODE = "code"
    CRITERION = "criterion"
    INTENT = "intent"


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """A model input. `code` is the half-open range of positions whose tokens belong to the code."""

    ids: tuple[int, ...]
    code: tuple[int, int]


def normalise(code: str) -> str:
    """Code as every model of ours reads it: no BOM, LF line ends, no trailing blanks, common
    indentation removed.
    """
    lines = code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return textwrap.dedent("\n".join(line.rstrip() for line in lines)).strip("\n")


@dataclass(frozen=True, slots=True)
class Layout:
    """Segments in order: a `str` is literal text, a `Slot` is filled per request."""

    segments: tuple[str | Slot, ...]

    def __post_init__(self) -> None:
        """:raises ValueError: unless there is exactly one code slot."""
        if self.segments.count(Slot.CODE) != 1:
            raise ValueError("a layout needs exactly one code slot")

    @classmethod
    def from_json(cls, segments: Sequence[str | dict[str, Any]]) -> Layout:
        """Read the manifest's form: literals as strings, slots as {"slot": name}."""
        return cls(
            tuple(part if isinstance(part, str) else Slot(part["slot"]) for part in segments)
        )

    def to_json(self) -> list[str | dict[str, str]]:
        """The form `from_json` reads."""
        return [{"slot": part.value} if isinstance(part, Slot) else part for part in self.segments]

    def render(
        self, tokenizer: Tokenizer, code: str, *, criterion: str = "", intent: str = ""
    ) -> TokenSequence:
        """Tokenise one request. `code` is taken as it is: call `normalise` first.

        Text between two special tokens is tokenised in one piece, as a chat template's output would
        be, so a token may straddle the border of a slot; a token counts as code if any of its
        characters is.
        """
        values = {Slot.CODE: code, Slot.CRITERION: criterion, Slot.INTENT: intent}
        specials = _specials(tokenizer)
        ids: list[int] = []
        run, code_at = "", None
        code_range = (0, 0)

        def flush() -> None:
            nonlocal run, code_at, code_range
            if run:
                encoding = _encode_plain(tokenizer, run)
                if code_at is not None:
                    inside = [
                        i
                        for i, (start, end) in enumerate(encoding.offsets)
                        if end > code_at[0] and start < code_at[1]
                    ]
                    code_range = (
                        (len(ids) + inside[0], len(ids) + inside[-1] + 1)
                        if inside
                        else (len(ids), len(ids))
                    )
                ids.extend(encoding.ids)
            run, code_at = "", None

        for part in self.segments:
            if isinstance(part, Slot):
                if part is Slot.CODE:
                    code_at = (len(run), len(run) + len(code))
                run += values[part]
                continue
            for text, special in _split_specials(specials, part):
                if special is None:
                    run += text
                else:
                    flush()
                    ids.append(special)
        flush()
        return TokenSequence(tuple(ids), code_range)


def _encode_plain(tokenizer: Tokenizer, text: str) -> Any:
    # The flag stays set: nothing else reads with our tokenizers, and threads may share one.
    if not tokenizer.encode_special_tokens:
        tokenizer.encode_special_tokens = True  # a special token spelt out in code is plain text
    return tokenizer.encode(text, add_special_tokens=False)


def _specials(tokenizer: Tokenizer) -> dict[str, int]:
    return {token.content: i for i, token in tokenizer.get_added_tokens_decoder().items()}


def _split_specials(specials: dict[str, int], literal: str) -> list[tuple[str, int | None]]:
    pieces: list[tuple[str, int | None]] = []
    rest = literal
    while rest:
        found = min(
            ((rest.find(name), -len(name), name) for name in specials if name in rest), default=None
        )
        if found is None:
            pieces.append((rest, None))
            break
        at, _, name = found
        if at:
            pieces.append((rest[:at], None))
        pieces.append((name, specials[name]))
        rest = rest[at + len(name) :]
    return pieces
