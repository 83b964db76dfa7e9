"""The database itself, and what is remembered of pull requests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest
import sqlalchemy as sa
from jobs_site import pull

from github_app.database import (
    SCHEMA_VERSION,
    Database,
    StoreError,
    deliveries,
    jobs_url,
    meta,
    open_database,
)
from github_app.encoding import task_as_json, task_from_json
from github_app.inbox import insert_deliveries, row_of
from github_app.store import Store
from github_app.types import (
    CloseTask,
    CommandName,
    CommandTask,
    ForgetTask,
    PullRequestRef,
    RepositoryRef,
    RerunTask,
    ReviewTask,
    Task,
)
from review_core.types import Axis

DAY = 86_400.0
NOW = 1_000 * DAY

TASKS: Sequence[Task] = (
    ReviewTask(pull(1), "a" * 40, "moment", full=True),
    RerunTask(1, RepositoryRef(7, "owner", "näme"), "a" * 40, "x"),
    CommandTask(pull(1), 5, "somebody", CommandName.IGNORE, Axis.SECURITY),
    CommandTask(pull(1), 5, "somebody", CommandName.FULL_REVIEW),
    CloseTask(pull(1), "moment"),
    ForgetTask(1, (7, 8), "x"),
    ForgetTask(1, None, "x"),
)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database, lambda: NOW)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_a_task_comes_back_from_json_as_it_was(task: Task) -> None:
    assert task_from_json(task_as_json(task)) == task


@pytest.mark.parametrize("text", ["", "{}", '{"kind":"review"}', '{"kind":"unheard of"}', "[]"])
def test_what_is_no_task_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a task"):
        task_from_json(text)


def test_a_pull_request_nobody_spoke_of_is_plain(store: Store) -> None:
    state = store.pull(pull(1))
    assert (state.paused, state.ignored, state.head_sha) == (False, frozenset(), None)


def test_pauses_and_ignored_axes_are_kept_apart(store: Store) -> None:
    store.pause(pull(1), True)
    store.ignore(pull(1), "security")
    store.ignore(pull(1), "efficiency")
    store.ignore(pull(1), "security")
    assert store.pull(pull(1)).paused
    assert store.pull(pull(1)).ignored == {"security", "efficiency"}
    store.pause(pull(1), False)
    assert not store.pull(pull(1)).paused
    assert store.pull(pull(1)).ignored == {"security", "efficiency"}
    assert not store.pull(pull(2)).ignored


def test_the_last_report_of_a_head_counts(store: Store) -> None:
    store.save_report(pull(1), "h", "b", "first")
    store.save_report(pull(1), "h", "b", "second")
    found = store.report(pull(1), "h", "b")
    assert found is not None
    assert found.report == "second"
    assert store.report(pull(1), "other", "b") is None
    latest = store.latest_report(pull(1))
    assert latest is not None
    assert latest.head_sha == "h"


def test_forgetting_a_repository_leaves_the_others(database: Database, store: Store) -> None:
    other = PullRequestRef(1, RepositoryRef(8, "owner", "other"), 1)
    for where in (pull(1), other):
        store.pause(where, True)
        store.save_report(where, "h", "b", "{}")
        row = row_of(where.key, ReviewTask(where, "h"), NOW)
        insert_deliveries(database, [{**row, "state": "done", "finished_at": NOW}])
    assert store.forget(1, [7]) == 3
    assert not store.pull(pull(1)).paused
    assert store.latest_report(pull(1)) is None
    assert store.pull(other).paused
    assert store.forget(1, None) == 3


def test_forgetting_leaves_what_came_after_it_was_asked_for(
    database: Database, store: Store
) -> None:
    """Removed and installed again at once: numbers 1 to 3, of which 2 is being worked on."""
    tasks = (ReviewTask(pull(1), "a"), ForgetTask(1, None, "x"), ReviewTask(pull(2), "a"))
    for number, task in enumerate(tasks, start=1):
        insert_deliveries(database, [row_of(f"g{number}", task, NOW)])
    with database.writing() as connection:
        forget = deliveries.c.kind == "forget"
        connection.execute(sa.update(deliveries).where(forget).values(state="started"))
    assert store.forget(1, None) == 1
    with database.reading() as connection:
        left = connection.scalars(sa.select(deliveries.c.guid).order_by(deliveries.c.seq)).all()
    assert left == ["g2", "g3"]


def test_what_is_old_and_done_with_is_deleted(database: Database) -> None:
    old, young = Store(database, lambda: NOW - 10 * DAY), Store(database, lambda: NOW)
    old.save_report(pull(1), "h", "b", "{}")
    young.save_report(pull(2), "h", "b", "{}")
    assert young.purge(7 * DAY) == 1
    assert young.latest_report(pull(1)) is None
    assert young.latest_report(pull(2)) is not None


def test_a_delivery_is_remembered_as_long_as_github_may_send_it_again(
    database: Database, store: Store
) -> None:
    """Two days old and done, with a retention of one day: GitHub redelivers for three."""
    insert_deliveries(database, [row_of("g", ReviewTask(pull(1), "a"), NOW - 2 * DAY)])
    with database.writing() as connection:
        connection.execute(sa.update(deliveries).values(state="done", finished_at=NOW - 2 * DAY))
    assert store.purge(DAY) == 0
    assert Store(database, lambda: NOW + 3 * DAY).purge(DAY) == 1


def test_what_still_waits_is_never_deleted(database: Database, store: Store) -> None:
    insert_deliveries(database, [row_of("g", ReviewTask(pull(1), "a"), NOW - 99 * DAY)])
    assert store.purge(DAY) == 0


def test_a_newer_database_is_refused_with_the_remedy(database: Database, database_url: str) -> None:
    with database.writing() as connection:
        newer = sa.update(meta).where(meta.c.name == "schema").values(value=str(SCHEMA_VERSION + 1))
        connection.execute(newer)
    with pytest.raises(StoreError, match="install the newer program"):
        open_database(database_url)


def test_opening_again_keeps_what_is_there(database: Database, database_url: str) -> None:
    Store(database, lambda: NOW).pause(pull(1), True)
    with closing(open_database(database_url)) as again:
        assert Store(again, lambda: NOW).pull(pull(1)).paused


def test_sqlite_is_durable_and_lets_readers_read(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/x.sqlite")) as database:
        with database.reading() as connection:
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous")
            ]
        assert pragmas == ["wal", 2]  # 2: FULL
        with database.writing(), database.reading() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(deliveries)) == 0


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_an_unusable_url_is_named(url: str) -> None:
    with pytest.raises(StoreError):
        open_database(url)


def test_a_server_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StoreError, match="cannot be used now"):
        open_database("postgresql://nobody@127.0.0.1:1/nothing")


def test_the_queue_keeps_its_own_tables_beside_ours() -> None:
    assert jobs_url("sqlite:////data/app.sqlite") == "sqlite:////data/app-jobs.sqlite"
    assert jobs_url("postgresql://u:p@h/n") == "postgresql+psycopg://u:p@h/n"


def test_a_full_disk_refuses_what_is_written_and_loses_nothing(tmp_path: Path) -> None:
    """SQLite's own limit on pages gives the error that a full disk gives."""
    url = f"sqlite:///{tmp_path}/full.sqlite"
    with closing(open_database(url)) as database:
        insert_deliveries(database, [row_of("kept", ReviewTask(pull(1), "a"), NOW)])
        with database.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        rows = [row_of(f"g{n}", ReviewTask(pull(n), "a" * 40), NOW) for n in range(200)]
        with pytest.raises(StoreError, match="full"):
            insert_deliveries(database, rows)
        with database.reading() as connection:
            assert connection.scalars(sa.select(deliveries.c.guid)).all() == ["kept"]
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        assert len(insert_deliveries(database, rows)) == 200
    assert connect(tmp_path / "full.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)
