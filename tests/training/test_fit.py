"""Training by gradient: it learns, goes on where it was killed, and writes plain checkpoints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fit_samples import CODE, curve, pairs, write_student
from torch_reference import CheckpointScorer
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

from review_core.bundle import Pooling
from review_core.errors import ConfigurationError, InputError
from review_core.layout import Layout, Slot
from review_core.records import write_pairs
from training.card import Card
from training.criteria import CRITERIA, Asking
from training.fitting.loop import fit
from training.fitting.settings import FitSettings
from training.margins import pair_key
from training.model import load_checkpoint
from training.rounding import round_blocks
from training.tiny import write_tiny_base

FAST = FitSettings(
    trainable="all",
    epochs=2,
    batch=16,
    row_tokens=512,
    learning_rate=1e-2,
    final_learning_rate=1e-3,
    weight_decay=0.0,
    save_every=2,
    intent_dropout=0.5,
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write_tiny_base(folder, CODE * 5, 400)
    return folder


@pytest.fixture(scope="module")
def student(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an intent slot, so that what is dropped at random is part of what is tested."""
    folder = write_student(base, tmp_path_factory.mktemp("student"))
    layout = Layout(("<|im_start|>", Slot.INTENT, "\n", Slot.CODE, "<|im_end|>"))
    replace(Card.read(folder), layout=layout).write(folder)
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        replace(FAST, language_weight=0.05),
        replace(FAST, packing=False, language_weight=0.05, checkpointing=True),
        replace(FAST, trainable="lora", lora_rank=4, freeze_layers=1),
        replace(FAST, trainable="heads", schedule="wsd", head_learning_rate=3e-2),
        replace(FAST, precision="mixed", criterion_weights="root", tie_weight=0.2),
        replace(FAST, precision="bfloat16", length_control="penalty", centring="absolute"),
    ],
    ids=["all", "padded", "lora", "heads", "mixed", "bfloat16"],
)
def test_fitting_lowers_the_loss_and_writes_a_plain_checkpoint(
    student: Path, tmp_path: Path, settings: FitSettings
) -> None:
    result = fit(student, pairs(), replace(settings, epochs=4), tmp_path / "out", name="fitted")
    log = curve(tmp_path / "out")
    assert (result.finished, result.steps, len(log)) == (True, 12, 12)
    assert log[-1]["preference"] < log[0]["preference"]
    scorer = CheckpointScorer(tmp_path / "out")
    assert scorer.card.name == "fitted"
    assert {name.split(".")[0] for name in scorer.model.state_dict()} == {"model", "score"}
    short, long = scorer.rewards([pairs()[0].chosen, pairs()[0].rejected])
    assert short and long and short["Functional_Correctness"] > long["Functional_Correctness"]


def test_packed_and_padded_rows_give_the_same_steps(student: Path, tmp_path: Path) -> None:
    """The same pairs, weights and terms, read in one row or in many: rewards agree to 1e-4."""
    settings = replace(FAST, language_weight=0.1, length_control="penalty")
    for name, packing, tokens in (("packed", True, 4096), ("rows", True, 200), ("pad", False, 700)):
        one = replace(settings, packing=packing, row_tokens=tokens)
        fit(student, pairs(), one, tmp_path / name, name="m")
    packed, rows, padded = (curve(tmp_path / name) for name in ("packed", "rows", "pad"))
    for key in ("loss", "preference", "centring", "language", "length", "norm", "right"):
        wanted = pytest.approx([entry[key] for entry in packed], abs=2e-4)
        assert [entry[key] for entry in rows] == wanted
        assert [entry[key] for entry in padded] == wanted
    assert packed[3]["length"] != 0


def run_fit(
    start: Path, out: Path, records: Path, *options: str, **environment: str
) -> subprocess.Popen[bytes]:
    command = "import torch; torch.set_num_threads(1); from training.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", command, "fit", str(start), str(out), str(records), *options],
        env=os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"} | environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--trainable", "all", "--round-weights", "--row-tokens", "300"],
        ["--trainable", "lora", "--no-packing", "--length-control", "penalty"],
    ],
    ids=["all", "lora"],
)
def test_a_killed_fit_ends_bit_for_bit_where_an_unbroken_one_does(
    student: Path, tmp_path: Path, options: Sequence[str]
) -> None:
    """Killed with SIGKILL at whatever step it is at when five are logged, saved every third one;
    then run again: the log and the weights are those of a run that nobody disturbed.
    """
    write_pairs(tmp_path / "pairs.jsonl", pairs())
    given = [*options, "--epochs", "8", "--save-every", "3", "--learning-rate", "0.003"]
    killed = run_fit(student, tmp_path / "out", tmp_path / "pairs.jsonl", *given)
    log = tmp_path / "out" / "log.jsonl"
    while not (log.exists() and log.read_bytes().count(b"\n") >= 5):
        assert killed.poll() is None, killed.communicate()[1].decode()
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert log.read_bytes().count(b"\n") < 24
    saved = torch.load(tmp_path / "out" / "state.pt", weights_only=True)["step"]
    assert 3 <= saved < 24
    command = ["fit", str(student), str(tmp_path / "out"), str(tmp_path / "pairs.jsonl"), *given]
    _main(command)
    command[2] = str(tmp_path / "whole")
    _main(command)
    assert curve(tmp_path / "out") == curve(tmp_path / "whole")
    assert [entry["step"] for entry in curve(tmp_path / "out")] == list(range(24))
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("out", "whole")]
    assert weights[0] == weights[1]


