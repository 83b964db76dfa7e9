"""Findings with what each part of a change has to do with them. What the parts are,
`review_core.attribution` says.

Texts are asked for in three rounds, and of each finding only what is still open: every part taken
back; each alone, where none of them is telling, which is how parts look that are harmful one
without the other; then the statements of the guiltiest part, if that is large. Each text is asked
for once, whatever the number of axes and findings. What the rounds cost and tell, as measured,
is in docs/attribution.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from review_core.attribution import Part, parts_inside, parts_of
from review_core.diff import hunks
from review_core.findings import percent
from review_core.judge import Judge
from review_core.layout import normalise
from review_core.margins import Rewards, language_at, sides_read
from review_core.types import Cause, Finding, Function, FunctionReview

TELLING = 0.05
"""What a part must be worth in P(worse) for the finding to point at it alone."""

MOST = 0.9
"""A statement is blamed for one around it if it gives back so much of the margin that this does."""

_HALF = 0.5
"""What a statement must give back of the finding's margin. Where all give back less, which one does
most says little of where the harm is: measured, it was near chance (docs/attribution.md)."""


def attributed(
    shown: Sequence[tuple[Finding, FunctionReview]], judge: Judge, rewards: Rewards
) -> Iterator[Finding]:
    """The findings, each with what each part of its function's change has to do with it."""
    parts: dict[int, tuple[Part, ...]] = {}
    cases = []
    for finding, review in shown:
        if id(review) not in parts:
            parts[id(review)] = parts_of(*_sides(review), language_at(review.function))
        cases.append(_Case(finding, review, parts[id(review)], judge))
    answers = _Answers(rewards)
    answers.ask(text for case in cases for text in case.taken_back())
    answers.ask(text for case in cases for text in case.alone(answers))
    pieces = [case.pieces(answers) for case in cases]
    answers.ask(
        text
        for case, found in zip(cases, pieces, strict=True)
        for text in (case.base, *(piece.without for piece in found))
        if found
    )
    for case, found in zip(cases, pieces, strict=True):
        yield case.explained(answers, found)


@dataclass(slots=True)
class _Answers:
    """Rewards by text, each asked for once."""

    rewards: Rewards
    known: dict[str, Mapping[str, float] | None] = field(default_factory=dict)

    def ask(self, texts: Iterable[str]) -> None:
        codes = [code for code in dict.fromkeys(map(normalise, texts)) if code not in self.known]
        self.known |= zip(codes, self.rewards(codes) if codes else (), strict=True)

    def reward(self, text: str, criterion: str) -> float | None:
        """None where the text is longer than the model reads, or was not asked for."""
        found = self.known.get(normalise(text))
        return None if found is None else found[criterion]


@dataclass(frozen=True, slots=True)
class _Case:
    """A finding and the parts of the change that it may come from."""

    finding: Finding
    review: FunctionReview
    parts: Sequence[Part]
    judge: Judge

    @property
    def base(self) -> str:
        return sides_read(self.review)[0]

    def taken_back(self) -> Iterator[str]:
        """Head without each part, and base to compare with."""
        if self.parts:
            yield self.base
        yield from (part.without for part in self.parts)

    def alone(self, answers: _Answers) -> Iterator[str]:
        """Base with each part only, where none is telling."""
        if not any(self._is_telling(part, answers) for part in self.parts):
            yield from (part.alone for part in self.parts if part.alone is not None)

    def pieces(self, answers: _Answers) -> tuple[Part, ...]:
        """What the guiltiest part, or the only one, can be narrowed to."""
        base, head = _sides(self.review)
        if not self.parts:
            changed = hunks(base.text, head.text)
        elif (ordered := self._ordered(answers)) and self._is_telling(ordered[0], answers):
            changed = ordered[0].hunks
        else:
            return ()
        return parts_inside(base, head, changed, language_at(self.review.function))

    def explained(self, answers: _Answers, pieces: Sequence[Part]) -> Finding:
        """The finding with its causes, and where it points if one of them is telling."""
        ordered = self._ordered(answers)
        narrow = self._narrowest(pieces, answers)
        blamed = [*([] if narrow is None else [narrow]), *ordered]
        if not blamed:
            return self.finding
        causes = tuple(self._cause(part, answers) for part in blamed)
        alone = [
            None if part.alone is None else self._margin(part.alone, answers) for part in ordered
        ]
        known = [margin for margin in alone if margin is not None]
        whole = bool(ordered) and len(known) == len(alone)
        finding = replace(
            self.finding,
            causes=causes,
            interaction=self.finding.margin - sum(known) if whole else None,
        )
        if not self._is_telling(blamed[0], answers):
            return finding
        first = causes[0]
        return replace(
            finding,
            start_line=first.start_line,
            end_line=first.end_line,
            message=f"{finding.message}; without these lines {percent(1 - first.without)}",
        )

    def _ordered(self, answers: _Answers) -> list[Part]:
        """The parts, the most to blame first; none if one cannot be read without."""
        blame: dict[int, float] = {}
        for at, part in enumerate(self.parts):
            if (gain := self._gain(part, answers)) is None:
                return []
            alone = None if part.alone is None else self._margin(part.alone, answers)
            blame[at] = gain if alone is None else (gain - alone) / 2
        return [self.parts[at] for at in sorted(blame, key=lambda at: (-blame[at], at))]

    def _narrowest(self, pieces: Sequence[Part], answers: _Answers) -> Part | None:
        """The smallest piece that gives back most of what any does, if that is half the finding."""
        gains = {at: self._gain(piece, answers) or 0.0 for at, piece in enumerate(pieces)}
        most = max(gains.values(), default=0.0)
        if most < -self.finding.margin * _HALF:
            return None
        guilty = [pieces[at] for at, gain in gains.items() if gain >= MOST * most]
        smallest = min(
            guilty, key=lambda piece: (len(piece.hunks), piece.lines.start), default=None
        )
        return smallest if smallest and self._is_telling(smallest, answers) else None

    def _cause(self, part: Part, answers: _Answers) -> Cause:
        without = self._margin(part.without, answers)
        alone = None if part.alone is None else self._margin(part.alone, answers)
        return Cause(
            part.lines.start,
            part.lines.end,
            self._preference(self.finding.margin if without is None else without),
            None if alone is None else self._preference(alone),
        )

    def _is_telling(self, part: Part, answers: _Answers) -> bool:
        without = self._margin(part.without, answers)
        found = self.finding.preference
        return without is not None and self._preference(without) - found >= TELLING

    def _gain(self, part: Part, answers: _Answers) -> float | None:
        """How much of the margin comes back without the part."""
        without = self._margin(part.without, answers)
        return None if without is None else without - self.finding.margin

    def _margin(self, text: str, answers: _Answers) -> float | None:
        criterion = self.finding.criterion
        ours, theirs = answers.reward(text, criterion), answers.reward(self.base, criterion)
        return None if ours is None or theirs is None else ours - theirs

    def _preference(self, margin: float) -> float:
        language = self.review.function.language
        return self.judge.calibration.preference(self.finding.criterion, margin, language)


def _sides(review: FunctionReview) -> tuple[Function, Function]:
    read = review.window or review.function
    if read.base is None or read.head is None:
        raise ValueError(f"{review.function.path}: a finding of a function with one side")
    return read.base, read.head
