"""A whole evaluation, with tiny real models: what it scores with, writes and reads again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner
from tokenizers import Tokenizer
from torch_reference import CheckpointScorer as OneByOne
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

from review_core.errors import InputError
from review_core.records import PreferencePair, write_pairs
from training.cli import cli
from training.evaluation.benchmark import Published, read_records
from training.evaluation.likelihood import LikelihoodScorer
from training.evaluation.margins import ScoredPair
from training.evaluation.run import evaluate
from training.evaluation.scorers import CheckpointScorer, open_model, token_batches
from training.evaluation.settings import EvaluateSettings, ScoringSettings

torch.set_num_threads(1)
FIX, CLEAN, SAFE = "Functional_Correctness", "Readability", "Security_Hardness"
QUIET = ScoringSettings(cache=False, threads=1)
CODES = [
    "def f(x):\n    return x\n",
    "def f(x):\n    if x is None:\n        return 0\n    return x\n",
    "    return [y for y in x if y]",
    "",
    "x",
]


@pytest.fixture(scope="module")
def tiny_causal(tiny_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("causal")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=tiny_tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=0.2,
    )
    Qwen2ForCausalLM(config).save_pretrained(path)
    tiny_tokenizer.save(str(path / "tokenizer.json"))
    return path


def pairs(count: int = 24) -> list[PreferencePair]:
    """Two aspects, both directions of length, four repositories."""
    return [
        PreferencePair(
            "",
            CODES[index % 2] + f"# {index}\n",
            CODES[1 - index % 2] + f"# {index}\n",
            "Python",
            (FIX, SAFE)[index % 4 > 1],
            source=f"own/repo{index % 4}@1:f.py",
            subset="COMMITS" if index % 3 else "docs",
        )
        for index in range(count)
    ]


def test_a_checkpoint_scored_in_batches_scores_as_one_by_one(
    tiny_checkpoint: Callable[..., Path],
) -> None:
    folder = tiny_checkpoint()
    alone, batched = OneByOne(folder), CheckpointScorer(folder, QUIET)
    assert batched.criteria == alone.criteria
    for expected, found in zip(alone.rewards(CODES), batched.rewards(CODES), strict=True):
        assert expected is not None and found is not None
        assert found == pytest.approx(expected, abs=1e-5)


def test_a_code_longer_than_the_checkpoint_reads_gets_no_reward(
    tiny_checkpoint: Callable[..., Path],
) -> None:
    scorer = CheckpointScorer(tiny_checkpoint(about={"max_tokens": 8}), QUIET)
    assert [reward is None for reward in scorer.rewards(["x", "x = 1\n" * 20])] == [False, True]


def test_batches_hold_no_more_tokens_than_allowed_and_every_index_once() -> None:
    lengths = [5, 9, 1, 7, 30, 2]
    batches = list(token_batches(range(6), lengths, 18))
    assert sorted(index for batch in batches for index in batch) == [0, 1, 2, 3, 4, 5]
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 18 for b in batches)
    assert batches[0] == [4]  # longer than a batch: alone


def test_the_likelihood_is_the_models_own_mean_over_the_tokens_after_the_first(
    tiny_causal: Path, tiny_tokenizer: Tokenizer
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_causal).eval()
    scorer = LikelihoodScorer(tiny_causal, [FIX, SAFE], batch_tokens=60)
    for code, found in zip(CODES, scorer.rewards(CODES), strict=True):
        ids = torch.tensor([tiny_tokenizer.encode(code.strip("\n").strip()).ids]).long()
        if ids.shape[1] < 2:
            assert found is None
            continue
        with torch.no_grad():
            expected = -float(model(input_ids=ids, labels=ids).loss)
        assert found == {FIX: pytest.approx(expected, abs=1e-5), SAFE: found and found[FIX]}


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json"])
def test_a_folder_without_a_causal_model_is_named(tmp_path: Path, missing: str) -> None:
    if missing == "tokenizer.json":
        config = Qwen2Config(
            vocab_size=8,
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            num_key_value_heads=1,
        )
        Qwen2ForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"has no tokenizer|holds no causal language model"):
        LikelihoodScorer(tmp_path, [FIX])


def test_an_evaluation_writes_its_report_numbers_margins_and_pictures_and_scores_only_once(
    tiny_checkpoint: Callable[..., Path],
    tiny_bundle: Callable[..., Path],
    tiny_causal: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records, out = tmp_path / "pairs.jsonl.zst", tmp_path / "out"
    write_pairs(records, [*pairs(), PreferencePair("", "a", "b", "C", FIX, tie=True)])
    settings = EvaluateSettings(
        compare=(tiny_bundle(),), likelihood=tiny_causal, cache=False, threads=1
    )
    made = evaluate(out, tiny_checkpoint("qwen3"), [records], settings)
    assert made == json.loads((out / "metrics.json").read_bytes())
    assert (made["overall"]["n"], made["neutral"], made["calibrated"]) == (24, 1, False)
    assert set(made["overall"]["baselines"]) == {
        "random",
        "longer wins",
        "tiny-qwen2",
        "likelihood",
    }
    assert set(made["tables"]["aspect"]) == {FIX, SAFE}
    report = (out / "report.md").read_text()
    assert "# tiny-qwen3 on pairs.jsonl.zst" in report
    assert "The model is not calibrated" in report
    for name in ("reliability.svg", "coverage.svg", f"reliability-{FIX}.svg"):
        ElementTree.parse(out / name)
        assert f"]({name})" in report
    assert "compare" in (out / "evaluate.toml").read_text()

    def scores_nothing(*_: object, **__: object) -> Any:
        raise AssertionError("scored again")

    monkeypatch.setattr(CheckpointScorer, "rewards", scores_nothing)
    monkeypatch.setattr(LikelihoodScorer, "rewards", scores_nothing)
    checkpoint = next(iter(json.loads((out / "metrics.json").read_bytes())["model"].values()))
    assert checkpoint == "tiny-qwen3"
    assert evaluate(out, tiny_checkpoint("qwen3"), [records], settings) == made


def test_a_slow_likelihood_may_be_measured_on_a_sample(
    tiny_checkpoint: Callable[..., Path], tiny_causal: Path, tmp_path: Path
) -> None:
    """10 of 24 pairs: the baseline and the gain over it are of those, the model's own of all."""
    write_pairs(tmp_path / "p.jsonl", pairs())
    settings = EvaluateSettings(likelihood=tiny_causal, likelihood_pairs=10)
    made = evaluate(tmp_path / "out", tiny_checkpoint(), [tmp_path / "p.jsonl"], settings)
    beside = made["overall"]["baselines"]["likelihood"]
    assert (made["overall"]["n"], beside["n"], beside["gain_over_it"]["n"]) == (24, 10, 10)
    assert "(of 10)" in (tmp_path / "out" / "report.md").read_text()


