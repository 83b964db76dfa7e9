"""The ways of scoring that engine benchmarks compare: ours, and full passes as a user would write
them. Each is meant to run in a process of its own.

Ours is measured from texts to rewards, tokenising included. The others get token sequences that are
ready, one a criterion prompt and side, and share nothing between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import cost, peak_bytes
from review_core.bundle import Bundle, Pooling, load_bundle
from review_core.layout import TokenSequence

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Rewards: TypeAlias = NDArray[np.float32]
"""Pooled rewards, sequences x heads."""

_WARM_UP = TokenSequence(tuple(range(100, 164)), (0, 64))
"""Read once before the clock runs; it shares no prefix with what is measured."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one way of scoring took for what it was given.

    start_seconds: until it could begin. tokens: that went through the model, padding left out.
    peak_bytes: of the whole process; None where the system does not say.
    """

    start_seconds: float
    seconds: float
    cpu_seconds: float
    tokens: int
    peak_bytes: int | None
    rewards: Rewards


def only(bundle: Bundle, precision: str) -> Bundle:
    """The bundle as if it held that graph alone, to be run on this machine's processor.

    :raises ValueError: if it holds no such graph.
    """
    of = {each.precision: each for each in bundle.manifest.variants}
    if precision not in of:
        raise ValueError(f"{bundle.path} has no {precision} graph; it has {', '.join(of)}")
    variant = replace(of[precision], providers=("CPUExecutionProvider",))
    return replace(bundle, manifest=replace(bundle.manifest, variants=(variant,)))


def ours(path: Path, precision: str, codes: Sequence[str], intent: str, threads: int) -> Run:
    """The engine as every program of ours uses it, on the processor, without the cache on disk.

    The rewards are in the order of codes, then of criteria, one head each.
    """
    return _ours(lambda: only(load_bundle(path), precision), codes, intent, threads)[1]


def ours_here(path: Path, codes: Sequence[str], intent: str, threads: int) -> tuple[str, Run]:
    """The same with the graph and the provider that this machine is given; the graph's precision,
    too.
    """
    return _ours(lambda: load_bundle(path), codes, intent, threads)


def _ours(
    load: Callable[[], Bundle], codes: Sequence[str], intent: str, threads: int
) -> tuple[str, Run]:
    from review_core.engine import Engine
    from review_core.scorer import Scorer

    with cost() as start:
        bundle = load()
        engine = Engine(bundle, threads=threads)
    engine.rewards([_WARM_UP])
    scorer = Scorer(bundle, engine)
    with cost() as spent:
        answers = scorer.rewards(codes, intent=intent)
    rewards = [[value] for each in answers if each is not None for value in each.values()]
    run = Run(
        start.seconds,
        spent.seconds,
        spent.cpu_seconds,
        scorer.statistics.tokens_computed,
        peak_bytes(),
        np.array(rewards, np.float32),
    )
    return engine.variant.precision, run


def onnx_full_passes(
    path: Path, precision: str, sequences: Sequence[TokenSequence], threads: int
) -> Run:
    """The same graph in the same runtime, each sequence read from its first token."""
    from review_core.session import Row, Session

    with cost() as start:
        bundle = only(load_bundle(path), precision)
        manifest = bundle.manifest
        session = Session(path / manifest.variants[0].file, manifest.graph, threads=threads)

    def read(batch: Sequence[TokenSequence]) -> Rewards:
        rows = session.run([Row(each.ids) for each in batch])
        pairs = zip(rows, batch, strict=True)
        return np.stack([_pooled(row.rewards, each, manifest.pooling) for row, each in pairs])

    return _measured(start.seconds, sequences, 1, read)


def transformers_full_passes(
    checkpoint: Path,
    dtype: str,
    sequences: Sequence[TokenSequence],
    pooling: Pooling,
    *,
    batch: int,
    threads: int,
    device: str = "cpu",
) -> Run:
    """Torch by way of transformers, eager, with its own attention (sdpa): what a user would write.

    :param dtype: of weights and activations: float32 or bfloat16.
    :param batch: sequences read together, padded on the right to the longest.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.set_num_threads(threads or torch.get_num_threads())
    with cost() as start:
        model = AutoModelForSequenceClassification.from_pretrained(
            checkpoint, dtype=getattr(torch, dtype)
        )
        model = model.eval().to(device)

    def read(part: Sequence[TokenSequence]) -> Rewards:
        with torch.inference_mode():
            return _torch_rewards(model, part, pooling)

    return _measured(start.seconds, sequences, batch, read)


def _torch_rewards(
    model: PreTrainedModel, part: Sequence[TokenSequence], pooling: Pooling
) -> Rewards:
    from training.model import heads_of, hidden_states, pool

    hidden, mask = hidden_states(model, part)
    if pooling is Pooling.LAST:  # the head reads one token, as in the published code
        rewards: torch.Tensor = heads_of(model)(pool(hidden, mask, part, "last"))
    else:
        rewards = pool(heads_of(model)(hidden), mask, part, "mean")
    found: Rewards = rewards.float().cpu().numpy()
    return found


def _measured(
    start: float,
    sequences: Sequence[TokenSequence],
    batch: int,
    read: Callable[[Sequence[TokenSequence]], Rewards],
) -> Run:
    read([_WARM_UP])
    with cost() as spent:
        found = [read(sequences[at : at + batch]) for at in range(0, len(sequences), batch)]
    tokens = sum(len(each.ids) for each in sequences)
    rewards = np.concatenate(found)
    return Run(start, spent.seconds, spent.cpu_seconds, tokens, peak_bytes(), rewards)


def _pooled(rewards: Rewards, sequence: TokenSequence, pooling: Pooling) -> Rewards:
    if pooling is Pooling.LAST:
        last: Rewards = rewards[-1]
        return last
    start, end = sequence.code
    if start >= end:
        return np.zeros(rewards.shape[1], np.float32)
    mean: Rewards = rewards[start:end].mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
