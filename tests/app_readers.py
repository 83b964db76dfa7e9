"""What tests of reading and reviewing share: a client of the fake, clones below a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fake_github import FakeGitHub

from github_app.clones import CloneLimits, Clones
from github_app.github.auth import AppKey
from github_app.github.client import GitHubClient, RepositoryClient
from github_app.github.limits import Times
from github_app.github.values import PullRequest
from github_app.reading import Reader, Reading
from github_app.site import github_site
from github_app.types import RepositoryRef
from review_core.config import Resolved, foreign_settings

MEGABYTE = 2**20
LIMITS = CloneLimits(total_bytes=100 * MEGABYTE, repository_bytes=50 * MEGABYTE, seconds=60.0)


def client(github: FakeGitHub, times: Times | None = None) -> GitHubClient:
    """A client that waits as little as GitHub lets it."""
    site = github_site(
        github.at.web,
        api_url=github.at.api,
        graphql_url=github.at.graphql,
        upload_url=github.at.uploads,
    )
    return GitHubClient(AppKey(str(github.app.id), github.private_key), site, times)


@dataclass(frozen=True)
class Readers:
    """Reads pull requests of a fake as the app does. Close it."""

    github: FakeGitHub
    folder: Path
    client: GitHubClient

    @classmethod
    def of(cls, github: FakeGitHub, folder: Path, times: Times | None = None) -> Readers:
        return cls(github, folder, client(github, times))

    @property
    def installation(self) -> int:
        return next(iter(self.github.world.installations))

    def clones(self, **limits: float) -> Clones:
        return Clones(self.folder, replace(LIMITS, **limits))  # type: ignore[arg-type]

    def ref(self, name: str = "octo/shop") -> RepositoryRef:
        found = self.github.repository(name)
        return RepositoryRef(found.id, found.owner, found.name)

    def repository(self, name: str = "octo/shop") -> RepositoryClient:
        return self.client.repository(self.installation, self.ref(name))

    def read(
        self,
        number: int = 1,
        *,
        pull: PullRequest | None = None,
        name: str = "octo/shop",
        clones: Clones | None = None,
        configure: Callable[[Mapping[str, str]], Resolved] = foreign_settings,
        max_bytes: int = 64 * MEGABYTE,
        stop: Callable[[], bool] = lambda: False,
    ) -> Reading:
        """A pull request as it is now, or as it was."""
        asked = self.repository(name)
        reader = Reader(clones or self.clones(), max_bytes=max_bytes)
        pull = pull or asked.pull_request(number)
        return reader.read(self.installation, asked, pull, configure, stop)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something another process or thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
