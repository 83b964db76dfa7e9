"""Settings, deliveries and an inbox for tests of the app's front; calls it without a server."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tools import tool

from github_app.metrics import Snapshot
from github_app.secrets import Secret
from github_app.settings import Settings, load_settings
from github_app.signature import signature
from github_app.types import Task
from review_core.errors import ThemisError

if TYPE_CHECKING:
    from fastapi import FastAPI

SECRET = Secret("It's a Secret to Everybody")
APP_ID, SLUG = 29310, "themis-review"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
ENVIRONMENT = {
    "THEMIS_APP_APP_ID": str(APP_ID),
    "THEMIS_APP_APP_SLUG": SLUG,
    "THEMIS_APP_PRIVATE_KEY": "-----BEGIN RSA PRIVATE KEY-----\nnone\n",
    "THEMIS_APP_WEBHOOK_SECRET": SECRET.reveal(),
}


def app_settings(**others: str) -> Settings:
    """Settings that suffice; others: THEMIS_APP_* without the prefix, in lower case."""
    return load_settings(
        ENVIRONMENT | {f"THEMIS_APP_{key.upper()}": value for key, value in others.items()}
    )


@dataclass
class FakeInbox:
    """Remembers what came in. error: raised instead."""

    kept: dict[str, Task] = field(default_factory=dict)
    error: ThemisError | None = None
    hangs: bool = False

    async def receive(self, guid: str, task: Task) -> bool:
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        new = guid not in self.kept
        self.kept[guid] = task
        return new


def app_with(inbox: FakeInbox, **others: Any) -> "FastAPI":
    """The web application over an inbox; others: arguments of create_app."""
    from github_app.web import create_app

    async def problems() -> Mapping[str, str | None]:
        return {"inbox": None}

    async def snapshot() -> Snapshot:
        return Snapshot()

    settings = others.pop("settings", None) or app_settings()
    return create_app(settings, inbox, **({"problems": problems, "snapshot": snapshot} | others))


@dataclass(frozen=True)
class Answer:
    """What came back. read: how many chunks of the body were taken."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    read: int

    def json(self) -> Any:
        return json.loads(self.body)


def deliver(
    app: Callable[..., Awaitable[None]],
    body: bytes | Sequence[bytes],
    *,
    event: str = "pull_request",
    guid: str = GUID,
    path: str = "/webhook",
    headers: Mapping[str, str | None] | None = None,
) -> Answer:
    """Deliver as GitHub does; headers: more of them, or None for one to leave out."""
    whole = body if isinstance(body, bytes) else b"".join(body)
    sent: dict[str, str | None] = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": guid,
        "x-hub-signature-256": signature(SECRET, whole),
    }
    chunks = [body] if isinstance(body, bytes) else list(body)
    return asyncio.run(call(app, "POST", path, sent | dict(headers or {}), chunks))


def get(app: Callable[..., Awaitable[None]], path: str) -> Answer:
    """Ask for a page."""
    return asyncio.run(call(app, "GET", path, {}, [b""]))


async def call(
    app: Callable[..., Awaitable[None]],
    method: str,
    path: str,
    headers: Mapping[str, str | None],
    chunks: Sequence[bytes],
) -> Answer:
    """One request by ASGI itself; an exception of the application is one of ours."""
    waiting = list(chunks)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (name.encode(), value.encode("latin-1"))
            for name, value in headers.items()
            if value is not None
        ],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return Answer(
        sent[0]["status"],
        {name.decode(): value.decode() for name, value in sent[0]["headers"]},
        b"".join(each.get("body", b"") for each in sent[1:]),
        len(chunks) - len(waiting),
    )


@lru_cache
def official_examples() -> tuple[tuple[str, dict[str, Any]], ...]:
    """GitHub's own example deliveries: event and payload. Not to be changed in place."""
    events = json.loads(tool("webhooks.json").read_text("utf-8"))
    return tuple((each["name"], payload) for each in events for payload in each["examples"])
