"""What a fit is made of: rates, weights, draws, parts, warnings, recipes."""

from __future__ import annotations

import os
import random
import tomllib
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import FullyShardedDataParallelPlugin
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils.dataclasses import get_module_class_from_name
from fit_samples import CODE, pairs, write_student
from transformers import (
    Qwen2Config,
    Qwen2ForSequenceClassification,
    Qwen3Config,
    Qwen3ForSequenceClassification,
)

from review_core.bundle import Pooling
from review_core.errors import ConfigurationError, InputError
from review_core.records import PreferencePair
from training.card import Card
from training.criteria import CRITERIA, Asking
from training.fitting import start as starting
from training.fitting.batches import batch_of, batches, draw, steps_of
from training.fitting.evaluation import shares
from training.fitting.examples import Example, full_prompt, make_examples
from training.fitting.reader import PairReader
from training.fitting.record import RunLog, read_log
from training.fitting.schedule import learning_rate
from training.fitting.settings import FitSettings
from training.fitting.start import load_start, make_reader
from training.fitting.watch import TrainingStoppedError, Watch, check_finite
from training.margins import pair_key
from training.model import load_checkpoint
from training.tiny import write_tiny_base

RECIPES = Path(starting.__file__).parent.parent / "recipes"


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> dict[Asking, Path]:
    base = tmp_path_factory.mktemp("base")
    write_tiny_base(base, CODE * 5, 400)
    return {how: write_student(base, tmp_path_factory.mktemp("student"), how) for how in Asking}


def made(
    students: dict[Asking, Path],
    some: list[PreferencePair],
    settings: FitSettings,
    how: Asking = Asking.HEADS,
    **more: Any,
) -> tuple[list[Example], Card, Any]:
    _, tokenizer, card = load_checkpoint(students[how])
    return make_examples(some, card, tokenizer, settings, **more)[0], card, tokenizer


def test_a_cosine_rises_in_the_warm_up_and_falls_along_half_a_wave() -> None:
    """100 steps, 10 of warm-up, 1 to 0: .1 at first, 1 at the tenth, .5 half-way down (step 55)."""
    settings = FitSettings(learning_rate=1.0, final_learning_rate=0.0, warm_up=0.1)
    rates = [learning_rate(step, 100, settings) for step in range(100)]
    assert (rates[0], rates[9], rates[10]) == pytest.approx((0.1, 1, 1))
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[99] < 0.001


def test_wsd_is_level_and_then_falls_straight() -> None:
    """100 steps, 2 of warm-up, 20 of decay, 1 to .5: level to step 80, .75 half-way down (90)."""
    settings = FitSettings(
        learning_rate=1.0, final_learning_rate=0.5, schedule="wsd", warm_up=0.02, decay=0.2
    )
    rates = [learning_rate(step, 100, settings) for step in range(100)]
    assert rates[0] == 0.5 and set(rates[1:81]) == {1.0}
    assert rates[90] == pytest.approx(0.75)
    assert rates[99] == pytest.approx(0.525)


def pair(aspect: str, longer: bool, **more: Any) -> PreferencePair:
    long, short = "x = 1\ny = 2\n", "x = 1\n"
    sides = (long, short) if longer else (short, long)
    return PreferencePair("", sides[0], sides[1], "Python", aspect, **more)


CORRECT, FAST, SAFE = "Functional_Correctness", "Runtime_Efficiency", "Security_Hardness"


def test_directions_weigh_alike_within_a_criterion(students: dict[Asking, Path]) -> None:
    """Three longer and one shorter: 4/2/3 = .667 each and 2; without, 1 each."""
    some = [pair(CORRECT, True)] * 3 + [pair(CORRECT, False)]
    for control, wanted in (("weights", [2 / 3, 2 / 3, 2 / 3, 2]), ("none", [1, 1, 1, 1])):
        settings = FitSettings(length_control=control)  # type: ignore[arg-type]
        examples, _, _ = made(students, some, settings)
        assert [each.questions[0].weight for each in examples] == pytest.approx(wanted)


