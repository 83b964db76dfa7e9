"""The benchmark of one layer: each way multiplies the same matrix."""

from __future__ import annotations

import numpy as np
import onnxruntime
from onnx import numpy_helper

from benchmarks.kernels import finding, layer, speed, stored


def test_every_way_multiplies_by_the_same_weights() -> None:
    x = np.random.default_rng(2).standard_normal((1, 5, 64), np.float32)
    weight = numpy_helper.to_array(layer(64, 32).graph.initializer[0])
    for name, model in stored(64, 32).items():
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (y,) = session.run(None, {"x": x})
        error = np.abs(y - x @ weight).max() / np.abs(x @ weight).max()
        assert error < (0.2 if name == "int4" else 0.02), name


def test_speeds_are_told_by_way_and_size() -> None:
    found = {name: [speed(model, 64, 32, 4, 1)] for name, model in stored(64, 32).items()}
    result = finding(64, 32, [4], found)
    assert len(result.table.rows) == 5
    assert all(value[0] > 0 for value in result.figures["gflops"].values())
