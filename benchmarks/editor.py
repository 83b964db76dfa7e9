"""How fast the language server is to an editor, with the model that ships.

    python benchmarks/editor.py [--edits 20] [--out benchmarks/results/editor.json]

A real server over stdio, a client that does nothing but ask. Measured are: the time to the answer
of `initialize`; the time from an edit of a 40-line function to its diagnostics, every edit another
one and the pause before a review set to 0, so that it is the time *after* the pause; how long a
hover takes while the model works on many functions, and while it does not; and the memory of server
and worker. Times are wall clock: measure on a quiet machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lsp_server.worker import resident_bytes

SERVER = [sys.executable, "-m", "lsp_server.main"]
LIMIT = 600.0
"""Seconds after which something hangs."""


class Client:
    """Requests and notifications as JSON over a process's pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, environment: dict[str, str]) -> Client:
        """A client of a new server."""
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(*SERVER, stdin=pipe, stdout=pipe, env=environment)
        )

    async def ask(self, method: str, params: Any) -> Any:
        """The result of a request."""
        id_ = len(self._waiting) + 1
        self._waiting[id_] = asyncio.get_running_loop().create_future()
        self._send({"id": id_, "method": method, "params": params})
        return await asyncio.wait_for(self._waiting[id_], LIMIT)

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    async def stop(self) -> None:
        """End the server in order."""
        await self.ask("shutdown", None)
        self.tell("exit", None)
        await self.process.wait()
        self._reader.cancel()

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            header = await self.process.stdout.readuntil(b"\r\n\r\n")
            length = int(header.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            message = json.loads(await self.process.stdout.readexactly(length))
            if "method" in message:
                if "id" in message:  # a question of the server's: nothing is known here
                    self._send({"id": message["id"], "result": None})
            elif "error" in message:
                error = RuntimeError(message["error"]["message"])
                self._waiting[message["id"]].set_exception(error)
            else:
                self._waiting[message["id"]].set_result(message.get("result"))


def function(name: str, rng: random.Random, lines: int = 40) -> str:
    """A function of so many lines that no two calls give alike."""
    body = [
        f"    if values[{at}] > {rng.randrange(10_000)}:\n        total += weights[{at}] * {at}"
        for at in range((lines - 3) // 2)
    ]
    return "\n".join(
        [f"def {name}(values, weights):", "    total = 0", *body, "    return total\n"]
    )


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    """Seconds that it takes."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def opened(folder: Path, environment: dict[str, str]) -> tuple[Client, float]:
    """A session in a folder, and the seconds until it answered."""
    started = time.perf_counter()
    client = await Client.start(environment)
    await client.ask(
        "initialize",
        {
            "processId": os.getpid(),
            "rootUri": folder.as_uri(),
            "workspaceFolders": [{"uri": folder.as_uri(), "name": "bench"}],
            "capabilities": {"textDocument": {"diagnostic": {}}},
            "initializationOptions": {"settings": {"debounceMilliseconds": 0}},
        },
    )
    seconds = time.perf_counter() - started
    client.tell("initialized", {})
    return client, seconds


async def hovers(client: Client, uri: str, until: Callable[[int], bool]) -> list[float]:
    """Seconds of hover after hover, 20 ms apart."""
    params = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 5}}
    seconds: list[float] = []
    while not until(len(seconds)):
        seconds.append(await timed(lambda: client.ask("textDocument/hover", params)))
        await asyncio.sleep(0.02)
    return seconds


def milliseconds(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile and number."""
    ranked = sorted(seconds)
    last = ranked[min(len(ranked) - 1, int(0.99 * len(ranked)))]
    return {
        "p50_ms": round(1000 * statistics.median(ranked), 2),
        "p99_ms": round(1000 * last, 2),
        "n": len(ranked),
    }


def megabytes(pid: int | None) -> float | None:
    """A process's memory; None where the system does not say."""
    size = resident_bytes(pid) if pid is not None else None
    return None if size is None else round(size / 2**20, 1)


def repository(folder: Path, rng: random.Random, functions: int) -> None:
    """A repository whose working tree changed one constant in each of many functions."""
    edited = function("edited", rng)
    many = [function(f"f{at}", rng) for at in range(functions)]
    folder.mkdir()
    (folder / "edited.py").write_text(edited, "utf-8")
    (folder / "many.py").write_text("\n\n".join(many), "utf-8")
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "base"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    changed = [text.replace("total = 0", f"total = {at + 1}") for at, text in enumerate(many)]
    (folder / "many.py").write_text("\n\n".join(changed), "utf-8")


async def measure(folder: Path, edits: int, starts: int, functions: int) -> dict[str, Any]:
    """All of it, in one repository."""
    rng = random.Random(0)
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    repository(folder / "repository", rng, functions)
    initialize = []
    for _ in range(starts):
        client, seconds = await opened(folder / "repository", environment)
        initialize.append(seconds)
        await client.stop()

    client, _ = await opened(folder / "repository", environment)
    file = folder / "repository" / "edited.py"
    uri, base = file.as_uri(), file.read_text("utf-8")
    document = {"uri": uri, "languageId": "python", "version": 1}
    asked = {"textDocument": {"uri": uri}}
    client.tell("textDocument/didOpen", {"textDocument": {**document, "text": base + "\n"}})
    await client.ask("textDocument/diagnostic", asked)

    async def edit(version: int) -> None:
        text = base.replace("total = 0", f"total = {version} + {rng.randrange(10_000)}")
        changes = [{"text": text}]
        identifier = {"uri": uri, "version": version}
        told = {"textDocument": identifier, "contentChanges": changes}
        client.tell("textDocument/didChange", told)
        await client.ask("textDocument/diagnostic", asked)

    first = await timed(lambda: edit(2))
    verdicts = [await timed(lambda at=at: edit(at)) for at in range(3, edits + 3)]  # type: ignore[misc]
    resting = await hovers(client, uri, lambda count: count >= 200)
    review = asyncio.create_task(client.ask("themis/reviewWorkspace", {}))
    scoring = await hovers(client, uri, lambda _: review.done())
    await review
    status = await client.ask("themis/status", {})
    memory = {
        "server_mb": megabytes(client.process.pid),
        "worker_mb": megabytes(status["worker"]["pid"]),
    }
    await client.stop()
    return {
        "bundle": status["bundle"],
        "initialize": milliseconds(initialize),
        "first_verdict_with_the_model_to_load_ms": round(1000 * first),
        "pause_to_verdict_of_a_40_line_function": milliseconds(verdicts),
        "hover_at_rest": milliseconds(resting),
        "hover_while_scoring": milliseconds(scoring),
        "memory": memory,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--edits", type=int, default=20, help="of the 40-line function")
    parser.add_argument("--starts", type=int, default=5, help="of the server")
    parser.add_argument("--functions", type=int, default=100, help="reviewed while hovering")
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder), given.edits, given.starts, given.functions))
    result = {
        "what": "the language server, over stdio",
        **figures,
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load_average_1_min": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
        },
        "command": " ".join(["python", "benchmarks/editor.py", *sys.argv[1:]]),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
