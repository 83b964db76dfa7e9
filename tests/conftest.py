"""What tests of several packages share: real git repositories, a fake scorer, a report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_review import calibration, fake_scorer, report
from git_repository import GitRepository

__all__ = ["calibration", "fake_scorer", "report", "repository"]


@pytest.fixture(autouse=True, scope="session")
def no_cache_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Programs that tests start, too, keep rewards and findings in folders of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """An empty repository with the branch main; git's variables of the caller are out of sight."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    return GitRepository(tmp_path).another(tmp_path / "repository")
