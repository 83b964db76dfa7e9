"""Which of several texts is best, axis by axis, in groups where the model cannot tell. No I/O.

A text is above another where a review of the two, in one order or the other, would give a verdict,
with and without comments, at the thresholds in force. A reward is one number a text, so that by one
criterion nothing runs in circles (Bradley & Terry, 1952); where criteria or functions contradict
one another, nothing is above.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from review_core.calibration import Calibration
from review_core.comments import same_code, without_comments
from review_core.config import AxisMode, Settings
from review_core.languages import Language, language_named
from review_core.layout import normalise
from review_core.margins import Scorer
from review_core.path_rules import mode_at
from review_core.types import Axis, Verdict

Pairs = frozenset[tuple[int, int]]
"""(above, below), as indices."""

Rewards = Mapping[str, Mapping[str, float] | None]
"""By code as the model reads it, then by criterion."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One axis.

    groups: indices of the texts, the best first. In a group no text is confidently better than
    another, or they contradict one another; each text of a later group is confidently worse than
    some text of the group before, and than none of a later one. criterion: the one that tells the
    texts apart best. preference: P(the text of the highest reward is better than that of the
    lowest), in [0, 1]; .5 for a single text. better: the pairs that are told apart, by any of the
    axis's criteria. against_first: P(the text is better than the first), where both were scored.
    """

    axis: Axis
    criterion: str
    groups: tuple[tuple[int, ...], ...]
    preference: float
    better: Pairs = frozenset()
    against_first: Mapping[int, float] = field(default_factory=dict)

    def renumbered(self, numbers: Sequence[int]) -> Ranked:
        """The same with other indices: numbers[i] for i."""
        return replace(
            self,
            groups=tuple(tuple(numbers[at] for at in group) for group in self.groups),
            better=frozenset((numbers[high], numbers[low]) for high, low in self.better),
            against_first={numbers[at]: each for at, each in self.against_first.items()},
        )


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranking on each axis, and the indices of texts that are longer than the model reads."""

    axes: tuple[Ranked, ...]
    too_long: tuple[int, ...]


def rank(
    texts: Sequence[str],
    scorer: Scorer,
    calibration: Calibration,
    settings: Settings,
    *,
    path: str = "",
    language: str | None = None,
    intent: str = "",
) -> Ranking:
    """Order versions of one piece of code, on the axes that the settings have on.

    :param path: where it stands, from the root of what is reviewed; "" where it is in no file.
    :param language: its name; without one, comments count as code.
    :raises BundleError: if the calibration lacks a criterion of the model.
    """
    known = language_named(language) if language else None
    check = settings.honesty_check
    codes = list(
        dict.fromkeys(code for text in texts for code in readings(text, known, honesty_check=check))
    )
    return ranking_of(
        texts,
        dict(zip(codes, scorer.rewards(codes, intent=intent), strict=True)),
        {
            axis: criteria
            for axis, criteria in scorer.bundle.manifest.axes.items()
            if mode_at(path, axis, settings) is not AxisMode.OFF
        },
        calibration,
        known,
        honesty_check=check,
        worse_at={axis: each.worse_at for axis, each in settings.axes.items()},
    )


def readings(
    text: str, language: Language | None, *, honesty_check: bool = True
) -> tuple[str, ...]:
    """The codes, normalised, whose rewards decide on a text: as it is, and without its comments."""
    code = normalise(text)
    if language is None or not honesty_check:
        return (code,)
    return tuple(dict.fromkeys((code, normalise(without_comments(code, language)))))


def ranking_of(
    texts: Sequence[str],
    rewards: Rewards,
    axes: Mapping[Axis, Sequence[str]],
    calibration: Calibration,
    language: Language | None,
    *,
    honesty_check: bool = True,
    worse_at: Mapping[Axis, float | None] | None = None,
    withheld: Collection[int] = (),
) -> Ranking:
    """Order texts whose rewards are known.

    :param rewards: of every reading of every text.
    :param axes: the criteria of each axis that is to be ranked.
    :param worse_at: the P(worse) that a configuration asks for on an axis, None for the bundle's.
    :param withheld: indices of texts of which nothing may be said; they tie with the first.
    :raises BundleError: if the calibration lacks a criterion.
    """
    found: dict[int, tuple[Mapping[str, float], ...]] = {}
    too_long = []
    for at, text in enumerate(texts):
        each = [rewards[code] for code in readings(text, language, honesty_check=honesty_check)]
        known = tuple(one for one in each if one is not None)
        if len(known) == len(each):
            found[at] = known
        else:
            too_long.append(at)
    alike, asked = _same_code(texts, language), worse_at or {}
    judge = _Judge(found, calibration, language, alike, asked, withheld)
    return Ranking(
        tuple(judge.ranked(axis, criteria) for axis, criteria in axes.items()), tuple(too_long)
    )


