"""Bare partial clones of repositories, kept on disk: who may use one, and for how long.

    FOLDER/INSTALLATION/REPOSITORY.git     commits and trees, and those files that changes needed
    FOLDER/INSTALLATION/REPOSITORY.lock    held while one is used; the system frees it of the dead

Repositories go by id: a renamed one keeps its clone. Every clone can be made again, so whatever
looks damaged is deleted. One worker uses a clone at a time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from github_app.errors import StoppedError, UnavailableError
from github_app.fetching import DamagedError, FetchLimits, Origin, create, fetch, size_of
from review_core.errors import InputError
from review_core.sources.repository import Repository, open_repository

if TYPE_CHECKING:
    from filelock import FileLock

    from github_app.types import RepositoryRef

log = logging.getLogger(__name__)

_MAX_PACKS = 1000
"""Every fetch adds some, and git slows down; from here on a clone is made again."""

_SIZE_FILE = "themis.size"
"""Holds the bytes of a clone when it was used last; its age says when that was."""

Result = TypeVar("Result")
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class CloneLimits:
    """total_bytes: of all clones, those in use aside; repository_bytes: of one.

    seconds: for one git command, and for waiting until another worker is done with a clone.
    """

    total_bytes: int
    repository_bytes: int
    seconds: float


class Clone:
    """One clone, while it is ours."""

    def __init__(self, repository: Repository, folder: Path, fetch: Callable[..., None]) -> None:
        self.repository = repository
        self._folder = folder
        self._fetch = fetch

    def fetch(self, refspecs: Iterable[str]) -> None:
        """Fetch commits and trees; see `fetching.fetch` for what it raises."""
        self._fetch(refspecs)

    def fetch_files(self, hashes: Iterable[str]) -> None:
        """Fetch those of some files that are not here, all at once."""
        missing = self.repository.missing(dict.fromkeys(hashes))
        if missing:
            self._fetch(missing, negotiate=False)


class Clones:
    """The clones below a folder. Several processes may use one folder."""

    def __init__(self, folder: Path, limits: CloneLimits) -> None:
        self._folder = folder
        self._limits = limits

    def use(
        self,
        installation: int,
        ref: RepositoryRef,
        origin: Origin,
        work: Callable[[Clone], Result],
        stop: Stop = lambda: False,
    ) -> Result:
        """What `work` makes of the clone. It may be called twice: again if the clone was damaged.

        :raises GitHubError: where the repository cannot be fetched, or another worker has the clone
            for too long.
        :raises LeftAloneError: where it is too large.
        :raises StoppedError: once `stop` says so.
        :raises InputError: where git fails again with a new clone.
        """
        folder = self._folder / str(installation) / f"{ref.id}.git"
        with self._locked(folder, stop):
            fresh = self._prepare(folder)
            try:
                try:
                    return self._work(folder, origin, work, stop)
                except (DamagedError, InputError) as error:
                    if fresh:
                        raise
                    log.warning("making the clone of %s again: %s", ref.full_name, error)
                    self._delete(folder)
                    self._prepare(folder)
                    return self._work(folder, origin, work, stop)
            except DamagedError as error:
                self._delete(folder)
                raise UnavailableError(str(error)) from None
            finally:
                if size_of(folder) > self._limits.repository_bytes:
                    self._delete(folder)
                self._note_use(folder)
                self._evict()

    def forget(self, installation: int, repositories: Iterable[int] | None = None) -> None:
        """Delete the clones of an installation: of some repositories, by id, or of all.

        :raises UnavailableError: where one stays in use.
        """
        of_installation = self._folder / str(installation)
        if repositories is None:
            folders = list(of_installation.glob("*.git"))
        else:
            folders = [of_installation / f"{id_}.git" for id_ in repositories]
        for folder in folders:
            if folder.exists():
                with self._locked(folder, lambda: False):
                    self._delete(folder)
        self._sweep()

    def total_bytes(self) -> int:
        """What all clones hold, as noted when each was used last."""
        return sum(size for _, size, _ in self._known())

    def _work(
        self, folder: Path, origin: Origin, work: Callable[[Clone], Result], stop: Stop
    ) -> Result:
        limits = FetchLimits(self._limits.seconds, self._limits.repository_bytes)

        def fetched(wanted: Iterable[str], *, negotiate: bool = True) -> None:
            fetch(folder, origin, wanted, limits, stop, negotiate=negotiate)

        with open_repository(folder, self._limits.seconds) as repository:
            return work(Clone(repository, folder, fetched))

    def _prepare(self, folder: Path) -> bool:
        """See that there is a clone that can be fetched into; True if it is new."""
        if (folder / "HEAD").exists() and _packs(folder) <= _MAX_PACKS:
            _clean(folder)
            return False
        self._delete(folder)
        folder.mkdir(parents=True)
        create(folder)
        return True

    @contextmanager
    def _locked(self, folder: Path, stop: Stop) -> Iterator[None]:
        from filelock import Timeout

        lock = _lock(folder)
        waited = 0.0
        while True:
            try:
                lock.acquire(timeout=1.0)
                break
            except Timeout:
                waited += 1.0
            if stop():
                raise StoppedError("told to stop while another worker used the clone")
            if waited >= self._limits.seconds:
                raise UnavailableError("another worker uses the clone for too long; try again")
        try:
            yield
        finally:
            lock.release()

    def _note_use(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # it was deleted, or the disk is full
            (folder / _SIZE_FILE).write_text(str(size_of(folder)))

    def _known(self) -> list[tuple[float, int, Path]]:
        """When each clone was used last, its size and where it is."""
        found = []
        for folder in self._folder.glob("*/*.git"):
            note = folder / _SIZE_FILE
            try:
                found.append((note.stat().st_mtime, int(note.read_text()), folder))
            except (OSError, ValueError):  # half made
                found.append((0.0, size_of(folder), folder))
        return sorted(found)

    def _evict(self) -> None:
        """Delete clones, the one used longest ago first, until the rest fits. None in use."""
        from filelock import Timeout

        known = self._known()
        total = sum(size for _, size, _ in known)
        for _, size, folder in known:
            if total <= self._limits.total_bytes:
                break
            with contextlib.suppress(Timeout), _lock(folder).acquire(timeout=0):
                self._delete(folder)
                total -= size
        self._sweep()

    def _delete(self, folder: Path) -> None:
        """Out of the way at once, whole or not at all; then from the disk."""
        gone = folder.with_name(f"{folder.name}-{uuid.uuid4().hex}.gone")
        with contextlib.suppress(FileNotFoundError):
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _sweep(self) -> None:
        """Delete what a killed worker did not get to."""
        for gone in self._folder.glob("*/*.gone"):
            shutil.rmtree(gone, ignore_errors=True)


def _lock(folder: Path) -> FileLock:
    """The lock of a clone: of the kernel's, so that it ends with its holder."""
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(folder.with_suffix(".lock"), thread_local=False)


def _packs(folder: Path) -> int:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder / "objects" / "pack") as entries:
        return sum(entry.name.endswith(".pack") for entry in entries)
    return 0


def _clean(folder: Path) -> None:
    """Remove what a killed git left: half-made packs, and locks that would block the next one."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*"):
        for left in folder.glob(pattern):
            left.unlink(missing_ok=True)
