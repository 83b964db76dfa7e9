"""What the model, its calibration and the settings say of margins: verdicts, notes and notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from review_core.calibration import Calibration
from review_core.config import AxisMode, OutOfDistribution, Settings
from review_core.findings import percent
from review_core.gates import refused
from review_core.languages import Language
from review_core.margins import Manifest, Margins
from review_core.path_rules import modes_of
from review_core.types import Axis, AxisScore, ChangedFunction, Verdict


def unsure(score: AxisScore, why: str) -> AxisScore:
    """The score without its verdict, and why."""
    return replace(score, verdict=Verdict.UNSURE, why=why)


@dataclass(frozen=True, slots=True)
class Judge:
    """What the model, its calibration and the settings say of margins."""

    model: Manifest
    calibration: Calibration
    settings: Settings

    def may_score(self, function: ChangedFunction) -> bool:
        """Whether there are two sides, of a language the model knows or is told to score."""
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

    def scores(self, margins: Margins, language: Language) -> dict[Axis, AxisScore]:
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

    def holds(self, score: AxisScore, margins: Margins, language: Language) -> bool:
        """Whether the same criterion says the same at `margins`. Being unsure always holds."""
        again = self._score(score.axis, score.criterion, margins[score.criterion], language)
        return score.verdict in (Verdict.UNSURE, again.verdict)

    def _score(self, axis: Axis, criterion: str, margin: float, language: Language) -> AxisScore:
        preference = self.calibration.preference(criterion, margin, language.name)
        wanted = self.settings.axes[axis].worse_at
        verdict = self.calibration.verdict(criterion, preference, language.name, worse_at=wanted)
        speaks = verdict is not Verdict.UNSURE or self._speaks(criterion, language.name)
        return AxisScore(axis, criterion, margin, preference, verdict, speaks=speaks)

    def _speaks(self, criterion: str, language: str | None = None) -> bool:
        """Whether the model was ever precise enough on this criterion to say something."""
        curve = self.calibration.of(criterion, language)
        return curve.worse_at is not None or curve.better_at is not None

    def may_speak(self, axis: Axis, language: str | None = None) -> bool:
        """Whether some verdict on the axis is possible at all, of a language or of some."""
        if self.settings.axes[axis].worse_at is not None:
            return bool(self.model.axes.get(axis))
        return any(self._speaks(each, language) for each in self.model.axes.get(axis, ()))

    def notices(
        self, touched: Sequence[ChangedFunction], second: Judge | None = None
    ) -> Iterator[str]:
        """What a reader must know of the whole.

        :param second: of the model that is asked where this one gives no verdict.
        """
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
                if second is not None and second.may_speak(axis):
                    yield f"{axis}: the model is not precise enough on it to speak, the judge is"
                else:
                    yield f"{axis}: no verdicts, the model is not precise enough on it to speak"
            if refusal := refused(axis, criteria, self.settings, self.calibration):
                but = "; those of the judge block" if second and second.may_block(axis) else ""
                yield f"{refusal}{but}"

    def may_block(self, axis: Axis) -> bool:
        """Whether findings on the axis are measured well enough to fail a check."""
        criteria = self.model.axes.get(axis, ())
        return bool(criteria) and not refused(axis, criteria, self.settings, self.calibration)

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
