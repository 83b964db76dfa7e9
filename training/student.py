"""Cuts a student out of a pretrained base, or of a model that is trained already: fewer layers, a
smaller vocabulary, narrower feed-forwards, weights rounded to what will be shipped.

A cut model is no longer a language model; it is the frozen reader, or the starting point, of a
reward model.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
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
from review_core.errors import InputError
from review_core.languages import LANGUAGES
from review_core.layout import normalise
from training.card import CARD, Card, Quantisation
from training.criteria import AXES, LAYOUTS, Asking, asked
from training.rounding import round_blocks
from training.specs import StudentSpec, bits
from training.width import final_states, narrow, relative_error

log = logging.getLogger(__name__)
_LONGEST = 1024
"""Most tokens of a text that neurons are chosen by: attention grows with its square."""
_HELD_OUT = 0.25
"""Of the sample, what a cut of neurons is measured on and not fitted to."""


def student_card(name: str, base: str | Path, licence: str, spec: StudentSpec, how: Asking) -> Card:
    """What themis.json of a student says. A base that has a card itself, because it is trained,
    has said all but name and rounding.
    """
    quantisation = Quantisation(bits(spec.weight_bits), spec.block_size, bits(spec.embedding_bits))
    if is_trained(base):
        return replace(Card.read(Path(base)), name=name, quantisation=quantisation, metrics={})
    return Card(
        name=name,
        base=spec.base_name or str(base),
        licence=licence,
        layout=LAYOUTS[how],
        pooling=Pooling.MEAN,
        criteria=asked(how),
        axes=AXES,
        languages=tuple(language.name for language in LANGUAGES if language.in_distribution),
        max_tokens=4096,
        quantisation=quantisation,
    )


def is_trained(base: str | Path) -> bool:
    """Whether this is a checkpoint with a card, and not a pretrained language model."""
    return (Path(base) / CARD).is_file()


def cut_student(
    base: str | Path, out: Path, spec: StudentSpec, texts: Iterable[str], card: Card
) -> None:
    """Write a sequence-classification folder with its card and its reward heads: zeros, one a
    criterion, or one for all if they are asked by prompt; a trained base's are kept.

    :param base: name or folder of a causal language model with a byte-level BPE tokenizer, or
        folder of a checkpoint that was trained.
    :param texts: what the vocabulary is counted on and neurons are chosen by; read once.
    :raises InputError: for layers or a width that the base has not.
    """
    texts = list(texts)
    tokenizer, kept_ids = _cut_tokenizer(base, spec, texts)
    student, source = _empty_student(base, spec, card, tokenizer, kept_ids), _source(base)
    body: Any = student.base_model  # transformers types no attribute of its models
    pretrained: Any = source.base_model
    layers = spec.kept_layers(len(pretrained.layers))
    with torch.no_grad():
        table = pretrained.embed_tokens.weight
        body.embed_tokens.weight.copy_(table if kept_ids is None else table[torch.tensor(kept_ids)])
        for mine, theirs in zip(body.layers, layers, strict=True):
            mine.load_state_dict(pretrained.layers[theirs].state_dict())
        # The base's final norm was fitted to its last layer; after a cut a plain RMS normalisation
        # is the neutral choice. Where heads were trained behind it, it goes into them: the same
        # rewards.
        body.norm.weight.fill_(1.0)
        student.score.weight.zero_()
        if is_trained(base):
            student.score.weight.copy_(source.score.weight.float() * pretrained.norm.weight.float())
        del source, pretrained, table
        if spec.feed_forward is not None:
            _cut_width(body, spec, texts, card, Tokenizer.from_str(json.dumps(tokenizer)))
        _round(body, spec)
    out.mkdir(parents=True, exist_ok=True)
    student.save_pretrained(out)
    (out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    PreTrainedTokenizerFast(
        tokenizer_file=str(out / "tokenizer.json"), pad_token="<|endoftext|>"
    ).save_pretrained(out)
    card.write(out)


def _cut_tokenizer(
    base: str | Path, spec: StudentSpec, texts: Sequence[str]
) -> tuple[dict[str, Any], list[int] | None]:
    """The student's tokenizer.json and the base's id of each of its ids; None for all as they
    are.
    """
    tokenizer = (
        Tokenizer.from_pretrained(str(base))
        if not Path(base).is_dir()
        else Tokenizer.from_file(str(Path(base) / "tokenizer.json"))
    )
    whole: dict[str, Any] = json.loads(tokenizer.to_str())
    if not spec.vocabulary:
        return whole | {"padding": None, "truncation": None}, None
    counts = token_counts(tokenizer, texts)
    return cut_vocabulary(whole, counts, spec.vocabulary, spec.specials)


def _source(base: str | Path) -> Any:
    """The base as it is stored: half the memory of float32, and as exact."""
    kind = AutoModelForSequenceClassification if is_trained(base) else AutoModelForCausalLM
    return kind.from_pretrained(base, dtype="auto")


def _empty_student(
    base: str | Path,
    spec: StudentSpec,
    card: Card,
    tokenizer: dict[str, Any],
    kept_ids: list[int] | None,
) -> Any:
    """A model of the student's shape, its weights yet to come."""
    config = AutoConfig.from_pretrained(base)
    _check_width(config, spec)
    layers = spec.kept_layers(config.num_hidden_layers)
    config.num_hidden_layers = len(layers)
    if kept_ids is not None:
        config.vocab_size = len(kept_ids)
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[layer] for layer in layers]
    config.architectures, config.dtype = None, "float32"
    if not is_trained(base):
        by_head = all(criterion.prompt is None for criterion in card.criteria.values())
        keys = list(card.criteria) if by_head else ["reward"]
        config.num_labels, config.id2label = len(keys), dict(enumerate(keys))
        config.label2id = {key: index for index, key in enumerate(keys)}
    ids = {added["content"]: added["id"] for added in tokenizer["added_tokens"]}
    config.pad_token_id = ids.get("<|endoftext|>", len(tokenizer["model"]["vocab"]))
    config.bos_token_id = config.eos_token_id = None
    return AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)


