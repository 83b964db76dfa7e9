"""`themis-train prepare` from files to a folder, on records made up here."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner

from review_core.errors import InputError
from review_core.records import PreferencePair, read_pairs, write_pairs
from training.cli import cli
from training.preparation import pipeline
from training.preparation.pipeline import prepare
from training.preparation.settings import PrepareSettings
from training.preparation.splits import SETS, group_of
from training.preparation.statistics import kind_of

CORRECT, READABLE = "Functional_Correctness", "Readability_Maintainability"
QUICK = PrepareSettings(min_language=0.0)


def function(seed: int, lines: int = 12) -> str:
    """Some Python of its own."""
    rng = random.Random(seed)
    names = [f"v{rng.randrange(10**5)}" for _ in range(lines)]
    body = "".join(
        f"    {name} = value * {rng.randrange(100)} + {at}\n" for at, name in enumerate(names)
    )
    end = f"    if value < other:\n        return {names[0]}\n    return {names[1]}\n"
    return f"def f{seed}(value, other):\n{body}{end}"


def commit(seed: int, repository: str = "o/a", aspect: str = CORRECT) -> PreferencePair:
    code = function(seed)
    return PreferencePair(
        input=f"Fix case {seed}",
        chosen=code + "# done\n" * (seed % 2),
        rejected=code.replace(" + 3", " - 3"),
        language="Python",
        aspect=aspect,
        source=f"{repository}@{seed}:f.py",
        subset="COMMITS",
        licence="MIT",
        idx=f"i{seed}",
    )


def write_rows(path: Path, rows: Sequence[object]) -> Path:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def made(out: Path) -> dict[str, list[PreferencePair]]:
    return {name: list(read_pairs(out / f"{name}.jsonl.zst")) for name in SETS}


def everything(out: Path) -> list[PreferencePair]:
    return [pair for pairs in made(out).values() for pair in pairs]


def stats(out: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((out / "stats.json").read_text("utf-8"))
    return read


def bytes_of(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != pipeline.PARTIAL
    }


@pytest.fixture
def mixed(tmp_path: Path) -> list[Path]:
    """Files of three forms with one record for nearly every reason to drop one."""
    good = [commit(seed, f"o/{'abcdefgh'[seed % 8]}") for seed in range(24)]
    one = good[0]
    bad = [
        replace(one, source="celery/celery@1:f.py"),  # evaluation
        replace(one, chosen="x = 1\n" * 4000),  # length
        replace(one, chosen="x"),  # syntax
        replace(good[1], input="again"),  # duplicate
        commit(90),  # contradiction, twice
        replace(commit(90), chosen=commit(90).rejected, rejected=commit(90).chosen),
        replace(good[2], chosen=good[2].chosen + "# more\n"),  # near duplicate
    ]
    write_pairs(tmp_path / "ours.jsonl.zst", [*good, *bad])
    trl = [
        {
            "prompt": "",
            "chosen": f"```python\n{function(seed)}```",
            "rejected": "```\nx = f(1, y)[0]\n```",
        }
        for seed in (100, 101)
    ]
    rows = ["{broken", {"chosen": "a"}, {"chosen": "a", "rejected": "b", "language": "Befunge"}]
    (tmp_path / "empty.jsonl").touch()
    return [
        tmp_path / "ours.jsonl.zst",
        write_rows(tmp_path / "trl.jsonl", [*trl, *rows]),
        tmp_path / "empty.jsonl",
    ]


def test_every_record_is_kept_or_counted_with_its_reason(tmp_path: Path, mixed: list[Path]) -> None:
    out = tmp_path / "out"
    prepare(out, mixed, replace(QUICK, aspect=CORRECT))
    funnel = stats(out)["funnel"]
    dropped = {step["step"]: step["dropped"] for step in funnel["steps"] if step["dropped"]}
    assert dropped == {
        "format": 3,
        "evaluation": 1,
        "length": 1,
        "syntax": 1,
        "duplicate": 1,
        "contradiction": 2,
        "near_duplicate": 1,
    }
    assert funnel["steps"][0]["reasons"] == {
        "an unknown language": 1,
        "no JSON object": 1,
        "no rejected": 1,
    }
    assert funnel["read"] == 24 + 7 + 5
    assert funnel["left"] == 26 == len(everything(out)) == funnel["steps"][-1]["left"]
    assert sum(each["pairs"] for each in stats(out)["sets"].values()) == 26


def test_the_same_seed_gives_the_same_bytes_whatever_the_processes(
    tmp_path: Path, mixed: list[Path]
) -> None:
    settings = replace(QUICK, aspect=CORRECT, dev=0.2, test=0.2, neutral=0.3, injected=0.3, seed=3)
    prepare(tmp_path / "a", mixed, settings)
    prepare(tmp_path / "b", mixed, replace(settings, workers=2))
    prepare(tmp_path / "a", mixed, settings)  # again, with partial results
    first, second = bytes_of(tmp_path / "a"), bytes_of(tmp_path / "b")
    assert first.pop("prepare.toml") != second.pop("prepare.toml")  # it says how many processes
    assert first == second
    assert {"train.jsonl.zst", "dev.jsonl.zst", "test.jsonl.zst", "report.md"} <= set(first)
    prepare(tmp_path / "c", mixed, replace(settings, seed=4))
    assert made(tmp_path / "c") != made(tmp_path / "a")


def test_no_repository_is_on_two_sides_nor_are_like_pairs_of_two_aspects(tmp_path: Path) -> None:
    """Each pair of o/a to o/d has a near double of another aspect in o/e to o/h."""
    pairs = [commit(seed, f"o/{'abcd'[seed % 4]}") for seed in range(40)]
    pairs += [
        replace(
            pair,
            source=f"o/{'efgh'[at % 4]}@1:f.py",
            aspect=READABLE,
            chosen=f"{pair.chosen}# so\n",
        )
        for at, pair in enumerate(pairs)
    ]
    write_pairs(tmp_path / "in.jsonl", pairs)
    prepare(tmp_path / "out", [tmp_path / "in.jsonl"], replace(QUICK, dev=0.25, test=0.25))
    where: defaultdict[str, set[str]] = defaultdict(set)
    for name, found in made(tmp_path / "out").items():
        for pair in found:
            where[group_of(pair, "source")].add(name)
            where[pair.input].add(name)
    assert all(len(names) == 1 for names in where.values())
    assert all(made(tmp_path / "out").values())
    assert len(everything(tmp_path / "out")) == 80


def test_like_pairs_can_be_kept_together_or_apart(tmp_path: Path) -> None:
    near = replace(commit(1), chosen=commit(1).chosen + "# so\n", source="o/b@1:f.py")
    write_pairs(tmp_path / "in.jsonl", [commit(1), near])
    ways: tuple[tuple[Literal["drop", "group", "keep"], int, int], ...]
    ways = (("drop", 1, 1), ("group", 1, 2), ("keep", 2, 2))
    for how, sides, count in ways:
        settings = replace(QUICK, near_duplicates=how, dev=0.5, test=0.0)
        prepare(tmp_path / how, [tmp_path / "in.jsonl"], settings)
        found = made(tmp_path / how)
        assert sum(map(bool, found.values())) == sides
        assert len(everything(tmp_path / how)) == count


def test_made_pairs_stay_on_the_side_of_what_they_are_made_of(tmp_path: Path) -> None:
    write_pairs(tmp_path / "in.jsonl", [commit(seed, f"o/{seed % 5}") for seed in range(40)])
    settings = replace(QUICK, dev=0.2, test=0.2, neutral=0.5, injected=0.25)
    prepare(tmp_path / "out", [tmp_path / "in.jsonl"], settings)
    for name, pairs in made(tmp_path / "out").items():
        kinds = defaultdict(list)
        for pair in pairs:
            kinds[kind_of(pair)].append(pair)
        of = {pair.source for pair in kinds["commit"]}
        count = len(kinds["commit"])
        assert count, name
        assert {pair.source for pair in kinds["neutral"] + kinds["injected"]} <= of
        assert (len(kinds["neutral"]), len(kinds["injected"])) == (count // 2, count // 4)
        assert all(pair.tie for pair in kinds["neutral"])
        assert all(not pair.tie and pair.chosen != pair.rejected for pair in kinds["injected"])


def test_lengths_are_matched_in_the_training_set_only(tmp_path: Path) -> None:
    """18 longer and 2 shorter at a ratio of 1: 2 and 2 are left, 16 dropped."""
    pairs = [commit(seed) for seed in range(20)]
    pairs = [
        replace(pair, chosen=pair.chosen + "# end\n") if at >= 2
        else replace(pair, rejected=pair.rejected + "# more\n# end\n")
        for at, pair in enumerate(pairs)
    ]  # fmt: skip
    write_pairs(tmp_path / "in.jsonl", pairs)
    settings = replace(QUICK, match_length=True, max_ratio=1.0, dev=0.0, test=0.0)
    prepared = prepare(tmp_path / "out", [tmp_path / "in.jsonl"], settings)
    assert prepared.funnel.at("length_matched") == 16
    assert stats(tmp_path / "out")["sets"]["train"]["directions"]["all"] == {
        "longer": 2, "shorter": 2, "equal": 0, "longer_wins": 0.5,
    }  # fmt: skip


class Counting:
    """A perplexity that is told by the prompt's length, and stops where it is told to."""

    name = "counting"

    def __init__(self, stop_after: int) -> None:
        self.left = stop_after
        self.asked: list[str] = []

    def __call__(self, texts: list[str]) -> list[float]:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.asked += texts
        return [2000.0 if "1" in text else 10.0 for text in texts]


