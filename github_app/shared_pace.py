"""Pauses between writes to GitHub that all workers keep together, an installation at a time.

GitHub's secondary limits count an installation's writes, whichever process sends them.
"""

from __future__ import annotations

import json
import logging

import sqlalchemy as sa

from github_app.database import Database, StoreError, write_slots
from github_app.github.limits import BETWEEN_WRITES, WRITES, Pace, Patience, Times, Wait

LOG = logging.getLogger(__name__)
REMEMBERED = max(count for count, _ in WRITES)


class SharedPace(Pace):
    """A pace whose writes take their turns in the database. Without it each process keeps its own:
    a moment's overlap is better than a review that is not told.
    """

    def __init__(self, times: Times, database: Database, installation: int) -> None:
        super().__init__(times)
        self._clock = times.clock
        self._database = database
        self._installation = installation

    def wait(self, patience: Patience, writes: bool) -> None:
        """Until a request may be sent; see Pace."""
        super().wait(patience, writes)
        if not writes:
            return
        try:
            turn = self._take_turn()
        except StoreError as error:
            LOG.warning("writes are paced by this process alone: %s", error)
            return
        patience.wait(Wait.WRITES, turn - self._clock())

    def _take_turn(self) -> float:
        """The moment (seconds since 1970) that is ours to write in; nobody else gets it."""
        ours = write_slots.c.installation == self._installation
        with self._database.writing() as connection:
            new = self._database.insert(write_slots).values(
                installation=self._installation, moments="[]"
            )
            connection.execute(new.on_conflict_do_nothing(index_elements=["installation"]))
            query = sa.select(write_slots.c.moments).where(ours).with_for_update()
            moments: list[float] = json.loads(connection.scalars(query).one())
            turn = max(self._clock(), next_turn(moments))
            kept = [*moments, turn][-REMEMBERED:]
            connection.execute(sa.update(write_slots).where(ours).values(moments=json.dumps(kept)))
        return turn


def next_turn(moments: list[float]) -> float:
    """From when on one more write is allowed. moments: of those so far, the newest last."""
    free = moments[-1] + BETWEEN_WRITES if moments else 0.0
    for count, seconds in WRITES:
        if len(moments) >= count:
            free = max(free, moments[-count] + seconds)
    return free
