"""The benchmarks of the engine at tiny size: what they read, what they compare, what they tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import engine, gpu
from benchmarks.changes import Source, edits, texts
from benchmarks.editing import function_of, keystrokes, typed
from benchmarks.growth import growth
from benchmarks.measuring import alone, peak_bytes
from benchmarks.pushes import pushes
from benchmarks.report import tell
from benchmarks.sampling import sample
from benchmarks.stand_in_prompts import stand_in_prompts
from benchmarks.start import STAGES, start
from model_export.published import chat_layout
from review_core.bundle import Bundle, load_bundle
from review_core.layout import Slot, TokenSequence

Make = Callable[..., Path]
Apart = Callable[..., Any]


def test_changed_functions_are_read_newest_first_and_each_once(history: Source) -> None:
    found = edits(history, 3)
    assert [(edit.name, edit.intent) for edit in found] == [
        ("b", "Start latest"),
        ("c", "Start latest"),
        ("a", "Start later"),
    ]
    assert "total = 1" in found[0].base
    assert "total = 2" in found[0].head
    with pytest.raises(ValueError, match="changes 3 functions, fewer than 4"):
        edits(history, 4)
    assert len(edits(history, 4, at_most=True)) == 3


def test_a_sample_holds_neighbours_in_length_from_short_to_long() -> None:
    """16 sequences in batches of 2 are 8 batches; of 3 equal parts the middles are the batches 1, 4
    and 6, counted from 0.
    """
    lengths = [9, 3, 16, 1, 12, 5, 8, 14, 2, 7, 10, 4, 15, 6, 13, 11]
    sequences = [TokenSequence((1,) * length, (0, 0)) for length in lengths]
    assert [lengths[at] for at in sample(sequences, 6, 2)] == [3, 4, 9, 10, 13, 14]
    assert sorted(sample(sequences, 0, 3)) == list(range(16))


def test_prompts_of_ours_have_the_length_of_the_published_ones_and_share_no_beginning() -> None:
    prompts = stand_in_prompts()
    assert all(1600 <= len(text) <= 1750 for text in prompts.values())
    assert len({text[:4] for text in prompts.values()}) == len(prompts) == 5


def test_a_checkpoint_of_the_published_shape_has_its_layout(published: tuple[Path, Bundle]) -> None:
    """As Qwen3's own template renders system, user and assistant: an empty thought is in front."""
    assert chat_layout(published[0]).segments == (
        "<|im_start|>system\n",
        Slot.CRITERION,
        "<|im_end|>\n<|im_start|>user\n",
        Slot.INTENT,
        "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        Slot.CODE,
        "<|im_end|>\n",
    )


def test_prompts_are_read_once_where_full_passes_read_them_every_time(
    published: tuple[Path, Bundle], history: Source, in_place: Apart, tmp_path: Path
) -> None:
    """3 functions, 2 sides, 5 prompts: 30 sequences. All rows give the same rewards."""
    checkpoint, bundle = published
    inputs = engine.asked(bundle, history, 3)
    assert len(inputs.sequences) == 30
    found = engine.rows(bundle, checkpoint, inputs, baseline_sample=8, threads=1, apart=in_place)
    assert [row.name for row in found] == [
        "ours fp32",
        "ours w8a8",
        "onnxruntime fp32, full passes",
        "transformers float32",
        "transformers float32, in batches of 4",
        "transformers bfloat16",
        "transformers bfloat16, in batches of 4",
    ]
    result = engine.finding(bundle, inputs, 3, found)
    rows = {row["name"]: row for row in result.figures["rows"]}
    assert rows["ours fp32"]["tokens_computed"] < inputs.tokens / 4
    assert rows["ours fp32"]["measured"]["sequences"] == 30
    slow = rows["transformers float32"]
    assert slow["measured"]["sequences"] == 8
    assert slow["tokens_computed"] == pytest.approx(inputs.tokens, abs=1)
    assert slow["seconds"] > 3 * slow["measured"]["seconds"]
    assert slow["times_faster"] == 1.0
    for name in ("ours fp32", "onnxruntime fp32, full passes"):
        assert rows[name]["largest_difference"] < 1e-4
    assert rows["transformers bfloat16"]["largest_difference"] < 0.3
    assert any("measured on 8 of 30 sequences" in note for note in result.notes)

    out = tmp_path / "results" / "engine.json"
    tell(result, "benchmarks.engine", out)
    told = json.loads(out.read_text())
    assert told["command"].startswith("python -m benchmarks.engine")
    assert told["machine"]["cores"]
    assert told["rows"] == json.loads(json.dumps(result.figures["rows"]))
    assert "| ours fp32 |" in out.with_suffix(".md").read_text()
    assert "ours w8a8" in out.with_suffix(".svg").read_text()


