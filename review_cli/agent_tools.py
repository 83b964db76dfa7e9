"""What `themis-mcp` lets an agent ask, without the protocol: arguments in, text and a document out.

Reads only, and only below the roots it was given. How code is judged comes from a repository's own
configuration; which model, and where its cache lies, does not.
"""

from __future__ import annotations

import difflib
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review_core.errors import InputError
from review_core.types import Verdict

if TYPE_CHECKING:
    from review_core.calibration import Calibration
    from review_core.cascade import JudgeModel
    from review_core.config import Settings
    from review_core.margins import Model, Scorer
    from review_core.types import (
        BundleIdentity,
        Change,
        FileChange,
        Finding,
        FunctionReview,
        Report,
    )

Progress = Callable[[int, int], None]

_REMEMBERED = 2000
"""Findings that `explain_finding` knows again; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool says: for a reader, and as the document that its output schema describes."""

    text: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Told:
    finding: Finding
    review: FunctionReview
    bundle: BundleIdentity
    measured: float | None
    needed: float | None


class Toolbox:
    """The tools. One call at a time scores; the model is opened by the first and then kept."""

    def __init__(
        self,
        roots: Sequence[Path],
        own: Settings,
        open_scorer: Callable[[Settings], tuple[Scorer, Calibration]],
        open_judge: OpenJudge | None = None,
    ) -> None:
        """own: whose models, threads and cache count, whatever a repository configures."""
        self.roots = tuple(root.resolve() for root in roots)
        self._own = own
        self._open_scorer = open_scorer
        self._open_judge = open_judge
        self._opened: tuple[Scorer, Calibration] | None = None
        self._judge: JudgeModel[Scorer] | None = None
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._lock = threading.Lock()

    def review_change(
        self, arguments: Mapping[str, Any], progress: Progress, scoring: Scoring
    ) -> Answer:
        """Judge a range, what is staged, or the working tree of a repository.

        :raises InputError: where the arguments name no change below the roots.
        """
        from review_core import api
        from review_core.baseline import load_baseline
        from review_core.renderers.json import report_to_json

        directory = self._path(_text(arguments, "repository", "."))
        target = _text(arguments, "range", "") or None
        staged = _flag(arguments, "staged")
        settings = self._settings(directory)
        change = self._change(directory, target, staged, settings)
        if intent := _text(arguments, "intent", ""):
            change = replace(change, intent=intent)
        with self._lock:
            scorer, calibration = self._model()
            report = api.review(
                change,
                scoring(scorer),
                calibration,
                settings,
                baseline=load_baseline(directory),
                progress=progress,
                second=None if self._judge is None else self._judge.within(scoring),
            )
            self._remember(report, calibration)
        return Answer(_report_text(report), report_to_json(report))

    def rank_candidates(
        self, arguments: Mapping[str, Any], progress: Progress, scoring: Scoring
    ) -> Answer:
        """Say which of several versions of a piece of code is best, the base among them.

        :raises InputError: where a version is missing, or has none of the base's functions.
        """
        from review_core.alternatives import Alternative, compare
        from review_core.renderers.comparison import comparison_to_json
        from review_core.types import Change

        candidates = arguments.get("candidates")
        if not isinstance(candidates, list) or not candidates:
            raise InputError("candidates must be a list of objects with a text or a path each")
        base, path = self._version(arguments.get("base"), "base")
        path = path or _file_of(_text(arguments, "language", ""))
        settings = self._settings(self.roots[0])
        alternatives: list[Alternative] = []
        for number, candidate in enumerate(candidates, 1):
            text, _ = self._version(candidate, f"candidate {number}")
            name = _text(candidate, "name", "") or f"candidate {number}"
            if name in {"base", *(each.name for each in alternatives)}:
                raise InputError(f"two versions are called {name}; give each a name of its own")
            files = _file_change(path, base, text, settings)
            alternatives.append(Alternative(name, Change("base", name, files)))
        with self._lock:
            scorer, calibration = self._model()
            comparison = compare(
                "base",
                alternatives,
                scoring(scorer),
                calibration,
                settings,
                function=_text(arguments, "function", "") or None,
                intent=_text(arguments, "intent", ""),
                progress=progress,
            )
        document = comparison_to_json(comparison)
        return Answer(_ranking_text(document), document)

    def explain_finding(
        self, arguments: Mapping[str, Any], progress: Progress, scoring: Scoring
    ) -> Answer:
        """Say what a finding of this session rests on.

        :raises InputError: where no review of this session had it.
        """
        wanted = _text(arguments, "id", "")
        told = self._told.get(wanted)
        if told is None:
            raise InputError(
                f"no review of this session found {wanted!r}; call review_change first"
            )
        document = _explanation(told)
        return Answer(_explanation_text(document), document)

    # --- what the arguments name ------------------------------------------------------------------

    def _path(self, text: str) -> Path:
        """A path below the roots, links followed; a relative one is meant from the first root."""
        path = (self.roots[0] / text).resolve() if "\0" not in text else None
        if path is None or not any(path.is_relative_to(root) for root in self.roots):
            allowed = ", ".join(map(str, self.roots))
            raise InputError(f"{text!r} lies outside of what may be read here: {allowed}")
        return path

    def _settings(self, directory: Path) -> Settings:
        from review_core.config import load_settings

        settings = load_settings(directory, {}, {}).settings
        own = self._own
        judge = replace(settings.judge, model=own.judge.model)
        return replace(settings, model=own.model, judge=judge, threads=own.threads, cache=own.cache)

    def _change(
        self, directory: Path, target: str | None, staged: bool, settings: Settings
    ) -> Change:
        from review_core.sources.filters import Limits
        from review_core.sources.git import git_change
        from review_core.sources.repository import open_repository

        with open_repository(directory) as repository:
            if not repository.is_bare:
                self._path(str(repository.work_tree()))  # it may begin above a root
        limits = Limits(
            max_file_bytes=settings.max_file_bytes,
            include=settings.include,
            exclude=settings.exclude,
        )
        return git_change(directory, target, staged=staged, limits=limits)

    def _version(self, value: Any, what: str) -> tuple[str, str | None]:
        """A text, and the path below the roots that it was read from, if it was."""
        if not isinstance(value, Mapping) or ("text" in value) == ("path" in value):
            raise InputError(f"{what} must be an object with either a text or a path")
        if "text" in value:
            return _text(value, "text", ""), None
        path = self._path(_text(value, "path", ""))
        try:
            if path.stat().st_size > self._own.max_file_bytes or not path.is_file():
                raise InputError(f"{path} is no file, or too large; give a source file")
            return path.read_bytes().decode("utf-8-sig"), path.name
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {path}: {error}") from error

    # --- the model --------------------------------------------------------------------------------

    def _model(self) -> tuple[Scorer, Calibration]:
        if self._opened is None:
            scorer, calibration = self._open_scorer(self._own)
            if self._open_judge is not None:
                self._judge = self._open_judge(self._own, scorer.bundle, calibration)
            self._opened = scorer, calibration
        return self._opened

    def _remember(self, report: Report, calibration: Calibration) -> None:
        from review_core.findings import finding_id
        from review_core.renderers.view import speaker_of

        shown = {finding.id: finding for finding in report.findings}
        seen: Counter[str] = Counter()
        for review in report.functions:
            for score in review.scores.values():
                if score.verdict is not Verdict.WORSE:
                    continue
                bundle = speaker_of(score, report)
                key = finding_id(review.function, score.axis, score.criterion, bundle)
                seen[key] += 1  # findings.py numbers those that are alike in the same order
                finding = shown.get(key if seen[key] == 1 else f"{key}-{seen[key]}")
                if finding is not None:
                    by = self._judge.calibration if self._judge and score.by_judge else calibration
                    curve = by.of(score.criterion, review.function.language)
                    measured = by.precision.get(score.criterion)
                    told = _Told(finding, review, bundle, measured, curve.worse_at)
                    self._told[finding.id] = told
                    self._told.move_to_end(finding.id)
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)


