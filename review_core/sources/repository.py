"""Git, run so that a repository can execute and write nothing. Knows objects, not changes.

A repository's configuration, attributes, hooks and names are the work of strangers. Every command
therefore runs on resolved hashes behind `--end-of-options`, without the configuration of system and
user, without optional locks, network protocols or lazy fetching, and under a time limit. Commands
are plumbing: they ignore settings for people, such as aliases, colours or `diff.external`.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review_core.errors import InputError, NoRepositoryError

if TYPE_CHECKING:
    from git import Git

TIME_LIMIT = 60.0
"""Seconds that one git command may take."""

_LONGEST_FIELD = 1 << 24
"""In bytes; a longer commit message or file name is nobody's."""

SAFE_ENVIRONMENT: Mapping[str, str] = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",  # otherwise a reader may refresh the index on disk
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # for a git too old to know the line above
    "GIT_TERMINAL_PROMPT": "0",
}
SAFE_CONFIGURATION = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    f"core.attributesFile={os.devnull}",
    "core.untrackedCache=false",
)
_DIFF_OPTIONS = (
    "-r",
    "--raw",
    "-z",
    "--find-renames",
    "-l1000",
    "--no-abbrev",
    "--no-ext-diff",
    "--no-textconv",
    # To look for changes inside a submodule would start a git that trusts its configuration.
    "--ignore-submodules=dirty",
)
_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_NO_REPOSITORY = "not a git repository"
_REMEDIES = (
    (_NO_REPOSITORY, "is not in a git repository; give its folder with -C, or two folders"),
    (
        "dubious ownership",
        "belongs to another user, so git does not read it; if you trust it: "
        "git config --global --add safe.directory {directory}",
    ),
    (
        "from promisor remote",
        "is a partial clone without some of the files; fetch them: git fetch --refetch --no-filter",
    ),
)


