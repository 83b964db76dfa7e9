"""The Makefile, its scripts and `.ci/run`: what they would do, without doing the long parts."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in the repository as a person would: options and settings of a make above us, which
    it exports, left behind.
    """
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    settings = re.findall(r"^([A-Z_]+) \?=", makefile, flags=re.MULTILINE)
    environment = {
        name: value
        for name, value in os.environ.items()
        if "MAKE" not in name and name not in settings
    }
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))


@pytest.fixture
def installed(tmp_path: Path) -> str:
    """An environment that says it is up to date, as the setting for make."""
    for stamp in (".runtime-installed", ".everything-installed"):
        (tmp_path / stamp).touch()
    return f"VENV={tmp_path}"


def test_help_is_the_default_and_lists_every_target() -> None:
    listed = make()
    assert listed.returncode == 0
    assert set(re.findall(r"^  make (\S+) +\S", listed.stdout, flags=re.MULTILINE)) == targets()


def test_every_make_command_in_the_documents_is_a_target() -> None:
    said = {}
    for document in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*.md"),
    ]:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, flags=re.MULTILINE):
            said.setdefault(target, document.name)
    assert {"review", "test"} <= said.keys()
    assert {target: where for target, where in said.items() if target not in targets()} == {}


def test_review_installs_the_runtime_and_no_torch(tmp_path: Path) -> None:
    planned = make("--dry-run", "review", f"VENV={tmp_path}").stdout
    assert "'.[cpu]'" in planned
    assert "torch" not in planned
    assert "train" not in planned


def test_setup_installs_torch_before_the_extras_that_need_it(tmp_path: Path) -> None:
    planned = make(
        "--dry-run", "setup", f"VENV={tmp_path}", "TORCH_INSTALL=torch==0.0 -i here"
    ).stdout
    torch, extras = (
        planned.index("install -qq torch==0.0 -i here\n"),
        planned.index("train,scale,export,dev"),
    )
    assert torch < extras


def test_a_second_setup_does_nothing(installed: str) -> None:
    again = make("setup", installed)
    assert again.returncode == 0
    assert "nstall" not in again.stdout + again.stderr


def test_a_changed_pyproject_installs_again(installed: str) -> None:
    planned = make("--dry-run", "--what-if=pyproject.toml", "setup", installed).stdout
    assert "'.[cpu]'" in planned
    assert "train,scale,export,dev" in planned


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        ([], "review examples/demo/base examples/demo/head"),
        (["REPO=/srv/a b", "RANGE=v1...v2"], "review -C '/srv/a b' v1...v2"),
        (["REPO=/srv/x"], "review -C '/srv/x'"),
        (["RANGE=HEAD~3...HEAD"], "review -C '.' HEAD~3...HEAD"),
        (["ARGS=--format json"], "review examples/demo/base examples/demo/head --format json"),
    ],
)
def test_review_passes_on_what_it_is_asked(
    settings: list[str], command: str, installed: str
) -> None:
    planned = make("--dry-run", "review", installed, *settings).stdout
    assert " ".join(planned.split("themis ")[1].split()) == command


def test_bench_and_export_say_what_they_lack(installed: str) -> None:
    for target, setting in (("bench", "PAIRS="), ("export", "CHECKPOINT=")):
        refused = make(target, installed)
        assert refused.returncode == 2
        assert f"make {target} {setting}" in refused.stderr


def test_export_takes_the_calibration_that_lies_beside_the_checkpoint(
    installed: str, tmp_path: Path
) -> None:
    planned = make("--dry-run", "export", installed, f"CHECKPOINT={tmp_path}").stdout
    assert f"bundle '{tmp_path}' 'models/default'" in planned
    assert "--calibration" not in planned
    (tmp_path / "calibration.json").touch()
    planned = make("--dry-run", "export", installed, f"CHECKPOINT={tmp_path}").stdout
    assert f"--calibration '{tmp_path}/calibration.json'" in planned


def test_a_part_of_the_tests_runs_without_those_of_the_extension(installed: str) -> None:
    whole = make("--dry-run", "test", installed).stdout
    part = make("--dry-run", "test", installed, "PYTEST_ARGS=tests/x -k y").stdout
    assert "scripts/extension-npm .tools test" in whole
    assert "scripts/extension-npm .tools test" not in part
    assert part.endswith("-m pytest tests/x -k y\n")


def test_tests_get_their_tools_and_the_built_extension_first(tmp_path: Path) -> None:
    planned = make("--dry-run", "--always-make", "test", f"TOOLS={tmp_path}").stdout
    tools = planned.index(f"scripts/install-test-tools {tmp_path}\n")
    built = planned.index(f"scripts/extension-npm {tmp_path} build package test:host\n")
    assert max(tools, built) < planned.index("-m pytest")


