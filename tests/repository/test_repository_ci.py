"""The recipes for CI systems: they parse, and each command and input they name is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from review_cli.main import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
SHELL = (ROOT / "docs" / "shell.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = PAGE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def recipes() -> tuple[Any, Any, Any]:
    """GitHub's workflow, GitLab's job and the configuration of pre-commit."""
    github, gitlab, pre_commit = map(yaml.safe_load, blocks("yaml"))
    return github, gitlab, pre_commit


def review_commands() -> Iterator[str]:
    _, gitlab, _ = recipes()
    yield from gitlab["themis"]["script"]
    (jenkins,) = blocks("groovy")
    yield from (line for line in re.findall(r"sh '(.*)'", jenkins) if "themis review" in line)


def review_arguments(line: str) -> list[str]:
    command, _, rest = line.removeprefix(".themis/bin/").partition(" || ")
    assert rest in ("", "[ $? -eq 1 ]")
    program, review, *arguments = shlex.split(command)
    assert (program, review) == ("themis", "review")
    return arguments


@pytest.mark.parametrize("line", list(review_commands()))
def test_a_review_of_a_recipe_is_one_that_the_program_takes(line: str) -> None:
    command = cli.commands["review"]
    context = command.make_context("review", review_arguments(line))
    context.close()
    assert len(context.params["targets"]) == 1
    assert context.params["output"] is not None


@pytest.mark.parametrize("line", list(review_commands()))
def test_what_others_write_is_in_quotes(line: str) -> None:
    assert re.sub(r'"[^"]*"|\$\?', "", line).count("$") == 0


def test_the_workflow_gives_inputs_that_the_called_one_has() -> None:
    github, _, _ = recipes()
    called = yaml.safe_load((ROOT / ".github" / "workflows" / "review.yml").read_text())
    (job,) = github["jobs"].values()
    assert job["uses"].partition("@")[0].endswith(".github/workflows/review.yml")
    inputs = called[True]["workflow_call"]["inputs"]  # YAML 1.1 reads `on` as true
    assert set(job["with"]) <= set(inputs)
    assert {name for name, each in inputs.items() if each.get("required")} <= set(job["with"])
    assert github["permissions"]["security-events"] == "write" and job["with"]["sarif"] is True


def test_gitlab_collects_what_the_commands_write_and_the_last_one_decides() -> None:
    _, gitlab, _ = recipes()
    job = gitlab["themis"]
    formats = {"junit": "junit", "codequality": "codequality"}
    for line in job["script"]:
        arguments = review_arguments(line)
        form = arguments[arguments.index("--format") + 1]
        assert job["artifacts"]["reports"][formats.pop(form)] in arguments
    assert formats == {}
    assert "||" in job["script"][0] and "||" not in job["script"][-1]
    assert job["variables"]["GIT_DEPTH"] == "0"
    assert job["variables"]["XDG_CACHE_HOME"].endswith(f"/{job['cache']['paths'][0].strip('/')}")


def test_jenkins_reads_what_the_command_writes() -> None:
    (jenkins,) = blocks("groovy")
    assert jenkins.count("{") == jenkins.count("}")
    (line,) = (line for line in re.findall(r"sh '(.*)'", jenkins) if "themis review" in line)
    arguments = review_arguments(line)
    assert f"junit '{arguments[arguments.index('--output') + 1]}'" in jenkins
    assert arguments[arguments.index("--format") + 1] == "junit"


def test_the_hook_is_one_that_we_offer_with_options_that_it_takes() -> None:
    *_, pre_commit = recipes()
    (asked,) = pre_commit["repos"][0]["hooks"]
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (hook,) = (each for each in offered if each["id"] == asked["id"])
    program, review, *options = shlex.split(hook["entry"])
    assert (program, review) == ("themis", "review")
    cli.commands["review"].make_context("review", [*options, *asked["args"]]).close()


def test_every_format_of_a_recipe_exists() -> None:
    (form,) = (each for each in cli.commands["review"].params if each.name == "form")
    assert isinstance(form.type, click.Choice)
    assert set(re.findall(r"--format (\w+)", PAGE)) <= {*form.type.choices}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_of_the_page_have_a_completion(shell: str) -> None:
    (line,) = blocks(shell, SHELL)
    assert f"_THEMIS_COMPLETE={shell}_source themis" in line
    told = {"_THEMIS_COMPLETE": f"{shell}_complete"}
    words = {"COMP_WORDS": "themis hist", "COMP_CWORD": "hist" if shell == "fish" else "1"}
    run = subprocess.run(
        [sys.executable, "-m", "review_cli"],
        env=os.environ | told | words,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    assert "history" in run.stdout, run.stderr
