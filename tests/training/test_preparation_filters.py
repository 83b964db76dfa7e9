"""What each filter drops, what it lets pass, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from review_core.errors import ConfigurationError, InputError
from review_core.records import PreferencePair
from training.preparation.benchmarks import Benchmarks
from training.preparation.filters import (
    EvaluationOnly,
    character_length,
    filters,
    prompt_language,
    syntax_depth,
)
from training.preparation.funnel import Drop, Funnel
from training.preparation.settings import PrepareSettings

CODE = "def f(a):\n    return a + 1\n"
PAIR = PreferencePair(
    "Add one", CODE, CODE.replace("1", "2"), "Python", "Functional_Correctness",
    source="some/where@1:f.py",
)  # fmt: skip


# --- evaluation only ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "subset", "step"),
    [
        ("Celery/celery@abc:x.py", "COMMITS", "evaluation"),
        ("celery/kombu@abc:x.py", "COMMITS", None),
        (None, "debug_bench_python", "evaluation"),
        ("HumanEval-Java", None, "evaluation"),
        (None, "eccodes", "evaluation"),
        (None, "juliet", None),
    ],
)
def test_what_is_there_to_measure_with_is_not_learned_from(
    source: str | None, subset: str | None, step: str | None
) -> None:
    """A set is known by how its name starts, so that a name like eccodes is taken for ECCO."""
    drop = EvaluationOnly.of(None)(replace(PAIR, source=source, subset=subset))
    assert (drop.step if drop else None) == step


def test_another_list_of_repositories_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("# mine\nsome/where\n", encoding="utf-8")
    judge = EvaluationOnly.of(tmp_path / "mine.txt")
    assert judge(PAIR) == Drop("evaluation", "repository some/where")
    assert judge(replace(PAIR, source="celery/celery@1:f.py")) is None


# --- length ---------------------------------------------------------------------------------------


def test_prompt_and_longer_side_count_together_in_characters() -> None:
    """3 + 5: at 8 it passes, at 7 it does not."""
    pair = replace(PAIR, input="abc", chosen="12", rejected="12345")
    assert character_length(pair, 8) is None
    assert character_length(pair, 7) == Drop("length", "more than 7 characters")


def test_with_a_tokenizer_tokens_count(tmp_path: Path, tiny_tokenizer: Tokenizer) -> None:
    tiny_tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = [len(tiny_tokenizer.encode(text).ids) for text in (PAIR.input, PAIR.chosen)]
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        for room, dropped in ((0, False), (-1, True)):
            settings = PrepareSettings(
                tokenizer=path, max_length=sum(tokens) + room, min_depth=0, min_language=0.0
            )
            drops = [judge(PAIR) for judge in filters(settings)]
            assert [drop.step for drop in drops if drop] == (["length"] if dropped else [])


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="not a tokenizer"):
        filters(PrepareSettings(tokenizer=tmp_path))


# --- syntax ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "rejected", "language", "reason"),
    [
        (CODE, CODE, "Python", None),
        ("x", CODE, "Python", "chosen less than 3 deep"),
        ("x", "y", "Python", "chosen and rejected less than 3 deep"),
        ("# only a comment\n", CODE, "Python", "chosen less than 3 deep"),
        ("int f() { return 1; }", "public int f() { return a.b(); }", "Java", None),
        ("static a = 1", "static b = 1", "JavaScript", "chosen and rejected less than 3 deep"),
        ("x", "y", "Befunge", None),
    ],
)
def test_flat_trees_are_no_code(
    chosen: str, rejected: str, language: str, reason: str | None
) -> None:
    """A tree's root is level 0. A member is read inside a class of ours, which does not count: the
    field is field_definition > its name and value, two levels.
    """
    drop = syntax_depth(replace(PAIR, chosen=chosen, rejected=rejected, language=language), 3)
    assert (drop.reason if drop else None) == reason


# --- prompt ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "likeliest"),
    [
        ("Fix the memory leak in the parser when a file is closed twice", None),
        ("Corrige la fuite de mémoire dans l'analyseur de fichiers", "fr"),
        ("Исправить утечку памяти при закрытии файла", "ru"),
        ("修复解析器在关闭文件时的内存泄漏问题", "zh"),
        ("", None),
        ("fix npe", None),
        ("`corrige_la_fuite` de `mémoire_dans` https://exemple.fr/une/page_qui_fuit", None),
    ],
)
def test_prompts_of_other_languages_are_dropped(prompt: str, likeliest: str | None) -> None:
    drop = prompt_language(replace(PAIR, input=prompt), ("en",), 0.05)
    assert (drop.reason if drop else None) == (likeliest and f"most likely {likeliest}")


def test_several_languages_can_be_wanted() -> None:
    pair = replace(PAIR, input="Corrige la fuite de mémoire dans l'analyseur de fichiers")
    assert prompt_language(pair, ("en", "fr"), 0.05) is None


# --- benchmarks -----------------------------------------------------------------------------------

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def benchmark(tmp_path: Path, name: str, content: str, *, code_too: bool = False) -> Benchmarks:
    (tmp_path / name).write_text(content, encoding="utf-8")
    return Benchmarks.read([tmp_path / name], 13, code_too=code_too)


@pytest.mark.parametrize(
    ("prompt", "dropped"),
    [
        (f"Well, {WORDS.upper()}!", True),
        (WORDS.replace("four ", "4 "), False),
        (WORDS.replace("one ", "1, "), True),
        (WORDS.replace("two ", "2 ").replace("thirteen", "13"), False),
        ("short words", True),
        ("short words more", False),
        ("", False),
    ],
)
def test_thirteen_words_in_common_drop_a_pair(tmp_path: Path, prompt: str, dropped: bool) -> None:
    """Of fourteen words two runs of thirteen are made; a text of less is a run by itself."""
    lines = [json.dumps({"prompt": text}) for text in (WORDS, "Short words.")]
    judge = benchmark(tmp_path, "b.jsonl", "\n".join(lines))
    drop = judge(replace(PAIR, input=prompt))
    assert drop == (Drop("benchmark", "13 words of b.jsonl") if dropped else None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.txt", f"Some text.\n{WORDS}\n"),
        ("b.jsonl", json.dumps({"task": 1, "text": {"of": [WORDS]}})),
        ("b.jsonl", json.dumps({"prompt": [{"role": "user", "content": WORDS}]})),
    ],
)
def test_benchmarks_are_read_from_texts_and_rows_of_any_form(
    tmp_path: Path, name: str, content: str
) -> None:
    assert benchmark(tmp_path, name, content)(replace(PAIR, input=WORDS)) is not None


def test_code_counts_where_it_is_asked_for(tmp_path: Path) -> None:
    record = json.dumps({"prompt": "p", "chosen": WORDS, "rejected": "r"})
    pair = replace(PAIR, rejected=f"x({WORDS})")
    assert benchmark(tmp_path, "b.jsonl", record)(pair) is None
    assert benchmark(tmp_path, "b.jsonl", record, code_too=True)(pair) is not None


@pytest.mark.parametrize(("name", "content"), [("b.jsonl", ""), ("b.txt", " \n"), ("b.jsonl", "x")])
def test_a_benchmark_without_words_is_refused(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(InputError, match="b\\."):
        benchmark(tmp_path, name, content)


# --- settings and funnel --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"dev": 0.6, "test": 0.5},
        {"dev": -0.1},
        {"min_likeness": 0.0},
        {"neutral": -1.0},
        {"workers": 0},
        {"kenlm": Path("a"), "likelihood_base": Path("b")},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        PrepareSettings(**wrong)  # type: ignore[arg-type]


def test_a_funnel_adds_up() -> None:
    funnel = Funnel(read=10)
    for drop in (Drop("format", "a"), Drop("format", "b"), Drop("length", "c")):
        funnel.drop(drop)
    funnel.drop(Drop("syntax", "none"), 0)
    told = funnel.to_json()
    assert told["left"] == funnel.left == 7
    assert [step["left"] for step in told["steps"]][:4] == [8, 8, 7, 7]
    assert told["steps"][0]["reasons"] == {"a": 1, "b": 1}
