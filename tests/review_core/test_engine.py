"""Shared prefixes give the rewards of full passes: every layout, pooling, batch and order."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from review_core.bundle import Bundle, Criterion, GraphShape, Pooling, Variant, load_bundle
from review_core.engine import ON_GPU, Engine, Limits
from review_core.errors import BundleError
from review_core.layout import Layout, Slot, TokenSequence
from review_core.session import Reading, Row, Session

Load = Callable[[str], Bundle]

BASE = "def total(items):\n    s = 0\n    for item in items:\n        s += item.price\n    return s"
CODES = [
    BASE,
    BASE.replace("item.price", "item.price * item.count"),
    BASE + "\n\n\ndef mean(items):\n    return total(items) / len(items)",
    "x",
    "\n".join(f"value_{i} = compute({i})" for i in range(30)),
    BASE,  # once more
]
PROMPTS = ["Is it correct?", "Is it correct and fast? Think of loops.", "Can a stranger read it?"]
LAYOUTS = {
    "code only": Layout(("<|im_start|>", Slot.CODE, "<|im_end|>")),
    "criterion first": Layout(
        ("<|im_start|>system\n", Slot.CRITERION, "<|im_end|>\n<|im_start|>", Slot.CODE)
    ),
    "criterion after the code": Layout(
        ("<|im_start|>", Slot.CODE, "<|im_end|>\n", Slot.CRITERION, "<|im_end|>")
    ),
}


@pytest.fixture(scope="session")
def load(tiny_bundle: Callable[[str], Path]) -> Load:
    return lambda family: load_bundle(tiny_bundle(family))


def pooled_as(bundle: Bundle, pooling: Pooling) -> Bundle:
    return replace(bundle, manifest=replace(bundle.manifest, pooling=pooling))


def sequences(bundle: Bundle, layout: Layout) -> list[TokenSequence]:
    prompts = PROMPTS if Slot.CRITERION in layout.segments else [""]
    return [
        layout.render(bundle.tokenizer, code, criterion=prompt)
        for code in CODES
        for prompt in prompts
    ]


class Torch:
    """The model the bundle was made of, one full pass a sequence."""

    def __init__(self, checkpoint: Path) -> None:
        from model_export.checkpoint import load_model, read_checkpoint

        self._model = load_model(read_checkpoint(checkpoint))
        self._known: dict[tuple[int, ...], NDArray[np.float32]] = {}

    def reward(self, sequence: TokenSequence, pooling: Pooling) -> NDArray[np.float32]:
        from model_export.parity import torch_rewards

        if sequence.ids not in self._known:
            self._known[sequence.ids] = torch_rewards(self._model, sequence.ids)
        rewards = self._known[sequence.ids]
        start, end = sequence.code
        return rewards[-1] if pooling is Pooling.LAST else rewards[start:end].mean(axis=0)


@pytest.fixture(scope="session")
def torch_model(tiny_checkpoint: Callable[..., Path]) -> Callable[[str], Torch]:
    made: dict[str, Torch] = {}
    return lambda family: made.setdefault(family, Torch(tiny_checkpoint(family)))


def assert_close(
    found: Sequence[NDArray[np.float32]], expected: Sequence[NDArray[np.float32]]
) -> None:
    np.testing.assert_allclose(np.stack(found), np.stack(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("pooling", Pooling)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_shared_prefixes_give_the_rewards_of_full_passes_in_torch(
    load: Load,
    torch_model: Callable[[str], Torch],
    family: str,
    layout: Layout,
    pooling: Pooling,
) -> None:
    bundle = pooled_as(load(family), pooling)
    asked = sequences(bundle, layout)
    expected = [torch_model(family).reward(sequence, pooling) for sequence in asked]
    assert np.stack(expected).std() > 0.05
    engine = Engine(bundle, threads=1)
    assert_close(engine.rewards(asked), expected)
    assert engine.tokens_computed < 0.8 * sum(len(sequence.ids) for sequence in asked)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(rows=1),
        Limits(rows=16),
        Limits(rows=3, cells=100),
        Limits(run=1, rows=4),
        Limits(run=7),
        Limits(state_bytes=0),
        Limits(state_bytes=60 * 1024),
        Limits(run_cost=0),
        Limits(run_cost=1000),
    ],
    ids=repr,
)
@pytest.mark.parametrize("threads", [1, 2])
def test_neither_batch_nor_thread_nor_memory_changes_a_reward(
    load: Load, limits: Limits, threads: int
) -> None:
    bundle = load("qwen2")
    asked = sequences(bundle, LAYOUTS["criterion after the code"])
    alone = [Engine(bundle, threads=1).rewards([sequence])[0] for sequence in asked[:4]]
    engine = Engine(bundle, threads=threads, limits=limits)
    assert_close(engine.rewards(asked)[:4], alone)


def test_any_order_of_requests_gives_the_same_rewards(load: Load) -> None:
    bundle = load("qwen3")
    engine = Engine(bundle, threads=1, limits=Limits(kept_bytes=0))
    asked = sequences(bundle, LAYOUTS["criterion first"])
    expected = dict(zip(asked, engine.rewards(asked), strict=True))
    for seed in range(4):
        shuffled = random.Random(seed).sample(asked, len(asked))
        np.testing.assert_array_equal(
            engine.rewards(shuffled), [expected[sequence] for sequence in shuffled]
        )
        half = shuffled[: len(shuffled) // 2]  # another tree, so equal to rounding only
        assert_close(engine.rewards(half), [expected[sequence] for sequence in half])


IDS = st.lists(st.integers(0, 3), min_size=1, max_size=12).map(tuple)


@given(st.lists(IDS, min_size=1, max_size=8), st.integers(1, 5), st.sampled_from(Pooling))
@settings(max_examples=40, deadline=None)
def test_any_tree_of_prefixes_gives_the_rewards_of_single_requests(
    any_engine: Callable[[Pooling, Limits], Engine],
    texts: list[tuple[int, ...]],
    run: int,
    pooling: Pooling,
) -> None:
    asked = [TokenSequence(ids, (len(ids) // 3, len(ids))) for ids in texts]
    single = any_engine(pooling, Limits(rows=1, run=99))
    together = any_engine(pooling, Limits(rows=4, run=run))
    assert_close(together.rewards(asked), [single.rewards([each])[0] for each in asked])


@pytest.fixture(scope="session")
def any_engine(load: Load) -> Callable[[Pooling, Limits], Engine]:
    made: dict[tuple[Pooling, Limits], Engine] = {}

    def engine(pooling: Pooling, limits: Limits) -> Engine:
        if (pooling, limits) not in made:
            bundle = pooled_as(load("qwen2"), pooling)
            made[pooling, limits] = Engine(bundle, threads=1, limits=limits)
        return made[pooling, limits]

    return engine


def test_every_distinct_prefix_is_computed_once(load: Load) -> None:
    """1 2 3, 1 2 4, 1 2, 9 and a duplicate hold five prefixes: 1, 1 2, 1 2 3, 1 2 4 and 9."""
    engine = Engine(load("qwen2"), threads=1)
    texts = [(1, 2, 3), (1, 2, 4), (1, 2), (9,), (1, 2, 3)]
    engine.rewards([TokenSequence(ids, (0, len(ids))) for ids in texts])
    assert engine.tokens_computed == 5


def test_a_few_shared_tokens_are_read_again_rather_than_in_a_run_of_their_own(load: Load) -> None:
    """Two tokens that three texts share cost four to read again, and a run less."""
    texts = whole(*((1, 2, *(each,) * 20) for each in (3, 4, 5)))
    computed = {}
    for run_cost in (3, 4):
        engine = Engine(load("qwen2"), threads=1, limits=Limits(run_cost=run_cost))
        rewards = engine.rewards(texts)
        computed[run_cost] = engine.tokens_computed
        assert_close(rewards, [engine.rewards([each])[0] for each in texts])
    assert computed == {3: 2 + 3 * 20, 4: 3 * 22}


def test_on_a_gpu_whole_texts_are_read_many_at_once(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One text is the beginning of another, by each of three prompts: that comes second."""
    bundle = load("qwen2")
    asked = sequences(bundle, LAYOUTS["criterion first"])
    read: list[Sequence[Row]] = []
    run = Session.run

    def counted(session: Session, rows: Sequence[Row]) -> list[Reading]:
        read.append(rows)
        return run(session, rows)

    monkeypatch.setattr(Session, "run", counted)
    engine = Engine(bundle, threads=1, limits=ON_GPU)
    rewards = engine.rewards(asked)
    assert [len(rows) for rows in read] == [len({each.ids for each in asked}) - 3, 3]
    assert all(not row.past and not row.keep_state for rows in read for row in rows)
    assert_close(rewards, Engine(bundle, threads=1).rewards(asked))


