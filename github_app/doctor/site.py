"""What GitHub has: the app, what it may do, where it is installed, whether its webhook arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from github_app.doctor.check import Check, State, tried
from github_app.github.auth import REVIEWING
from github_app.github.values import Delivery
from github_app.registration import OPTIONAL, SUBSCRIBED
from github_app.site import checked_url
from review_core.errors import ConfigurationError, ThemisError

if TYPE_CHECKING:
    import httpx

    from github_app.settings import Settings

SECONDS = 10.0
_LEVELS = ("none", "read", "write", "admin")


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


def at_github(
    settings: Settings, github: AppView, transport: httpx.BaseTransport | None
) -> Iterator[Check]:
    """All that GitHub can be asked for; where it does not take the key, that alone."""
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
    hook, check = tried("webhook", github.hook, str)
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
    if set(missing) - OPTIONAL:
        says = f"missing {', '.join(missing)}; subscribe to them on the app's page"
        return Check("events", State.FAIL, says)
    if missing:
        says = f"without {', '.join(missing)}, answers in conversations on lines are not heard"
        return Check("events", State.NOTE, f"{says}; subscribe to it on the app's page")
    return Check("events", State.OK, "all needed are subscribed to")


def _installations(github: AppView) -> Check:
    grants, check = tried("installations", github.grants, str)
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
    found, check = tried("deliveries", github.last_deliveries, str)
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
