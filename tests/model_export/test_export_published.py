"""A published checkpoint: prompts out of its authors' code, a layout out of its chat template."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from model_export.checkpoint import load_model, read_checkpoint
from model_export.cli import cli
from model_export.parity import torch_rewards
from model_export.prompts import KEYS, Prompts, find_prompts
from model_export.published import chat_layout
from review_core.bundle import load_bundle
from review_core.command import run
from review_core.engine import Engine
from review_core.errors import InputError
from review_core.scorer import Scorer
from training.card import CARD

Make = Callable[..., Path]

LONG = " and so on, at the length that such instructions have when people write them with care."
# As Qwen3's: the system's turn where there is one, and an empty thought before the last answer.
TEMPLATE = (
    "{%- for message in messages -%}<|im_start|>{{ message.role }}\n"
    "{%- if message.role == 'assistant' and loop.last %}{{ '\n<think>\n\n</think>\n\n' }}"
    "{%- else %}{{ '\n' }}{% endif -%}{{ message.content }}<|im_end|>{{ '\n' }}{%- endfor -%}"
)


def prompt(key: str) -> str:
    return f"Judge {key.lower()}{LONG}"


SCRIPT = f"""
import textwrap
raise SystemExit("nobody may run this")
LONG = {LONG!r}
functional_correctness_prompt = "Judge functional_correctness" + LONG
RUNTIME = f"Judge runtime_efficiency{{LONG}}"
SYSTEM_PROMPTS = {{
    "Functional_Correctness": functional_correctness_prompt,
    "Runtime_Efficiency": RUNTIME,
    Aspect.MEMORY_EFFICIENCY: " ".join(["Judge", "memory_efficiency" + LONG]),
    "security-hardness": textwrap.dedent('''
        Judge security_hardness{LONG}
    ''').strip(),
    "Readability_Maintainability": ("Judge readability_maintainability"
        "{LONG}"),
    "Full": "everything",
}}
OUTPUTS = {{"Functional_Correctness": "out/functional.json"}}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "evaluation").mkdir(parents=True)
    (folder / "evaluation" / "score.py").write_text(SCRIPT)
    (folder / "setup.py").write_text("print 'of another Python'")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "other.py").write_text(SCRIPT.replace("Judge", "Weigh"))
    return folder


@pytest.fixture
def published(tiny_checkpoint: Make, tmp_path: Path) -> Path:
    """A random checkpoint as the published ones are: one head, a chat template and no card."""
    config = {"id2label": {0: "LABEL_0"}, "label2id": {"LABEL_0": 0}, "num_labels": 1}
    path = tmp_path / "Themis-RM-Tiny"
    shutil.copytree(tiny_checkpoint("qwen3", config=config), path)
    (path / CARD).unlink()
    (path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE})
    )
    return path


def test_prompts_are_read_from_constants_and_nothing_is_run(checkout: Path) -> None:
    found = find_prompts(checkout)
    assert found.texts == {key: prompt(key) for key in KEYS}
    assert found.source == "evaluation/score.py"
    assert find_prompts(checkout / "evaluation" / "score.py").sha256 == found.sha256


def test_the_same_prompts_in_two_scripts_are_fine_and_others_are_not(checkout: Path) -> None:
    (checkout / "train.py").write_text(SCRIPT)
    find_prompts(checkout)
    (checkout / "train.py").write_text(SCRIPT.replace("Judge", "Weigh"))
    with pytest.raises(InputError, match=r"score\.py and train\.py hold different prompts"):
        find_prompts(checkout)


def test_two_prompts_for_one_criterion_in_a_script_are_not_guessed_between(checkout: Path) -> None:
    script = checkout / "evaluation" / "score.py"
    script.write_text(SCRIPT + f'\nruntime_efficiency_v2 = "Weigh runtime{LONG}"\n')
    with pytest.raises(InputError, match="two prompts for Runtime_Efficiency"):
        find_prompts(checkout)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("x = 1", "no Python file below .* holds the prompts"),
        (
            SCRIPT.replace('"Runtime_Efficiency"', '"speed"'),
            r"score\.py comes nearest and lacks Ru",
        ),
        (SCRIPT.replace("RUNTIME = f", "RUNTIME = load() or f"), "lacks Runtime_Efficiency"),
        ("LONG = LONG\n" + SCRIPT.replace(f"LONG = {LONG!r}", ""), "lacks Functional_Correctness"),
        ("a = " + "(" * 5000, "no Python file"),
    ],
)
def test_what_is_not_there_is_named(checkout: Path, script: str, message: str) -> None:
    (checkout / "evaluation" / "score.py").write_text(script)
    with pytest.raises(InputError, match=message):
        find_prompts(checkout)