def test_a_session_uses_the_cores_that_it_may(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = load("qwen2")
    monkeypatch.setattr("review_core.session.usable_cores", lambda: 3)
    path, shape = bundle.path / bundle.manifest.variants[0].file, bundle.manifest.graph
    threads = [
        Session(path, shape, threads=asked)._session.get_session_options().intra_op_num_threads
        for asked in (0, 2)
    ]
    assert threads == [3, 2]


def test_one_token_alone_is_read_as_among_others(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of one token would go through kernels that add up in another order."""
    bundle = load("qwen2")
    session = Session(bundle.path / bundle.manifest.variants[0].file, bundle.manifest.graph)
    widths = []
    inner = session._session

    class Watched:
        def run(self, outputs: list[str], feed: dict[str, Any]) -> Any:
            widths.append(feed["input_ids"].shape[1])
            return inner.run(outputs, feed)

    monkeypatch.setattr(session, "_session", Watched())
    (alone,) = session.run([Row((7,))])
    assert widths == [2]
    assert alone.rewards.shape[0] == 1


def test_what_is_read_together_has_pasts_of_one_length(load: Load) -> None:
    bundle = load("qwen2")
    session = Session(bundle.path / bundle.manifest.variants[0].file, bundle.manifest.graph)
    (first,) = session.run([Row((1, 2, 3), keep_state=True)])
    assert first.state is not None
    with pytest.raises(ValueError, match="pasts of one length"):
        session.run([Row((4,), (first.state,)), Row((4,))])


def test_without_room_for_states_tokens_are_computed_again(load: Load) -> None:
    """The prefix 1 2 by itself, then 1 2 3 and 1 2 4 whole: 2 + 3 + 3 tokens."""
    engine = Engine(load("qwen2"), threads=1, limits=Limits(state_bytes=0, run_cost=0))
    engine.rewards([TokenSequence((1, 2, 3), (0, 3)), TokenSequence((1, 2, 4), (0, 3))])
    assert engine.tokens_computed == 8


def test_what_was_begun_is_finished_first_and_its_room_used_again(load: Load) -> None:
    """Room for the state of two tokens, 512 bytes each: 2 layers x (key, value) x 2 heads x 16 x 4.

    1 2, then 3 and 4 on top of it; only then 5 6, which finds the room free, and 3 and 4: 8 tokens.
    """
    engine = Engine(
        load("qwen2"), threads=1, limits=Limits(state_bytes=2 * 512, rows=1, run_cost=0)
    )
    texts = [(1, 2, 3), (5, 6, 3), (1, 2, 4), (5, 6, 4)]
    engine.rewards([TokenSequence(ids, (0, 3)) for ids in texts])
    assert engine.tokens_computed == 8


TEXT = tuple(random.Random(7).choices(range(5, 300), k=150))


def whole(*texts: tuple[int, ...]) -> list[TokenSequence]:
    return [TokenSequence(ids, (1, len(ids))) for ids in texts]


@pytest.mark.parametrize("pooling", Pooling)
@pytest.mark.parametrize(
    ("at", "kept"),
    [(149, 128), (128, 128), (127, 96), (40, 32), (3, 0)],
)
def test_an_edited_text_is_read_from_the_last_full_block_before_the_edit_on(
    load: Load, pooling: Pooling, at: int, kept: int
) -> None:
    """Blocks have 32 tokens: of an edit at token 127, 96 are known."""
    bundle = pooled_as(load("qwen3"), pooling)
    engine = Engine(bundle, threads=1)
    engine.rewards(whole(TEXT))
    edited = (*TEXT[:at], 4, *TEXT[at + 1 :])
    before = engine.tokens_computed
    found = engine.rewards(whole(edited))
    assert engine.tokens_computed - before == len(TEXT) - kept
    fresh = Engine(bundle, threads=1, limits=Limits(kept_bytes=0))
    assert_close(found, fresh.rewards(whole(edited)))


def test_prompts_in_front_stay_known_while_codes_come_and_go(load: Load) -> None:
    """A prompt of 3 blocks and 4 tokens, then codes of 40: from the second code on, 44 each.

    There is room for the states of 200 tokens, 512 bytes each, and their rewards: the codes push
    one another out, and never the prompt that each of them continues.
    """
    engine = Engine(load("qwen2"), threads=1, limits=Limits(kept_bytes=200 * (512 + 12)))
    prompt = TEXT[:100]
    for code in range(8):
        before = engine.tokens_computed
        engine.rewards(whole((*prompt, *(code + 5 for _ in range(40)))))
        assert engine.tokens_computed - before == (44 if code else 140)


def test_of_many_texts_only_what_they_share_is_kept(load: Load) -> None:
    engine = Engine(load("qwen2"), threads=1, limits=Limits(rows=2))
    texts = [(*TEXT[:64], *(each for _ in range(64))) for each in (1, 2, 3)]
    engine.rewards(whole(*texts))
    before = engine.tokens_computed
    engine.rewards(whole(texts[0]))
    assert engine.tokens_computed - before == 64


LONGER = st.lists(st.sampled_from([TEXT[:40], TEXT[40:72], (1,) * 9, (2,) * 33]), min_size=1).map(
    lambda parts: tuple(token for part in parts for token in part)[:200]
)


@given(st.lists(st.lists(LONGER, min_size=1, max_size=3), min_size=2, max_size=4))
@settings(max_examples=30, deadline=None)
def test_whatever_was_asked_before_the_rewards_are_those_of_single_requests(
    any_engine: Callable[[Pooling, Limits], Engine], calls: list[list[tuple[int, ...]]]
) -> None:
    single = any_engine(Pooling.MEAN, Limits(rows=1, kept_bytes=0))
    used = any_engine(Pooling.MEAN, Limits(rows=2, run=50, kept_bytes=130 * 524))
    for texts in calls:
        asked = whole(*texts)
        assert_close(used.rewards(asked), [single.rewards([each])[0] for each in asked])


def test_two_pieces_of_one_text_can_be_its_code(load: Load) -> None:
    engine = Engine(load("qwen2"), threads=1)
    ids = tuple(range(20))
    first, second, both = engine.rewards(
        [TokenSequence(ids, at) for at in ((0, 5), (5, 20), (0, 20))]
    )
    np.testing.assert_allclose(both, (5 * first + 15 * second) / 20, atol=1e-5)


@pytest.mark.parametrize("pooling", Pooling)
def test_nothing_to_judge_is_zero(load: Load, pooling: Pooling) -> None:
    engine = Engine(pooled_as(load("qwen2"), pooling), threads=1)
    empty, no_code = engine.rewards([TokenSequence((), (0, 0)), TokenSequence((1, 2), (1, 1))])
    assert empty.tolist() == [0.0, 0.0, 0.0]
    assert bool((no_code == 0).all()) is (pooling is Pooling.MEAN)
    assert engine.rewards([]) == []


def test_a_cancelled_request_stops_between_runs_and_harms_no_other(load: Load) -> None:
    engine = Engine(load("qwen2"), threads=1, limits=Limits(run=2))
    asked = [TokenSequence(tuple(range(10)), (0, 10))]
    answers = iter([False, False, True])
    with pytest.raises(CancelledError):
        engine.rewards(asked, cancelled=lambda: next(answers))
    assert engine.tokens_computed == 4
    assert_close(engine.rewards(asked), Engine(load("qwen2"), threads=1).rewards(asked))


def test_a_graph_that_is_not_what_the_manifest_says_is_refused_by_name(
    load: Load, tmp_path: Path
) -> None:
    import onnx

    bundle = load("qwen2")
    shutil.copytree(bundle.path, tmp_path / "b")
    moved = replace(bundle, path=tmp_path / "b")

    def refused(message: str, **fields: Any) -> None:
        with pytest.raises(BundleError, match=message):
            Engine(replace(moved, manifest=replace(bundle.manifest, **fields)))

    refused("inputs differ in past_key_values.2.key", graph=GraphShape(3, 2, 16))
    refused("keeps states of shape", graph=GraphShape(2, 2, 32))
    criteria = dict(bundle.manifest.criteria) | {"Readability": Criterion(head=3)}
    refused("has 3 heads and none for Readability", criteria=criteria)
    elsewhere = (Variant("model.onnx", "fp32", ("CUDAExecutionProvider",)),)
    refused("no graph for CPUExecutionProvider", variants=elsewhere)

    graph = onnx.load(str(tmp_path / "b" / "model.onnx"))
    for node in graph.graph.node:
        for at, name in enumerate(node.output):
            if name == "rewards":
                node.output[at] = "logits"
    graph.graph.output[0].name = "logits"
    onnx.save(graph, str(tmp_path / "b" / "model.onnx"))
    refused("has no output rewards")
    (tmp_path / "b" / "model.onnx").write_bytes(b"not a graph")
    refused(r"onnxruntime cannot load .*model\.onnx")


def test_without_onnxruntime_the_error_says_what_to_install(
    tiny_bundle: Callable[[str], Path],
) -> None:
    script = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "onnxruntime":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
from pathlib import Path
from review_core.bundle import load_bundle
from review_core.engine import Engine
from review_core.errors import RuntimeMissingError
bundle = load_bundle(Path(sys.argv[1]))
try:
    Engine(bundle)
except RuntimeMissingError as error:
    print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(tiny_bundle("qwen2"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pip install 'themis-review[cpu]'" in result.stdout


def test_scoring_needs_neither_torch_nor_transformers(tiny_bundle: Callable[[str], Path]) -> None:
    script = """
import json, sys
from pathlib import Path
from review_core.bundle import load_bundle
from review_core.engine import Engine
from review_core.scorer import Scorer
bundle = load_bundle(Path(sys.argv[1]))
Scorer(bundle, Engine(bundle, threads=1)).verify()
heavy = {"torch", "transformers", "optimum", "onnx"}
print(json.dumps(sorted(heavy & set(sys.modules))))
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(tiny_bundle("qwen2"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout) == []