def test_criteria_and_ties_weigh_what_is_asked(students: dict[Asking, Path]) -> None:
    """Four of one criterion and one of another. Root: 2 to 1 in all, of 5: .8333 each and 1.6667;
    equal: 2.5 in all each, .625 and 2.5. Ties at .2: 1 in all, over 7 criteria.
    """
    some = [pair(CORRECT, True)] * 4 + [pair(FAST, True)] + [pair(SAFE, True, tie=True)]
    for how, wanted in (("root", [5 / 6, 5 / 3]), ("equal", [5 / 8, 5 / 2]), ("pairs", [1, 1])):
        settings = FitSettings(
            length_control="none",
            criterion_weights=how,  # type: ignore[arg-type]
            tie_weight=0.2,
        )
        examples, _, _ = made(students, some, settings)
        weights = [examples[at].questions[0].weight for at in (0, 4)]
        assert weights == pytest.approx(wanted)
        tie = examples[5].questions
        assert {question.criterion for question in tie} == set(CRITERIA)
        assert {question.target for question in tie} == {0.5}
        assert sum(question.weight for question in tie) == pytest.approx(1)


def test_finer_criteria_are_asked_too_and_the_teacher_about_all(
    students: dict[Asking, Path],
) -> None:
    """Margin 0 with half a say beside a label of 1: .75; of other criteria its word alone: .5."""
    both = pair("Readability_Maintainability", True, fine_aspect="Readability")
    settings = FitSettings(length_control="none", teacher_criteria="all")
    soft = {pair_key(both): {"Readability": 0.0, SAFE: 0.0}}
    (example,), _, _ = made(students, [both], settings, soft=soft)
    assert [(each.criterion, each.target, each.weight) for each in example.questions] == [
        ("Readability_Maintainability", 1.0, 1.0),
        ("Readability", 0.75, 1.0),
        (SAFE, 0.5, 0.5),
    ]


def test_lengths_are_centred_within_a_criterion(students: dict[Asking, Path]) -> None:
    some = [pair(CORRECT, True), pair(CORRECT, False), pair(FAST, True), pair(FAST, True, tie=True)]
    examples, _, _ = made(students, some, FitSettings())
    assert [each.length for each in examples] == pytest.approx([1, -1, 0, 0])


def test_prompts_are_mixed_as_asked(students: dict[Asking, Path]) -> None:
    """15 % none, 20 % all criteria, the rest its own; a tie is asked for any one criterion."""
    settings = FitSettings(intent_dropout=0.0)
    some = [pair(CORRECT, True), pair(CORRECT, True, tie=True)]
    examples, card, tokenizer = made(students, some, settings, Asking.PROMPT_FIRST)
    own, none, everything = (
        draw(examples[0], card, tokenizer, replace(settings, **mix), random.Random(0))
        for mix in (
            {"no_prompt": 0.0, "full_prompt": 0.0},
            {"no_prompt": 1.0, "full_prompt": 0.0},
            {"no_prompt": 0.0, "full_prompt": 1.0},
        )
    )
    lengths = {
        len(each.sides[0].ids): name
        for each, name in ((own, "own"), (none, "none"), (everything, "all"))
    }
    assert list(lengths) != sorted(lengths) and max(lengths) == len(everything.sides[0].ids)
    assert full_prompt(card).count("\n") == 4
    found: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for seed in range(400):
        rng = random.Random(seed)
        one = draw(examples[0], card, tokenizer, settings, rng)
        found[lengths[len(one.sides[0].ids)]] += 1
        asked[draw(examples[1], card, tokenizer, settings, rng).questions[0].criterion] += 1
    assert found["none"] == pytest.approx(60, abs=25)
    assert found["all"] == pytest.approx(80, abs=25)
    assert set(asked) == set(card.criteria)
    assert min(asked.values()) > 45


