"""What is given out to run the app, and to do without it, agrees with the code.

No image is built and no registry is asked: the files are read, and their scripts run with a
stand-in for what they call.
"""

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from app_front import FakeInbox, app_settings, app_with
from git_repository import GitRepository

from github_app.cli import cli
from github_app.settings import KEYS, PREFIX, load_settings
from github_app.supervisor import KILL_GRACE
from review_cli.main import cli as themis

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "github_app" / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
UNIT = DEPLOY / "themis-github-app.service"
ACTION = ROOT / ".github" / "actions" / "review" / "action.yml"
WORKFLOW = ROOT / ".github" / "workflows" / "review.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
GUIDE = ROOT / "docs" / "github_app.md"
FILES = (COMPOSE, UNIT, DEPLOY / "Dockerfile", ACTION, WORKFLOW, HOOKS, GUIDE)


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def checked(command: click.Command, line: str) -> None:
    """Each word of a command line is a subcommand, an option that exists, or a value."""
    words = [word for word in shlex.split(line, comments=True) if word not in ("&&", "|")]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.commands.get(words.pop(0))
        assert found is not None, line
        command = found
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    given = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    assert given <= options | {"--help"}, line


def calls(file: Path) -> list[str]:
    """What stands behind the app's name in code: a line of its own, a remark, or between ticks."""
    text = file.read_text("utf-8")
    found = re.findall(r"themis-github-app ((?:[a-z]+|--help)\b[^`\n]*)", text)
    return [re.split(r"  +#| && |;", line)[0] for line in found]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_command_in_them_exists_with_its_options(file: Path) -> None:
    for line in calls(file):
        checked(cli, line)


def test_the_guide_shows_every_command() -> None:
    shown = {line.split()[0] for line in calls(GUIDE)}
    assert shown == set(cli.commands)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_variable_in_them_is_a_setting(file: Path) -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", file.read_text("utf-8")))
    assert {name.lower() for name in named} - {*KEYS, "config"} == set()


def test_the_guide_names_every_setting() -> None:
    text = GUIDE.read_text("utf-8")
    assert [key for key in KEYS if f"`{key}`" not in text] == []


# --- containers ----------------------------------------------------------------------------------


def test_the_containers_start_what_exists_with_settings_that_load(tmp_path: Path) -> None:
    compose = read(COMPOSE)
    (tmp_path / "private-key").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    for name in ("webhook-secret", "database-url"):
        (tmp_path / name).write_text("postgresql://themis:word@database/themis")
    for name in ("web", "worker"):
        service = compose["services"][name]
        checked(cli, shlex.join(service["command"]))
        environment = {
            key: re.sub(r"\$\{[A-Z_]+:-?([^}]*)\}", r"\1", value).replace(
                "/run/secrets", str(tmp_path)
            )
            for key, value in service["environment"].items()
        }
        environment |= {f"{PREFIX}APP_ID": "1", f"{PREFIX}APP_SLUG": "ours"}
        settings = load_settings(environment)
        assert settings.database_url.reveal().startswith("postgresql://")
        assert set(service["secrets"]) <= set(compose["secrets"])
    workers = compose["services"]["worker"]["deploy"]["replicas"]
    assert compose["services"]["web"]["environment"][f"{PREFIX}WORKERS"] == str(workers)


def test_the_health_check_asks_a_path_that_exists() -> None:
    asked = read(COMPOSE)["services"]["web"]["healthcheck"]["test"][-1]
    port, path = re.search(r"127\.0\.0\.1:(\d+)(/\w+)", asked).groups()  # type: ignore[union-attr]
    assert path in {route.path for route in app_with(FakeInbox()).routes}  # type: ignore[attr-defined]
    assert f"EXPOSE {port}" in (DEPLOY / "Dockerfile").read_text("utf-8")