def test_a_checkout_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        find_prompts(tmp_path / "nowhere")


def test_prompts_changed_by_hand_are_refused(checkout: Path, tmp_path: Path) -> None:
    file = tmp_path / "prompts.json"
    find_prompts(checkout).write(file)
    assert Prompts.read(file) == find_prompts(checkout)
    file.write_text(file.read_text().replace("Judge runtime", "Judge the runtime"))
    with pytest.raises(InputError, match="was changed since it was made"):
        Prompts.read(file)
    file.write_text("{}")
    with pytest.raises(InputError, match="is no file of prompts"):
        Prompts.read(file)


def test_a_published_checkpoint_becomes_a_bundle_that_scores_as_its_own_classes_do(
    checkout: Path, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the commands; then compared with transformers' own chat template and forward pass."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    prompts, out = tmp_path / "prompts.json", tmp_path / "bundle"
    assert run(cli, "themis-export", ["prompts", str(prompts), "--from", str(checkout)]) == 0
    made = run(
        cli,
        "themis-export",
        ["bundle", str(published), str(out), "--prompts", str(prompts), "--precision", "fp32"],
    )
    assert made == 0
    bundle = load_bundle(out)
    assert bundle.manifest.metrics["prompts_sha256"] == find_prompts(checkout).sha256
    assert bundle.manifest.name == "Themis-RM-Tiny"

    capsys.readouterr()
    verify = ["verify", str(out), "--against", str(published), "--prompts"]
    assert run(cli, "themis-export", [*verify, str(prompts)]) == 0
    assert "warning" not in capsys.readouterr().err
    script = checkout / "evaluation" / "score.py"
    script.write_text(SCRIPT.replace('RUNTIME = f"Judge', 'RUNTIME = f"Weigh'))
    find_prompts(checkout).write(tmp_path / "others.json")
    alone = ["verify", str(out), "--prompts", str(tmp_path / "others.json")]
    assert run(cli, "themis-export", alone) == 0
    assert "asks Runtime_Efficiency by other words than" in capsys.readouterr().err

    codes = ["def f(x):\n    return x + 1", "int f(void) { return 0; }"]
    rewards = Scorer(bundle, Engine(bundle, threads=1)).rewards(codes, intent="Add one")
    tokenizer = AutoTokenizer.from_pretrained(published)
    model = AutoModelForSequenceClassification.from_pretrained(published).eval()
    for code, found in zip(codes, rewards, strict=True):
        assert found is not None
        assert set(found) == set(KEYS)
        for key in KEYS:
            messages = [
                {"role": "system", "content": prompt(key)},
                {"role": "user", "content": "Add one"},
                {"role": "assistant", "content": code},
            ]
            ids = tokenizer.apply_chat_template(messages, return_tensors="pt")
            with torch.no_grad():
                expected = model(input_ids=ids).logits[0, 0].item()
            assert found[key] == pytest.approx(expected, abs=1e-4)


def test_the_layout_holds_what_the_template_puts_before_the_answer(published: Path) -> None:
    literals = [part for part in chat_layout(published).segments if part != "code"]
    assert any("<think>" in literal for literal in literals)


def test_a_template_without_a_place_for_the_criterion_is_refused(published: Path) -> None:
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}",
    }
    (published / "tokenizer_config.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="does not show the criterion once"):
        chat_layout(published)
    del about["chat_template"]
    (published / "tokenizer_config.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="has no chat template"):
        chat_layout(published)


def test_prompts_and_cards_exclude_one_another(
    checkout: Path, published: Path, tiny_checkpoint: Make
) -> None:
    prompts = find_prompts(checkout)
    with pytest.raises(InputError, match="needs --prompts as well"):
        read_checkpoint(published)
    with pytest.raises(InputError, match="leave out --prompts"):
        read_checkpoint(tiny_checkpoint(), prompts)
    read = read_checkpoint(published, prompts)
    assert torch_rewards(load_model(read), (5, 9)).shape == (2, 1)


def test_several_heads_cannot_be_asked_by_prompts(
    checkout: Path, tiny_checkpoint: Make, tmp_path: Path
) -> None:
    path = tmp_path / "three"
    shutil.copytree(tiny_checkpoint(), path)
    (path / CARD).unlink()
    with pytest.raises(InputError, match="has 3 heads"):
        read_checkpoint(path, find_prompts(checkout))
