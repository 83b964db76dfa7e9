from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Literal

import click
import pytest
from click.testing import CliRunner, Result

from review_core.errors import ConfigurationError
from training.settings import setting, stage_options, write_settings


@dataclasses.dataclass(frozen=True, slots=True)
class Some:
    """One field of each kind."""

    rate: float = setting(0.5, "A number.")
    kind: Literal["a", "b"] = setting("a", "One of two.")
    depths: tuple[int, ...] = setting((7, 8), "Several.")
    teacher: Path | None = setting(None, "A file, or none.")
    count: int | None = setting(None, "A whole number, or none.")
    balance: bool = setting(True, "A switch.")


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@stage_options(Some, "some")
def command(out: Path, settings: Some) -> None:
    """Record the settings."""
    write_settings(out, "some", settings, records=[Path("a"), Path("b")])
    click.echo(json.dumps(dataclasses.asdict(settings), default=str))


def run(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [str(out), *arguments])


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_command_line_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    file = written(tmp_path, "[some]\nrate = 0.25\ndepths = [1]\n[other]\nmine = 1\n")
    got = json.loads(run(tmp_path, "--config", file, "--rate", "2", "--no-balance").output)
    assert (got["rate"], got["depths"], got["kind"]) == (2.0, [1], "a")
    assert got["balance"] is False
    assert got["teacher"] is None


def test_what_a_stage_records_sets_it_up_again(tmp_path: Path) -> None:
    options = ("--kind", "b", "--depths", "3,4", "--teacher", "t.npz", "--no-balance")
    first = run(tmp_path, *options).output
    record = tmp_path / "some.toml"
    assert '"a"' in record.read_text("utf-8")  # its inputs are named
    assert run(tmp_path, "--config", str(record)).output == first


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[some]\nrte = 1\n", "did you mean rate?"),
        ("[some]\nzzz = 1\n", "it takes rate, kind"),
        ("some = 3\n", "written \\[some\\]"),
        ("[some\n", "not valid TOML"),
    ],
)
def test_a_file_that_is_wrong_is_told_what_is(tmp_path: Path, text: str, says: str) -> None:
    result = run(tmp_path, "--config", written(tmp_path, text))
    with pytest.raises(ConfigurationError, match=says):
        raise result.exception or AssertionError(result.output)


def test_a_value_of_the_wrong_kind_names_the_option(tmp_path: Path) -> None:
    result = run(tmp_path, "--config", written(tmp_path, '[some]\nkind = "c"\n'))
    assert result.exit_code == 2
    assert "--kind" in result.output


def test_every_option_says_what_it_is() -> None:
    text = CliRunner().invoke(command, ["--help"]).output
    assert "One of two." in text
    assert "7,8" in text.replace(" ", "")
