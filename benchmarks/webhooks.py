"""How fast deliveries are acknowledged, while the model works and while it does not.

    python benchmarks/webhooks.py [--postgresql] [--out FILE.json]

`themis-github-app serve` as people run it: a web process and two workers with the model that ships,
against the fake GitHub of the tests. 500 signed deliveries of `pull_request`, each of another pull
request, are sent in two seconds at random moments, as many people's pushes are; then as fast as 64
connections take them; then all in one moment. The time of one runs from the moment it was due (as
fast as possible: from its sending) to the last byte of its answer, so that waiting for a free
connection counts. An answer comes once the delivery is on disk (SQLite in
WAL with synchronous=FULL, or PostgreSQL with fsync). The workers score two large pull requests
meanwhile; the CPU time they took during the burst is stated as proof. The sender needs CPU, too:
on two cores it competes with them. About two minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from app_chaos import environment, free_port, is_up, wait_for  # noqa: E402
from fake_github import FakeGitHub, create_shop  # noqa: E402
from postgresql_cluster import cluster  # noqa: E402

from github_app.database import open_database  # noqa: E402
from github_app.jobs.states import State  # noqa: E402
from github_app.jobs.table import JobTable  # noqa: E402

DELIVERIES = 500
SECONDS = 2.0
CONNECTIONS = 64
WARM_UP = 50
FUNCTIONS = 400
"""In each pull request that keeps a worker busy: more than are scored while we measure."""


def burst_of(template: dict[str, Any], secret: str, host: str) -> list[bytes]:
    """Requests, ready to be sent: signed, and each of a pull request of its own."""
    requests = []
    for _ in range(DELIVERIES):
        payload = deepcopy(template)
        payload["action"] = "opened"
        payload["number"] = payload["pull_request"]["number"] = random.randrange(10**6, 10**9)
        payload["pull_request"]["head"]["sha"] = f"{random.getrandbits(160):040x}"
        body = json.dumps(payload).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST /webhook HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nX-GitHub-Event: pull_request\r\n"
            f"X-GitHub-Delivery: {uuid.uuid4()}\r\nX-Hub-Signature-256: sha256={signature}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


async def send(port: int, requests: Sequence[bytes], seconds: float | None) -> list[float]:
    """Send them within so many seconds, or None: each as soon as a connection is free.

    :return: milliseconds that each took.

    :raises RuntimeError: if one is not accepted.
    """
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    loop = asyncio.get_running_loop()
    began = loop.time() + 0.1

    async def one(request: bytes, due: float) -> float:
        await asyncio.sleep(max(0.0, due - loop.time()))
        reader, writer = await free.get()
        if seconds is None:
            due = loop.time()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        took = (loop.time() - due) * 1000
        free.put_nowait((reader, writer))
        if not head.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(f"not accepted: {head!r} {answer!r}")
        return took

    times = await asyncio.gather(
        *(one(each, began + random.uniform(0.0, seconds or 0.0)) for each in requests)
    )
    while not free.empty():
        free.get_nowait()[1].close()
    return times


def figures(times: Sequence[float]) -> dict[str, float]:
    """Milliseconds: of the half, of 95 and 99 in a hundred, and of the slowest."""
    cut = statistics.quantiles(times, n=100)
    shares = {"p50": cut[49], "p95": cut[94], "p99": cut[98], "max": max(times)}
    return {name: round(value, 1) for name, value in shares.items()}


def code(functions: int, seed: int) -> str:
    """Python that was never scored before."""
    chance = random.Random(seed)
    texts = []
    for number in range(functions):
        lines = [f"    value{n} = data[{chance.randrange(10**6)}] + {n}" for n in range(12)]
        texts.append("\n".join((f"def f{number}(data):", *lines, "    return value3")))
    return "\n\n\n".join(texts) + "\n"


def cpu_seconds(processes: Sequence[int]) -> float:
    """What processes have used so far."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def children(process: int) -> dict[str, list[int]]:
    """The processes of `serve`, by which command they run."""
    found: dict[str, list[int]] = {}
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    threads = Path(f"/proc/{process}/task").iterdir()
    listed = [each for thread in threads for each in (thread / "children").read_text().split()]
    for each in listed:
        command = Path(f"/proc/{each}/cmdline").read_text().split("\0")
        found.setdefault(command[3], []).append(int(each))
    return found