def test_a_batch_follows_from_its_step_alone(students: dict[Asking, Path]) -> None:
    settings = FitSettings(batch=7, epochs=2, row_tokens=200)
    examples, card, tokenizer = made(students, pairs(30), settings)
    assert steps_of(30, settings) == 10
    whole = list(batches(examples, card, tokenizer, settings, 0))
    later = list(batches(examples, card, tokenizer, settings, 6))
    assert [each.drawn for each in whole[6:]] == [each.drawn for each in later]
    assert len(whole) == 10
    first_epoch = Counter(
        each.example.pair.chosen + each.example.pair.rejected
        for batch in whole[:5]
        for each in batch.drawn
    )
    assert sum(first_epoch.values()) == 30
    capped = replace(settings, max_steps=3)
    assert len(list(batches(examples, card, tokenizer, capped, 0))) == 3


@pytest.mark.parametrize("packing", [True, False])
def test_parts_hold_every_pair_once_within_the_room(
    students: dict[Asking, Path], packing: bool
) -> None:
    settings = FitSettings(packing=packing, row_tokens=250)
    examples, card, tokenizer = made(students, pairs(20), settings)
    drawn = [draw(each, card, tokenizer, settings, random.Random(0)) for each in examples]
    batch = batch_of(drawn, card, settings)
    assert sorted(at for part in batch.parts for at in part.indices) == list(range(20))
    assert all(part.tokens <= 250 or len(part.sides) == 1 for part in batch.parts)
    assert len(batch.parts) > 2
    weight = sum(float(part.asked.weight.sum()) for part in batch.parts)
    assert weight == pytest.approx(batch.whole.weight, rel=1e-5)
    assert batch.whole.questions == sum(len(part.heads) for part in batch.parts)


def test_processes_read_equally_many_parts_and_each_part_counts_once() -> None:
    parts: Any = list(range(5))
    mine, yours = (list(shares(parts, rank, 2)) for rank in (0, 1))
    assert mine == [(0, True), (2, True), (4, True)]
    assert yours == [(1, True), (3, True), (4, False)]
    assert list(shares(parts, 0, 1)) == [(part, True) for part in parts]


def test_a_run_that_cannot_end_well_is_stopped_with_the_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = FitSettings(patience=5, max_reward=60.0)
    with pytest.raises(TrainingStoppedError, match=r"step 3: the loss is nan; lower --learning"):
        check_finite(3, float("nan"), 1.0)
    with pytest.raises(TrainingStoppedError, match="gradient's length is inf"):
        check_finite(3, 1.0, float("inf"))
    check_finite(3, 1.0, 1.0)
    drifting = Watch()
    with pytest.raises(TrainingStoppedError, match="raise --centring-weight"):
        for step in range(200):
            drifting.observe(step, 10, settings, reward=1.0 + step, margin=0.1, square=1.0)
    assert "rewards drift" in caplog.text
    collapsed = Watch()
    with pytest.raises(TrainingStoppedError, match=r"tells nothing apart.*--learning-rate"):
        for step in range(100):
            collapsed.observe(step, 10, settings, reward=1.0, margin=0.5, square=0.25)
    fine = Watch()
    for step in range(200):
        fine.observe(step, 10, settings, reward=2.0, margin=0.5, square=1.25)
    assert fine.spread == pytest.approx(1.0)


