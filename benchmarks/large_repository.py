"""Makes a large repository with large pull requests in it, of real code. Measures nothing.

The code is Python's standard library, and what this repository and its tools have in other
languages, copied into deep folders until there are as many files as asked for. Among them stand
what a monorepo has besides: vendored and generated folders, binaries, a file of 24 MB, symbolic
links, a submodule. The pull requests change functions by edits that our training makes: bugs put
in, and edits that keep the meaning. Everything goes through `git fast-import` and follows from the
seed.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from review_core.functions import functions_of
from review_core.languages import Language, language_of
from review_core.types import Function, FunctionKind
from training.mutations.kinds import KINDS, Mutants
from training.neutral import neutral_edits

ROOT = Path(__file__).parents[1]
MAIN = "refs/heads/main"
HISTORY = 40
"""Commits on main after the first, each of which edits one file: what a history walks."""

_SHORTEST, _LONGEST = 4, 150
"""Lines of a function that is edited."""
_LARGEST_FILE = 200_000
"""Bytes of a file that is copied around."""
_A_FILE = 6
"""Functions that a pull request changes in one file, where it has so many."""


@dataclass(frozen=True, slots=True)
class Source:
    """A real file. suffix: with the dot."""

    text: str
    suffix: str
    language: Language


@dataclass(slots=True)
class Made:
    """What was made. pulls: changed functions by the name of the branch that changes them."""

    folder: Path
    files: int = 0
    pulls: dict[str, int] = field(default_factory=dict)


def make_repository(
    folder: Path, files: int, pulls: Sequence[int], *, seed: int = 0, sources: int = 2000
) -> Made:
    """Write a repository of so many files, checked out at main, and a branch for each pull request.

    :param pulls: changed functions of each; its branch is `pull-N`.
    :param sources: real files that are read at most.
    """
    rng = random.Random(seed)
    real = corpus(sources, rng)
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(folder)], check=True)
    stream = folder / ".git" / "themis.stream"
    made = Made(folder)
    with stream.open("wb") as out:
        writer = _Writer(out)
        placed = _write_tree(writer, real, files, rng)
        made.files = writer.files
        _write_history(writer, placed, rng)
        for count in pulls:
            made.pulls[f"pull-{count}"] = _write_pull(writer, f"pull-{count}", placed, count, rng)
    with stream.open("rb") as told:
        importing = ["git", "fast-import", "--quiet"]
        subprocess.run(importing, cwd=folder, stdin=told, check=True)
    stream.unlink()
    subprocess.run(["git", "reset", "--quiet", "--hard", "main"], cwd=folder, check=True)
    return made


def corpus(count: int, rng: random.Random) -> list[Source]:
    """Real files of several languages: all that are not Python, and of Python's what is missing."""
    found: dict[bool, list[Source]] = {True: [], False: []}
    for folder in _folders():
        for file in sorted(folder.rglob("*")):
            language = language_of(file.name)
            if language is None or "site-packages" in file.parts or not file.is_file():
                continue
            if file.stat().st_size > _LARGEST_FILE:
                continue
            try:
                text = file.read_text("utf-8").replace("\r\n", "\n")
            except UnicodeDecodeError:
                continue
            if text.count("\n") > _SHORTEST:
                is_python = language.name == "Python"
                found[is_python].append(Source(text, file.suffix, language))
    for each in found.values():
        rng.shuffle(each)
    others = found[False][: count // 2]
    return others + found[True][: count - len(others)]


def _folders() -> Iterator[Path]:
    yield Path(sysconfig.get_path("stdlib"))
    yield ROOT / "vscode-extension" / "src"
    yield ROOT / "examples" / "demo" / "base"
    if (playwright := importlib.util.find_spec("playwright")) and playwright.origin:
        yield Path(playwright.origin).parent / "driver" / "package" / "lib"


# --- what git reads ------------------------------------------------------------------------------


class _Writer:
    """Blobs and commits as `git fast-import` reads them."""

    def __init__(self, out) -> None:  # type: ignore[no-untyped-def]
        self._out = out
        self._mark = 0
        self._seconds = 1_700_000_000
        self.files = 0

    def blob(self, content: bytes) -> int:
        """Write a blob; its mark."""
        self._mark += 1
        self._out.write(b"blob\nmark :%d\ndata %d\n" % (self._mark, len(content)))
        self._out.write(content + b"\n")
        return self._mark

    def commit(self, branch: str, message: str, since: str | None = None) -> None:
        """Begin a commit on a branch; it grows from the branch, or from `since`."""
        self._seconds += 60
        told = message.encode()
        self._out.write(
            b"commit %s\ncommitter Ada <ada@example.org> %d +0000\ndata %d\n%s\n"
            % (branch.encode(), self._seconds, len(told), told)
        )
        if since is not None:
            self._out.write(b"from %s\n" % since.encode())

    def put(self, path: str, what: int | str, mode: str = "100644") -> None:
        """A file of the commit: a blob's mark, or a commit's hash for a submodule."""
        self.files += 1
        name = f":{what}" if isinstance(what, int) else what
        self._out.write(f"M {mode} {name} {path}\n".encode())

    def move(self, path: str, to: str) -> None:
        """Rename a file in the commit."""
        self._out.write(f"R {path} {to}\n".encode())


@dataclass(frozen=True, slots=True)
class _Placed:
    """A real file that a pull request may edit, and where it stands."""

    path: str
    source: Source


def _write_tree(
    writer: _Writer, real: Sequence[Source], files: int, rng: random.Random
) -> list[_Placed]:
    """The first commit; the first copy of each real file is what pull requests edit."""
    marks = [writer.blob(each.text.encode()) for each in real]
    prose = [writer.blob(b"# Notes\n\n%d\n" % n) for n in range(50)]
    data = [writer.blob(b'{"a": %d}\n' % n) for n in range(50)]
    binary = [writer.blob(rng.randbytes(4000)) for _ in range(20)]
    huge = writer.blob(rng.randbytes(24 << 20))
    long = writer.blob("".join(f"X{n} = {n}\n" for n in range(120_000)).encode())  # 1.9 MB
    link = writer.blob(b"notes.md")
    modules = writer.blob(b'[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n')
    writer.commit(MAIN, "Begin")
    writer.put("assets/film.bin", huge)
    writer.put("assets/table.py", long)
    writer.put(".gitmodules", modules)
    writer.put("sub", "1" * 40, "160000")
    writer.put("deep/" + "/".join(f"d{n}" for n in range(60)) + "/end.py", marks[0])
    placed = []
    for at, source in enumerate(real):
        path = f"{_folder(at, rng)}/file{at}{source.suffix}"
        placed.append(_Placed(path, source))
        writer.put(path, marks[at])
    for at in range(max(files - writer.files, 0)):
        folder, kind, own = _folder(at, rng), rng.random(), rng.randrange(len(real))
        if kind < 0.55:
            writer.put(f"{folder}/copy{at}{real[own].suffix}", marks[own])
        elif kind < 0.70:
            writer.put(f"{folder}/node_modules/lib{at % 97}/index{at}.js", rng.choice(marks))
        elif kind < 0.75:
            writer.put(f"third_party/lib{at % 97}/{at}{real[own].suffix}", marks[own])
        elif kind < 0.78:
            writer.put(f"{folder}/made{at}_pb2.py", rng.choice(marks))
        elif kind < 0.81:
            writer.put(f"{folder}/image{at}.png", rng.choice(binary))
        elif kind < 0.82:
            writer.put(f"{folder}/link{at}.md", link, "120000")
        elif kind < 0.92:
            writer.put(f"{folder}/data{at}.json", rng.choice(data))
        else:
            writer.put(f"{folder}/notes{at}.md", rng.choice(prose))
    return placed


def _folder(at: int, rng: random.Random) -> str:
    return f"teams/t{at % 23}/services/s{at % 409}/src/main/p{rng.randrange(8)}"


def _write_history(writer: _Writer, placed: Sequence[_Placed], rng: random.Random) -> None:
    """Small commits on main; they leave what pull requests edit as it was: to and fro."""
    small = [each for each in placed if len(each.source.text) < 20_000]
    for at in range(HISTORY // 2):
        each = rng.choice(small)
        text, _ = edited(each.source, 1, rng)
        for message, content in ((f"Try {at}", text), (f"Revert {at}", each.source.text)):
            mark = writer.blob(content.encode())
            writer.commit(MAIN, message)
            writer.put(each.path, mark)


def _write_pull(
    writer: _Writer, branch: str, placed: Sequence[_Placed], count: int, rng: random.Random
) -> int:
    """A branch that changes so many functions, if there are as many, and all else that pulls do."""
    done = 0
    changed: list[tuple[_Placed, int]] = []
    for each in rng.sample(placed, len(placed)):
        if done >= count:
            break
        text, functions = edited(each.source, min(_A_FILE, count - done), rng)
        if functions:
            changed.append((each, writer.blob(text.encode())))
            done += functions
    blobs = [writer.blob(b"# Other %d\n" % n) for n in range(20)]
    other = [writer.blob(rng.randbytes(5000)) for _ in range(20)]
    generated = writer.blob(b"# Code generated by a tool. DO NOT EDIT.\ndef f():\n    return 1\n")
    link = writer.blob(b"elsewhere.md")
    writer.commit(f"refs/heads/{branch}", f"Change {done} functions", since=MAIN)
    for each, mark in changed:
        writer.put(each.path, mark)
    for each, _ in changed[:: max(len(changed) // 4, 1)]:
        writer.move(each.path, each.path.replace("src/main", "src/moved"))
    for at in range(max(count // 10, 1)):
        writer.put(f"docs/page{at}.md", blobs[at % 20])
        writer.put(f"assets/image{at}.png", other[at % 20])
        writer.put(f"third_party/new{at}/x.py", generated)
    writer.put("assets/film.bin", other[0])
    writer.put("assets/table.py", other[1])
    writer.put("gen/made.py", generated)
    writer.put("sub", "2" * 40, "160000")
    writer.put("teams/pointer.py", link, "120000")
    return done


# --- edits ---------------------------------------------------------------------------------------


def edited(source: Source, count: int, rng: random.Random) -> tuple[str, int]:
    """A file with some of its functions edited, and how many were."""
    lines = source.text.split("\n")
    able = [each for each in functions_of(source.text, source.language) if _is_able(each)]
    rng.shuffle(able)
    edits: list[tuple[Function, str]] = []
    for function in able:
        if len(edits) == count:
            break
        text = _edited(function.text, source.language, rng)
        if text is not None:
            edits.append((function, text))
    for function, text in sorted(edits, key=lambda each: -each[0].lines.start):
        lines[function.lines.start - 1 : function.lines.end] = text.split("\n")
    return "\n".join(lines), len(edits)


def _is_able(function: Function) -> bool:
    is_whole = function.kind not in (FunctionKind.MODULE, FunctionKind.CLASS_BODY)
    length = function.lines.end - function.lines.start + 1
    return is_whole and not function.has_error and _SHORTEST <= length <= _LONGEST


def _edited(text: str, language: Language, rng: random.Random) -> str | None:
    """One bug in seven of ten, two in two, and an edit that keeps the meaning in one."""
    share = rng.random()
    if share < 0.1:
        edits = list(neutral_edits(text, language.name, rng).values())
        return rng.choice(edits) if edits else None
    for _ in range(2 if share < 0.3 else 1):
        mutants = Mutants.of(text, language.name)
        if mutants is None:
            return None
        kinds = [kind for kind in KINDS if mutants.mutations[kind]]
        mutated = mutants.mutant(rng.choice(kinds), rng) if kinds else None
        if mutated is None:
            return None
        text = mutated.rstrip("\n")
    return text
