"""From a checkpoint to a bundle: what the graph says, how weights are stored, what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from model_export.checkpoint import load_model, read_checkpoint, with_precision
from model_export.cli import cli
from model_export.errors import GateError
from model_export.graph import export_graph
from model_export.parity import Gates, full_pass, in_pieces, pooled, sign_agreement, torch_rewards
from model_export.quantise import quantise_embedding, quantise_linear, round_weights, save_graph
from model_export.verify import verify_bundle
from model_export.write import graph_shape, write_bundle
from review_core.bundle import Bundle, Pooling, load_bundle
from review_core.calibration import Calibration
from review_core.command import run
from review_core.errors import InputError
from review_core.session import Session
from review_core.types import Verdict
from training.card import Quantisation

Make = Callable[..., Path]
IDS = [(5, 9, 77, 300, 5, 5, 1), (8,), tuple(range(40)), (300, 2)]


def export(path: Path, out: Path, **more: Any) -> Bundle:
    checkpoint = read_checkpoint(path)
    options = {"quantisation": checkpoint.card.quantisation, "command": "a test"} | more
    return write_bundle(checkpoint, out, **options)


def initialisers(path: Path) -> dict[str, NDArray[Any]]:
    return {
        each.name: numpy_helper.to_array(each) for each in onnx.load(str(path)).graph.initializer
    }


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_the_graph_says_what_torch_says_at_every_token(
    tiny_checkpoint: Make, tmp_path: Path, family: str
) -> None:
    model = load_model(read_checkpoint(tiny_checkpoint(family)))
    export_graph(model, tmp_path / "model.onnx")
    session = Session(tmp_path / "model.onnx", graph_shape(model))
    assert session.heads == 3
    for ids in IDS:
        expected = torch_rewards(model, ids)
        assert expected.shape == (len(ids), 3)
        assert expected.std() > 0.1
        np.testing.assert_allclose(full_pass(session, ids), expected, atol=1e-5)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_pieces_in_a_padded_batch_say_what_a_full_pass_says(
    tiny_checkpoint: Make, tmp_path: Path, family: str
) -> None:
    model = load_model(read_checkpoint(tiny_checkpoint(family)))
    export_graph(model, tmp_path / "model.onnx")
    session = Session(tmp_path / "model.onnx", graph_shape(model))
    for ids, found in zip(IDS, in_pieces(session, IDS), strict=True):
        np.testing.assert_allclose(found, torch_rewards(model, ids), atol=1e-5)


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_rounded_in_training_survive_the_quantiser_exactly(
    tiny_checkpoint: Make, tmp_path: Path, bits: int
) -> None:
    """Stored integers times their scales are the rounded weights, bit for bit."""
    model = load_model(read_checkpoint(tiny_checkpoint()))
    round_weights(model, Quantisation(bits, 32, 8))
    export_graph(model, tmp_path / "fp32.onnx")
    graph = quantise_linear(onnx.load(str(tmp_path / "fp32.onnx")), bits, 32)
    graph = quantise_embedding(graph)
    save_graph(graph, tmp_path / "small.onnx")
    stored = initialisers(tmp_path / "small.onnx")
    layer = model.base_model.layers[1].mlp.down_proj.weight.detach().numpy()  # 64 x 96
    (node,) = (each for each in graph.graph.node if "layers.1/mlp/down_proj/MatMul" in each.name)
    packed, scales = stored[node.input[1]], stored[node.input[2]]  # 64 x 3 x bytes, 64 x 3
    steps = (
        np.stack([packed & 15, packed >> 4], axis=-1).reshape(64, 3, 32).astype(np.int64) - 8
        if bits == 4
        else packed.astype(np.int64) - 128
    )
    restored = steps.astype(np.float32) * scales.reshape(64, 3, 1)
    np.testing.assert_array_equal(restored.reshape(64, 96), layer)

    table = model.base_model.embed_tokens.weight.detach().numpy()
    rows, row_scales = (
        stored["body.embed_tokens.weight_rows"],
        stored["body.embed_tokens.weight_scales"],
    )
    assert rows.dtype == np.int8
    np.testing.assert_array_equal(rows.astype(np.float32) * row_scales, table)


@pytest.mark.parametrize(
    ("precision", "stored_bits"), [("fp32", None), ("int8", 8), ("int4", 4), ("mixed", 4)]
)
def test_every_precision_passes_its_gates_and_keeps_the_head_in_fp32(
    tiny_checkpoint: Make, tmp_path: Path, precision: str, stored_bits: int | None
) -> None:
    path = tiny_checkpoint()
    quantisation = with_precision(read_checkpoint(path).card.quantisation, precision)
    # Random weights lose more by rounding than trained ones; what storing adds is what is looked
    # at.
    bundle = export(path, tmp_path / "b", quantisation=quantisation, gates=Gates(sign_agreement=0))
    (variant,) = bundle.manifest.variants
    assert variant.precision == precision
    graph = onnx.load(str(bundle.path / variant.file)).graph
    bits = [
        attribute.i
        for node in graph.node
        if node.op_type == "MatMulNBits"
        for attribute in node.attribute
        if attribute.name == "bits"
    ]
    assert bits == ([stored_bits] * 14 if stored_bits else [])  # 2 layers x (4 + 3)
    (head,) = (node for node in graph.node if "rewards" in node.output)
    assert head.op_type == "MatMul"
    assert initialisers(bundle.path / variant.file)[head.input[1]].dtype == np.float32
    rounded = bundle.manifest.parity["rounding"]
    assert (rounded < 1e-5) is (precision == "fp32")
    (report,) = verify_bundle(bundle, read_checkpoint(path)).variants
    found = {check.name: check for check in report.checks}
    assert found["torch"].met
    assert found["torch, by token"].met


@pytest.mark.parametrize(
    ("gates", "says"),
    [
        (Gates(export=-1.0), "fp32 graph against torch: rewards differ by"),
        (Gates(export_token=-1.0), "fp32 graph against torch, by token: rewards differ by"),
    ],
)
def test_a_gate_that_is_not_met_leaves_nothing_behind(
    tiny_checkpoint: Make, tmp_path: Path, gates: Gates, says: str
) -> None:
    with pytest.raises(GateError, match=says):
        export(tiny_checkpoint(), tmp_path / "bundle", gates=gates)
    assert list(tmp_path.iterdir()) == []


def test_a_sequence_is_compared_as_the_runtime_reads_it() -> None:
    """Tokens 1, 2 and 6: their mean is 3, the last is 6."""
    tokens = np.array([[1.0], [2.0], [6.0]], dtype=np.float32)
    assert pooled([tokens], Pooling.MEAN)[0].tolist() == [[3.0]]
    assert pooled([tokens], Pooling.LAST)[0].tolist() == [[6.0]]


def test_rounding_that_turns_margins_fails_a_gate(tiny_checkpoint: Make, tmp_path: Path) -> None:
    quantisation = Quantisation(4, 32, 8)
    with pytest.raises(GateError, match="rounded weights keep the sign of"):
        export(
            tiny_checkpoint(),
            tmp_path / "bundle",
            quantisation=quantisation,
            gates=Gates(sign_agreement=1.01),
        )


def test_sign_agreement_looks_at_clear_margins_only() -> None:
    """Margins 1, .05 and -.95 before; 1, -.05 and -1.05 after: two are clear and stay."""
    before = [np.array([[1.0]]), np.array([[0.0]]), np.array([[0.95]])]
    after = [np.array([[1.0]]), np.array([[0.0]]), np.array([[1.05]])]
    pooled = ([each[0] for each in before], [each[0] for each in after])
    assert sign_agreement(*pooled) == 1.0
    turned = [np.array([1.0]), np.array([2.0]), np.array([0.95])]
    assert sign_agreement(pooled[0], turned) == 0.0
    assert sign_agreement(pooled[0], turned, threshold=5.0) is None


def test_without_a_calibration_every_verdict_is_unsure(
    tiny_checkpoint: Make, tmp_path: Path
) -> None:
    bundle = export(tiny_checkpoint(), tmp_path / "bundle")
    calibration = Calibration.from_json(bundle.calibration_json)
    for criterion in bundle.manifest.criteria:
        assert calibration.verdict(criterion, 0.0) is Verdict.UNSURE
        assert calibration.verdict(criterion, 1.0) is Verdict.UNSURE


def test_a_calibration_and_a_model_card_go_into_the_bundle(
    tiny_checkpoint: Make, tmp_path: Path
) -> None:
    path = tiny_checkpoint()
    (path / "MODEL_CARD.md").write_text("# tiny\n")
    each = {"temperature": 2.0, "worse_at": 0.1, "better_at": None, "isotonic": None}
    keys = read_checkpoint(path).card.criteria
    given = tmp_path / "calibration.json"
    given.write_text(json.dumps({"format": 1, "criteria": dict.fromkeys(keys, each)}))
    bundle = export(path, tmp_path / "bundle", calibration=given)
    assert Calibration.from_json(bundle.calibration_json).of("Readability").worse_at == 0.1
    assert {"MODEL_CARD.md", "calibration.json", "model.onnx", "tokenizer.json"} == set(
        bundle.manifest.files
    )
    given.write_text(json.dumps({"format": 1, "criteria": {"Readability": each}}))
    with pytest.raises(InputError, match="says nothing of Functional_Correctness"):
        export(path, tmp_path / "other", calibration=given)


def test_an_existing_bundle_is_replaced_and_anything_else_is_not(
    tiny_checkpoint: Make, tmp_path: Path
) -> None:
    path = tiny_checkpoint()
    export(path, tmp_path / "bundle")
    (tmp_path / "bundle" / "stale.txt").touch()
    export(path, tmp_path / "bundle")
    assert not (tmp_path / "bundle" / "stale.txt").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").touch()
    with pytest.raises(InputError, match="exists and is not a bundle"):
        export(path, tmp_path / "thesis")


def test_weights_beyond_one_file_go_beside_the_graph(tiny_checkpoint: Make, tmp_path: Path) -> None:
    model = load_model(read_checkpoint(tiny_checkpoint()))
    export_graph(model, tmp_path / "one.onnx")
    save_graph(onnx.load(str(tmp_path / "one.onnx")), tmp_path / "two.onnx", limit=1000)
    assert (tmp_path / "two.onnx.data").stat().st_size > 100_000
    session = Session(tmp_path / "two.onnx", graph_shape(model))
    np.testing.assert_allclose(full_pass(session, IDS[2]), torch_rewards(model, IDS[2]), atol=1e-5)


def test_a_graph_that_optimum_put_beside_its_weights_is_read_and_stored_anew(
    tiny_checkpoint: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does by itself beyond 2 GB; its own switch does it for any size."""
    monkeypatch.setenv("FORCE_ONNX_EXTERNAL_DATA", "1")
    model = load_model(read_checkpoint(tiny_checkpoint()))
    export_graph(model, tmp_path / "one.onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"one.onnx", "one.onnx_data"}
    assert (tmp_path / "one.onnx_data").stat().st_size > 100_000
    save_graph(onnx.load(str(tmp_path / "one.onnx")), tmp_path / "two.onnx")
    for name in ("one.onnx", "two.onnx"):
        session = Session(tmp_path / name, graph_shape(model))
        read = full_pass(session, IDS[2])
        np.testing.assert_allclose(read, torch_rewards(model, IDS[2]), atol=1e-5)


@pytest.mark.parametrize(
    ("config", "about", "message"),
    [
        ({}, {"pooling": "median"}, "'median' is not a valid Pooling"),
        ({}, {"layout": ["no slot"]}, "exactly one code slot"),
        ({}, {"quantisation": {"weight_bits": 3}}, "weight_bits is 4, 8 or null, not 3"),
        ({}, {"criteria": {"Readability": {"head": 0}}}, "make the two agree"),
        ({}, {"criteria": {"Readability": {"head": 9}}}, "make the two agree"),
        ({"use_sliding_window": True}, {}, "sliding window"),
        ({"intermediate_size": 80}, {}, "80 inputs, not a multiple of block_size 32"),
        ({}, {"max_tokens": 20}, "less than the probe needs"),
    ],
)
def test_a_checkpoint_that_cannot_be_exported_says_why(
    tiny_checkpoint: Make,
    tmp_path: Path,
    config: dict[str, Any],
    about: dict[str, Any],
    message: str,
) -> None:
    axes = {"readability": ["Readability"]}
    more = about | ({"axes": axes} if "criteria" in about else {})
    quantisation = {"weight_bits": 4, "block_size": 32, "embedding_bits": 8}
    path = tiny_checkpoint(config=config, about={"quantisation": quantisation} | more)
    with pytest.raises(InputError, match=message):
        export(path, tmp_path / "bundle", gates=Gates(sign_agreement=0))


def exit_code(*arguments: object) -> int:
    return run(cli, "themis-export", [str(argument) for argument in arguments])


def test_the_command_exports_and_verifies(
    tiny_checkpoint: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tiny_checkpoint(), tmp_path / "bundle"
    assert exit_code("bundle", path, out) == 0
    told = capsys.readouterr()
    assert "tiny-qwen2, fp32" in told.out
    assert "fp32 (1 of 1): exporting" in told.err
    peak = re.search(r"peak memory +([\d,]+) MiB", told.out)
    assert peak is not None
    assert 100 < int(peak[1].replace(",", "")) < 20_000  # torch alone takes 200
    assert exit_code("verify", out, "--against", path) == 0
    assert "is sound" in capsys.readouterr().out
    made_by = load_bundle(out).manifest.created_by["command"]
    assert made_by == f"themis-export bundle {path.name} bundle"  # a name, no path of this machine


def test_the_command_tells_a_wrong_model_from_wrong_input(
    tiny_checkpoint: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bundle"
    bundle = export(tiny_checkpoint("qwen3"), out)
    other = tiny_checkpoint("qwen3", config={"initializer_range": 0.2})
    assert exit_code("verify", out, "--against", other) == 1
    assert "torch: " in capsys.readouterr().err
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["probe"]["rewards"]["Readability"] += 0.01
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert exit_code("verify", out) == 1
    assert "on Readability" in capsys.readouterr().err
    (bundle.path / "tokenizer.json").write_text("{}")
    assert exit_code("verify", out) == 2
    assert exit_code("bundle", tmp_path, tmp_path / "new") == 2
    assert "has no config.json" in capsys.readouterr().err
    assert exit_code("bundle", tmp_path, "--precision", "int3") == 2
    assert exit_code("--help") == 0


def test_asking_the_command_for_help_loads_no_torch() -> None:
    script = """
import sys
from model_export.cli import cli
from review_core.command import run
assert run(cli, "themis-export", ["bundle", "--help"]) == 0
assert not {"torch", "transformers", "onnxruntime", "numpy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
