"""Turns a bundle into a model repository of NVIDIA's Triton Inference Server: one full pass a text,
no states. For sites that run such a server already; our own engine reads shared prefixes once.

The folder:

    OUT/<name>/config.pbtxt         inputs, outputs, dynamic batching
    OUT/<name>/1/model.onnx         the graph (and model.onnx.data beyond 2 GB)
    OUT/<name>/manifest.json        layout and criteria: how a client makes tokens of a text
    OUT/<name>/tokenizer.json
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from model_export.quantise import PROTOBUF_LIMIT, save_graph
from model_export.storage import CPU
from review_core.bundle import MANIFEST, TOKENIZER, Bundle, Pooling, Variant
from review_core.errors import InputError

CONFIG = "config.pbtxt"
GRAPH = "model.onnx"
MASK = {Pooling.LAST: "attention_mask", Pooling.MEAN: "code_mask"}
"""The input that says which tokens count: the last of these, or the mean over them."""


@dataclass(frozen=True, slots=True)
class Batching:
    """What the server may put together. rows: at most, of one length. delay: microseconds that a
    request may wait for others.
    """

    rows: int = 16
    delay: int = 2000


def write_repository(
    bundle: Bundle,
    out: Path,
    *,
    precision: str | None = None,
    batching: Batching | None = None,
    limit: int = PROTOBUF_LIMIT,
) -> Path:
    """Write the bundle's graph as a model repository; return the model's folder in it.

    :param precision: which of the bundle's graphs; by default the first.
    :raises InputError: if the bundle has no such graph, or the model's folder is there already.
    """
    variant = _variant(bundle, precision)
    name = re.sub(r"[^\w.-]", "-", bundle.identity.name)
    folder = out / name
    if folder.exists():
        raise InputError(f"{folder} exists; remove it, or write to another folder")
    graph = stateless_graph(onnx.load(str(bundle.path / variant.file)), bundle)
    (folder / "1").mkdir(parents=True)
    save_graph(graph, folder / "1" / GRAPH, limit=limit)
    heads = graph.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    config = config_text(name, bundle, variant, heads, batching or Batching())
    (folder / CONFIG).write_text(config, encoding="utf-8")
    for file in (MANIFEST, TOKENIZER):
        shutil.copyfile(bundle.path / file, folder / file)
    return folder


def stateless_graph(model: ModelProto, bundle: Bundle) -> ModelProto:
    """The graph of the contract with empty pasts and pooled rewards, changed in place.

    Inputs input_ids and attention_mask, padded on the right, and code_mask where the bundle pools
    over the code's tokens (1 for each of them); output rewards, batch x heads.
    """
    graph, shape = model.graph, bundle.manifest.graph
    pasts = [each.name for each in graph.input if each.name.startswith("past_key_values.")]
    mask = MASK[bundle.manifest.pooling]
    (tokens,) = (each for each in graph.output if each.name == "rewards")
    heads = tokens.type.tensor_type.shape.dim[2].dim_value
    for node in graph.node:
        for at, name in enumerate(node.output):
            if name == "rewards":
                node.output[at] = "rewards_by_token"
    empty = np.array([shape.kv_heads, 0, shape.head_dim], np.int64)
    graph.initializer.extend(
        [
            numpy_helper.from_array(empty, "serving/empty"),
            numpy_helper.from_array(np.array([0], np.int64), "serving/0"),
            numpy_helper.from_array(np.array([1], np.int64), "serving/1"),
            numpy_helper.from_array(np.array(1, np.int64), "serving/tokens"),  # the axis
            numpy_helper.from_array(np.array([-1], np.int64), "serving/-1"),
        ]
    )
    before = [
        _node("Shape", ["input_ids"], "serving/shape"),
        _node("Slice", ["serving/shape", "serving/0", "serving/1"], "serving/batch"),
        _node("Concat", ["serving/batch", "serving/empty"], "serving/past_shape", axis=0),
        *(_node("ConstantOfShape", ["serving/past_shape"], name) for name in pasts),
        # Positions count real tokens; before the first there are none to count.
        _node("CumSum", ["attention_mask", "serving/tokens"], "serving/counted"),
        _node("Sub", ["serving/counted", "serving/1"], "serving/positions"),
        _node("Max", ["serving/positions", "serving/0"], "position_ids"),
    ]
    nodes = [*before, *graph.node, *_pooling(bundle.manifest.pooling, mask)]
    del graph.node[:]
    graph.node.extend(nodes)
    dropped = {*pasts, "position_ids"}
    inputs = [each for each in graph.input if each.name not in dropped]
    if mask not in {each.name for each in inputs}:
        inputs.append(helper.make_tensor_value_info(mask, TensorProto.INT64, ["batch", "tokens"]))
    for each in inputs:  # one name for one size, whatever the exporter called it
        each.CopyFrom(
            helper.make_tensor_value_info(each.name, TensorProto.INT64, ["batch", "tokens"])
        )
    del graph.input[:]
    graph.input.extend(inputs)
    del graph.output[:]
    graph.output.append(
        helper.make_tensor_value_info("rewards", TensorProto.FLOAT, ["batch", heads])
    )
    del graph.value_info[:]
    return model


def config_text(name: str, bundle: Bundle, variant: Variant, heads: int, batching: Batching) -> str:
    """Triton's config.pbtxt, a ModelConfig in protobuf's text form."""
    inputs = list(dict.fromkeys(("input_ids", "attention_mask", MASK[bundle.manifest.pooling])))
    declared = ",\n".join(
        f'  {{ name: "{each}" data_type: TYPE_INT64 dims: [ -1 ] }}' for each in inputs
    )
    kind = "KIND_CPU" if CPU in variant.providers else "KIND_GPU"
    preferred = ", ".join(str(rows) for rows in (4, 8, 16) if rows <= batching.rows)
    prefer = f"  preferred_batch_size: [ {preferred} ]\n" if preferred else ""
    return f"""\
