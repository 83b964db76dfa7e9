"""`themis feedback` as a user runs it; what shows a finding is a process with a real model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import GitRepository

from review_cli.main import cli
from review_core.command import run
from review_core.feedback import Answer, ShownFinding, write_answers

Themis = Callable[..., subprocess.CompletedProcess[str]]


def feedback(*arguments: str) -> int:
    return run(cli, "themis", ["feedback", *arguments])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_finding_that_was_shown_is_answered_listed_exported_and_forgotten(
    themis: Themis,
    repository: GitRepository,
    data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    repository.write(".themis.toml", "remember_findings = true\n")
    repository.commit("Add", shop="def pay(cart):\n    return cart.total\n")
    repository.write("shop.py", "def pay(cart):\n    return cart.total - cart.discount\n")
    there = ("-C", str(repository.path))
    report = json.loads(themis("review", *there, "--format", "json").stdout)
    ids = {each["id"] for each in report["findings"]}
    if not ids:  # random weights, but the same ones each time: the way back is worse then
        repository.git("commit", "--all", "--quiet", "--message", "Discount")
        repository.write("shop.py", "def pay(cart):\n    return cart.total\n")
        report = json.loads(themis("review", *there, "--format", "json").stdout)
        ids = {each["id"] for each in report["findings"]}
    assert ids

    assert feedback("list", *there) == 0
    waiting = capsys.readouterr().out.splitlines()
    assert waiting and all(line.split()[1] == "-" for line in waiting)
    first = waiting[0].split()[0]
    assert first in ids

    assert feedback(first[:8], "bad", "--note", "it is meant so", *there) == 0
    assert capsys.readouterr().out.startswith(f"{first}  bad ")
    assert feedback("list", *there) == 0
    assert "(it is meant so)" in capsys.readouterr().out.splitlines()[0]

    assert feedback("export", "pairs.jsonl", *there) == 0
    assert "pairs.jsonl: 1 preference pair" in capsys.readouterr().out
    (line,) = (repository.path / "pairs.jsonl").read_text().splitlines()
    assert json.loads(line)["tie"] is True

    assert feedback("forget", first, *there) == 0
    assert feedback("forget", "--all", *there) == 0
    assert "0 answers" in capsys.readouterr().out
    assert feedback("list", *there) == 0
    assert (
        capsys.readouterr().out
        == "no finding is kept here; remember_findings = true keeps those that reviews show\n"
    )


def test_a_review_that_is_not_told_to_leaves_nothing(
    themis: Themis, repository: GitRepository, data: Path
) -> None:
    repository.commit("Add", shop="def pay(cart):\n    return cart.total\n")
    repository.write("shop.py", "def pay(cart):\n    return cart.total - cart.discount\n")
    assert themis("review", "-C", repository.path).returncode == 0
    assert not data.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("abcd1234", "good"), "where the configuration says remember_findings = true"),
        (("abcd1234", "maybe"), "'maybe' is not one of 'good', 'bad'"),
        (("abcd1234",), "No such command 'abcd1234'"),
        (("forget",), "Give an ID, or --all."),
        (("forget", "abcd1234", "--all"), "Give an ID, or --all."),
    ],
)
def test_what_cannot_be_meant_is_bad_input(
    arguments: tuple[str, ...],
    told: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert feedback(*arguments) == 2
    assert told in capsys.readouterr().err


def test_answers_are_shared_by_a_file(
    repository: GitRepository, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ("-C", str(repository.path))
    finding = ShownFinding(
        ("ab12cd34",), "a.py", "f", "Python", "security", "S", 0.1, "x", "", "base", "head"
    )
    write_answers(tmp_path / "team.jsonl", [Answer(finding, False, None, "2026-01-02")])
    assert feedback("import", str(tmp_path / "team.jsonl"), *there) == 0
    assert capsys.readouterr().out == "1 answer read, 1 new\n"
    assert feedback("import", str(tmp_path / "team.jsonl"), *there) == 0
    assert capsys.readouterr().out == "1 answer read, 0 new\n"
    assert feedback("export", "--answers", "mine.jsonl", *there) == 0
    assert capsys.readouterr().out.endswith("mine.jsonl: 1 answer\n")
    mine = (repository.path / "mine.jsonl").read_bytes()
    assert mine == (tmp_path / "team.jsonl").read_bytes()
    assert feedback("import", "pairs.jsonl", *there) == 2
