"""Tiny real models: a tokenizer, random checkpoints and bundles made of them. A conftest imports
what it offers.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from review_core.bundle import file_sha256

HEADS = ("Functional_Correctness", "Readability", "Security_Hardness")
CODE_ONLY = ["<|im_start|>", {"slot": "code"}, "<|im_end|>"]


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Tokenizer:
    """A byte-level BPE of about 350 ids with a chat model's special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=350, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([Path(__file__).read_text(encoding="utf-8")], trainer)
    specials = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in specials])
    return tokenizer


@pytest.fixture(scope="session")
def tiny_checkpoint(
    tiny_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Make a random two-layer checkpoint; `config` and `about` replace fields of its JSON files."""
    import torch
    from transformers import AutoModelForSequenceClassification, Qwen2Config, Qwen3Config

    torch.set_num_threads(1)  # at this size threads only wait for one another

    def make(
        family: str = "qwen2",
        config: Mapping[str, Any] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> Path:
        path = tmp_path_factory.mktemp(f"checkpoint-{family}")
        fields: dict[str, Any] = {
            "vocab_size": tiny_tokenizer.get_vocab_size(),
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "pad_token_id": 0,
            "initializer_range": 0.1,
            "id2label": dict(enumerate(HEADS)),
            "label2id": {key: head for head, key in enumerate(HEADS)},
        }
        if family == "qwen3":
            fields["head_dim"] = 32  # not hidden_size / heads, as in the published models
        kind = {"qwen2": Qwen2Config, "qwen3": Qwen3Config}[family]
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_config(kind(**fields | dict(config or {})))
        model.save_pretrained(path)
        tiny_tokenizer.save(str(path / "tokenizer.json"))
        themis: dict[str, Any] = {
            "name": f"tiny-{family}",
            "base": "random",
            "licence": "Apache-2.0",
            "layout": CODE_ONLY,
            "pooling": "mean",
            "criteria": {key: {"head": head} for head, key in enumerate(HEADS)},
            "axes": {"correctness": [HEADS[0]], "readability": [HEADS[1]], "security": [HEADS[2]]},
            "languages": ["Python"],
            "max_tokens": 1024,
            "quantisation": {"weight_bits": None, "block_size": 32, "embedding_bits": None},
        }
        (path / "themis.json").write_text(json.dumps(themis | dict(about or {})))
        return path

    return make


@pytest.fixture(scope="session")
def tiny_bundle(
    tiny_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """The path of a real fp32 bundle of a family, made once a session: read it, or copy it to
    change it.
    """
    from model_export.checkpoint import read_checkpoint
    from model_export.write import write_bundle

    made: dict[str, Path] = {}

    def bundle(family: str = "qwen2") -> Path:
        if family not in made:
            checkpoint = read_checkpoint(tiny_checkpoint(family))
            path = tmp_path_factory.mktemp("bundles") / family
            write_bundle(
                checkpoint, path, quantisation=checkpoint.card.quantisation, command="a test"
            )
            made[family] = path
        return made[family]

    return bundle


def recalibrated(
    bundle: Path, path: Path, curve: Mapping[str, Any], measured: Mapping[str, Any] | None = None
) -> Path:
    """A copy of a bundle at `path` that goes by one curve on every criterion; another identity."""
    shutil.copytree(bundle, path)
    manifest = json.loads((path / "manifest.json").read_text())
    calibration: dict[str, Any] = {
        "format": 1,
        "criteria": dict.fromkeys(manifest["criteria"], curve),
    }
    if measured is not None:
        calibration["measured"] = dict.fromkeys(manifest["criteria"], measured)
    (path / "calibration.json").write_text(json.dumps(calibration))
    manifest["files"]["calibration.json"] = file_sha256(path / "calibration.json")
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path
