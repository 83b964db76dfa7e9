"""Pairs and tiny models that the tests of fitting share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from review_core.records import PreferencePair
from training.criteria import CRITERIA, Asking
from training.specs import StudentSpec
from training.student import cut_student, student_card

CODE = [
    "def area(width, height):\n    return width * height\n",
    "def area(width, height):\n    result = 0\n    for _ in range(height):\n"
    "        result += width\n    return result\n",
    "function add(a, b) {\n  return a + b;\n}\n",
    "int add(int a, int b) {\n    return a + b;\n}\n",
    "def keep(items):\n    return [item for item in items if item is not None]\n",
]
SPEC = StudentSpec(layers=2, vocabulary=320, weight_bits="4", block_size=32)


def pairs(count: int = 48) -> list[PreferencePair]:
    """Code without notes is better here, in every aspect and language; every fourth is a tie."""
    made = []
    for index in range(count):
        noted = CODE[index % 5] + f"# note {index}\n" * (1 + index % 3)
        made.append(
            PreferencePair(
                "do it",
                CODE[index % 5],
                noted,
                "Python",
                list(CRITERIA)[index % 5],
                tie=index % 4 == 3,
                source=f"some/repository{index % 6}@1",
            )
        )
    return made


def write_student(base: Path, out: Path, how: Asking = Asking.HEADS) -> Path:
    """A student of two rounded layers."""
    card = student_card("tiny", "tiny base", "Apache-2.0", SPEC, how)
    cut_student(base, out, SPEC, CODE, card)
    return out


def curve(out: Path) -> list[dict[str, Any]]:
    """The log of a run, but for what a clock says."""
    lines = (out / "log.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    for entry in entries:
        del entry["tokens_per_second"]
    return entries
