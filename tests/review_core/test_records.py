"""Record files: Themis's schema, its aliases, and errors that name the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from review_core.errors import InputError
from review_core.records import PreferencePair, read_pairs, write_pairs

PAIR = PreferencePair(
    input="Fix π",
    chosen="a\n",
    rejected="b\n",
    language="Python",
    aspect="Functional_Correctness",
    source="owner/name@abc:path.py",
    licence="MIT",
    idx="7",
)


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.zst"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    tie = PreferencePair("", "x", "y", "Go", "Security_Hardness", tie=True)
    assert write_pairs(tmp_path / name, [PAIR, tie]) == 2
    assert list(read_pairs(tmp_path / name)) == [PAIR, tie]


def test_published_spellings_are_read_and_unknown_fields_ignored(tmp_path: Path) -> None:
    record = {
        "prompt": "p",
        "chosen": "c",
        "rejected": "r",
        "language": "C",
        "aspect": "Memory_Efficiency",
        "id": 3,
        "license": "MIT",
        "extra": [1],
    }
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n" + json.dumps(record) + "\n")
    (pair,) = read_pairs(path)
    assert (pair.input, pair.idx, pair.licence) == ("p", "3", "MIT")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{not json", "1 is not JSON"),
        ('{"input": "", "chosen": ""}', "no text field 'rejected'"),
        ('{"input": 1}', "no text field 'input'"),
    ],
)
def test_a_bad_record_is_named_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        list(read_pairs(path))


def test_a_file_that_is_not_there_or_not_zstd_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot open"):
        list(read_pairs(tmp_path / "none.jsonl"))
    (tmp_path / "x.zst").write_text("plain")
    with pytest.raises(InputError, match="not a zstd file"):
        list(read_pairs(tmp_path / "x.zst"))


def test_a_group_is_the_repository_else_the_subset() -> None:
    assert PAIR.group == "owner/name"
    assert PreferencePair("", "", "", "C", "a", source="docs", subset="rules").group == "rules"
    assert PreferencePair("", "", "", "C", "a").group == "unknown"


def test_files_that_were_put_one_after_the_other_are_read_to_the_end(tmp_path: Path) -> None:
    """`cat a.jsonl.zst b.jsonl.zst` has two frames."""
    pair = PreferencePair("do", "a", "b", "Python", "Readability")
    for name in "ab":
        write_pairs(tmp_path / f"{name}.zst", [pair])
    both = tmp_path / "both.zst"
    both.write_bytes(b"".join((tmp_path / f"{name}.zst").read_bytes() for name in "ab"))
    assert list(read_pairs(both)) == [pair, pair]
