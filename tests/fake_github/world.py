"""What the fake GitHub remembers. Plain records, no HTTP; git objects live in real repositories.

All of it can be written as JSON and read back: a fake that was killed goes on where it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

Json = dict[str, Any]


@dataclass(slots=True)
class Account:
    """kind: User, Organization or Bot, as GitHub writes it."""

    id: int
    login: str
    kind: str = "User"


@dataclass(slots=True)
class Repository:
    """folder: the bare git repository. roles: login -> admin, maintain, write, triage or read."""

    id: int
    owner: str
    name: str
    folder: str
    default_branch: str = "main"
    private: bool = True
    fork_of: int | None = None
    roles: dict[str, str] = field(default_factory=dict)
    old_names: list[str] = field(default_factory=list)
    deleted: bool = False
    next_number: int = 1

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(slots=True)
class Pull:
    """head_repository: None once the fork is deleted. merge_base: of base and head, now."""

    id: int
    repository: int
    number: int
    title: str
    author: str
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    head_repository: int | None
    merge_base: str
    created_at: str
    updated_at: str
    body: str | None = None
    state: str = "open"
    draft: bool = False
    merged: bool = False
    closed_at: str | None = None
    heads: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Reaction:
    id: int
    author: str
    content: str
    created_at: str


@dataclass(slots=True)
class IssueComment:
    id: int
    repository: int
    number: int
    author: str
    body: str
    created_at: str
    updated_at: str
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True)
class Review:
    id: int
    repository: int
    number: int
    author: str
    body: str
    state: str
    commit_id: str
    submitted_at: str


@dataclass(slots=True)
class ReviewComment:
    """line, start_line: where it stands now, None once outdated; original_*: where it was put."""

    id: int
    review: int
    repository: int
    number: int
    author: str
    body: str
    path: str
    side: str | None
    line: int | None
    start_side: str | None
    start_line: int | None
    original_line: int | None
    original_start_line: int | None
    original_commit_id: str
    original_merge_base: str
    commit_id: str
    diff_hunk: str
    subject_type: str
    created_at: str
    updated_at: str
    in_reply_to: int | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True)
class Thread:
    """A conversation; id: GraphQL's. root: the comment that opened it."""

    id: str
    root: int
    resolved_by: str | None = None


@dataclass(slots=True)
class CheckSuite:
    id: int
    repository: int
    head_sha: str
    head_branch: str | None
    created_at: str
    updated_at: str


@dataclass(slots=True)
class CheckRun:
    """output: title, summary and text as given. updates: how often it was changed."""

    id: int
    suite: int
    repository: int
    name: str
    head_sha: str
    external_id: str
    details_url: str | None
    status: str
    conclusion: str | None
    started_at: str
    completed_at: str | None
    output: Json = field(default_factory=dict)
    annotations: list[Json] = field(default_factory=list)
    actions: list[Json] = field(default_factory=list)
    updates: int = 0


@dataclass(slots=True)
class Sarif:
    """sarif: the text, decoded and unzipped."""

    id: str
    repository: int
    commit_sha: str
    ref: str
    sarif: str
    tool_name: str | None


@dataclass(slots=True)
class Installation:
    """repositories: ids, None for all of the account's."""

    id: int
    account: str
    permissions: dict[str, str]
    events: list[str]
    created_at: str
    repositories: list[int] | None = None
    suspended_at: str | None = None
    deleted: bool = False


@dataclass(slots=True)
class Token:
    """expires_at: seconds since the epoch, by the fake's clock. repositories: ids."""

    token: str
    installation: int
    permissions: dict[str, str]
    repositories: list[int]
    narrowed: bool
    expires_at: float


@dataclass(slots=True)
class Delivery:
    """One attempt to deliver an event. status_code: 0 where nobody answered."""

    id: int
    guid: str
    event: str
    action: str | None
    payload: Json
    installation: int | None
    repository: int | None
    delivered_at: str
    redelivery: bool = False
    status_code: int = 0
    status: str = "pending"
    duration: float = 0.0


