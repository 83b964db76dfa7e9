"""Code in, rewards by criterion out: by head and by prompt, cold and warm, with what it cost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import pytest

from review_core.bundle import Bundle, Criterion, Pooling, Probe, load_bundle
from review_core.cache import RewardCache
from review_core.engine import Engine, Limits
from review_core.errors import BundleError
from review_core.layout import Layout, Slot
from review_core.scorer import Scorer

CODES = ["def f(a):\n    return a + 1", "def f(a):\n    return a + 2", "x = 3"]


@pytest.fixture(scope="session")
def by_head(tiny_bundle: Callable[..., Path]) -> Bundle:
    return load_bundle(tiny_bundle())


@pytest.fixture(scope="session")
def by_prompt(by_head: Bundle) -> Bundle:
    """The same graph, asked by two prompts; its head 0 answers."""
    manifest = by_head.manifest
    criteria = {
        "Readability": Criterion(prompt="Is it clear?"),
        "Security_Hardness": Criterion(prompt="Is it safe?"),
    }
    layout = Layout((Slot.CRITERION, "<|im_start|>", Slot.CODE, "<|im_end|>"))
    probe = Probe("x", dict.fromkeys(criteria, 0.0), 1e-3)
    return replace(
        by_head,
        manifest=replace(manifest, criteria=criteria, axes={}, layout=layout, probe=probe),
    )


def scorer(bundle: Bundle, cache: Path | None = None) -> Scorer:
    return Scorer(bundle, Engine(bundle, threads=1), RewardCache(cache) if cache else None)


def test_one_sequence_a_code_answers_every_criterion_by_head(by_head: Bundle) -> None:
    one = scorer(by_head)
    rewards = one.rewards([*CODES, CODES[0]])
    assert one.statistics.sequences == 3
    assert [list(each or {}) for each in rewards] == [list(by_head.manifest.criteria)] * 4
    assert rewards[0] == rewards[3]
    assert rewards[0] != rewards[1]
    assert len(set((rewards[0] or {}).values())) == 3
    assert 0 < one.statistics.tokens_computed < one.statistics.tokens


def test_by_prompt_every_criterion_is_a_sequence_and_the_prompt_matters(by_prompt: Bundle) -> None:
    one = scorer(by_prompt)
    (rewards,) = one.rewards(CODES[:1])
    assert one.statistics.sequences == 2
    assert rewards is not None
    assert rewards["Readability"] != rewards["Security_Hardness"]


def test_heads_are_told_apart_by_their_index(by_head: Bundle) -> None:
    swapped = dict(zip(by_head.manifest.criteria, map(Criterion, (2, 1, 0)), strict=True))
    other = replace(by_head, manifest=replace(by_head.manifest, criteria=swapped))
    (straight,) = scorer(by_head).rewards(CODES[:1])
    (turned,) = scorer(other).rewards(CODES[:1])
    assert straight is not None
    assert turned is not None
    assert list(turned.values()) == list(straight.values())[::-1]


def test_line_ends_and_indentation_make_no_difference(by_head: Bundle) -> None:
    one = scorer(by_head)
    plain, crlf, indented, bom = one.rewards(
        [
            CODES[0],
            CODES[0].replace("\n", "\r\n"),
            f"  {CODES[0]}".replace("\n", "\n  "),
            f"\ufeff{CODES[0]}",
        ]
    )
    assert plain == crlf == indented == bom
    assert one.statistics.sequences == 1


def test_what_is_longer_than_the_model_reads_has_no_reward(by_head: Bundle) -> None:
    short = replace(by_head, manifest=replace(by_head.manifest, max_tokens=20))
    one = scorer(short)
    rewards = one.rewards(["x = 1", "x = 1\n" * 30])
    assert rewards[0] is not None
    assert rewards[1] is None
    assert one.statistics.tokens <= 20


def test_a_warm_cache_gives_the_same_bits_without_the_model(
    by_head: Bundle, tmp_path: Path
) -> None:
    cold = scorer(by_head, tmp_path / "cache")
    first = cold.rewards(CODES)
    warm = scorer(by_head, tmp_path / "cache")
    assert warm.rewards(CODES) == first
    assert warm.statistics.cache_hits == warm.statistics.sequences == 3
    assert warm.statistics.tokens_computed == 0
    assert cold.statistics.cache_hits == 0


def test_half_a_warm_cache_gives_the_rewards_of_a_cold_run(by_head: Bundle, tmp_path: Path) -> None:
    scorer(by_head, tmp_path / "cache").rewards(CODES[:1])
    half = scorer(by_head, tmp_path / "cache").rewards(CODES)
    for found, expected in zip(half, scorer(by_head).rewards(CODES), strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


def test_another_graph_does_not_read_this_ones_cache_but_another_calibration_does(
    by_head: Bundle, tmp_path: Path
) -> None:
    scorer(by_head, tmp_path / "cache").rewards(CODES)
    for changed, hits in ((by_head.manifest.variants[0].file, 0), ("calibration.json", 3)):
        files = {**by_head.manifest.files, changed: "0" * 64}
        other = replace(by_head, manifest=replace(by_head.manifest, files=files))
        again = scorer(other, tmp_path / "cache")
        again.rewards(CODES)
        assert again.statistics.cache_hits == hits


def test_two_graphs_of_one_bundle_do_not_read_each_others_rewards(
    by_head: Bundle, tmp_path: Path
) -> None:
    """As where one bundle serves a GPU and CPUs, and the cache lies on a disk that both see."""
    (own,) = by_head.manifest.variants
    other = replace(own, file="other.onnx")
    shutil.copyfile(by_head.path / own.file, tmp_path / other.file)
    shutil.copyfile(by_head.path / own.file, tmp_path / own.file)
    files = {**by_head.manifest.files, other.file: "0" * 64}
    hits = []
    for variants in ((own, other), (other, own), (own, other)):
        manifest = replace(by_head.manifest, files=files, variants=variants)
        asked = scorer(replace(by_head, path=tmp_path, manifest=manifest), tmp_path / "cache")
        asked.rewards(CODES)
        hits.append(asked.statistics.cache_hits)
    assert hits == [0, 0, 3]


def test_another_pooling_is_another_reward(by_head: Bundle, tmp_path: Path) -> None:
    scorer(by_head, tmp_path / "cache").rewards(CODES)
    last = replace(by_head, manifest=replace(by_head.manifest, pooling=Pooling.LAST))
    again = scorer(last, tmp_path / "cache")
    assert again.rewards(CODES) == scorer(last).rewards(CODES)
    assert again.statistics.cache_hits == 0


def test_progress_counts_up_to_all(by_head: Bundle, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    codes = [f"value = {number}" for number in range(200)]
    scorer(by_head).rewards(codes, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 200) for done in range(201)]


def test_progress_begins_with_what_the_cache_has(by_head: Bundle, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    codes = [f"value = {number}" for number in range(200)]
    scorer(by_head, tmp_path / "cache").rewards(codes[:150])
    again = scorer(by_head, tmp_path / "cache")
    again.rewards(codes, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 200) for done in range(150, 201)]


def test_many_codes_and_few_at_a_time_have_the_same_rewards(by_head: Bundle) -> None:
    """300 codes are three windows, and what two of them ask is computed once."""
    codes = [f"value = {number % 290}" for number in range(300)]
    one = scorer(by_head)
    together = one.rewards(codes)
    assert one.statistics.sequences == 290
    for at in range(0, 300, 50):
        (alone,) = scorer(by_head).rewards(codes[at : at + 1])
        assert together[at] == pytest.approx(alone, abs=1e-5)


def test_an_interrupt_leaves_what_was_computed_in_the_cache(
    by_head: Bundle, tmp_path: Path
) -> None:
    """Not only whole chunks of 128: a large model needs minutes for one."""

    def interrupt(done: int, total: int) -> None:
        if done == 90:
            raise KeyboardInterrupt

    codes = [f"value = {number}" for number in range(200)]
    with pytest.raises(KeyboardInterrupt):
        scorer(by_head, tmp_path / "cache").rewards(codes, progress=interrupt)
    again = scorer(by_head, tmp_path / "cache")
    again.rewards(codes)
    assert again.statistics.cache_hits == 90


def test_a_criterion_that_the_cache_lacks_is_computed_and_the_others_are_not(
    by_prompt: Bundle, tmp_path: Path
) -> None:
    """Interrupted after the third of four sequences: one of two codes has both its answers."""

    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    codes = ["x = 3", "y = 4"]
    with pytest.raises(KeyboardInterrupt):
        scorer(by_prompt, tmp_path / "cache").rewards(codes, progress=interrupt)
    seen: list[tuple[int, int]] = []
    again = scorer(by_prompt, tmp_path / "cache")
    found = again.rewards(codes, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 4), (4, 4)]
    for rewards, expected in zip(found, scorer(by_prompt).rewards(codes), strict=True):
        assert rewards == pytest.approx(expected, abs=1e-5)


def test_what_was_computed_before_a_cancel_is_remembered(by_head: Bundle, tmp_path: Path) -> None:
    codes = [f"value = {number}" for number in range(200)]
    one = scorer(by_head, tmp_path / "cache")
    cancel: list[bool] = []
    with pytest.raises(CancelledError):
        one.rewards(
            codes,
            progress=lambda done, total: cancel.append(True) if done == 100 else None,
            cancelled=lambda: bool(cancel),
        )
    again = scorer(by_head, tmp_path / "cache")
    again.rewards(codes)
    assert 100 <= again.statistics.cache_hits < 120  # what was read together is done together


def test_the_intent_matters_exactly_when_the_layout_has_its_slot(by_head: Bundle) -> None:
    layout = Layout((Slot.INTENT, "<|im_start|>", Slot.CODE))
    reading = replace(by_head, manifest=replace(by_head.manifest, layout=layout))
    assert scorer(reading).reads_intent
    assert not scorer(by_head).reads_intent
    for bundle, same in ((reading, False), (by_head, True)):
        one = scorer(bundle)
        assert (one.rewards(CODES, intent="Fix a") == one.rewards(CODES, intent="Add b")) is same


def test_the_probe_tells_a_wrong_model(by_head: Bundle) -> None:
    one = scorer(by_head)
    one.verify()
    probe = by_head.manifest.probe
    for wrong in (probe.rewards["Readability"] + 0.01, float("nan")):
        rewards = dict(probe.rewards) | {"Readability": wrong}
        manifest = replace(by_head.manifest, probe=replace(probe, rewards=rewards))
        with pytest.raises(BundleError, match=r"scores its probe .* on Readability"):
            Scorer(replace(by_head, manifest=manifest), Engine(by_head)).verify()


def test_verifying_asks_the_model_and_not_the_cache(by_head: Bundle, tmp_path: Path) -> None:
    engine = Engine(by_head, threads=1, limits=Limits(rows=1))
    one = Scorer(by_head, engine, RewardCache(tmp_path / "cache"))
    one.rewards([by_head.manifest.probe.code])
    before = engine.tokens_computed
    one.verify()
    assert engine.tokens_computed > before


def test_a_scorer_is_what_bench_asks_for(by_head: Bundle) -> None:
    from review_core.bench import run_bench
    from review_core.calibration import Calibration
    from review_core.records import PreferencePair

    pair = PreferencePair("Fix", CODES[0], CODES[1], "Python", "Readability")
    table = run_bench([pair], scorer(by_head), Calibration.from_json(by_head.calibration_json))
    assert table.overall.n == 1
