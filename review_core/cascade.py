"""A second, better model, the judge, is asked where the first leans and gives no verdict.

Who is asked is settled one function at a time, from the first model's numbers of that function
alone, so that the editor, a terminal and a pull request ask the same and hear the same:

    put to the judge     on some axis on which the first can speak it is unsure by the number alone,
                         and holds one side for `leaning_from` or likelier
    the judge speaks     on each axis of that function on which the first leans so far, one on
                         which it can never speak included, where the judge can
    a verdict stands     unless the first leans the other way

`judge.max_functions` alone looks at the whole change. It only ever takes verdicts away, and says
so. docs/cascade.md has the reasons, with figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from review_core.calibration import Calibration
from review_core.config import AxisMode, Settings
from review_core.errors import ConfigurationError
from review_core.excuses import NOT_OF_TESTS, is_test
from review_core.judge import Judge, unsure
from review_core.margins import (
    Counts,
    Manifest,
    Model,
    Progress,
    Rewards,
    Scorer,
    language_at,
    read_meter,
)
from review_core.path_rules import mode_at
from review_core.reading import margins_read
from review_core.types import (
    Axis,
    AxisScore,
    BundleIdentity,
    ChangedFunction,
    FunctionReview,
    JudgeStatistics,
    Verdict,
)

DISAGREES = "the judge leans the other way"
TOO_LONG = "longer than the judge reads"
OVER_LIMIT = "not put to the judge: max_functions was reached"

Checks = Callable[[Sequence[FunctionReview], Judge, Rewards], Sequence[FunctionReview]]
"""What verdicts have to hold against; `honesty.check_honesty`."""


Opened = TypeVar("Opened", bound=Scorer, covariant=True)


@dataclass(frozen=True, slots=True)
class JudgeModel(Generic[Opened]):
    """A judge that was named: what its bundle says of itself, and what opens it.

    open: its scorer, the same one each time. The first call reads the weights.
    """

    identity: BundleIdentity
    manifest: Manifest
    calibration: Calibration
    open: Callable[[], Opened]

    def within(self, wrap: Callable[[Opened], Scorer]) -> JudgeModel[Scorer]:
        """The same judge, with something around its scorer once that is open."""
        opened = self.open
        return JudgeModel(self.identity, self.manifest, self.calibration, lambda: wrap(opened()))


def check_pair(
    model: Model, calibration: Calibration, judge: JudgeModel[Scorer], settings: Settings
) -> None:
    """See that the second model can add to the first.

    :raises ConfigurationError: if it is the same, or there is no axis that both can speak on.
    """
    if judge.identity.sha256 == model.identity.sha256:
        raise ConfigurationError(
            f"the judge is the model itself, {model.identity.name}; name another bundle with "
            "--judge, THEMIS_JUDGE or judge.model"
        )
    first = Judge(model.manifest, calibration, settings)
    second = Judge(judge.manifest, judge.calibration, settings)
    if not any(first.may_speak(axis) and second.may_speak(axis) for axis in Axis):
        raise ConfigurationError(
            f"the judge {judge.identity.name} would never be asked: there is no axis on which both "
            f"it and {model.identity.name} are precise enough to speak; name another bundle with "
            "--judge, THEMIS_JUDGE or judge.model"
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A function that is put to the judge. lean: the most of its axes, in [.5, 1]."""

    index: int
    axes: frozenset[Axis]
    lean: float


def cases_of(reviews: Sequence[FunctionReview], rules: Judge) -> Iterator[Case]:
    """The functions to put to the judge, in the order of the reviews.

    :param rules: by which the judge speaks.
    """
    for index, review in enumerate(reviews):
        leaning = [each for each in review.scores.values() if _is_open(each, review, rules)]
        # A mute axis asks for nobody: its numbers were never measured to mean much, and they would
        # bring the judge every second function.
        told = (each.speaks or rules.settings.axes[each.axis].worse_at for each in leaning)
        if any(told) and rules.may_score(review.function):
            axes = frozenset(each.axis for each in leaning)
            yield Case(index, axes, max(map(_lean, leaning)))


