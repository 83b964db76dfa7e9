"""Tools that tests need: what is installed, what is said where that fails, and that CI is told."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import tools

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"


def program(path: Path, body: str = "exit 0") -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is all the scripts see: Debian, as root; apt-get takes notes."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("dirname", "env", "find", "mkdir", "sh", "touch", "tr"):
        (folder / name).symlink_to(str(shutil.which(name)))
    program(folder / "id", "echo 0")
    program(folder / "apt-get", f'echo "$@" >> {tmp_path}/calls')
    return folder


def run(
    machine: Path, script: Path, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", script, *arguments],
        env={"PATH": str(machine)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def calls(machine: Path) -> list[str]:
    recorded = machine.parent / "calls"
    return recorded.read_text(encoding="utf-8").splitlines() if recorded.exists() else []


def test_tools_that_are_here_cost_nothing_and_say_nothing(machine: Path) -> None:
    program(machine / "nvim")
    program(machine / "emacs")
    done = run(machine, SCRIPTS / "install-test-tools", machine.parent / "tools", "editors")
    assert (done.returncode, done.stdout, done.stderr, calls(machine)) == (0, "", "", [])


def test_only_the_tools_that_are_missing_are_installed(machine: Path) -> None:
    program(machine / "emacs")
    done = run(machine, SCRIPTS / "install-test-tools", machine.parent / "tools", "editors")
    assert done.returncode == 0
    assert calls(machine)[1:] == ["install -y -qq --no-install-recommends neovim"]


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("false", 0), ("true", 1), ("1", 1)])
def test_a_tool_that_cannot_be_had_is_named_and_fails_in_ci_alone(
    machine: Path, ci: str, code: int
) -> None:
    (machine / "apt-get").unlink()
    folder = machine.parent / "tools"
    done = run(machine, SCRIPTS / "install-test-tools", folder, "editors", CI=ci)
    assert done.returncode == code
    first, last = done.stderr.splitlines()
    assert first.endswith(
        "neovim emacs-nox. Install them with its package manager and run make again."
    )
    assert last == "Not installed: editors; the tests that need them are skipped"


def test_what_is_not_whole_is_tried_again_by_the_next_make(machine: Path) -> None:
    (machine / "apt-get").unlink()
    run(machine, SCRIPTS / "install-test-tools", machine.parent / "tools")
    assert not (machine.parent / "tools" / ".installed").exists()


# --- the extension's npm --------------------------------------------------------------------


@pytest.fixture
def checkout(machine: Path) -> Path:
    """A repository of the scripts and an extension; npm takes notes and leaves what it would."""
    checkout = machine.parent / "checkout"
    shutil.copytree(SCRIPTS, checkout / "scripts")
    (checkout / "vscode-extension" / "node_modules").mkdir(parents=True)
    (checkout / "vscode-extension" / "package-lock.json").touch()
    program(machine / "node", "echo 20")
    notes = f'echo "$@" >> {machine.parent}/calls'
    made = 'if [ "$1" = ci ]; then touch node_modules/.package-lock.json; fi'
    program(machine / "npm", f"{notes}; {made}")
    return checkout


def test_the_extensions_packages_are_installed_once(machine: Path, checkout: Path) -> None:
    for _ in range(2):
        run(machine, checkout / "scripts" / "extension-npm", machine.parent / "tools", "a", "b")
    ran = ["run --silent a", "run --silent b"]
    assert calls(machine) == ["ci --silent", *ran, *ran]


def test_a_changed_lock_installs_the_extensions_packages_again(
    machine: Path, checkout: Path
) -> None:
    installed = checkout / "vscode-extension" / "node_modules" / ".package-lock.json"
    installed.touch()
    os.utime(installed, (0, 0))
    run(machine, checkout / "scripts" / "extension-npm", machine.parent / "tools", "a")
    assert calls(machine)[0] == "ci --silent"


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_without_node_the_extension_is_left_out_but_not_in_ci(
    machine: Path, checkout: Path, ci: str, code: int
) -> None:
    for name in ("node", "npm", "apt-get"):
        (machine / name).unlink()
    script = checkout / "scripts" / "extension-npm"
    done = run(machine, script, machine.parent / "tools", "test", CI=ci)
    assert done.returncode == code
    assert "Not installed: node" in done.stderr


# --- tests/tools.py -------------------------------------------------------------------------


def test_a_missing_tool_skips_its_tests_and_fails_them_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tools, "FOLDER", tmp_path)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="make test installs"):
        tools.tool("webhooks.json")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="make test installs"):
        tools.tool("webhooks.json")


def test_node_of_our_own_comes_before_the_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = tmp_path / "node" / "bin" / "node"
    ours.parent.mkdir(parents=True)
    program(ours)
    monkeypatch.setattr(tools, "FOLDER", tmp_path)
    assert tools.tool("node") == ours
