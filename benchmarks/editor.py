"""How fast the language server is to an editor, with the model that ships.

    python benchmarks/editor.py [--edits 20] [--out benchmarks/results/editor.json]

A real server over stdio, a client that does nothing but ask. Measured are: the time to the answer
of `initialize`; the time from an edit of a 40-line function to its diagnostics, every edit another
one and the pause before a review set to 0, so that it is the time *after* the pause; how long a
hover takes while the model works on many functions, and while it does not; the memory of server and
worker, and how long the worker keeps its memory once nothing is asked. The edit is in the second
line, so that nothing that was computed before helps, and then in the last line, where it does.
Times are wall clock, so measure on a quiet machine; the worker's CPU time is stated beside, since
that depends on it less. About two minutes on two quiet cores. Beside the result, a picture of it is
written.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.worker import resident_bytes

SERVER = [sys.executable, "-m", "lsp_server.main"]
IDLE_SECONDS = 3.0
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


async def hovers_and_memory(
    client: Client, uri: str, worker: int | None, work: asyncio.Task[Any]
) -> tuple[list[float], float]:
    """Seconds of hovers until the work is done, and the most memory that the worker had, in MB."""
    sizes = [0.0]

    def is_over(_: int) -> bool:
        sizes.append(megabytes(worker) or 0.0)
        return work.done()

    return await hovers(client, uri, is_over), max(sizes)


async def gone(worker: Callable[[], Awaitable[int | None]]) -> None:
    """Wait until the worker has ended."""
    while await worker() is not None:
        await asyncio.sleep(0.1)


def milliseconds(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile and number."""
    ranked = sorted(seconds)
    last = ranked[min(len(ranked) - 1, int(0.99 * len(ranked)))]
    return {
        "p50_ms": round(1000 * statistics.median(ranked), 2),
        "p99_ms": round(1000 * last, 2),
        "n": len(ranked),
    }