def test_an_interrupted_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pairs(tmp_path / "in.jsonl", [commit(seed) for seed in range(30)])
    monkeypatch.setattr(pipeline, "_BATCH", 8)
    whole, stopped, resumed = Counting(9), Counting(2), Counting(9)

    def run(out: str, model: Counting) -> None:
        monkeypatch.setattr(pipeline, "perplexity", lambda *_: model)
        prepare(tmp_path / out, [tmp_path / "in.jsonl"], QUICK)

    run("whole", whole)
    with pytest.raises(KeyboardInterrupt):
        run("cut", stopped)
    assert not (tmp_path / "cut" / "train.jsonl.zst").exists()
    run("cut", resumed)
    assert stopped.asked + resumed.asked == whole.asked
    assert bytes_of(tmp_path / "cut") == bytes_of(tmp_path / "whole")
    assert not (tmp_path / "cut" / "work").exists()
    assert stats(tmp_path / "cut")["funnel"]["steps"][8]["dropped"] == 12  # 1, 10 to 19, 21


def test_the_report_shows_what_stats_count(tmp_path: Path, mixed: list[Path]) -> None:
    out = tmp_path / "out"
    prepare(out, mixed, replace(QUICK, aspect=CORRECT, neutral=0.2))
    report = (out / "report.md").read_text("utf-8")
    assert "36 records were read and 26 kept; 5 neutral ties" in report
    assert "1 no JSON object" in report
    for picture in ("funnel", "languages", "sources", "licences", "lengths"):
        assert f"(pictures/{picture}.svg)" in report
        ElementTree.fromstring((out / "pictures" / f"{picture}.svg").read_text("utf-8"))
    assert "longer wins" in (out / "pictures" / "lengths.svg").read_text("utf-8")


