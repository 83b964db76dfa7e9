"""Tiny real models, and a small history of real commits, for this folder's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from git_repository import GitRepository
from tiny_models import tiny_bundle, tiny_checkpoint, tiny_tokenizer
from tokenizers import Tokenizer

from benchmarks.changes import Source
from benchmarks.shape import Shape, write_checkpoint
from review_core.bundle import Bundle

__all__ = ["tiny_bundle", "tiny_checkpoint", "tiny_tokenizer"]

TINY = Shape(layers=2, hidden=64, heads=4, kv_heads=2, head_dim=32, ffn=96, vocabulary=400)


def function(name: str, lines: int, value: int) -> str:
    body = "".join(f"    total += values[{at}] * {at}\n" for at in range(lines - 3))
    return f"def {name}(values):\n    total = {value}\n{body}    return total\n\n\n"


@pytest.fixture
def history(repository: GitRepository) -> Source:
    """Three commits: the second changes two functions, the third one of them and a third one."""
    first, second, third = (function("abc"[at], 5 + 3 * at, 0) for at in range(3))
    repository.commit("Base", code=first + second + third)
    repository.commit("Start later", code=function("a", 5, 1) + function("b", 8, 1) + third)
    newest = repository.commit(
        "Start latest", code=function("a", 5, 1) + function("b", 8, 2) + function("c", 11, 2)
    )
    return Source(repository.path, newest)


@pytest.fixture(scope="session")
def published(
    tiny_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Bundle]:
    """A checkpoint of the published shape, tiny, and its bundle in three forms."""
    from model_export.checkpoint import read_checkpoint
    from model_export.parity import Gates
    from model_export.prompts import Prompts
    from model_export.write import write_bundle

    folder = tmp_path_factory.mktemp("published")
    (folder / "words").mkdir()
    tiny_tokenizer.save(str(folder / "words" / "tokenizer.json"))
    path = folder / "Themis-RM-Tiny"
    prompts = Prompts.read(write_checkpoint(path, folder / "words", TINY))
    checkpoint = read_checkpoint(path, prompts)
    bundle = write_bundle(
        checkpoint,
        folder / "bundle",
        quantisation=checkpoint.card.quantisation,
        precisions=["fp32", "w8a8", "fp16"],
        command="a test",
        gates=Gates(sign_agreement=0),
    )
    return path, bundle


@pytest.fixture
def in_place() -> Callable[..., Any]:
    """Runs what benchmarks run in processes of their own; starting those takes seconds."""

    def run(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return work(*given, **named)

    return run


@pytest.fixture(scope="session")
def tiny_language_model(
    tiny_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A random causal language model over the tiny tokenizer's words."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    folder = tmp_path_factory.mktemp("language-model")
    tiny_tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=400,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder
