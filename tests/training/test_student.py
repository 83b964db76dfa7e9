"""Cutting a base or a trained checkpoint: vocabulary, layers, width, rounding."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from fit_samples import CODE, SPEC, pairs, write_student
from tokenizers import Tokenizer
from torch_reference import CheckpointScorer
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from review_core.bundle import Criterion
from review_core.errors import InputError
from review_core.records import write_pairs
from training.card import Card, Quantisation
from training.cli import cli
from training.criteria import Asking
from training.model import load_checkpoint
from training.rounding import round_blocks
from training.specs import StudentSpec
from training.student import cut_student, cut_vocabulary, student_card, token_counts
from training.tiny import write_tiny_base

PLAIN = StudentSpec(layers=2, vocabulary=0, weight_bits="none", embedding_bits="none")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("base")
    write_tiny_base(folder, CODE * 5, 400)
    return folder


@pytest.fixture(scope="module")
def student(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_student(base, tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def deep(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A causal model of five layers, each with a mark in its first norm, of either family: tied as
    the small published ones are, or not.
    """
    made: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in made:
            folder = tmp_path_factory.mktemp(family)
            tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
            fields: dict[str, Any] = {
                "vocab_size": tokenizer.get_vocab_size(),
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 5,
                "num_attention_heads": 4,
                "num_key_value_heads": 2,
                "tie_word_embeddings": family == "qwen2",
            }
            torch.manual_seed(0)
            model: Any = (
                Qwen3ForCausalLM(Qwen3Config(**fields, head_dim=16))
                if family == "qwen3"
                else Qwen2ForCausalLM(Qwen2Config(**fields))
            )
            with torch.no_grad():
                for index, layer in enumerate(model.model.layers):
                    layer.input_layernorm.weight.fill_(1 + index)
                    if family == "qwen3":
                        layer.self_attn.q_norm.weight.fill_(1 + index)
            model.save_pretrained(folder)
            PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
            made[family] = folder
        return made[family]

    return make


def cut(base: Path, out: Path, spec: StudentSpec) -> Any:
    """The model of a student cut to `spec`."""
    cut_student(base, out, spec, CODE, student_card("s", base, "MIT", spec, Asking.HEADS))
    return load_checkpoint(out)[0]


def test_kept_text_tokenises_as_before_and_other_text_round_trips(base: Path) -> None:
    full = Tokenizer.from_file(str(base / "tokenizer.json"))
    counts = token_counts(full, CODE[:2])
    spec, old_ids = cut_vocabulary(
        json.loads(full.to_str()), counts, 330, ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    )
    small = Tokenizer.from_str(json.dumps(spec))
    assert small.get_vocab_size() <= 330
    kept = set(old_ids)
    covered = 0
    for text in CODE:
        if set(full.encode(text).ids) <= kept:
            covered += 1
            assert [old_ids[i] for i in small.encode(text).ids] == full.encode(text).ids
        assert small.decode(small.encode(text + "é漢").ids) == text + "é漢"
    assert covered >= 1
    assert small.token_to_id("<|im_end|>") == len(old_ids) - 1


def test_a_tokenizer_with_ambiguous_merges_is_refused() -> None:
    spec = {
        "model": {"vocab": {"a": 0, "aa": 1, "aaa": 2}, "merges": ["a a", "aa a", "a aa"]},
        "added_tokens": [],
    }
    with pytest.raises(ValueError, match="two merges"):
        cut_vocabulary(spec, Counter(), 3, ())


def test_a_student_is_its_base_with_fewer_rows_and_rounded_weights(
    base: Path, student: Path
) -> None:
    model, tokenizer, card = load_checkpoint(student)
    source = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    assert (card.criteria["Security_Hardness"], model.config.num_labels) == (Criterion(head=3), 7)
    old = Tokenizer.from_file(str(base / "tokenizer.json")).token_to_id("def")
    new = tokenizer.token_to_id("def")
    row = model.base_model.embed_tokens.weight[new]
    assert torch.allclose(row, source.base_model.embed_tokens.weight[old], atol=2e-3)
    expected = round_blocks(source.base_model.layers[0].mlp.up_proj.weight, 4, 32)
    assert torch.equal(model.base_model.layers[0].mlp.up_proj.weight, expected)