# {bundle.identity.name}, {variant.precision}, bundle {bundle.identity.sha256[:12]}
name: "{name}"
backend: "onnxruntime"
max_batch_size: {batching.rows}
input [
{declared}
]
output [
  {{ name: "rewards" data_type: TYPE_FP32 dims: [ {heads} ] }}
]
dynamic_batching {{
{prefer}  max_queue_delay_microseconds: {batching.delay}
}}
instance_group [ {{ count: 1 kind: {kind} }} ]
version_policy {{ specific {{ versions: [ 1 ] }} }}
"""


def _pooling(pooling: Pooling, mask: str) -> list[NodeProto]:
    """From rewards by token (batch x tokens x heads) to a text's (batch x heads)."""
    if pooling is Pooling.LAST:
        # The last real token by its place: texts may end in the pad id. As a weighted sum, because
        # gathering by a row's own index would need another shape.
        return [
            _node("ReduceMax", ["serving/counted", "serving/1"], "serving/length", keepdims=1),
            _node("Equal", ["serving/counted", "serving/length"], "serving/at_length"),
            _node("Cast", [mask], "serving/real", to=TensorProto.BOOL),
            _node("And", ["serving/at_length", "serving/real"], "serving/last"),
            _node("Cast", ["serving/last"], "serving/weights", to=TensorProto.FLOAT),
            *_weighted_sum("rewards"),
        ]
    return [
        _node("Cast", [mask], "serving/weights", to=TensorProto.FLOAT),
        *_weighted_sum("serving/sums"),
        _node("ReduceSum", ["serving/weights", "serving/1"], "serving/count", keepdims=1),
        # No code at all: 0 of 0 tokens, the middle of the scale, as the engine has it.
        _node("Cast", ["serving/1"], "serving/one", to=TensorProto.FLOAT),
        _node("Max", ["serving/count", "serving/one"], "serving/divisor"),
        _node("Div", ["serving/sums", "serving/divisor"], "rewards"),
    ]


def _weighted_sum(output: str) -> list[NodeProto]:
    return [
        _node("Unsqueeze", ["serving/weights", "serving/-1"], "serving/column"),
        _node("Mul", ["rewards_by_token", "serving/column"], "serving/weighted"),
        _node("ReduceSum", ["serving/weighted", "serving/1"], output, keepdims=0),
    ]


def _node(kind: str, inputs: list[str], output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(kind, inputs, [output], f"serving/{output}/{kind}", **attributes)


def _variant(bundle: Bundle, precision: str | None) -> Variant:
    variants = bundle.manifest.variants
    for variant in variants:
        if precision in (None, variant.precision):
            return variant
    had = ", ".join(variant.precision for variant in variants)
    raise InputError(f"{bundle.path} holds no {precision} graph; it has {had}")
