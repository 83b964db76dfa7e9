"""Rows of every kind of file, and the pairs in rows of every form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
from pyarrow import parquet

from review_core.errors import InputError
from review_core.records import PreferencePair, write_pairs
from training.preparation.detection import canonical_language, detected_language
from training.preparation.formats import Missing, Row, pair_of, rows
from training.preparation.funnel import Drop

NOTHING = Missing()
GIVEN = Missing(language="Python", aspect="Full")


def pair(values: Mapping[str, Any], missing: Missing = NOTHING) -> PreferencePair:
    result = pair_of(Row(Path("some.jsonl"), 7, values), missing)
    assert isinstance(result, PreferencePair), result
    return result


def reason(values: Mapping[str, Any] | None, missing: Missing = GIVEN) -> str:
    result = pair_of(Row(Path("some.jsonl"), 7, values), missing)
    assert isinstance(result, Drop), result
    assert result.step == "format"
    return result.reason


def message(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


def test_a_record_of_ours_comes_back_whole(tmp_path: Path) -> None:
    whole = PreferencePair(
        "fix", "a()\n", "b()\n", "Python", "Readability_Maintainability", "Readability", "judge",
        "o/n@1:f.py", "COMMITS", "MIT", "2018-01-02", "7", tie=True,
    )  # fmt: skip
    write_pairs(tmp_path / "a.jsonl.zst", [whole])
    assert [pair_of(row, Missing()) for row in rows(tmp_path / "a.jsonl.zst")] == [whole]


def test_themis_s_published_schema_is_read() -> None:
    read = pair(
        {
            "system": None,
            "input": "sort a list",
            "chosen": "sorted(x)",
            "rejected": "x",
            "language": "python",
            "aspect": "Runtime Efficiency",
            "source": "contests",
            "idx": 12,
        }
    )
    assert (read.language, read.aspect, read.idx) == ("Python", "Runtime_Efficiency", "12")
    assert (read.system, read.source, read.group) == (None, "contests", "contests")


TRL: dict[str, dict[str, Any]] = {
    "standard": {"prompt": "add", "chosen": "a + b", "rejected": "a - b"},
    "conversational": {
        "prompt": [message("system", "be brief"), message("user", "add")],
        "chosen": [message("assistant", "a + b")],
        "rejected": [message("assistant", [{"type": "text", "text": "a - b"}])],
    },
    "implicit, conversational": {
        "chosen": [message("user", "add"), message("assistant", "a + b")],
        "rejected": [message("user", "add"), message("assistant", "a - b")],
    },
    "implicit, transcripts": {
        "chosen": "\n\nHuman: add\n\nAssistant: a + b",
        "rejected": "\n\nHuman: add\n\nAssistant: a - b",
    },
    "said twice": {
        "prompt": "add",
        "chosen": [message("user", "add"), message("assistant", "a + b")],
        "rejected": [message("user", "add"), message("assistant", "a - b")],
    },
}


@pytest.mark.parametrize("form", TRL)
def test_trl_s_preference_formats_are_read(form: str) -> None:
    read = pair(TRL[form], GIVEN)
    assert (read.input, read.chosen, read.rejected) == ("add", "a + b", "a - b")
    assert (read.language, read.aspect, read.idx) == ("Python", "Full", "some.jsonl:7")
    assert read.system == ("be brief" if form == "conversational" else None)


def test_an_implicit_prompt_of_texts_is_none() -> None:
    read = pair({"chosen": "a + b", "rejected": "a - b"}, GIVEN)
    assert (read.input, read.chosen) == ("", "a + b")


def test_a_reply_in_markdown_gives_its_code_and_language() -> None:
    fenced = "Here:\n```py\nx = 1\n```\nand\n~~~\nlonger = 1\nstill\n~~~\n"
    read = pair(
        {"prompt": "", "chosen": fenced, "rejected": "```go\nx\n```"}, Missing(aspect="Full")
    )
    assert (read.chosen, read.rejected, read.language) == ("longer = 1\nstill\n", "x\n", "Go")


def test_code_whose_language_is_named_keeps_the_fences_inside_it() -> None:
    code = 'def f():\n    """\n```\nx\n```\n    """\n'
    assert pair({"chosen": code, "rejected": "y", "language": "Python"}, GIVEN).chosen == code
    whole = pair({"chosen": "```\nx\n```\n", "rejected": "y", "language": "Python"}, GIVEN)
    assert whole.chosen == "x\n"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (None, "no JSON object"),
        ({"chosen": "a"}, "no rejected"),
        ({"rejected": "a", "chosen": None}, "no chosen"),
        ({"chosen": "a", "rejected": 1}, "neither texts nor messages of text"),
        ({"chosen": "a", "rejected": ["b"]}, "neither texts nor messages of text"),
        (
            {"chosen": [message("assistant", [{"type": "image"}])], "rejected": "b"},
            "neither texts nor messages of text",
        ),
        ({"chosen": [message("user", "q")] * 2, "rejected": "b"}, "sides of several messages"),
        ({"chosen": [], "rejected": "b"}, "sides of several messages"),
        ({"chosen": " \n", "rejected": "b"}, "an empty side"),
        ({"chosen": "b", "rejected": "b"}, "two equal sides"),
        ({"chosen": "\ud800", "rejected": "b"}, "half of a surrogate pair"),
        ({"chosen": "a", "rejected": "b", "language": "Befunge"}, "an unknown language"),
        ({"chosen": "a", "rejected": "b", "aspect": "beauty"}, "an unknown aspect"),
    ],
)
def test_a_row_that_holds_no_pair_says_why(values: dict[str, Any] | None, why: str) -> None:
    assert reason(values) == why


def test_a_language_or_aspect_that_nothing_tells_drops_the_row() -> None:
    sides = {"chosen": "a", "rejected": "b"}
    assert reason(sides, Missing(aspect="Full")) == "no language, and none recognised"
    assert reason(sides, Missing(language="C")) == "no aspect; --aspect gives one"


def test_an_unknown_language_can_be_kept() -> None:
    keep = Missing(aspect="Full", keep_unknown_languages=True)
    assert pair({"chosen": "a", "rejected": "b", "language": "Prose"}, keep).language == "Prose"


def test_a_system_prompt_that_names_one_criterion_gives_the_aspect() -> None:
    sides = {"chosen": "a", "rejected": "b", "system": "Judge its Memory_Efficiency only."}
    assert pair(sides, Missing(language="C")).aspect == "Memory_Efficiency"


def test_a_finer_criterion_is_kept_beside_its_family() -> None:
    read = pair({"chosen": "a", "rejected": "b", "aspect": "readability"}, GIVEN)
    assert (read.aspect, read.fine_aspect) == ("Readability_Maintainability", "Readability")


# --- files ----------------------------------------------------------------------------------------


def test_a_parquet_file_is_read_row_by_row(tmp_path: Path) -> None:
    table = [{"prompt": "p", "chosen": [message("assistant", f"{at}")], "rejected": None}
             for at in range(600)]  # fmt: skip
    parquet.write_table(arrow.Table.from_pylist(table), tmp_path / "a.parquet")
    read = list(rows(tmp_path / "a.parquet"))
    assert [row.number for row in read] == list(range(1, 601))
    assert read[-1].values == table[-1]


def test_a_broken_line_is_a_row_without_values(tmp_path: Path) -> None:
    lines = ['{"a": 1}', "", "{broken", "[1]", "[" * 100_000]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    read = [(row.number, row.values) for row in rows(tmp_path / "a.jsonl")]
    assert read == [(1, {"a": 1}), (3, None), (4, None), (5, None)]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl.zst", b"plain", "not a zstd file"),
        ("a.parquet", b"plain", "not a Parquet file"),
        ("a.jsonl", b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        list(rows(tmp_path / name))


@pytest.mark.parametrize("name", ["none.jsonl", "none.jsonl.zst", "none.parquet"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        list(rows(tmp_path / name))


# --- languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "known"), [(" PY ", "Python"), ("c++", "C++"), ("csharp", "C#"), ("Befunge", None)]
)
def test_languages_go_by_their_usual_names(name: str, known: str | None) -> None:
    assert canonical_language(name) == known


CODE = {
    "Python": "def f(a):\n    return [x for x in a if x]\n",
    "Go": "func f(a int) int {\n\tb := a\n\treturn b\n}\n",
    "Ruby": "def f(a)\n  a.each { |x| puts x }\nend\n",
    "C": "static int f(struct s *a)\n{\n\treturn a->b ? *a->c : 0;\n}\n",
    "Java": "@Override\npublic final List<String> f(int a) throws E {\n    return b.get(a);\n}\n",
}


@pytest.mark.parametrize("language", CODE)
def test_code_that_one_grammar_reads_tells_its_language(language: str) -> None:
    assert detected_language("", [CODE[language]]) == language


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Write a Python function.", "Python"),
        ("Sort it, in C.", "C"),
        ("Fix this C++ code", "C++"),
        ("Write Go code", "Go"),
        ("Port it from Java to Kotlin", None),
        ("Go on", None),
    ],
)
def test_a_prompt_that_names_one_language_tells_it(prompt: str, language: str | None) -> None:
    """`x` alone is read by several grammars and tells nothing."""
    assert detected_language(prompt, ["x"]) == language


def test_lines_of_json_survive_what_json_allows(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"chosen": float("nan")}), encoding="utf-8")
    assert len(list(rows(tmp_path / "a.jsonl"))) == 1
