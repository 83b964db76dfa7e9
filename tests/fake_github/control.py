"""The fake's handle: what people and GitHub do, as one method each, and what a test may ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fake_github import checks, diffs, events, pulls, reviews
from fake_github.description import Judge, OpenApiJudge, Violation
from fake_github.exchange import Answer
from fake_github.failures import Failure
from fake_github.gate import Gate, Outgoing
from fake_github.keys import key_pair
from fake_github.limits import Limits, secondary
from fake_github.server import Application, Server
from fake_github.shapes import Addresses, Shapes
from fake_github.tls import write_certificates
from fake_github.webhooks import Webhooks
from fake_github.world import (
    App,
    CheckRun,
    Delivery,
    Installation,
    IssueComment,
    Json,
    LoggedRequest,
    Pull,
    Reaction,
    Repository,
    ReviewComment,
    Store,
    Thread,
    World,
)

PERMISSIONS = {
    "checks": "write",
    "contents": "write",
    "metadata": "read",
    "pull_requests": "write",
    "security_events": "write",
}
EVENTS = [
    "check_run",
    "check_suite",
    "issue_comment",
    "pull_request",
    "pull_request_review_comment",
]

_GIT_CONFIG = """
[uploadpack]
    allowFilter = true
    allowAnySHA1InWant = true
[gc]
    auto = 0