@dataclass(slots=True)
class App:
    """Keys: PEM. GitHub keeps only the public one; the other is for whoever plays the app."""

    id: int
    slug: str
    name: str
    owner: str
    client_id: str
    private_key: str
    public_key: str
    permissions: dict[str, str]
    events: list[str]
    webhook_secret: str
    webhook_url: str | None = None

    @property
    def login(self) -> str:
        return f"{self.slug}[bot]"


@dataclass(slots=True)
class LoggedRequest:
    """at: seconds since the epoch. who: app, an installation's number, or "" for nobody.

    body: what was sent, if it is JSON. failed: how the fake was told to fail, if it was. writes: it
    was to change something; done: it was carried out, even if the answer was lost.
    """

    method: str
    path: str
    query: str
    status: int
    at: float
    seconds: float
    who: str
    body: Any = None
    failed: str = ""
    writes: bool = False
    done: bool = False


@dataclass(slots=True)
class World:
    app: App
    accounts: dict[str, Account] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    pulls: list[Pull] = field(default_factory=list)
    issue_comments: list[IssueComment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    review_comments: list[ReviewComment] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    check_suites: list[CheckSuite] = field(default_factory=list)
    check_runs: list[CheckRun] = field(default_factory=list)
    sarifs: list[Sarif] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    log: list[LoggedRequest] = field(default_factory=list)
    clock_offset: float = 0.0
    last_id: int = 1000

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def now(self) -> float:
        """Seconds since the epoch, moved by `advance`."""
        return time.time() + self.clock_offset

    def timestamp(self) -> str:
        """Now, as GitHub writes it: whole seconds, UTC."""
        return timestamp(self.now())

    def account(self, login: str, kind: str = "User") -> Account:
        """The account of a login, made when first named."""
        known = self.accounts.get(login)
        if known is None:
            known = self.accounts[login] = Account(self.new_id(), login, kind)
        return known

    def repository(self, full_name: str) -> Repository | None:
        """By its present name, in any case, as GitHub has it."""
        wanted = full_name.lower()
        for repository in self.repositories.values():
            if repository.full_name.lower() == wanted and not repository.deleted:
                return repository
        return None

    def pull(self, repository: int, number: int) -> Pull | None:
        for pull in self.pulls:
            if pull.repository == repository and pull.number == number:
                return pull
        return None

    def role(self, repository: Repository, login: str) -> str:
        """admin, maintain, write, triage, read or none."""
        if login == repository.owner:
            return "admin"
        return repository.roles.get(login, "none" if repository.private else "read")

    def thread_of(self, comment: ReviewComment) -> Thread:
        root = comment.in_reply_to or comment.id
        return next(thread for thread in self.threads if thread.root == root)

    def installation_of(self, repository: Repository) -> Installation | None:
        """Who may see the repository for the app; None where the app is not installed."""
        for installation in self.installations.values():
            if repository.id in self.visible(installation):
                return installation
        return None

    def visible(self, installation: Installation) -> list[int]:
        """Ids of the repositories that an installation may see."""
        if installation.deleted:
            return []
        return [
            r.id
            for r in self.repositories.values()
            if r.owner == installation.account
            and not r.deleted
            and (installation.repositories is None or r.id in installation.repositories)
        ]


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def _adapter() -> TypeAdapter[World]:
    return TypeAdapter(World)


class Store:
    """The world, one user at a time, and the file it is kept in. file: None for memory only."""

    def __init__(self, world: World, file: Path | None = None) -> None:
        self._world = world
        self._file = file
        self._lock = threading.RLock()
        self._dirty = False

    @classmethod
    def reopened(cls, file: Path) -> Store:
        return cls(_adapter().validate_json(file.read_bytes()), file)

    @contextmanager
    def reading(self) -> Iterator[World]:
        with self._lock:
            yield self._world

    @contextmanager
    def changing(self) -> Iterator[World]:
        """What was changed is on disk when this ends, if there is a file."""
        with self._lock:
            try:
                yield self._world
            finally:
                if self._file is not None:
                    new = self._file.with_suffix(".new")
                    new.write_bytes(self.dump())
                    new.replace(self._file)

    def dump(self) -> bytes:
        with self._lock:
            return _adapter().dump_json(self._world)
