"""What tests of the app share: a fake GitHub with one app, one installation, one repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_github import FakeGitHub, Hosted
from tools import tool

OWNER = "octo"
NAME = "octo/shop"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[FakeGitHub]:
    """A running fake; at the end nobody may have broken GitHub's description."""
    folder = tmp_path / "github"
    folder.mkdir()
    with FakeGitHub(folder, description=tool("api.github.com.json")) as fake:
        yield fake
    broken = [str(violation) for violation in fake.violations] + fake.unknown_requests
    assert not broken, "\n".join(broken)


@pytest.fixture
def hosted(github: FakeGitHub, tmp_path: Path) -> Hosted:
    """octo/shop with a first commit on main; the app is installed on octo."""
    shop = Hosted.create(github, NAME, tmp_path / "shop")
    shop.commit("Begin", readme="# nothing yet\n")
    shop.push("main")
    github.install(OWNER)
    return shop