def test_the_log_of_a_run_that_goes_on_has_each_step_once(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0) as log:
        for step in range(4):
            log.step(step, {"loss": 1.0})
    with (tmp_path / "log.jsonl").open("a") as cut_short:
        cut_short.write('{"step": 4, "lo')
    with RunLog(tmp_path, 3) as log:
        log.step(3, {"loss": 2.0})
    entries = read_log(tmp_path / "log.jsonl")
    assert [(each["step"], each["loss"]) for each in entries] == [(0, 1), (1, 1), (2, 1), (3, 2)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"round_weights": True}, "use --trainable all"),
        ({"round_weights": True, "trainable": "all", "precision": "bfloat16"}, "mixed"),
        ({"no_prompt": 0.7, "full_prompt": 0.7}, "shares of one whole"),
        ({"intent_dropout": 1.5}, "intent_dropout is a share"),
        ({"batch": 0}, "batch is at least 1"),
    ],
)
def test_settings_that_do_not_go_together_say_so(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        FitSettings(**wrong)


def test_what_a_machine_or_model_lacks_is_said_before_the_run(
    students: dict[Asking, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reader(**settings: Any) -> None:
        chosen = FitSettings(trainable="all", **settings)
        make_reader(load_start(str(students[Asking.HEADS]), chosen), chosen)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="liger needs a GPU"):
        reader(liger=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="compile needs a C"):
        reader(compile=True)
    with pytest.raises(ConfigurationError, match="has 2 layers"):
        reader(freeze_layers=3)
    with pytest.raises(InputError, match="holds no model"):
        load_start(str(tmp_path), FitSettings())


@pytest.mark.parametrize("name", ["general", "code", "teacher", "student"])
def test_a_shipped_recipe_is_settings_that_there_are(name: str) -> None:
    table = tomllib.loads((RECIPES / f"{name}.toml").read_text())["fit"]
    assert set(table) <= {field.name for field in fields(FitSettings)}
    settings = FitSettings(**table)
    assert settings.trainable == "all" and settings.precision == "mixed"


def test_the_papers_stages_are_the_papers() -> None:
    """FACTS of appendix A: betas, decay, clip, lambda, mu, rates, lengths and batches."""
    general, code = (
        FitSettings(**tomllib.loads((RECIPES / f"{name}.toml").read_text())["fit"])
        for name in ("general", "code")
    )
    for stage, shape in ((general, (2, 2560, 1024, 2.0)), (code, (1, 4096, 512, 1.5))):
        assert (stage.epochs, stage.max_tokens, stage.batch, stage.clip) == shape
        assert (stage.beta1, stage.beta2, stage.epsilon, stage.weight_decay) == (
            0.9,
            0.95,
            1e-8,
            0.1,
        )
    assert (code.learning_rate, code.final_learning_rate, code.warm_up) == (1e-5, 5e-7, 0.05)
    assert (code.language_weight, code.centring_weight, code.centring) == (0.25, 0.001, "sum")
    assert (code.no_prompt, code.full_prompt, code.schedule) == (0.15, 0.2, "cosine")


@pytest.mark.parametrize(
    ("shape", "kind", "layer"),
    [
        (Qwen2Config, Qwen2ForSequenceClassification, "Qwen2DecoderLayer"),
        (Qwen3Config, Qwen3ForSequenceClassification, "Qwen3DecoderLayer"),
    ],
)
def test_fsdp_cuts_at_the_decoder_layers_of_either_family(
    shape: Any, kind: Any, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped file names no class, so accelerate asks the reader; and accelerate reads it."""
    config = load_config_from_file(str(RECIPES / "fsdp.yaml"))
    assert str(config.distributed_type) == "DistributedType.FSDP"
    assert config.mixed_precision == "no"
    for name in [name for name in os.environ if name.startswith("FSDP_")]:
        monkeypatch.delenv(name)
    for name, value in config.fsdp_config.items():
        monkeypatch.setenv(name.upper(), str(value))
    tiny = shape(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        pad_token_id=0,
    )
    reader = PairReader(kind(tiny), Pooling.MEAN)
    plugin = FullyShardedDataParallelPlugin()
    plugin.set_auto_wrap_policy(reader)
    assert plugin.fsdp_version == 2
    assert reader._no_split_modules == [layer]
    cut = get_module_class_from_name(reader, layer)
    policy: Any = plugin.auto_wrap_policy
    assert policy.keywords["transformer_layer_cls"] == {cut}
