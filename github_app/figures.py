"""How the app fares, as all its processes left it in the database: for metrics and readiness."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from github_app.database import Database, StoreError, counters, executors
from github_app.jobs.executors import DEAD_AFTER_SECONDS
from github_app.jobs.states import State
from github_app.jobs.table import JobTable
from github_app.metrics import Counter, Counts, Snapshot

# When the last worker died, none is left to say so. Clocks of two machines may differ by a part.
SILENT_SECONDS = 3 * DEAD_AFTER_SECONDS


class Figures:
    """Adds up what processes counted; reads it back together with the state of the queue."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        """clock: seconds since 1970."""
        self._database = database
        self._clock = clock
        self._table = JobTable(database, clock)

    def add(self, counts: Counts) -> None:
        """Add what a process counted since it last did.

        :raises StoreError: if it cannot be kept.
        """
        with self._database.writing() as connection:
            # In one order everywhere, or two processes could wait for each other's rows.
            for (counter, label), amount in sorted(
                counts.items(), key=lambda item: (item[0][0].name, item[0][1])
            ):
                new = self._database.insert(counters).values(
                    counter=counter.name, label=label, amount=amount
                )
                total = counters.c.amount + new.excluded.amount
                connection.execute(
                    new.on_conflict_do_update(
                        index_elements=["counter", "label"], set_={"amount": total}
                    )
                )

    def snapshot(self) -> Snapshot:
        """How things stand now.

        :raises StoreError: if the database cannot be used.
        """
        depth = self._table.depth()
        with self._database.reading() as connection:
            living = executors.c.beat_at > self._clock() - SILENT_SECONDS
            workers = connection.scalar(sa.select(sa.func.count()).where(living)) or 0
            rows = connection.execute(sa.select(counters)).all()
        known = Counter.__members__
        return Snapshot(
            waiting=depth.by_state.get(State.WAITING, 0),
            oldest_seconds=depth.oldest_seconds,
            running=depth.by_state.get(State.STARTED, 0),
            workers=workers,
            dead=depth.by_state.get(State.DEAD, 0),
            counts={
                (known[row.counter], row.label): row.amount
                for row in rows
                if row.counter in known  # another version may count more
            },
        )

    def problems(self) -> dict[str, str | None]:
        """What must work, by name: None, or what is wrong with it."""
        try:
            snapshot = self.snapshot()
            self._database.check_writable()
        except StoreError as error:
            return {"database": str(error), "workers": "not known without the database"}
        return {"database": None, "workers": None if snapshot.workers else "none lives"}
