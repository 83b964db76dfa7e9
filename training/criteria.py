"""The criteria of our own models, how they are asked, and which axes they serve."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from review_core.bundle import Criterion
from review_core.layout import Layout, Slot
from review_core.types import Axis

CRITERIA: Mapping[str, str | None] = {
    "Functional_Correctness": None,
    "Runtime_Efficiency": None,
    "Memory_Efficiency": None,
    "Security_Hardness": None,
    "Readability_Maintainability": None,
    "Readability": "Readability_Maintainability",
    "Maintainability": "Readability_Maintainability",
}
"""Themis's keys and two finer ones, each with the criterion whose family it belongs to."""

AXES: Mapping[Axis, tuple[str, ...]] = {
    Axis.CORRECTNESS: ("Functional_Correctness",),
    Axis.EFFICIENCY: ("Runtime_Efficiency", "Memory_Efficiency"),
    # The finer heads, of which only documentation knows many examples, call 4 % of unrelated
    # commits less readable at 90 % precision; the common one .4 %.
    Axis.READABILITY: ("Readability_Maintainability",),
    Axis.SECURITY: ("Security_Hardness",),
    Axis.MAINTAINABILITY: ("Readability_Maintainability",),
}


class Asking(StrEnum):
    """How a model is asked: by a head a criterion, or by a prompt before or after the code."""

    HEADS = "heads"
    PROMPT_FIRST = "prompt-first"
    PROMPT_LAST = "prompt-last"


LAYOUTS: Mapping[Asking, Layout] = {
    Asking.HEADS: Layout(("<|im_start|>", Slot.CODE, "<|im_end|>")),
    Asking.PROMPT_FIRST: Layout(("<|im_start|>", Slot.CRITERION, "\n\n", Slot.CODE, "<|im_end|>")),
    Asking.PROMPT_LAST: Layout(("<|im_start|>", Slot.CODE, "\n\n", Slot.CRITERION, "<|im_end|>")),
}

_ASK = "Judge this code by one thing: "
_PROMPTS: Mapping[str, str] = {
    "Functional_Correctness": _ASK + "does it do what it should for every input, without bugs?",
    "Runtime_Efficiency": _ASK + "does it avoid needless work and run fast?",
    "Memory_Efficiency": _ASK + "does it use little memory and release what it holds?",
    "Security_Hardness": _ASK + "does it withstand hostile input and misuse?",
    "Readability_Maintainability": _ASK + "is it easy to read, understand and change?",
}
"""Our own wording; the finer criteria have heads only."""


def asked(how: Asking) -> dict[str, Criterion]:
    """The criteria of a model that is asked this way."""
    if how is Asking.HEADS:
        return {key: Criterion(head=index) for index, key in enumerate(CRITERIA)}
    return {key: Criterion(prompt=prompt) for key, prompt in _PROMPTS.items()}
