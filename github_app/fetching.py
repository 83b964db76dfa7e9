"""Git over the network, into a bare repository of ours: the one place where a token meets git.

The token goes by the environment, which other users cannot read; never by argument, URL or file.
Git runs in an environment of its own making: no configuration of system, user or repository, no
helper, hook or filter, one protocol, one host, a time and a size at which it is ended.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from github_app.errors import (
    ForbiddenError,
    GitHubError,
    LeftAloneError,
    MissingError,
    StoppedError,
    UnavailableError,
)
from review_core.sources.repository import SAFE_CONFIGURATION, SAFE_ENVIRONMENT

_KEPT_VARIABLES = (
    *("PATH", "LD_LIBRARY_PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"),
)
_PROTOCOLS = ("https", "http")  # http where GitHub's own address has it: on loopback alone
_LOOK_EVERY = 0.2
"""Seconds between looks at size, time and whether we are still wanted."""

_LOWEST_SPEED = 1000
"""Bytes a second; git gives up on what is slower for a minute, also where nobody watches it."""

_CONFIGURATION = (
    *(setting.partition("=")[::2] for setting in SAFE_CONFIGURATION),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("http.lowSpeedLimit", str(_LOWEST_SPEED)),
    ("http.lowSpeedTime", "60"),
    # Given by every fetch and kept in no file: where it is only read, git believes the clone whole
    # and never asks the network for what is missing.
    ("remote.origin.promisor", "true"),
    ("remote.origin.partialclonefilter", "blob:none"),
)

_MISSING = (
    "Repository not found",
    "returned error: 404",
    "couldn't find remote ref",
    "not our ref",
)
_FORBIDDEN = (
    *("returned error: 401", "returned error: 403", "Authentication failed"),
    *("could not read Username", "could not read Password", "terminal prompts disabled"),
)
_UNAVAILABLE = (
    *("unable to access", "Could not resolve", "RPC failed", "early EOF", "hung up", "timed out"),
    *("returned error: 5", "returned error: 429", "No space left", "unexpected disconnect"),
)


class DamagedError(Exception):
    """Git failed for a reason that lies in the clone, not at GitHub."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a clone comes from. url, token: as GitHub gives them; ca_file: as the site has it."""

    url: str
    token: str = field(repr=False)
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """seconds: for one git command; bytes: the size of the clone, with what is being fetched."""

    seconds: float
    bytes: int


def create(folder: Path) -> None:
    """Make an empty bare repository, without hooks and templates."""
    _git(["init", "--quiet", "--bare", "--template=", "."], folder, _variables({}), limits=None)


def fetch(
    folder: Path,
    origin: Origin,
    wanted: Iterable[str],
    limits: FetchLimits,
    stop: Callable[[], bool] = lambda: False,
    *,
    negotiate: bool = True,
) -> None:
    """Fetch refspecs or hashes, files left out unless asked for by hash.

    :param negotiate: tell the server what is here; pointless for single files.
    :raises MissingError: for what GitHub does not have (for us).
    :raises ForbiddenError: where the token is not taken.
    :raises UnavailableError: where GitHub or the network failed, or time ran out.
    :raises LeftAloneError: where the clone grows too large.
    :raises StoppedError: once `stop` says so.
    :raises DamagedError: where the clone itself is the reason.
    """
    settings = [("remote.origin.url", origin.url), *_authorization(origin)]
    if origin.ca_file is not None:
        settings.append(("http.sslCAInfo", str(origin.ca_file)))
    if not negotiate:
        settings.append(("fetch.negotiationAlgorithm", "noop"))
    protocol = urlsplit(origin.url).scheme
    if protocol not in _PROTOCOLS:
        protocol = "none"
    variables = _variables(dict(settings)) | {"GIT_ALLOW_PROTOCOL": protocol}
    command = [
        "fetch",
        *("--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
        *("--no-recurse-submodules", "--no-show-forced-updates", "--filter=blob:none"),
        *("--stdin", "--end-of-options", "origin"),
    ]
    told = "".join(f"{each}\n" for each in wanted)
    try:
        _git(command, folder, variables, limits, stop, told.encode())
    except _FailedError as failed:
        raise _named(str(failed).replace(origin.token, "***"), origin.url) from None
    _check_size(folder, limits)


def size_of(folder: Path) -> int:
    """The bytes of what git packed there, half-made packs included."""
    try:
        with os.scandir(folder / "objects" / "pack") as entries:
            return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
    except FileNotFoundError:  # also where git renames a pack under our eyes: the next look counts
        return 0


class _FailedError(Exception):
    """What git said."""


def _git(
    command: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    limits: FetchLimits | None,
    stop: Callable[[], bool] = lambda: False,
    told: bytes = b"",
) -> None:
    process = subprocess.Popen(
        ["git", *command],
        cwd=folder,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that its helpers end with it
    )
    try:
        error = _watched(process, folder, limits, stop, told)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        raise _FailedError(error.decode(errors="replace"))


def _watched(
    process: subprocess.Popen[bytes],
    folder: Path,
    limits: FetchLimits | None,
    stop: Callable[[], bool],
    told: bytes,
) -> bytes:
    """What git wrote to stderr, once it ended by itself."""
    started = time.monotonic()
    rest: bytes | None = told
    while True:
        try:
            return process.communicate(rest, timeout=_LOOK_EVERY)[1]
        except subprocess.TimeoutExpired:
            rest = None  # Python goes on writing what it was given first
            if stop():
                raise StoppedError("told to stop while fetching") from None
            if limits is not None and time.monotonic() - started > limits.seconds:
                raise UnavailableError(
                    f"fetching took longer than {limits.seconds:g} s; try again later, "
                    "or raise git_seconds"
                ) from None
            if limits is not None:
                _check_size(folder, limits)


def _check_size(folder: Path, limits: FetchLimits) -> None:
    if size_of(folder) > limits.bytes:
        raise LeftAloneError(
            f"the repository's history is larger than {limits.bytes / 2**20:g} MB; "
            "raise repository_megabytes to have it reviewed"
        )


def _variables(settings: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a git command. HOME is a place without .netrc and .gitconfig."""
    configuration = [*_CONFIGURATION, *settings.items()]
    variables = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    variables |= SAFE_ENVIRONMENT
    variables |= {"HOME": os.devnull, "LC_ALL": "C", "GIT_CONFIG_COUNT": str(len(configuration))}
    for at, (key, value) in enumerate(configuration):
        variables[f"GIT_CONFIG_KEY_{at}"] = key
        variables[f"GIT_CONFIG_VALUE_{at}"] = value
    return variables


def _authorization(origin: Origin) -> list[tuple[str, str]]:
    """A header for this host alone."""
    parts = urlsplit(origin.url)
    password = base64.b64encode(f"x-access-token:{origin.token}".encode()).decode()
    place = f"http.{parts.scheme}://{parts.netloc}/.extraHeader"
    return [(place, f"Authorization: Basic {password}")]


def _named(said: str, url: str) -> GitHubError | DamagedError:
    """The error for what git said; its first plain line goes along."""
    lines = [line for line in said.splitlines() if line.startswith(("fatal:", "error:", "remote:"))]
    reason = " ".join((lines or said.splitlines() or ["no reason given"])[0].split())[:300]
    where = f"git could not fetch {url}: {reason}"
    if any(symptom in said for symptom in _MISSING):
        return MissingError(where)
    if any(symptom in said for symptom in _FORBIDDEN):
        return ForbiddenError(where)
    if any(symptom in said for symptom in _UNAVAILABLE):
        return UnavailableError(where)
    return DamagedError(where)