def _check_width(config: Any, spec: StudentSpec) -> None:
    width, block = spec.feed_forward, spec.block_size
    if width is None:
        return
    if not 0 < width <= config.intermediate_size:
        raise InputError(
            f"the base's feed-forwards have {config.intermediate_size} neurons, "
            f"so {width} cannot be kept; keep fewer"
        )
    if bits(spec.weight_bits) and width % block:
        raise InputError(
            f"{width} neurons do not divide into blocks of {block}; "
            f"keep {max(1, round(width / block)) * block}, or choose another block size"
        )


def _cut_width(
    body: Any, spec: StudentSpec, texts: Sequence[str], card: Card, tokenizer: Tokenizer
) -> None:
    assert spec.feed_forward is not None
    prompts = [criterion.prompt or "" for criterion in card.criteria.values()]
    sequences = []
    for index, text in enumerate(texts):  # prompts in turn: neurons that read them count too
        prompt = prompts[index % len(prompts)]
        ids = card.layout.render(tokenizer, normalise(text), criterion=prompt, intent="").ids
        if len(ids) <= _LONGEST:
            sequences.append(torch.tensor(ids))
        if sum(map(len, sequences)) >= (1 + _HELD_OUT) * spec.sample_tokens:
            break
    if len(sequences) < 2:
        raise InputError("fewer than two texts to choose neurons by; give more records")
    body.eval()
    held_out = max(1, int(len(sequences) * _HELD_OUT / (1 + _HELD_OUT)))
    before = final_states(body, sequences[:held_out])
    narrow(body, sequences[held_out:], spec.feed_forward, repair=spec.repair)
    error = relative_error(body, sequences[:held_out], before)
    log.info("width: relative error of the final states %.3f, on texts not fitted to", error)


def _round(body: Any, spec: StudentSpec) -> None:
    if table_bits := bits(spec.embedding_bits):
        table = body.embed_tokens.weight
        table.copy_(round_blocks(table, table_bits, None))
    if weight_bits := bits(spec.weight_bits):
        for module in body.layers.modules():
            if isinstance(module, nn.Linear):
                module.weight.copy_(round_blocks(module.weight, weight_bits, spec.block_size))


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