def test_the_extension_is_built_without_python(tmp_path: Path) -> None:
    planned = make("--dry-run", "--always-make", "extension", f"VENV={tmp_path}").stdout
    assert "build package" in planned
    assert str(tmp_path) not in planned


# --- .ci/run --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fails", "calls", "succeeds"),
    [
        ("nothing", "test\ncheck\n", True),
        ("test", "test\n", False),
        ("check", "test\ncheck\n", False),
    ],
)
def test_ci_runs_test_then_check_and_fails_with_either(
    fails: str, calls: str, succeeds: bool, tmp_path: Path
) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin" / "make", f'echo "$@" >> calls; [ "$CI" ] && [ "$1" != {fails} ]')
    run = subprocess.run(
        ["bash", tmp_path / ".ci" / "run"],
        env=os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (tmp_path / "calls").read_text() == calls
    assert (run.returncode == 0) is succeeds


# --- scripts --------------------------------------------------------------------------------


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is all the script sees: Debian, as root, without git.

    apt-get is a stand-in that writes down how it was called.
    """
    for name in ("basename", "env"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    program(tmp_path / "id", "echo 0")
    program(tmp_path / "python3", "exit 0")
    program(tmp_path / "apt-get", f'echo "$@" >> {tmp_path}/calls')
    return tmp_path


def install_system_packages(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", ROOT / "scripts" / "install-system-packages", "python3"],
        env={"PATH": str(machine)},
        capture_output=True,
        text=True,
        check=False,
    )


def calls(machine: Path) -> str:
    recorded = machine / "calls"
    return recorded.read_text(encoding="utf-8") if recorded.exists() else ""


def test_only_missing_packages_are_installed(machine: Path) -> None:
    assert install_system_packages(machine).returncode == 0
    assert calls(machine) == "update -qq\ninstall -y -qq --no-install-recommends git\n"


def test_nothing_is_done_or_said_when_all_is_there(machine: Path) -> None:
    program(machine / "git", "exit 0")
    run = install_system_packages(machine)
    assert (run.returncode, run.stdout, run.stderr, calls(machine)) == (0, "", "", "")


def test_a_python_without_venv_gets_the_package_that_holds_it(machine: Path) -> None:
    program(machine / "git", "exit 0")
    program(machine / "python3", "exit 1")
    assert install_system_packages(machine).returncode == 0
    assert calls(machine).endswith("--no-install-recommends python3-venv\n")


def test_another_user_than_root_asks_sudo(machine: Path) -> None:
    program(machine / "id", "echo 1000")
    program(machine / "sudo", f'echo sudo >> {machine}/calls; "$@"')
    assert install_system_packages(machine).returncode == 0
    assert calls(machine).splitlines()[::2] == ["sudo", "sudo"]


def test_without_sudo_or_apt_it_says_what_is_missing(machine: Path) -> None:
    program(machine / "id", "echo 1000")
    without_sudo = install_system_packages(machine)
    (machine / "apt-get").unlink()
    without_apt = install_system_packages(machine)
    for run in (without_sudo, without_apt):
        assert run.returncode == 1
        assert "lacks" in run.stderr
        assert "git" in run.stderr
        assert run.stderr.count("\n") == 1
    assert calls(machine) == ""


def create_venv(python: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "create-venv", python, folder],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_broken_environment_is_made_anew_and_a_working_one_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    folder.mkdir()
    (folder / "pyvenv.cfg").touch()
    (folder / "left-over").touch()
    assert create_venv(sys.executable, folder).returncode == 0
    assert not (folder / "left-over").exists()

    (folder / "mine").touch()
    again = create_venv(sys.executable, folder)
    assert (again.returncode, again.stderr) == (0, "")
    assert (folder / "mine").exists()


def test_a_folder_that_is_no_environment_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    run = create_venv(sys.executable, tmp_path)
    assert run.returncode == 1
    assert "not a virtual environment" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_old_python_is_told_which_one_is_needed(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    pretend = "import sys; sys.version_info = (3, 10, 9); exec(sys.argv[1])"
    program(
        old,
        f'[ "$1" = -c ] && exec {sys.executable} -c "{pretend}" "$2"\necho "Python 3.10.9"',
    )
    run = create_venv(old, tmp_path / "venv")
    assert run.returncode == 1
    assert "needs Python 3.11 or newer" in run.stderr
    assert "Python 3.10.9" in run.stderr
