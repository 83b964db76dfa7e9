"""Reading pairs with a frozen student and fitting linear heads on what was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from fit_samples import CODE, SPEC, write_student
from numpy.typing import NDArray
from torch_reference import CheckpointScorer, pooled_rewards

from model_export.checkpoint import read_checkpoint
from model_export.write import write_bundle
from review_core.bundle import Criterion, Pooling
from review_core.engine import Engine
from review_core.errors import InputError
from review_core.layout import normalise
from review_core.records import PreferencePair
from review_core.scorer import Scorer
from review_core.types import Axis
from training.card import Card
from training.cli import cli
from training.criteria import CRITERIA, Asking
from training.features import FeatureSpec, common_depths, extract, load_features
from training.heads import fit_heads, fit_one_head, write_checkpoint
from training.margins import margin_line
from training.model import load_checkpoint
from training.specs import HeadSpec
from training.student import cut_student, student_card
from training.tiny import write_tiny_base

KEY = "Functional_Correctness"


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
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("base")
    write_tiny_base(folder, CODE * 5, 400)
    return folder


@pytest.fixture(scope="module")
def student(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_student(base, tmp_path_factory.mktemp("student"))


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
    extract(student, some, spec, tmp_path / "f", shard_size=4, workers=0)
    assert shard.stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="other pairs"):
        extract(student, some[:2], spec, tmp_path / "f", shard_size=4, workers=0)
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
    extract(student, some, spec, tmp_path / "f", criterion_texts=prompts, workers=0)
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


def apart(count: int, gap: Sequence[float], seed: int = 3) -> NDArray[np.float32]:
    """Features of pairs whose chosen side is `gap` above the rejected one, and noise."""
    states = np.random.default_rng(seed).normal(0, 0.3, (count, 2, len(gap)))
    states[:, 0] += np.array(gap)
    return states.astype(np.float32)


def test_a_penalty_takes_out_what_goes_with_length() -> None:
    """Feature 0 says which side is longer, feature 1 which is better, a little; without weights the
    first is learned, three in four chosen sides being longer. The penalty is on the gap of mean
    margins.
    """
    longer = np.arange(400) % 4 != 0
    states = apart(400, [0.0, 0.3])
    states[:, 0, 0] += np.where(longer, 1.0, -1.0)
    made = [PreferencePair("", "xx" if each else "", "x", "C", KEY) for each in longer]

    def gap(spec: HeadSpec) -> float:
        margins = (states[:, 0] - states[:, 1]) @ fit_heads(made, states, spec)[KEY]
        return abs(float(margins[longer].mean() - margins[~longer].mean()))

    plain = HeadSpec(balance=False)
    assert gap(plain) > 1
    assert gap(replace(plain, decorrelate=1.0)) < 0.3 * gap(plain)
    assert gap(replace(plain, decorrelate=100.0)) < 0.02


def test_only_what_is_asked_for_is_learned_from() -> None:
    """Correctness is feature 0 in Python and feature 1 in C, memory is feature 2."""
    kinds = [
        ("Python", KEY, [1, 0, 0]),
        ("C", KEY, [0, 1, 0]),
        ("C", "Memory_Efficiency", [0, 0, 1]),
    ]
    states = np.concatenate([apart(60, gap, seed) for seed, (_, _, gap) in enumerate(kinds)])
    made = [PreferencePair("", "xx", "x", kind[0], kind[1]) for kind in kinds for _ in range(60)]
    python = fit_heads(made, states, HeadSpec(languages=("Python",)))[KEY]
    assert int(np.abs(python).argmax()) == 0
    memory = fit_heads(made, states, HeadSpec(criteria=("Memory_Efficiency",), shared=False))
    assert list(memory) == ["Memory_Efficiency"]
    assert int(np.abs(memory["Memory_Efficiency"]).argmax()) == 2
    with pytest.raises(InputError, match="no pair has the criteria"):
        fit_heads(made, states, HeadSpec(languages=("Go",)))
    with pytest.raises(InputError, match="no criterion Speed"):
        HeadSpec(criteria=("Speed",))


def test_without_weight_neutral_pairs_are_left_out() -> None:
    states = apart(80, [1.0, 0.0])
    made = [PreferencePair("", "xx", "x", "C", KEY, tie=index >= 40) for index in range(80)]
    without = fit_heads(made, states, HeadSpec(tie_weight=0.0))[KEY]
    assert np.array_equal(without, fit_heads(made[:40], states[:40], HeadSpec())[KEY])


def test_heads_are_fitted_to_a_teachers_margins() -> None:
    """One feature, chosen 1 above rejected: a head alone with the teacher's word of margin .8 is .8
    (sigmoid(w) = sigmoid(.8)), at temperature 2 it is .4, and half of it with a label of 1 is
    logit((1 + sigmoid(.8)) / 2) = 1.6958.
    """
    states = np.zeros((50, 2, 1), np.float32)
    states[:, 0] = 1.0
    states[0, 0] = 1.0 + 1e-3  # the standardisation divides by what differs
    made = [PreferencePair("", "xx", "x", "C", KEY) for _ in range(50)]
    said = [{KEY: 0.8, "Security_Hardness": -0.5}] * 50
    alone = HeadSpec(ridge=0, centring_weight=0, shared=False, teacher_weight=1.0)

    def head(spec: HeadSpec, key: str = KEY) -> float:
        return float(fit_heads(made, states, spec, said)[key][0])

    assert head(alone) == pytest.approx(0.8, abs=1e-3)
    assert head(replace(alone, teacher_temperature=2.0)) == pytest.approx(0.4, abs=1e-3)
    assert head(replace(alone, teacher_weight=0.5)) == pytest.approx(1.6958, abs=2e-3)
    assert head(alone, "Security_Hardness") == 0.0  # not asked about
    everything = replace(alone, teacher_criteria="all", teacher_weight=0.5)
    assert head(everything, "Security_Hardness") == pytest.approx(-0.5, abs=1e-3)


def test_a_trained_checkpoint_can_be_read_again_at_any_layer(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    """Its final norm is not plain; heads fitted on its features give, in the checkpoint that is
    written, the margins that they gave on the features.
    """
    trained = tiny_checkpoint()
    model, _, card = load_checkpoint(trained)
    with torch.no_grad():
        model.base_model.norm.weight.copy_(torch.linspace(0.5, 2, 64))
    model.save_pretrained(trained)
    some = pairs()[:4]
    spec = FeatureSpec((1, 2), card.layout, max_tokens=512, dtype="float32")
    extract(trained, some, spec, tmp_path / "f", workers=0)
    assert common_depths([tmp_path / "f"]) == [1, 2]
    for depth in (1, 2):
        _, states = load_features([tmp_path / "f"], depth, "mean")
        head = np.linspace(-1, 1, 64, dtype=np.float32)
        write_checkpoint(trained, depth, {KEY: head}, card, tmp_path / f"{depth}")
        scorer = CheckpointScorer(tmp_path / f"{depth}")
        for row, pair in zip(states, some, strict=True):
            rewards = scorer.rewards([pair.chosen, pair.rejected])
            found = [each[KEY] for each in rewards if each]
            assert found == pytest.approx((row @ head).tolist(), abs=5e-2)


def test_the_command_fits_some_criteria_to_a_teacher(student: Path, tmp_path: Path) -> None:
    """The card then names two criteria, and only the axes that they serve."""
    spec = FeatureSpec((1, 2), Card.read(student).layout, max_tokens=512, dtype="float32")
    extract(student, pairs(), spec, tmp_path / "f", workers=0)
    lines = [margin_line(pair, {KEY: -1.0}) for pair in pairs()]
    (tmp_path / "margins.jsonl").write_text("".join(lines))
    wanted = f"Security_Hardness,{KEY}"
    command = ["heads", str(student), str(tmp_path / "out"), str(tmp_path / "f")]
    command += ["--criteria", wanted, "--teacher", str(tmp_path / "margins.jsonl"), "--name", "n"]
    result = CliRunner().invoke(cli, [*command, "--teacher-weight", "1"], catch_exceptions=False)
    # 10 of 48 pairs are of either criterion, but only 9 of security's place in the cycle of five.
    assert "heads on 19 of 48 pairs, 48 of them taught at layer 2" in result.output
    model, _, card = load_checkpoint(tmp_path / "out")
    assert dict(card.criteria) == {KEY: Criterion(head=0), "Security_Hardness": Criterion(head=1)}
    assert dict(card.axes) == {
        Axis.CORRECTNESS: (KEY,),
        Axis.SECURITY: ("Security_Hardness",),
    }
    assert (card.name, model.config.num_labels) == ("n", 2)
    kept, states = load_features([tmp_path / "f"], 2, "mean")
    head = model.score.weight[0].detach().numpy()
    mine = [index for index, pair in enumerate(kept) if pair.aspect == KEY]
    assert ((states[mine, 0] - states[mine, 1]) @ head).mean() < 0  # as the teacher says
    assert "teacher_weight = 1.0" in (tmp_path / "out" / "heads.toml").read_text()
