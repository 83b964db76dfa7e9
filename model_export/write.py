"""Makes a bundle of a checkpoint, measuring after every step, and verifies finished ones. Writes
nothing that failed a gate.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from tokenizers import Tokenizer

from model_export.checkpoint import Checkpoint, load_model, precision_of, with_precision
from model_export.errors import GateError
from model_export.graph import export_graph
from model_export.parity import (
    PROBE,
    Gates,
    Ids,
    Parity,
    Rewards,
    full_pass,
    in_pieces,
    largest_difference,
    pooled,
    samples,
    sign_agreement,
    torch_rewards,
)
from model_export.quantise import quantise_embedding, quantise_linear, round_weights, save_graph
from review_core import __version__
from review_core.bundle import (
    CALIBRATION,
    MANIFEST,
    TOKENIZER,
    Bundle,
    GraphShape,
    Manifest,
    Probe,
    Variant,
    file_sha256,
    load_bundle,
)
from review_core.calibration import Calibration
from review_core.engine import Engine
from review_core.errors import BundleError, InputError
from review_core.scorer import Scorer
from review_core.session import Session
from training.card import Quantisation

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GRAPH = "model.onnx"
MODEL_CARD = "MODEL_CARD.md"
_PROBE_TOLERANCE = (
    1e-3  # other processors add up in another order; a wrong weight shows in the first decimal
)
_PROVIDERS = ("CPUExecutionProvider",)


@dataclass(frozen=True, slots=True)
class _Reference:
    """What every graph is compared with: samples and torch's rewards for them, of the rounded
    weights.
    """

    batch: Sequence[Ids]
    rewards: Sequence[Rewards]
    rounding: float
    sign_agreement: float | None


def write_bundle(
    checkpoint: Checkpoint,
    out: Path,
    *,
    quantisation: Quantisation,
    calibration: Path | None = None,
    command: str,
    gates: Gates | None = None,
) -> Bundle:
    """Export, store small, check, and put the bundle at `out`, replacing a bundle that is there.

    :param calibration: a calibration.json; without one no verdict is ever given.
    :param command: what the manifest says made it.
    :raises GateError: if a graph does not say what torch says; nothing is written then.
    :raises InputError: if `out` holds something else.
    """
    if out.exists() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise InputError(f"{out} exists and is not a bundle; remove it or choose another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        folder = Path(scratch) / "bundle"
        folder.mkdir()
        _write_texts(checkpoint, folder, calibration)
        model = load_model(checkpoint)
        shape = graph_shape(model)
        parity = _write_graph(checkpoint, model, quantisation, Path(scratch), folder / GRAPH)
        if failures := parity.failures(gates or Gates()):
            raise GateError("\n".join(failures))
        _write_manifest(folder, checkpoint, shape, quantisation, parity, command)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    return load_bundle(out)


def verify_bundle(
    bundle: Bundle, checkpoint: Checkpoint | None = None, gates: Gates | None = None
) -> Mapping[str, float]:
    """Score the probe, read in pieces, and compare with `checkpoint` if there is one; return what
    was measured.

    :raises GateError: if one of them is beyond its gate.
    """
    gates = gates or Gates()
    try:
        Scorer(bundle, Engine(bundle)).verify()
    except BundleError as error:
        raise GateError(str(error)) from error
    variant = bundle.manifest.variants[0]
    session = Session(bundle.path / variant.file, bundle.manifest.graph)
    batch = samples(bundle.tokenizer, bundle.manifest)
    full = [full_pass(session, ids) for ids in batch]
    scale = max(1.0, _largest(full))
    checks = {"cached": (largest_difference(in_pieces(session, batch), full), gates.cached * scale)}
    if checkpoint is not None:
        model = load_model(checkpoint)
        round_weights(model, with_precision(checkpoint.card.quantisation, variant.precision))
        torch = [torch_rewards(model, ids) for ids in batch]
        checks["torch"] = (largest_difference(full, torch), gates.export * scale)
    failures = [
        f"{name}: rewards differ by {found:.2e}, at most {most:.0e} is allowed"
        for name, (found, most) in checks.items()
        if not found <= most
    ]
    if failures:
        raise GateError("\n".join(failures))
    return {name: found for name, (found, _) in checks.items()}


def graph_shape(model: PreTrainedModel) -> GraphShape:
    """What the model's states look like."""
    config = model.config
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return GraphShape(config.num_hidden_layers, config.num_key_value_heads, head_dim)


def neutral_calibration(criteria: Sequence[str]) -> dict[str, Any]:
    """What a bundle says before it is calibrated: plain sigmoids, and never a verdict."""
    curve = {"temperature": 1.0, "worse_at": None, "better_at": None, "isotonic": None}
    return {"format": 1, "criteria": {key: dict(curve) for key in criteria}, "measured": {}}