def test_a_folder_without_a_card_or_model_says_what_to_give(tmp_path: Path, student: Path) -> None:
    with pytest.raises(InputError, match=r"no themis\.json"):
        load_checkpoint(tmp_path)
    (tmp_path / "themis.json").write_text((student / "themis.json").read_text())
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
@pytest.mark.parametrize(
    ("spec", "layers"),
    [
        (replace(PLAIN, layers=3), [0, 1, 2]),
        (replace(PLAIN, layers=3, keep="spread"), [0, 2, 4]),
        (replace(PLAIN, layers=1, keep="spread"), [0]),
        (replace(PLAIN, layer_list=(1, 4)), [1, 4]),
    ],
)
def test_layers_are_kept_from_the_first_spread_evenly_or_as_listed(
    deep: Callable[[str], Path], tmp_path: Path, family: str, spec: StudentSpec, layers: list[int]
) -> None:
    model = cut(deep(family), tmp_path / "out", spec)
    kept = model.base_model.layers
    assert [int(layer.input_layernorm.weight[0]) - 1 for layer in kept] == layers
    if family == "qwen3":
        assert [int(layer.self_attn.q_norm.weight[0]) - 1 for layer in kept] == layers
        assert kept[0].self_attn.q_proj.out_features == 64  # 4 heads of 16, not of hidden / 4
    assert model.config.num_hidden_layers == len(layers) == len(model.config.layer_types)


def test_layers_that_the_base_has_not_are_refused(deep: Callable[[str], Path]) -> None:
    for spec in (
        replace(PLAIN, layers=6),
        replace(PLAIN, layers=6, keep="spread"),
        replace(PLAIN, layers=0),
        replace(PLAIN, layer_list=(2, 1)),
        replace(PLAIN, layer_list=(0, 5)),
    ):
        with pytest.raises(InputError, match="5"):
            spec.kept_layers(5)
    assert replace(PLAIN, layers=5, keep="spread").kept_layers(24) == (0, 6, 12, 17, 23)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_a_narrow_student_is_rounded_after_the_cut_and_loads_again(
    deep: Callable[[str], Path], tmp_path: Path, family: str
) -> None:
    spec = replace(SPEC, vocabulary=0, feed_forward=32, sample_tokens=200)
    model = cut(deep(family), tmp_path / "out", spec)
    for layer in model.base_model.layers:
        assert layer.mlp.gate_proj.weight.shape == layer.mlp.up_proj.weight.shape == (32, 32)
        down = layer.mlp.down_proj.weight
        assert down.shape == (32, 32)
        assert torch.equal(round_blocks(down, 4, 32), down)
    assert model.config.intermediate_size == 32


def test_a_width_that_does_not_fit_says_which_would(
    deep: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="keep 32, or"):
        cut(deep("qwen2"), tmp_path / "out", replace(SPEC, vocabulary=0, feed_forward=40))
    with pytest.raises(InputError, match="have 64 neurons, so 96"):
        cut(deep("qwen2"), tmp_path / "out", replace(SPEC, vocabulary=0, feed_forward=96))


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_a_trained_checkpoint_keeps_its_heads_and_gives_the_same_rewards(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path, family: str
) -> None:
    """All layers, all ids, no rounding: only the final norm moves, into the heads."""
    teacher = tiny_checkpoint(family)
    model = AutoModelForSequenceClassification.from_pretrained(teacher)
    with torch.no_grad():
        model.base_model.norm.weight.copy_(torch.linspace(0.5, 2, 64))
    model.save_pretrained(teacher)
    small = cut(teacher, tmp_path / "out", PLAIN)
    assert torch.equal(small.base_model.norm.weight, torch.ones(64))
    mine, theirs = CheckpointScorer(tmp_path / "out"), CheckpointScorer(teacher)
    card = theirs.card.named("s")
    assert mine.card == replace(card, quantisation=Quantisation(None, 64, None))
    for one, other in zip(mine.rewards(CODE), theirs.rewards(CODE), strict=True):
        assert one is not None and other is not None
        assert one == pytest.approx(other, abs=1e-5)
        assert any(other.values())
    assert small.config.label2id == theirs.model.config.label2id
    fewer = cut(teacher, tmp_path / "fewer", replace(PLAIN, layers=1, vocabulary=300))
    assert torch.equal(fewer.score.weight, small.score.weight)
    table = fewer.base_model.embed_tokens.weight  # the bytes, specials and what CODE uses
    assert 259 < len(table) < len(small.base_model.embed_tokens.weight)


def test_the_command_records_its_settings_and_reads_them_again(base: Path, tmp_path: Path) -> None:
    records = str(tmp_path / "pairs.jsonl")
    write_pairs(Path(records), pairs())
    options = ["--layers", "2", "--vocabulary", "300", "--feed-forward", "64", "--no-repair"]
    made = []
    for name, given in (
        ("one", [*options, "--weight-bits", "none", "--base-name", "ours"]),
        ("two", ["--config", str(tmp_path / "one" / "student.toml")]),
    ):
        out = tmp_path / name
        command = ["student", str(base), str(out), records, *given]
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == 0
        made.append((out / "model.safetensors").read_bytes())
    assert made[0] == made[1]
    card = Card.read(tmp_path / "two")
    assert (card.name, card.base) == ("two", "ours")
    assert card.quantisation == Quantisation(None, 64, 8)