def test_no_port_is_open_to_the_network_and_nothing_runs_as_root() -> None:
    services = read(COMPOSE)["services"]
    published = [port for each in services.values() for port in each.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert re.search(r"^USER themis$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for name in ("web", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]


def test_the_image_takes_from_the_checkout_what_the_package_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    build = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    allowed = {
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    for path in (*build["packages"], *build["shared-data"], "pyproject.toml", "README.md"):
        assert any(path == each or path.startswith(f"{each}/") for each in allowed), path
    for each in allowed:
        assert (ROOT / each).exists(), each


# --- systemd -------------------------------------------------------------------------------------


def test_the_unit_hands_over_the_files_that_its_settings_name() -> None:
    text = UNIT.read_text("utf-8")
    handed = set(re.findall(r"^LoadCredential=([^:]+):", text, re.MULTILINE))
    named = set(re.findall(r"=%d/(\S+)", text))
    assert handed == named == {"private-key.pem", "webhook-secret"}


def test_the_unit_waits_longer_than_the_app_needs_to_stop() -> None:
    waits = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text("utf-8"), re.MULTILINE)
    assert waits is not None
    assert int(waits[1]) > app_settings().shutdown_seconds + KILL_GRACE
    grace = read(COMPOSE)["services"]["worker"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > app_settings().shutdown_seconds + KILL_GRACE


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    program = tmp_path / "themis-github-app"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    installed = "/opt/themis-review/bin/themis-github-app serve"
    unit.write_text(UNIT.read_text("utf-8").replace(installed, f"{program} serve"))
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    said = [line for line in run.stderr.splitlines() if UNIT.name in line]
    assert (run.returncode, said) == (0, [])


# --- without an app ------------------------------------------------------------------------------


def scripts() -> Iterator[tuple[str, dict[str, Any]]]:
    for step in read(ACTION)["runs"]["steps"]:
        yield "action", step
    for step in read(WORKFLOW)["jobs"]["review"]["steps"]:
        yield "workflow", step


def test_no_script_holds_a_value_of_the_pull_request() -> None:
    """`${{ ... }}` in a script is put in before the shell reads it: a title could be a command."""
    assert [step["name"] for _, step in scripts() if "${{" in step.get("run", "")] == []


def test_the_workflow_runs_on_what_is_trusted() -> None:
    workflow = read(WORKFLOW)
    assert set(workflow[True]) == {"workflow_call"}  # YAML reads the key `on` as true
    checkouts = [step["with"] for _, step in scripts() if "checkout@" in step.get("uses", "")]
    assert checkouts[0]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert all(each["persist-credentials"] is False for each in checkouts)


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    inputs = read(ACTION)["inputs"]
    call = next(step for _, step in scripts() if step.get("uses", "").endswith("actions/review"))
    assert (ROOT / call["uses"].removeprefix("./themis/") / "action.yml") == ACTION
    assert set(call["with"]) <= set(inputs)
    script = next(
        step for place, step in scripts() if step.get("name") == "Review" and place == "action"
    )
    used = set(re.findall(r"inputs\.([a-z-]+)", str(script["env"])))
    assert used == set(inputs)


def run_action(repository: GitRepository, tmp_path: Path, **values: str) -> list[list[str]]:
    """Run the action's own script with a `themis` that writes down what it was given."""
    step = next(each for each in read(ACTION)["runs"]["steps"] if each.get("name") == "Review")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    log = tmp_path / "log"
    program = bin_ / "themis"
    program.write_text(f'#!/bin/bash\nprintf "%s\\0" "$@" >> {log}\nprintf "\\n" >> {log}\n')
    program.chmod(0o755)
    environment = {
        "PATH": f"{bin_}:/usr/bin:/bin",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_WORKSPACE": str(tmp_path),
        **{name: "" for name in step["env"]},
        "BASE": "a" * 40,
        "HEAD": "b" * 40,
        "DIRECTORY": str(repository.path),
        **values,
    }
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        env=environment,
        cwd=tmp_path,
        check=True,
    )
    return [line.split("\0")[:-1] for line in log.read_text("utf-8").split("\n") if line]


def test_the_action_passes_on_what_it_was_given(repository: GitRepository, tmp_path: Path) -> None:
    calls = run_action(repository, tmp_path, **{"FAIL_ON": "correctness=0.9", "SARIF": "t.sarif"})
    span = f"{'a' * 40}...{'b' * 40}"
    common = ["review", "-C", str(repository.path), span]
    assert calls == [
        [*common, "--format", "markdown"],
        [*common, "--format", "sarif", "--output", str(tmp_path / "t.sarif")],
        [*common, "--quiet", "--fail-on", "correctness=0.9"],
    ]
    for call in calls:
        checked(themis, shlex.join(call))


def test_a_title_that_is_a_command_stays_a_title(repository: GitRepository, tmp_path: Path) -> None:
    title = '"; touch pwned; echo "$(touch pwned)` touch pwned `'
    calls = run_action(repository, tmp_path, INTENT=title)
    assert [call[call.index("--intent") + 1] for call in calls] == [title, title]
    assert not (tmp_path / "pwned").exists()


def test_the_hook_is_a_command_that_exists() -> None:
    (hook,) = read(HOOKS)
    assert hook["pass_filenames"] is False
    checked(themis, hook["entry"].removeprefix("themis "))


def test_the_hook_installs_what_the_command_needs() -> None:
    """pre-commit installs without extras, so that of the model's runtime is said a second time."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (hook,) = read(HOOKS)
    assert hook["additional_dependencies"] == project["optional-dependencies"]["cpu"]
