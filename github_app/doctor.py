"""Whether the app could work: each thing it needs, looked at once, with the remedy where it fails.

Changes nothing but one transaction, which is taken back, and one file, which is deleted.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from github_app.github.auth import REVIEWING
from github_app.github.values import Delivery
from github_app.registration import SUBSCRIBED, trusted
from github_app.site import checked_url
from review_core.errors import ConfigurationError, ThemisError

if TYPE_CHECKING:
    import httpx

    from github_app.settings import Settings

SKEW_SECONDS = 30.0  # half of what tokens are back-dated by
FREE_BYTES = 2**30
OLDEST_GIT = (2, 31)  # configuration by environment
SECONDS = 10.0
_LEVELS = ("none", "read", "write", "admin")

Found = TypeVar("Found")


class State(StrEnum):
    """How a check ended. NOTE: it works, and could be better."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. says: what was found, and the remedy if it is wrong."""

    name: str
    state: State
    says: str

    def __str__(self) -> str:
        return f"{self.state:<5} {self.name}: {self.says}"


class AppView(Protocol):
    """What the client can tell of the app."""

    def app(self) -> Mapping[str, Any]:
        """GET /app."""

    def hook(self) -> Mapping[str, Any]:
        """GET /app/hook/config."""

    def grants(self) -> Sequence[Mapping[str, Any]]:
        """GET /app/installations."""

    def last_deliveries(self) -> Sequence[Delivery]:
        """GET /app/hook/deliveries."""

    def close(self) -> None:
        """Close connections."""


def examine(
    settings: Settings,
    connect: Callable[[], AppView],
    *,
    clock: Callable[[], float],
    verify_model: Callable[[], str],
    transport: httpx.BaseTransport | None = None,
) -> Iterator[Check]:
    """All checks, in the order in which one would mend them.

    :param connect: makes the client; raises where the key is none.
    :param clock: seconds since 1970.
    :param verify_model: loads the model and says what it is.
    :param transport: in place of the network, for tests.
    """
    yield _private_key_file(settings)
    yield _clock(settings, clock, transport)
    github, check = _tried("private key", connect, lambda _: "it is an RSA key")
    yield check
    if github is not None:
        with closing(github):
            yield from _at_github(settings, github, transport)
    yield _database(settings)
    yield _data_folder(settings.data_folder)
    yield _git()
    yield _tried("model", verify_model, str)[1]


def _tried(
    name: str, look: Callable[[], Found], says: Callable[[Found], str]
) -> tuple[Found | None, Check]:
    try:
        found = look()
    except ThemisError as error:
        return None, Check(name, State.FAIL, str(error))
    return found, Check(name, State.OK, says(found))


# --- this machine --------------------------------------------------------------------------------


def _private_key_file(settings: Settings) -> Check:
    name = "secrets"
    exposed = [str(path) for path in settings.secret_files if path.stat().st_mode & 0o077]
    if exposed:
        says = f"others of this machine may read {', '.join(exposed)}; chmod 600 them"
        return Check(name, State.NOTE, says)
    return Check(name, State.OK, "key and webhook secret are given, and no file shows them")


def _clock(
    settings: Settings, clock: Callable[[], float], transport: httpx.BaseTransport | None
) -> Check:
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


def _database(settings: Settings) -> Check:
    def look() -> str:
        from github_app.database import open_database

        database = open_database(settings.database_url.reveal())
        try:
            with database.writing():
                pass
            return "a SQLite file" if database.is_sqlite else "PostgreSQL"
        finally:
            database.close()

    return _tried("database", look, lambda kind: f"{kind} takes transactions")[1]


def _data_folder(folder: Path) -> Check:
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


def _git() -> Check:
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


# --- at GitHub -----------------------------------------------------------------------------------


def _at_github(
    settings: Settings, github: AppView, transport: httpx.BaseTransport | None
) -> Iterator[Check]:
    try:
        app = github.app()
    except ThemisError as error:
        yield Check("app", State.FAIL, f"{error}; are app_id and key of one app?")
        return
    if (app["id"], app["slug"]) == (settings.app_id, settings.app_slug):
        yield Check("app", State.OK, f"GitHub takes the key of {_named(app)}")
    else:
        says = f"GitHub calls it {_named(app)}; set app_slug and app_id to that"
        yield Check("app", State.FAIL, says)
    yield _permissions(app["permissions"])
    yield _events(app["events"])
    yield _installations(github)
    hook, check = _tried("webhook", github.hook, str)
    if hook is None:
        yield check
    else:
        yield from _webhook(settings, hook, transport)
        yield _deliveries(github)


