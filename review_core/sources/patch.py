"""A unified patch as a change, applied in memory to a folder's files. Reads nothing else.

Reads what `git diff`, `git format-patch` and `diff -u` write, several patches in a row included.
Binary patches are skipped, the combined diffs of merges refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from review_core.diff import lines_of
from review_core.errors import InputError
from review_core.sources.files import read_file
from review_core.sources.filters import (
    DEFAULT_LIMITS,
    Limits,
    collected,
    refused_by_name,
    reviewed,
)
from review_core.types import Change, FileChange, Skipped

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_COMBINED = ("diff --cc ", "diff --combined ", "@@@ ")
_MODE = re.compile(r"(?:new file mode|deleted file mode|new mode|index \S+) (\d{6})$")
_BINARY = re.compile(r"Binary files (.+) and (.+) differ$")
_SKIPPED_MODES = {"120000": "a symbolic link", "160000": "a submodule"}
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))
_REMEDY = "--base-dir has to hold the files as they were before the patch"


def patch_change(patch: str, base_dir: Path, *, limits: Limits = DEFAULT_LIMITS) -> Change:
    """The change that a patch makes to the files of `base_dir`, which hold what it starts from.

    Names may carry a leading folder (git's "a/" and "b/", or those of `diff -r old new`) or none.

    :raises InputError: where the patch is malformed, names a path outside of `base_dir` or a file
        that is not there, or a hunk does not apply; the message says which.
    """
    if not base_dir.is_dir():
        raise InputError(f"{base_dir} is not a folder; give the one that the patch applies to")
    sections = _sections(lines_of(patch))
    if not sections and patch.strip():
        raise InputError("the patch names no changed file; make one with git diff or diff -u")
    return collected(str(base_dir), "patch", _items(sections, base_dir, limits))


# --- reading the patch ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PatchHunk:
    """A hunk as written. base_start is 0-based; lines keep their sign."""

    header: str
    base_start: int
    lines: tuple[str, ...]

    @property
    def base(self) -> list[str]:
        return [line[1:] for line in self.lines if not line.startswith(("+", "\\"))]

    @property
    def head(self) -> list[str]:
        return [line[1:] for line in self.lines if not line.startswith(("-", "\\"))]


@dataclass(slots=True)
class _Section:
    """What the patch says of one file. A path is None on the side where the file does not exist.

    written: both names as first met, which tells whether they carry a leading folder. is_prefixed:
    whether base_path and head_path may carry it still.
    """

    written: tuple[str | None, str | None]
    base_path: str | None
    head_path: str | None
    is_git: bool = False
    is_prefixed: bool = True
    is_binary: bool = False
    is_copy: bool = False
    mode: str | None = None
    hunks: list[_PatchHunk] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.head_path or self.base_path or ""


def _sections(lines: list[str]) -> list[_Section]:
    sections: list[_Section] = []
    section: _Section | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(_COMBINED):
            raise InputError(
                f"line {at + 1} of the patch begins the combined diff of a merge; "
                "make it from two revisions: git diff A B"
            )
        if line.startswith("diff --git "):
            base, head = _names_of_git_header(line.removeprefix("diff --git "))
            section = _Section((base, head), base, head, is_git=True)
            sections.append(section)
        elif line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "):
            base, head = _name(line[4:]), _name(lines[at + 1][4:])
            if section is None or section.hunks or not section.is_git:
                section = _Section((base, head), base, head)
                sections.append(section)
            if section.written == (None, None):
                section.written = (base, head)
            section.base_path, section.head_path, section.is_prefixed = base, head, True
            at += 1
        elif match := _HUNK.match(line):
            if section is None:
                raise InputError(
                    f"line {at + 1} of the patch is a hunk without a file; "
                    "the lines --- and +++ have to stand above it"
                )
            hunk = _hunk(lines, at, match)
            section.hunks.append(hunk)
            at += len(hunk.lines)
        elif section is not None and section.is_git and not section.hunks:
            _read_extended_header(line, section)
        elif binary := _BINARY.match(line):
            base, head = _name(binary[1]), _name(binary[2])
            sections.append(_Section((base, head), base, head, is_binary=True))
        if line == "-- ":  # the signature under a mailed patch; what follows is not of this file
            section = None
        at += 1
    return sections


def _hunk(lines: list[str], at: int, match: re.Match[str]) -> _PatchHunk:
    base_left, head_left = int(match[2] or 1), int(match[4] or 1)
    # Without lines at base, the number is that of the line above.
    base_start = int(match[1]) - (1 if base_left else 0)
    end = at + 1
    while end < len(lines):
        sign = lines[end][:1]
        if not (base_left or head_left or sign == "\\"):
            break
        # Mailers drop the blank of an empty context line. "\" tells of a missing line end, which we
        # ignore.
        base_left -= sign in ("", " ", "-")
        head_left -= sign in ("", " ", "+")
        if sign not in ("", " ", "-", "+", "\\") or base_left < 0 or head_left < 0:
            break
        end += 1
    if base_left or head_left or (end < len(lines) and _continues(lines[end])):
        raise InputError(
            f"line {end + 1} of the patch does not fit what hunk {match[0]} announces; "
            "the patch was cut short or edited"
        )
    return _PatchHunk(match[0], base_start, tuple(lines[at + 1 : end]))


def _continues(line: str) -> bool:
    return line.startswith(("+", "-", " ")) and not line.startswith(("--- ", "-- "))


def _read_extended_header(line: str, section: _Section) -> None:
    if match := _MODE.match(line):
        section.mode = match[1]
    if line.startswith("new file mode"):
        section.base_path = None
    elif line.startswith("deleted file mode"):
        section.head_path = None
    elif line.startswith(("rename from ", "copy from ")):
        section.base_path, section.is_prefixed = _name(line.partition(" from ")[2]), False
    elif line.startswith(("rename to ", "copy to ")):
        section.head_path, section.is_prefixed = _name(line.partition(" to ")[2]), False
        section.is_copy = line.startswith("copy")
    elif line == "GIT binary patch" or _BINARY.match(line):
        section.is_binary = True


def _names_of_git_header(names: str) -> tuple[str | None, str | None]:
    """The two names of `diff --git a/x b/x`.

    Blanks are not quoted. Unquoted names differ by prefix only or, where not, stand below again.
    """
    if match := _QUOTED.match(names):
        return _name(match[0]), _name(names[match.end() + 1 :])
    if names.endswith('"') and (at := names.find(' "')) > 0:
        return _name(names[:at]), _name(names[at + 1 :])
    half = len(names) // 2
    base, head = names[:half], names[half + 1 :]
    agree = base == head or ("/" in base and _without_folder(base) == _without_folder(head))
    return (_name(base), _name(head)) if base and agree else (None, None)


def _name(written: str) -> str | None:
    """A name, quoted as in C or up to the tab before a date; None for the file that is not."""
    if match := _QUOTED.match(written):
        inside = match[0][1:-1].encode("utf-8", "surrogateescape")
        return _ESCAPE.sub(_unescaped, inside).decode("utf-8", "surrogateescape")
    name = written.partition("\t")[0]
    return None if name == "/dev/null" else name


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    return bytes(
        [int(escape, 8) & 0xFF if len(escape) == 3 else _ESCAPED.get(escape[0], escape[0])]
    )


# --- applying it ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Patched:
    """A file on its way through the patch: where and what it was, and what it is by now."""

    base_path: str | None
    base: bytes | None
    head: bytes | None
    mode_changed: bool = False


def _items(
    sections: list[_Section], base_dir: Path, limits: Limits
) -> Iterator[FileChange | Skipped | None]:
    patched: dict[str, _Patched] = {}
    for section in sections:
        _settle_names(section, base_dir)
        if refused := _refused_by_section(section, limits):
            yield refused
            continue
        file = _file_before(section, base_dir, patched, limits)
        if isinstance(file, Skipped):
            yield file
            continue
        if section.hunks:
            text = (file.head or b"").decode("utf-8", "surrogateescape")
            lines = _applied(lines_of(text), section, base_dir)
            file.head = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        elif file.head is None:
            file.head = b""
        if section.head_path is None or (not section.is_git and not file.head):
            file.head = None
        file.mode_changed |= section.mode is not None
        patched[section.path] = file
    for path, file in patched.items():
        base_path = file.base_path if file.base_path != path else None
        item = reviewed(path, file.base, file.head, limits, base_path)
        yield Skipped(path, "only its mode changed") if not item and file.mode_changed else item


def _settle_names(section: _Section, base_dir: Path) -> None:
    """Drop the leading folder where there is one.

    :raises InputError: where a name leads out of `base_dir`, be it before or after that.
    """
    drop = section.is_prefixed and _has_leading_folder(section, base_dir)
    settled: list[str | None] = []
    for name in (section.base_path, section.head_path):
        if name is None:
            settled.append(None)
            continue
        short = _without_folder(name) if drop else name
        if not (_is_inside(name) and _is_inside(short)):
            raise InputError(f"the patch names {name}, outside of {base_dir}; it is not applied")
        settled.append(PurePosixPath(short).as_posix())
    section.base_path, section.head_path = settled
    if not section.path:
        raise InputError("a diff --git line of the patch has no names; make it with git diff")
    there = [name for name in settled if name and (base_dir / name).is_file()]
    if not section.is_git and there and section.base_path and section.head_path:
        # Only git tells of renames: `diff` compares what it is given, a.py with a.py.orig.
        section.base_path = section.head_path = there[0]


def _has_leading_folder(section: _Section, base_dir: Path) -> bool:
    names = [name for name in section.written if name is not None]
    if not all("/" in name for name in names):
        return False
    if len(names) == 2 and names[0] != names[1]:
        short = {_without_folder(name) for name in names}
        if len(short) == 1:
            return True
    elif len(names) == 2:
        return False
    return not any(_is_inside(name) and (base_dir / name).is_file() for name in names)


def _without_folder(name: str) -> str:
    return name.partition("/")[2]


def _is_inside(name: str) -> bool:
    # Read as Windows would: drives, backslashes and ".." lead out of a folder there, and are not
    # missed elsewhere.
    path = PureWindowsPath(name)
    return bool(name) and "\0" not in name and not path.anchor and ".." not in path.parts


def _refused_by_section(section: _Section, limits: Limits) -> Skipped | None:
    if refused := refused_by_name(section.path, limits):
        return refused
    if section.mode in _SKIPPED_MODES:
        return Skipped(section.path, _SKIPPED_MODES[section.mode])
    return Skipped(section.path, "binary") if section.is_binary else None


def _file_before(
    section: _Section, base_dir: Path, patched: dict[str, _Patched], limits: Limits
) -> _Patched | Skipped:
    source = section.base_path
    if source in patched:
        if not section.is_copy:
            return patched.pop(source)
        before = patched[source]  # git copies what the file was before this very patch changed it
        return _Patched(None, None, before.head if before.base is None else before.base)
    if source is None:
        if section.path not in patched and (base_dir / section.path).exists():
            raise InputError(f"{base_dir / section.path} is new in the patch but there; {_REMEDY}")
        return _Patched(None, None, None)
    if not (base_dir / source).exists():
        if section.hunks and not section.hunks[0].base and not section.is_git:
            return _Patched(None, None, None)  # `diff -N` names the file that is not
        raise InputError(f"{base_dir / source} is not there; {_REMEDY}")
    content = read_file(base_dir, source, limits)
    if isinstance(content, Skipped):
        return Skipped(section.path, content.reason)
    if section.is_copy:
        return _Patched(None, None, content)
    return _Patched(source, content, content)


def _applied(lines: list[str], section: _Section, base_dir: Path) -> list[str]:
    result: list[str] = []
    at = offset = 0
    for number, hunk in enumerate(section.hunks, 1):
        start = _place(lines, hunk.base, hunk.base_start + offset, at)
        if start is None:
            raise InputError(
                f"hunk {number} ({hunk.header}) of {section.path} does not apply to "
                f"{base_dir / (section.base_path or section.path)}; {_REMEDY}"
            )
        result += lines[at:start] + hunk.head
        at, offset = start + len(hunk.base), start - hunk.base_start
    return result + lines[at:]


def _place(lines: list[str], wanted: list[str], near: int, first: int) -> int | None:
    """Where the wanted lines stand, not before `first` and as near as possible to `near`."""
    last = len(lines) - len(wanted)
    for distance in range(max(len(lines), near) + 1):
        for start in {near - distance, near + distance}:
            if first <= start <= last and lines[start : start + len(wanted)] == wanted:
                return start
        if not wanted:
            return None  # nothing to recognise another place by
    return None