"""


class FakeGitHub:
    """A running fake. Use as a context manager, or stop() it.

    folder: where bare repositories live. enterprise: served below /api/v3 as GitHub Enterprise
    Server does. tls: https, by a certificate that only `authority` vouches for. description:
    GitHub's OpenAPI description, to judge all traffic by. state: a file to keep the world in; if it
    is there, the fake goes on from it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        enterprise: bool = False,
        tls: bool = False,
        port: int = 0,
        description: Path | None = None,
        state: Path | None = None,
    ) -> None:
        self.folder = folder
        self._server = Server(port)
        scheme = "https" if tls else "http"
        self.at = addresses(f"{scheme}://127.0.0.1:{self._server.port}", enterprise)
        certificate: Path | None = None
        self.authority: Path | None = None
        if tls:
            certificate, self.authority = write_certificates(folder)
        self.store = _store(state)
        self.webhooks = Webhooks(self.store, self.at, self.at.web if enterprise else None)
        self.judge: Judge | None = OpenApiJudge.reading(description) if description else None
        self.gate = Gate(self.store, self.at, self.webhooks, self.judge)
        self._server.start(Application(self.gate, self._admin), certificate)

    def __enter__(self) -> FakeGitHub:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.stop()
        self.webhooks.close()

    # what there is
    @property
    def world(self) -> World:
        """For reading; change it through methods."""
        with self.store.reading() as world:
            return world

    @property
    def app(self) -> App:
        return self.world.app

    @property
    def private_key(self) -> str:
        """PEM; what the app's maker downloads."""
        return self.app.private_key

    @property
    def installation(self) -> Installation:
        """The first that is not gone."""
        return next(i for i in self.world.installations.values() if not i.deleted)

    @property
    def limits(self) -> Limits:
        return self.gate.limits

    @property
    def violations(self) -> list[Violation]:
        """Where either side broke GitHub's description."""
        return self.judge.violations if self.judge else []

    @property
    def unknown_requests(self) -> list[str]:
        """What was asked that the fake does not have."""
        return self.gate.strangers

    def log(self, method: str = "", path: str = "") -> list[LoggedRequest]:
        """Requests so far; path: a part of it."""
        return [r for r in list(self.world.log) if method in ("", r.method) and path in r.path]

    def repository(self, full_name: str) -> Repository:
        found = self.world.repository(full_name)
        assert found is not None, f"no repository {full_name}"
        return found

    def pull(self, full_name: str, number: int) -> Pull:
        found = self.world.pull(self.repository(full_name).id, number)
        assert found is not None, f"no pull request {full_name}#{number}"
        return found

    def writes(self, path: str = "") -> list[LoggedRequest]:
        """Requests of installations to change something, whether they were carried out or not."""
        return [r for r in self.log(path=path) if r.writes and r.who != "app"]

    def comments(self, full_name: str, number: int) -> list[IssueComment]:
        """Below the pull request, the oldest first."""
        place = self.repository(full_name).id, number
        return [c for c in self.world.issue_comments if (c.repository, c.number) == place]

    def review_comments(self, full_name: str, number: int) -> list[ReviewComment]:
        """Inline, the oldest first."""
        place = self.repository(full_name).id, number
        return [c for c in self.world.review_comments if (c.repository, c.number) == place]

    def threads(self, full_name: str, number: int) -> list[tuple[Thread, list[ReviewComment]]]:
        """Conversations with their comments."""
        comments = self.review_comments(full_name, number)
        return [
            (thread, [c for c in comments if thread.root in (c.id, c.in_reply_to)])
            for thread in self.world.threads
            if any(c.id == thread.root for c in comments)
        ]

    def check_runs(self, full_name: str, head_sha: str | None = None) -> list[CheckRun]:
        repository = self.repository(full_name).id
        return [
            run
            for run in self.world.check_runs
            if run.repository == repository and head_sha in (None, run.head_sha)
        ]

    # set-up
    def install(
        self,
        account: str,
        *,
        repositories: Sequence[str] | None = None,
        permissions: dict[str, str] | None = None,
    ) -> Installation:
        """Install the app; repositories: full names, None for all of the account."""
        with self.store.changing() as world:
            world.account(account)
            chosen = None
            if repositories is not None:
                chosen = [self.repository(name).id for name in repositories]
            made = Installation(
                id=world.new_id(),
                account=account,
                permissions=dict(permissions or world.app.permissions),
                events=list(world.app.events),
                created_at=world.timestamp(),
                repositories=chosen,
            )
            world.installations[made.id] = made
            seen = [world.repositories[id_] for id_ in world.visible(made)]
        listed = [events.small_repository(repository) for repository in seen]
        payload = {"repositories": listed, "requester": None}
        self.webhooks.announce("installation", "created", None, payload, made, account)
        return made

    def uninstall(self, installation: int) -> None:
        with self.store.changing() as world:
            gone = world.installations[installation]
            listed = [
                events.small_repository(world.repositories[id_]) for id_ in world.visible(gone)
            ]
            gone.deleted = True
        payload = {"repositories": listed, "requester": None}
        self.webhooks.announce("installation", "deleted", None, payload, gone, gone.account)

    def select(self, installation: int, names: Sequence[str]) -> None:
        """Choose what the installation may see; tells of what came and what went."""
        with self.store.changing() as world:
            known = world.installations[installation]
            before = set(world.visible(known))
            known.repositories = [self.repository(name).id for name in names]
            after = set(world.visible(known))
            came = [events.small_repository(world.repositories[i]) for i in after - before]
            went = [events.small_repository(world.repositories[i]) for i in before - after]
        for action, listed in (("added", came), ("removed", went)):
            if listed:
                payload = {
                    "repositories_added": came if action == "added" else [],
                    "repositories_removed": went if action == "removed" else [],
                    "repository_selection": "selected",
                    "requester": None,
                }
                event = "installation_repositories"
                self.webhooks.announce(event, action, None, payload, known, known.account)

    def suspend(self, installation: int) -> None:
        with self.store.changing() as world:
            known = world.installations[installation]
            known.suspended_at = world.timestamp()
        self.webhooks.announce("installation", "suspend", None, {}, known, known.account)

    def create_repository(
        self, full_name: str, *, private: bool = True, fork_of: str | None = None
    ) -> Repository:
        """An empty bare repository, or a copy of another; `Hosted` (hosting.py) fills it."""
        owner, name = full_name.split("/")
        with self.store.changing() as world:
            id_ = world.new_id()
            folder = self.folder / f"{id_}.git"
            parent = self.repository(fork_of) if fork_of else None
            if parent:
                diffs.git(str(self.folder), "clone", "-q", "--bare", parent.folder, str(folder))
            else:
                diffs.git(str(self.folder), "init", "-q", "--bare", "-b", "main", str(folder))
            with (folder / "config").open("a") as config:
                config.write(_GIT_CONFIG)
            world.account(owner)
            made = Repository(
                id_,
                owner,
                name,
                str(folder),
                private=private,
                fork_of=parent.id if parent else None,
            )
            world.repositories[id_] = made
            return made

    def rename(self, full_name: str, name: str) -> None:
        """The old name answers 301 from now on."""
        with self.store.changing():
            known = self.repository(full_name)
            known.old_names.append(known.full_name)
            known.name = name

    def delete_repository(self, full_name: str) -> None:
        """Pull requests from a deleted fork stay, without a head repository."""
        with self.store.changing() as world:
            gone = self.repository(full_name)
            gone.deleted = True
            for pull in world.pulls:
                if pull.head_repository == gone.id:
                    pull.head_repository = None

    def grant(self, full_name: str, login: str, role: str) -> None:
        """role: admin, maintain, write, triage, read or none."""
        with self.store.changing():
            self.repository(full_name).roles[login] = role

    # pull requests
    def open_pull(
        self,
        full_name: str,
        head: str,
        *,
        title: str = "Change something",
        base: str = "main",
        author: str = "ada",
        draft: bool = False,
        body: str | None = None,
        fork: str | None = None,
    ) -> Pull:
        """From a branch that is there already, of the repository or of a fork (full name)."""
        with self.store.changing() as world:
            repository = self.repository(full_name)
            source = self.repository(fork) if fork else repository
            now = world.timestamp()
            pull = Pull(
                id=world.new_id(),
                repository=repository.id,
                number=repository.next_number,
                title=title,
                author=author,
                base_ref=base,
                base_sha="",
                head_ref=head,
                head_sha="",
                head_repository=source.id,
                merge_base="",
                created_at=now,
                updated_at=now,
                body=body,
                draft=draft,
            )
            repository.next_number += 1
            world.pulls.append(pull)
            self._follow(world, pull)
        self._tell(pull, "opened")
        return pull

    def pushed(self, full_name: str, branch: str, *, author: str = "ada") -> None:
        """A branch was pushed: pull requests from it follow it and tell of it.

        Those into it keep their base commit, as GitHub does until their own head is pushed.
        """
        with self.store.changing() as world:
            repository = self.repository(full_name)
            followers = []
            for pull in world.pulls:
                head = pull.head_repository, pull.head_ref
                if pull.state == "open" and head == (repository.id, branch):
                    before = pull.head_sha
                    self._follow(world, pull)
                    if pull.head_sha != before:
                        followers.append((pull, before))
            tip = diffs.git(repository.folder, "rev-parse", f"refs/heads/{branch}").strip()
            suite = checks.suite_for(world, repository, tip, branch)
            payload = events.check_suite(Shapes(world, self.at), suite)
        for pull, before in followers:
            self._tell(pull, "synchronize", author, pushed=(before, pull.head_sha))
        self.webhooks.announce("check_suite", "requested", repository, payload, sender=author)

    def branch_deleted(self, full_name: str, branch: str) -> None:
        """GitHub closes the pull requests of a deleted head branch."""
        repository = self.repository(full_name)
        for pull in list(self.world.pulls):
            place = pull.head_repository, pull.head_ref
            if pull.state == "open" and place == (repository.id, branch):
                owner = self.world.repositories[pull.repository].full_name
                self.close(owner, pull.number)

    def _follow(self, world: World, pull: Pull, *, only_base: bool = False) -> None:
        """Take both ends of a pull request from git; move its comments along."""
        repository = world.repositories[pull.repository]
        source = world.repositories[pull.head_repository or 0]
        ref = f"refs/pull/{pull.number}/head"
        if not only_base:
            wanted = f"+refs/heads/{pull.head_ref}:{ref}"
            diffs.git(repository.folder, "fetch", "-q", "--no-tags", source.folder, wanted)
            pull.head_sha = diffs.git(repository.folder, "rev-parse", ref).strip()
            pull.heads.append(pull.head_sha)
        branch = f"refs/heads/{pull.base_ref}"
        pull.base_sha = diffs.git(repository.folder, "rev-parse", branch).strip()
        pull.merge_base = diffs.merge_base(repository.folder, pull.base_sha, pull.head_sha)
        pull.updated_at = world.timestamp()
        is_fork = source.id != repository.id
        checks.suite_for(world, repository, pull.head_sha, None if is_fork else pull.head_ref)
        for comment in world.review_comments:
            if (comment.repository, comment.number) == (repository.id, pull.number):
                reviews.follow_push(repository, pull, comment)

    def _tell(
        self,
        pull: Pull,
        action: str,
        sender: str | None = None,
        *,
        changes: Json | None = None,
        pushed: tuple[str, str] | None = None,
    ) -> Delivery | None:
        with self.store.reading() as world:
            repository = world.repositories[pull.repository]
            measures = pulls.measures(repository, pull)
            shape = Shapes(world, self.at).pull(pull, *measures)
            payload = events.pull_request(shape, pull.number, changes, pushed)
        return self.webhooks.announce(
            "pull_request", action, repository, payload, sender=sender or pull.author
        )

    def close(self, full_name: str, number: int, *, merged: bool = False) -> None:
        with self.store.changing() as world:
            pull = self.pull(full_name, number)
            pull.state, pull.merged = "closed", merged
            pull.closed_at = pull.updated_at = world.timestamp()
        self._tell(pull, "closed")

    def reopen(self, full_name: str, number: int) -> None:
        with self.store.changing() as world:
            pull = self.pull(full_name, number)
            pull.state, pull.closed_at = "open", None
            self._follow(world, pull)
        self._tell(pull, "reopened")

    def edit(
        self,
        full_name: str,
        number: int,
        *,
        title: str | None = None,
        base: str | None = None,
    ) -> None:
        with self.store.changing() as world:
            pull = self.pull(full_name, number)
            changes: Json = {}
            if title is not None:
                changes["title"] = {"from": pull.title}
                pull.title = title
            if base is not None:
                changes["base"] = {
                    "ref": {"from": pull.base_ref},
                    "sha": {"from": pull.base_sha},
                }
                pull.base_ref = base
                self._follow(world, pull, only_base=True)
        self._tell(pull, "edited", changes=changes)

    def set_draft(self, full_name: str, number: int, draft: bool) -> None:
        with self.store.changing():
            pull = self.pull(full_name, number)
            pull.draft = draft
        self._tell(pull, "converted_to_draft" if draft else "ready_for_review")

    # what people write
    def comment(self, full_name: str, number: int, author: str, body: str) -> IssueComment:
        """Below the pull request."""
        with self.store.changing() as world:
            repository = self.repository(full_name)
            now = world.timestamp()
            made = IssueComment(world.new_id(), repository.id, number, author, body, now, now)
            world.issue_comments.append(made)
            payload = events.issue_comment(Shapes(world, self.at), made)
        self.webhooks.announce("issue_comment", "created", repository, payload, sender=author)
        return made

    def review_comment(
        self, full_name: str, number: int, author: str, path: str, line: int, body: str
    ) -> ReviewComment:
        """An inline comment of a person."""
        with self.store.changing() as world:
            repository, pull = self.repository(full_name), self.pull(full_name, number)
            changed = pulls.changed_files(repository, pull)
            place = reviews.locate(changed, {"path": path, "line": line})
            assert isinstance(place, reviews.Place), place
            review = reviews.start_review(world, repository, pull, author, pull.head_sha, "")
            return reviews.add_comment(world, repository, pull, review, body, place)

    def reply(self, comment: int, author: str, body: str) -> ReviewComment:
        """Answer an inline comment."""
        with self.store.changing() as world:
            to = next(c for c in world.review_comments if c.id == comment)
            made = reviews.add_reply(world, to, author, body)
            repository = world.repositories[made.repository]
            payload = events.review_comment(Shapes(world, self.at), made)
        self.webhooks.announce(
            "pull_request_review_comment", "created", repository, payload, sender=author
        )
        return made

    def react(self, comment: int, author: str, content: str) -> None:
        """A person reacts to an inline comment; GitHub tells nobody of it."""
        with self.store.changing() as world:
            found = next(c for c in world.review_comments if c.id == comment)
            found.reactions.append(Reaction(world.new_id(), author, content, world.timestamp()))

    def resolve(self, thread: str, who: str) -> None:
        """A person resolves a conversation."""
        with self.store.changing() as world:
            next(t for t in world.threads if t.id == thread).resolved_by = who

    def delete_review_comment(self, id_: int) -> None:
        """A person deletes an inline comment."""
        with self.store.changing() as world:
            reviews.delete(world, next(c for c in world.review_comments if c.id == id_))

    def delete_comment(self, id_: int) -> None:
        """A person deletes a comment below the pull request."""
        with self.store.changing() as world:
            world.issue_comments[:] = [c for c in world.issue_comments if c.id != id_]

    # buttons of checks
    def rerequest_check_run(self, id_: int, who: str = "ada") -> None:
        self._press(id_, "rerequested", who, None)

    def press(self, id_: int, identifier: str, who: str = "ada") -> None:
        """A button that the app put on its check run."""
        self._press(id_, "requested_action", who, identifier)

    def _press(self, id_: int, action: str, who: str, identifier: str | None) -> None:
        with self.store.reading() as world:
            run = next(r for r in world.check_runs if r.id == id_)
            repository = world.repositories[run.repository]
            payload = events.check_run(Shapes(world, self.at), run, identifier)
        self.webhooks.announce("check_run", action, repository, payload, sender=who)

    def rerequest_check_suite(self, full_name: str, head_sha: str, who: str = "ada") -> None:
        with self.store.changing() as world:
            repository = self.repository(full_name)
            suite = checks.suite_for(world, repository, head_sha, None)
            payload = events.check_suite(Shapes(world, self.at), suite)
        self.webhooks.announce("check_suite", "rerequested", repository, payload, sender=who)

    # webhooks
    def send_webhooks_to(self, url: str | None) -> None:
        with self.store.changing() as world:
            world.app.webhook_url = url

    @contextmanager
    def holding_webhooks(self) -> Iterator[list[Delivery]]:
        """Nothing is sent inside; afterwards the list has what would have been, in order."""
        held: list[Delivery] = []
        begun = len(self.world.deliveries)
        self.webhooks.held = True
        try:
            yield held
        finally:
            self.webhooks.held = False
            held += self.world.deliveries[begun:]

    def deliver(self, delivery: Delivery, guid: str | None = None) -> Delivery:
        """Send one (again) and wait; with a second GUID as two subscriptions would."""
        return self.webhooks.deliver(delivery.id, guid)

    def deliver_at_once(self, deliveries: Sequence[Delivery], threads: int = 16) -> list[Delivery]:
        """Send many together and wait; each says how long its answer took."""
        return self.webhooks.deliver_at_once([each.id for each in deliveries], threads)

    def settle(self) -> None:
        """Wait until all webhooks sent so far have been answered."""
        self.webhooks.settle()

    # trouble
    def fail(self, method: str, path: str, **how: Any) -> Failure:
        """See failures.Failure."""
        failure = Failure(method, path, **how)
        with self.store.reading():
            self.gate.failures.append(failure)
        return failure

    def secondary_limit(
        self, method: str, path: str, *, seconds: int = 1, status: int = 403, times: int = 1
    ) -> Failure:
        """The next such requests are told to wait."""
        message, headers = secondary(seconds)
        return self.fail(method, path, status=status, message=message, headers=headers, times=times)

    def limit(self, who: int | str, remaining: int, reset_in: float) -> None:
        """Leave an installation (or "app") so many requests for so many seconds."""
        with self.store.reading() as world:
            self.limits.set(str(who), remaining, world.now() + reset_in)

    def expire_tokens(self) -> None:
        """All installation tokens end now, whatever they were promised."""
        with self.store.changing() as world:
            world.tokens[:] = [replace(token, expires_at=0.0) for token in world.tokens]

    def advance(self, seconds: float) -> None:
        """Set the fake's clock forward."""
        with self.store.changing() as world:
            world.clock_offset += seconds

    # for other processes
    def _admin(self, method: str, path: str, body: bytes) -> Outgoing:
        """GET state; POST do/METHOD with the arguments as JSON object."""
        if (method, path) == ("GET", "state"):
            content = self.store.dump()
            return Outgoing(Answer(200), content)
        if (method, path) == ("GET", "violations"):
            found = [*map(str, self.violations), *self.unknown_requests]
            return Outgoing(Answer(200), json.dumps(found).encode())
        name = path.removeprefix("do/")
        if method != "POST" or name == path or name.startswith("_") or not hasattr(self, name):
            return Outgoing(Answer(404), b"{}")
        arguments = json.loads(body or b"{}")
        try:
            result = getattr(self, name)(**arguments)
            return Outgoing(Answer(200), json.dumps(result, default=_plain).encode())
        except Exception as error:  # the caller is a test in another process: tell it
            return Outgoing(Answer(500), json.dumps({"error": repr(error)}).encode())


def _plain(value: Any) -> Any:
    return asdict(value)


def addresses(web: str, enterprise: bool) -> Addresses:
    if enterprise:
        api = f"{web}/api/v3"
        return Addresses(web, api, f"{web}/api/graphql", f"{web}/api/uploads")
    return Addresses(web, web, f"{web}/graphql", f"{web}/uploads")


def _store(state: Path | None) -> Store:
    if state is not None and state.exists():
        return Store.reopened(state)
    private, public = key_pair()
    app = App(
        id=1,
        slug="themis-review",
        name="Themis Review",
        owner="themis-makers",
        client_id="Iv23liThemis",
        private_key=private,
        public_key=public,
        permissions=dict(PERMISSIONS),
        events=list(EVENTS),
        webhook_secret="a secret of tests",
    )
    return Store(World(app), state)
