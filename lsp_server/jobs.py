"""What the server asks of the worker process, and what comes back. Values only, all picklable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from review_core.feedback import ShownFinding
from review_core.ranking import Ranking
from review_core.types import BundleIdentity, Report


@dataclass(frozen=True, slots=True)
class Context:
    """How a review is to be done.

    directory: where the nearest configuration is looked for. base: as sources/working.py reads it.
    overrides: dotted keys that win over configuration files.
    """

    directory: Path
    base: str
    overrides: Mapping[str, Any]


# --- jobs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviewDocument:
    """Review the text that an editor holds for a file.

    notebook: the language of the cells whose code the text is, where the file is a notebook.
    """

    file: Path
    text: str
    context: Context
    notebook: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewWorkspace:
    """Review all that differs from the base below the context's directory.

    buffers: the texts of open documents; they count instead of the files on disk.
    """

    context: Context
    buffers: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Versions:
    """The same file at several revisions, to be ranked with the text that an editor holds for it.

    line: where a function stands in that text which alone is to be compared, 1-based; None: all.
    """

    file: Path
    text: str
    revisions: tuple[str, ...]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Rank:
    """Say which of several texts is best. path: names the language, by its ending.

    versions: of a file; they come before the texts.
    """

    texts: tuple[str, ...]
    path: str
    intent: str
    context: Context
    versions: Versions | None = None


@dataclass(frozen=True, slots=True)
class ClearCache:
    """Forget the rewards on disk."""

    context: Context


@dataclass(frozen=True, slots=True)
class KeepAnswer:
    """Keep what a person said of a finding. right: whether head is worse, as the finding says."""

    finding: ShownFinding
    right: bool
    context: Context


Job: TypeAlias = ReviewDocument | ReviewWorkspace | Rank | ClearCache | KeepAnswer


# --- results --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommentPlace:
    """Where a comment speaks of a function: on a line of its own before `line` (1-based), with that
    indentation, or at the end of `line` if `behind` is set.
    """

    line: int
    indentation: str
    behind: bool


@dataclass(frozen=True, slots=True)
class DocumentReview:
    """What there is to say of a document.

    report: None where there was nothing to judge; `reason` then says why, unless nothing changed.
    base: the text that it was compared with. places: where to silence the functions with findings,
    by their index in the report. remembers: whether answers to its findings are kept.
    """

    report: Report | None
    base: str | None = None
    reason: str | None = None
    places: Mapping[int, CommentPlace] = field(default_factory=dict)
    remembers: bool = False


@dataclass(frozen=True, slots=True)
class WorkspaceReview:
    """All of a working tree. root: what the report's paths are relative to.

    heads: the text of each file with a finding, so that its lines can be shown to an editor.
    """

    root: Path
    report: Report
    heads: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RankedTexts:
    """A ranking of candidates by their index. function: what was compared, where not all of it."""

    ranking: Ranking
    candidates: tuple[str, ...]
    function: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerKept:
    """An answer is kept. answers: how many there are now, of the whole repository."""

    answers: int


Result: TypeAlias = DocumentReview | WorkspaceReview | RankedTexts | AnswerKept | None


# --- what travels ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A job. Urgent ones run before, and in pauses of, those that are not."""

    id: int
    job: Job
    urgent: bool


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The job is not wanted any more; back from the worker: it has stopped."""

    id: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a job is, in sequences."""

    id: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A job is done. resident: the worker's memory in bytes, None where it cannot be told."""

    id: int
    result: Result
    resident: int | None
    bundle: BundleIdentity | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A job could not be done. kind: which ThemisError it is; None for a fault of ours."""

    id: int
    message: str
    kind: str | None


Answer: TypeAlias = Cancelled | Progressed | Finished | Failed
