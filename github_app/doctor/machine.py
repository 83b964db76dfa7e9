"""What this machine has: secrets that hide, the time, a database, a folder, git.

Changes nothing but one transaction, which is taken back, and one file, which is deleted.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from github_app.doctor.check import Check, State, tried
from github_app.registration import trusted

if TYPE_CHECKING:
    import httpx

    from github_app.settings import Settings

SKEW_SECONDS = 30.0  # half of what tokens are back-dated by
FREE_BYTES = 2**30
OLDEST_GIT = (2, 31)  # configuration by environment
SECONDS = 10.0


def secret_files(settings: Settings) -> Check:
    """Whether others of this machine may read them."""
    name = "secrets"
    exposed = [str(path) for path in settings.secret_files if path.stat().st_mode & 0o077]
    if exposed:
        says = f"others of this machine may read {', '.join(exposed)}; chmod 600 them"
        return Check(name, State.NOTE, says)
    return Check(name, State.OK, "key and webhook secret are given, and no file shows them")


def clock_skew(
    settings: Settings, clock: Callable[[], float], transport: httpx.BaseTransport | None
) -> Check:
    """Whether GitHub has the same time as we, within what signed tokens allow."""
    import httpx

    site = settings.github
    try:
        with httpx.Client(verify=trusted(site), transport=transport, timeout=SECONDS) as client:
            answer = client.get(f"{site.api_url}/app")  # unsigned: only its date is read
        skew = clock() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except httpx.HTTPError as error:
        says = f"{site.api_url} gave no answer ({type(error).__name__}); check network and ca_file"
        return Check("GitHub", State.FAIL, says)
    except (KeyError, ValueError):
        return Check("clock", State.NOTE, "GitHub gave no date to compare with")
    if abs(skew) > SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        says = f"{abs(skew):.0f} s {way} GitHub's, which refuses our tokens then; run an NTP client"
        return Check("clock", State.FAIL, says)
    return Check("clock", State.OK, f"within {SKEW_SECONDS:.0f} s of GitHub's")


def database(settings: Settings) -> Check:
    """Whether it takes a transaction."""

    def look() -> str:
        from github_app.database import open_database

        database = open_database(settings.database_url.reveal())  # in a transaction that writes
        try:
            return "a SQLite file" if database.is_sqlite else "PostgreSQL"
        finally:
            database.close()

    return tried("database", look, lambda kind: f"{kind} takes transactions")[1]


def data_folder(folder: Path) -> Check:
    """Whether it can be written to, and has room."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        says = f"{folder} cannot be written to ({error.strerror}); set data_folder to one that can"
        return Check("data folder", State.FAIL, says)
    said = f"{folder} has {free / 2**30:.1f} GiB free"
    if free < FREE_BYTES:
        return Check("data folder", State.FAIL, f"{said}; make room, or lower clone_megabytes")
    return Check("data folder", State.OK, said)


def git() -> Check:
    """Whether it runs, and is new enough."""
    try:
        told = subprocess.run(
            ["git", "version"], capture_output=True, text=True, check=True, timeout=SECONDS
        ).stdout
        version = tuple(int(part) for part in told.split()[2].split(".")[:2])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return Check("git", State.FAIL, "it does not run; install git")
    if version < OLDEST_GIT:
        wanted = ".".join(map(str, OLDEST_GIT))
        return Check("git", State.FAIL, f"{told.strip()} is too old; install {wanted} or newer")
    return Check("git", State.OK, told.strip())
