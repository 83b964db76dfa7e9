"""Several graphs in one bundle: which is picked, what each is probed with, what verify says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import PreTrainedModel

from model_export.checkpoint import load_model, read_checkpoint
from model_export.cli import cli
from model_export.parity import Gates, torch_rewards
from model_export.quantise import round_as_stored, round_weights
from model_export.storage import Storage, storages
from model_export.verify import Check, verify_bundle
from model_export.write import write_bundle
from review_core.bundle import Bundle, Variant, load_bundle
from review_core.command import run
from review_core.engine import Engine, _choose
from review_core.errors import InputError
from review_core.layout import TokenSequence
from review_core.records import PreferencePair, write_pairs
from review_core.scorer import Scorer
from training.card import Quantisation

Make = Callable[..., Path]
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
LIMIT = 50_000  # bytes, for protobuf's 2 GB


def exit_code(*arguments: object) -> int:
    return run(cli, "themis-export", [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def several(tiny_checkpoint: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle]:
    """A checkpoint and a bundle of it in five forms, weights beside the graphs. Random weights lose
    more signs by rounding than trained ones.
    """
    path = tiny_checkpoint("qwen3")
    checkpoint = read_checkpoint(path)
    bundle = write_bundle(
        checkpoint,
        tmp_path_factory.mktemp("several") / "bundle",
        quantisation=checkpoint.card.quantisation,
        precisions=["int8", "fp32", "int4", "fp16", "bf16"],
        command="a test",
        gates=Gates(sign_agreement=0),
        limit=LIMIT,
    )
    return path, bundle


@pytest.fixture
def several_copy(several: tuple[Path, Bundle], tmp_path: Path) -> Path:
    """To spoil."""
    return Path(shutil.copytree(several[1].path, tmp_path / "bundle"))


def spoil_probe(path: Path, variant: int) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["variants"][variant]["probe"]["rewards"]["Readability"] += 1.0
    (path / "manifest.json").write_text(json.dumps(manifest))


def test_graphs_lie_beside_one_another_each_with_one_file_of_weights(
    several: tuple[Path, Bundle],
) -> None:
    bundle = several[1]
    precisions = ["fp16", "bf16", "int8", "fp32", "int4"]  # a GPU's first, else as asked
    assert [each.precision for each in bundle.manifest.variants] == precisions
    graphs = {f"model.{each}.onnx{end}" for each in precisions for end in ("", ".data")}
    assert {path.name for path in bundle.path.iterdir()} == {
        *graphs,
        "manifest.json",
        "tokenizer.json",
        "calibration.json",
    }
    assert set(bundle.manifest.parity["variants"]) == set(precisions)
    assert bundle.manifest.parity["rounding"] > 0  # int8's: CPUs prefer it


@pytest.mark.parametrize(
    ("usable", "precision", "providers"),
    [
        ((CPU,), "int8", [CPU]),
        ((CUDA, CPU), "fp16", [CUDA]),
    ],
)
def test_the_machines_best_provider_picks_the_graph(
    several: tuple[Path, Bundle], usable: tuple[str, ...], precision: str, providers: list[str]
) -> None:
    variant, named = _choose(several[1], usable)
    assert (variant.precision, named) == (precision, providers)


def test_a_gpu_prefers_a_later_graph_that_it_can_run(several: tuple[Path, Bundle]) -> None:
    """int8 (CPU) stands before fp32 (either)."""
    bundle = several[1]
    left = bundle.manifest.variants[2:]
    without_half = replace(bundle, manifest=replace(bundle.manifest, variants=left))
    variant, named = _choose(without_half, (CUDA, CPU))
    assert (variant.precision, named) == ("fp32", [CUDA, CPU])


def test_each_graph_is_probed_with_what_it_scored_itself(
    several: tuple[Path, Bundle], several_copy: Path
) -> None:
    probes = [variant.probe for variant in several[1].manifest.variants]
    assert all(probes)
    assert len({str(probe and probe.rewards) for probe in probes}) == len(probes)
    spoil_probe(several_copy, 4)  # int4's, which this machine does not pick
    bundle = load_bundle(several_copy)
    Scorer(bundle, Engine(bundle, threads=1)).verify()
    spoil_probe(several_copy, 2)
    bundle = load_bundle(several_copy)
    with pytest.raises(Exception, match="on Readability"):
        Scorer(bundle, Engine(bundle, threads=1)).verify()


def test_half_graphs_keep_head_states_and_norms_in_fp32(several: tuple[Path, Bundle]) -> None:
    for half, kind in (("fp16", onnx.TensorProto.FLOAT16), ("bf16", onnx.TensorProto.BFLOAT16)):
        graph = onnx.load(str(several[1].path / f"model.{half}.onnx")).graph
        types = {each.name: each.data_type for each in graph.initializer}
        multiplied = [node for node in graph.node if node.op_type == "MatMul"]
        weights = [types[node.input[1]] for node in multiplied if node.input[1] in types]
        assert weights.count(kind) == 14  # 2 layers x (4 + 3)
        (head,) = (node for node in multiplied if "rewards" in node.output)
        assert types[head.input[1]] == onnx.TensorProto.FLOAT
        for each in (*graph.input, *graph.output):
            assert each.type.tensor_type.elem_type in {
                onnx.TensorProto.FLOAT,
                onnx.TensorProto.INT64,
            }


def test_verify_measures_every_graph_that_can_run_and_names_the_one_that_cannot(
    several: tuple[Path, Bundle],
) -> None:
    path, bundle = several
    gates = Gates(sign_agreement=0)
    found = verify_bundle(bundle, read_checkpoint(path), gates=gates)
    ran = {each.precision: each.ran for each in found.variants}
    assert ran == {"fp16": CPU, "bf16": None, "int8": CPU, "fp32": CPU, "int4": CPU}
    assert found.failures == []
    for each in found.variants:
        names = {check.name for check in each.checks}
        wanted = {"probe", "cached", "batch", "padding", "order", "threads", "torch", "signs"}
        assert names >= wanted or each.ran is None
    fp32 = next(each for each in found.variants if each.precision == "fp32")
    assert next(check.limit for check in fp32.checks if check.name == "torch") == 1e-4


def test_a_failed_gate_fails_the_command_and_the_report_has_the_numbers(
    several: tuple[Path, Bundle],
    several_copy: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs, report = tmp_path / "pairs.jsonl", tmp_path / "report.json"
    code = [f"def f(x):\n    return x + {number}\n" for number in range(5)]
    write_pairs(
        pairs,
        [PreferencePair("add", *both, "Python", "Readability") for both in pairwise(code)],
    )
    spoil_probe(several_copy, 4)
    assert exit_code("verify", several_copy, "--pairs", pairs, "--report", report) == 1
    assert "int4: probe on Readability: 1" in capsys.readouterr().err
    told = json.loads(report.read_text())
    assert (told["sound"], told["reference"]) == (False, "fp32")
    by_name = {each["precision"]: each for each in told["variants"]}
    assert by_name["fp32"]["pairs"]["n"] == 4
    assert by_name["fp32"]["pairs"]["verdict_changes"] is None
    assert by_name["int4"]["pairs"]["verdict_changes"] == 0  # uncalibrated: never a verdict
    assert {check["name"] for check in by_name["int4"]["checks"]} >= {"accuracy lost on pairs"}
    assert by_name["bf16"]["checks"] == []


def test_a_graph_that_turns_every_margin_is_caught(
    several: tuple[Path, Bundle], several_copy: Path
) -> None:
    """int8's head is turned round: no margin keeps its sign, and 0 is no excuse."""
    graph = onnx.load(str(several_copy / "model.int8.onnx"))
    (head,) = (node for node in graph.graph.node if "rewards" in node.output)
    (weight,) = (each for each in graph.graph.initializer if each.name == head.input[1])
    turned = -onnx.numpy_helper.to_array(weight)
    weight.CopyFrom(onnx.numpy_helper.from_array(turned, weight.name))
    onnx.save(graph, str(several_copy / "model.int8.onnx"))
    manifest = several[1].manifest
    two = [each for each in manifest.variants if each.precision in {"int8", "fp32"}]
    bundle = replace(several[1], path=several_copy, manifest=replace(manifest, variants=tuple(two)))
    failures = verify_bundle(bundle).failures
    assert any(line.startswith("int8: signs: 0.") or "signs: 0," in line for line in failures)
    assert any(line.startswith("int8: probe on") for line in failures)
    assert not any(line.startswith("fp32") for line in failures)