OpenJudge = Callable[["Settings", "Model", "Calibration"], "JudgeModel[Scorer] | None"]
"""The judge that settings name, given the first model."""

Scoring = Callable[["Scorer"], "Scorer"]
"""Puts around the scorer what lets a call be stopped."""


# --- arguments -----------------------------------------------------------------------------------


def _text(arguments: Mapping[str, Any], name: str, default: str) -> str:
    value = arguments.get(name, default)
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text")
    return value


def _flag(arguments: Mapping[str, Any], name: str) -> bool:
    value = arguments.get(name, False)
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false")
    return value


def _file_of(language: str) -> str:
    from review_core.languages import LANGUAGES, language_named

    known = language_named(language)
    if known is None:
        names = ", ".join(each.name for each in LANGUAGES)
        raise InputError(f"language says what a text is written in, one of {names}")
    return f"base{known.extensions[0]}"


def _file_change(path: str, base: str, text: str, settings: Settings) -> tuple[FileChange, ...]:
    from review_core.sources.filters import Limits, refused_by_name, reviewed
    from review_core.types import Skipped

    limits = Limits(max_file_bytes=settings.max_file_bytes)
    found = refused_by_name(path, limits)
    item = found or reviewed(path, base.encode(), text.encode(), limits)
    if isinstance(item, Skipped):
        raise InputError(f"{path} cannot be compared: {item.reason}")
    return () if item is None else (item,)


