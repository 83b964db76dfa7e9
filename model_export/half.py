"""Stores a graph's weights as 16-bit floats. The head, states, norms and attention stay fp32.

Only the matrices are turned: they are what takes the memory and most of the time, and what adds up
over many numbers otherwise (norms, softmax, residuals) keeps its range and digits. Inputs and
outputs do not change, so every runtime of the contract reads the graph.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

_TYPES = {
    "fp16": (TensorProto.FLOAT16, np.dtype(np.float16)),
    "bf16": (TensorProto.BFLOAT16, np.dtype(ml_dtypes.bfloat16)),
}


def store_in_half(model: ModelProto, half: str) -> ModelProto:
    """Turn the linear layers and the embedding table to `half` (fp16 or bf16), in place.

    A layer's input is rounded to it as well and its output is fp32 again.
    """
    onnx_type, dtype = _TYPES[half]
    graph = model.graph
    weights = {each.name: each for each in graph.initializer}
    turned: set[str] = set()
    cast: set[str] = set()  # activations that have a rounded copy by now
    nodes: list[NodeProto] = []
    for node in graph.node:
        weight = _weight(node, weights)
        if weight is None or "rewards" in node.output:
            nodes.append(node)
            continue
        turned.add(weight)
        (output,) = node.output
        if node.op_type == "MatMul":
            given = node.input[0]
            if given not in cast:
                nodes.append(_cast(given, f"{given}_{half}", onnx_type))
                cast.add(given)
            node.input[0] = f"{given}_{half}"
        node.output[0] = f"{output}_{half}"
        nodes += [node, _cast(f"{output}_{half}", output, TensorProto.FLOAT)]
    for name in turned:
        values = numpy_helper.to_array(weights[name])
        weights[name].CopyFrom(
            helper.make_tensor(
                name, onnx_type, values.shape, values.astype(dtype).tobytes(), raw=True
            )
        )
    del graph.node[:]
    graph.node.extend(nodes)
    known = {f"{name}_{half}" for name in cast} | turned
    kept = [each for each in graph.value_info if each.name not in known]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    return model


def check_graph(path: str) -> None:
    """See that a graph's types and shapes fit together, for one that cannot be run here.

    :raises onnx.checker.ValidationError, onnx.shape_inference.InferenceError: naming the node.
    """
    checker.check_model(path, full_check=True)


def _weight(node: NodeProto, weights: dict[str, TensorProto]) -> str | None:
    """The matrix that a node multiplies by, or looks rows up in."""
    if node.op_type == "MatMul" and node.input[1] in weights:
        return str(node.input[1])
    if node.op_type == "Gather" and node.input[1] == "input_ids":
        return str(node.input[0])
    return None


def _cast(source: str, target: str, onnx_type: int) -> NodeProto:
    return helper.make_node("Cast", [source], [target], f"{target}/cast", to=onnx_type)
