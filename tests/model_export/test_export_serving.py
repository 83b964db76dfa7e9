"""A bundle as a Triton model repository: what the graph scores, what the configuration says."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from google.protobuf import text_format

from model_export.checkpoint import read_checkpoint
from model_export.cli import cli
from model_export.serving import Batching, config_text, write_repository
from model_export.write import write_bundle
from review_core.bundle import Bundle, Variant, load_bundle
from review_core.command import run
from review_core.engine import Engine
from review_core.errors import InputError
from review_core.layout import TokenSequence, normalise

Make = Callable[..., Path]
CODES = ["def f(x):\n    return x + 1\n", "x = 1!", "", "while True:\n    pass  # for ever\n"]


def sequences(bundle: Bundle) -> list[TokenSequence]:
    return [bundle.layout.render(bundle.tokenizer, normalise(code)) for code in CODES]


def served(folder: Path, batch: list[TokenSequence], pad: int = 7) -> Any:
    """What the server would answer to a batch of requests, padded to one length by any id."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "1" / "model.onnx"), options)
    width = max(len(each.ids) for each in batch)
    ids = np.full((len(batch), width), pad, np.int64)
    real, code = np.zeros_like(ids), np.zeros_like(ids)
    for row, each in enumerate(batch):
        ids[row, : len(each.ids)] = each.ids
        real[row, : len(each.ids)] = 1
        code[row, each.code[0] : each.code[1]] = 1
    feed = {"input_ids": ids, "attention_mask": real, "code_mask": code}
    wanted = {each.name for each in session.get_inputs()}
    (rewards,) = session.run(["rewards"], {name: feed[name] for name in wanted})
    return rewards


@pytest.fixture(scope="module")
def last(tiny_checkpoint: Make, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle that pools the last token, of a layout whose texts may end in the pad id."""
    path = tiny_checkpoint("qwen3", about={"pooling": "last", "layout": [":", {"slot": "code"}]})
    checkpoint = read_checkpoint(path)
    return write_bundle(
        checkpoint,
        tmp_path_factory.mktemp("last") / "bundle",
        quantisation=checkpoint.card.quantisation,
        command="a test",
    )


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_the_served_graph_scores_what_the_engine_scores_padded_or_alone(
    tiny_bundle: Make, last: Bundle, tmp_path: Path, pooling: str
) -> None:
    bundle = last if pooling == "last" else load_bundle(tiny_bundle())
    folder = write_repository(bundle, tmp_path / "repository", limit=10_000)
    assert (folder / "1" / "model.onnx.data").is_file()
    batch = sequences(bundle)
    expected = np.stack(Engine(bundle, threads=1).rewards(batch))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(served(folder, batch), expected, atol=1e-5)
    np.testing.assert_allclose(served(folder, batch, pad=0), expected, atol=1e-5)
    for index, each in enumerate(batch):
        np.testing.assert_allclose(served(folder, [each])[0], expected[index], atol=1e-5)


def schema() -> Any:
    """Triton's own message, out of its published client, whose other parts want grpc."""
    found = importlib.util.find_spec("tritonclient")
    if found is None or not found.submodule_search_locations:
        pytest.skip("tritonclient is not installed; the structural test speaks for it")
    file = Path(found.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def inputs_and_outputs(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Name and rank of the graph's inputs and outputs, the batch not counted."""
    session = onnxruntime.InferenceSession(str(folder / "1" / "model.onnx"))
    inputs, outputs = (
        {each.name: len(each.shape) - 1 for each in side}
        for side in (session.get_inputs(), session.get_outputs())
    )
    return inputs, outputs


def test_the_configuration_is_one_by_tritons_schema_and_of_the_graph(
    tiny_bundle: Make, tmp_path: Path
) -> None:
    triton = schema()
    folder = write_repository(
        load_bundle(tiny_bundle()), tmp_path / "repository", batching=Batching(8, 500)
    )
    config = text_format.Parse((folder / "config.pbtxt").read_text(), triton.ModelConfig())
    assert (config.name, config.backend, config.max_batch_size) == (
        folder.name,
        "onnxruntime",
        8,
    )
    inputs, outputs = inputs_and_outputs(folder)
    assert {each.name: len(each.dims) for each in config.input} == inputs
    assert {each.name: len(each.dims) for each in config.output} == outputs
    assert {each.data_type for each in config.input} == {triton.TYPE_INT64}
    assert [(each.data_type, list(each.dims)) for each in config.output] == [
        (triton.TYPE_FP32, [3])
    ]
    assert list(config.dynamic_batching.preferred_batch_size) == [4, 8]
    assert config.dynamic_batching.max_queue_delay_microseconds == 500
    assert config.instance_group[0].kind == triton.ModelInstanceGroup.KIND_CPU


def test_the_configuration_names_what_the_graph_has(last: Bundle, tmp_path: Path) -> None:
    """By structure alone, where Triton's schema is not at hand."""
    folder = write_repository(last, tmp_path / "repository", batching=Batching(2))
    text = (folder / "config.pbtxt").read_text()
    inputs, outputs = inputs_and_outputs(folder)
    assert set(re.findall(r'\{ name: "(\w+)"', text)) == {*inputs, *outputs}
    assert set(inputs) == {"input_ids", "attention_mask"}
    assert text.count("{") == text.count("}")
    assert text.count("[") == text.count("]")
    assert "preferred_batch_size" not in text  # none of 4, 8, 16 fits
    assert re.search(r"^max_batch_size: 2$", text, flags=re.MULTILINE)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {"config.pbtxt", "1/model.onnx", "manifest.json", "tokenizer.json"}


def test_a_gpus_graph_is_served_on_a_gpu(tiny_bundle: Make) -> None:
    bundle = load_bundle(tiny_bundle())
    gpu = Variant("model.onnx", "fp16", ("CUDAExecutionProvider",))
    assert "KIND_GPU" in config_text("m", bundle, gpu, 1, Batching())


def test_the_command_writes_a_repository_and_overwrites_none(
    tiny_bundle: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["serve-format", str(tiny_bundle()), str(tmp_path / "out")]
    assert run(cli, "themis-export", arguments) == 0
    assert "tritonserver --model-repository=" in capsys.readouterr().out
    assert run(cli, "themis-export", arguments) == 2
    assert "exists; remove it" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(InputError, match="holds no int8 graph; it has fp32"):
        write_repository(load_bundle(tiny_bundle()), tmp_path / "out", precision="int8")
