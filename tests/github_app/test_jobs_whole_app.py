"""The whole app, its processes killed at random moments, on both databases.

KILLS=100 runs the long version.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from app_chaos import survive
from fake_github import FakeGitHub, Hosted

KILLS = int(os.environ.get("KILLS", "4"))
PULLS = max(3, KILLS // 3)

pytestmark = pytest.mark.timeout(300 + 15 * KILLS)


def test_kills_leave_every_pull_request_with_one_current_review(
    github: FakeGitHub, hosted: Hosted, database_url: str, tmp_path: Path
) -> None:
    killed = survive(github, hosted, database_url, tmp_path, kills=KILLS, pulls=PULLS, seed=3)
    assert killed["in the middle"] >= KILLS // 6, killed
