"""Passes that make a graph's weights smaller: linear layers block-wise, the embedding table
row-wise. The head stays fp32.

Weights are rounded first, in torch (`round_weights`), to what these passes can hold; a pass then
changes how weights are stored and nothing else, and a graph can be checked against torch to
rounding error at every step. What rounding itself costs is a property of the model, not of the
export, and is measured apart.

Activations stay fp32: the same text must get the same reward however it is cut into runs. Measured
on an 8-layer student with random heads (rewards up to 4.6), one pass of 300 tokens on one thread:

    accuracy_level   pieces against full pass     fp32      CPU seconds
                     a token's / mean reward      weights
    0, 1, 2          1.0e-5 / 1.1e-6              1.8e-5    0.39-0.41
    4 (int8)         6.5e-2 / 5.7e-3              9.0e-2    0.35

Level 4 rounds activations in blocks of a row, so it does not mix texts, but a last-bit difference
in front of that rounding becomes a step of it. Levels 0 to 2 are one kernel on x86; 1 says fp32.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from model_export.rotation import rotate
from model_export.storage import Storage
from review_core.errors import InputError
from training.card import Quantisation

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

ACCURACY_LEVEL = 1
PROTOBUF_LIMIT = 1_900_000_000
"""Bytes of weights that still fit into one ONNX file (protobuf: 2 GB)."""


def round_weights(
    model: PreTrainedModel,
    quantisation: Quantisation,
    *,
    half: str | None = None,
) -> float:
    """Round the weights in place to the nearest that can be stored; return the largest change of
    one.

    A checkpoint whose weights were rounded before training does not change.

    :param half: fp16 or bf16, for weights that are stored in it.
    :raises InputError: if a layer's inputs do not divide into blocks.
    """
    import torch

    from training.rounding import round_blocks

    body: Any = model.base_model
    change = 0.0

    def put(weight: torch.Tensor, rounded: torch.Tensor) -> None:
        nonlocal change
        change = max(change, float((rounded - weight).abs().max()))
        weight.copy_(rounded)

    with torch.no_grad():
        for name, module in body.layers.named_modules():
            if not isinstance(module, torch.nn.Linear):
                continue
            weight, bits, size = module.weight, quantisation.weight_bits, quantisation.block_size
            if half:
                put(weight, weight.to(_half(half)).float())
            elif bits and module.in_features % size:
                raise InputError(
                    f"layers.{name} has {module.in_features} inputs, not a multiple of "
                    f"block_size {size}; choose a smaller one in themis.json"
                )
            elif bits:
                put(weight, round_blocks(weight, bits, size))
        table = body.embed_tokens.weight
        if half:
            put(table, table.to(_half(half)).float())
        elif quantisation.embedding_bits:
            put(table, round_blocks(table, quantisation.embedding_bits, None))
    return change


def round_as_stored(model: PreTrainedModel, storage: Storage) -> float:
    """Round a fresh model's weights as a graph of that storage has them; return the largest change.

    For 4 bits they are rotated first, unless they were rounded in training: what stands out in a
    block leaves the rest few steps. Of a graph that computes in integers they are rotated, and
    linear layers are left as they are: the graph pass rounds those, together with what goes into
    them.
    """
    if storage.integers:
        rotate(model)
        round_weights(model, replace(storage.quantisation, weight_bits=None))
        return math.inf  # no weight is what it was
    quantisation = storage.quantisation
    if quantisation.weight_bits == 4 and not _holds(model, quantisation):
        rotate(model)
        round_weights(model, quantisation)
        return math.inf
    return round_weights(model, quantisation, half=storage.half)


def _holds(model: PreTrainedModel, quantisation: Quantisation) -> bool:
    """Whether the linear layers are what can be stored already: rounded in training."""
    import torch

    from training.rounding import round_blocks

    body: Any = model.base_model
    bits, size = quantisation.weight_bits, quantisation.block_size
    return bits is not None and all(
        torch.equal(round_blocks(each.weight, bits, size), each.weight)
        for each in body.layers.modules()
        if isinstance(each, torch.nn.Linear) and each.in_features % size == 0
    )


def _half(name: str) -> torch.dtype:
    import torch

    return {"fp16": torch.float16, "bf16": torch.bfloat16}[name]


def quantise_linear(model: ModelProto, bits: int, block_size: int) -> ModelProto:
    """Store every linear layer but the reward head in blocks of `bits`-bit integers, one fp32 scale
    each.
    """
    quantiser_log = logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer")
    quantiser_log.setLevel(logging.WARNING)  # it reports every node
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantiser = MatMulNBitsQuantizer(
        model,
        bits=bits,
        block_size=block_size,
        is_symmetric=True,
        accuracy_level=ACCURACY_LEVEL,
        nodes_to_exclude=[_producer(model, "rewards").name],
    )
    quantiser.process()
    quantised: ModelProto = quantiser.model.model
    return quantised


def quantise_embedding(model: ModelProto) -> ModelProto:
    """Store the embedding table as int8 rows with one fp32 scale each: gather the row, gather its
    scale, multiply.
    """
    graph = model.graph
    lookup = next(
        node for node in graph.node if node.op_type == "Gather" and node.input[1] == "input_ids"
    )
    (table,) = (each for each in graph.initializer if each.name == lookup.input[0])
    weight = numpy_helper.to_array(table)  # ids x hidden
    extreme = np.take_along_axis(weight, np.abs(weight).argmax(1, keepdims=True), axis=1)
    scale = (extreme / np.float32(-128.0)).astype(np.float32)  # as training.rounding.round_blocks
    steps = np.divide(weight, scale, out=np.zeros_like(weight), where=scale != 0)
    rows = np.clip(np.rint(steps, out=steps), -128, 127, out=steps).astype(np.int8)
    name, embedded = table.name, lookup.output[0]
    at = list(graph.node).index(lookup)
    replacement = [
        helper.make_node("Gather", [f"{name}_rows", "input_ids"], [f"{name}_row"], f"{name}/row"),
        helper.make_node(
            "Cast", [f"{name}_row"], [f"{name}_steps"], f"{name}/steps", to=TensorProto.FLOAT
        ),
        helper.make_node(
            "Gather", [f"{name}_scales", "input_ids"], [f"{name}_scale"], f"{name}/scale"
        ),
        helper.make_node("Mul", [f"{name}_steps", f"{name}_scale"], [embedded], f"{name}/embedded"),
    ]
    nodes = [*graph.node[:at], *replacement, *graph.node[at + 1 :]]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.remove(table)
    graph.initializer.extend(
        [
            numpy_helper.from_array(rows, f"{name}_rows"),
            numpy_helper.from_array(scale, f"{name}_scales"),  # ids x 1, so that it broadcasts
        ]
    )
    return model


def save_graph(model: ModelProto, path: Path, *, limit: int = PROTOBUF_LIMIT) -> None:
    """Write the graph; beyond `limit` bytes its weights go to one file beside it, `<name>.data`."""
    beside = sum(len(each.raw_data) for each in model.graph.initializer) > limit
    onnx.save(
        model,
        str(path),
        save_as_external_data=beside,
        all_tensors_to_one_file=True,
        location=f"{path.name}.data",
    )
    if beside:  # saving left it references to that file, and the next pass wants weights
        onnx.load_external_data_for_model(model, str(path.parent))


def _producer(model: ModelProto, output: str) -> NodeProto:
    producer: NodeProto = next(node for node in model.graph.node if output in node.output)
    return producer
