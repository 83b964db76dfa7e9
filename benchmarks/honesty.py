"""What a verdict costs to buy, with the honesty checks and without, and what the checks cost.

    python -m benchmarks.honesty DEV.jsonl.zst [--pairs FILE] [--out FILE.json]

Three questions, each at the thresholds that ship and, since so few verdicts reach those, at
P >= .75 on every criterion:

- price: of the verdicts on labelled pairs, how many of the right and of the wrong ones does each
  check withhold, and how precise is what is left;
- bought: of functions against themselves with an edit that means nothing (honesty_edits.py), how
  many get a verdict;
- silenced: of pairs that the model rightly calls worse, how many does such an edit on the worse
  side silence or turn round.

Rewards are kept in --cache, so a run that was stopped goes on where it was. Intervals: bootstrap
over repositories. A check that withholds at random leaves precision what it is, and "longer is
better" calls every edit here better that adds something: those are the baselines.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.honesty_edits import edits_of
from benchmarks.report import Finding, Table, add_out, tell
from review_core.calibration import Calibration
from review_core.comments import same_code
from review_core.config import default_settings
from review_core.judge import Judge
from review_core.languages import Language, language_named
from review_core.layout import normalise
from review_core.margins import Margins, Rewards, Scorer, margins_of
from review_core.metrics import Estimate, mean_by_group
from review_core.neutral import COMMENTS, INFLUENCES, Influence, Sides, readings
from review_core.records import PreferencePair, read_pairs
from review_core.types import AxisScore, Verdict
from training.pictures import Bar, bar_chart

LOOSE = 0.75
"""P from which verdicts are counted beside those at the thresholds that ship."""
_AT_ONCE = 24
"""Pairs asked for together; then their rewards are safe in the cache."""
_GENERAL = {"Readability": "Readability_Maintainability"}
_GENERAL["Maintainability"] = "Readability_Maintainability"


# --- margins -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Asked:
    """Margins by the sides, asked for in turn and once each."""

    rewards: Rewards
    known: dict[Sides, Margins | None] = field(default_factory=dict)

    def ask(self, pairs: Iterable[Sides], what: str) -> None:
        """Have the margins of these pairs."""
        wanted = [
            pair for pair in dict.fromkeys(pairs) if pair not in self.known and pair[0] != pair[1]
        ]
        for at in range(0, len(wanted), _AT_ONCE):
            part = wanted[at : at + _AT_ONCE]
            self.known.update(zip(part, margins_of(part, self.rewards), strict=True))
            print(f"{what}: {at + len(part)} of {len(wanted)}", file=sys.stderr, flush=True)

    def __getitem__(self, pair: Sides) -> Margins | None:
        return self.known[pair]


@dataclass(frozen=True)
class Case:
    """A change, and what it is without each influence."""

    sides: Sides
    language: Language
    group: str

    @classmethod
    def of(cls, base: str, head: str, language: Language, group: str) -> Case:
        """:param base, head: as they come."""
        return cls((normalise(base), normalise(head)), language, group)

    @cached_property
    def alone(self) -> Mapping[str, Sides]:
        """Each influence taken away by itself, of those that matter, by its reason."""
        return {
            each.reason: pair
            for influence in INFLUENCES
            for each, pair in readings(*self.sides, self.language, [influence])
        }

    @cached_property
    def stacked(self) -> Sequence[tuple[str, Sides]]:
        """One after the other, as a review asks."""
        return [(each.reason, pair) for each, pair in readings(*self.sides, self.language)]

    def pairs(self) -> Iterator[Sides]:
        """All that is to be asked for where there is a verdict."""
        yield from self.alone.values()
        yield from (pair for _, pair in self.stacked)


# --- policies ------------------------------------------------------------------------------------


Holds = Callable[[AxisScore, Sides], bool]
Policy = Callable[[Case, AxisScore, Holds], str | None]
"""Why a verdict is withheld, None if it is not."""


def _never(case: Case, score: AxisScore, holds: Holds) -> str | None:
    return None


def _only(influence: Influence) -> Policy:
    def policy(case: Case, score: AxisScore, holds: Holds) -> str | None:
        pair = case.alone.get(influence.reason)
        return None if pair is None or holds(score, pair) else influence.reason

    return policy


def _stacked(case: Case, score: AxisScore, holds: Holds) -> str | None:
    return next((reason for reason, pair in case.stacked if not holds(score, pair)), None)


def _last(case: Case, score: AxisScore, holds: Holds) -> str | None:
    return None if not case.stacked or holds(score, case.stacked[-1][1]) else case.stacked[-1][0]


POLICIES: Mapping[str, Policy] = {
    "no checks": _never,
    **{influence.reason: _only(influence) for influence in INFLUENCES},
    "all, one after the other": _stacked,
    "all at once": _last,
}
BEFORE, PRESENT, AFTER = "no checks", COMMENTS.reason, "all, one after the other"


@dataclass(frozen=True, slots=True)
class Bench:
    """What measures at one set of thresholds."""

    judge: Judge
    asked: Asked

    def scores(self, case: Case) -> list[AxisScore]:
        """The verdicts of a change, by axis, that are not unsure."""
        margins = self.asked[case.sides]
        if margins is None:
            return []
        scores = self.judge.scores(margins, case.language).values()
        return [each for each in scores if each.verdict is not Verdict.UNSURE]

    def own(self, case: Case, criterion: str) -> AxisScore | None:
        """What one criterion says of a change, by whatever axis has it."""
        margins = self.asked[case.sides]
        axes = self.judge.model.axes
        axis = next((axis for axis, names in axes.items() if criterion in names), None)
        if margins is None or axis is None:
            return None
        model = _Manifest({axis: (criterion,)}, self.judge.model)
        return replace(self.judge, model=model).scores(margins, case.language)[axis]

    def holds(self, case: Case) -> Holds:
        """Whether a verdict is given of other sides, too."""

        def holds(score: AxisScore, pair: Sides) -> bool:
            margins = self.asked[pair] if pair[0] != pair[1] else None
            return margins is not None and self.judge.holds(score, margins, case.language)

        return holds


class _Manifest:
    """A model that serves other axes."""

    def __init__(self, axes: Any, of: Any) -> None:
        self.axes, self.languages, self.max_tokens = axes, of.languages, of.max_tokens


def loosened(calibration: Calibration, at: float) -> Calibration:
    """The same curves, with one threshold."""
    return replace(
        calibration,
        languages={},
        criteria={
            key: replace(each, worse_at=1 - at, better_at=at)
            for key, each in calibration.criteria.items()
        },
    )


# --- price ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Labelled:
    """A pair as a change for the worse: head is what was rejected."""

    case: Case
    criterion: str

    @classmethod
    def of(cls, pair: PreferencePair, language: Language) -> Labelled:
        """The pair the other way round, so that a right verdict is `worse`."""
        case = Case.of(pair.chosen, pair.rejected, language, pair.group)
        return cls(case, _GENERAL.get(pair.aspect, pair.aspect))


def price(bench: Bench, labelled: Sequence[Labelled]) -> dict[str, Any]:
    """For each policy: verdicts that are left, how many of them are right, what is withheld."""
    judged = [
        (each, score)
        for each in labelled
        if (score := bench.own(each.case, each.criterion)) is not None
        and score.verdict is not Verdict.UNSURE
    ]
    bench.asked.ask((pair for each, _ in judged for pair in each.case.pairs()), "price")
    found = {}
    for name, policy in POLICIES.items():
        left: list[_Judged] = []
        withheld: list[_Judged] = []
        for each, score in judged:
            is_right = each.case.group, float(score.verdict is Verdict.WORSE)
            why = policy(each.case, score, bench.holds(each.case))
            (withheld if why else left).append((is_right, each.criterion, why))
        found[name] = {
            "verdicts": len(left),
            "right": _estimate([right for right, _, _ in left]),
            "withheld": len(withheld),
            "withheld_right": _estimate([right for right, _, _ in withheld]),
            "withheld_right_count": int(sum(right for (_, right), _, _ in withheld)),
            "withheld_by_criterion": {
                criterion: dict(Counter("right" if right else "wrong" for right in rights))
                for criterion, rights in _by_criterion(withheld).items()
            },
            "reasons": dict(Counter(why for _, _, why in withheld)),
        }
    return found


_Judged = tuple[tuple[str, float], str, str | None]
"""Group and whether it is right; the criterion; why it is withheld."""


def _by_criterion(withheld: Iterable[_Judged]) -> Mapping[str, list[bool]]:
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for (_, right), criterion, _ in withheld:
        found[criterion].append(bool(right))
    return found


# --- bought --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edited:
    """A change that is an edit without meaning, or has one in its head."""

    kind: str
    case: Case
    of: Labelled | None = None
    is_layout: bool = False


def neutral(pair: PreferencePair, language: Language) -> Iterator[Edited]:
    """A side of a pair against each edit of itself."""
    base = normalise(pair.rejected)
    for kind, head in edits_of(base, language.name).items():
        same = same_code(base, head, language)
        yield Edited(kind, Case.of(base, head, language, pair.group), is_layout=same)


def bought(bench: Bench, edited: Sequence[Edited]) -> dict[str, Any]:
    """For each kind of edit: the share that gets a verdict on some axis, before and after."""
    bench.asked.ask((each.case.sides for each in edited), "bought")
    speaking = [(each, bench.scores(each.case)) for each in edited]
    bench.asked.ask(
        (pair for each, scores in speaking if scores for pair in each.case.pairs()), "bought, again"
    )
    found: dict[str, Any] = {}
    for kind in [*dict.fromkeys(each.kind for each in edited)]:
        of_kind = [(each, scores) for each, scores in speaking if each.kind == kind]
        found[kind] = {"n": len(of_kind)} | {
            name: _estimate(
                [
                    (
                        each.case.group,
                        float(any(_is_said(bench, each, score, name) for score in scores)),
                    )
                    for each, scores in of_kind
                ]
            )
            for name in (BEFORE, PRESENT, AFTER)
        }
        found[kind]["better_before"] = sum(
            any(score.verdict is Verdict.BETTER for score in scores) for _, scores in of_kind
        )
        found[kind]["longer_is_better"] = _share(
            len(each.case.sides[1]) > len(each.case.sides[0]) for each, _ in of_kind
        )
        found[kind]["reasons"] = dict(
            Counter(
                why
                for each, scores in of_kind
                for score in scores
                if (why := POLICIES[AFTER](each.case, score, bench.holds(each.case)))
            )
        )
    return found


def _is_said(bench: Bench, each: Edited, score: AxisScore, policy: str) -> bool:
    if each.is_layout and policy != BEFORE:  # a review calls nothing what is the same code
        return False
    return POLICIES[policy](each.case, score, bench.holds(each.case)) is None


# --- silenced ------------------------------------------------------------------------------------


def worsened(each: Labelled) -> Iterator[Edited]:
    """A change for the worse with each edit on its worse side."""
    base, head = each.case.sides
    for kind, edited in edits_of(head, each.case.language.name).items():
        yield Edited(kind, Case.of(base, edited, each.case.language, each.case.group), each)


def silenced(bench: Bench, edited: Sequence[Edited]) -> dict[str, Any]:
    """For each kind of edit on a change that is rightly called worse, what becomes of that."""
    bench.asked.ask((each.case.sides for each in edited), "silenced")
    scores = {
        id(each): bench.own(each.case, each.of.criterion) for each in edited if each.of is not None
    }
    speaking = [
        each
        for each in edited
        if (score := scores[id(each)]) is not None and score.verdict is not Verdict.UNSURE
    ]
    asked = [pair for each in speaking for pair in each.case.pairs()]
    asked += [pair for each in speaking if each.of for pair in each.of.case.pairs()]
    bench.asked.ask(asked, "silenced, again")
    found: dict[str, Any] = {}
    for kind in [*dict.fromkeys(each.kind for each in edited)]:
        of_kind = [each for each in edited if each.kind == kind]
        found[kind] = {"n": len(of_kind)}
        for name in (BEFORE, PRESENT, AFTER):
            said = [(each, _said(bench, each, scores[id(each)], name)) for each in of_kind]
            found[kind][name] = {
                "silenced": _estimate(
                    [(e.case.group, float(v is Verdict.UNSURE)) for e, v in said]
                ),
                "turned_round": _estimate(
                    [(e.case.group, float(v is Verdict.BETTER)) for e, v in said]
                ),
            }
    return found


def _said(bench: Bench, each: Edited, score: AxisScore | None, policy: str) -> Verdict:
    if score is None or score.verdict is Verdict.UNSURE:
        return Verdict.UNSURE
    why = POLICIES[policy](each.case, score, bench.holds(each.case))
    return Verdict.UNSURE if why else score.verdict


# --- the whole -----------------------------------------------------------------------------------


def _estimate(values: Sequence[tuple[str, float]]) -> dict[str, float | None]:
    return (mean_by_group(values) if values else Estimate(None)).to_json()


def _share(values: Iterable[bool]) -> float | None:
    each = list(values)
    return round(sum(each) / len(each), 4) if each else None


def measure(
    scorer: Scorer,
    calibration: Calibration,
    functions: Sequence[PreferencePair],
    pairs: Sequence[PreferencePair],
    *,
    most: int,
    thresholds: Sequence[str] = ("shipped", "loose"),
) -> dict[str, Any]:
    """All three questions at each set of thresholds.

    :param functions: whose rejected sides are edited.
    :param pairs: labelled; verdicts on them are counted.
    :param most: changes for the worse that are edited, at each set of thresholds.
    """
    asked = Asked(scorer.rewards)
    manifest = scorer.bundle.manifest
    labelled = [
        Labelled.of(pair, language)
        for pair in pairs
        if (language := language_named(pair.language)) and language.name in manifest.languages
    ]
    edited = [
        each
        for pair in functions
        if (language := language_named(pair.language)) and language.name in manifest.languages
        for each in neutral(pair, language)
    ]
    asked.ask((each.case.sides for each in labelled), "pairs")
    benches = {
        name: Bench(Judge(manifest, used, default_settings()), asked)
        for name, used in (("shipped", calibration), ("loose", loosened(calibration, LOOSE)))
        if name in thresholds
    }
    parts: Mapping[str, Callable[[Bench], Any]] = {
        "price": lambda bench: price(bench, labelled),
        "bought": lambda bench: bought(bench, edited),
        "silenced": lambda bench: silenced(bench, list(attacked(bench, labelled, most))),
    }
    found: dict[str, Any] = {name: {} for name in benches}
    for part, measured in parts.items():
        for name, bench in benches.items():
            found[name][part] = measured(bench)
            print(part, name, json.dumps(found[name][part], indent=1), file=sys.stderr, flush=True)
    meter = scorer.statistics
    found["tokens"] = {"asked": meter.tokens, "computed": meter.tokens_computed}
    return found


def attacked(bench: Bench, labelled: Sequence[Labelled], most: int) -> Iterator[Edited]:
    """The edits on the worse side of so many changes that are rightly called worse."""
    hosts = 0
    for each in labelled:
        score = bench.own(each.case, each.criterion)
        if hosts == most or score is None or score.verdict is not Verdict.WORSE:
            continue
        edits = list(worsened(each))
        hosts += bool(edits)
        yield from edits


def report(found: Mapping[str, Any]) -> Finding:
    """The figures as a table: a row a kind of edit, then a row a check."""
    rows = []
    for name, parts in found.items():
        if name not in ("shipped", "loose"):
            continue
        for kind, each in parts["bought"].items():
            shares = [_shown(each[policy]) for policy in (BEFORE, PRESENT, AFTER)]
            rows.append((f"{name}: bought by {kind}", str(each["n"]), *shares))
        for kind, each in parts["silenced"].items():
            shares = [_lost(each[policy]) for policy in (BEFORE, PRESENT, AFTER)]
            rows.append((f"{name}: worse, silenced + turned by {kind}", str(each["n"]), *shares))
        right = [_shown(parts["price"][policy]["right"]) for policy in (BEFORE, PRESENT, AFTER)]
        count = parts["price"][BEFORE]["verdicts"]
        rows.append((f"{name}: right, of the verdicts on labelled pairs", str(count), *right))
        left = [str(parts["price"][policy]["verdicts"]) for policy in (BEFORE, PRESENT, AFTER)]
        rows.append((f"{name}: verdicts that are left", str(count), *left))
    shown = "shipped" if "shipped" in found else "loose"
    bars = [
        Bar(f"{kind}, {told}", (each[policy]["value"],), interval)
        for kind, each in found[shown]["bought"].items()
        for told, policy in (("no checks", BEFORE), ("all checks", AFTER))
        if (interval := _interval(each[policy]))
    ]
    columns = ("", "n", "no checks", "comments alone", "all checks")
    notes = (
        f"shipped: at the thresholds of the bundle; loose: at P >= {LOOSE} on every criterion",
        "brackets: 95 %, bootstrap over repositories",
        "a check that withholds at random leaves the share of right verdicts what it is",
    )
    title = "Edits that mean nothing: verdicts that they buy and silence"
    picture = bar_chart(f"Edits that mean nothing with a verdict ({shown} thresholds)", bars)
    return Finding(title, found, Table(columns, tuple(rows)), notes, picture)


def _interval(estimate: Mapping[str, float | None]) -> tuple[float, float] | None:
    low, high = estimate["low"], estimate["high"]
    return None if low is None or high is None else (low, high)


def _shown(estimate: Mapping[str, float | None]) -> str:
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None else "")


def _lost(each: Mapping[str, Mapping[str, float | None]]) -> str:
    silent, turned = each["silenced"]["value"], each["turned_round"]["value"]
    return "-" if silent is None or turned is None else f"{silent:.3f} + {turned:.3f}"


def drawn(
    path: Path, count: int, characters: range, rng: random.Random, *, commits: bool
) -> list[PreferencePair]:
    """Pairs at random, whose sides have so many characters on average."""
    pairs = [
        pair
        for pair in read_pairs(path)
        if (len(pair.chosen) + len(pair.rejected)) // 2 in characters
        and (pair.subset == "COMMITS" or not commits)
    ]
    return rng.sample(pairs, min(count, len(pairs)))


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("records", type=Path, help="held-out pairs; commits give the functions")
    parser.add_argument("--pairs", type=Path, help="labelled pairs  [default: the same records]")
    parser.add_argument("--functions", type=int, default=150, help="that are edited")
    parser.add_argument("--labelled", type=int, default=3000, help="pairs of which verdicts count")
    parser.add_argument("--worse", type=int, default=60, help="changes for the worse to edit")
    parser.add_argument("--longest", type=int, default=900, help="characters of a side, at most")
    both = ("shipped", "loose")
    parser.add_argument("--thresholds", nargs="+", choices=both, default=both)
    parser.add_argument("--cache", type=Path, help="a folder that keeps rewards")
    add_out(parser)
    arguments = parser.parse_args(given)
    from review_core.bundle import default_bundle_path, load_bundle
    from review_core.cache import RewardCache
    from review_core.engine import Engine
    from review_core.scorer import Scorer as BundleScorer

    bundle = load_bundle(default_bundle_path())
    folder = arguments.cache
    cache = None if folder is None else RewardCache(folder / "rewards.sqlite")
    scorer = BundleScorer(bundle, Engine(bundle, threads=1), cache)
    rng = random.Random(0)
    sizes = range(arguments.longest + 1)
    functions = drawn(
        arguments.records, arguments.functions, range(150, sizes.stop), rng, commits=True
    )
    pairs = drawn(
        arguments.pairs or arguments.records, arguments.labelled, sizes, rng, commits=False
    )
    found = measure(
        scorer,
        Calibration.from_json(bundle.calibration_json),
        functions,
        pairs,
        most=arguments.worse,
        thresholds=arguments.thresholds,
    )
    tell(report(found), "benchmarks.honesty", arguments.out)


if __name__ == "__main__":
    main()
