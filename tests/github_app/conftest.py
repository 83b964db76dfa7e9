"""What tests of the app share: a fake GitHub with one app, one installation, one repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from fake_github import FakeGitHub, Hosted, create_shop
from postgresql_cluster import Cluster, cluster
from tools import tool

from github_app.database import Database, metadata, open_database


@pytest.fixture
def github(tmp_path: Path) -> Iterator[FakeGitHub]:
    """A running fake; at the end nobody may have broken GitHub's description."""
    folder = tmp_path / "github"
    folder.mkdir()
    with FakeGitHub(folder, description=tool("api.github.com.json")) as fake:
        yield fake
    assert_nothing_broken(fake)


@pytest.fixture
def enterprise(tmp_path: Path) -> Iterator[FakeGitHub]:
    """The same as GitHub Enterprise Server: other addresses, https, an authority of its own."""
    folder = tmp_path / "enterprise"
    folder.mkdir()
    description = tool("ghes-3.19.json")
    with FakeGitHub(folder, enterprise=True, tls=True, description=description) as fake:
        yield fake
    assert_nothing_broken(fake)


def assert_nothing_broken(fake: FakeGitHub) -> None:
    """Neither side broke GitHub's description, and nothing was asked that the fake lacks."""
    broken = [str(violation) for violation in fake.violations] + fake.unknown_requests
    assert not broken, "\n".join(broken)


@pytest.fixture
def hosted(github: FakeGitHub, tmp_path: Path) -> Hosted:
    """octo/shop with a first commit on main; the app is installed on octo."""
    return create_shop(github, tmp_path / "shop")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL server of this test run."""
    with cluster() as server:
        yield server


@pytest.fixture(scope="session")
def shared_postgresql_url(postgresql: Cluster) -> str:
    """One database for all tests: making one takes a second, emptying it less."""
    return postgresql.database("shared")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a new, empty database: each test runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/app.sqlite"
    url: str = request.getfixturevalue("shared_postgresql_url")
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    metadata.drop_all(engine)
    engine.dispose()
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """It, opened."""
    with closing(open_database(database_url)) as opened:
        yield opened
