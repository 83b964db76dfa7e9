"""A pull request that was read, reviewed: in slices, the riskiest first, until the time is over.

What is told at the end comes from one review of all that was looked at, answered from memory. So it
does not depend on how the work was cut, and is what `themis review base...head` says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from github_app.errors import StoppedError
from github_app.reading import Reading
from github_app.risk import by_risk
from review_core import api, margins
from review_core.baseline import Baseline
from review_core.calibration import Calibration
from review_core.cascade import JudgeModel
from review_core.config import OutOfDistribution, Resolved, Settings, foreign_settings
from review_core.languages import LANGUAGES
from review_core.loading import load_judge, load_scorer
from review_core.types import (
    Change,
    FileChange,
    JudgeStatistics,
    Report,
    Skipped,
    Statistics,
)

OUT_OF_TIME = "not looked at: the time for this pull request was over"

_STOPPED = "told to stop while scoring"

_SLICE = 100_000
"""Characters of both sides that are scored together: enough to share work, few enough to stop."""

_ASK_EVERY = 0.5
"""Seconds between questions whether the review is still wanted."""

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


class Scorer(margins.Scorer, Protocol):
    """A scorer that can be stopped; `review_core.scorer.Scorer`."""

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Progress | None = None,
        cancelled: Stop | None = None,
    ) -> Sequence[Mapping[str, float] | None]:
        """As api's.

        :raises concurrent.futures.CancelledError: once `cancelled` says so.
        """


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of a pull request.

    report: of the files that were looked at; all others are in report.skipped with their reasons.
    files: those looked at, by path. left_out: files that were skipped for time or size alone.
    configuration: settings with where each came from. seconds: how long scoring might take. judge:
    the second model's calibration, where there is one.
    """

    report: Report
    files: Mapping[str, FileChange]
    left_out: tuple[Skipped, ...]
    configuration: Resolved
    base_tip: str
    seconds: float
    judge: Calibration | None = None

    @property
    def coverage(self) -> str | None:
        """What part was looked at, in a clause; None if it was all."""
        if not self.left_out:
            return None
        looked_at, all_ = len(self.files), len(self.files) + len(self.left_out)
        return (
            f"{looked_at} of {all_} files were looked at, those with most changed code first; "
            f"a review may take {self.seconds:g} s and read so much text"
        )


