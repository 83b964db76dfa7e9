"""Processes of the app as they are told to stop, die, or lose the ground under them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from app_chaos import environment, free_port, is_up, wait_for
from fake_github import FakeGitHub
from jobs_chaos import Worker, running, survive
from jobs_site import Site, pull
from postgresql_cluster import Cluster

from github_app.database import Database, open_database
from github_app.figures import Figures
from github_app.inbox import insert_deliveries, row_of
from github_app.jobs.states import State
from github_app.jobs.table import JobTable
from github_app.supervisor import FIRST_PAUSE, LONGEST_PAUSE, WELL_AFTER, pause_after
from github_app.types import ReviewTask
from github_app.worker import TOOK_TOO_LONG

HEAD = "a" * 40


def with_a_job_in_hand(url: str, site: Site) -> Database:
    database = open_database(url)
    site.push(pull(1), HEAD)
    insert_deliveries(database, [row_of("g", ReviewTask(pull(1), HEAD), time.time())])
    return database


def test_a_worker_told_to_stop_hands_its_job_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_SECONDS", "60")
    url, site = f"sqlite:///{tmp_path}/app.sqlite", Site(tmp_path / "site.sqlite")
    worker = Worker(url, site, tmp_path / "log")
    with closing(with_a_job_in_hand(url, site)) as database, running([worker]):
        table = JobTable(database, time.time)
        wait_for(lambda: any(job.executor for job in table.started()), 30, "the job is in hand")
        assert worker.terminate() == 0
        [entry] = table.entries([State.WAITING], 9)
        assert (entry.failures, entry.crashes) == (0, 0)
        assert Figures(database, time.time).snapshot().workers == 0


def test_a_worker_whose_work_does_not_stop_leaves_it_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_SECONDS", "60")
    monkeypatch.setenv("DEAF", "1")
    monkeypatch.setenv("SHUTDOWN_SECONDS", "0.5")
    url, site = f"sqlite:///{tmp_path}/app.sqlite", Site(tmp_path / "site.sqlite")
    deaf = Worker(url, site, tmp_path / "log")
    with closing(with_a_job_in_hand(url, site)) as database:
        table = JobTable(database, time.time)
        with running([deaf]):
            wait_for(lambda: any(job.executor for job in table.started()), 30, "it is in hand")
            assert deaf.terminate() == TOOK_TOO_LONG
        monkeypatch.setenv("SCORING_SECONDS", "0.1")
        with running([Worker(url, site, tmp_path / "log")]):
            wait_for(lambda: table.depth().by_state == {State.DONE: 1}, 40, "another does it")
    assert len(site.writes()) == 2


@contextmanager
def served(github: FakeGitHub, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`themis-github-app serve` as people run it; no pull requests, so no model."""
    env = environment(github, folder, f"sqlite:///{folder}/app.sqlite", port)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "github_app.cli", "serve"],
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def children(folder: Path) -> dict[str, int]:
    """The newest process of each name."""
    found = re.findall(r"\"([a-z0-9 ]+) started as process (\d+)\"", (folder / "log").read_text())
    return {name: int(number) for name, number in found}


def is_alive(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


def test_serve_keeps_its_processes_alive_and_stops_them_all(
    github: FakeGitHub, tmp_path: Path
) -> None:
    port = free_port()
    with (
        served(github, tmp_path, port) as serve,
        closing(open_database(f"sqlite:///{tmp_path}/app.sqlite")) as database,
    ):
        figures = Figures(database, time.time)

        def all_is_well() -> bool:
            return is_up(port) and figures.snapshot().workers == 2

        wait_for(all_is_well, 40, "web and workers are up")
        first = children(tmp_path)
        assert set(first) == {"web", "worker 1", "worker 2"}
        for name in ("web", "worker 1"):
            os.kill(first[name], signal.SIGKILL)
        wait_for(lambda: children(tmp_path)["worker 1"] != first["worker 1"], 20, "a new worker")
        wait_for(all_is_well, 40, "web and workers are up again")
        second = children(tmp_path)
        assert second["web"] != first["web"]
        assert second["worker 2"] == first["worker 2"], "the others go on"
        serve.terminate()
        assert serve.wait(40) == 0
        assert not any(is_alive(process) for process in second.values())
        assert figures.snapshot().workers == 0


def test_nothing_goes_on_unseen_when_serve_itself_is_killed(
    github: FakeGitHub, tmp_path: Path
) -> None:
    port = free_port()
    with served(github, tmp_path, port) as serve:
        wait_for(lambda: is_up(port), 40, "it is up")
        serve.kill()
        serve.wait()
        there = children(tmp_path).values()
        wait_for(lambda: not any(is_alive(each) for each in there), 30, "all have ended")


def test_the_web_process_imports_nothing_that_works() -> None:
    """It must answer while workers work, and start fast."""
    heavy = ("dbos", "git", "githubkit", "onnxruntime", "numpy", "tree_sitter")
    code = f"""
import sys
import github_app.web_process
print([name for name in {heavy} if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_process_that_keeps_dying_is_started_less_and_less_often() -> None:
    pauses = [0.0]
    for _ in range(12):
        pauses.append(pause_after(1.0, pauses[-1]))
    assert pauses[1] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert pause_after(WELL_AFTER, LONGEST_PAUSE) == FIRST_PAUSE


def test_a_database_that_crashes_and_comes_back_loses_nothing(
    postgresql: Cluster, tmp_path: Path
) -> None:
    """Cut off in the middle of everything, twice; processes die beside it."""
    survive(
        postgresql.database("restarts"),
        tmp_path,
        kills=2,
        pulls=5,
        pushes=2,
        seed=5,
        disturb=lambda _: postgresql.restart(),
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """A disk of 6 MB is filled while processes write, and emptied again after three seconds."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here; the test with SQLite's own limit stands for it")
    refused = []

    def fill(number: int) -> None:
        if number == 1:
            with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
                while True:
                    ballast.write(bytes(4096))
            time.sleep(3.0)
            logs = [(tmp_path / name).read_text() for name in ("web.log", "worker.log")]
            refused.append(any("full" in log for log in logs))
            (disk / "ballast").unlink()

    try:
        url = f"sqlite:///{disk}/app.sqlite"
        survive(url, tmp_path, kills=2, pulls=5, pushes=4, seed=6, disturb=fill)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
    assert refused == [True], "somebody met the full disk, or the test shows nothing"
