"""Scoring once, going on where a run broke off, and refusing what belongs to another run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from review_core.errors import InputError
from review_core.records import PreferencePair
from training.evaluation.margins import ScoredPair, read_margins, score_pairs

KEY = "Functional_Correctness"


class CountingScorer:
    """Rewards long code; counts calls and breaks off at one of them; "too long" is too long."""

    criteria = (KEY,)
    reads_intent = False

    def __init__(self, breaks_at: int | None = None) -> None:
        self.calls = 0
        self._breaks_at = breaks_at

    def rewards(
        self, codes: Sequence[str], *, intent: str = ""
    ) -> list[Mapping[str, float] | None]:
        self.calls += 1
        if self.calls == self._breaks_at:
            raise KeyboardInterrupt
        return [None if code == "too long" else {KEY: float(len(code))} for code in codes]


def pairs(count: int) -> list[PreferencePair]:
    return [
        PreferencePair(
            "", "x" * (index % 7 + 1), "x" * (index % 3 + 2), "C", KEY, source=f"o/{index}@1:f"
        )
        for index in range(count)
    ]


def test_a_pair_keeps_its_margin_and_what_figures_need_of_it(tmp_path: Path) -> None:
    pair = PreferencePair(
        "", "abc", "abcde", "C", KEY, "Fine", source="own/repo@1:f.c", subset="COMMITS", idx="7"
    )
    (scored,) = score_pairs(tmp_path / "m.zst", [pair], CountingScorer(), "model")
    assert scored == ScoredPair(
        idx="7",
        group="own/repo",
        aspect=KEY,
        fine_aspect="Fine",
        language="C",
        subset="COMMITS",
        tie=False,
        longer=False,
        judged=True,
        margins={KEY: -2.0},
    )


def test_a_side_that_is_too_long_leaves_no_margin(tmp_path: Path) -> None:
    pair = PreferencePair("", "too long", "a", "C", KEY)
    (scored,) = score_pairs(tmp_path / "m.zst", [pair], CountingScorer(), "model")
    assert scored.margins is None


def test_an_edit_of_comments_alone_is_not_judged(tmp_path: Path) -> None:
    code = "int f(void)\n{\n    return 1;\n}\n"
    edits = [code.replace("return", "/* a note */ return"), code.replace("f(", "g(")]
    ties = [PreferencePair("", edit, code, "C", KEY, tie=True) for edit in edits]
    scored = score_pairs(tmp_path / "m.zst", ties, CountingScorer(), "model")
    assert [each.judged for each in scored] == [False, True]


def test_a_resumed_scoring_equals_an_unbroken_one_and_scores_nothing_twice(tmp_path: Path) -> None:
    """200 pairs are four batches of 64; the third call breaks off, so two more are left."""
    broken, whole = CountingScorer(breaks_at=3), CountingScorer()
    expected = score_pairs(tmp_path / "whole.zst", pairs(200), whole, "model")
    with pytest.raises(KeyboardInterrupt):
        score_pairs(tmp_path / "m.zst", pairs(200), broken, "model")
    rest = CountingScorer()
    assert score_pairs(tmp_path / "m.zst", pairs(200), rest, "model") == expected
    assert (whole.calls, rest.calls) == (4, 2)
    assert (tmp_path / "m.zst").read_bytes() == (tmp_path / "whole.zst").read_bytes()
    assert not list(tmp_path.glob("*.partial"))


def test_a_line_cut_off_in_the_middle_is_scored_again(tmp_path: Path) -> None:
    expected = score_pairs(tmp_path / "whole.zst", pairs(100), CountingScorer(), "model")
    with pytest.raises(KeyboardInterrupt):
        score_pairs(tmp_path / "m.zst", pairs(100), CountingScorer(breaks_at=2), "model")
    partial = tmp_path / "m.zst.partial"
    partial.write_text(partial.read_text()[:-20])
    assert score_pairs(tmp_path / "m.zst", pairs(100), CountingScorer(), "model") == expected


def test_what_is_scored_is_read_again_without_a_model(tmp_path: Path) -> None:
    first = score_pairs(tmp_path / "m.zst", pairs(10), CountingScorer(), "model")
    assert score_pairs(tmp_path / "m.zst", pairs(10), CountingScorer(breaks_at=1), "model") == first
    header, again = read_margins(tmp_path / "m.zst")
    assert (header["pairs"], again) == (10, first)


@pytest.mark.parametrize(
    ("count", "identity", "told"), [(11, "model", "other pairs"), (10, "new", "another model")]
)
def test_margins_of_something_else_are_not_mixed_in(
    tmp_path: Path, count: int, identity: str, told: str
) -> None:
    score_pairs(tmp_path / "m.zst", pairs(10), CountingScorer(), "model")
    with pytest.raises(InputError, match=f"{told}; name another folder or remove it"):
        score_pairs(tmp_path / "m.zst", pairs(count), CountingScorer(), identity)


def test_a_broken_run_of_another_model_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        score_pairs(tmp_path / "m.zst", pairs(100), CountingScorer(breaks_at=2), "old")
    scorer = CountingScorer()
    score_pairs(tmp_path / "m.zst", pairs(100), scorer, "new")
    assert scorer.calls == 2


@pytest.mark.parametrize("content", [b"", b"not zstd"])
def test_a_file_that_holds_no_margins_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.zst"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"m\.zst is no file of margins .*; remove it"):
        read_margins(path)
