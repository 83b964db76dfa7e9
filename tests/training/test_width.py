"""Cutting feed-forwards: which neurons stay, and what the rest is made to say for them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoModel, Qwen2Config, Qwen3Config

from training.width import final_states, narrow, relative_error

KINDS = {"qwen2": Qwen2Config, "qwen3": Qwen3Config}


def body(family: str = "qwen2", **config: Any) -> Any:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    fields: dict[str, Any] = {
        "vocab_size": 50,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "initializer_range": 0.3,
    }
    if family == "qwen3":
        fields["head_dim"] = 16
    return AutoModel.from_config(KINDS[family](**fields | config)).eval()


def sample(count: int = 12, tokens: int = 40) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randint(50, (tokens,)) for _ in range(count)]


@pytest.mark.parametrize("family", sorted(KINDS))
def test_neurons_that_never_write_are_dropped_and_nothing_changes(family: str) -> None:
    model = body(family)
    live = torch.arange(0, 48, 3)  # 16 of 48
    dead = torch.ones(48, dtype=torch.bool)
    dead[live] = False
    with torch.no_grad():
        model.layers[0].mlp.up_proj.weight[dead] = 0
        model.layers[1].mlp.down_proj.weight[:, dead] = 0
    before = final_states(model, sample())
    done = narrow(model, sample(), 16)
    assert all(torch.equal(cut.kept, live) for cut in done)
    assert max(cut.error for cut in done) < 1e-6
    assert relative_error(model, sample(), before) < 1e-5
    assert model.config.intermediate_size == 16 == model.layers[1].mlp.down_proj.in_features


def test_the_repair_never_does_worse_on_the_sample_and_here_much_better() -> None:
    """Of the last layer's neurons, each of 24 has a twin that writes a tenth of it: the twins go,
    and their word is put into those that stay, up to the ridge of a thousandth.
    """
    cut, repaired = body(num_hidden_layers=1), body(num_hidden_layers=1)
    for model in (cut, repaired):
        mlp = model.layers[0].mlp
        with torch.no_grad():
            for name in ("gate_proj", "up_proj"):
                getattr(mlp, name).weight[24:] = getattr(mlp, name).weight[:24]
            mlp.down_proj.weight[:, 24:] = mlp.down_proj.weight[:, :24] / 10
    before = final_states(cut, sample())
    plain = narrow(cut, sample(), 24, repair=False)[0]
    better = narrow(repaired, sample(), 24)[0]
    assert plain.kept.tolist() == list(range(24))
    # What the twins wrote is an eleventh of all: .1 of 1.1.
    assert plain.error == plain.cut_error == pytest.approx(1 / 11, abs=1e-5)
    assert better.cut_error == plain.cut_error
    assert better.error < 0.1 * better.cut_error
    assert relative_error(repaired, sample(), before) < 0.1 * relative_error(cut, sample(), before)


def test_random_layers_are_repaired_too_and_the_last_is_judged_on_what_it_gets() -> None:
    model = body()
    before = final_states(model, sample())
    errors = narrow(model, sample(), 32)
    assert all(0 < each.error <= each.cut_error for each in errors)
    # What the cut itself measures is what the model then does: one layer, sample and all.
    single = body(num_hidden_layers=1)
    with torch.no_grad():
        single.norm.weight.fill_(1.0)
    written = _feed_forward(single)
    done = narrow(single, sample(1), 32)[0]
    assert float((_feed_forward(single) - written).norm()) > 0
    assert done.error == pytest.approx(_weighed_change(single, written), rel=1e-3)
    assert relative_error(model, sample(), before) < 1


def _feed_forward(model: Any) -> torch.Tensor:
    """What the first layer's feed-forward writes on the first sequence; tokens x hidden."""
    caught: list[torch.Tensor] = []
    hook = model.layers[0].mlp.register_forward_hook(lambda _, __, out: caught.append(out[0]))
    final_states(model, sample(1))
    hook.remove()
    return caught[0]


def _weighed_change(model: Any, written: torch.Tensor) -> float:
    full = body(num_hidden_layers=1)
    state = full(input_ids=sample(1)[0][None], output_hidden_states=True).hidden_states[0][0]
    attended: list[torch.Tensor] = []
    full.layers[0].register_forward_hook(lambda _, __, out: attended.append(out[0]))
    final_states(full, sample(1))
    assert state.shape == attended[0].shape
    lengths = attended[0].norm(dim=-1, keepdim=True)
    change = (_feed_forward(model) - written) / lengths
    return float(change.norm() / (written / lengths).norm())


def test_one_long_token_does_not_decide_for_all_others() -> None:
    """Neuron 0 fires on token 0 alone, twice as high as neuron 1 does on token 1; but the state of
    token 0 is a hundred times as long, so that there the same writing means a hundredth.
    """
    model = body(num_hidden_layers=1)
    layer = model.layers[0]
    with torch.no_grad():
        layer.self_attn.o_proj.weight.zero_()
        for name in ("gate_proj", "up_proj", "down_proj"):
            getattr(layer.mlp, name).weight.zero_()
        model.embed_tokens.weight.zero_()
        model.embed_tokens.weight[0, 0], model.embed_tokens.weight[1, 1] = 100.0, 1.0
        for neuron, height in ((0, 2.0), (1, 1.0)):
            layer.mlp.gate_proj.weight[neuron, neuron] = 1.0
            layer.mlp.up_proj.weight[neuron, neuron] = height
            layer.mlp.down_proj.weight[2 + neuron, neuron] = 0.01
    done = narrow(model, [torch.tensor([0, 1, 0, 1])], 1, repair=False)
    assert done[0].kept.tolist() == [1]


def test_a_model_in_half_precision_stays_in_it() -> None:
    model = body().bfloat16()
    done = narrow(model, sample(2), 32)
    assert all(0 < each.error <= each.cut_error < 1 for each in done)
    assert model.layers[1].mlp.down_proj.weight.dtype == torch.bfloat16
    assert all(torch.isfinite(states).all() for states in final_states(model, sample(1)))


def test_a_width_or_sample_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be cut to 49"):
        narrow(body(), sample(), 49)
    with pytest.raises(ValueError, match="there is none"):
        narrow(body(), [], 16)