class FileMode(StrEnum):
    """What a tree holds under a name; `ABSENT` on the side where it is not."""

    FILE = "100644"
    EXECUTABLE = "100755"
    LINK = "120000"
    SUBMODULE = "160000"
    ABSENT = "000000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One changed file as `git diff --raw` tells it.

    A hash is None where the side is absent or only on disk. base_path differs from path where the
    file was renamed. Names that are not UTF-8 hold surrogates, as in `os`.
    """

    path: str
    base_path: str
    base_mode: str
    head_mode: str
    base_hash: str | None
    head_hash: str | None
    unmerged: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """What we need of a commit: its hash, parents in order and subject line."""

    hash: str
    parents: tuple[str, ...]
    subject: str


@contextmanager
def open_repository(directory: Path, time_limit: float = TIME_LIMIT) -> Iterator[Repository]:
    """The repository that `directory` belongs to; its processes end with the block.

    :raises InputError: where there is none, it may not be read, or git is not installed.
    """
    if not directory.is_dir():
        raise InputError(f"{directory} is not a folder; give the repository's folder with -C")
    try:
        from git import Git
    except ImportError as error:  # how GitPython says that it found no git to run
        raise InputError("git cannot be run; install it and put it on the PATH") from error
    repository = Repository(Git(str(directory.resolve())), directory, time_limit)
    try:
        repository.discover()
        yield repository
    finally:
        repository.close()


class Repository:
    """A git repository, read only. Use `open_repository`."""

    def __init__(self, git: Git, directory: Path, time_limit: float) -> None:
        self.directory = directory
        self.is_bare = False
        self.is_shallow = False
        self.object_format = "sha1"
        self._git = git
        self._time_limit = time_limit
        self._sizes: _ObjectReader | None = None
        self._contents: _ObjectReader | None = None
        git.set_persistent_git_options(
            c=list(SAFE_CONFIGURATION), literal_pathspecs=True, no_pager=True
        )
        git.update_environment(**SAFE_ENVIRONMENT)

    def discover(self) -> None:
        """Find the repository and learn what it is, honouring the user's own `safe.directory`."""
        questions = ("--is-bare-repository", "--is-shallow-repository", "--show-object-format")
        status, answer, error = self._run("rev-parse", *questions)
        if (
            status
            and "dubious ownership" in error
            and (trusted := self._users_setting("safe.directory"))
        ):
            self._configure([("safe.directory", directory) for directory in trusted])
            status, answer, error = self._run("rev-parse", *questions)
        if status:
            raise self._failure("rev-parse", error)
        bare, shallow, self.object_format = answer.decode().split()
        self.is_bare, self.is_shallow = bare == "true", shallow == "true"

    @property
    def empty_tree(self) -> str:
        """The hash of the tree without files, which git knows without having it."""
        return _EMPTY_TREE[self.object_format]

    def close(self) -> None:
        """End the processes that read objects."""
        for reader in (self._sizes, self._contents):
            if reader:
                reader.close()
        self._sizes = self._contents = None

    def work_tree(self) -> Path:
        """The root of the working tree.

        :raises InputError: in a bare repository or outside of the working tree.
        """
        status, answer, _ = self._run("rev-parse", "--show-toplevel")
        if status:
            raise InputError(
                f"{self.directory} has no working tree here; give a range, such as HEAD~1...HEAD"
            )
        return Path(os.fsdecode(answer.removesuffix(b"\n")))

    def resolve(self, revision: str) -> str | None:
        """The full hash of the commit that a revision names; None if there is none."""
        if "\0" in revision:
            return None
        status, answer, _ = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        return None if status else answer.decode().strip()

    def merge_base(self, first: str, second: str) -> str | None:
        """The best common ancestor of two commits, by hash; None if none is here."""
        status, answer, error = self._run("merge-base", "--end-of-options", first, second)
        if status > 1:
            raise self._failure("merge-base", error)
        return None if status else answer.decode().split()[0]

    def commit(self, hash_: str) -> Commit:
        """A commit as it was written: in a shallow clone it names parents that are not here."""
        header, _, message = self.content(hash_).partition(b"\n\n")
        fields = [line.partition(b" ") for line in header.split(b"\n")]
        encodings = [value for key, _, value in fields if key == b"encoding"]
        try:
            text = message.decode(encodings[0].decode() if encodings else "utf-8", "replace")
        except (LookupError, ValueError):  # a stranger may write anything there
            text = message.decode("utf-8", "replace")
        paragraph = re.split(r"\n[ \t]*\n", text.strip(), maxsplit=1)[0]
        parents = tuple(
            value.decode("ascii", "replace") for key, _, value in fields if key == b"parent"
        )
        return Commit(hash_, parents, " ".join(paragraph.split()))

    def changed_between(self, base: str, head: str, paths: Sequence[str] = ()) -> list[Entry]:
        """What differs between two trees or commits, given by hash; below some paths, or in all."""
        return self._entries("diff-tree", base, head, paths=paths)

    def changed_names(self, base: str, head: str) -> list[Entry]:
        """The same by trees alone, no file need be here: a renamed one is deleted, and new."""
        return self._entries("diff-tree", base, head, renames=False)

    def changed_in_index(self, base: str) -> list[Entry]:
        """What the index holds otherwise than a tree or commit, given by hash."""
        return self._entries("diff-index", "--cached", base)

    def changed_on_disk(self, root: Path, base: str) -> list[Entry]:
        """What tracked files hold otherwise than a tree or commit; some may be only touched.

        Telling apart what was touched from what was changed would have git run the filters that the
        repository configures; those are switched off, and the caller compares contents.
        """
        self._switch_off_filters()
        conflicts = self._checked("ls-files", "--unmerged", "-z", at=root)
        unmerged = {line.partition("\t")[2] for line in _texts(conflicts)}
        return [
            replace(entry, unmerged=entry.path in unmerged)
            for entry in self._entries("diff-index", base)
        ]

    def changed_since_index(self, root: Path) -> list[Entry]:
        """What tracked files hold otherwise than the index; some may be only touched."""
        self._switch_off_filters()
        entries = self._entries("diff-files", at=root)
        unmerged = {entry.path for entry in entries if entry.unmerged}
        return [entry for entry in entries if entry.unmerged or entry.path not in unmerged]

    def held(self, tree: str, path: str) -> tuple[str, str] | None:
        """Mode and hash of what a tree or commit, given by hash, has under a path from the root."""
        lines = _texts(self._checked("ls-tree", "-z", "--full-tree", tree, "--", path))
        return next(((mode, hash_) for mode, _, hash_ in map(_fields, lines)), None)

    def staged(self, root: Path, path: str) -> tuple[str, str] | None:
        """The same of the index; None too where a merge left a conflict."""
        lines = _texts(self._checked("ls-files", "--stage", "-z", "--", path, at=root))
        found = [(mode, hash_) for mode, hash_, stage in map(_fields, lines) if stage == "0"]
        return found[0] if found else None

    def untracked(self, root: Path) -> list[str]:
        """Files that are neither tracked nor ignored; a repository inside this one ends in "/".

        The user's own list of ignored files counts, as it does for `git status`.
        """
        ignored = [
            f"--exclude-from={Path(file).resolve()}"
            for file in self._users_setting("core.excludesFile")[-1:]
            if Path(file).is_file()
        ]
        options = ("--others", "--exclude-standard", *ignored, "-z")
        return _texts(self._checked("ls-files", *options, at=root))

    def size(self, hash_: str) -> int:
        """The size of an object in bytes, without reading it.

        :raises InputError: where the object is not here.
        """
        self._sizes = self._sizes or self._reader("--batch-check")
        return self._sizes.ask(hash_)

    def missing(self, hashes: Iterable[str]) -> list[str]:
        """Those of some objects that are not here."""
        self._sizes = self._sizes or self._reader("--batch-check")
        return [hash_ for hash_ in hashes if self._sizes.find(hash_) is None]

    def content(self, hash_: str) -> bytes:
        """The content of an object, as it is stored: no filter, no conversion.

        :raises InputError: where the object is not here.
        """
        self._contents = self._contents or self._reader("--batch")
        return self._contents.read(self._contents.ask(hash_))

    def fields(
        self, command: str, *arguments: str, end: bytes = b"\0", told: bytes = b""
    ) -> Iterator[str]:
        """What a plumbing command prints, a field at a time, while it runs: for whole histories.

        :param end: what ends a field. :param told: what the command reads from its input.
        :raises InputError: as soon as it is known that the command failed.
        """
        with tempfile.TemporaryFile() as asked:
            asked.write(told)
            asked.seek(0)
            running: Any = getattr(self._git, command)(*arguments, istream=asked, as_process=True)
            timer = threading.Timer(self._time_limit, running.proc.kill)
            timer.daemon = True
            timer.start()
            try:
                rest = b""
                while chunk := running.stdout.read(1 << 16):
                    *whole, rest = (rest + chunk).split(end)
                    if len(rest) > _LONGEST_FIELD:
                        raise self._failure(command, "fatal: what it prints has no end")
                    yield from (field.decode("utf-8", "surrogateescape") for field in whole)
                error = running.stderr.read().decode(errors="replace")
                if running.proc.wait():
                    raise self._failure(command, "Timeout:" if timer.finished.is_set() else error)
            finally:
                timer.cancel()
                running.proc.kill()  # where the caller has seen enough
                running.proc.wait()

    def _reader(self, mode: str) -> _ObjectReader:
        process = self._git.cat_file(mode, istream=subprocess.PIPE, as_process=True)
        return _ObjectReader(process, self._time_limit, self._failure)

    def _entries(
        self,
        command: str,
        *arguments: str,
        at: Path | None = None,
        paths: Sequence[str] = (),
        renames: bool = True,
    ) -> list[Entry]:
        options = [argument for argument in arguments if argument.startswith("--")]
        trees = [argument for argument in arguments if not argument.startswith("--")]
        options += _DIFF_OPTIONS
        if not renames:
            options.append("--no-renames")
        told = (*options, "--end-of-options", *trees, "--", *paths)
        output = self._checked(command, *told, at=at)
        fields = iter(_texts(output))
        entries = []
        for header in fields:
            base_mode, head_mode, base_hash, head_hash, status = header.removeprefix(":").split()
            base_path = next(fields)
            path = next(fields) if status[0] in "RC" else base_path
            entries.append(
                Entry(
                    path=path,
                    base_path=base_path,
                    base_mode=base_mode,
                    head_mode=head_mode,
                    base_hash=base_hash if base_hash.strip("0") else None,
                    head_hash=head_hash if head_hash.strip("0") else None,
                    unmerged=status == "U",
                )
            )
        return entries

    def _switch_off_filters(self) -> None:
        """Empty every filter that the configuration defines; attributes then name them in vain."""
        status, names, error = self._run(
            "config", "--name-only", "-z", "--get-regexp", r"^filter\."
        )
        if status > 1:  # 1: there is none
            raise self._failure("config", error)
        drivers = {name.rpartition(".")[0] for name in _texts(names)}
        off = {"clean": "", "process": "", "smudge": "", "required": "false"}
        self._configure(
            [(f"{driver}.{key}", value) for driver in sorted(drivers) for key, value in off.items()]
        )

    def _users_setting(self, name: str) -> list[str]:
        """What system and user configure under a name. Asked by name; nothing else is honoured."""
        from git import Git

        # With the environment as it is, and in the root folder: no repository has a say in this.
        git = Git(self.directory.resolve().anchor)
        values: list[str] = []
        for scope in ("--system", "--global"):
            answer = git.config(
                scope, "-z", "--type=path", "--get-all", name, with_exceptions=False
            )
            values += answer.split("\0")[:-1]
        return values

    def _configure(self, settings: list[tuple[str, str]]) -> None:
        """Set through the environment, where the name of a setting may hold any character."""
        count = int(
            self._git.environment().get("GIT_CONFIG_COUNT")
            or os.environ.get("GIT_CONFIG_COUNT")
            or 0
        )
        for at, (key, value) in enumerate(settings, count):
            self._git.update_environment(
                **{f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
            )
        self._git.update_environment(GIT_CONFIG_COUNT=str(count + len(settings)))

    def _checked(self, command: str, *arguments: str, at: Path | None = None) -> bytes:
        status, output, error = self._run(command, *arguments, at=at)
        if status:
            raise self._failure(command, error)
        return output

    def _run(self, command: str, *arguments: str, at: Path | None = None) -> tuple[int, bytes, str]:
        git = self._git(C=str(at)) if at else self._git
        status, output, error = getattr(git, command)(
            *arguments,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
            # GitPython cannot end a process on Windows.
            kill_after_timeout=None if sys.platform == "win32" else self._time_limit,
        )
        if error.startswith("Timeout:"):
            raise self._failure(command, error)
        return status, output, error

    def _failure(self, command: str, error: str) -> InputError:
        if error.startswith("Timeout:"):
            return InputError(
                f"git {command} took longer than {self._time_limit:g} s in {self.directory}; "
                "give a smaller range"
            )
        for symptom, remedy in _REMEDIES:
            if symptom in error:
                kind = NoRepositoryError if symptom == _NO_REPOSITORY else InputError
                return kind(f"{self.directory} {remedy.format(directory=self.directory.resolve())}")
        lines = [line for line in error.splitlines() if line.startswith(("fatal:", "error:"))]
        reason = (lines or error.splitlines() or ["no reason given"])[0]
        return InputError(
            f"git {command} failed in {self.directory} ({reason}); try git fsck there"
        )


def _fields(line: str) -> list[str]:
    """The three fields that stand before a path."""
    return line.partition("\t")[0].split()


def _texts(output: bytes) -> list[str]:
    """What git printed with `-z`."""
    return output.decode("utf-8", "surrogateescape").split("\0")[:-1]


class _ObjectReader:
    """A `git cat-file` process that answers question after question, until its time is over."""

    def __init__(
        self, process: Any, time_limit: float, failure: Callable[[str, str], InputError]
    ) -> None:
        self._process = process
        self._failure = failure
        self._timer = threading.Timer(time_limit, process.proc.kill)
        self._timer.daemon = True
        self._timer.start()

    def ask(self, hash_: str) -> int:
        """The size of an object; in `--batch` mode its content follows and has to be read next."""
        size = self.find(hash_)
        if size is None:
            raise self._failure("cat-file", f"fatal: object {hash_} is missing")
        return size

    def find(self, hash_: str) -> int | None:
        """The same; None if it is not here."""
        with contextlib.suppress(BrokenPipeError):  # it died: stderr, read below, says of what
            self._process.stdin.write(hash_.encode() + b"\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if not answer:
            raise self._death()
        return int(answer[2]) if len(answer) == 3 else None  # hash, type, size

    def read(self, size: int) -> bytes:
        """The content that was asked for."""
        content: bytes = self._process.stdout.read(size + 1)  # a line end closes it
        if len(content) <= size:
            raise self._death()
        return content[:-1]

    def _death(self) -> InputError:
        killed = self._timer.finished.is_set()
        error = "Timeout:" if killed else self._process.stderr.read().decode(errors="replace")
        return self._failure("cat-file", error)

    def close(self) -> None:
        """End the process, also where an interrupt left it writing what nobody reads any more."""
        self._timer.cancel()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.proc.wait()
