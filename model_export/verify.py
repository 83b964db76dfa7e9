"""Verifies finished bundles: every graph against itself, against torch, and against the bundle's
other graphs. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isnan
from typing import Any

from model_export.checkpoint import Checkpoint, load_model
from model_export.errors import GateError
from model_export.parity import (
    Gates,
    Ids,
    Rewards,
    full_pass,
    in_pieces,
    largest_difference,
    largest_reward,
    pooled,
    samples,
    sign_agreement,
    torch_rewards,
)
from model_export.prompts import Prompts
from model_export.quantise import round_as_stored
from model_export.storage import CPU, HALVES, PRECISION_NAMES, storage_of
from model_export.write import UNREADABLE, only
from review_core.bench import run_bench
from review_core.bundle import Bundle, Pooling, Variant
from review_core.calibration import Calibration
from review_core.engine import Engine
from review_core.errors import InputError
from review_core.records import PreferencePair
from review_core.scorer import Scorer
from review_core.session import Row, Session, usable_providers


@dataclass(frozen=True, slots=True)
class Check:
    """One measurement and its gate: at most `limit`, or at least, where more is better.

    about: what the measurement was, where its name does not say all.
    """

    name: str
    found: float
    limit: float
    at_least: bool = False
    about: str = ""

    @property
    def met(self) -> bool:
        """Whether it is within its gate; a NaN is not."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        about = f" {self.about}" if self.about else ""
        return f"{self.name}{about}: {self.found:.3g}, {bound} {self.limit:.3g} is allowed"


@dataclass(frozen=True, slots=True)
class PairFigures:
    """A variant on a file of pairs. verdict_changes: of how many pairs the verdict is another than
    the reference's; None for the reference itself.
    """

    n: int
    accuracy: float | None
    calibration_error: float | None
    verdict_changes: int | None


@dataclass(frozen=True, slots=True)
class VariantReport:
    """What was measured of one graph; `ran` is the provider it ran on, None if none here can."""

    file: str
    precision: str
    ran: str | None
    checks: tuple[Check, ...]
    pairs: PairFigures | None


@dataclass(frozen=True, slots=True)
class Verification:
    """All of a bundle's graphs. reference: what quantised ones were compared with."""

    name: str
    sha256: str
    reference: str
    variants: tuple[VariantReport, ...]

    @property
    def failures(self) -> list[str]:
        """One line for each gate that is not met."""
        several = len(self.variants) > 1
        return [
            f"{each.precision}: {check}" if several else str(check)
            for each in self.variants
            for check in each.checks
            if not check.met
        ]

    def require(self) -> Verification:
        """Itself.

        :raises GateError: with one line for each gate that is not met.
        """
        if self.failures:
            raise GateError("\n".join(self.failures))
        return self

    def to_json(self) -> dict[str, Any]:
        """As `verify --report` writes it."""
        variants = [
            asdict(each) | {"checks": [asdict(check) | {"met": check.met} for check in each.checks]}
            for each in self.variants
        ]
        return {"format": 1, "sound": not self.failures} | asdict(self) | {"variants": variants}