def layers(items: Sequence[int], above: Collection[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """The items in groups, those that nothing is above first; in a group they keep their order.

    What is above what is above something is above it, too. Items in a circle are one group.
    """
    reached = {item: {low for high, low in above if high == item} for item in items}
    for between in items:
        for item in items:
            if between in reached[item]:
                reached[item] |= reached[between]
    left = list(items)
    groups = []
    while left:
        top = tuple(
            item
            for item in left
            if not any(item in reached[other] and other not in reached[item] for other in left)
        )
        groups.append(top)
        left = [item for item in left if item not in top]
    return tuple(groups)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Which texts are told apart. found: rewards of each reading of a text.

    alike: for each text the first one that is the same but for comments and layout.
    """

    found: Mapping[int, Sequence[Mapping[str, float]]]
    calibration: Calibration
    language: Language | None
    alike: Sequence[int]
    worse_at: Mapping[Axis, float | None]
    withheld: Collection[int]

    def ranked(self, axis: Axis, criteria: Sequence[str]) -> Ranked:
        told = {criterion: self._pairs(axis, criterion) for criterion in criteria}
        better = frozenset(pair for pairs in told.values() for pair in pairs)
        clear = {pair for pair in better if pair[::-1] not in better}
        extremes = {criterion: self._extremes(criterion) for criterion in criteria}
        criterion = max(criteria, key=lambda each: (len(told[each]), extremes[each]))
        order = sorted(self.found, key=lambda at: (-self.found[at][0][criterion], at))
        against = {}
        for at in self.found if 0 in self.found else ():
            speaks = (key for key in criteria if {(at, 0), (0, at)} & told[key])
            against[at] = self._preference(next(speaks, criterion), at, 0)
        groups = layers(order, clear)
        return Ranked(axis, criterion, groups, extremes[criterion], better, against)

    def _pairs(self, axis: Axis, criterion: str) -> Pairs:
        """Pairs in one order. Texts that are one program stand or fall together."""
        at = [each for each in self.found if each not in self.withheld]
        pairs = {(i, j) for i in at for j in at if i != j and self._is_told(axis, criterion, i, j)}
        twins = {i: [j for j in at if self.alike[j] == self.alike[i]] for i in at}
        return frozenset(
            (i, j) for i, j in pairs if all((a, b) in pairs for a in twins[i] for b in twins[j])
        )

    def _is_told(self, axis: Axis, criterion: str, better: int, worse: int) -> bool:
        """Whether a review would say so, of one order or the other, with and without comments."""
        preference = partial(self.calibration.preference, criterion, language=self._name)
        verdict = partial(
            self.calibration.verdict,
            criterion,
            language=self._name,
            worse_at=self.worse_at.get(axis),
        )
        return all(
            verdict(preference(margin)) is Verdict.BETTER
            or verdict(preference(-margin)) is Verdict.WORSE
            for margin in self._margins(criterion, better, worse)
        )

    def _preference(self, criterion: str, better: int, worse: int) -> float:
        """P(the one is better than the other), by the reading that is less sure."""
        of = partial(self.calibration.preference, criterion, language=self._name)
        each = [of(margin) for margin in self._margins(criterion, better, worse)]
        return min(each, key=lambda preference: abs(preference - 0.5))

    def _extremes(self, criterion: str) -> float:
        at = [each for each in self.found if each not in self.withheld]
        if len(at) < 2:
            return 0.5
        order = sorted(at, key=lambda each: self.found[each][0][criterion])
        return self._preference(criterion, order[-1], order[0])

    def _margins(self, criterion: str, better: int, worse: int) -> list[float]:
        ours, theirs = self.found[better], self.found[worse]
        # One without comments has one reading, which is compared with both of the other.
        both = zip((ours[0], ours[-1]), (theirs[0], theirs[-1]), strict=True)
        return [mine[criterion] - other[criterion] for mine, other in both]

    @property
    def _name(self) -> str | None:
        return self.language.name if self.language else None


def _same_code(texts: Sequence[str], language: Language | None) -> list[int]:
    codes = [normalise(text) for text in texts]
    first: list[int] = []
    for at, code in enumerate(codes):
        same = (
            other
            for other in dict.fromkeys(first)
            if codes[other] == code or (language and same_code(codes[other], code, language))
        )
        first.append(next(same, at))
    return first
