"""What the operands of `themis rank` name: files, folders, patches or revisions, against a base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from review_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from review_core.alternatives import Alternative
    from review_core.sources.filters import Limits
    from review_core.types import Change

PATCHES = (".patch", ".diff")

OPERANDS = """\b
BASE and CANDIDATEs are
  files      versions of one file
  folders    versions of one folder
  patches    *.patch or *.diff, each applied to BASE, a file or a folder
  revisions  branches, tags, commits of the repository; a path of that name wins
"""


def alternatives_of(
    directory: Path, base: str, candidates: Sequence[str], limits: Limits
) -> list[Alternative]:
    """The candidates as changes to the base.

    :raises InputError: where one does not exist, does not apply, or is of another kind than BASE.
    """
    from review_core.alternatives import Alternative

    for name in candidates:
        if [base, *candidates].count(name) > 1:
            raise InputError(f"{name} is named twice; give each candidate once")
    return [Alternative(name, _change(directory, base, name, limits)) for name in candidates]


def _change(directory: Path, base: str, candidate: str, limits: Limits) -> Change:
    base_path, path = directory / base, directory / candidate
    if not base_path.exists():
        return _between_revisions(directory, base, candidate, limits)
    if path.suffix in PATCHES and path.is_file():
        return _patched(directory, base_path, path, candidate, limits)
    if not path.exists():
        raise InputError(
            f"{candidate} does not exist, and {base} is a path; "
            "name files or folders both times, or revisions both times"
        )
    from review_core.languages import language_of
    from review_core.sources.files import paths_change

    if base_path.is_dir() != path.is_dir():
        raise InputError(f"{base} and {candidate} are a file and a folder; give two of a kind")
    if path.is_file() and language_of(base) is not language_of(candidate):
        raise InputError(f"{base} and {candidate} are in two languages; give versions of one file")
    change = paths_change(base_path, path, limits=limits)
    if path.is_file() and change.skipped:
        raise InputError(f"{candidate} cannot be compared: {change.skipped[0].reason}")
    if path.is_file():
        # Where it lies says nothing of what it is: a draft in a folder of tests is no test.
        name = base_path.name
        return replace(change, files=tuple(replace(each, path=name) for each in change.files))
    return change


def _between_revisions(directory: Path, base: str, candidate: str, limits: Limits) -> Change:
    from review_core.sources.git import git_change

    for name in (base, candidate):
        if ".." in name:
            raise InputError(f"{name} is a range; BASE and CANDIDATE are one revision each")
    if Path(candidate).suffix in PATCHES and (directory / candidate).is_file():
        raise InputError(
            f"{candidate} is a patch and {base} no path; patches are applied to files: "
            "check the revision out and give its folder as BASE"
        )
    return git_change(directory, f"{base}..{candidate}", limits=limits)


def _patched(directory: Path, base: Path, patch: Path, name: str, limits: Limits) -> Change:
    from review_core.sources.patch import patch_change

    try:
        text = patch.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot read the patch {name}: {error.strerror}") from error
    root = base if base.is_dir() else _root_of(directory, base, text)
    try:
        change = patch_change(text, root, limits=limits)
    except InputError as error:
        raise InputError(f"{name}: {error}".replace("--base-dir", "BASE")) from error
    if base.is_dir():
        return change
    wanted = base.resolve().relative_to(root.resolve()).as_posix()
    files = tuple(each for each in change.files if (each.base_path or each.path) == wanted)
    if not files:
        skipped = next((each.reason for each in change.skipped if each.path == wanted), None)
        raise InputError(f"{name} does not change {wanted}: {skipped or 'it names other files'}")
    return replace(change, files=files)


def _root_of(directory: Path, base: Path, patch: str) -> Path:
    """Where a file's patch applies: git names it from the root of all, `diff` as it lies here."""
    file, root = base.resolve(), directory.resolve()
    if file.is_relative_to(root) and file.relative_to(root).as_posix() in patch:
        return root
    return base.parent
