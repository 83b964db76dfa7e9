"""Pooled hidden states of a frozen student for preference pairs: what linear reward heads are
fitted on.

The two sides of a pair are read with their common head computed once. Work is cut into shards that
are written as they finish, so an interrupted run goes on where it stopped; each shard uses one
thread (two processes beat two threads).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.cache_utils import DynamicCache

from review_core.bundle import Pooling
from review_core.errors import InputError
from review_core.layout import Layout, TokenSequence, normalise
from review_core.records import PreferencePair, read_pairs, write_pairs

log = logging.getLogger(__name__)
PAIRS = "pairs.jsonl.zst"
POOLINGS = (Pooling.MEAN, Pooling.LAST)
"""In the order in which `_pool` stacks them."""


def common_depths(folders: Sequence[Path]) -> list[int]:
    """The depths at which all these `extract` folders were read, rising.

    :raises InputError: if a folder holds no features, or there is no such depth.
    """
    read = [set(_described(folder)["depths"]) for folder in folders]
    common = sorted(set.intersection(*read))
    if not common:
        raise InputError("the features were read at no common depth; read them after the same one")
    return common


def load_features(
    folders: Sequence[Path], depth: int, pooling: str
) -> tuple[list[PreferencePair], NDArray[np.float32]]:
    """Pairs and their features at one depth and pooling from finished `extract` folders; too long
    pairs are left out.

    :return: the pairs and an array of shape (pairs, 2 sides, hidden).
    :raises InputError: if a folder is unfinished or was not read at that depth.
    """
    pairs: list[PreferencePair] = []
    states: list[NDArray[np.float32]] = []
    for folder in folders:
        described = _described(folder)
        if depth not in described["depths"]:
            raise InputError(f"{folder} was read after layers {described['depths']}, not {depth}")
        at = described["depths"].index(depth), POOLINGS.index(Pooling(pooling))
        shards = [np.load(path)[:, :, *at] for path in sorted(folder.glob("shard-??????.npy"))]
        if sum(len(shard) for shard in shards) != described["pairs"]:
            raise InputError(f"{folder} is not finished; run themis-train features again")
        rows = np.concatenate(shards).astype(np.float32)
        kept = (~np.isnan(rows.reshape(len(rows), -1).sum(axis=1))).tolist()
        pairs += [pair for pair, keep in zip(read_pairs(folder / PAIRS), kept, strict=True) if keep]
        states.append(rows[kept])
    return pairs, np.concatenate(states)


def _described(folder: Path) -> dict[str, Any]:
    try:
        described: dict[str, Any] = json.loads((folder / "features.json").read_text())
    except OSError as error:
        raise InputError(
            f"{folder} holds no features; make them with themis-train features"
        ) from error
    return described


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """depths: after which layers to read. max_tokens: longer sides drop the pair (its rows are
    NaN).
    """

    depths: tuple[int, ...]
    layout: Layout
    max_tokens: int = 1024
    dtype: str = "bfloat16"


def extract(
    student: Path,
    pairs: Sequence[PreferencePair],
    spec: FeatureSpec,
    out: Path,
    *,
    criterion_texts: dict[str, str] | None = None,
    workers: int = 2,
    shard_size: int = 200,
) -> NDArray[np.float16]:
    """Features of every pair, resuming from the shards found in `out`.

    :param criterion_texts: per aspect, what fills the layout's criterion slot.
    :param workers: processes, one thread each; 0 reads in this one.
    :return: shape (pairs, 2 sides: chosen then rejected, depths, 2 poolings: mean then last,
    hidden), RMS-normalised
        per token before pooling; NaN where a side is too long.
    :raises ValueError: if `out` holds shards of another run.
    """
    out.mkdir(parents=True, exist_ok=True)
    fingerprint = hashlib.sha256(
        repr((str(student), spec, criterion_texts, shard_size, list(pairs))).encode()
    ).hexdigest()
    stamp = out / "features.json"
    if stamp.exists() and json.loads(stamp.read_text())["fingerprint"] != fingerprint:
        raise ValueError(
            f"{out} holds features of other pairs or settings; give another folder or remove it"
        )
    described = asdict(spec) | {
        "layout": spec.layout.to_json(),
        "student": str(student),
        "pairs": len(pairs),
        "fingerprint": fingerprint,
    }
    stamp.write_text(json.dumps(described, indent=1))
    write_pairs(out / PAIRS, pairs)
    shards = {
        out / f"shard-{start:06d}.npy": pairs[start : start + shard_size]
        for start in range(0, len(pairs), shard_size)
    }
    missing = {path: part for path, part in shards.items() if not path.exists()}
    done = len(shards) - len(missing)
    for _ in _read_shards(student, missing, spec, criterion_texts or {}, workers):
        done += 1
        log.info("features: %d of %d shards", done, len(shards))
    return np.concatenate([np.load(path) for path in shards])


def _read_shards(
    student: Path,
    missing: Mapping[Path, Sequence[PreferencePair]],
    spec: FeatureSpec,
    criterion_texts: dict[str, str],
    workers: int,
) -> Iterator[None]:
    """Yield after each shard that is written."""
    if workers == 0:
        for path, part in missing.items():
            _extract_shard(student, part, spec, path, criterion_texts)
            yield
        return
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        jobs = [
            pool.submit(_extract_shard, student, part, spec, path, criterion_texts)
            for path, part in missing.items()
        ]
        for job in as_completed(jobs):
            job.result()
            yield


def _extract_shard(
    student: Path,
    pairs: Sequence[PreferencePair],
    spec: FeatureSpec,
    path: Path,
    criterion_texts: dict[str, str],
) -> None:
    model, tokenizer = _load(student, spec.dtype)
    rows = np.full(
        (len(pairs), 2, len(spec.depths), len(POOLINGS), model.config.hidden_size),
        np.nan,
        dtype=np.float16,
    )
    for row, pair in zip(rows, pairs, strict=True):
        sides = [
            spec.layout.render(
                tokenizer,
                normalise(code),
                criterion=criterion_texts.get(pair.aspect, ""),
                intent=pair.input,
            )
            for code in (pair.chosen, pair.rejected)
        ]
        if all(len(side.ids) <= spec.max_tokens and side.code[0] < side.code[1] for side in sides):
            row[:] = pair_features(model, sides, spec.depths).to(torch.float16).numpy()
    partial = path.with_suffix(".partial.npy")
    np.save(partial, rows)
    partial.rename(path)


_loaded: dict[
    tuple[Path, str], tuple[PreTrainedModel, Tokenizer]
] = {}  # one model a worker process


def _load(student: Path, dtype: str) -> tuple[PreTrainedModel, Tokenizer]:
    if (student, dtype) not in _loaded:
        model = AutoModelForSequenceClassification.from_pretrained(
            student, dtype=getattr(torch, dtype)
        ).base_model.eval()
        _loaded[student, dtype] = model, Tokenizer.from_file(str(student / "tokenizer.json"))
    return _loaded[student, dtype]


@torch.no_grad()
def pair_features(
    model: PreTrainedModel, sides: Sequence[TokenSequence], depths: Sequence[int]
) -> Tensor:
    """Pooled features of two sequences that may share a head; shape (2, depths, 2 poolings,
    hidden), float32.
    """
    first, second = (torch.tensor([side.ids]) for side in sides)
    cache = DynamicCache()
    whole = _states(model, first, cache, depths)  # depths x tokens x hidden
    shared = int(
        (first[0, : (n := min(first.shape[1], second.shape[1]))] != second[0, :n]).int().argmax()
    )
    if torch.equal(first[:, :n], second[:, :n]):
        shared = n - 1  # one side is a prefix of the other: something must still be run
    shared = min(shared, second.shape[1] - 1)
    cache.crop(shared)
    other = torch.cat([whole[:, :shared], _states(model, second[:, shared:], cache, depths)], dim=1)
    return torch.stack(
        [_pool(states, side) for states, side in zip((whole, other), sides, strict=True)]
    )


def _states(
    model: PreTrainedModel, ids: Tensor, cache: DynamicCache, depths: Sequence[int]
) -> Tensor:
    hidden = model(
        input_ids=ids, past_key_values=cache, use_cache=True, output_hidden_states=True
    ).hidden_states
    states = torch.stack([hidden[depth][0].float() for depth in depths])
    deepest = torch.tensor([depth == len(hidden) - 1 for depth in depths])
    if deepest.any():  # it comes normalised and times the final norm's weight, which heads replace
        states[deepest] = states[deepest] / _final_weight(model)
    # RMS-normalised, as the cut model's final norm (unit weight) does; the deepest is normalised
    # already: no change.
    return states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + model.config.rms_norm_eps)


def _final_weight(model: PreTrainedModel) -> Tensor:
    norm: Any = model.norm
    weight: Tensor = norm.weight.float()
    return weight


def _pool(states: Tensor, side: TokenSequence) -> Tensor:
    return torch.stack([states[:, side.code[0] : side.code[1]].mean(1), states[:, -1]], dim=1)
