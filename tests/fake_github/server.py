"""The fake as an HTTP server: an ASGI application in front of the gate, on uvicorn, in a thread."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from fake_github.gate import Gate, Incoming, Outgoing

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Admin = Callable[[str, str, bytes], Outgoing]

ADMIN = "/_fake/"
_AT_ONCE = 32  # requests


class Application:
    """One ASGI application; admin answers what is below /_fake/."""

    def __init__(self, gate: Gate, admin: Admin) -> None:
        self._gate = gate
        self._admin = admin
        self._threads = ThreadPoolExecutor(_AT_ONCE, "fake-github")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        query = scope["query_string"].decode("latin-1")
        loop = asyncio.get_running_loop()
        if path.startswith(ADMIN):
            name = path.removeprefix(ADMIN)
            out = await loop.run_in_executor(
                self._threads, self._admin, scope["method"], name, body
            )
        else:
            headers = {
                k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]
            }
            incoming = Incoming(scope["method"], path, query, headers, body)
            out = await loop.run_in_executor(self._threads, self._gate.handle, incoming)
        if out.fate:
            await _hold(receive, out.seconds)
            _reset(send)
            await receive()  # until uvicorn has seen it: it would complain of no answer
            return
        fields = {"content-type": out.answer.content_type, "content-length": str(len(out.body))}
        if out.answer.status in (204, 304):
            fields = {}
        given = [(k.encode(), v.encode()) for k, v in (fields | out.answer.headers).items()]
        start = {"type": "http.response.start", "status": out.answer.status, "headers": given}
        await send(start)
        await send({"type": "http.response.body", "body": out.body})


async def _hold(receive: Receive, seconds: float) -> None:
    """Wait so long, or until the client has gone."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(receive(), seconds)


def _reset(send: Send) -> None:
    """End the connection with a TCP reset; uvicorn's sender is a method of what holds it."""
    transport = send.__self__.transport  # type: ignore[attr-defined]
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Server:
    """uvicorn in a thread. The address is known before it starts: the socket is bound first."""

    def __init__(self, port: int = 0) -> None:
        # With the protocol named, asyncio sets TCP_NODELAY; without it an answer takes 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self._uvicorn: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._application: Application | None = None

    def start(self, application: Application, certificate: Path | None = None) -> None:
        """certificate: with its key, to speak TLS."""
        self._socket.listen(128)  # clients may connect before uvicorn answers
        self._application = application
        config = uvicorn.Config(
            application,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            server_header=False,
            ssl_certfile=certificate,
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._uvicorn.run, kwargs={"sockets": [self._socket]}, name="fake-github"
        )
        self._thread.start()

    def stop(self) -> None:
        if self._uvicorn is not None and self._thread is not None:
            self._uvicorn.should_exit = True
            self._thread.join(10)
        if self._application is not None:
            self._application.close()
        self._socket.close()
