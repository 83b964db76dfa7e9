"""A History as JSON, as `schemas/history.schema.json` describes it. The same input, same bytes."""

from __future__ import annotations

import json
from typing import Any

from review_core.history import CommitReview, History, Tally
from review_core.types import Axis

SCHEMA = "urn:themis-review:history:1"


def render_history_json(history: History) -> str:
    """The history as text that ends in a line end. ASCII, so that no code page can spoil it."""
    return json.dumps(history_to_json(history), indent=2) + "\n"


def history_to_json(history: History) -> dict[str, Any]:
    """The history as a document; commits are oldest first."""
    shown = [axis for column in history.columns for axis in column]
    return {
        "schema": SCHEMA,
        "bundle": {"name": history.bundle.name, "sha256": history.bundle.sha256},
        "target": history.target,
        "left_out": history.left_out,
        "commits": [_commit(each) for each in history.commits],
        "total": {axis.value: _tally(history.total(axis)) for axis in Axis if axis in shown},
    }


def _commit(reviewed: CommitReview) -> dict[str, Any]:
    commit = reviewed.past.commit
    return {
        "hash": commit.hash,
        "date": reviewed.past.date,
        "subject": commit.subject,
        "merge": reviewed.past.is_merge,
        "note": reviewed.note,
        "functions": reviewed.functions,
        "findings": reviewed.findings,
        "axes": {axis.value: _tally(each) for axis, each in reviewed.axes.items()},
    }


def _tally(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in Tally.__slots__}
