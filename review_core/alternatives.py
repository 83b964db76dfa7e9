"""Which of several changes to one base is best: each touched function is ranked, then counted.

Margins of different functions are never added or averaged: a logit in one function is not worth a
logit in another. What is said of a whole candidate is in how many functions it is confidently
better or worse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from review_core.calibration import Calibration
from review_core.config import AxisMode, AxisSettings, OutOfDistribution, Settings
from review_core.errors import InputError
from review_core.excuses import NOT_OF_TESTS, ONLY_IMPORTS, is_test, only_imports_changed
from review_core.languages import Language, language_of
from review_core.margins import Progress, Scorer
from review_core.moves import moved_code
from review_core.pairing import changed_functions
from review_core.path_rules import mode_at, modes_of
from review_core.ranking import Ranking, layers, ranking_of, readings
from review_core.types import Axis, BundleIdentity, Change, ChangedFunction, Function

SYNTAX_ERROR = "syntax error"


@dataclass(frozen=True, slots=True)
class Alternative:
    """What one candidate makes of the base. name: as the user calls it."""

    name: str
    change: Change


@dataclass(frozen=True, slots=True)
class ComparedFunction:
    """A function of the base that some candidate changes.

    ranking: of the candidates by index, the base being 0; those without the function are not in it.
    notes: what a reader must know of a candidate's version, by index.
    """

    path: str
    language: str
    base: Function
    ranking: Ranking
    notes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """In how many functions something is confidently better or worse than the base, or neither.

    Where criteria of one axis contradict one another, a function is both.
    """

    better: int
    worse: int
    unsure: int


@dataclass(frozen=True, slots=True)
class AxisOrder:
    """The candidates on axes of which the same can be said: the same criteria serve them.

    groups: as `ranking.Ranked` has them; with several functions one candidate is above another if
    it is better in some of them and worse in none. counts: against the base, by candidate.
    """

    axes: tuple[Axis, ...]
    groups: tuple[tuple[int, ...], ...]
    counts: tuple[Counts, ...]


@dataclass(frozen=True, slots=True)
class TradeOff:
    """One candidate on all axes. raises, lowers: against the base, in some function.

    beaten_by: those that are better than it on some axis and worse on none.
    """

    raises: tuple[Axis, ...]
    lowers: tuple[Axis, ...]
    beaten_by: tuple[int, ...]

    @property
    def is_best(self) -> bool:
        """Whether it raises an axis, lowers none, and no other candidate beats it."""
        return bool(self.raises) and not self.lowers and not self.beaten_by


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of a candidate that is not compared, and why."""

    candidate: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that a renderer needs. candidates: their names, the base's first."""

    bundle: BundleIdentity
    intent: str
    candidates: tuple[str, ...]
    functions: tuple[ComparedFunction, ...]
    orders: tuple[AxisOrder, ...]
    trade_offs: tuple[TradeOff, ...]
    left_out: tuple[LeftOut, ...]
    silent: tuple[Axis, ...] = ()
    """Axes on which the model was never precise enough to tell anything apart."""


