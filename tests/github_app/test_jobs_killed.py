"""Processes are killed at random moments; nothing is lost and nothing done twice.

KILLS=100 runs the long version.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_chaos import survive
from postgresql_cluster import Cluster, cluster

KILLS = int(os.environ.get("KILLS", "10"))
PULLS, PUSHES = 8, max(3, KILLS // 4)

pytestmark = pytest.mark.timeout(240 + 10 * KILLS)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


def test_kills_lose_and_double_nothing_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/app.sqlite"
    killed = survive(url, tmp_path, kills=KILLS, pulls=PULLS, pushes=PUSHES, seed=1)
    assert len(killed) == 2, "each kind of process is killed"


def test_kills_lose_and_double_nothing_on_postgresql(server: Cluster, tmp_path: Path) -> None:
    url = server.database("kills")
    killed = survive(url, tmp_path, kills=KILLS, pulls=PULLS, pushes=PUSHES, seed=2)
    assert len(killed) == 2, "each kind of process is killed"
