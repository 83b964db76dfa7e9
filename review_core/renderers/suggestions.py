"""Suggestions as a unified diff, which `git apply` takes, and as JSON.

`schemas/suggestions.schema.json` describes the JSON.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from review_core.suggestions import Suggestion, Suggestions
from review_core.types import BundleIdentity, FileChange, Verdict

SCHEMA = "urn:themis-review:suggestions:1"


def unified_diff(suggestions: Suggestions) -> str:
    """All that is kept; empty where that is nothing."""
    return "".join(line for file in suggestions.files for line in _file(file))


def suggestions_to_json(suggestions: Suggestions, bundle: BundleIdentity) -> dict[str, Any]:
    """The suggestions as a document."""
    return {
        "schema": SCHEMA,
        "bundle": {"name": bundle.name, "sha256": bundle.sha256},
        "kept": [_suggestion(each) for each in suggestions.all if each.reason is None],
        "refused": [
            {**_suggestion(each), "reason": each.reason}
            for each in suggestions.all
            if each.reason is not None
        ],
        "diff": unified_diff(suggestions),
    }


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "source": suggestion.source,
        "paths": list(suggestion.paths),
        "raises": [axis.value for axis in suggestion.axes(Verdict.BETTER)],
        "lowers": [axis.value for axis in suggestion.axes(Verdict.WORSE)],
        "functions": [
            {
                "path": each.function.path,
                "name": each.function.name,
                "note": each.note,
                "axes": {
                    score.axis.value: {
                        "preference": round(score.preference, 3),
                        "verdict": score.verdict.value,
                        "why": score.why,
                    }
                    for score in each.scores.values()
                },
            }
            for each in suggestion.functions
        ],
    }


def _file(file: FileChange) -> Iterator[str]:
    base, head = _lines(file.base or ""), _lines(file.head or "")
    for line in difflib.unified_diff(base, head, f"a/{file.path}", f"b/{file.path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])
