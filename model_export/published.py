"""The card of a published Themis-RM checkpoint, which has none: made of its configuration, its chat
template and the prompts from its authors' code.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_export.prompts import Prompts
from review_core.bundle import Criterion, Pooling
from review_core.errors import InputError
from review_core.layout import Layout, Slot
from review_core.types import Axis
from training.card import Card, Quantisation

AXES = {
    Axis.CORRECTNESS: ("Functional_Correctness",),
    Axis.EFFICIENCY: ("Runtime_Efficiency", "Memory_Efficiency"),
    Axis.READABILITY: ("Readability_Maintainability",),
    Axis.SECURITY: ("Security_Hardness",),
    Axis.MAINTAINABILITY: ("Readability_Maintainability",),
}
LANGUAGES = ("C", "C#", "C++", "Go", "Java", "JavaScript", "Python", "Ruby")
"""What the published models were trained on (arXiv 2605.00754)."""

_MAX_TOKENS = 4096
"""What they were trained at."""
_MARKS = {slot: f"\ue000{slot}\ue001" for slot in (Slot.CRITERION, Slot.INTENT, Slot.CODE)}
"""Of private characters: no template knows them, and none is left when the slots are cut out."""


def published_card(checkpoint: Path, prompts: Prompts) -> Card:
    """The card of a checkpoint as its authors publish it, asked with their prompts.

    :raises InputError: naming what is missing, or what is not as in those models.
    """
    config = _json(checkpoint / "config.json")
    labels = config.get("num_labels", len(config.get("id2label", {"0": ""})))
    if labels != 1:
        raise InputError(
            f"{checkpoint} has {labels} heads; the published models have one, which every "
            "criterion is asked by its prompt"
        )
    return Card(
        name=checkpoint.resolve().name,
        base=str(config.get("_name_or_path") or config.get("model_type", "unknown")),
        licence="Apache-2.0",
        layout=chat_layout(checkpoint),
        pooling=Pooling.LAST,
        criteria={key: Criterion(prompt=text) for key, text in prompts.texts.items()},
        axes=AXES,
        languages=LANGUAGES,
        max_tokens=min(_MAX_TOKENS, int(config.get("max_position_embeddings", _MAX_TOKENS))),
        quantisation=replace(Quantisation(), weight_bits=8, block_size=32, embedding_bits=8),
        metrics={"prompts_sha256": prompts.sha256},
    )


def chat_layout(checkpoint: Path) -> Layout:
    """The layout that a checkpoint's chat template gives criterion, intent and code.

    :raises InputError: if there is no template, or it does more than put texts between literals.
    """
    from transformers import AutoTokenizer
    from transformers.utils import logging

    told = logging.get_verbosity()
    logging.set_verbosity_error()  # of any large vocabulary it says that a pattern may be wrong
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        rendered = tokenizer.apply_chat_template(
            [
                {"role": "system", "content": _MARKS[Slot.CRITERION]},
                {"role": "user", "content": _MARKS[Slot.INTENT]},
                {"role": "assistant", "content": _MARKS[Slot.CODE]},
            ],
            tokenize=False,
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"{checkpoint} has no chat template that can be used ({str(error).splitlines()[0]}); "
            "copy tokenizer_config.json and chat_template.jinja from where the model is published"
        ) from error
    finally:
        logging.set_verbosity(told)
    return _cut(rendered, checkpoint)


def _cut(rendered: str, checkpoint: Path) -> Layout:
    segments: list[str | Slot] = []
    rest = rendered
    for slot, mark in _MARKS.items():
        if rest.count(mark) != 1:
            raise InputError(
                f"the chat template of {checkpoint} does not show the {slot} once and in the "
                "order system, user, assistant; it is not that of a Themis-RM model"
            )
        literal, _, rest = rest.partition(mark)
        segments += [*([literal] if literal else []), slot]
    return Layout((*segments, *([rest] if rest else [])))


def _json(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"cannot read {path} ({error.strerror}); a checkpoint is a folder as its authors "
            "publish it"
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: {error}") from error
    return document