def compare(
    base: str,
    alternatives: Sequence[Alternative],
    scorer: Scorer,
    calibration: Calibration,
    settings: Settings,
    *,
    function: str | None = None,
    intent: str = "",
    progress: Progress | None = None,
) -> Comparison:
    """Rank what the candidates make of the base.

    :param base: how the base is called.
    :param function: the only one to compare, by its name or the last part of it.
    :raises InputError: if a candidate has none of the base's functions, or none is called so.
    :raises BundleError: if the calibration lacks a criterion of the model.
    """
    manifest = scorer.bundle.manifest
    gathered = _gathered(alternatives, function)
    scored, left_out = [], list(gathered.left_out)
    for each in gathered.functions:
        if each.language.name in manifest.languages or (
            settings.out_of_distribution is OutOfDistribution.SCORE
        ):
            scored.append(each)
        else:
            reason = f"not scored: the model was not trained on {each.language.name}"
            left_out.append(LeftOut(base, f"{each.path}: {each.base.name}", reason))
    axes = {
        axis: criteria
        for axis, criteria in manifest.axes.items()
        if _is_asked(axis, settings, [each.path for each in scored])
    }
    check = settings.honesty_check
    codes = dict.fromkeys(
        code
        for each in scored
        for text in each.texts()
        for code in readings(text, each.language, honesty_check=check)
    )
    answers = scorer.rewards(list(codes), intent=intent, progress=progress) if codes else ()
    rewards = dict(zip(codes, answers, strict=True))
    count = len(alternatives) + 1
    compared = tuple(
        _compared(
            each,
            ranking_of(
                each.texts(),
                rewards,
                {axis: axes[axis] for axis in axes if _speaks_at(each.path, axis, settings)},
                calibration,
                each.language,
                honesty_check=check,
                worse_at={axis: settings.axes[axis].worse_at for axis in axes},
                withheld=[at for at, place in enumerate(each.places()) if place in each.withheld],
            ),
        )
        for each in scored
    )
    above = {axis: _above(axis, compared) for axis in axes}
    return Comparison(
        scorer.bundle.identity,
        intent,
        (base, *(each.name for each in alternatives)),
        compared,
        tuple(_orders(axes, above, compared, count)),
        tuple(_trade_off(at, above, count) for at in range(count)),
        tuple(left_out),
        tuple(
            axis
            for axis, criteria in axes.items()
            if not _speaks(criteria, calibration, settings.axes[axis])
        ),
    )


# --- what is compared ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Versions:
    """A function of the base and what candidates make of it. withheld: indices, with the reason."""

    path: str
    language: Language
    base: Function
    heads: dict[int, Function] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    withheld: dict[int, str] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    count: int = 0

    def places(self) -> list[int]:
        """The candidates that have the function, the base first."""
        return [at for at in range(self.count) if at not in self.deleted]

    def texts(self) -> list[str]:
        """Its text in each of `places`."""
        return [self.heads.get(at, self.base).text for at in self.places()]


@dataclass(frozen=True, slots=True)
class _Gathered:
    functions: Sequence[_Versions]
    left_out: Sequence[LeftOut]


def _gathered(alternatives: Sequence[Alternative], wanted: str | None) -> _Gathered:
    found: dict[tuple[str, str, int], _Versions] = {}
    left_out: list[LeftOut] = []
    names: set[str] = set()
    for at, alternative in enumerate(alternatives, 1):
        left_out += [
            LeftOut(alternative.name, each.path, each.reason) for each in alternative.change.skipped
        ]
        touched = list(_touched(alternative))
        names |= {function.name for _, function in touched}
        phrases = moved_code([function for _, function in touched])
        shared = 0
        for (base_path, function), phrase in zip(touched, phrases, strict=True):
            if wanted is not None and wanted not in (function.name, _last(function.name)):
                continue
            if function.base is None:
                reason = "new: the base has nothing to compare it with"
                what = f"{function.path}: {function.name}"
                left_out.append(LeftOut(alternative.name, what, reason))
                continue
            key = base_path, function.base.name, function.base.lines.start
            language = language_of(function.path)
            if language is None:  # _touched gives none of those
                continue
            versions = found.setdefault(key, _Versions(base_path, language, function.base))
            shared += function.head is not None
            _add(versions, at, function, phrase)
        replaced = any(function.head is None for _, function in touched) and any(
            function.base is None for _, function in touched
        )
        if replaced and not shared and wanted is None:
            raise InputError(
                f"{alternative.name} has none of the functions of the base; "
                "candidates are versions of the same functions, under the same or a similar name"
            )
    if wanted is not None and not found:
        close = get_close_matches(wanted, sorted(names), n=1)
        hint = f"did you mean {close[0]}?" if close else _listed(names)
        raise InputError(f"no candidate changes a function {wanted} of the base; {hint}")
    functions = []
    for versions in sorted(found.values(), key=lambda each: (each.path, each.base.lines.start)):
        versions.count = len(alternatives) + 1
        if versions.heads.keys() - versions.withheld.keys():
            functions.append(versions)
            continue
        what = f"{versions.path}: {versions.base.name}"
        left_out += [
            LeftOut(alternatives[at - 1].name, what, note) for at, note in versions.notes.items()
        ]
    return _Gathered(functions, left_out)