def _named(app: Mapping[str, Any]) -> str:
    return f"{app['slug']} ({app['id']})"


def _permissions(given: Mapping[str, str]) -> Check:
    missing = _missing(given)
    if missing:
        says = f"missing {', '.join(missing)}; grant them on the app's page under Permissions"
        return Check("permissions", State.FAIL, says)
    if given.get("contents") != "write":
        says = "all needed are there; without contents: write it cannot resolve conversations"
        return Check("permissions", State.NOTE, says)
    return Check("permissions", State.OK, "all needed are there")


def _missing(given: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {level}"
        for name, level in REVIEWING.items()
        if _LEVELS.index(given.get(name, "none")) < _LEVELS.index(level)
    ]


def _events(given: Sequence[str]) -> Check:
    missing = [event for event in SUBSCRIBED if event not in given]
    if missing:
        says = f"missing {', '.join(missing)}; subscribe to them on the app's page"
        return Check("events", State.FAIL, says)
    return Check("events", State.OK, "all needed are subscribed to")


def _installations(github: AppView) -> Check:
    grants, check = _tried("installations", github.grants, str)
    if grants is None:
        return check
    if not grants:
        says = "none yet: install the app from its page, on the repositories to be reviewed"
        return Check("installations", State.NOTE, says)
    behind = [
        str((each.get("account") or {}).get("login", each["id"]))
        for each in grants
        if not each.get("suspended_at") and _missing(each["permissions"])
    ]
    if behind:
        says = f"{', '.join(behind)} must accept the app's permissions, on the installation's page"
        return Check("installations", State.FAIL, says)
    return Check("installations", State.OK, f"{len(grants)}, with all that is needed")


def _webhook(
    settings: Settings, hook: Mapping[str, Any], transport: httpx.BaseTransport | None
) -> Iterator[Check]:
    wrong = []
    if hook.get("content_type") != "json":
        wrong.append("its content type must be application/json")
    if not hook.get("secret"):
        wrong.append("it has no secret; set the one that the app is started with")
    if str(hook.get("insecure_ssl", "0")) != "0":
        wrong.append("certificates are not verified; switch that on")
    try:
        checked_url(str(hook.get("url", "")), "its address")
    except ConfigurationError as error:
        wrong.append(str(error))
    if wrong:
        yield Check("webhook", State.FAIL, f"{'; '.join(wrong)}, on the app's page")
    else:
        yield Check("webhook", State.OK, "JSON, signed, over verified TLS")
    yield _reachable(str(hook.get("url", "")), settings, transport)


def _reachable(url: str, settings: Settings, transport: httpx.BaseTransport | None) -> Check:
    import httpx

    name = "webhook address"
    try:
        with httpx.Client(transport=transport, timeout=SECONDS) as client:
            status = client.post(url, content=b"{}").status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        says = f"{url} gave no answer ({type(error).__name__}); is `serve` running behind it?"
        return Check(name, State.FAIL, says)
    if status != 401:  # what is not signed is refused, and by us alone in this way
        says = f"{url} answered {status}, not 401; does the proxy pass it on to "
        return Check(name, State.FAIL, f"{says}{settings.host}:{settings.port}, path unchanged?")
    return Check(name, State.OK, f"{url} answers, as seen from here")


def _deliveries(github: AppView) -> Check:
    found, check = _tried("deliveries", github.last_deliveries, str)
    if found is None:
        return check
    if not found:
        return Check("deliveries", State.NOTE, "GitHub remembers none; it does for three days")
    newest = found[0]
    if newest.status_code == 401:
        says = "the newest was refused for its signature; give GitHub and the app one secret"
        return Check("deliveries", State.FAIL, says)
    failed = sum(not 200 <= each.status_code < 300 for each in found)
    if not 200 <= newest.status_code < 300:
        says = f"{failed} of the last {len(found)} failed, the newest with {newest.status_code}"
        return Check("deliveries", State.FAIL, f"{says}; the app's page shows each with its answer")
    return Check("deliveries", State.OK, f"the newest arrived; {failed} of {len(found)} failed")