# --- what cannot be prepared ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "are empty"),
        (["{", "{"], "no preference pair in 2 rows"),
        (
            [{"chosen": "x", "rejected": "y", "language": "Python", "aspect": CORRECT}],
            "no pair is left",
        ),
    ],
)
def test_files_that_leave_nothing_are_an_error(
    tmp_path: Path, rows: list[object], says: str
) -> None:
    path = write_rows(tmp_path / "in.jsonl", rows)
    with pytest.raises(InputError, match=says):
        prepare(tmp_path / "out", [path], QUICK)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in.jsonl", [])
    with pytest.raises(InputError, match="cannot write to"):
        prepare(path / "out", [path], QUICK)


# --- the command ----------------------------------------------------------------------------------


def run_command(*arguments: object) -> str:
    result = CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_records_settings_that_prepare_the_same_again(tmp_path: Path) -> None:
    write_pairs(tmp_path / "in.jsonl", [commit(seed, f"o/{seed}") for seed in range(10)])
    arguments = ("--dev", "0.2", "--min-language", "0", "--seed", "5")
    said = run_command("prepare", tmp_path / "a", tmp_path / "in.jsonl", *arguments)
    assert "dev.jsonl.zst: 2 pairs" in said
    again = ("--config", tmp_path / "a" / "prepare.toml")
    run_command("prepare", tmp_path / "b", tmp_path / "in.jsonl", *again)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


@pytest.mark.parametrize("command", ["sample", "neutral"])
def test_drawn_and_neutral_pairs_have_their_settings_beside_them(
    tmp_path: Path, command: str
) -> None:
    write_pairs(tmp_path / "in.jsonl", [commit(seed) for seed in range(6)])
    run_command(command, tmp_path / "a.jsonl", tmp_path / "in.jsonl", "--count", "3")
    settings = tmp_path / "a.jsonl.toml"
    run_command(command, tmp_path / "b.jsonl", tmp_path / "in.jsonl", "--config", settings)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert len(list(read_pairs(tmp_path / "a.jsonl"))) == 3


def test_help_needs_no_torch_and_names_every_setting() -> None:
    text = click.unstyle(run_command("prepare", "--help"))
    for name in PrepareSettings.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in text
