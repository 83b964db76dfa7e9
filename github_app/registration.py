"""Registering the app: what GitHub is asked for, the form that asks, and what comes of it.

Source: GitHub's documentation, "Registering a GitHub App from a manifest".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from github_app.events import EVENTS
from github_app.github.auth import RESOLVING, REVIEWING, SCANNING
from github_app.secrets import Secret
from github_app.site import DEFAULT_URL, GitHubSite
from review_core.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    import httpx

# GitHub sends events of installations unasked, and refuses a manifest that names them.
SUBSCRIBED = tuple(event for event in EVENTS if not event.startswith("installation"))
OPTIONAL = frozenset({"pull_request_review_comment"})
"""What an app that was registered before it was asked for does without."""
# The event `issue_comment` goes by `issues` when an app is registered, though its comments are on
# pull requests alone: https://github.com/derive-to/derive/pull/269.
NEEDED: Mapping[str, str] = {**REVIEWING, "issues": "read"}
KEY_FILE, SECRET_FILE, SETTINGS_FILE = "private-key.pem", "webhook-secret", "app.toml"
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Registered:
    """An app as GitHub made it."""

    id: int
    slug: str
    page: str
    private_key: Secret
    webhook_secret: Secret


def permissions(*, sarif: bool, resolve: bool) -> dict[str, str]:
    """What the app asks for. sarif: to upload to code scanning. resolve: to resolve its own
    conversations, which GitHub lets only those do who may write contents.
    """
    extra = (SCANNING if sarif else {}), (RESOLVING if resolve else {})
    return {**NEEDED, **extra[0], **extra[1]}


def manifest(
    name: str, url: str, *, webhook_path: str, sarif: bool = False, resolve: bool = False
) -> dict[str, Any]:
    """What GitHub is asked for. url: where the app can be reached from GitHub."""
    return {
        "name": name,
        "url": url,
        "description": "Says of each changed function whether it got better or worse, "
        "judged by a model that runs where the app does.",
        "hook_attributes": {"url": f"{url}{webhook_path}", "active": True},
        "redirect_url": f"{url}/registered",
        "public": False,
        "default_permissions": permissions(sarif=sarif, resolve=resolve),
        "default_events": list(SUBSCRIBED),
    }


def form_page(asked: Mapping[str, Any], site: GitHubSite, organisation: str | None) -> str:
    """A page with one button, which posts the manifest: GitHub takes it by POST alone, from a
    browser that is signed in.
    """
    owner = f"organizations/{quote(organisation, safe='')}/" if organisation else ""
    action = f"{site.url}/{owner}settings/apps/new"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Register {escape(asked["name"])}</title>
<form method="post" action="{escape(action)}">
<input type="hidden" name="manifest" value="{escape(json.dumps(asked))}">
<p>This asks <code>{escape(site.host)}</code> to register <b>{escape(asked["name"])}</b>.
Afterwards the address bar ends with <code>code=…</code>: it is good for an hour, once.
<p><button>Register</button>
</form></html>
"""


def convert(
    code: str, site: GitHubSite, transport: httpx.BaseTransport | None = None
) -> Registered:
    """Exchange the code of the address bar for the app's id, key and secret.

    :raises InputError: if GitHub does not take it, or cannot be had.
    """
    import httpx

    if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", code):
        raise InputError("the code is what stands behind code= in the address bar, nothing more")
    try:
        with httpx.Client(verify=trusted(site), transport=transport, timeout=SECONDS) as client:
            answer = client.post(
                f"{site.api_url}/app-manifests/{code}/conversions",
                headers={
                    "Accept": "application/vnd.github+json",
                    "X-GitHub-Api-Version": site.api_version,
                },
            )
    except httpx.HTTPError as error:
        raise InputError(f"{site.host} gave no answer: {type(error).__name__}") from None
    if answer.status_code != 201:
        raise InputError(
            f"{site.host} does not take the code ({answer.status_code}): it is good for an hour, "
            "once; press the form's button again"
        )
    app = answer.json()
    return Registered(
        app["id"],
        app["slug"],
        app["html_url"],
        Secret(app["pem"]),
        Secret(app["webhook_secret"]),
    )


def trusted(site: GitHubSite) -> Any:
    """Whom to trust as that site."""
    import ssl

    return ssl.create_default_context(cafile=site.ca_file) if site.ca_file else True


def refuse_to_overwrite(folder: Path) -> None:
    """Look before a code is used up.

    :raises ConfigurationError: if something that `save` writes is there already.
    """
    for name in (KEY_FILE, SECRET_FILE, SETTINGS_FILE):
        if (folder / name).exists():
            raise ConfigurationError(f"{folder / name} is there already; name another --folder")


def save(app: Registered, site: GitHubSite, folder: Path) -> Path:
    """Write key, secret and settings, readable by this user alone; return the settings' path.

    :raises ConfigurationError: if one of them is there already; nothing is overwritten.
    """
    refuse_to_overwrite(folder)
    settings = folder / SETTINGS_FILE
    lines = [
        f"app_id = {app.id}",
        f"app_slug = {json.dumps(app.slug)}",
        f'private_key_file = "{KEY_FILE}"',
        f'webhook_secret_file = "{SECRET_FILE}"',
    ]
    if site.url != DEFAULT_URL:
        lines.append(f"github_url = {json.dumps(site.url)}")
    if site.ca_file:
        lines.append(f"ca_file = {json.dumps(str(site.ca_file.resolve()))}")
    files = {
        folder / KEY_FILE: app.private_key.reveal(),
        folder / SECRET_FILE: app.webhook_secret.reveal(),
        settings: "\n".join(lines) + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path, text in files.items():
        path.touch(0o600, exist_ok=False)  # before anything is in it
        path.write_text(text, "utf-8")
    return settings