# --- answers -------------------------------------------------------------------------------------


def _report_text(report: Report) -> str:
    from review_core.renderers.view import causes, counted, models

    functions = counted(report.statistics.functions, "changed function")
    lines = [
        f"{counted(len(report.findings), 'finding')} in {functions} "
        f"of {counted(report.statistics.files, 'file')}; model {models(report)}"
    ]
    for finding in report.findings:
        where = f"{finding.path}:{finding.start_line}"
        lines.append(f"{finding.id} {where} {finding.function}: {finding.message}")
        lines += [f"  {each}" for each in causes(finding)]
    lines += [f"note: {notice}" for notice in report.notices]
    if not report.findings:
        lines.append("No finding is not praise: it means that the model is not sure of any harm.")
    return "\n".join(lines)


def _ranking_text(document: Mapping[str, Any]) -> str:
    lines = []
    for order in document["orders"]:
        groups = " > ".join(" = ".join(group) for group in order["groups"])
        if set(order["axes"]) <= set(document["silent"]):
            groups = "the model is not precise enough on it to speak"
        lines.append(f"{' + '.join(order['axes'])}: {groups}")
    best = [name for name, each in document["trade_offs"].items() if each["best"]]
    lines.append(
        f"best: {', '.join(best)} (raises an axis, lowers none, beaten by nothing)"
        if best
        else "no candidate is better than the base on some axis and worse on none"
    )
    lines.append('"=" is a tie: the model cannot tell them apart')
    lines += [
        f"note: {each['candidate']}: {each['what']}: {each['reason']}"
        for each in document["left_out"]
    ]
    return "\n".join(lines)


def _explanation(told: _Told) -> dict[str, Any]:
    from review_core.pages import axis_page

    finding, function = told.finding, told.review.function
    page = axis_page(finding.axis)
    base, head = (
        [] if side is None else side.text.splitlines() for side in (function.base, function.head)
    )
    diff = difflib.unified_diff(base, head, "base", "head", lineterm="")
    return {
        "id": finding.id,
        "path": finding.path,
        "function": finding.function,
        "lines": [finding.start_line, finding.end_line],
        "axis": finding.axis.value,
        "criterion": finding.criterion,
        "message": finding.message,
        "p_worse": round(1 - finding.preference, 3),
        "p_worse_needed": None if told.needed is None else round(1 - told.needed, 3),
        "precision_measured": told.measured,
        "model": {"name": told.bundle.name, "sha256": told.bundle.sha256},
        "diff": "\n".join(diff),
        "parts": [
            {
                "lines": [cause.start_line, cause.end_line],
                "p_worse_without": round(1 - cause.without, 3),
                "p_worse_alone": None if cause.alone is None else round(1 - cause.alone, 3),
            }
            for cause in finding.causes
        ],
        "axis_page": None if page is None else page.read_text(encoding="utf-8"),
    }


def _evidence(document: Mapping[str, Any]) -> str:
    if document["precision_measured"] is None:
        return "How often such findings are right was not measured for this model."
    return (
        f"The model speaks from P(worse) {document['p_worse_needed']} on, and was right "
        f"{document['precision_measured']:.0%} of the time on repositories it had not seen."
    )


def _explanation_text(document: Mapping[str, Any]) -> str:
    first, last = document["lines"]
    lines = [
        f"{document['path']}:{first}-{last} {document['function']}: {document['message']}",
        _evidence(document),
        "It is a model's opinion of this function's text alone: read the change before you act.",
        "",
        document["diff"],
        "",
    ]
    for part in document["parts"]:
        start, end = part["lines"]
        alone = part["p_worse_alone"]
        told = "" if alone is None else f", {alone} with nothing else"
        lines.append(f"lines {start}-{end}: P(worse) {part['p_worse_without']} without{told}")
    if not document["parts"]:
        lines.append("The change is one part: there is nothing to take back alone.")
    if document["axis_page"]:
        lines += ["", document["axis_page"]]
    return "\n".join(lines)
