"""What tests of several packages share: real git repositories, a fake scorer, a report."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fake_review import calibration, fake_scorer, report
from git_repository import GitRepository

__all__ = ["calibration", "fake_scorer", "report", "repository"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """An empty repository with the branch main; git's variables of the caller are out of sight."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    return GitRepository(tmp_path).another(tmp_path / "repository")
