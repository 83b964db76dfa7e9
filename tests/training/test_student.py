"""Cutting a base: vocabulary, layers, rounding; and the road from features to a checkpoint."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from model_export.checkpoint import read_checkpoint
from model_export.write import write_bundle
from review_core.bundle import Criterion, Pooling
from review_core.engine import Engine
from review_core.errors import InputError
from review_core.layout import Layout, Slot, normalise
from review_core.records import PreferencePair
from review_core.scorer import Scorer
from training.card import Card
from training.criteria import CRITERIA, Asking
from training.features import FeatureSpec, extract, load_features
from training.fit import FitSettings, fit
from training.heads import HeadSpec, fit_heads, fit_one_head, write_checkpoint
from training.model import CheckpointScorer, load_checkpoint, pooled_rewards
from training.objective import Objective
from training.rounding import round_blocks
from training.student import (
    StudentSpec,
    cut_student,
    cut_vocabulary,
    student_card,
    token_counts,
)
from training.tiny import write_tiny_base

CODE = [
    "def area(width, height):\n    return width * height\n",
    "def area(width, height):\n    result = 0\n    for _ in range(height):\n"
    "        result += width\n    return result\n",
    "function add(a, b) {\n  return a + b;\n}\n",
    "int add(int a, int b) {\n    return a + b;\n}\n",
    "def keep(items):\n    return [item for item in items if item is not None]\n",
]
SPEC = StudentSpec(layers=2, vocabulary=320, weight_bits=4, block_size=32)


def pairs() -> list[PreferencePair]:
    """Shorter code is better here, in every aspect and language."""
    made = []
    for index in range(48):
        long = CODE[index % 5] + f"# note {index}\n" * 3
        made.append(
            PreferencePair("do it", CODE[index % 5], long, "Python", list(CRITERIA)[index % 5])
        )
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write_tiny_base(folder, CODE * 5, 400)
    return folder


@pytest.fixture(scope="module")
def student(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("student")
    card = student_card("tiny", "tiny base", "Apache-2.0", SPEC, Asking.HEADS)
    cut_student(base, folder, SPEC, CODE, card)
    return folder


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


def test_features_of_a_pair_equal_two_full_passes_and_resume(student: Path, tmp_path: Path) -> None:
    some = [*pairs()[:5], PreferencePair("", "x " * 3000, "y", "C", "Runtime_Efficiency")]
    card = Card.read(student)
    spec = FeatureSpec((1, 2), card.layout, max_tokens=512, dtype="float32")
    extract(student, some, spec, tmp_path / "f", shard_size=4, workers=1)
    kept, states = load_features([tmp_path / "f"], 2, "mean")
    assert kept == some[:5]  # the long one is left out
    model, tokenizer, _ = load_checkpoint(student)
    with torch.no_grad():
        model.score.weight.copy_(torch.eye(7, 64))
    for row, pair in zip(states, kept, strict=True):
        sides = [
            card.layout.render(tokenizer, normalise(code)) for code in (pair.chosen, pair.rejected)
        ]
        full = pooled_rewards(model, sides, "mean").detach().numpy()
        assert np.allclose(row[:, :7], full, atol=2e-3)
    shard = tmp_path / "f" / "shard-000000.npy"
    before = shard.stat().st_mtime_ns
    (tmp_path / "f" / "shard-000004.npy").unlink()
    with pytest.raises(InputError, match="not finished"):
        load_features([tmp_path / "f"], 2, "mean")
    extract(student, some, spec, tmp_path / "f", shard_size=4, workers=1)
    assert shard.stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="other pairs"):
        extract(student, some[:2], spec, tmp_path / "f", shard_size=4, workers=1)
    with pytest.raises(InputError, match="not 3"):
        load_features([tmp_path / "f"], 3, "mean")


def test_heads_learn_a_direction_share_it_and_land_in_a_checkpoint(
    student: Path, tmp_path: Path
) -> None:
    """Chosen has a higher first feature in every aspect but security, which was never seen."""
    rng = np.random.default_rng(0)
    states = rng.normal(0, 1, (300, 2, 64)).astype(np.float32)
    states[:, 0, 0] += 1.5
    aspects = [key for key in CRITERIA if key not in ("Security_Hardness", "Readability")]
    made = [PreferencePair("", "xx", "x", "C", aspects[i % len(aspects)]) for i in range(300)]
    heads = fit_heads(made, states, HeadSpec(ridge=0.01))
    right = ((states[:, 0] - states[:, 1]) @ heads["Functional_Correctness"] > 0).mean()
    assert right > 0.8
    shared = heads["Security_Hardness"]
    assert int(np.abs(shared).argmax()) == 0 and shared[0] > 0  # leans on what the others share
    alone = fit_heads(made, states, HeadSpec(ridge=0.01, shared=False))
    assert np.allclose(alone["Security_Hardness"], 0)
    write_checkpoint(student, 1, heads, Card.read(student), tmp_path / "c")
    model, _, card = load_checkpoint(tmp_path / "c")
    assert model.config.num_hidden_layers == 1 == len(model.base_model.layers)
    written = model.score.weight[card.criteria["Maintainability"].head].detach().numpy()
    assert np.allclose(written, heads["Maintainability"])


def test_ties_hold_heads_still() -> None:
    """Neutral pairs differ along feature 1 only, either way: with them it is used less."""
    rng = np.random.default_rng(1)
    states = rng.normal(0, 0.1, (400, 2, 8)).astype(np.float32)
    states[:200, 0, :2] += 1.0  # real pairs: features 0 and 1 agree
    states[200:, 0, 1] += rng.choice([-3.0, 3.0], 200)
    key = "Functional_Correctness"
    made = [PreferencePair("", "xx", "x", "C", key) for _ in range(200)]
    ties = [PreferencePair("", "xx", "x", "C", key, tie=True) for _ in range(200)]
    plain = fit_heads(made, states[:200], HeadSpec())[key]
    quiet = fit_heads(made + ties, states, HeadSpec(tie_weight=2.0))[key]
    assert abs(quiet[1] / quiet[0]) < 0.5 * abs(plain[1] / plain[0])


@pytest.mark.parametrize("trainable", ["all", "lora", "heads"])
def test_fitting_lowers_the_loss_and_writes_a_plain_checkpoint(
    student: Path, tmp_path: Path, trainable: str
) -> None:
    settings = FitSettings(
        trainable=trainable,  # type: ignore[arg-type]
        epochs=6,
        learning_rate=1e-2,
        final_learning_rate=1e-3,
        weight_decay=0.0,
        objective=Objective(language_weight=0.05 if trainable == "all" else 0.0),
    )
    fit(student, pairs(), settings, tmp_path / "out", name="fitted")
    lines = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]
    scorer = CheckpointScorer(tmp_path / "out")
    assert scorer.card.name == "fitted"
    short, long = scorer.rewards([pairs()[0].chosen, pairs()[0].rejected])
    assert short and long and short["Functional_Correctness"] > long["Functional_Correctness"]


class _Interrupted(Objective):
    """Stops like a killed process would, at the fourth batch."""

    calls = 0

    def __call__(self, *tensors: Any) -> Any:
        _Interrupted.calls += 1
        if _Interrupted.calls == 4:
            raise KeyboardInterrupt
        return super().__call__(*tensors)


def test_an_interrupted_fit_ends_where_an_unbroken_one_does(student: Path, tmp_path: Path) -> None:
    """Six steps, saved every second one, killed in the fourth: bit for bit the same in the end.

    The layout has an intent slot, so that what is dropped at random is part of it.
    """
    start = tmp_path / "start"
    shutil.copytree(student, start)
    layout = Layout(("<|im_start|>", Slot.INTENT, "\n", Slot.CODE, "<|im_end|>"))
    replace(Card.read(student), layout=layout).write(start)
    settings = FitSettings(trainable="all", epochs=2, save_every=2, learning_rate=1e-2)
    fit(start, pairs(), settings, tmp_path / "whole", name="m")
    with pytest.raises(KeyboardInterrupt):
        fit(start, pairs(), replace(settings, objective=_Interrupted()), tmp_path / "b", name="m")
    assert torch.load(tmp_path / "b" / "state.pt", weights_only=True)["step"] == 2
    fit(start, pairs(), settings, tmp_path / "b", name="m")
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("whole", "b")]
    assert logs[0] == logs[1]
    assert logs[0].count("\n") == 6
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "b")]
    assert weights[0] == weights[1]


def test_balance_keeps_length_from_being_learned() -> None:
    """Feature 0 says nothing but which side is longer; three in four chosen sides are."""
    rng = np.random.default_rng(2)
    states = rng.normal(0, 0.3, (400, 2, 4)).astype(np.float32)
    key = "Functional_Correctness"
    longer = np.arange(400) % 4 != 0
    states[:, 0, 0] += np.where(longer, 1.0, -1.0)
    made = [PreferencePair("", "xx" if each else "", "x", "C", key) for each in longer]
    even = fit_heads(made, states, HeadSpec())[key]
    plain = fit_heads(made, states, HeadSpec(balance=False))[key]
    assert plain[0] > 0.3
    assert abs(even[0]) < plain[0] / 5


def test_a_folder_without_a_card_or_model_says_what_to_give(tmp_path: Path, student: Path) -> None:
    with pytest.raises(InputError, match=r"no themis\.json"):
        load_checkpoint(tmp_path)
    (tmp_path / "themis.json").write_text((student / "themis.json").read_text())
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("how", [Asking.PROMPT_FIRST, Asking.PROMPT_LAST])
@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_a_model_asked_by_prompt_walks_the_same_road(
    base: Path, tmp_path: Path, how: Asking, pooling: str
) -> None:
    """Student, features, one head, bundle: and the bundle scores as the checkpoint does."""
    student = tmp_path / "student"
    cut_student(base, student, SPEC, CODE, student_card("p", "tiny base", "MIT", SPEC, how))
    card = replace(Card.read(student), pooling=Pooling(pooling))
    prompts = {key: criterion.prompt or "" for key, criterion in card.criteria.items()}
    spec = FeatureSpec((2,), card.layout, max_tokens=512, dtype="float32")
    some = [pair for pair in pairs() if pair.aspect in prompts]
    extract(student, some, spec, tmp_path / "f", criterion_texts=prompts, workers=1)
    kept, states = load_features([tmp_path / "f"], 2, pooling)
    heads = fit_one_head(kept, states, HeadSpec())
    write_checkpoint(student, 2, heads, card, tmp_path / "checkpoint")
    reference = CheckpointScorer(tmp_path / "checkpoint").rewards(CODE)
    read = read_checkpoint(tmp_path / "checkpoint")
    bundle = write_bundle(
        read, tmp_path / "bundle", quantisation=read.card.quantisation, command="a test"
    )
    found = Scorer(bundle, Engine(bundle)).rewards(CODE)
    for mine, theirs in zip(found, reference, strict=True):
        assert mine is not None and theirs is not None
        assert mine == pytest.approx(theirs, abs=1e-4)
        assert len(set(theirs.values())) == (1 if (how, pooling) == _BLIND else 5)


_BLIND = (Asking.PROMPT_LAST, "mean")
"""The code's tokens cannot see a prompt that follows them: every criterion gets one answer."""
