"""`themis-github-app jobs`, as people use it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from app_front import ENVIRONMENT
from click.testing import CliRunner, Result
from jobs_site import pull

from github_app.commands.jobs import jobs
from github_app.database import open_database
from github_app.inbox import insert_deliveries, row_of
from github_app.jobs.states import State
from github_app.jobs.table import JobTable
from github_app.types import ReviewTask
from review_core.errors import InputError


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobTable]:
    """Three deliveries: done, dead, waiting."""
    url = f"sqlite:///{tmp_path}/app.sqlite"
    for name, value in {**ENVIRONMENT, "THEMIS_APP_DATABASE_URL": url}.items():
        monkeypatch.setenv(name, value)
    with closing(open_database(url)) as database:
        table = JobTable(database, time.time)
        for n in (1, 2, 3):
            insert_deliveries(database, [row_of(f"g{n}", ReviewTask(pull(n), "a"), time.time())])
        for state, reason in ((State.DONE, None), (State.DEAD, "a mistake of ours")):
            [job] = table.dispatch(1)
            begun = table.begin(job.seq, job.run, "me")
            assert begun is not None
            table.finish(begun[0], state, reason)
        yield table


def run(*arguments: str) -> Result:
    return CliRunner().invoke(jobs, arguments)


def test_the_list_shows_what_waits_and_what_is_dead_with_its_reason(table: JobTable) -> None:
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["3", "2"]
    assert "waiting" in lines[0]
    assert lines[1].endswith("dead  review/1/7/2/a/: a mistake of ours")


def test_the_list_can_be_read_by_programs(table: JobTable) -> None:
    [line] = run("list", "--state", "done", "--json").output.splitlines()
    assert (json.loads(line)["seq"], json.loads(line)["state"]) == (1, "done")


def test_show_tells_all_of_a_delivery(table: JobTable) -> None:
    shown = json.loads(run("show", "2").output)
    assert shown["task"]["pull"]["number"] == 2
    assert shown["reason"] == "a mistake of ours"


def test_a_dead_letter_is_given_another_life(table: JobTable) -> None:
    assert run("retry", "2").output == "2 waits again\n"
    assert table.depth().by_state[State.WAITING] == 2
    assert run("retry", "--all").output == "0 wait again\n"


@pytest.mark.parametrize("arguments", [("show", "99"), ("retry", "1"), ("retry", "99")])
def test_what_is_not_there_is_said_with_a_remedy(
    table: JobTable, arguments: tuple[str, ...]
) -> None:
    error = run(*arguments).exception
    assert isinstance(error, InputError)
    assert "jobs list" in str(error)


def test_retry_needs_numbers_or_all(table: JobTable) -> None:
    assert "--all" in run("retry").output
    assert "--all" in run("retry", "2", "--all").output
