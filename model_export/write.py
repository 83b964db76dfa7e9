"""Makes a bundle of a checkpoint, measuring after every step. Writes nothing that failed a gate."""

from __future__ import annotations

import gc
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from tokenizers import Tokenizer

from model_export.checkpoint import Checkpoint, load_model
from model_export.errors import GateError
from model_export.graph import export_graph
from model_export.half import check_graph, store_in_half
from model_export.integers import compute_in_integers
from model_export.parity import (
    PROBE,
    Gates,
    Ids,
    Parity,
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
from model_export.quantise import (
    PROTOBUF_LIMIT,
    quantise_embedding,
    quantise_linear,
    round_as_stored,
    save_graph,
)
from model_export.storage import CPU, Storage, storages
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
from review_core.engine import Engine, Limits
from review_core.errors import InputError
from review_core.scorer import Scorer
from review_core.session import Session
from training.card import Quantisation

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

GRAPH = "model.onnx"
MODEL_CARD = "MODEL_CARD.md"
_PROBE_TOLERANCE = (
    1e-3  # other processors add up in another order; a wrong weight shows in the first decimal
)
UNREADABLE = frozenset({"bf16"})
"""What onnxruntime has no CPU kernels for: such graphs are checked by type and shape only."""


@dataclass(frozen=True, slots=True)
class _Reference:
    """What every graph is compared with: samples and torch's rewards for them, of the checkpoint's
    own weights. shape: of the model's states.
    """

    shape: GraphShape
    batch: Sequence[Ids]
    rewards: Sequence[Rewards]


@dataclass(frozen=True, slots=True)
class _Written:
    """A graph in the bundle. probed: the graph to score the probe with, itself or, where this
    machine cannot run it, its fp32 form.
    """

    file: str
    storage: Storage
    parity: Parity
    probed: Path


def write_bundle(
    checkpoint: Checkpoint,
    out: Path,
    *,
    quantisation: Quantisation,
    precisions: Sequence[str] = (),
    calibration: Path | None = None,
    command: str,
    gates: Gates | None = None,
    limit: int = PROTOBUF_LIMIT,
    progress: Callable[[str], None] = log.info,
) -> Bundle:
    """Export, store small, check, and put the bundle at `out`, replacing a bundle that is there.

    :param precisions: of several graphs, by name, in order of preference; then `quantisation` only
        gives the block size. Without them there is one, stored as `quantisation` says.
    :param calibration: a calibration.json; without one no verdict is ever given.
    :param command: what the manifest says made it.
    :param limit: bytes of weights from which they lie in one file beside their graph.
    :param progress: told of each step as it begins.
    :raises GateError: if a graph does not say what torch says; nothing is written then.
    :raises InputError: if `out` holds something else, or naming a precision that there is not.
    """
    if out.exists() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise InputError(f"{out} exists and is not a bundle; remove it or choose another folder")
    wanted = storages(precisions, quantisation) if precisions else (Storage(quantisation),)
    gates = gates or Gates()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        folder = Path(scratch) / "bundle"
        folder.mkdir()
        _write_texts(checkpoint, folder, calibration)
        progress(f"reading the weights of {checkpoint.card.name}")
        reference = _reference(checkpoint)
        written: list[_Written] = []
        for number, storage in enumerate(wanted):
            name = storage.precision
            step = partial(_step, progress, f"{name} ({number + 1} of {len(wanted)})")
            file = f"model.{name}.onnx" if precisions else GRAPH
            space = Path(scratch) / str(number)
            space.mkdir()
            made = _write_graph(
                checkpoint, storage, reference, space, folder / file, limit=limit, step=step
            )
            if failures := made.parity.failures(gates):
                told = f"{name}: " if precisions else ""
                raise GateError("\n".join(told + failure for failure in failures))
            written.append(made)
            if made.probed.parent != space:
                shutil.rmtree(space)
        progress("probing the bundle")
        _write_manifest(folder, checkpoint, reference.shape, written, command)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    return load_bundle(out)


def _step(progress: Callable[[str], None], of: str, what: str) -> None:
    progress(f"{of}: {what}")


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
    storage: Storage,
    reference: _Reference,
    scratch: Path,
    target: Path,
    *,
    limit: int,
    step: Callable[[str], None],
) -> _Written:
    """Export and store; every file on the way is opened and compared.

    What is large goes as soon as it is not needed: the torch model once it is exported.
    """
    shape = reference.shape
    step("rounding weights")
    model = load_model(checkpoint)  # anew: one before has rounded weights
    batch, quantisation = reference.batch, storage.quantisation
    changed = round_as_stored(model, storage) > 0
    expected = [torch_rewards(model, ids) for ids in batch] if changed else reference.rewards
    said = expected  # what there is to say of a graph that cannot be run here

    def read(path: Path) -> list[Rewards]:
        session = Session(path, shape)
        return [full_pass(session, ids) for ids in batch]

    step("exporting the graph")
    fp32_path = scratch / "fp32.onnx"
    export_graph(model, fp32_path)
    del model
    gc.collect()  # the exporter leaves cycles that hold it
    step("comparing it with torch")
    fp32 = read(fp32_path)
    pooling = checkpoint.card.pooling
    export = largest_difference(pooled(fp32, pooling), pooled(expected, pooling))
    step("storing")
    graph = onnx.load(str(fp32_path))
    linear = embedding = half = integers = cached = None
    if storage.integers:
        graph = compute_in_integers(graph)
        save_graph(graph, scratch / "linear.onnx", limit=limit)
        inside = pooled(read(scratch / "linear.onnx"), pooling)
        integers = largest_difference(inside, pooled(fp32, pooling))
    elif quantisation.weight_bits:
        graph = quantise_linear(graph, quantisation.weight_bits, quantisation.block_size)
        save_graph(graph, scratch / "linear.onnx", limit=limit)
        linear = largest_difference(read(scratch / "linear.onnx"), fp32)
    if quantisation.embedding_bits:
        graph = quantise_embedding(graph)
    if storage.half:
        graph = store_in_half(graph, storage.half)
    save_graph(graph, target, limit=limit)
    del graph
    step("comparing what is stored with fp32, whole and in pieces")
    probed = target
    if storage.half:
        check_graph(str(target))
    if storage.half in UNREADABLE:
        probed = fp32_path
    else:
        session = Session(target, shape)
        full = [full_pass(session, ids) for ids in batch]
        cached = largest_difference(in_pieces(session, batch), full)
        if quantisation.embedding_bits and not storage.integers:
            embedding = largest_difference(full, fp32)
        if storage.half:
            half = largest_difference(full, fp32)
        said = full
    own, final = pooled(reference.rewards, pooling), pooled(said, pooling)
    parity = Parity(
        export=export,
        export_token=largest_difference(fp32, expected),
        linear=linear,
        embedding=embedding,
        cached=cached,
        rounding=largest_difference(own, final),
        sign_agreement=sign_agreement([each[0] for each in own], [each[0] for each in final]),
        largest=largest_reward(fp32),
        tokens=sum(len(ids) for ids in batch),
        half=half,
        integers=integers,
    )
    return _Written(target.name, storage, parity, probed)


