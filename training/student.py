"""Cuts a student out of a pretrained base: fewer layers, a smaller vocabulary, weights rounded to
what will be shipped.

A cut model is no longer a language model; it is the frozen reader, or the starting point, of a
reward model.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
)

from review_core.bundle import Pooling
from review_core.languages import LANGUAGES
from training.card import Card, Quantisation
from training.criteria import AXES, LAYOUTS, Asking, asked
from training.rounding import round_blocks


@dataclass(frozen=True, slots=True)
class StudentSpec:
    """What is kept of the base.

    vocabulary: how many token ids, special tokens included. layers: the first n.
    weight_bits/block_size: block-wise symmetric rounding of the linear layers, None for none;
    embedding_bits: per-row rounding of the table.
    """

    layers: int
    vocabulary: int
    specials: tuple[str, ...] = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    weight_bits: int | None = 4
    block_size: int = 64
    embedding_bits: int | None = 8


def student_card(name: str, base: str, licence: str, spec: StudentSpec, how: Asking) -> Card:
    """What themis.json of such a student says."""
    return Card(
        name=name,
        base=base,
        licence=licence,
        layout=LAYOUTS[how],
        pooling=Pooling.MEAN,
        criteria=asked(how),
        axes=AXES,
        languages=tuple(language.name for language in LANGUAGES if language.in_distribution),
        max_tokens=4096,
        quantisation=Quantisation(spec.weight_bits, spec.block_size, spec.embedding_bits),
    )


def cut_student(
    base: str | Path, out: Path, spec: StudentSpec, texts: Iterable[str], card: Card
) -> None:
    """Write a sequence-classification folder with its card and (zero) reward heads: one a
    criterion, or one for all if they are asked by prompt.

    :param base: name or folder of a causal language model with a byte-level BPE tokenizer.
    :param texts: what the vocabulary is counted on; read once.
    """
    tokenizer = (
        Tokenizer.from_pretrained(str(base))
        if not Path(base).is_dir()
        else Tokenizer.from_file(str(Path(base) / "tokenizer.json"))
    )
    small, kept_ids = cut_vocabulary(
        json.loads(tokenizer.to_str()),
        token_counts(tokenizer, texts),
        spec.vocabulary,
        spec.specials,
    )
    by_head = all(criterion.prompt is None for criterion in card.criteria.values())
    keys = list(card.criteria) if by_head else ["reward"]
    config = AutoConfig.from_pretrained(base)
    causal = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config.num_hidden_layers, config.vocab_size = spec.layers, len(kept_ids)
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[: spec.layers]
    config.architectures, config.dtype = None, "float32"
    config.num_labels, config.id2label, config.label2id = (
        len(keys),
        dict(enumerate(keys)),
        {key: i for i, key in enumerate(keys)},
    )
    size = len(small["model"]["vocab"])
    config.pad_token_id = (
        size + spec.specials.index("<|endoftext|>") if "<|endoftext|>" in spec.specials else size
    )
    config.bos_token_id = config.eos_token_id = None
    student = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    body: Any = student.base_model  # transformers types no attribute of its models
    source: Any = causal.base_model
    with torch.no_grad():
        body.embed_tokens.weight.copy_(source.embed_tokens.weight[torch.tensor(kept_ids)])
        for mine, theirs in zip(body.layers, source.layers[: spec.layers], strict=True):
            mine.load_state_dict(theirs.state_dict())
        # The base's final norm was fitted to its last layer; after a cut a plain RMS normalisation
        # is the neutral choice.
        body.norm.weight.fill_(1.0)
        student.score.weight.zero_()
        if spec.embedding_bits:
            body.embed_tokens.weight.copy_(
                round_blocks(body.embed_tokens.weight, spec.embedding_bits, None)
            )
        if spec.weight_bits:
            for module in body.layers.modules():
                if isinstance(module, nn.Linear):
                    module.weight.copy_(
                        round_blocks(module.weight, spec.weight_bits, spec.block_size)
                    )
    out.mkdir(parents=True, exist_ok=True)
    student.save_pretrained(out)
    (out / "tokenizer.json").write_text(json.dumps(small, ensure_ascii=False), encoding="utf-8")
    PreTrainedTokenizerFast(
        tokenizer_file=str(out / "tokenizer.json"), pad_token="<|endoftext|>"
    ).save_pretrained(out)
    card.write(out)


def token_counts(tokenizer: Tokenizer, texts: Iterable[str], batch: int = 512) -> Counter[int]:
    """How often each token id is used in `texts`."""
    counts: Counter[int] = Counter()
    waiting: list[str] = []
    for text in texts:
        waiting.append(text)
        if len(waiting) == batch:
            for encoding in tokenizer.encode_batch(waiting, add_special_tokens=False):
                counts.update(encoding.ids)
            waiting.clear()
    for encoding in tokenizer.encode_batch(waiting, add_special_tokens=False):
        counts.update(encoding.ids)
    return counts


def cut_vocabulary(
    spec: dict[str, Any], counts: Counter[int], size: int, specials: tuple[str, ...]
) -> tuple[dict[str, Any], list[int]]:
    """Keep the bytes and the most used tokens of a byte-level BPE tokenizer, closed under their
    merges.

    Merge order is unchanged, so text made only of kept tokens tokenises identically; other text
    falls apart into smaller kept pieces and still round-trips.

    :param spec: a parsed tokenizer.json whose every merge has its own result (true of Qwen's).
    :return: the cut tokenizer.json and, for each new id in order, the id it had.
    """
    vocabulary: dict[str, int] = spec["model"]["vocab"]
    merges = [
        tuple(merge.split(" ") if isinstance(merge, str) else merge)
        for merge in spec["model"]["merges"]
    ]
    parents = {left + right: (left, right) for left, right in merges}
    if len(parents) != len(merges):
        raise ValueError(
            "two merges make the same token: this tokenizer cannot be cut by closing under merges"
        )
    token_of = {index: token for token, index in vocabulary.items()}
    kept = {token for token in vocabulary if token not in parents}
    room = size - len(specials)
    for index, _ in counts.most_common():
        token = token_of.get(index)  # None: an added token
        if token is None or token in kept:
            continue
        family = _ancestors(token, parents, kept)
        if len(kept) + len(family) > room:
            continue
        kept |= family
    ordered = sorted(kept, key=vocabulary.__getitem__)
    added = {entry["content"]: entry for entry in spec["added_tokens"]}
    cut = json.loads(json.dumps(spec))
    cut["model"]["vocab"] = {token: index for index, token in enumerate(ordered)}
    cut["model"]["merges"] = [
        list(merge) for merge in merges if kept.issuperset((*merge, merge[0] + merge[1]))
    ]
    cut["added_tokens"] = [
        dict(added[name], id=len(ordered) + i) for i, name in enumerate(specials)
    ]
    cut["padding"] = cut["truncation"] = None
    return cut, [vocabulary[token] for token in ordered] + [added[name]["id"] for name in specials]


def _ancestors(token: str, parents: dict[str, tuple[str, str]], kept: set[str]) -> set[str]:
    family: set[str] = set()
    waiting = [token]
    while waiting:
        piece = waiting.pop()
        if piece not in kept and piece not in family:
            family.add(piece)
            waiting.extend(parents[piece])
    return family
