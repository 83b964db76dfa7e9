"""A change in, a Report out: `review` reads like the table in ARCHITECTURE. No I/O, no showing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from review_core.attribution import Part, parts_of
from review_core.baseline import NO_BASELINE, Baseline
from review_core.calibration import Calibration
from review_core.comments import same_code, without_comments
from review_core.config import AxisMode, OutOfDistribution, Settings
from review_core.excuses import (
    NOT_OF_TESTS,
    ONLY_IMPORTS,
    TEST_CODE,
    is_test,
    only_imports_changed,
)
from review_core.findings import findings_of, percent, suppressions_of, unused, withhold
from review_core.gates import refused
from review_core.languages import Language, language_named, language_of
from review_core.layout import normalise
from review_core.moves import moved_code
from review_core.pairing import changed_functions
from review_core.path_rules import mode_at, modes_of
from review_core.types import (
    Axis,
    AxisScore,
    BundleIdentity,
    Cause,
    Change,
    ChangedFunction,
    FileChange,
    Finding,
    FunctionReview,
    Report,
    Skipped,
    Statistics,
    Verdict,
)

LAYOUT_ONLY = "only comments or layout changed"
LEANS_ON_COMMENTS = "leans on comments"

Progress = Callable[[int, int], None]


class Manifest(Protocol):
    """What a review needs to know of a model."""

    @property
    def axes(self) -> Mapping[Axis, Sequence[str]]:
        """The criteria that serve each axis."""

    @property
    def languages(self) -> Sequence[str]:
        """The languages in distribution, by name."""

    @property
    def max_tokens(self) -> int:
        """The longest sequence it reads."""


class Model(Protocol):
    """The bundle behind a scorer."""

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""

    @property
    def identity(self) -> BundleIdentity:
        """Its name and hash."""


class Meter(Protocol):
    """What a scorer has done since it was made."""

    @property
    def sequences(self) -> int:
        """Sequences asked for."""

    @property
    def cache_hits(self) -> int:
        """Of these, answered from the cache."""

    @property
    def tokens(self) -> int:
        """Tokens in the sequences."""

    @property
    def tokens_computed(self) -> int:
        """Tokens that went through the model."""


class Scorer(Protocol):
    """What scores. `review_core.scorer.Scorer`, or a test's fake."""

    @property
    def bundle(self) -> Model:
        """Its model."""

    @property
    def statistics(self) -> Meter:
        """What it has done so far."""

    def rewards(
        self, codes: Sequence[str], *, intent: str = "", progress: Progress | None = None
    ) -> Sequence[Mapping[str, float] | None]:
        """Reward by criterion for each code, None where it is longer than the model reads."""