def _reference(checkpoint: Checkpoint) -> _Reference:
    model = load_model(checkpoint)
    batch = samples(Tokenizer.from_file(str(checkpoint.path / TOKENIZER)), checkpoint.card)
    return _Reference(graph_shape(model), batch, [torch_rewards(model, ids) for ids in batch])


def _write_manifest(
    folder: Path,
    checkpoint: Checkpoint,
    shape: GraphShape,
    written: Sequence[_Written],
    command: str,
) -> None:
    card = checkpoint.card
    blank = Probe(PROBE, dict.fromkeys(card.criteria, 0.0), _PROBE_TOLERANCE)
    several = len(written) > 1
    # The flat form is that of a bundle of one graph: of several, of the one that CPUs prefer.
    preferred = next((each for each in written if CPU in each.storage.providers), written[0])
    parity = preferred.parity.to_json()
    if several:
        parity["variants"] = {each.storage.precision: each.parity.to_json() for each in written}
    manifest = Manifest(
        name=card.name,
        base=card.base,
        licence=card.licence,
        created_by={"command": command, "version": __version__},
        files={path.name: file_sha256(path) for path in sorted(folder.iterdir())},
        max_tokens=card.max_tokens,
        layout=card.layout,
        pooling=card.pooling,
        criteria=card.criteria,
        axes=card.axes,
        languages=card.languages,
        graph=shape,
        variants=tuple(
            Variant(each.file, each.storage.precision, each.storage.providers) for each in written
        ),
        probe=blank,
        metrics=card.metrics,
        parity=parity,
    )
    _dump(folder, manifest)
    bundle = load_bundle(folder)
    probes = {each.file: _probe(bundle, each, checkpoint) for each in written}
    manifest = replace(manifest, probe=probes[preferred.file])
    if several:
        variants = tuple(replace(each, probe=probes[each.file]) for each in manifest.variants)
        manifest = replace(manifest, variants=variants)
    _dump(folder, manifest)


def _probe(bundle: Bundle, written: _Written, checkpoint: Checkpoint) -> Probe:
    """What the graph scores the probe, on this machine's CPU."""
    variant = Variant(written.probed.name, written.storage.precision, (CPU,))
    alone = replace(only(bundle, variant), path=written.probed.parent)
    rewards = Scorer(alone, Engine(alone, limits=Limits(kept_bytes=0))).rewards([PROBE])[0]
    if rewards is None:
        raise InputError(
            f"max_tokens of {checkpoint.path} is {checkpoint.card.max_tokens}, "
            "less than the probe needs; raise it"
        )
    tolerance = _PROBE_TOLERANCE
    if written.storage.half:
        tolerance = Gates().half * max(1.0, *(abs(reward) for reward in rewards.values()))
    return Probe(PROBE, rewards, tolerance)


def only(bundle: Bundle, variant: Variant) -> Bundle:
    """The bundle as if it held that one graph, for reading it alone."""
    manifest = bundle.manifest
    files = {variant.file: "", **manifest.files}  # it need not be one of the bundle's
    return replace(bundle, manifest=replace(manifest, files=files, variants=(variant,)))


def _dump(folder: Path, manifest: Manifest) -> None:
    text = json.dumps(manifest.to_json(), indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
