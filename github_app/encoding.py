"""Tasks as JSON text and back: what the inbox keeps of a delivery."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from github_app.types import (
    CloseTask,
    CommandName,
    CommandTask,
    FeedbackTask,
    ForgetTask,
    PullRequestRef,
    RepositoryRef,
    RerunTask,
    ReviewTask,
    Task,
)
from review_core.types import Axis

KINDS: dict[str, type[Task]] = {
    "review": ReviewTask,
    "rerun": RerunTask,
    "command": CommandTask,
    "feedback": FeedbackTask,
    "close": CloseTask,
    "forget": ForgetTask,
}


def kind_of(task: Task) -> str:
    """Its kind in one word, as the database and `jobs list` name it."""
    return next(kind for kind, type_ in KINDS.items() if isinstance(task, type_))


def task_as_json(task: Task) -> str:
    """One line of JSON that `task_from_json` reads back."""
    return json.dumps({"kind": kind_of(task), **asdict(task)}, separators=(",", ":"))


def task_from_json(text: str) -> Task:
    """The task that `task_as_json` wrote.

    :raises ValueError: if it is none: the database holds what another version wrote.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        type_ = KINDS[fields.pop("kind")]
        if "pull" in fields:
            fields["pull"] = pull_request_ref(fields["pull"])
        if type_ is CommandTask:
            fields["command"] = CommandName(fields["command"])
            fields["axis"] = Axis(fields["axis"]) if fields["axis"] else None
        if type_ is RerunTask:
            fields["repository"] = RepositoryRef(**fields["repository"])
        if type_ is ForgetTask and fields["repositories"] is not None:
            fields["repositories"] = tuple(fields["repositories"])
        return type_(**fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a task of this version: {error}") from error


def pull_request_ref(fields: dict[str, Any]) -> PullRequestRef:
    """The pull request that `asdict` took apart."""
    return PullRequestRef(
        fields["installation"], RepositoryRef(**fields["repository"]), fields["number"]
    )
