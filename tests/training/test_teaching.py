"""Teachers' margins: what is asked, what is kept, and that an interrupted run ends the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from review_core.errors import InputError
from review_core.records import PreferencePair, write_pairs
from training.cli import cli
from training.margins import Margins, margins_of, pair_key, read_margins
from training.specs import TeachSettings
from training.teaching import CheckpointTeacher, open_teacher, teach

C, R = "Functional_Correctness", "Readability"


def pairs(count: int = 10) -> list[PreferencePair]:
    return [
        PreferencePair(f"intent {i}", f"def f(a):\n    return a + {i}\n", f"g{i}(1)", "Python", C)
        for i in range(count)
    ]


class Fake:
    """Says that chosen is better by `step` times its length; stops before the pair `last`."""

    def __init__(self, step: float, criteria: Sequence[str] = (C, R), last: int = 99) -> None:
        self.criteria, self.step, self.last = tuple(criteria), step, last
        self.identity = f"fake {step}"
        self.asked = 0

    def margins(self, pairs: Sequence[PreferencePair]) -> list[Margins | None]:
        self.asked += len(pairs)
        if self.asked > self.last:
            raise KeyboardInterrupt
        return [
            None if pair.input == "too long" else dict.fromkeys(self.criteria, self.step)
            for pair in pairs
        ]


def test_several_teachers_are_averaged_over_what_all_of_them_answer(tmp_path: Path) -> None:
    """(1 + 4) / 2 = 2.5 for the common criterion; a pair too long for one gets nothing."""
    some = [*pairs(2), PreferencePair("too long", "a", "b", "C", C)]
    silent = teach(tmp_path / "m.jsonl", [Fake(1), Fake(4, [C])], some, 2)
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [line["margins"] for line in lines] == [{C: 2.5}, {C: 2.5}, {}]
    assert [line["key"] for line in lines] == [pair_key(pair) for pair in some]
    assert silent == 1
    known = read_margins(tmp_path / "m.jsonl")
    assert margins_of([some[1], pairs(9)[8]], known) == [{C: 2.5}, {}]
    with pytest.raises(InputError, match="no criterion in common"):
        teach(tmp_path / "n.jsonl", [Fake(1, [R]), Fake(4, [C])], some, 2)


def test_an_interrupted_run_ends_with_the_file_of_an_unbroken_one(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    """Killed in the third batch of four, and once more in the middle of a line."""
    out, whole = tmp_path / "broken.jsonl", tmp_path / "whole.jsonl"
    folder = tiny_checkpoint()
    settings = TeachSettings(batch=4)
    teach(whole, [open_teacher(folder, settings)], pairs(), 4)

    class Killed(CheckpointTeacher):
        asked = 0

        def margins(self, pairs: Sequence[PreferencePair]) -> list[Margins | None]:
            self.asked += 1
            if self.asked == 3:
                raise KeyboardInterrupt
            return super().margins(pairs)

    with pytest.raises(KeyboardInterrupt):
        teach(out, [Killed(folder, settings)], pairs(), 4)
    text = out.read_text()
    assert text.count("\n") == 8
    out.write_text(text[: len(text) - 40])  # a line that was not written to its end
    going_on = Killed(folder, settings)
    teach(out, [going_on], pairs(), 4)
    assert going_on.asked == 2  # the half batch again, and the one after it
    assert out.read_text() == whole.read_text()


def test_a_file_of_other_teachers_or_records_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "m.jsonl"
    teach(out, [Fake(1)], pairs(4), 2)
    before = out.read_text()
    with pytest.raises(InputError, match="other teachers"):
        teach(out, [Fake(2)], pairs(4), 2)
    with pytest.raises(InputError, match="other records"):
        teach(out, [Fake(1)], pairs(6)[2:], 2)
    again = Fake(1)
    teach(out, [again], pairs(4), 2)
    assert (out.read_text(), again.asked) == (before, 0)
    teach(out, [again], pairs(6), 2)  # more records of the same: only the new ones are asked
    assert (out.read_text().startswith(before), again.asked) == (True, 2)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_a_bundle_and_the_checkpoint_it_is_of_teach_the_same(
    tiny_checkpoint: Callable[..., Path],
    tiny_bundle: Callable[..., Path],
    family: str,
) -> None:
    some = [*pairs(5), PreferencePair("", "x = 1\n" * 900, "x = 2", "Python", C)]
    settings = TeachSettings(row_tokens=96, cache=False)
    folders = tiny_checkpoint(family), tiny_bundle(family)
    mine, theirs = (open_teacher(each, settings).margins(some) for each in folders)
    assert mine[5] is None and theirs[5] is None  # longer than the 1,024 tokens it reads
    for one, other in zip(mine[:5], theirs[:5], strict=True):
        assert one is not None and other is not None
        assert one == pytest.approx(dict(other), abs=1e-4)
        assert len({round(value, 4) for value in one.values()}) == 3
    short = CheckpointTeacher(folders[0], TeachSettings(max_tokens=10))
    assert short.margins(some)[0] is None


def test_a_teacher_is_told_the_intent_if_it_reads_one_and_we_want_it(
    tiny_checkpoint: Callable[..., Path],
) -> None:
    slots = [{"slot": "intent"}, "\n", {"slot": "code"}, "<|im_end|>"]
    folder = tiny_checkpoint(about={"layout": slots})
    told = [PreferencePair(intent, "a = 1", "b(2)", "Python", C) for intent in ("", "Fix it all")]
    with_it = CheckpointTeacher(folder, TeachSettings()).margins(told)
    without = CheckpointTeacher(folder, TeachSettings(intent=False)).margins(told)
    blind, told_it, *rest = [each[C] for each in (*with_it, *without) if each]
    assert abs(blind - told_it) > 1e-3
    assert rest == pytest.approx([blind, blind], abs=1e-5)


def test_the_command_takes_teachers_and_records_and_records_its_settings(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    write_pairs(tmp_path / "pairs.jsonl", pairs(3))
    folders = [str(tiny_checkpoint()), str(tiny_checkpoint("qwen3"))]
    out = tmp_path / "m.jsonl"
    arguments = ["teach", str(out), *folders, str(tmp_path / "pairs.jsonl"), "--row-tokens", "64"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert "3 of 3 pairs" in result.output
    single = [open_teacher(Path(each), TeachSettings()).margins(pairs(3)) for each in folders]
    for pair, one, other in zip(pairs(3), *single, strict=True):
        assert one is not None and other is not None
        mean = (one[C] + other[C]) / 2
        assert read_margins(out)[pair_key(pair)][C] == pytest.approx(mean, abs=1e-4)
    assert "row_tokens = 64" in (tmp_path / "m.toml").read_text()
    alone = CliRunner().invoke(cli, ["teach", str(out), folders[0], folders[1]])
    assert (alone.exit_code, "no RECORDS" in alone.output) == (2, True)


def test_what_is_no_file_of_margins_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="themis-train teach"):
        read_margins(tmp_path / "none.jsonl")
    (tmp_path / "other.jsonl").write_text('{"key": "a"}\n')
    with pytest.raises(InputError, match=r"other\.jsonl:1 is not a teacher"):
        read_margins(tmp_path / "other.jsonl")