def test_nothing_that_is_no_number_meets_a_gate() -> None:
    assert not Check("cached", float("nan"), 1.0).met
    assert not Check("signs", float("nan"), 0.9, at_least=True).met
    assert Check("signs", 0.9, 0.9, at_least=True).met
    assert not Check("cached", 1.1, 1.0).met


@pytest.mark.parametrize(
    ("named", "message"),
    [(["fp32", "int3"], "'int3' is no way to store"), (["fp32", "fp32"], "asked for twice")],
)
def test_a_wrong_list_of_variants_is_said(named: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        storages(named, Quantisation())


def test_precision_and_variants_exclude_one_another(tmp_path: Path) -> None:
    assert exit_code("bundle", "x", tmp_path, "--precision", "int8", "--variants", "fp32") == 2


def test_a_bundle_of_one_graph_has_no_second_probe(tiny_bundle: Make) -> None:
    document = json.loads((tiny_bundle() / "manifest.json").read_text())
    assert set(document["variants"][0]) == {"file", "precision", "providers"}
    assert load_bundle(tiny_bundle()).manifest.variants[0].probe is None
    Variant("model.onnx", "fp32", (CPU,))


@pytest.mark.parametrize("tied", [True, False])
def test_a_text_that_ends_in_the_pad_id_is_scored_at_that_token(
    tiny_checkpoint: Make, tmp_path: Path, tied: bool
) -> None:
    """transformers pools the last id that is not the pad id: here another token's reward."""
    checkpoint = read_checkpoint(
        tiny_checkpoint(
            config={"tie_word_embeddings": tied},
            about={"pooling": "last", "layout": [{"slot": "code"}]},
        )
    )
    bundle = write_bundle(
        checkpoint, tmp_path / "b", quantisation=checkpoint.card.quantisation, command="a test"
    )
    ids = (5, 9, 77, 0, 0)
    model = load_model(checkpoint)
    (found,) = Engine(bundle, threads=1).rewards([TokenSequence(ids, (0, 5))])
    np.testing.assert_allclose(found, torch_rewards(model, ids)[-1], atol=1e-5)
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor([ids])).logits[0].numpy()
    np.testing.assert_allclose(theirs, torch_rewards(model, ids)[2], atol=1e-5)
    assert np.abs(found - theirs).max() > 0.1


