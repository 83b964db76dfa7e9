"""What git says about a pull request: its diff from the merge base, hunk by hunk.

Commits never change, so neither do the answers: they are remembered.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "T": "changed"}
_NO_PATCH_ABOVE = 3000  # changed lines; GitHub leaves out large patches


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a hunk. sign: '+', '-' or ' '. base, head: 1-based, None on the other side."""

    sign: str
    base: int | None
    head: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    header: str
    rows: tuple[Row, ...]

    def row(self, side: str, line: int) -> Row | None:
        """The row of a line, if the hunk shows it on that side (LEFT, RIGHT)."""
        for row in self.rows:
            if line == (row.base if side == "LEFT" else row.head):
                return row
        return None

    def until(self, row: Row) -> str:
        """As a comment on that row shows it."""
        shown = self.rows[: self.rows.index(row) + 1]
        return "\n".join([self.header, *(r.sign + r.text for r in shown)])


@dataclass(frozen=True, slots=True)
class FileDiff:
    path: str
    previous: str
    status: str
    blob: str
    binary: bool
    hunks: tuple[Hunk, ...] = field(default=())

    def count(self, sign: str) -> int:
        return sum(row.sign == sign for hunk in self.hunks for row in hunk.rows)

    @property
    def patch(self) -> str | None:
        """As GitHub shows it; None for binary and large files."""
        changes = self.count("+") + self.count("-")
        if not self.hunks or changes > _NO_PATCH_ABOVE:
            return None
        lines = [
            line
            for hunk in self.hunks
            for line in [hunk.header, *(row.sign + row.text for row in hunk.rows)]
        ]
        return "\n".join(lines)


def git(folder: str, *arguments: str, check: bool = True) -> str:
    """Run git in a repository, free of the settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    process = subprocess.run(
        ["git", "-c", "core.quotePath=false", *arguments],
        cwd=folder,
        env=kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        check=False,
    )
    if check and process.returncode != 0:
        raise RuntimeError(f"git {' '.join(arguments)}: {process.stderr.decode()}")
    return process.stdout.decode("utf-8", "replace") if process.returncode == 0 else ""


@lru_cache(maxsize=4096)
def merge_base(folder: str, base: str, head: str) -> str:
    """The newest common ancestor; base itself where histories share nothing."""
    return git(folder, "merge-base", base, head, check=False).strip() or base


@lru_cache(maxsize=4096)
def commits(folder: str, base: str, head: str) -> tuple[str, ...]:
    """Those of head that base does not have, the newest first."""
    return tuple(git(folder, "rev-list", f"{base}..{head}", check=False).split())


@lru_cache(maxsize=512)
def files(folder: str, base: str, head: str, context: int = 3) -> tuple[FileDiff, ...]:
    """What differs between two commits, renames followed, in git's order."""
    options = ["--no-color", "--no-ext-diff", "--no-textconv", "-M", "--full-index"]
    span = ["--end-of-options", base, head]
    raw = git(folder, "diff", "--raw", "-z", "--no-abbrev", *options, *span).split("\0")
    patch = git(folder, "diff", f"-U{context}", *options, *span)
    sections = iter(re.split(r"(?m)^(?=diff --git )", patch)[1:])
    found = []
    fields = iter(raw)
    for entry in fields:
        if not entry:
            continue
        blob, letter = entry.split(" ")[3:5]
        previous = next(fields)
        path = next(fields) if letter[0] in "RC" else previous
        section = next(sections, "")
        if letter[0] == "T":  # git writes a change of type as a deletion and an addition
            section += next(sections, "")
        binary = "\nBinary files " in section
        status = _STATUS[letter[0]]
        found.append(FileDiff(path, previous, status, blob, binary, _hunks(section)))
    return tuple(found)


def _hunks(section: str) -> tuple[Hunk, ...]:
    hunks: list[Hunk] = []
    rows: list[Row] = []
    header, base, head = "", 0, 0
    for line in section.split("\n"):
        if begins := _HUNK.match(line):
            if header:
                hunks.append(Hunk(header, tuple(rows)))
            header, rows = line, []
            base, head = int(begins[1]), int(begins[3])
        elif header and line[:1] == "+":
            rows.append(Row("+", None, head, line[1:]))
            head += 1
        elif header and line[:1] == "-":
            rows.append(Row("-", base, None, line[1:]))
            base += 1
        elif header and line[:1] == " ":
            rows.append(Row(" ", base, head, line[1:]))
            base, head = base + 1, head + 1
        elif line.startswith("diff --git ") and header:  # the second half of a change of type
            hunks.append(Hunk(header, tuple(rows)))
            header, rows = "", []
    if header:
        hunks.append(Hunk(header, tuple(rows)))
    return tuple(hunks)


def find(changed: Sequence[FileDiff], path: str) -> FileDiff | None:
    return next((file for file in changed if file.path == path), None)


def hunk_of(file: FileDiff, side: str, line: int) -> Hunk | None:
    return next((hunk for hunk in file.hunks if hunk.row(side, line)), None)


def moved_line(folder: str, old: str, new: str, path: str, line: int) -> int | None:
    """Where a line of `path` at commit `old` stands at `new`; None where it changed or is gone."""
    if old == new:
        return line
    changed = files(folder, old, new, 0)
    file = next((f for f in changed if f.previous == path and f.status != "added"), None)
    if file is None:
        return line
    if file.path != path or file.binary:
        return None
    shift = 0
    for hunk in file.hunks:
        match = _HUNK.match(hunk.header)
        assert match is not None
        first, removed = int(match[1]), hunk_length(match[2])
        if removed and first <= line < first + removed:
            return None
        if first + removed > line or (not removed and first >= line):
            break
        shift += hunk_length(match[4]) - removed
    return line + shift


def hunk_length(written: str | None) -> int:
    """git leaves a length of 1 out."""
    return 1 if written is None else int(written)
