"""Processes are killed at random moments; nothing is lost and nothing done twice.

KILLS=100 runs the long version.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from jobs_chaos import survive
from postgresql_cluster import Cluster

KILLS = int(os.environ.get("KILLS", "6"))
PULLS, PUSHES = 8, max(3, KILLS // 4)

pytestmark = pytest.mark.timeout(240 + 10 * KILLS)


def _is_worth_it(killed: Counter[str]) -> None:
    """The kills found processes at work, or the test shows nothing."""
    assert killed["jobs_web.py"] and killed["in the middle"] >= KILLS // 6, killed


def test_kills_lose_and_double_nothing_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/app.sqlite"
    killed = survive(url, tmp_path, kills=KILLS, pulls=PULLS, pushes=PUSHES, seed=1)
    _is_worth_it(killed)


def test_kills_lose_and_double_nothing_on_postgresql(postgresql: Cluster, tmp_path: Path) -> None:
    url = postgresql.database("kills")
    killed = survive(url, tmp_path, kills=KILLS, pulls=PULLS, pushes=PUSHES, seed=2)
    _is_worth_it(killed)