def cpu_seconds(pid: int | None) -> float | None:
    """What a process has computed so far; None where the system does not say."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


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

    async def edit(version: int, line: str = "total = 0") -> None:
        text = base.replace(line, f"{line} + {version} + {rng.randrange(10_000)}")
        changes = [{"text": text}]
        identifier = {"uri": uri, "version": version}
        told = {"textDocument": identifier, "contentChanges": changes}
        client.tell("textDocument/didChange", told)
        await client.ask("textDocument/diagnostic", asked)

    async def worker() -> int | None:
        status = await client.ask("themis/status", {})
        pid = status["worker"]["pid"]
        assert pid is None or isinstance(pid, int)
        return pid

    first = await timed(lambda: edit(2))
    before = cpu_seconds(await worker())
    verdicts = [await timed(lambda at=at: edit(at)) for at in range(3, edits + 3)]  # type: ignore[misc]
    after = cpu_seconds(await worker())
    version = edits + 3
    typed = []
    for _ in range(edits):
        typed.append(await timed(lambda at=version: edit(at, "return total")))  # type: ignore[misc]
        version += 1
    resting = await hovers(client, uri, lambda count: count >= 200)
    review = asyncio.create_task(client.ask("themis/reviewWorkspace", {}))
    scoring, most = await hovers_and_memory(client, uri, await worker(), review)
    await review
    status = await client.ask("themis/status", {})
    settings = {"debounceMilliseconds": 0, "idleMinutes": IDLE_SECONDS / 60}
    client.tell("workspace/didChangeConfiguration", {"settings": {"themis": settings}})
    await edit(version)
    freed = await timed(lambda: gone(worker))
    memory = {
        "server_mb": megabytes(client.process.pid),
        "worker_most_mb": most,
        "freed_after_idle_seconds": round(freed, 1),
        "idle_seconds_set": IDLE_SECONDS,
    }
    await client.stop()
    cpu = None if before is None or after is None else round(1000 * (after - before) / edits)
    return {
        "bundle": status["bundle"],
        "initialize": milliseconds(initialize),
        "first_verdict_with_the_model_to_load_ms": round(1000 * first),
        "pause_to_verdict_of_a_40_line_function": milliseconds(verdicts),
        "worker_cpu_of_a_verdict_ms": cpu,
        "the_same_with_the_edit_in_the_last_line": milliseconds(typed),
        "hover_at_rest": milliseconds(resting),
        "hover_while_scoring": milliseconds(scoring),
        "memory": memory,
    }


@dataclass(frozen=True)
class Measure:
    """A figure and what it should not exceed, in the same unit."""

    label: str
    value: float
    target: float
    unit: str


def measures(result: dict[str, Any]) -> list[Measure]:
    """The figures that have a target."""
    verdict = result["pause_to_verdict_of_a_40_line_function"]["p50_ms"]
    typed = result["the_same_with_the_edit_in_the_last_line"]["p50_ms"]
    rows = [
        Measure("answer of initialize, p50", result["initialize"]["p50_ms"], 1000, "ms"),
        Measure("pause to verdict of a 40-line function, p50", verdict, 1000, "ms"),
        Measure("the same, edited in its last line, p50", typed, 1000, "ms"),
        Measure("hover while scoring, p99", result["hover_while_scoring"]["p99_ms"], 10, "ms"),
    ]
    memory = result["memory"]
    if memory["server_mb"] and memory["worker_most_mb"]:
        total = memory["server_mb"] + memory["worker_most_mb"]
        rows.append(Measure("memory of server and worker, most", round(total), 600, "MB"))
    return rows


def picture(result: dict[str, Any]) -> str:
    """The figures as bars, each as long as its share of its target, which is a line."""
    rows = measures(result)
    left, target_at, row, top = 20, 420, 46, 64
    width, height = 720, top + row * len(rows) + 34
    machine = result["machine"]
    load = machine["load_average_before_1_5_15_min"][0]
    note = f"{machine['cores']} cores, load average {load} before; the line is the target"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="system-ui,sans-serif" font-size="13">',
        "<title>The language server: what an editor waits for</title>",
        "<style>.ground{fill:#ffffff}.text{fill:#1f2328}.faint{fill:#59636e}.line{stroke:#1f2328}"
        "@media(prefers-color-scheme:dark){.ground{fill:#0d1117}.text{fill:#f0f6fc}"
        ".faint{fill:#9198a1}.line{stroke:#f0f6fc}}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        f'<text class="text" x="{left}" y="28" font-size="16">What an editor waits for</text>',
        f'<text class="faint" x="{left}" y="48">{note}</text>',
    ]
    for at, each in enumerate(rows):
        y = top + at * row
        share = min(each.value / each.target, 1.6)
        colour = "#2a9461" if each.value <= each.target else "#c2681b"
        words = f"{each.value:.4g} {each.unit} of {each.target:g}"
        parts += [
            f'<text class="text" x="{left}" y="{y + 14}">{each.label}: {words}</text>',
            f'<rect x="{left}" y="{y + 20}" width="{share * (target_at - left):.0f}" height="12" '
            f'fill="{colour}"/>',
            f'<path class="line" d="M{target_at} {y + 17}v18"/>',
        ]
    parts += [
        f'<text class="faint" x="{left}" y="{height - 12}">{result["command"]}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--edits", type=int, default=20, help="of the 40-line function")
    parser.add_argument("--starts", type=int, default=5, help="of the server")
    parser.add_argument("--functions", type=int, default=16, help="reviewed while hovering")
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    given = parser.parse_args()
    load = [round(each, 1) for each in os.getloadavg()]
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder), given.edits, given.starts, given.functions))
    result = {
        "what": "the language server, over stdio",
        **figures,
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load_average_before_1_5_15_min": load,
            "load_average_after_1_5_15_min": [round(each, 1) for each in os.getloadavg()],
            "python": platform.python_version(),
        },
        "command": " ".join(["python", "benchmarks/editor.py", *sys.argv[1:]]),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
        given.out.with_suffix(".svg").write_text(picture(result), encoding="utf-8")


if __name__ == "__main__":
    main()