def verify_bundle(
    bundle: Bundle,
    checkpoint: Checkpoint | None = None,
    *,
    pairs: Sequence[PreferencePair] = (),
    gates: Gates | None = None,
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Measure every graph of the bundle that can run here.

    :param checkpoint: compare with torch as well: each graph with the weights rounded as it has
        them, and rounded weights with the checkpoint's own.
    :param pairs: measure accuracy, calibration and verdicts on them as well.
    :param progress: told of each graph as it begins.
    """
    gates = gates or Gates()
    manifest = bundle.manifest
    batch = samples(bundle.tokenizer, manifest)
    own: list[Rewards] | None = None
    if checkpoint is not None:
        model = load_model(checkpoint)
        own = [torch_rewards(model, ids) for ids in batch]
    # The reference first: the others are compared with it.
    ordered = sorted(manifest.variants, key=lambda each: each.precision != "fp32")
    reference, judged = ordered[0], Calibration.from_json(bundle.calibration_json)
    compared: list[Rewards] | None = own
    measured: _Measured | None = None
    reports: dict[str, VariantReport] = {}
    for variant in ordered:
        if progress is not None:
            progress(f"{variant.precision}: {variant.file}")
        provider = runs_on(variant)
        if provider is None:
            reports[variant.file] = VariantReport(variant.file, variant.precision, None, (), None)
            continue
        here = replace(variant, providers=(provider,))
        session = Session(bundle.path / variant.file, manifest.graph, providers=(provider,))
        full = [full_pass(session, ids) for ids in batch]
        checks = [_probe(bundle, here)]
        checks += _invariance(bundle, here, session, batch, full, gates)
        if checkpoint is not None:
            checks += _torch(bundle, variant, checkpoint, batch, full, gates)
        if compared is not None:
            pooling = manifest.pooling
            agreement = sign_agreement(_pooled(compared, pooling), _pooled(full, pooling))
            if agreement is not None:
                checks.append(Check("signs", agreement, gates.sign_agreement, at_least=True))
        if compared is None and variant is reference:
            compared = full
        figures = None
        if pairs:
            found = _on_pairs(only(bundle, here), pairs, judged)
            figures = found.against(measured)
            if measured is None:
                measured = found
            elif found.accuracy is not None and measured.accuracy is not None:
                loss = measured.accuracy - found.accuracy
                checks.append(Check("accuracy lost on pairs", loss, gates.accuracy_loss))
        reports[variant.file] = VariantReport(
            variant.file, variant.precision, provider, tuple(checks), figures
        )
    told = "the checkpoint's own weights" if own is not None else reference.precision
    in_order = tuple(reports[each.file] for each in manifest.variants)
    return Verification(bundle.identity.name, bundle.identity.sha256, told, in_order)


def runs_on(variant: Variant) -> str | None:
    """The provider to try a graph on: the best that it names and that is usable, else the CPU,
    which is slower but computes the same; None where that has no kernels for it.
    """
    named = [name for name in usable_providers() if name in variant.providers]
    if named:
        return named[0]
    return None if variant.precision in UNREADABLE else CPU


def prompts_differ(bundle: Bundle, prompts: Prompts) -> list[str]:
    """The criteria that the bundle asks by another text than the file of prompts has; other words
    get other rewards.
    """
    asked = bundle.manifest.criteria
    keys = [*asked, *(key for key in prompts.texts if key not in asked)]
    return [key for key in keys if key not in asked or asked[key].prompt != prompts.texts.get(key)]


def _pooled(batch: Sequence[Rewards], pooling: Pooling) -> list[Rewards]:
    return [each[0] for each in pooled(batch, pooling)]


def _probe(bundle: Bundle, variant: Variant) -> Check:
    probe = variant.probe or bundle.manifest.probe
    alone = only(bundle, variant)
    rewards = Scorer(alone, Engine(alone)).rewards([probe.code])[0]
    if rewards is None:
        raise InputError(f"{bundle.path} has a probe longer than it reads; export it again")
    differences = {key: abs(rewards[key] - told) for key, told in probe.rewards.items()}
    worst = max(differences, key=lambda key: (isnan(differences[key]), differences[key]))
    return Check("probe", differences[worst], probe.tolerance, about=f"on {worst}")


def _invariance(
    bundle: Bundle,
    variant: Variant,
    session: Session,
    batch: Sequence[Ids],
    full: Sequence[Rewards],
    gates: Gates,
) -> list[Check]:
    """The same text, read in other ways, against one full pass of it alone."""
    most = gates.half if variant.precision in HALVES else gates.cached
    limit = most * max(1.0, largest_reward(full))
    size = min(16, *(len(ids) for ids in batch if len(ids) > 1))
    alike = [ids[:size] for ids in batch if len(ids) >= size]
    alone = [full_pass(session, ids) for ids in alike]
    ragged = [reading.rewards for reading in session.run([Row(ids) for ids in batch])]
    turned = [reading.rewards for reading in session.run([Row(ids) for ids in batch[::-1]])][::-1]
    file, shape = bundle.path / variant.file, bundle.manifest.graph
    one, two = (
        Session(file, shape, threads=threads, providers=variant.providers) for threads in (1, 2)
    )
    longest = max(batch, key=len)
    found = {
        "cached": largest_difference(in_pieces(session, batch), full),
        "batch": largest_difference(
            [reading.rewards for reading in session.run([Row(ids) for ids in alike])], alone
        ),
        "padding": largest_difference(ragged, full),
        "order": largest_difference(turned, ragged),
        "threads": largest_difference([full_pass(one, longest)], [full_pass(two, longest)]),
    }
    return [Check(name, value, limit) for name, value in found.items()]


def _torch(
    bundle: Bundle,
    variant: Variant,
    checkpoint: Checkpoint,
    batch: Sequence[Ids],
    full: Sequence[Rewards],
    gates: Gates,
) -> list[Check]:
    model = load_model(checkpoint)
    card = checkpoint.card.quantisation
    storage = storage_of(variant.precision, card) if variant.precision in PRECISION_NAMES else None
    if storage is None:
        raise InputError(
            f"{bundle.path} stores {variant.file} as {variant.precision!r}, which this version "
            "does not know; verify it without --against"
        )
    round_as_stored(model, storage)
    expected = [torch_rewards(model, ids) for ids in batch]
    pooling, scale = bundle.manifest.pooling, max(1.0, largest_reward(expected))
    if storage.half:
        return [Check("torch", largest_difference(full, expected), gates.half * scale)]
    if storage.integers:
        found = largest_difference(pooled(full, pooling), pooled(expected, pooling))
        return [Check("torch", found, gates.integers * scale)]
    # Quantised graphs hold these weights to the bit: what differs is the order of additions.
    return [
        Check(
            "torch",
            largest_difference(pooled(full, pooling), pooled(expected, pooling)),
            gates.export,
        ),
        Check("torch, by token", largest_difference(full, expected), gates.export_token * scale),
    ]


@dataclass(frozen=True, slots=True)
class _Measured:
    """What a variant says of the pairs: `verdicts` in the order of the pairs that were scored."""

    accuracy: float | None
    calibration_error: float | None
    verdicts: tuple[str, ...]

    def against(self, reference: _Measured | None) -> PairFigures:
        changed = None
        if reference is not None:
            both = zip(reference.verdicts, self.verdicts, strict=True)
            changed = sum(first != second for first, second in both)
        return PairFigures(len(self.verdicts), self.accuracy, self.calibration_error, changed)


class _Remembering:
    """A scorer whose answers can be looked at again."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.criteria, self.reads_intent = scorer.criteria, scorer.reads_intent
        self._known: dict[tuple[str, str], Mapping[str, float] | None] = {}

    def rewards(
        self, codes: Sequence[str], *, intent: str = ""
    ) -> list[Mapping[str, float] | None]:
        found = self._scorer.rewards(codes, intent=intent)
        self._known |= zip(((intent, code) for code in codes), found, strict=True)
        return found

    def margin(self, pair: PreferencePair) -> float | None:
        intent = pair.input if self.reads_intent else ""
        chosen, rejected = (
            self._known.get((intent, code)) for code in (pair.chosen, pair.rejected)
        )
        if pair.tie or chosen is None or rejected is None or pair.aspect not in chosen:
            return None
        return chosen[pair.aspect] - rejected[pair.aspect]


def _on_pairs(
    bundle: Bundle, pairs: Sequence[PreferencePair], calibration: Calibration
) -> _Measured:
    scorer = _Remembering(Scorer(bundle, Engine(bundle)))
    overall = run_bench(pairs, scorer, calibration).overall
    verdicts = []
    for pair in pairs:
        margin = scorer.margin(pair)
        if margin is not None:
            preference = calibration.preference(pair.aspect, margin, pair.language)
            verdicts.append(calibration.verdict(pair.aspect, preference, pair.language).value)
    return _Measured(overall.pairwise_accuracy.value, overall.calibration_error, tuple(verdicts))