def measure(folder: Path, url: str) -> dict[str, Any]:
    """All bursts on one database."""
    (folder / "github").mkdir(parents=True)
    port = free_port()
    with (
        FakeGitHub(folder / "github") as github,
        closing(open_database(url)) as database,
        (folder / "log").open("w") as log,
    ):
        env = environment(github, folder, url, port)
        env["THEMIS_APP_REDELIVER_MINUTES"] = "60"
        hosted = create_shop(github, folder / "shop")
        github.limits.points = github.limits.contents = None
        command = [sys.executable, "-m", "github_app.cli", "serve"]
        serve = subprocess.Popen(command, env=env, stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_for(lambda: is_up(port), 60, "serve is up")
            wait_for(lambda: len(children(serve.pid).get("worker", [])) == 2, 60, "workers are")
            table = JobTable(database, time.time)
            github.send_webhooks_to(f"http://127.0.0.1:{port}/webhook")
            hosted.commit("Base", large=code(FUNCTIONS, 0), big=code(FUNCTIONS, 1))
            hosted.push("main")
            time.sleep(5)  # start-up is over
            with github.holding_webhooks() as held:
                for number in range(2):
                    hosted.branch(f"change-{number}")
                    hosted.commit("Change", large=code(FUNCTIONS, 2 + number))
                    hosted.open_pull()
            opened = [each for each in held if each.event == "pull_request"]
            secret = github.app.webhook_secret
            template = dict(opened[0].payload)

            def run(seconds: float | None) -> dict[str, Any]:
                workers = children(serve.pid)["worker"]
                requests = burst_of(template, secret, f"127.0.0.1:{port}")
                began, used = time.monotonic(), cpu_seconds(workers)
                times = asyncio.run(send(port, requests, seconds))
                wall, used = time.monotonic() - began, cpu_seconds(workers) - used
                return {**figures(times), "worker_cores_busy": round(used / wall, 2)}

            def settle() -> None:
                wait_for(lambda: not table.depth().by_state.get(State.WAITING), 600, "all is done")

            bytes_each = len(burst_of(template, secret, "x")[0])
            few = burst_of(template, secret, f"127.0.0.1:{port}")[:WARM_UP]
            asyncio.run(send(port, few, 0.5))
            settle()
            idle = run(SECONDS)
            settle()
            for delivery in opened:
                github.deliver(delivery)
            wait_for(lambda: len(table.started()) >= 2, 90, "both workers have one")
            time.sleep(8)  # the model is loaded, the clone made
            busy, fast, at_once = run(SECONDS), run(None), run(0.0)
            rows = sum(table.depth().by_state.values())
            assert rows == 4 * DELIVERIES + WARM_UP + 2, f"{rows} deliveries were kept"
        finally:
            serve.send_signal(signal.SIGTERM)
            serve.wait(120)
    return {
        "request_bytes": bytes_each,
        "idle": idle,
        "while_scoring": busy,
        "while_scoring_back_to_back": fast,
        "while_scoring_all_in_one_moment": at_once,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--postgresql", action="store_true", help="measure on a server, too")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    result: dict[str, Any] = {
        "deliveries": DELIVERIES,
        "seconds": SECONDS,
        "unit": "milliseconds",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result["sqlite"] = measure(folder / "sqlite", f"sqlite:///{folder}/sqlite/app.sqlite")
        if arguments.postgresql:
            with cluster() as server:
                url = server.database("benchmark")
                result["postgresql"] = measure(folder / "postgresql", url)
    result["load_before_and_after"] = [round(load, 1), round(os.getloadavg()[0], 1)]
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
