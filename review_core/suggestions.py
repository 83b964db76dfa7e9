"""Which fixes that tools made are worth keeping: those that raise an axis and lower none. No I/O.

A fix is judged function by function and taken apart by function, so that one bad edit does not cost
the good ones. A file whose fix touches what stands around the functions (imports, class bodies), or
adds or drops functions, stays in one piece: its parts may need one another. So does a patch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from review_core.api import review
from review_core.calibration import Calibration
from review_core.cascade import JudgeModel
from review_core.config import Settings
from review_core.diff import hunks, lines_of
from review_core.findings import percent
from review_core.margins import Progress, Scorer
from review_core.types import (
    Axis,
    Change,
    FileChange,
    FunctionKind,
    FunctionReview,
    Hunk,
    Verdict,
)

UNSURE = "unsure: no axis is confidently better"
CHANGES_NOTHING = "changes nothing"
DOES_NOT_PARSE = "does not parse"
ALREADY_KEPT = "kept from another fix already"
OVERLAPS = "changes lines that a fix kept before it changes, too"
WHOLE_FILES = "adds or deletes a file"

_AROUND = (FunctionKind.CLASS_BODY, FunctionKind.MODULE)


@dataclass(frozen=True, slots=True)
class Fix:
    """What a tool makes of some files. source: the tool, as the user calls it.

    is_whole: whether it is kept as it is or not at all.
    """

    source: str
    files: tuple[FileChange, ...]
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A fix, or the part of one that is judged alone. reason: why it is not kept; None if it is."""

    source: str
    paths: tuple[str, ...]
    functions: tuple[FunctionReview, ...] = ()
    reason: str | None = None

    def axes(self, verdict: Verdict) -> tuple[Axis, ...]:
        """The axes with that verdict in some function."""
        said = {
            score.axis
            for each in self.functions
            for score in each.scores.values()
            if score.verdict is verdict
        }
        return tuple(axis for axis in Axis if axis in said)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """All of them in the order of the fixes, and each file that changes with all that is kept."""

    all: tuple[Suggestion, ...]
    files: tuple[FileChange, ...]


def suggest(
    fixes: Iterable[Fix],
    scorer: Scorer,
    calibration: Calibration,
    settings: Settings,
    *,
    intent: str | None = None,
    progress: Progress | None = None,
    second: JudgeModel[Scorer] | None = None,
) -> Suggestions:
    """Judge fixes of the same files, each made of these files as they are, and combine the good.

    Of two that change the same lines the first is kept.

    :param second: the judge, as `review` takes it.
    :raises BundleError: if the calibration lacks a criterion of the model.
    """

    def reviewed(*files: FileChange) -> tuple[FunctionReview, ...]:
        change = Change("as it is", "fixed", files, intent=intent)
        report = review(change, scorer, calibration, settings, progress=progress, second=second)
        return report.functions

    kept: dict[str, _Kept] = {}
    told: list[Suggestion] = []
    for fix in fixes:
        if any(file.base is None or file.head is None for file in fix.files):
            paths = tuple(file.path for file in fix.files)
            told.append(Suggestion(fix.source, paths, reason=WHOLE_FILES))
            continue
        for part in _parts(fix, reviewed(*fix.files)):
            reason = _refused(part.functions) or _conflict(part, kept)
            files = [] if reason else list(_with(part, kept))
            if reason is None and any(
                kept[path].source != fix.source for path in part.edits if path in kept
            ):
                reason = _refused(reviewed(*files), alone=False)
            if reason is None:
                for file in files:
                    before = kept[file.path].edits if file.path in kept else ()
                    edits = (*before, *part.edits[file.path])
                    kept[file.path] = _Kept(fix.source, file, edits)
            told.append(Suggestion(fix.source, tuple(part.edits), part.functions, reason))
    return Suggestions(tuple(told), tuple(kept[path].file for path in sorted(kept)))


# --- parts ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Edit:
    """Lines of base, and what they become."""

    hunk: Hunk
    lines: tuple[str, ...]

    def overlaps(self, other: _Edit) -> bool:
        """Whether both want the same lines, or the same place between two lines."""
        first, second = sorted((self.hunk, other.hunk), key=lambda each: each.base_start)
        end = first.base_start + first.base_count
        return second.base_start < end or first.base_start == second.base_start


