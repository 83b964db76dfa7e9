"""A recorded delivery, done again: what it asks for, or sent to an app that runs.

Reads what GitHub's API gives for a delivery (`gh api /app/hook/deliveries/ID`), and our own
`{"headers": {...}, "payload": {...}}`. The signature of old is not used: JSON that was read and
written again has other bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from github_app.secrets import Secret
from github_app.signature import HEADER, signature
from review_core.errors import InputError

if TYPE_CHECKING:
    import httpx

SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A delivery. guid: X-GitHub-Delivery; event: X-GitHub-Event."""

    event: str
    guid: str
    payload: Mapping[str, Any]


def read_recorded(file: Path) -> Recorded:
    """The delivery in a file.

    :raises InputError: if there is none.
    """
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not JSON: {error}") from error
    request = document.get("request", document) if isinstance(document, dict) else {}
    headers = request.get("headers")
    payload = request.get("payload", request.get("body"))
    if not isinstance(headers, dict) or not isinstance(payload, dict):
        raise InputError(
            f"{file} needs headers and payload, as `gh api /app/hook/deliveries/ID` prints them"
        )
    named = {str(name).lower(): str(value) for name, value in headers.items()}
    missing = [
        name for name in ("X-GitHub-Event", "X-GitHub-Delivery") if name.lower() not in named
    ]
    if missing:
        raise InputError(f"{file} lacks the header {missing[0]}")
    return Recorded(named["x-github-event"], named["x-github-delivery"], payload)


def send(
    recorded: Recorded, url: str, secret: Secret, transport: httpx.BaseTransport | None = None
) -> tuple[int, str]:
    """Deliver it to an app that runs; return status and body of the answer.

    :raises InputError: if nobody answers.
    """
    import httpx

    body = json.dumps(recorded.payload, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": recorded.event,
        "X-GitHub-Delivery": recorded.guid,
        HEADER: signature(secret, body),
    }
    try:
        with httpx.Client(transport=transport, timeout=SECONDS) as client:
            answer = client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InputError(f"{url} gave no answer ({type(error).__name__}); is it running?") from None
    return answer.status_code, answer.text