class Hearing:
    """What the judge says in one review, and what that cost. Opens it when there is a case."""

    def __init__(
        self,
        judge: JudgeModel[Scorer],
        settings: Settings,
        *,
        intent: str = "",
        progress: Progress | None = None,
    ) -> None:
        self.rules = Judge(judge.manifest, judge.calibration, settings)
        self._judge = judge
        self._settings = settings
        self._intent = intent
        self._progress = progress
        self._scorer: Scorer | None = None
        self._before: Counts = (0, 0, 0, 0)
        self._heard = 0
        self._over = 0
        self._read: dict[int, FunctionReview] = {}

    def hear(
        self, reviews: Sequence[FunctionReview], checks: Checks | None
    ) -> list[FunctionReview]:
        """The reviews, with the judge's word where it was asked.

        :param checks: what its verdicts have to hold against; None: nothing.
        :raises BundleError: if the judge cannot be opened.
        """
        heard = list(reviews)
        cases = sorted(cases_of(reviews, self.rules), key=lambda each: (-each.lean, each.index))
        limit = self._settings.judge.max_functions
        asked = cases if limit is None else cases[:limit]
        self._heard, self._over = len(asked), len(cases) - len(asked)
        for case in cases[len(asked) :]:
            heard[case.index] = _silent(reviews[case.index], case.axes, OVER_LIMIT)
        spoken = self._spoken(reviews, sorted(asked, key=lambda each: each.index))
        if checks is not None and spoken:
            checked = checks(list(spoken.values()), self.rules, self.rewards)
            spoken = dict(zip(spoken, checked, strict=True))
        for case in asked:
            review = reviews[case.index]
            if case.index in spoken:
                heard[case.index] = _joined(review, spoken[case.index])
            else:
                heard[case.index] = _silent(review, case.axes, TOO_LONG)
        return heard

    def as_read(self, review: FunctionReview) -> FunctionReview:
        """A review that `hear` gave, with the window that the judge read of its function."""
        read = self._read.get(id(review.function), review)
        return replace(review, window=read.window)

    def rewards(self, codes: Sequence[str]) -> Sequence[Mapping[str, float] | None]:
        """The judge's own, by its own criteria."""
        return self._ask(codes)

    def notices(self) -> Iterator[str]:
        """What a reader must know of the whole."""
        if self._over:
            functions = f"{self._over} function" + ("s were" if self._over > 1 else " was")
            yield (
                f"{functions} not put to the judge, which hears {self._heard} in one review; "
                "a review of less may say more of them: raise judge.max_functions"
            )

    @property
    def statistics(self) -> JudgeStatistics:
        """What was asked so far, and what it cost."""
        if self._scorer is None:
            return JudgeStatistics(0, 0, 0, 0, 0)
        return JudgeStatistics(self._heard, *read_meter(self._scorer.statistics, self._before))

    def _ask(
        self, codes: Sequence[str], progress: Progress | None = None
    ) -> Sequence[Mapping[str, float] | None]:
        if self._scorer is None:
            self._scorer = self._judge.open()
            self._before = read_meter(self._scorer.statistics)
        return self._scorer.rewards(codes, intent=self._intent, progress=progress)

    def _spoken(
        self, reviews: Sequence[FunctionReview], asked: Sequence[Case]
    ) -> dict[int, FunctionReview]:
        """By index, a function with the judge's scores alone; none where it is too long."""
        # Without the first's windows: the judge may read more of a function, or less.
        whole = [replace(reviews[case.index], window=None, note=None) for case in asked]
        read = margins_read(whole, partial(self._ask, progress=self._progress))
        spoken = {}
        for case, (review, margins) in zip(asked, read, strict=True):
            if margins is not None:
                scores = self.rules.scores(margins, language_at(review.function))
                agreed = {axis: _agreed(review.scores[axis], scores[axis]) for axis in case.axes}
                spoken[case.index] = replace(review, scores=agreed)
                self._read[id(review.function)] = review
        return spoken


def _is_open(score: AxisScore, review: FunctionReview, rules: Judge) -> bool:
    """Whether the first leans and is silent for no other reason than its number."""
    function: ChangedFunction = review.function
    excused = score.axis in NOT_OF_TESTS and is_test(function.path)
    return (
        score.verdict is Verdict.UNSURE
        and score.why is None
        and not excused
        and _lean(score) >= rules.settings.judge.leaning_from
        and rules.may_speak(score.axis, function.language)
        and mode_at(function.path, score.axis, rules.settings) is not AxisMode.OFF
    )


def _lean(score: AxisScore) -> float:
    return max(score.preference, 1 - score.preference)


def _agreed(first: AxisScore, second: AxisScore) -> AxisScore:
    """The judge's score; without a verdict where the two pull in opposite directions."""
    said = replace(second, by_judge=True)
    opposed = (first.preference - 0.5) * (said.preference - 0.5) < 0
    return unsure(said, DISAGREES) if opposed and said.verdict is not Verdict.UNSURE else said


def _joined(first: FunctionReview, second: FunctionReview) -> FunctionReview:
    """The first's review with the judge's scores, and with what that read where it differs."""
    note = first.note
    if second.window is not None and second.window != first.window:
        note = "; ".join(filter(None, (note, f"the judge: {second.window.words}")))
    return replace(first, scores={**first.scores, **second.scores}, note=note)


def _silent(review: FunctionReview, axes: frozenset[Axis], why: str) -> FunctionReview:
    scores = {
        axis: unsure(score, why) if axis in axes else score for axis, score in review.scores.items()
    }
    return replace(review, scores=scores)
