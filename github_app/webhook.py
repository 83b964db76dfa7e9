"""A delivery, step by step: size, signature, shape, then the inbox. The first that fails answers.

2xx: GitHub is done with it. 4xx: it would be no better when delivered again. 503: it is worth
asking GitHub to deliver it again, which `jobs` does.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from fastapi import Request
from starlette.requests import ClientDisconnect

from github_app.errors import PayloadError
from github_app.events import App, action_of, task_of
from github_app.log import about
from github_app.settings import Settings
from github_app.signature import HEADER as SIGNATURE
from github_app.signature import is_signed
from github_app.types import Ignored, Task
from review_core.errors import ThemisError

log = logging.getLogger(__name__)

BODY_BYTES = 25 * 2**20  # GitHub sends no more
BODY_SECONDS = 10.0  # GitHub waits no longer
HELD_BYTES = 10 * BODY_BYTES  # of bodies that strangers, too, may have us hold at a time
INBOX_SECONDS = 8.0
_LARGE = 32 * 2**10  # reading a body above this may hold the event loop up
_GUID = re.compile(r"[A-Za-z0-9-]{1,64}")
_EVENT = re.compile(r"[a-z_0-9]{1,64}")


class Inbox(Protocol):
    """Keeps what is asked for until it is done."""

    async def receive(self, guid: str, task: Task) -> bool:
        """Return once it would survive the machine's end; False if its GUID was there already.

        :raises ThemisError: if it could not be kept. It does not matter whether it was kept all the
            same: delivered again, it has the same GUID.
        """


class Webhook:
    """Answers deliveries for one app."""

    def __init__(self, settings: Settings, inbox: Inbox, clock: Callable[[], float]) -> None:
        self._secrets = settings.webhook_secrets
        self._app = App(settings.app_id, settings.app_slug)
        self._inbox = inbox
        self._clock = clock
        self._held = 0  # bytes of the bodies that are being read or answered

    async def answer(self, request: Request, event: str, guid: str) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer."""
        started = self._clock()
        status, answer, action = await self._answer(request, event, guid)
        log.log(
            logging.INFO if status < 400 else logging.WARNING,
            "delivery answered",
            extra={
                "kind": event[:64],
                "action": action[:64],
                "status": status,
                "answer": answer.get("reason") or answer.get("error") or answer["status"],
                "milliseconds": round((self._clock() - started) * 1000, 1),
            },
        )
        return status, answer

    async def _answer(
        self, request: Request, event: str, guid: str
    ) -> tuple[int, dict[str, Any], str]:
        body = bytearray()
        try:
            await self._read_into(body, request)
            return await self._answer_to(bytes(body), request, event, guid)
        except _TooLargeError:
            return *_refused(413, f"the body is larger than {BODY_BYTES} bytes"), ""
        except _TooMuchError:
            return *_refused(503, "too much at a time; deliver it again later"), ""
        finally:
            self._held -= len(body)

    async def _read_into(self, body: bytearray, request: Request) -> None:
        """Take all of it.

        :raises _TooLargeError: as soon as that is known; the rest is not read.
        :raises _TooMuchError: if bodies together are too large, or this one comes too slowly.
        """
        announced = request.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced[:20]) > BODY_BYTES:
            raise _TooLargeError
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in _chunks(request):
                    body += chunk
                    self._held += len(chunk)
                    if len(body) > BODY_BYTES:
                        raise _TooLargeError
                    if self._held > HELD_BYTES:
                        raise _TooMuchError
        except TimeoutError:
            raise _TooMuchError from None

    async def _answer_to(
        self, body: bytes, request: Request, event: str, guid: str
    ) -> tuple[int, dict[str, Any], str]:
        if not is_signed(self._secrets, body, request.headers.get(SIGNATURE)):
            return *_refused(401, f"{SIGNATURE} is missing or wrong; is the secret the same?"), ""
        if not _EVENT.fullmatch(event) or not _GUID.fullmatch(guid):
            return *_refused(400, "X-GitHub-Event or X-GitHub-Delivery is missing or malformed"), ""
        try:
            # A thread, because a long comment may take long to read.
            task, action = (
                await asyncio.to_thread(_read, event, guid, body, self._app)
                if len(body) > _LARGE
                else _read(event, guid, body, self._app)
            )
        except PayloadError as error:
            return *_refused(400, str(error)), ""
        if isinstance(task, Ignored):
            return 200, {"status": "ignored", "reason": task.reason}, action
        with about(task=task.key):
            return *await self._keep(guid, task), action

    async def _keep(self, guid: str, task: Task) -> tuple[int, dict[str, Any]]:
        try:
            async with asyncio.timeout(INBOX_SECONDS):
                new = await self._inbox.receive(guid, task)
        except TimeoutError:
            return _refused(503, "the inbox is too slow; deliver it again later")
        except ThemisError:
            log.exception("a delivery could not be kept")
            return _refused(503, "the inbox does not work; deliver it again later")
        return 202, {"status": "accepted" if new else "known"}


def _read(event: str, guid: str, body: bytes, app: App) -> tuple[Task | Ignored, str]:
    """What a signed body asks for, and its action.

    :raises PayloadError: if it is not JSON, or not as documented.
    """
    from pydantic_core import from_json

    try:
        payload = from_json(body, allow_inf_nan=False)
    except ValueError as error:  # too deep as well
        raise PayloadError(
            "the body is not JSON; set the webhook's content type to application/json"
        ) from error
    if not isinstance(payload, dict):
        raise PayloadError("the body is not a JSON object")
    return task_of(event, guid, payload, app), action_of(payload)


class _TooLargeError(Exception):
    """The body is larger than GitHub's may be."""


class _TooMuchError(Exception):
    """There is no room, or no time, for this body now."""


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:  # nobody reads the answer; the signature refuses what came
        return


def _refused(status: int, error: str) -> tuple[int, dict[str, Any]]:
    return status, {"status": "refused", "error": error}
