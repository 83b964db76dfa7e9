"""Layers that compute in integers: the rotation, what stays exact, what a bundle says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from model_export.checkpoint import load_model, read_checkpoint
from model_export.parity import Gates, full_pass, torch_rewards
from model_export.rotation import rotate
from model_export.verify import verify_bundle
from model_export.write import write_bundle
from review_core.bundle import Bundle
from review_core.session import Row, Session

Make = Callable[..., Path]

NO_SIGNS = Gates(sign_agreement=0)
"""Random weights lose more signs by rounding than trained ones."""


def sequences() -> list[tuple[int, ...]]:
    random = np.random.default_rng(3)
    return [tuple(random.integers(0, 350, length).tolist()) for length in (1, 5, 31, 96)]


@pytest.fixture(scope="module")
def bundle(tiny_checkpoint: Make, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    checkpoint = read_checkpoint(tiny_checkpoint("qwen3"))
    return write_bundle(
        checkpoint,
        tmp_path_factory.mktemp("integers") / "bundle",
        quantisation=checkpoint.card.quantisation,
        precisions=["w8a8", "fp32"],
        command="a test",
        gates=NO_SIGNS,
    )


@pytest.fixture(scope="module")
def session(bundle: Bundle) -> Session:
    return Session(bundle.path / "model.w8a8.onnx", bundle.manifest.graph, threads=1)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_a_rotated_model_says_the_same_at_every_token(tiny_checkpoint: Make, family: str) -> None:
    """Two readers a key-value head; norms that weigh channels, and biases, as trained models have
    them. Double precision in between: what is left is fp32's own rounding.
    """
    model = load_model(read_checkpoint(tiny_checkpoint(family)))
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight.copy_(
                    torch.randn_like(weight) if "bias" in name else 1 + torch.rand_like(weight)
                )
    before = [torch_rewards(model, ids) for ids in sequences()]
    table = model.base_model.embed_tokens.weight.clone()
    rotate(model)
    after = [torch_rewards(model, ids) for ids in sequences()]
    assert not torch.allclose(model.base_model.embed_tokens.weight, table, atol=1e-2)
    for first, second in zip(before, after, strict=True):
        np.testing.assert_allclose(second, first, rtol=1e-4, atol=1e-4 * float(np.abs(first).max()))


def test_a_rotation_leaves_no_channel_that_stands_out(tiny_checkpoint: Make) -> None:
    """One of 64 channels 50 times the others: 50 / rms(50, 1, 1, ...) = 7.8 before, as for random
    numbers after (the greatest of 64 is hardly beyond 4).
    """
    model = load_model(read_checkpoint(tiny_checkpoint("qwen2")))
    table = model.base_model.embed_tokens.weight
    with torch.no_grad():
        table.copy_(torch.where(torch.arange(64) == 7, 50.0, 1.0) * torch.randn_like(table).sign())
    rotate(model)
    turned = table.detach()
    rms = turned.square().mean(1).sqrt()
    assert float((turned.abs().amax(1) / rms).median()) < 4.5


def test_pieces_and_batches_are_exact_in_integers(session: Session) -> None:
    """Any last digit that differed would be a step of some rounding, 1e-3 and more."""
    whole = sequences()[-1]
    read = full_pass(session, whole)
    state, pieces = (), []
    for start, end in ((0, 32), (32, 63), (63, 64), (64, 96)):  # one token alone is the hard one
        (reading,) = session.run([Row(whole[start:end], state, keep_state=True)])
        state += (reading.state,)
        pieces.append(reading.rewards)
    np.testing.assert_array_equal(np.concatenate(pieces), read)
    together = session.run([Row(whole), Row(whole[:32]), Row(whole[:48])])
    for reading in together:
        np.testing.assert_array_equal(reading.rewards, read[: len(reading.rewards)])


def test_weights_leave_room_for_processors_that_add_in_16_bits(bundle: Bundle) -> None:
    """Two products of 255 * 63 are 32,130, below 2^15; of 255 * 127 they are not."""
    graph = onnx.load(str(bundle.path / "model.w8a8.onnx")).graph
    steps = [each for each in graph.initializer if each.name.endswith("_steps")]
    layers = [
        numpy_helper.to_array(each) for each in steps if each.data_type == onnx.TensorProto.INT8
    ]
    assert len(layers) == 2 * 7
    assert {int(np.abs(each.astype(int)).max()) for each in layers} == {63}
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    assert len(products) == len(layers)
    head = next(node for node in graph.node if "rewards" in node.output)
    (weight,) = (each for each in graph.initializer if each.name == head.input[1])
    assert weight.data_type == onnx.TensorProto.FLOAT


def test_what_goes_into_down_proj_is_rounded_finely(bundle: Bundle) -> None:
    graph = onnx.load(str(bundle.path / "model.w8a8.onnx")).graph
    split = [
        node.name for node in graph.node if node.op_type == "Split" and "counts" in node.input[0]
    ]
    assert len(split) == 2  # layers
    assert all("down_proj" in name for name in split)


def test_a_bundle_in_integers_is_verified_against_torch_and_its_fp32_graph(
    bundle: Bundle, tiny_checkpoint: Make
) -> None:
    checkpoint = read_checkpoint(tiny_checkpoint("qwen3"))
    found = verify_bundle(bundle, checkpoint, gates=NO_SIGNS)
    assert found.failures == []
    integers = found.variants[0]
    assert (integers.precision, integers.ran) == ("w8a8", "CPUExecutionProvider")
    assert {each.name for each in integers.checks} >= {"cached", "padding", "torch", "signs"}
    parity = bundle.manifest.parity["variants"]["w8a8"]
    assert 0 < parity["integers"] < 0.1
    assert parity["export"] < 1e-4