def _main(arguments: Sequence[str]) -> Any:
    from training.cli import cli

    return cli.main(list(arguments), standalone_mode=False)


def test_two_processes_take_the_steps_of_one(student: Path, tmp_path: Path) -> None:
    """gloo on a CPU, 47 pairs in batches of 16, parts that two cannot share evenly: each figure of
    each step is that of one process but for the order of sums.
    """
    write_pairs(tmp_path / "pairs.jsonl", pairs(47))
    write_pairs(tmp_path / "held-out.jsonl", pairs(21))
    given = ["--trainable", "all", "--row-tokens", "300", "--epochs", "2"]
    given += ["--language-weight", "0.1", "--length-control", "penalty"]
    given += ["--held-out", str(tmp_path / "held-out.jsonl"), "--evaluate-every", "2"]
    with_port = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    processes = [
        run_fit(
            *(student, tmp_path / "two", tmp_path / "pairs.jsonl", *given),
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            **with_port,
        )
        for rank in range(2)
    ]
    for process in processes:
        said = process.communicate(timeout=240)[1]
        assert process.returncode == 0, said.decode()
    _main(["fit", str(student), str(tmp_path / "one"), str(tmp_path / "pairs.jsonl"), *given])
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert len(one) == 6
    for mine, theirs in zip(one, two, strict=True):
        assert mine == pytest.approx(theirs, abs=2e-4)
    measured = [
        json.loads((tmp_path / name / "result.json").read_text()) for name in ("one", "two")
    ]
    assert measured[0]["held_out"]["plain"] == measured[1]["held_out"]["plain"]
    assert measured[0]["held_out"]["loss"] == pytest.approx(
        measured[1]["held_out"]["loss"], abs=1e-3
    )


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def body(folder: Path) -> Any:
    return load_checkpoint(folder)[0].base_model


def test_what_is_trained_rounded_is_what_is_written(student: Path, tmp_path: Path) -> None:
    """With 4 bits in the loop: every matrix of the checkpoint rounds to itself, the frozen layer
    stands still, and the rewards of the last step's model are the checkpoint's.
    """
    settings = replace(FAST, round_weights=True, freeze_layers=1, precision="mixed")
    fit(student, pairs(), settings, tmp_path / "out", name="m")
    before, after = body(student), body(tmp_path / "out")
    for layer, (old, new) in enumerate(zip(before.layers, after.layers, strict=True)):
        stored = round_blocks(new.mlp.up_proj.weight, 4, 32)
        assert torch.equal(new.mlp.up_proj.weight, stored)
        assert torch.equal(old.mlp.up_proj.weight, new.mlp.up_proj.weight) == (layer == 0)
    assert torch.equal(before.embed_tokens.weight, after.embed_tokens.weight)
    fit(student, pairs(), replace(FAST, round_weights=True), tmp_path / "table", name="m")
    table = body(tmp_path / "table").embed_tokens.weight
    assert not torch.equal(table, before.embed_tokens.weight)
    assert torch.equal(table, round_blocks(table, 8, None))


def test_the_best_checkpoint_is_kept_and_measured_as_a_bench_would(
    student: Path, tmp_path: Path
) -> None:
    """A rate that ruins the model after the first measurement: the first one's is kept."""
    held = [replace(pair, tie=False) for pair in pairs(20)]
    held += [replace(pair, chosen=pair.rejected, rejected=pair.chosen) for pair in held[:10]]
    settings = replace(FAST, evaluate_every=1, learning_rate=1e-3)
    result = fit(student, pairs(), settings, tmp_path / "out", name="m", held_out=held)
    lines = (tmp_path / "out" / "evaluations.jsonl").read_text().splitlines()
    found = [json.loads(line)["lba"] for line in lines]
    assert len(found) == 6
    assert result.held_out is not None
    assert result.held_out["lba"] == max(found)
    assert result.kept == 1 + found.index(max(found))
    scorer = CheckpointScorer(tmp_path / "out")
    right = 0
    for pair in held:
        chosen, rejected = scorer.rewards([pair.chosen, pair.rejected], intent=pair.input)
        assert chosen and rejected
        right += chosen[pair.aspect] > rejected[pair.aspect]
    assert result.held_out["plain"] == right / len(held)
    assert not (tmp_path / "out" / "best").exists()


