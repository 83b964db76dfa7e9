"""Runs the commands that a page shows and writes down what they printed.

    python -m scripts.documents.transcripts docs/tutorial.md

The blocks of a page (fenced, ```console, a command behind each `$ `) are one session of bash, in an
empty folder that holds a copy of this repository's Makefile and examples as `themis-review`, and
an environment in which the commands of this one are installed. A test compares what the page says
with what is printed now, seconds apart.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", flags=re.MULTILINE | re.DOTALL)
_PROGRESS = re.compile(r"^themis: \w+ing \w+: \d+ of \d+.*\n", flags=re.MULTILINE)
_END = "\x1e"  # no command prints it


def written_anew(text: str, folder: Path, programs: Path, cache: Path | None = None) -> str:
    """A page's text, with what its commands print now.

    :param folder: where the session begins; empty.
    :param programs: the folder of `themis` and `python`.
    :param cache: where rewards are kept; None for below the folder.
    """
    blocks = _BLOCK.findall(text)
    commands = [_commands(block) for block in blocks]
    _lay_out(folder, programs)
    environment = _environment(folder, cache or folder / ".cache")
    printed = iter(_session([each for block in commands for each in block], folder, environment))
    new = iter("".join(f"$ {command}\n{next(printed)}" for command in block) for block in commands)
    return _BLOCK.sub(lambda _: next(new), text)


def _commands(block: str) -> list[str]:
    """A command goes on in the next line where one ends with a backslash."""
    found = re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, flags=re.MULTILINE)
    if not found:
        raise ValueError("a console block has no line that begins with '$ '")
    return found


def _lay_out(folder: Path, programs: Path) -> None:
    """A checkout whose environment is already made, as after the first call of make."""
    checkout = folder / "themis-review"
    shutil.copytree(ROOT / "examples", checkout / "examples")
    shutil.copytree(ROOT / "scripts", checkout / "scripts")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    (checkout / "vscode-extension").mkdir()  # the Makefile looks for what the extension is made of
    environment = checkout / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "themis").symlink_to(programs / "themis")
    (environment / ".runtime-installed").touch()


def _session(commands: Sequence[str], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What each command printed, errors among the rest and progress left out, in one shell."""
    script = "".join(
        f"{{ {command}\n}} 2>&1; status=$?; printf '{_END}'; (exit $status)\n"
        for command in commands
    )
    run = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = run.stdout.split(_END)
    if len(printed) != len(commands) + 1:
        raise RuntimeError(f"the session broke off: {run.stdout[-2000:]}{run.stderr[-2000:]}")
    return [_PROGRESS.sub("", each) for each in printed[:-1]]


def _environment(folder: Path, cache: Path) -> Mapping[str, str]:
    """Nothing of the caller's settings, and dates that make the ids of commits the same."""
    person = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (
            ("NAME", "You"),
            ("EMAIL", "you@example.com"),
            ("DATE", "2026-11-25T09:00:00+00:00"),
        )
    }
    return person | {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / ".home"),
        "XDG_CACHE_HOME": str(cache),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
    }


def main(page: Path) -> None:
    """Write a page anew."""
    with tempfile.TemporaryDirectory() as folder:
        text = page.read_text(encoding="utf-8")
        page.write_text(
            written_anew(text, Path(folder), Path(sys.executable).parent), encoding="utf-8"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
