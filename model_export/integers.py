"""A graph pass that computes linear layers in integers: weights in 7 bits by output, activations in
8 bits by token.

Sums of integers are exact in any order, so a token's outputs do not depend on what it is read with,
and processors add 8-bit numbers several times as fast as floats. What is lost is in the rounding;
`model_export.rotation` makes activations fit for it. One layer of 1,024 x 3,072 on one thread of an
AVX512-VNNI processor, in GFLOP/s (benchmarks/results/kernels.md):

    tokens at once    fp32    8-bit blocks, fp32 inside (quantise.py)    in integers    two steps
    16                92      14                                         376            184
    256               96      72                                         346            173

- One scale a token, from that token alone. onnxruntime's own dynamic quantisation takes one scale
  for all tokens that are read together, so its rewards depend on how a text is cut.
- Weights stay within 63: processors without VNNI add pairs of products in 16 bits, which 8-bit
  weights overflow without a word.
- What goes into `down_proj` is a product of two activations, with single values 20 times the usual.
  It is rounded in two steps, the second to what the first left over; both go through one product,
  below one another, so that the weights are there once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_WEIGHT_STEPS = 63
_STEPS = 127
_ZERO = 128
_FINE = "down_proj"

_CONSTANTS = {
    "integers/steps": np.float32(_STEPS),
    "integers/fine_steps": np.float32(2 * _STEPS),
    "integers/fine_step": np.float32(1 / (2 * _STEPS)),
    "integers/zero": np.float32(_ZERO),
    "integers/activation_zero": np.uint8(_ZERO),
    "integers/weight_zero": np.int8(0),
    "integers/least": np.float32(1e-30),  # a token of zeros divides by it
    "integers/last_axis": np.array([-1], np.int64),
}


def compute_in_integers(model: ModelProto) -> ModelProto:
    """Replace every linear layer but the reward head, in place."""
    graph = model.graph
    weights = {each.name: each for each in graph.initializer}
    nodes: list[NodeProto] = []
    rounded: set[str] = set()
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in weights or "rewards" in node.output:
            nodes.append(node)
            continue
        activation, name = node.input
        fine = _FINE in node.name
        if activation not in rounded:
            rounded.add(activation)
            nodes += _round(activation, fine=fine)
        steps, scale = _weight_steps(numpy_helper.to_array(weights[name]))
        graph.initializer.remove(weights.pop(name))
        graph.initializer.extend(
            [
                numpy_helper.from_array(steps, f"{name}_steps"),
                numpy_helper.from_array(scale, f"{name}_scales"),
            ]
        )
        nodes += _multiply(activation, name, node.output[0], fine=fine)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in _CONSTANTS.items()
    )
    return model


def _weight_steps(
    weight: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Integers (inputs x outputs) and the size of their step for each output."""
    scale = (np.abs(weight).max(axis=0) / np.float32(_WEIGHT_STEPS)).astype(np.float32)
    steps = np.divide(weight, scale, out=np.zeros_like(weight), where=scale != 0)
    return np.rint(steps).astype(np.int8), scale


def _round(x: str, *, fine: bool) -> Iterator[NodeProto]:
    """As x/steps, unsigned bytes around 128, each worth x/step (batch x tokens x 1).

    :param fine: then x/steps has the second steps below the first: 2 batch x tokens x inputs.
    """
    yield _node("Abs", x, to=f"{x}/size")
    yield _node("ReduceMax", f"{x}/size", "integers/last_axis", to=f"{x}/range", keepdims=1)
    yield _node("Max", f"{x}/range", "integers/least", to=f"{x}/most")
    yield _node("Div", f"{x}/most", "integers/steps", to=f"{x}/step")
    yield _node("Div", "integers/steps", f"{x}/most", to=f"{x}/density")
    yield _node("Mul", x, f"{x}/density", to=f"{x}/scaled")
    yield _node("Round", f"{x}/scaled", to=f"{x}/whole")
    if not fine:
        yield from _as_bytes(f"{x}/whole", f"{x}/steps")
    else:
        yield _node("Sub", f"{x}/scaled", f"{x}/whole", to=f"{x}/left")
        yield _node("Mul", f"{x}/left", "integers/fine_steps", to=f"{x}/left_scaled")
        yield _node("Round", f"{x}/left_scaled", to=f"{x}/left_whole")
        yield _node("Concat", f"{x}/whole", f"{x}/left_whole", to=f"{x}/both", axis=0)
        yield from _as_bytes(f"{x}/both", f"{x}/steps")


def _as_bytes(whole: str, to: str) -> Iterator[NodeProto]:
    yield _node("Add", whole, "integers/zero", to=f"{to}/shifted")
    yield _node("Cast", f"{to}/shifted", to=to, dtype=TensorProto.UINT8)


def _multiply(x: str, weight: str, to: str, *, fine: bool) -> Iterator[NodeProto]:
    zeros = "integers/activation_zero", "integers/weight_zero"
    yield _node("MatMulInteger", f"{x}/steps", f"{weight}_steps", *zeros, to=f"{to}/sums")
    yield _node("Cast", f"{to}/sums", to=f"{to}/counts", dtype=TensorProto.FLOAT)
    counts = f"{to}/counts"
    if fine:
        halves = [f"{to}/first", f"{to}/second"]
        yield helper.make_node("Split", [counts], halves, f"{to}:Split", axis=0, num_outputs=2)
        yield _node("Mul", halves[1], "integers/fine_step", to=f"{to}/left")
        yield _node("Add", halves[0], f"{to}/left", to=f"{to}/all_counts")
        counts = f"{to}/all_counts"
    yield _node("Mul", counts, f"{x}/step", to=f"{to}/by_token")
    yield _node("Mul", f"{to}/by_token", f"{weight}_scales", to=to)


def _node(kind: str, *inputs: str, to: str, dtype: int | None = None, **more: Any) -> NodeProto:
    attributes = more if dtype is None else {**more, "to": dtype}
    return helper.make_node(kind, list(inputs), [to], name=f"{to}:{kind}", **attributes)
