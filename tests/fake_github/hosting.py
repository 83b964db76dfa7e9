"""What an author does: a checkout of a hosted repository, its branches, its pull requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from git_repository import GitRepository

from fake_github.control import FakeGitHub
from fake_github.world import Pull


@dataclass(frozen=True, slots=True)
class Hosted:
    """A repository at the fake and an author's checkout of it; each push is told to the fake."""

    github: FakeGitHub
    name: str
    work: GitRepository

    @classmethod
    def create(
        cls, github: FakeGitHub, name: str, checkout: Path, *, private: bool = True
    ) -> Hosted:
        """A new repository, empty until the first push."""
        made = github.create_repository(name, private=private)
        return cls._checked_out(github, name, made.folder, checkout)

    @classmethod
    def _checked_out(cls, github: FakeGitHub, name: str, folder: str, checkout: Path) -> Hosted:
        checkout.parent.mkdir(parents=True, exist_ok=True)
        work = GitRepository(checkout.parent).another(checkout)
        work.git("remote", "add", "origin", folder)
        return cls(github, name, work)

    def fork(self, name: str, checkout: Path) -> Hosted:
        """Under another owner; its pull requests go to this one: see open_pull's `into`."""
        made = self.github.create_repository(name, fork_of=self.name)
        forked = self._checked_out(self.github, name, made.folder, checkout)
        forked.work.git("fetch", "-q", "origin")
        forked.work.git("checkout", "-q", "-B", "main", "origin/main")
        return forked

    def branch(self, name: str, start: str = "main") -> None:
        """Begin a branch and go to it."""
        self.work.git("checkout", "-q", "-B", name, start)

    def checkout(self, name: str) -> None:
        self.work.git("checkout", "-q", name)

    def commit(self, message: str = "change", /, **files: str | bytes) -> str:
        """See GitRepository.commit."""
        return self.work.commit(message, **files)

    def push(self, branch: str | None = None, *, force: bool = False) -> str:
        """Push a branch (the present one), tell the fake, return the hash."""
        name = branch or self.work.git("rev-parse", "--abbrev-ref", "HEAD")
        options = ["--force"] if force else []
        self.work.git("push", "-q", *options, "origin", f"{name}:refs/heads/{name}")
        self.github.pushed(self.name, name)
        return self.work.git("rev-parse", name)

    def rebase(self, onto: str = "main") -> str:
        """Rebase the present branch and push it by force."""
        self.work.git("rebase", "-q", onto)
        return self.push(force=True)

    def delete_branch(self, branch: str) -> None:
        """At the fake only; closes its pull requests."""
        self.work.git("push", "-q", "origin", "--delete", branch)
        self.github.branch_deleted(self.name, branch)

    def open_pull(
        self,
        *,
        title: str = "Change something",
        base: str = "main",
        author: str = "ada",
        draft: bool = False,
        into: str | None = None,
    ) -> Pull:
        """Push the present branch and open a pull request; into: full name of a fork's parent."""
        head = self.work.git("rev-parse", "--abbrev-ref", "HEAD")
        self.push(head)
        return self.github.open_pull(
            into or self.name,
            head,
            title=title,
            base=base,
            author=author,
            draft=draft,
            fork=self.name if into else None,
        )


def create_shop(github: FakeGitHub, checkout: Path) -> Hosted:
    """octo/shop with a first commit on main; the app is installed on octo."""
    shop = Hosted.create(github, "octo/shop", checkout)
    shop.commit("Begin", readme="# nothing yet\n")
    shop.push("main")
    github.install("octo")
    return shop
