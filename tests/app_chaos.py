"""The whole app against the fake GitHub while its processes are killed: real web, real workers with
a scorer that counts words, real deliveries that GitHub does not repeat by itself.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from app_work import SHOP, bad, good
from fake_github import FakeGitHub, Hosted
from jobs_chaos import PYTHON_PATH, TESTS, Process, await_work, bury_quietly, running

from github_app.database import open_database
from github_app.jobs.executors import new_executor_id
from github_app.jobs.states import State
from github_app.jobs.table import JobTable
from github_app.publishing.marks import is_summary


def environment(github: FakeGitHub, folder: Path, url: str, port: int) -> dict[str, str]:
    """What `themis-github-app` needs to know; failed deliveries are asked for every 3 seconds."""
    key = folder / "key.pem"
    key.write_text(github.private_key)
    settings = {
        "APP_ID": github.app.id,
        "APP_SLUG": github.app.slug,
        "PRIVATE_KEY_FILE": key,
        "WEBHOOK_SECRET": github.app.webhook_secret,
        "GITHUB_URL": github.at.web,
        "API_URL": github.at.api,
        "GRAPHQL_URL": github.at.graphql,
        "UPLOAD_URL": github.at.uploads,
        "DATABASE_URL": url,
        "DATA_FOLDER": folder / "data",
        "PORT": port,
        "WORKERS": 2,
        "REDELIVER_MINUTES": 0.05,
        "SHUTDOWN_SECONDS": 10,
    }
    ours = {f"THEMIS_APP_{key}": str(value) for key, value in settings.items()}
    return {**os.environ, "PYTHONPATH": PYTHON_PATH, **ours}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)


class AppProcess(Process):
    """A process of the app. executor: of a worker, another at each start."""

    def __init__(self, what: list[str], env: Mapping[str, str], log: Path, worker: bool) -> None:
        super().__init__(what[-1], what, log)
        self._env = env
        self._worker = worker
        self.executor = ""

    def start(self, pipe: int = subprocess.DEVNULL) -> None:
        self.executor = new_executor_id() if self._worker else ""
        more = ["--executor", self.executor] if self._worker else []
        with self._log.open("a") as log:
            self.started = subprocess.Popen(
                [sys.executable, *self.arguments, *more],
                stdin=subprocess.DEVNULL,
                stderr=log,
                text=True,
                env=self._env,
            )


def survive(
    github: FakeGitHub, hosted: Hosted, url: str, folder: Path, *, kills: int, pulls: int, seed: int
) -> Counter[str]:
    """Open pull requests, push to them, kill; then wait until GitHub has all its reviews.

    Each pull request makes a function worse, and its second push another one.

    :return: how often what was killed.
    :raises AssertionError: unless every pull request ends with one current review, nothing doubled.
    """
    chance = random.Random(seed)
    github.limits.points = github.limits.contents = None
    port = free_port()
    env = environment(github, folder, url, port)
    web = AppProcess(["-m", "github_app.cli", "web"], env, folder / "web.log", worker=False)
    script = str(TESTS / "app_worker.py")
    workers = [AppProcess([script], env, folder / "worker.log", worker=True) for _ in range(2)]
    hosted.commit("Base", a=good("f", "g", "h"))
    hosted.push("main")
    github.send_webhooks_to(f"http://127.0.0.1:{port}/webhook")
    pushes = [(n, second) for second in (False, True) for n in range(pulls)]
    killed: Counter[str] = Counter()
    with closing(open_database(url)) as database, running([web, *workers]):
        table = JobTable(database, time.time)
        wait_for(lambda: is_up(port), 30, "the web process answers")
        for number in range(kills):
            share = -(-len(pushes) // (kills - number))
            for which in pushes[:share]:
                _push(hosted, *which)
            pushes = pushes[share:]
            victim = chance.choice([web, *workers, *workers])
            if victim is web:
                time.sleep(chance.uniform(0.0, 0.3))
                killed["web"] += 1
            else:
                killed["in the middle"] += await_work(table, victim.executor, chance, longest=2.5)
                killed["worker"] += 1
            victim.kill()
            if victim.executor:
                bury_quietly(database, victim.executor)
            victim.start()
        _wait_for_reviews(github, table, pulls)
        assert [worker.terminate() for worker in workers] == [0, 0]
        assert web.terminate() == 0
    for n in range(1, pulls + 1):
        _check(github, n)
    return killed


def _push(hosted: Hosted, number: int, second: bool) -> None:
    name = f"change-{number}"
    if second:
        hosted.checkout(name)
        hosted.commit("More", a=bad("f", "g") + good("h") + f"# {number}\n")
        hosted.push()
    else:
        hosted.branch(name)
        hosted.commit("Worse", a=bad("f") + good("g", "h") + f"# {number}\n")
        hosted.open_pull(title=f"Change {number}")


def _wait_for_reviews(github: FakeGitHub, table: JobTable, pulls: int) -> None:
    def all_over() -> bool:
        by_state = table.depth().by_state
        return (
            not by_state.get(State.WAITING)
            and not by_state.get(State.STARTED)
            and all(_is_reviewed(github, n) for n in range(1, pulls + 1))
        )

    wait_for(all_over, 240, "all is reviewed")
    assert not table.entries([State.DEAD], 9)


def _is_reviewed(github: FakeGitHub, number: int) -> bool:
    runs = github.check_runs(SHOP, github.pull(SHOP, number).head_sha)
    return any(run.status == "completed" for run in runs)


def _check(github: FakeGitHub, number: int) -> None:
    """One current review: nothing lost, nothing twice."""
    pull, ours = github.pull(SHOP, number), github.app.login
    runs = github.check_runs(SHOP, pull.head_sha)
    assert [run.status for run in runs] == ["completed"], number
    assert runs[0].output["title"].startswith("2 functions likely worse"), number
    threads = [
        (comments[0].path, thread.resolved_by is not None)
        for thread, comments in github.threads(SHOP, number)
        if comments[0].author == ours
    ]
    assert threads == [("a.py", False)] * 2, f"{number}: {threads}"
    lines = [
        comments[0].line
        for _, comments in github.threads(SHOP, number)
        if comments[0].author == ours
    ]
    assert len(set(lines)) == 2, f"{number}: {lines}"
    comments = github.comments(SHOP, number)
    assert sum(each.author == ours and is_summary(each.body) for each in comments) == 1, number
