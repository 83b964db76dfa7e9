"""The command line: starts fast, and shows no secret when something fails."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from app_front import ENVIRONMENT
from click.testing import CliRunner

from github_app.cli import cli
from github_app.redaction import redactor
from review_core.command import INTERNAL, run
from review_core.errors import ThemisError

HEAVY = (
    "cryptography", "dbos", "fastapi", "git", "githubkit", "httpx", "markdown_it", "numpy",
    "onnxruntime", "prometheus_client", "pydantic", "sqlalchemy", "uvicorn",
)  # fmt: skip
TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, github_app.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_each_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_settings_in_force_are_printed_without_secrets() -> None:
    result = CliRunner().invoke(cli, ["settings"], env=ENVIRONMENT, catch_exceptions=False)
    assert "app_slug = themis-review\n" in result.output
    assert "private_key = (secret)\n" in result.output
    for secret in ("THEMIS_APP_PRIVATE_KEY", "THEMIS_APP_WEBHOOK_SECRET"):
        assert ENVIRONMENT[secret].strip() not in result.output


def test_all_keys_are_listed_without_any_settings() -> None:
    result = CliRunner().invoke(cli, ["settings", "--keys"], env={}, catch_exceptions=False)
    assert "THEMIS_APP_WEBHOOK_PATH\n    The path GitHub delivers to. Default: /webhook.\n" in (
        result.output
    )


@pytest.mark.parametrize("error", [ThemisError, RuntimeError])
def test_an_error_that_holds_a_secret_is_told_without_it(
    error: type[Exception], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEMIS_DEBUG", "1")

    @click.command()
    def fails() -> None:
        raise error(f"https://x-access-token:{TOKEN}@github.com refused")

    assert run(fails, "themis-github-app", [], redactor()) in (2, INTERNAL)
    told = capsys.readouterr().err
    assert "https://(secret)@github.com refused" in told
    assert TOKEN not in told


def test_a_doctor_without_settings_says_what_to_set(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["doctor"], standalone_mode=False, catch_exceptions=False)
    assert result.return_value == 1
    assert result.output.startswith("FAIL  settings: app_id is not set")