def _touched(alternative: Alternative) -> Iterable[tuple[str, ChangedFunction]]:
    """Each changed piece with the path of its file at base."""
    for file in alternative.change.files:
        language = language_of(file.path)
        if language is not None:
            for function in changed_functions(file, language):
                yield file.base_path or file.path, function


def _add(versions: _Versions, at: int, function: ChangedFunction, phrase: str | None) -> None:
    if function.head is None:
        versions.deleted.add(at)
        versions.notes[at] = "deleted"
        return
    versions.heads[at] = function.head
    if phrase is None and only_imports_changed(function):
        phrase = ONLY_IMPORTS
    if function.head.has_error and not versions.base.has_error:
        phrase = SYNTAX_ERROR
    if phrase is not None:
        versions.withheld[at] = versions.notes[at] = phrase


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)[:5]
    return f"changed are {', '.join(shown)}" if shown else "nothing is changed"


def _speaks(criteria: Iterable[str], calibration: Calibration, axis: AxisSettings) -> bool:
    curves = [calibration.of(criterion) for criterion in criteria]
    return axis.worse_at is not None or any(
        curve.worse_at is not None or curve.better_at is not None for curve in curves
    )


def _is_asked(axis: Axis, settings: Settings, paths: Sequence[str]) -> bool:
    """Whether the axis is on in one of the files, or could be, where there are none."""
    modes = {mode_at(path, axis, settings) for path in paths} or modes_of(axis, settings)
    return modes != {AxisMode.OFF}


def _speaks_at(path: str, axis: Axis, settings: Settings) -> bool:
    """Whether something may be said of the axis in a file."""
    known = not (axis in NOT_OF_TESTS and is_test(path))
    return known and mode_at(path, axis, settings) is not AxisMode.OFF


# --- what is said --------------------------------------------------------------------------------


def _compared(versions: _Versions, ranking: Ranking) -> ComparedFunction:
    """The ranking of what `places` names, by candidate."""
    places = versions.places()
    moved = Ranking(
        tuple(each.renumbered(places) for each in ranking.axes),
        tuple(places[at] for at in ranking.too_long),
    )
    notes = dict(versions.notes)
    for at in moved.too_long:
        notes[at] = "longer than the model reads"
    return ComparedFunction(versions.path, versions.language.name, versions.base, moved, notes)


_Above = Mapping[tuple[int, int], int]
"""By (better, worse): in how many functions."""


def _above(axis: Axis, functions: Iterable[ComparedFunction]) -> _Above:
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    for function in functions:
        for ranked in function.ranking.axes:
            if ranked.axis is axis:
                for pair in ranked.better:
                    counts[pair] += 1
    return counts


def _orders(
    axes: Mapping[Axis, Sequence[str]],
    above: Mapping[Axis, _Above],
    functions: Sequence[ComparedFunction],
    candidates: int,
) -> Iterable[AxisOrder]:
    # One criterion may still say other things of two axes: each has its own threshold and files.
    served: dict[tuple[tuple[str, ...], AxisOrder], list[Axis]] = {}
    for axis, criteria in axes.items():
        counts = above[axis]
        clear = {pair for pair in counts if pair[::-1] not in counts}
        ranked = [
            each for function in functions for each in function.ranking.axes if each.axis is axis
        ]
        against = tuple(
            Counts(
                counts.get((at, 0), 0),
                counts.get((0, at), 0),
                sum(
                    at in each.against_first and not {(at, 0), (0, at)} & each.better
                    for each in ranked
                ),
            )
            for at in range(candidates)
        )
        order = AxisOrder((), layers(range(candidates), clear), against)
        served.setdefault((tuple(criteria), order), []).append(axis)
    for (_, order), shared in served.items():
        yield replace(order, axes=tuple(shared))


def _trade_off(at: int, above: Mapping[Axis, _Above], candidates: int) -> TradeOff:
    def beats(better: int, worse: int) -> bool:
        wins = any((better, worse) in counts for counts in above.values())
        return wins and not any((worse, better) in counts for counts in above.values())

    return TradeOff(
        tuple(axis for axis, counts in above.items() if (at, 0) in counts),
        tuple(axis for axis, counts in above.items() if (0, at) in counts),
        tuple(other for other in range(candidates) if beats(other, at)),
    )