def test_what_stands_out_costs_less_in_four_bits_once_rotated(tiny_checkpoint: Make) -> None:
    """A few inputs whose weights are twenty times the others leave those hardly a step."""
    checkpoint = read_checkpoint(tiny_checkpoint("qwen3"))
    batch = [tuple(range(start, start + 60)) for start in range(0, 240, 60)]

    def loss(rounded: Callable[[PreTrainedModel], object]) -> float:
        model = load_model(checkpoint)
        with torch.no_grad():
            for layer in model.base_model.layers:
                for linear in (layer.mlp.gate_proj, layer.mlp.up_proj, layer.self_attn.v_proj):
                    linear.weight[:, ::16] *= 20
        before = [torch_rewards(model, ids) for ids in batch]
        rounded(model)
        after = [torch_rewards(model, ids) for ids in batch]
        return float(np.mean([np.square(a - b).mean() for a, b in zip(before, after, strict=True)]))

    four_bits = Quantisation(4, 32)
    as_stored = loss(lambda model: round_as_stored(model, Storage(four_bits)))
    assert as_stored < 0.8 * loss(lambda model: round_weights(model, four_bits))


def test_weights_that_were_rounded_in_training_stay_as_they_are(tiny_checkpoint: Make) -> None:
    model = load_model(read_checkpoint(tiny_checkpoint("qwen2")))
    round_weights(model, Quantisation(4, 32))
    own = model.base_model.layers[0].self_attn.q_proj.weight.detach().clone()
    assert round_as_stored(model, Storage(Quantisation(4, 32))) == 0.0
    assert torch.equal(model.base_model.layers[0].self_attn.q_proj.weight, own)