def review(
    change: Change,
    scorer: Scorer,
    calibration: Calibration,
    settings: Settings,
    *,
    baseline: Baseline = NO_BASELINE,
    progress: Progress | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Report:
    """Judge every function the change touches, on every axis the model serves.

    :param baseline: findings to withhold.
    :param progress: called with (done, total) while the model works.
    :param pause: called before each file is cut; it may do something else, or raise to stop.
    :raises BundleError: if the calibration lacks a criterion of the model.
    """
    started, before = time.perf_counter(), _counts(scorer.statistics)
    model = scorer.bundle
    judge = _Judge(model.manifest, calibration, settings)
    rewards = partial(scorer.rewards, intent=change.intent or "")

    files, skipped = _readable(change)
    touched = list(_touched(files, pause))
    reviews = [FunctionReview(function, note=judge.note(function)) for function in touched]
    reviews = _score(reviews, judge, partial(rewards, progress=progress))
    reviews = _excuse(reviews)
    if settings.honesty_check:
        reviews = _check_honesty(reviews, judge, rewards)
    found = findings_of(reviews, model.identity, model.manifest.axes)
    asked = [
        suppression
        for file in files
        for suppression in suppressions_of(file.change, file.language, reviews)
    ]
    shown, withheld = withhold(found, asked, settings, baseline.ids)
    of = {each.finding.id: each.review for each in found}
    shown = tuple(_attributed([(each, of[each.id]) for each in shown], judge, rewards))

    return Report(
        bundle=model.identity,
        base=change.base,
        head=change.head,
        intent=change.intent,
        functions=tuple(_without_silenced(each, settings) for each in reviews),
        findings=shown,
        withheld=withheld,
        skipped=skipped,
        notices=(
            *judge.notices(touched),
            *unused(asked, found),
            *baseline.notices(model.identity),
        ),
        statistics=Statistics(
            time.perf_counter() - started,
            len(files),
            len(touched),
            *(now - then for now, then in zip(_counts(scorer.statistics), before, strict=True)),
        ),
    )


# --- what is reviewed ----------------------------------------------------------------------------


def _touched(files: Iterable[_File], pause: Callable[[], None]) -> Iterator[ChangedFunction]:
    for file in files:
        pause()
        yield from changed_functions(file.change, file.language)


@dataclass(frozen=True, slots=True)
class _File:
    change: FileChange
    language: Language


def _readable(change: Change) -> tuple[list[_File], tuple[Skipped, ...]]:
    files, skipped = [], list(change.skipped)
    for each in change.files:
        language = language_of(each.path)
        if language is None:
            skipped.append(Skipped(each.path, "not a language Themis reads"))
        else:
            files.append(_File(each, language))
    return files, tuple(skipped)


def _counts(meter: Meter) -> tuple[int, int, int, int]:
    return meter.sequences, meter.cache_hits, meter.tokens, meter.tokens_computed


def _without_silenced(review: FunctionReview, settings: Settings) -> FunctionReview:
    scores = {
        axis: score
        for axis, score in review.scores.items()
        if mode_at(review.function.path, axis, settings) is not AxisMode.OFF
    }
    return replace(review, scores=scores)


# --- scoring -------------------------------------------------------------------------------------

_Rewards = Callable[[Sequence[str]], Sequence[Mapping[str, float] | None]]
_Margins = Mapping[str, float]


def _score(
    reviews: Sequence[FunctionReview], judge: _Judge, rewards: _Rewards
) -> list[FunctionReview]:
    """The reviews with scores where there are two sides, of a language and length we may score."""
    scored = list(reviews)
    at = [index for index, each in enumerate(reviews) if judge.may_score(each.function)]
    pairs = [_sides(reviews[index].function) for index in at]
    for index, pair, margins in zip(at, pairs, _margins(pairs, rewards), strict=True):
        review = scored[index]
        if margins is None:
            limit = judge.model.max_tokens
            note = f"not scored: longer than the {limit} tokens the model reads"
            scored[index] = FunctionReview(review.function, note=note)
            continue
        language = _language(review.function)
        scores = judge.scores(margins, language)
        if same_code(*pair, language):
            # Readability and maintainability too: a comment must not buy a verdict, and the noise
            # budget that thresholds come from counts any word on such an edit as a wrong one.
            scores = {axis: _unsure(score, LAYOUT_ONLY) for axis, score in scores.items()}
        scored[index] = replace(review, scores=scores)
    return scored


def _excuse(reviews: Sequence[FunctionReview]) -> list[FunctionReview]:
    """No verdict where the model cannot know: moved code, imports, some axes of tests."""
    moved = moved_code([review.function for review in reviews])
    excused = []
    for review, phrase in zip(reviews, moved, strict=True):
        if phrase is None and only_imports_changed(review.function):
            phrase = ONLY_IMPORTS
        scores = {
            axis: _unsure(score, why) if (why := phrase or _test_excuse(review, score)) else score
            for axis, score in review.scores.items()
        }
        excused.append(replace(review, scores=scores))
    return excused


def _test_excuse(review: FunctionReview, score: AxisScore) -> str | None:
    silent = score.verdict is Verdict.UNSURE or score.axis not in NOT_OF_TESTS
    return None if silent or not is_test(review.function.path) else TEST_CODE


def _check_honesty(
    reviews: Sequence[FunctionReview], judge: _Judge, rewards: _Rewards
) -> list[FunctionReview]:
    """Score what got a verdict again without comments; what does not hold becomes unsure."""
    checked = list(reviews)
    at, bare = [], []
    for index, review in enumerate(reviews):
        if any(score.verdict is not Verdict.UNSURE for score in review.scores.values()):
            language = _language(review.function)
            base, head = _sides(review.function)
            pair = without_comments(base, language), without_comments(head, language)
            if pair != (base, head):
                at.append(index)
                bare.append(pair)
    for index, margins in zip(at, _margins(bare, rewards), strict=True):
        review = reviews[index]
        language = _language(review.function)
        scores = {
            axis: score
            if margins is not None and judge.holds(score, margins, language)
            else _unsure(score, LEANS_ON_COMMENTS)
            for axis, score in review.scores.items()
        }
        checked[index] = replace(review, scores=scores)
    return checked


def _attributed(
    shown: Sequence[tuple[Finding, FunctionReview]], judge: _Judge, rewards: _Rewards
) -> Iterator[Finding]:
    """The findings, each with what each part of its function's change has to do with it."""
    parts: dict[int, tuple[Part, ...]] = {}
    for _, review in shown:
        base, head = review.function.base, review.function.head
        if id(review) not in parts and base is not None and head is not None:
            parts[id(review)] = parts_of(base, head, _language(review.function))
    texts = [
        text
        for _, review in shown
        for part in parts[id(review)]
        for text in (_sides(review.function)[0], part.without, part.alone)
        if text is not None
    ]
    codes = list(dict.fromkeys(map(normalise, texts)))
    known = dict(zip(codes, rewards(codes) if codes else (), strict=True))
    for finding, review in shown:
        yield _with_causes(finding, review.function, parts[id(review)], judge, known)


def _with_causes(
    finding: Finding,
    function: ChangedFunction,
    parts: Sequence[Part],
    judge: _Judge,
    known: Mapping[str, Mapping[str, float] | None],
) -> Finding:
    base = _sides(function)[0]

    def margin(text: str | None) -> float | None:
        ours, theirs = None if text is None else known[normalise(text)], known[base]
        return ours[finding.criterion] - theirs[finding.criterion] if ours and theirs else None

    def preference(found: float) -> float:
        return judge.calibration.preference(finding.criterion, found, function.language)

    causes: list[tuple[float, Cause]] = []
    left: float | None = finding.margin
    for part in parts:
        without, alone = margin(part.without), margin(part.alone)
        if without is None:
            return finding  # longer than the model reads
        harms = [without - finding.margin, *([] if alone is None else [-alone])]
        told = None if alone is None else preference(alone)
        cause = Cause(part.lines.start, part.lines.end, preference(without), told)
        causes.append((sum(harms) / len(harms), cause))
        left = None if left is None or alone is None else left - alone
    if not causes:
        return finding
    ordered = [cause for _, cause in sorted(causes, key=lambda each: -each[0])]
    finding = replace(finding, causes=tuple(ordered), interaction=left)
    first = ordered[0]
    if first.without - finding.preference < _TELLING:
        return finding
    return replace(
        finding,
        start_line=first.start_line,
        end_line=first.end_line,
        message=f"{finding.message}; without these lines {percent(1 - first.without)}",
    )


_TELLING = 0.05
"""What a part must be worth in P(worse) for the finding to point at it alone."""


def _margins(pairs: Sequence[tuple[str, str]], rewards: _Rewards) -> Iterator[_Margins | None]:
    """reward(head) - reward(base) by criterion, asked at once; None where a side is too long."""
    codes = [code for pair in pairs for code in pair]
    answers = rewards(codes) if codes else ()
    for base, head in zip(answers[::2], answers[1::2], strict=True):
        if base is None or head is None:
            yield None
        else:
            yield {criterion: head[criterion] - base[criterion] for criterion in head}


def _sides(function: ChangedFunction) -> tuple[str, str]:
    if function.base is None or function.head is None:
        raise ValueError(f"{function.path}: {function.name} has one side only")
    return normalise(function.base.text), normalise(function.head.text)


def _language(function: ChangedFunction) -> Language:
    language = language_named(function.language)
    if language is None:
        raise ValueError(f"{function.path}: {function.language} is not a language of ours")
    return language


def _unsure(score: AxisScore, why: str) -> AxisScore:
    return replace(score, verdict=Verdict.UNSURE, why=why)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What the model, its calibration and the settings say of margins."""

    model: Manifest
    calibration: Calibration
    settings: Settings

    def may_score(self, function: ChangedFunction) -> bool:
        two_sides = function.base is not None and function.head is not None
        return two_sides and (
            function.language in self.model.languages
            or self.settings.out_of_distribution is OutOfDistribution.SCORE
        )

    def note(self, function: ChangedFunction) -> str | None:
        """What a reader must know of a function beside its scores."""
        notes = []
        if function.base is None or function.head is None:
            notes.append("new" if function.base is None else "deleted")
        elif function.language not in self.model.languages:
            prefix = "" if self.may_score(function) else "not scored: "
            notes.append(f"{prefix}the model was not trained on {function.language}")
        if function.head is not None and function.head.has_error:
            notes.append("syntax error")
        elif function.head is not None and function.base is not None and function.base.has_error:
            notes.append("syntax error in base")
        return "; ".join(notes) or None

    def scores(self, margins: _Margins, language: Language) -> dict[Axis, AxisScore]:
        """For each axis its most confident criterion; those that can give a verdict come first."""
        found: dict[Axis, AxisScore] = {}
        for axis in Axis:
            candidates = [
                self._score(axis, criterion, margins[criterion], language)
                for criterion in self.model.axes.get(axis, ())
            ]
            if candidates:
                found[axis] = max(
                    candidates,
                    key=lambda each: (
                        each.verdict is not Verdict.UNSURE,
                        each.speaks,
                        abs(each.preference - 0.5),
                    ),
                )
        return found

    def holds(self, score: AxisScore, margins: _Margins, language: Language) -> bool:
        """Whether the same criterion says the same at `margins`. Being unsure always holds."""
        again = self._score(score.axis, score.criterion, margins[score.criterion], language)
        return score.verdict in (Verdict.UNSURE, again.verdict)

    def _score(self, axis: Axis, criterion: str, margin: float, language: Language) -> AxisScore:
        preference = self.calibration.preference(criterion, margin, language.name)
        verdict = self.calibration.verdict(criterion, preference, language.name)
        wanted = self.settings.axes[axis].worse_at
        if wanted is not None and 1 - preference >= wanted:
            verdict = Verdict.WORSE
        elif wanted is not None and verdict is Verdict.WORSE:
            verdict = Verdict.UNSURE
        speaks = verdict is not Verdict.UNSURE or self._speaks(criterion, language.name)
        return AxisScore(axis, criterion, margin, preference, verdict, speaks=speaks)

    def _speaks(self, criterion: str, language: str | None = None) -> bool:
        """Whether the model was ever precise enough on this criterion to say something."""
        curve = self.calibration.of(criterion, language)
        return curve.worse_at is not None or curve.better_at is not None

    def notices(self, touched: Sequence[ChangedFunction]) -> Iterator[str]:
        """What a reader must know of the whole."""
        foreign = Counter(
            function.language
            for function in touched
            if function.base and function.head and function.language not in self.model.languages
        )
        for language, count in sorted(foreign.items()):
            functions = f"{count} function" + ("s" if count > 1 else "")
            if self.settings.out_of_distribution is OutOfDistribution.SCORE:
                yield f"{language}: {functions} scored though the model was not trained on it"
            else:
                yield (
                    f"{language}: {functions} not scored, the model was not trained on it; "
                    'out_of_distribution = "score" scores them all the same'
                )
        for axis, settings in self.settings.axes.items():
            criteria = self.model.axes.get(axis, ())
            if modes_of(axis, self.settings) == {AxisMode.OFF}:
                continue
            if settings.worse_at is not None:
                yield from self._loosened(axis, settings.worse_at)
            elif not any(map(self._speaks, criteria)):
                yield f"{axis}: no verdicts, the model is not precise enough on it to speak"
            if refusal := refused(axis, criteria, self.settings, self.calibration):
                yield refusal

    def _loosened(self, axis: Axis, wanted: float) -> Iterator[str]:
        for criterion in self.model.axes.get(axis, ()):
            measured = self.calibration.of(criterion).worse_at
            if measured is None:
                yield f"{axis}: findings by configuration; the model's own were not precise enough"
            elif wanted < 1 - measured:
                yield (
                    f"{axis}: findings from P(worse) {percent(wanted)} by configuration; "
                    f"{percent(1 - measured)} is what was measured to be precise enough"
                )