@dataclass(frozen=True, slots=True)
class _Part:
    """Edits that stand or fall together, by path, and the functions they change."""

    bases: Mapping[str, str]
    edits: Mapping[str, tuple[_Edit, ...]]
    functions: tuple[FunctionReview, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file with the edits that are kept. source: of the last of them."""

    source: str
    file: FileChange
    edits: tuple[_Edit, ...]


def _parts(fix: Fix, reviews: Sequence[FunctionReview]) -> Iterator[_Part]:
    bases = {file.path: file.base or "" for file in fix.files}
    edits = {file.path: _edits(file) for file in fix.files}
    if fix.is_whole:
        yield _Part(bases, edits, tuple(reviews))
        return
    for path, all_edits in edits.items():
        own = [each for each in reviews if each.function.path == path]
        if not own or _is_bound(own):
            yield _Part(bases, {path: all_edits}, tuple(own))
            continue
        for functions in _apart(own):
            touching = {hunk for each in functions for hunk in each.function.hunks}
            part = tuple(edit for edit in all_edits if edit.hunk in touching)
            yield _Part(bases, {path: part}, functions)


def _is_bound(reviews: Sequence[FunctionReview]) -> bool:
    """Whether the fix of a file may fall apart where its functions are taken one by one."""
    functions = [each.function for each in reviews]
    return any(each.kind in _AROUND or not each.base or not each.head for each in functions)


def _apart(reviews: Sequence[FunctionReview]) -> Iterator[tuple[FunctionReview, ...]]:
    """The functions of one file; those that share a hunk together."""
    groups: list[tuple[set[Hunk], list[FunctionReview]]] = []
    for each in reviews:
        mine, members = set(each.function.hunks), [each]
        apart = []
        for hunks_of, others in groups:
            if hunks_of & mine:
                mine, members = mine | hunks_of, others + members
            else:
                apart.append((hunks_of, others))
        groups = [*apart, (mine, members)]
    yield from (tuple(members) for _, members in groups)


def _edits(file: FileChange) -> tuple[_Edit, ...]:
    base, head = file.base or "", file.head or ""
    lines = lines_of(head)
    return tuple(
        _Edit(hunk, tuple(lines[hunk.head_start - 1 : hunk.head_start - 1 + hunk.head_count]))
        for hunk in hunks(base, head)
    )


# --- judging -------------------------------------------------------------------------------------


def _refused(functions: Sequence[FunctionReview], *, alone: bool = True) -> str | None:
    """Why what becomes of the functions is not wanted. alone: it has to raise something, too."""
    if not functions:
        return CHANGES_NOTHING
    for each in functions:
        base, head = each.function.base, each.function.head
        if head is not None and head.has_error and not (base is not None and base.has_error):
            return DOES_NOT_PARSE
    scores = [(each, score) for each in functions for score in each.scores.values()]
    worse = [
        f"lowers {score.axis} of {each.function.name}, P(worse) {percent(1 - score.preference)}"
        for each, score in scores
        if score.verdict is Verdict.WORSE
    ]
    if worse:
        return ("" if alone else "together with what is kept, ") + "; ".join(worse)
    if not alone or any(score.verdict is Verdict.BETTER for _, score in scores):
        return None
    whys = [each.note for each in functions] + [score.why for _, score in scores]
    told = dict.fromkeys(why for why in whys if why)
    return f"unsure: {'; '.join(told)}" if told else UNSURE


def _conflict(part: _Part, kept: Mapping[str, _Kept]) -> str | None:
    """Why edits cannot be had beside those that are kept."""
    conflicts = [
        (edit, other)
        for path, edits in part.edits.items()
        if path in kept
        for edit in edits
        for other in kept[path].edits
        if edit.overlaps(other)
    ]
    if not conflicts:
        return None
    same = all(
        edit.lines == other.lines
        and (edit.hunk.base_start, edit.hunk.base_count)
        == (other.hunk.base_start, other.hunk.base_count)
        for edit, other in conflicts
    )
    wanted = sum(map(len, part.edits.values()))
    return ALREADY_KEPT if same and len(conflicts) == wanted else OVERLAPS


def _with(part: _Part, kept: Mapping[str, _Kept]) -> Iterator[FileChange]:
    """The files that a part touches, with it and with what is kept of them."""
    for path, edits in part.edits.items():
        before = kept[path].edits if path in kept else ()
        base = part.bases[path]
        yield FileChange(path, base, _edited(base, (*before, *edits)))


def _edited(base: str, edits: Iterable[_Edit]) -> str:
    """The text with the edits. Line ends, and whether the last line has one, stay as they are."""
    lines = _with_ends(base)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    for edit in sorted(edits, key=lambda each: -each.hunk.base_start):
        at = edit.hunk.base_start - 1
        if at == len(lines) and lines and not lines[-1].endswith("\n"):
            lines[-1] += end
        lines[at : at + edit.hunk.base_count] = [line + end for line in edit.lines]
    text = "".join(lines)
    return text if base.endswith("\n") or not base else text.removesuffix("\n").removesuffix("\r")


def _with_ends(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]