def test_criteria_by_head_are_compared_pass_by_pass(
    tiny_bundle: Make, tiny_checkpoint: Make, history: Source, in_place: Apart
) -> None:
    bundle = load_bundle(tiny_bundle("qwen2"))
    inputs = engine.asked(bundle, history, 2)
    assert (len(inputs.sequences), inputs.criteria) == (4, 3)
    found = engine.rows(bundle, tiny_checkpoint("qwen2"), inputs, threads=1, apart=in_place)
    result = engine.finding(bundle, inputs, 2, found)
    ours = result.figures["rows"][0]
    assert ours["largest_difference"] < 1e-4
    assert not any("evenly spaced" in note for note in result.notes)
    assert any("answers all 3 criteria" in note for note in result.notes)


def test_a_second_push_computes_what_was_touched(
    tiny_bundle: Make, history: Source, in_place: Apart
) -> None:
    first, second, third = pushes(tiny_bundle("qwen2"), edits(history, 3), 1, in_place)
    assert (first.sequences, first.remembered) == (6, 0)
    assert (second.sequences, second.remembered) == (6, 5)
    assert 0 < second.computed < first.computed / 2
    assert (third.remembered, third.computed) == (6, 0)


def test_a_keystroke_costs_what_stands_behind_it(tiny_bundle: Make, history: Source) -> None:
    text = function_of(history, 11)
    assert text.count("\n") + 1 == 11
    assert typed(text, 1.0, 7).endswith("return total  # 7")
    found, tokens = keystrokes(tiny_bundle("qwen2"), text, 3, 1)
    first, middle, last = (each.computed for each in found)
    assert last < middle < first
    assert last < tokens / 2


def test_cost_is_counted_at_each_size(tiny_bundle: Make, history: Source, in_place: Apart) -> None:
    small, large = growth(tiny_bundle("qwen2"), edits(history, 3), [1, 3], 1, in_place)
    assert (small.functions, large.functions) == (1, 3)
    assert small.computed < large.computed <= large.tokens


def test_a_cold_start_is_told_in_stages(tiny_bundle: Make, history: Source) -> None:
    code = edits(history, 1)[0].head
    found = start(tiny_bundle("qwen2"), code, 1)
    assert len(found.seconds) == len(STAGES)
    assert all(seconds > 0 for seconds in found.seconds)
    assert found.to_first == sum(found.seconds[:-1])


def test_the_gpu_script_runs_where_there_is_none(
    published: tuple[Path, Bundle], history: Source, in_place: Apart
) -> None:
    """Work by hand: a layer has 64 * (2 * 128 + 2 * 64) + 3 * 64 * 96 = 43,008 weights, two layers
    of which take 172,032 operations a token; and 4 * 2 * 128 for each token before.
    """
    checkpoint, bundle = published
    work = gpu.Work.of(checkpoint)
    assert (work.fixed, work.a_token_before) == (172_032, 1_024)
    assert work.operations(10, 20) == 10 * (172_032 + 1_024 * 10)
    inputs = engine.asked(bundle, history, 1)
    found = gpu.rows(bundle, checkpoint, inputs, "cpu", 4, 1, in_place)
    most = gpu.ceiling("cpu", 64, 1)
    result = gpu.finding(bundle, inputs, work, most, "cpu", found)
    bf16, ours = result.figures["rows"]
    assert bf16["times_faster"] == 1.0
    assert ours["name"] == "ours fp32"  # the first graph of the bundle that runs here
    assert ours["tokens_asked_a_second"] > ours["tokens_read_a_second"]


def test_what_runs_alone_has_its_own_peak_of_memory() -> None:
    held = bytearray(300 * 2**20)
    here, there = peak_bytes(), alone(peak_bytes)
    assert len(held)
    if here is None or there is None:
        pytest.skip("the system does not say")
    assert there < 250 * 2**20 < here


def test_both_sides_are_asked_base_first(history: Source) -> None:
    (edit,) = edits(history, 1)
    assert texts([edit]) == [edit.base, edit.head]
