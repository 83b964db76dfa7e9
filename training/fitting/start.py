"""Where a run starts and what moves: a checkpoint with its card, or any causal language model,
which gets heads and a card; then frozen, adapted, rounded and sped up as the settings say.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn.utils import parametrize
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
)

from review_core.bundle import Pooling
from review_core.errors import ConfigurationError, InputError
from training.card import CARD, Card, Quantisation
from training.criteria import Asking
from training.fitting.reader import PairReader
from training.fitting.settings import FitSettings
from training.model import load_checkpoint
from training.rounding import Rounded, round_in_the_loop
from training.specs import StudentSpec
from training.student import student_card

log = logging.getLogger(__name__)
_ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True, slots=True)
class Start:
    """What is trained, in float32; `output` is the language-model head where that is no table of
    embeddings and its loss is wanted.
    """

    model: PreTrainedModel
    tokenizer: Tokenizer
    card: Card
    output: nn.Linear | None
    source: str

    def save_tokenizer(self, out: Path) -> None:
        """Put the tokenizer beside a checkpoint in `out`."""
        if Path(self.source).is_dir():
            for name in _TOKENIZER_FILES:
                if (Path(self.source) / name).exists():
                    shutil.copyfile(Path(self.source) / name, out / name)
        else:
            AutoTokenizer.from_pretrained(self.source).save_pretrained(out)


def load_start(source: str, settings: FitSettings) -> Start:
    """A checkpoint folder, or the folder or name of a model without a card.

    Of a causal model the heads are new, and 0: its first rewards are all alike. A published
    sequence-classification model that is asked by prompt keeps its head.

    :raises InputError: if there is no model, or it has no tokenizer.json.
    :raises ConfigurationError: if the language-model loss is wanted and the checkpoint has dropped
        the head that it needs.
    """
    if (Path(source) / CARD).exists():
        model, tokenizer, card = load_checkpoint(Path(source))
        tied = bool(getattr(model.config, "tie_word_embeddings", False))
        if settings.language_weight and not tied:
            raise ConfigurationError(
                f"{source} has no language-model head any more; set language_weight to 0, or start "
                "from a causal model"
            )
        return Start(model, tokenizer, card, None, source)
    try:
        config = AutoConfig.from_pretrained(source)
        tokenizer = _tokenizer(source)
    except (OSError, ValueError) as error:  # a folder without a model, a name that is none
        raise InputError(
            f"{source} holds no model that transformers knows; name a folder or a model"
        ) from error
    how = Asking(settings.ask)
    spec = StudentSpec(layers=config.num_hidden_layers, vocabulary=config.vocab_size)
    drafted = student_card(source, settings.base_name or source, settings.licence, spec, how)
    card = replace(
        drafted,
        pooling=Pooling(settings.pooling),
        max_tokens=settings.max_tokens or drafted.max_tokens,
        quantisation=Quantisation(),
    )
    names = list(card.criteria) if how is Asking.HEADS else ["reward"]
    published = any("SequenceClassification" in name for name in config.architectures or ())
    if config.pad_token_id is None:  # never seen, but the class insists on one
        config.pad_token_id = config.eos_token_id or 0
    if not published or how is Asking.HEADS:
        config.num_labels = len(names)
        config.id2label = dict(enumerate(names))
        config.label2id = {name: index for index, name in enumerate(names)}
    model = AutoModelForSequenceClassification.from_pretrained(
        source, config=config, dtype=torch.float32, ignore_mismatched_sizes=True
    )
    if not published or how is Asking.HEADS:
        nn.init.zeros_(cast(Any, model).score.weight)
    output = None
    if settings.language_weight and not config.tie_word_embeddings and not published:
        causal = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
        output = cast(nn.Linear, causal.get_output_embeddings())
    return Start(model.eval(), tokenizer, card, output, source)


def _tokenizer(source: str) -> Tokenizer:
    if not Path(source).is_dir():
        return Tokenizer.from_pretrained(source)
    path = Path(source) / "tokenizer.json"
    if not path.exists():
        raise InputError(f"{source} has no tokenizer.json; save the tokenizer beside the model")
    return Tokenizer.from_file(str(path))


def make_reader(start: Start, settings: FitSettings) -> PairReader:
    """The module to train: the right weights require gradients, the rest stands still.

    :raises ConfigurationError: if the settings ask for what this model or machine has not.
    """
    model: Any = start.model
    layers = model.base_model.layers
    if settings.freeze_layers > len(layers):
        raise ConfigurationError(
            f"freeze_layers is {settings.freeze_layers}, but the model has {len(layers)} layers"
        )
    _choose(model, settings)
    if settings.precision == "bfloat16":
        model.to(torch.bfloat16)
        model.score.float()
    if settings.round_weights:
        _round(model, start.card.quantisation, start.source)
    if settings.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if settings.liger:
        _use_liger(model)
    if settings.compile:
        _compile(model)
    return PairReader(
        model,
        start.card.pooling,
        mixed=settings.precision == "mixed",
        output=start.output,
        fused=settings.liger,
    )


def _choose(model: Any, settings: FitSettings) -> None:
    layers = model.base_model.layers
    if settings.trainable == "lora":
        from peft import LoraConfig, inject_adapter_in_model

        adapters = LoraConfig(
            r=settings.lora_rank,
            lora_alpha=2 * settings.lora_rank,
            target_modules=list(_ADAPTED),
            layers_to_transform=list(range(settings.freeze_layers, len(layers))),
        )
        inject_adapter_in_model(adapters, model)
    else:
        model.requires_grad_(settings.trainable == "all")
        if settings.freeze_layers:
            model.base_model.embed_tokens.requires_grad_(False)
            layers[: settings.freeze_layers].requires_grad_(False)
    model.score.requires_grad_(True)


def _round(model: Any, stored: Quantisation, source: str) -> None:
    if stored.weight_bits is None:
        raise ConfigurationError(
            f"the card of {source} stores weights whole: there is nothing to round to; cut it with "
            "themis-train student --weight-bits 4, or leave round_weights out"
        )
    round_in_the_loop(model.base_model.layers, stored.weight_bits, stored.block_size)
    table = model.base_model.embed_tokens
    if stored.embedding_bits and table.weight.requires_grad:  # a scale a row
        rounded = Rounded(stored.embedding_bits, table.weight.shape[1])
        parametrize.register_parametrization(table, "weight", rounded)


def _use_liger(model: Any) -> None:
    if not torch.cuda.is_available() or find_spec("liger_kernel") is None:
        raise ConfigurationError(
            "liger needs a GPU and the package: pip install liger-kernel, or leave liger out"
        )
    from liger_kernel.transformers import _apply_liger_kernel_to_instance

    # Its losses are ours to call; norms, rotations and the gated product are replaced here.
    _apply_liger_kernel_to_instance(model, cross_entropy=False, fused_linear_cross_entropy=False)


def _compile(model: Any) -> None:
    if torch.cuda.is_available():
        if find_spec("triton") is None:
            raise ConfigurationError("compile needs triton on a GPU: pip install triton")
    elif not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        raise ConfigurationError("compile needs a C++ compiler on a CPU; install one, or leave it")
    # Rows differ in length: one graph for all, not one for each.
    model.base_model.compile(dynamic=True)