def _write_texts(checkpoint: Checkpoint, folder: Path, calibration: Path | None) -> None:
    keys = list(checkpoint.card.criteria)
    document = neutral_calibration(keys)
    if calibration is not None:
        try:
            document = json.loads(calibration.read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(f"{calibration} cannot be read as JSON: {error}") from error
        known = Calibration.from_json(document).criteria
        if missing := [key for key in keys if key not in known]:
            raise InputError(
                f"{calibration} says nothing of {missing[0]}; calibrate every criterion"
            )
    (folder / CALIBRATION).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(checkpoint.path / TOKENIZER, folder / TOKENIZER)
    if (checkpoint.path / MODEL_CARD).is_file():
        shutil.copyfile(checkpoint.path / MODEL_CARD, folder / MODEL_CARD)


def _write_graph(
    checkpoint: Checkpoint,
    model: PreTrainedModel,
    quantisation: Quantisation,
    scratch: Path,
    target: Path,
) -> Parity:
    """Export and store; every file on the way is opened and compared."""
    shape = graph_shape(model)
    reference = _reference(checkpoint, model, quantisation)

    def read(path: Path) -> list[Rewards]:
        session = Session(path, shape)
        return [full_pass(session, ids) for ids in reference.batch]

    fp32_path = scratch / "fp32.onnx"
    export_graph(model, fp32_path)
    fp32 = read(fp32_path)
    pooling = checkpoint.card.pooling
    export = largest_difference(pooled(fp32, pooling), pooled(reference.rewards, pooling))
    graph = onnx.load(str(fp32_path))
    linear = embedding = None
    if quantisation.weight_bits:
        graph = quantise_linear(graph, quantisation.weight_bits, quantisation.block_size)
        save_graph(graph, scratch / "linear.onnx")
        linear = largest_difference(read(scratch / "linear.onnx"), fp32)
    if quantisation.embedding_bits:
        graph = quantise_embedding(graph)
    save_graph(graph, target)
    session = Session(target, shape)
    full = [full_pass(session, ids) for ids in reference.batch]
    if quantisation.embedding_bits:
        embedding = largest_difference(full, fp32)
    return Parity(
        export=export,
        export_token=largest_difference(fp32, reference.rewards),
        linear=linear,
        embedding=embedding,
        cached=largest_difference(in_pieces(session, reference.batch), full),
        rounding=reference.rounding,
        sign_agreement=reference.sign_agreement,
        largest=_largest(fp32),
        tokens=sum(len(ids) for ids in reference.batch),
    )


def _reference(
    checkpoint: Checkpoint, model: PreTrainedModel, quantisation: Quantisation
) -> _Reference:
    batch = samples(Tokenizer.from_file(str(checkpoint.path / TOKENIZER)), checkpoint.card)
    before = [torch_rewards(model, ids) for ids in batch]
    changed = round_weights(model, quantisation) > 0
    after = [torch_rewards(model, ids) for ids in batch] if changed else before
    own, rounded = ([rewards.mean(axis=0) for rewards in each] for each in (before, after))
    return _Reference(
        batch,
        after,
        largest_difference(own, rounded),
        sign_agreement(own, rounded),
    )


def _write_manifest(
    folder: Path,
    checkpoint: Checkpoint,
    shape: GraphShape,
    quantisation: Quantisation,
    parity: Parity,
    command: str,
) -> None:
    manifest = Manifest(
        name=checkpoint.card.name,
        base=checkpoint.card.base,
        licence=checkpoint.card.licence,
        created_by={"command": command, "version": __version__},
        files={path.name: file_sha256(path) for path in sorted(folder.iterdir())},
        max_tokens=checkpoint.card.max_tokens,
        layout=checkpoint.card.layout,
        pooling=checkpoint.card.pooling,
        criteria=checkpoint.card.criteria,
        axes=checkpoint.card.axes,
        languages=checkpoint.card.languages,
        graph=shape,
        variants=(Variant(GRAPH, precision_of(quantisation), _PROVIDERS),),
        probe=Probe(PROBE, dict.fromkeys(checkpoint.card.criteria, 0.0), _PROBE_TOLERANCE),
        metrics=checkpoint.card.metrics,
        parity=parity.to_json(),
    )
    _dump(folder, manifest)
    bundle = load_bundle(folder)
    rewards = Scorer(bundle, Engine(bundle)).rewards([PROBE])[0]
    if rewards is None:
        raise InputError(
            f"max_tokens of {checkpoint.path} is {checkpoint.card.max_tokens}, "
            "less than the probe needs; raise it"
        )
    _dump(folder, replace(manifest, probe=replace(manifest.probe, rewards=rewards)))


def _dump(folder: Path, manifest: Manifest) -> None:
    text = json.dumps(manifest.to_json(), indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _largest(batch: Sequence[Rewards]) -> float:
    return max(float(abs(rewards).max()) for rewards in batch)
