"""The database of the app: how it is opened, its tables, its version. Others ask and write.

SQLite in a file by default: one machine, several processes. PostgreSQL by its URL. The same tables
and statements serve both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from review_core.errors import ThemisError

SCHEMA_VERSION = 1
BUSY_SECONDS = 10  # how long SQLite waits for another process's transaction
CONNECT_SECONDS = 5
MIGRATION_LOCK = 7_316_201  # any number, the same in every process of ours

metadata = sa.MetaData()

meta = sa.Table(
    "themis_meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

# What GitHub asked of us, one row a delivery, and how far we are with it (jobs/states.py).
deliveries = sa.Table(
    "themis_deliveries",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("guid", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("installation", sa.BigInteger, nullable=False),
    sa.Column("repository", sa.BigInteger),
    sa.Column("pull", sa.Text),
    sa.Column("head_sha", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("received_at", sa.Double, nullable=False),
    sa.Column("ready_at", sa.Double, nullable=False),
    sa.Column("finished_at", sa.Double),
    sa.Column("runs", sa.Integer, nullable=False, default=0),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("crashes", sa.Integer, nullable=False, default=0),
    sa.Column("executor", sa.Text),
    sa.Column("reason", sa.Text),
    sqlite_autoincrement=True,  # a number is never given twice, even after its row was deleted
)
sa.Index("themis_deliveries_by_state", deliveries.c.state, deliveries.c.ready_at)
sa.Index("themis_deliveries_by_pull", deliveries.c.pull, deliveries.c.seq)
# Two workers never work on one pull request at a time: the database itself refuses.
sa.Index(
    "themis_one_started_a_pull",
    deliveries.c.pull,
    unique=True,
    sqlite_where=deliveries.c.state == "started",
    postgresql_where=deliveries.c.state == "started",
)

pulls = sa.Table(
    "themis_pulls",
    metadata,
    sa.Column("pull", sa.Text, primary_key=True),
    sa.Column("installation", sa.BigInteger, nullable=False),
    sa.Column("repository", sa.BigInteger, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False, default=False),
    sa.Column("ignored", sa.Text, nullable=False, default="[]"),
    sa.Column("head_sha", sa.Text),
    sa.Column("head_seen_after", sa.BigInteger),  # the last delivery when GitHub was asked
    sa.Column("touched_at", sa.Double, nullable=False),
)

reports = sa.Table(
    "themis_reports",
    metadata,
    sa.Column("pull", sa.Text, primary_key=True),
    sa.Column("head_sha", sa.Text, primary_key=True),
    sa.Column("base_sha", sa.Text, primary_key=True),
    sa.Column("installation", sa.BigInteger, nullable=False),
    sa.Column("repository", sa.BigInteger, nullable=False),
    sa.Column("report", sa.Text, nullable=False),
    sa.Column("made_at", sa.Double, nullable=False),
)

# What was ever counted, by metrics.Counter's name and label.
counters = sa.Table(
    "themis_counters",
    metadata,
    sa.Column("counter", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("amount", sa.Double, nullable=False),
)

# Worker processes that live, as far as anybody knows. beats: grows while one lives; beat_at: when,
# by its own clock, in seconds since 1970: for people, not for judging who is dead.
executors = sa.Table(
    "themis_executors",
    metadata,
    sa.Column("executor", sa.Text, primary_key=True),
    sa.Column("beats", sa.BigInteger, nullable=False),
    sa.Column("beat_at", sa.Double, nullable=False),
)

# When an installation was written for, and will be: a JSON list of seconds since 1970, newest last.
write_slots = sa.Table(
    "themis_write_slots",
    metadata,
    sa.Column("installation", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("moments", sa.Text, nullable=False),
)

# Duties that one process at a time has: the watch over the others, reconciliation.
leases = sa.Table(
    "themis_leases",
    metadata,
    sa.Column("duty", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
)


class StoreError(ThemisError):
    """The database cannot be used; the same may work later, or the message says what to do."""


class Database:
    """An open database. Safe to use from several threads; each process opens its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # BEGIN IMMEDIATE would make readers wait for writers.
        self._readers = engine.execution_options(reading=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one moment of the database.

        :raises StoreError: if it cannot be had.
        """
        with _as_store_errors(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction, on disk when this ends without an error.

        On SQLite it holds the only write lock from its beginning, so that what it reads stays true.

        :raises StoreError: if it cannot be had or kept; nothing was written then, except that a
            connection lost in the very moment of committing leaves open whether it was.
        """
        with _as_store_errors(), self._engine.begin() as connection:
            yield connection

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        if self.is_sqlite:
            from sqlalchemy.dialects.sqlite import insert
        else:
            from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
        return insert(table)

    def lock(self, connection: sa.Connection, number: int) -> None:
        """Let no other transaction pass here until this one ends; SQLite's writers queue anyhow."""
        if not self.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def check_writable(self) -> None:
        """Write a row to see whether it can be done: a full disk still reads.

        :raises StoreError: if it cannot.
        """
        row = {"name": "checked", "value": ""}
        new = self.insert(meta).values(row)
        with self.writing() as connection:
            connection.execute(
                new.on_conflict_do_update(index_elements=["name"], set_={"value": ""})
            )

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


@contextmanager
def _as_store_errors() -> Iterator[None]:
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        if isinstance(error, sa.exc.IntegrityError | sa.exc.DataError | sa.exc.ProgrammingError):
            raise
        cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise StoreError(f"the database cannot be used now: {cause}") from error


def open_database(url: str) -> Database:
    """Open a database and bring its tables to this version.

    :param url: `sqlite:///path/to/file` or `postgresql://user@host/name`.
    :raises StoreError: if it cannot be opened, or is of a newer version than this program.
    """
    database = Database(_engine(url))
    try:
        _bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return database


def jobs_url(url: str) -> str:
    """Where the queue's own tables are: a second file beside ours, or a schema of the same server.

    Two files, because SQLite has one writer a file: the queue's polling must not delay a receipt.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    path = Path(parsed.database or "")
    return f"sqlite:///{path.with_name(f'{path.stem}-jobs{path.suffix}')}"


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreError(
            "the database URL cannot be read; write sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(parsed)
    if backend == "postgresql":
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,  # a server that was restarted is not noticed otherwise
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
    raise StoreError(f"a {backend} database is not supported; use sqlite:// or postgresql://")


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("the database must be a file, as in sqlite:///FILE: processes share it")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        prepare_sqlite(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def prepare_sqlite(connection: Any) -> None:
    """Readers beside a writer (WAL), and a commit that is on the disk when it returns (FULL)."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _bring_up_to_date(database: Database) -> None:
    with database.writing() as connection:
        database.lock(connection, MIGRATION_LOCK)
        metadata.create_all(connection)
        found = connection.scalar(sa.select(meta.c.value).where(meta.c.name == "schema"))
        if found is None:
            connection.execute(sa.insert(meta).values(name="schema", value=str(SCHEMA_VERSION)))
        elif int(found) > SCHEMA_VERSION:
            raise StoreError(
                f"the database has schema {found}, this program knows {SCHEMA_VERSION}; "
                "install the newer program again, or restore the backup made before it"
            )
        else:
            _migrate(connection, int(found))


def _migrate(connection: sa.Connection, version: int) -> None:
    for step in MIGRATIONS[version - 1 :]:
        for statement in step:
            connection.exec_driver_sql(statement)
    connection.execute(
        sa.update(meta).where(meta.c.name == "schema").values(value=str(SCHEMA_VERSION))
    )


# MIGRATIONS[n - 1]: what turns schema n into n + 1; new tables make themselves.
MIGRATIONS: tuple[tuple[str, ...], ...] = ()
assert len(MIGRATIONS) == SCHEMA_VERSION - 1