@pytest.mark.parametrize(
    ("family", "how"),
    [
        ("qwen2", Asking.HEADS),
        ("qwen2", Asking.PROMPT_LAST),
        ("qwen3", Asking.PROMPT_FIRST),
        ("qwen3", Asking.HEADS),
    ],
)
def test_any_causal_model_gets_heads_and_a_card(
    base: Path, tmp_path: Path, family: str, how: Asking
) -> None:
    """Untied, so that the language-model loss has a head of its own, which the checkpoint drops."""
    kinds: dict[str, Any] = {
        "qwen2": (Qwen2Config, Qwen2ForCausalLM),
        "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    }
    shape, kind = kinds[family]
    torch.manual_seed(0)
    config = shape(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        tie_word_embeddings=False,
    )
    kind(config).save_pretrained(tmp_path / "causal")
    (tmp_path / "causal" / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    settings = replace(
        *(FAST,), ask=how.value, pooling="last", language_weight=0.1, max_steps=2, row_tokens=4096
    )
    fit(str(tmp_path / "causal"), pairs(20), settings, tmp_path / "out", name="m")
    card = Card.read(tmp_path / "out")
    assert card.pooling is Pooling.LAST
    assert set(card.criteria) == set(CRITERIA if how is Asking.HEADS else list(CRITERIA)[:5])
    scorer = CheckpointScorer(tmp_path / "out")
    assert scorer.model.config.num_labels == (7 if how is Asking.HEADS else 1)
    assert type(scorer.model).__name__.lower() == f"{family}forsequenceclassification"
    assert scorer.rewards([CODE[0]])[0]
    first = curve(tmp_path / "out")[0]
    assert 0.1 * 5 < first["language"] < 0.1 * 7  # log 400 = 5.99 nats before anything is learned
    if how is Asking.HEADS:
        with pytest.raises(ConfigurationError, match="no language-model head any more"):
            fit(tmp_path / "out", pairs(), settings, tmp_path / "again", name="m")


def test_a_teachers_word_moves_the_rewards(student: Path, tmp_path: Path) -> None:
    """A teacher that contradicts every label, believed in full: the student follows it, in all
    criteria that it speaks of.
    """
    made = [replace(pair, tie=False) for pair in pairs()]
    said = {"Functional_Correctness": -3.0, "Security_Hardness": -3.0}
    soft = {pair_key(pair): said for pair in made}
    settings = replace(FAST, teacher_weight=1.0, teacher_criteria="all", epochs=4)
    fit(student, made, settings, tmp_path / "out", name="m", soft=soft)
    short, long = CheckpointScorer(tmp_path / "out").rewards([made[0].chosen, made[0].rejected])
    assert short and long
    for criterion in said:
        assert short[criterion] < long[criterion]
    with pytest.raises(InputError, match="none of these pairs"):
        fit(student, made, settings, tmp_path / "other", name="m", soft={"0": said})


def test_a_folder_with_another_run_is_refused(student: Path, tmp_path: Path) -> None:
    settings = replace(FAST, max_steps=2)
    fit(student, pairs(), settings, tmp_path / "out", name="m")
    with pytest.raises(InputError, match="other settings or records"):
        fit(student, pairs(), replace(settings, learning_rate=1e-4), tmp_path / "out", name="m")
    with pytest.raises(InputError, match="other settings or records"):
        fit(student, pairs()[1:], settings, tmp_path / "out", name="m")
    fit(student, pairs(), replace(settings, save_every=1), tmp_path / "out", name="m")


def test_a_run_whose_time_is_up_saves_and_goes_on(
    student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pairs(tmp_path / "pairs.jsonl", pairs())
    command = ["fit", str(student), str(tmp_path / "out"), str(tmp_path / "pairs.jsonl")]
    command += ["--trainable", "heads"]
    assert _main([*command, "--max-minutes", "0"]) == 75
    assert "time is up after step 1 of 3" in capsys.readouterr().out
    assert _main(command) == 0
    assert len(curve(tmp_path / "out")) == 3
    recorded = (tmp_path / "out" / "fit.toml").read_text()
    assert 'trainable = "heads"' in recorded and "pairs.jsonl" in recorded
    assert list((tmp_path / "out" / "tensorboard").glob("events.*"))


def test_pairs_that_cannot_be_learned_from_are_counted_with_the_reason(
    student: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first = pairs()[0]
    odd = [
        replace(first, aspect="Taste"),
        replace(first, chosen="\n"),
        replace(first, chosen=first.rejected + "  \n"),
        replace(first, chosen="x = 1\n" * 400),
    ]
    settings = replace(FAST, max_tokens=300, max_steps=1)
    fit(student, pairs() + odd, settings, tmp_path / "out", name="m")
    for reason in ("48 of 52", "1: not a criterion", "1: a side is empty", "1: both sides", "300"):
        assert reason in caplog.text
    with pytest.raises(InputError, match="none of the 4 pairs"):
        fit(student, odd, settings, tmp_path / "none", name="m")
