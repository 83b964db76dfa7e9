"""Tells the app of events, as GitHub does: signed, with a GUID, one attempt, ten seconds.

Deliveries may be held back, to be sent in another order, twice, or under a second GUID.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

from fake_github.shapes import Addresses, Shapes, node_id
from fake_github.world import Delivery, Installation, Json, Repository, Store

ENTERPRISE_VERSION = "3.19.0"
ANSWER_WITHIN = 10.0  # seconds


class Webhooks:
    """Sends the app's deliveries, in order, from a thread of its own.

    enterprise: the address of an Enterprise Server, which names itself. held: keep new ones back
    until `deliver` is called with their ids.
    """

    def __init__(self, store: Store, at: Addresses, enterprise: str | None = None) -> None:
        self._store = store
        self._at = at
        self._enterprise = enterprise
        self._thread = ThreadPoolExecutor(1, "fake-github-webhooks")
        self.held = False

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    def settle(self) -> None:
        """Wait until all that is on its way has arrived."""
        self._thread.submit(lambda: None).result()

    def announce(
        self,
        event: str,
        action: str | None,
        repository: Repository | None,
        payload: Json,
        installation: Installation | None = None,
        sender: str | None = None,
    ) -> Delivery | None:
        """Record an event and send it, unless the app does not ask for it; without waiting."""
        with self._store.changing() as world:
            whose = installation
            if whose is None and repository is not None:
                whose = world.installation_of(repository)
            wanted = event.startswith("installation") or (whose and event in whose.events)
            if whose is None or not wanted:
                return None
            shapes = Shapes(world, self._at)
            whole: Json = {} if action is None else {"action": action}
            whole |= payload
            if repository is not None:
                whole["repository"] = shapes.repository(repository)
            whole["sender"] = shapes.user(sender or world.app.login)
            if event.startswith("installation"):
                whole["installation"] = shapes.installation(whose)
            else:
                whole["installation"] = {"id": whose.id, "node_id": node_id("I", whose.id)}
            delivery = Delivery(
                id=world.new_id(),
                guid=str(uuid.uuid4()),
                event=event,
                action=action,
                payload=whole,
                installation=whose.id,
                repository=repository.id if repository else None,
                delivered_at=world.timestamp(),
            )
            world.deliveries.append(delivery)
        if not self.held:
            self._thread.submit(self._send, delivery)
        return delivery

    def deliver(self, id_: int, guid: str | None = None) -> Delivery:
        """Send a known delivery now and wait; with another GUID it is an event told twice."""
        return self._thread.submit(self._send, self._taken(id_, guid)).result()

    def deliver_at_once(self, ids: Sequence[int], threads: int) -> list[Delivery]:
        """Send known deliveries, so many at a time."""
        taken = [self._taken(id_, None) for id_ in ids]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self._send, taken))

    def _taken(self, id_: int, guid: str | None) -> Delivery:
        with self._store.changing() as world:
            known = next(d for d in world.deliveries if d.id == id_)
            if known.status != "pending" or guid is not None:
                known = replace(known, id=world.new_id(), guid=guid or known.guid)
                world.deliveries.append(known)
            return known

    def redeliver(self, id_: int) -> Future[Delivery]:
        """As somebody asked through the API: the same GUID, a new id; without waiting."""
        with self._store.changing() as world:
            known = next(d for d in world.deliveries if d.id == id_)
            again = replace(
                known,
                id=world.new_id(),
                redelivery=True,
                status="pending",
                status_code=0,
                delivered_at=world.timestamp(),
            )
            world.deliveries.append(again)
        return self._thread.submit(self._send, again)

    def _send(self, delivery: Delivery) -> Delivery:
        with self._store.reading() as world:
            url, secret, app = world.app.webhook_url, world.app.webhook_secret, world.app.id
        body = json.dumps(delivery.payload).encode()
        begun = time.perf_counter()
        code, status = 0, "no webhook address"
        if url is not None:
            told = headers(delivery, body, secret, app)
            if self._enterprise is not None:
                told["X-GitHub-Enterprise-Host"] = urlsplit(self._enterprise).netloc
                told["X-GitHub-Enterprise-Version"] = ENTERPRISE_VERSION
            code, status = post(url, told, body)
        with self._store.changing():
            delivery.status_code, delivery.status = code, status
            delivery.duration = time.perf_counter() - begun
        return delivery


def headers(delivery: Delivery, body: bytes, secret: str, app: int) -> dict[str, str]:
    """Those that GitHub sends."""

    def signed(algorithm: str) -> str:
        return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"

    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": f"GitHub-Hookshot/{hashlib.sha1(body).hexdigest()[:7]}",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": "1",
        "X-GitHub-Hook-Installation-Target-ID": str(app),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature": signed("sha1"),
        "X-Hub-Signature-256": signed("sha256"),
    }


def post(url: str, with_headers: dict[str, str], body: bytes) -> tuple[int, str]:
    """Status and its words; 0 where nobody answered in time."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port, timeout=ANSWER_WITHIN
    )
    try:
        connection.request("POST", address.path or "/", body, with_headers)
        answer = connection.getresponse()
        answer.read()
    except TimeoutError:
        return 0, "timed out"
    except (OSError, http.client.HTTPException):
        return 0, "failed to connect to host"
    else:
        fine = 200 <= answer.status < 300
        return answer.status, "OK" if fine else f"Invalid HTTP Response: {answer.status}"
    finally:
        connection.close()