def test_a_bundle_is_read_with_its_calibration_or_with_another(
    tiny_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    """At temperature 1e-6 every margin is certain, and every verdict given."""
    records = tmp_path / "pairs.jsonl"
    write_pairs(records, pairs(8))
    sure = {"temperature": 1e-6, "worse_at": 0.01, "better_at": 0.99, "isotonic": None}
    calibration = tmp_path / "calibration.json"
    calibration.write_text(
        json.dumps({"format": 1, "criteria": dict.fromkeys((FIX, CLEAN, SAFE), sure)})
    )
    settings = EvaluateSettings(cache=False, threads=1, calibration=calibration)
    made = evaluate(tmp_path / "out", tiny_bundle(), [records], settings)
    assert made["calibrated"]
    assert made["verdicts"][FIX]["given"] == made["verdicts"][FIX]["pairs"] == 4


def test_lists_are_ranked_beside_chance_length_and_likelihood(
    tiny_checkpoint: Callable[..., Path], tiny_causal: Path, tmp_path: Path
) -> None:
    path = tmp_path / "lists.jsonl"
    record = {"prompt": "p", "responses": CODES[:3], "correct": [1, 0, 0], "aspect": FIX}
    other = record | {"aspect": "Beauty"}
    path.write_text(json.dumps(record) + "\n" + json.dumps(other) + "\n")
    settings = EvaluateSettings(likelihood=tiny_causal)
    made = evaluate(tmp_path / "out", tiny_checkpoint(), [path], settings)
    rankings = made["rankings"]["lists.jsonl"]
    assert set(rankings) == {"tiny-qwen2", "likelihood", "longest first", "random"}
    assert rankings["random"]["hits_at_1"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert rankings["tiny-qwen2"]["prompts"] == 1
    assert "## Re-ranking: lists.jsonl" in (tmp_path / "out" / "report.md").read_text()


def test_the_command_says_the_figures_in_a_line(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    write_pairs(tmp_path / "p.jsonl", pairs(8))
    arguments = [str(tmp_path / "out"), str(tiny_checkpoint()), str(tmp_path / "p.jsonl")]
    result = CliRunner().invoke(cli, ["evaluate", *arguments])
    assert result.exit_code == 0, result.output
    assert "8 pairs: accuracy 0" in result.output
    assert str(tmp_path / "out" / "report.md") in result.output


def test_a_folder_that_holds_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither a bundle .* nor a checkpoint"):
        open_model(tmp_path, QUIET)


def test_empty_records_are_refused(tmp_path: Path, tiny_checkpoint: Callable[..., Path]) -> None:
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(InputError, match="the record files are empty"):
        evaluate(tmp_path / "out", tiny_checkpoint(), [tmp_path / "none.jsonl"], EvaluateSettings())


def test_aspects_that_the_model_does_not_answer_are_refused_by_name(
    tmp_path: Path, tiny_checkpoint: Callable[..., Path]
) -> None:
    write_pairs(tmp_path / "p.jsonl", [PreferencePair("", "a", "b", "C", "Beauty")])
    with pytest.raises(InputError, match=r"answers none of the aspects .*Beauty"):
        evaluate(tmp_path / "out", tiny_checkpoint(), [tmp_path / "p.jsonl"], EvaluateSettings())


def parquet(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def test_the_benchmarks_own_files_are_read_and_languages_spelled_as_ours(tmp_path: Path) -> None:
    row = {
        "id": "1",
        "prompt": "do",
        "chosen": "a",
        "rejected": "b",
        "language": "Cpp",
        "aspect": FIX,
        "subset": "RUNBUGRUN",
    }
    path = parquet(tmp_path / "Full.parquet", [row, row | {"language": "CSharp"}])
    first, second = read_records(path)
    assert (first.language, second.language) == ("C++", "C#")
    assert (first.input, first.idx, first.subset) == ("do", "1", "RUNBUGRUN")


def test_a_parquet_file_without_the_columns_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", [{"prompt": "do"}])
    with pytest.raises(InputError, match=r"x\.parquet: row 1 has no text column 'chosen'"):
        list(read_records(path))
    path.write_text("no")
    with pytest.raises(InputError, match="is not a Parquet file"):
        list(read_records(path))


def whole_benchmark() -> list[ScoredPair]:
    return [
        ScoredPair("i", "g", aspect, None, "C", "RUNBUGRUN", False, True, True, {aspect: 1.0})
        for aspect, count in Published.read().counts.items()
        for _ in range(count)
    ]


def test_published_figures_stand_beside_the_whole_benchmark_only() -> None:
    published, benchmark = Published.read(), whole_benchmark()
    assert len(benchmark) == 8866
    assert set(published.complete(benchmark)) == {*published.counts, "all"}
    assert published.complete(benchmark[1:]) == tuple(published.counts)[1:]
    assert Counter(published.complete([]))["all"] == 0
    ours = ScoredPair("i", "g", FIX, None, "C", "COMMITS", False, True, True, {FIX: 1.0})
    assert published.complete([*benchmark, ours]) == ()


def test_published_figures_are_those_of_the_paper() -> None:
    models = Published.read().models
    assert models["Themis-RM-0.6B"]["all"] == pytest.approx(0.794)
    assert models["Themis-RM-32B"]["Security_Hardness"] == pytest.approx(0.946)
    assert all(set(figures) == {*Published.read().counts, "all"} for figures in models.values())
