"""How fast one linear layer is on this processor, stored in each of the ways that we export.

    python -m benchmarks.kernels [--inputs 1024] [--outputs 3072] [--tokens 16,256] [--out FILE]

One thread, so that what else runs matters less; of several runs the one with the least processor
time counts. The layer's own rounding of activations is part of it. Told are GFLOP/s of the product
that is asked for, whatever is computed for it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from benchmarks.report import Finding, Table, add_out, tell
from model_export.integers import compute_in_integers
from model_export.quantise import quantise_linear
from training.pictures import Bar, bar_chart

_BLOCK = 64


def layer(inputs: int, outputs: int, name: str = "up_proj") -> ModelProto:
    """A graph of one linear layer of random weights: x (1 x tokens x inputs) -> rewards."""
    weight = np.random.default_rng(0).standard_normal((inputs, outputs), np.float32) * 0.02
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "weight"], ["y"], name),
            helper.make_node("Identity", ["y"], ["rewards"], "head"),
        ],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, None, inputs])],
        [helper.make_tensor_value_info("rewards", TensorProto.FLOAT, [1, None, outputs])],
        [numpy_helper.from_array(weight, "weight")],
    )
    sets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=sets, ir_version=9)


def stored(inputs: int, outputs: int) -> Mapping[str, ModelProto]:
    """The layer in each way."""
    return {
        "fp32": layer(inputs, outputs),
        "int8": quantise_linear(layer(inputs, outputs), 8, _BLOCK),
        "int4": quantise_linear(layer(inputs, outputs), 4, _BLOCK),
        "w8a8": compute_in_integers(layer(inputs, outputs)),
        "w8a8, two steps (down_proj)": compute_in_integers(layer(inputs, outputs, "down_proj")),
    }


def speed(model: ModelProto, inputs: int, outputs: int, tokens: int, repeats: int) -> float:
    """Operations a second, a multiplication and an addition being two."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = np.random.default_rng(1).standard_normal((1, tokens, inputs), np.float32)
    session.run(None, {"x": x})
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        for _ in range(8):
            session.run(None, {"x": x})
        best = min(best, (time.process_time() - started) / 8)
    return 2.0 * tokens * inputs * outputs / best


def finding(
    inputs: int, outputs: int, sizes: Sequence[int], found: Mapping[str, Sequence[float]]
) -> Finding:
    """Rows by way, columns by tokens."""
    rows = tuple((name, *(f"{each / 1e9:.0f}" for each in told)) for name, told in found.items())
    title = f"A layer of {inputs:,} x {outputs:,}, GFLOP/s on one thread"
    picture = bar_chart(
        title,
        [Bar(name, (told[-1] / 1e9,)) for name, told in found.items()],
        x_label=f"GFLOP/s with {sizes[-1]} tokens at once",
    )
    figures = {
        "inputs": inputs,
        "outputs": outputs,
        "tokens": list(sizes),
        "gflops": {name: [round(each / 1e9, 1) for each in told] for name, told in found.items()},
    }
    columns = ("", *(f"{size} tokens" for size in sizes))
    notes = [f"8 and 4 bits in blocks of {_BLOCK}; rounding of activations included"]
    return Finding(title, figures, Table(columns, rows), notes, picture)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1024)
    parser.add_argument("--outputs", type=int, default=3072)
    parser.add_argument("--tokens", default="16,256", help="read at once")
    parser.add_argument("--repeats", type=int, default=8)
    add_out(parser)
    given = parser.parse_args()
    sizes = [int(size) for size in given.tokens.split(",")]
    shape = given.inputs, given.outputs
    found = {
        name: [speed(model, *shape, size, given.repeats) for size in sizes]
        for name, model in stored(*shape).items()
    }
    tell(finding(*shape, sizes, found), "benchmarks.kernels", given.out)


if __name__ == "__main__":
    main()
