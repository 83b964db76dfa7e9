"""Runs the user's fix commands on copies of files, and reads patches. Judges nothing.

A command sees a temporary folder with the file, what lies beside it and above it (tools look there
for their configuration), and `node_modules` as links. Whatever it does there is thrown away, but
for the file. Commands are the user's own words: no configuration file can name one.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from review_core.errors import InputError
from review_core.sources.files import read_file
from review_core.sources.filters import Limits, reviewed
from review_core.sources.patch import patch_change
from review_core.suggestions import CHANGES_NOTHING, Fix, Suggestion
from review_core.types import Skipped

PLACE = "{file}"
_FOUND_SOMETHING = 1
"""The exit code of linters that fixed a file and still have something to say."""
_LARGEST_BESIDE = 1 << 20
"""In bytes; what is larger is no configuration."""


def command_of(text: str) -> tuple[str, ...]:
    """The words of a fix command.

    :raises InputError: unless it has a place for the file and its program exists.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise InputError(f"--fix {text!r} cannot be read: {error}") from error
    if not any(PLACE in word for word in words):
        raise InputError(f"--fix {text!r} has no {PLACE}; write it where the file's path belongs")
    if shutil.which(words[0]) is None:
        raise InputError(f"{words[0]} of --fix is not installed, or not on the PATH")
    return words


@dataclass(frozen=True, slots=True)
class Made:
    """What came of the fixes: those to judge, and those that came to nothing, with the reason."""

    fixes: tuple[Fix, ...]
    failed: tuple[Suggestion, ...]


def run_fixes(
    commands: Sequence[str],
    root: Path,
    files: Mapping[str, bytes],
    limits: Limits,
    time_limit: float,
) -> Made:
    """Run each command on each file. files: their contents by path below `root`.

    :raises InputError: if a command cannot be run at all.
    """
    fixes, failed = [], []
    for text in commands:
        words = command_of(text)
        changed = []
        with tempfile.TemporaryDirectory(prefix="themis-suggest-") as name:
            folder = Path(name).resolve()
            _furnish(folder, root, files)
            for path, content in files.items():
                reason = _run(words, folder, folder / path, time_limit)
                made = read_file(folder, path, limits)
                (folder / path).unlink(missing_ok=True)
                (folder / path).write_bytes(content)
                if isinstance(made, Skipped):
                    reason = reason or f"the file is {made.reason} after it"
                elif reason is None:
                    item = reviewed(path, content, made, limits)
                    if isinstance(item, Skipped):
                        reason = item.reason
                    elif item is None:
                        reason = CHANGES_NOTHING
                    else:
                        changed.append(item)
                if reason is not None:
                    failed.append(Suggestion(text, (path,), reason=reason))
        if changed:
            fixes.append(Fix(text, tuple(changed)))
    return Made(tuple(fixes), tuple(failed))


def read_patches(folder: Path, root: Path, limits: Limits) -> Made:
    """Each *.patch and *.diff of a folder, in the order of their names, applied to `root`.

    :raises InputError: if the folder holds none.
    """
    patches = [
        path
        for path in sorted(folder.iterdir() if folder.is_dir() else ())
        if path.suffix in (".patch", ".diff") and path.is_file()
    ]
    if not patches:
        raise InputError(f"{folder} holds no *.patch and no *.diff; name a folder that does")
    fixes, failed = [], []
    for patch in patches:
        try:
            text = patch.read_bytes().decode("utf-8", "replace")
            change = patch_change(text, root, limits=limits)
        except OSError as error:
            failed.append(Suggestion(patch.name, (), reason=f"cannot be read: {error.strerror}"))
        except InputError as error:
            told = str(error).partition("; --base-dir")[0]
            failed.append(Suggestion(patch.name, (), reason=f"does not apply: {told}"))
        else:
            if change.skipped:  # kept as a whole, or not at all
                skipped = change.skipped[0]
                reason = f"touches {skipped.path}: {skipped.reason}"
                failed.append(Suggestion(patch.name, (skipped.path,), reason=reason))
            elif change.files:
                fixes.append(Fix(patch.name, change.files, is_whole=True))
            else:
                failed.append(Suggestion(patch.name, (), reason=CHANGES_NOTHING))
    return Made(tuple(fixes), tuple(failed))


def _furnish(folder: Path, root: Path, files: Mapping[str, bytes]) -> None:
    for place in _folders(files):
        (folder / place).mkdir(parents=True, exist_ok=True)
        for beside in (root / place).iterdir():
            target = folder / place / beside.name
            if beside.name == "node_modules" and beside.is_dir():
                target.symlink_to(beside.resolve(), target_is_directory=True)
            elif (
                beside.is_file()
                and not beside.is_symlink()
                and beside.stat().st_size <= _LARGEST_BESIDE
            ):
                with contextlib.suppress(OSError):  # unreadable: the tool does without it
                    shutil.copy(beside, target)
    for path, content in files.items():
        (folder / path).write_bytes(content)


def _folders(files: Mapping[str, bytes]) -> Iterator[Path]:
    """The folders of the files and all above them, each once."""
    yield from dict.fromkeys(parent for path in files for parent in Path(path).parents)


def _run(words: Sequence[str], folder: Path, file: Path, time_limit: float) -> str | None:
    """Run a command on a file; return why it failed, or None."""
    arguments = [word.replace(PLACE, str(file)) for word in words]
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                arguments,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(f"{words[0]} of --fix cannot be run: {error.strerror}") from error
        try:
            code = process.wait(time_limit)
        except subprocess.TimeoutExpired:
            return f"timed out after {time_limit:g} s"
        finally:
            _end(process)
        if code in (0, _FOUND_SOMETHING):
            return None
        said = _last_line(errors)
        return f"the command failed with exit code {code}" + (f": {said}" if said else "")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with all that it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(max(errors.seek(0, os.SEEK_END) - 2000, 0))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
