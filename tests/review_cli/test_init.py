"""`themis init`: a file that changes nothing until one wants it to, and fits the repository."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from git_repository import GitRepository

from review_cli.init import starter
from review_cli.main import cli
from review_core.command import run
from review_core.config import FILE_NAME, config_schema, load_settings
from review_core.languages import LANGUAGES

TRAINED = ("Python", "C")


def lines(*paths: str) -> str:
    return "\n".join(starter(paths, TRAINED, config_schema())) + "\n"


def test_the_file_changes_nothing_and_each_key_is_allowed_once_its_mark_is_gone(
    tmp_path: Path,
) -> None:
    before = load_settings(tmp_path).settings
    file = tmp_path / FILE_NAME
    file.write_text(lines("a.py"))
    assert load_settings(tmp_path).settings == before
    switched_on = re.sub(r"(?m)^# (\w+ = )", r"\1", file.read_text()).replace('"..."', '"x"')
    file.write_text(switched_on)
    resolved = load_settings(tmp_path)
    assert set(resolved.origins.values()) == {str(file)}
    assert set(resolved.origins) == set(resolved.values)


def test_every_key_is_there_under_its_table() -> None:
    found = tomllib.loads(re.sub(r"(?m)^# (\w+ = )", r"\1", lines()))
    assert found["axes"]["security"]["mode"] == "comment"
    assert set(found) == set(config_schema()["properties"])


def test_languages_are_counted_and_those_out_of_distribution_named() -> None:
    text = " ".join(lines("a.py", "b/c.py", "d.c", "e.rs", "README.md").replace("#", " ").split())
    assert "reviewed here: Python (2), C (1)." in text
    assert "Rust: read, but the model was not trained on it" in text


def test_folders_of_data_are_suggested_and_not_in_force() -> None:
    text = lines("app/migrations/0001.py", "tests/fixtures/a/b.py", "fixtures.py", "notes/golden/x")
    assert '# exclude = ["fixtures/", "migrations/"]' in text


def test_a_repository_without_code_is_said_so() -> None:
    assert "No file here is in a language that Themis reads." in lines("README.md")


@pytest.mark.bundle
def test_the_command_looks_at_the_repository_and_writes_over_nothing(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit("start", app="x = 1\n")
    run_init = ["init", "-C", str(repository.path)]
    assert run(cli, "themis", run_init) == 0
    assert f"{FILE_NAME}: written after a look at 1 file\n" in capsys.readouterr().out
    written = (repository.path / FILE_NAME).read_text()
    assert "Python (1)" in written
    assert run(cli, "themis", run_init) == 2
    assert "--force writes over it" in capsys.readouterr().err
    assert run(cli, "themis", [*run_init, "--force"]) == 0


def test_outside_of_a_repository_there_is_nothing_to_look_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cli, "themis", ["init", "-C", str(tmp_path)]) == 2
    assert "is not in a git repository" in capsys.readouterr().err


def test_the_languages_of_the_tests_are_ours() -> None:
    assert set(TRAINED) <= {each.name for each in LANGUAGES}
