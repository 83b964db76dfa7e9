"""Writes what the bundled model says of the examples on the pages of docs/axes.

    python -m scripts.documents.axis_examples docs/axes/*.md

A page names a function of the demo change between two marks; the change of that function and the
model's word are filled in there. The axis is the page's. A test compares both with what the code
and the model say now.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review_core.calibration import Calibration
from review_core.languages import language_of
from review_core.pairing import changed_functions
from review_core.sources.files import paths_change
from review_core.sources.filters import Limits
from review_core.types import ChangedFunction

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"
_EXAMPLE = re.compile(
    r"(?P<start><!-- example: (?P<name>\S+) -->\n).*?(?P<end><!-- example:end -->)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Said:
    """The demo change: its functions by name, and what a review says of each."""

    functions: Mapping[str, ChangedFunction]
    axes: Mapping[str, Mapping[str, Any]]
    """By function and axis, as in `themis review --format json`."""
    calibration: Calibration


def review_demo(programs: Path, cache: Path | None = None) -> Said:
    """Review the demo change with the bundled model.

    :param programs: the folder of the `themis` command.
    :param cache: where rewards are kept; None for the user's.
    """
    sides = (str(DEMO / "base"), str(DEMO / "head"))
    run = subprocess.run(
        [programs / "themis", "review", *sides, "--format", "json"],
        env=os.environ | ({"XDG_CACHE_HOME": str(cache)} if cache else {}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    document = json.loads((ROOT / "models/default/calibration.json").read_text(encoding="utf-8"))
    return Said(
        {each.name: each for each in _functions()},
        {each["name"]: each["axes"] for each in json.loads(run.stdout)["functions"]},
        Calibration.from_json(document),
    )


def _functions() -> Sequence[ChangedFunction]:
    change = paths_change(DEMO / "base", DEMO / "head", limits=Limits())
    return [
        function
        for file in change.files
        if (language := language_of(file.path))
        for function in changed_functions(file, language)
    ]


def written_anew(text: str, axis: str, said: Said) -> str:
    """A page's text with its examples filled in."""

    def filled(example: re.Match[str]) -> str:
        name = example["name"]
        function = said.functions[name]
        word = _word(said.axes[name][axis], function.language, said.calibration)
        shown = f"\n```diff\n{_change(function)}```\n\n*The model:* {word}\n\n"
        return f"{example['start']}{shown}{example['end']}"

    return _EXAMPLE.sub(filled, text)


def _change(function: ChangedFunction) -> str:
    base, head = (side.text.splitlines() if side else [] for side in (function.base, function.head))
    lines = list(difflib.unified_diff(base, head, lineterm="", n=1))[2:]
    return "".join(f"{'…' if line.startswith('@@') else line.rstrip()}\n" for line in lines)


def _word(score: Mapping[str, Any], language: str, calibration: Calibration) -> str:
    """The verdict, and where it is `unsure` why."""
    criterion = calibration.of(score["criterion"], language)
    worse = score["preference"] < 0.5
    sure = 1 - score["preference"] if worse else score["preference"]
    said = f"P({'worse' if worse else 'better'}) {sure:.0%}".replace("%", " %")
    if score["verdict"] != "unsure":
        return f"{said}: **{score['verdict']}**."
    needed = criterion.worse_at if worse else criterion.better_at
    if criterion.worse_at is None and criterion.better_at is None:
        why = "on a criterion where it never speaks"
    elif score.get("why"):
        why = f"but {score['why']}"
    elif needed is None:
        why = "which it never says"
    else:
        why = f"and it speaks from {1 - needed if worse else needed:.0%}".replace("%", " %")
    return f"{said}, {why}: **unsure**."


def main(pages: Sequence[Path]) -> None:
    """Write pages anew."""
    said = review_demo(Path(sys.executable).parent)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        page.write_text(written_anew(text, page.stem, said), encoding="utf-8")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