class Reviewer:
    """Reviews with one scorer, which is kept. One review at a time; others wait."""

    def __init__(
        self,
        scorer: Scorer,
        calibration: Calibration,
        host: Mapping[str, Any],
        *,
        seconds: float,
        judge: JudgeModel[Scorer] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Review with a scorer made from the host's settings.

        :param host: dotted keys that our side sets, whatever a repository says.
        :param seconds: that one review may score, at most; a repository may ask for less.
        :param judge: the second model that the host's settings name.
        """
        self.calibration = calibration
        self.judge = judge
        self._scorer = scorer
        self._host = host
        self._seconds = seconds
        self._clock = clock
        self._scoring = threading.Lock()

    def configure(self, texts: Mapping[str, str]) -> Resolved:
        """Settings from the base branch's configuration files, by name.

        :raises ConfigurationError: naming key and file of the first thing wrong.
        """
        return foreign_settings(texts, self._host)

    def review(
        self,
        reading: Reading,
        *,
        stop: Stop = lambda: False,
        progress: Progress | None = None,
    ) -> Reviewed:
        """What the model says of a pull request.

        :param stop: asked twice a second at most, also while the model works.
        :param progress: told of (done, all) files.
        :raises StoppedError: once `stop` says so; what was scored stays in the cache.
        """
        with self._alone(stop):
            return self._review(reading, stop, progress)

    def _review(self, reading: Reading, stop: Stop, progress: Progress | None) -> Reviewed:
        settings = reading.configuration.settings
        change = reading.change
        seconds = min(self._seconds, settings.pull_request.time_budget_seconds)
        watch = _Watch(self._clock, stop, seconds)
        scorer = _Remembering(self._scorer, watch)
        heard: list[_Remembering] = []  # once the judge is open; the same for every slice

        def remembering(opened: Scorer) -> _Remembering:
            if not heard:
                heard.append(_Remembering(opened, watch))
            return heard[0]

        second = None if self.judge is None else self.judge.within(remembering)
        files = by_risk(change.files, self._languages(settings))
        looked_at, report = self._looked_at(
            change, files, scorer, second, settings, reading.baseline, watch, progress
        )
        late = tuple(
            Skipped(each.path, OUT_OF_TIME) for each in change.files if each.path not in looked_at
        )
        if report is None:
            watch.seconds = None  # all that follows was scored before
            told = replace(
                change,
                files=tuple(each for each in change.files if each.path in looked_at),
                skipped=tuple(sorted((*change.skipped, *late), key=lambda each: each.path)),
            )
            try:
                report = self._report(told, scorer, second, settings, reading.baseline)
            except CancelledError:
                raise StoppedError(_STOPPED) from None
        return Reviewed(
            report=replace(
                report,
                notices=(*report.notices, *_refused(reading.configuration)),
                statistics=_counted(report.statistics, scorer, heard, watch),
            ),
            files=looked_at,
            left_out=(*reading.left_out, *late),
            configuration=reading.configuration,
            base_tip=reading.base_tip,
            seconds=seconds,
            judge=None if self.judge is None else self.judge.calibration,
        )

    def _looked_at(
        self,
        change: Change,
        files: Sequence[FileChange],
        scorer: _Remembering,
        second: JudgeModel[margins.Scorer] | None,
        settings: Settings,
        baseline: Baseline,
        watch: _Watch,
        progress: Progress | None,
    ) -> tuple[dict[str, FileChange], Report | None]:
        """The files scored in time; and the report, where one slice holds all."""
        looked_at: dict[str, FileChange] = {}
        slices = list(_slices(files))
        for part in slices:
            whole = len(slices) == 1
            told = change if whole else replace(change, files=tuple(part), skipped=())
            try:
                if watch.is_over():
                    break
                report = self._report(told, scorer, second, settings, baseline)
            except CancelledError:
                watch.raise_if_stopped()
                break
            looked_at |= {each.path: each for each in part}
            if progress is not None:
                progress(len(looked_at), len(files))
            if whole:
                return looked_at, report
        return looked_at, None

    def _report(
        self,
        change: Change,
        scorer: _Remembering,
        second: JudgeModel[margins.Scorer] | None,
        settings: Settings,
        baseline: Baseline,
    ) -> Report:
        return api.review(
            change, scorer, self.calibration, settings, baseline=baseline, second=second
        )

    def _languages(self, settings: Settings) -> frozenset[str]:
        if settings.out_of_distribution is OutOfDistribution.SCORE:
            return frozenset(language.name for language in LANGUAGES)
        return frozenset(self._scorer.bundle.manifest.languages)

    @contextmanager
    def _alone(self, stop: Stop) -> Iterator[None]:
        while not self._scoring.acquire(timeout=_ASK_EVERY):
            if stop():
                raise StoppedError("told to stop while another review was scored")
        try:
            yield
        finally:
            self._scoring.release()


def load_reviewer(host: Mapping[str, Any], *, seconds: float) -> Reviewer:
    """A reviewer with the model that the host's settings name.

    :param host: dotted keys: `model`, `threads`, `cache.directory`, ...
    :raises BundleError: if a bundle cannot be used.
    :raises ConfigurationError: if the judge can add nothing to the model.
    """
    settings = foreign_settings({}, host).settings
    scorer, calibration = load_scorer(settings)
    judge = load_judge(settings, scorer.bundle, calibration)
    return Reviewer(scorer, calibration, host, seconds=seconds, judge=judge)


class _Watch:
    """When a review has to end. seconds: from when it was made; None: no longer by time."""

    def __init__(self, clock: Callable[[], float], stop: Stop, seconds: float) -> None:
        self.seconds: float | None = seconds
        self._clock = clock
        self._stop = stop
        self._started = clock()
        self._asked = float("-inf")
        self._stopped = False

    def is_over(self) -> bool:
        """Whether time is over, or nobody wants to know any more."""
        now = self._clock()
        if not self._stopped and now - self._asked >= _ASK_EVERY:
            self._asked = now
            self._stopped = self._stop()
        late = self.seconds is not None and self.passed() >= self.seconds
        return self._stopped or late

    def passed(self) -> float:
        """Seconds since it was made."""
        return self._clock() - self._started

    def raise_if_stopped(self) -> None:
        """Tell apart why it is over."""
        if self._stopped:
            raise StoppedError(_STOPPED)


class _Remembering:
    """A scorer that scores nothing twice during one review, and stops when it is over."""

    def __init__(self, scorer: Scorer, watch: _Watch) -> None:
        self._scorer = scorer
        self._watch = watch
        self._known: dict[tuple[str, str], Mapping[str, float] | None] = {}
        self._before = margins.read_meter(scorer.statistics)

    @property
    def bundle(self) -> margins.Model:
        return self._scorer.bundle

    @property
    def statistics(self) -> margins.Meter:
        return self._scorer.statistics

    def rewards(
        self, codes: Sequence[str], *, intent: str = "", progress: Progress | None = None
    ) -> list[Mapping[str, float] | None]:
        new = [code for code in dict.fromkeys(codes) if (code, intent) not in self._known]
        if new:
            if self._watch.is_over():
                raise CancelledError
            rewards = self._scorer.rewards(new, intent=intent, cancelled=self._watch.is_over)
            self._known |= {
                (code, intent): reward for code, reward in zip(new, rewards, strict=True)
            }
        return [self._known[code, intent] for code in codes]

    @property
    def spent(self) -> margins.Counts:
        """What all slices cost together."""
        return margins.read_meter(self._scorer.statistics, self._before)


def _counted(
    told: Statistics, scorer: _Remembering, heard: Sequence[_Remembering], watch: _Watch
) -> Statistics:
    """A report's statistics, with what all slices cost.

    :param heard: the judge, if it was opened.
    """
    judge = told.judge
    if judge is not None and heard:
        judge = JudgeStatistics(judge.functions, *heard[0].spent)
    return Statistics(watch.passed(), told.files, told.functions, *scorer.spent, judge=judge)


def _slices(files: Sequence[FileChange]) -> Iterator[list[FileChange]]:
    """The files in order, so many together as `_SLICE` says, one at least."""
    part: list[FileChange] = []
    size = 0
    for file in files:
        length = len(file.base or "") + len(file.head or "")
        if part and size + length > _SLICE:
            yield part
            part, size = [], 0
        part.append(file)
        size += length
    yield part


def _refused(configuration: Resolved) -> Iterator[str]:
    """What the repository may not decide, and tried to."""
    for key, origin in configuration.origins.items():
        if origin.endswith("may not set it"):
            yield f"{key} is not taken from the repository: it decides over the machine"
