"""The app's work against the fake GitHub: real client, real git, a scorer that counts words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app_readers import LIMITS
from fake_github import FakeGitHub
from fake_github.world import CheckRun
from fake_scorer import WORDS, FakeScorer

from github_app.clones import Clones
from github_app.database import open_database
from github_app.errors import ForbiddenError, UnavailableError
from github_app.feedback import Feedback
from github_app.github.auth import AppKey
from github_app.github.client import GitHubClient
from github_app.github.limits import Times
from github_app.publishing.marks import is_summary
from github_app.reading import Reader
from github_app.reviewing import Reviewer
from github_app.site import GitHubSite, github_site
from github_app.store import Store
from github_app.types import CommandName, CommandTask, PullRequestRef, RepositoryRef, ReviewTask
from github_app.work import Work
from review_core.calibration import Calibration
from review_core.feedback import FeedbackStore
from review_core.types import Axis

SHOP = "octo/shop"


def calibration(**precision: float) -> Calibration:
    """Temperature 1, worse from P .9 on: one marker word, sigmoid(3) = .953, is enough."""
    each = {"temperature": 1.0, "worse_at": 0.1, "better_at": 0.9, "isotonic": None}
    held_out = {
        key: {"held_out": {"right": share, "right_length_balanced": share}}
        for key, share in precision.items()
    }
    criteria = dict.fromkeys(WORDS, each)
    return Calibration.from_json({"format": 1, "criteria": criteria, "measured": held_out})


@dataclass(frozen=True)
class Told:
    """One of our conversations, as a person sees it. line: None if outdated or on a file."""

    path: str
    line: int | None
    body: str
    resolved: bool
    thread: str
    comment: int


class Trouble:
    """A GitHub in front of another. losing: every write happens and then fails, the first time it
    is asked for. refuses: a method that is forbidden.
    """

    WRITES = ("create_", "update_", "resolve_", "unresolve_", "react", "upload_")

    def __init__(self, inner: Any, *, losing: bool) -> None:
        self._inner = inner
        self._losing = losing
        self.lost: list[str] = []
        self.refuses = ""
        self._seen: set[str] = set()

    def repository(self, *args: Any) -> Any:
        return _TroubledRepository(self, self._inner.repository(*args))

    def before(self, name: str) -> None:
        if name == self.refuses:
            raise ForbiddenError("not allowed")

    def after(self, name: str, asked: str) -> None:
        if self._losing and asked not in self._seen:
            self._seen.add(asked)
            self.lost.append(name)
            raise UnavailableError("the answer was lost")


class _TroubledRepository:
    def __init__(self, trouble: Trouble, inner: Any) -> None:
        self._trouble = trouble
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not name.startswith(Trouble.WRITES):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._trouble.before(name)
            result = found(*args, **kwargs)
            self._trouble.after(name, repr((name, args, sorted(kwargs.items()))))
            return result

        return call


class App:
    """A worker's hands. Pauses between writes pass in no time, for the fake, too."""

    def __init__(
        self,
        github: FakeGitHub,
        folder: Path,
        *,
        site: GitHubSite | None = None,
        scorer: Any = None,
        calibrated: Calibration | None = None,
        seconds: float = 600.0,
        repository_megabytes: float = 50.0,
        losing: bool = False,
    ) -> None:
        """losing: the answer to every write is lost once, after it happened."""
        self.github = github
        self._ahead = 0.0
        site = site or github_site(
            github.at.web,
            api_url=github.at.api,
            graphql_url=github.at.graphql,
            upload_url=github.at.uploads,
        )
        times = Times(
            clock=lambda: time.time() + self._ahead,
            sleep=self.sleep,
            random=lambda: 0.5,
        )
        self.client = GitHubClient(AppKey(str(github.app.id), github.private_key), site, times)
        self.scorer = scorer or FakeScorer(max_tokens=100_000)
        self.database = open_database(f"sqlite:///{folder}/work.sqlite")
        self.store = Store(self.database, time.time)
        limits = type(LIMITS)(100 * 2**20, int(repository_megabytes * 2**20), 60.0)
        clones = Clones(folder / "clones", limits)
        reviewer = Reviewer(
            self.scorer,
            calibrated or calibration(),
            {"cache.enabled": False},
            seconds=seconds,
        )
        self.trouble = Trouble(self.client, losing=losing)
        self.answers_kept = FeedbackStore(folder / "feedback.sqlite")
        self.work = Work(
            self.trouble,
            Reader(clones, site.ca_file),
            reviewer,
            self.store,
            clones,
            feedback=Feedback(self.answers_kept),
        )

    def close(self) -> None:
        self.client.close()
        self.database.close()

    def sleep(self, seconds: float) -> None:
        """Let time pass, for us and for the fake."""
        self._ahead += seconds
        self.github.advance(seconds)

    # tasks
    def pull(self, number: int = 1, name: str = SHOP) -> PullRequestRef:
        found = self.github.repository(name)
        ref = RepositoryRef(found.id, found.owner, found.name)
        return PullRequestRef(self.github.installation.id, ref, number)

    def review(
        self,
        number: int = 1,
        *,
        name: str = SHOP,
        stop: Callable[[], bool] = lambda: False,
        head: str | None = None,
        **task: Any,
    ) -> None:
        """What a delivery about the head as it is now leads to."""
        head = head or self.github.pull(name, number).head_sha
        self.work(ReviewTask(self.pull(number, name), head, **task), stop)

    def insist(self, attempt: Callable[[], Any], most: int = 40) -> int:
        """As the queue does: again and again, until it goes through; how often it failed."""
        for failures in range(most):
            try:
                attempt()
            except UnavailableError:
                continue
            return failures
        raise AssertionError("it never went through")

    def command(
        self,
        command: CommandName,
        author: str = "ada",
        axis: Axis | None = None,
        hint: str = "",
        number: int = 1,
    ) -> CommandTask:
        """Somebody writes a comment, and we do as we are told."""
        comment = self.github.comment(SHOP, number, author, "@themis-review ...")
        task = CommandTask(self.pull(number), comment.id, author, command, axis, hint)
        self.work(task, lambda: False)
        return task

    # what there is at GitHub
    def told(self, number: int = 1, name: str = SHOP) -> list[Told]:
        """Our conversations, the oldest first."""
        return [
            Told(
                comments[0].path,
                comments[0].line,
                comments[0].body,
                thread.resolved_by is not None,
                thread.id,
                comments[0].id,
            )
            for thread, comments in self.github.threads(name, number)
            if comments[0].author == self.github.app.login
        ]

    def open(self, number: int = 1, name: str = SHOP) -> list[Told]:
        return [each for each in self.told(number, name) if not each.resolved]

    def check(self, number: int = 1, name: str = SHOP) -> CheckRun:
        """The newest check run at the head."""
        head = self.github.pull(name, number).head_sha
        return max(self.github.check_runs(name, head), key=lambda run: run.id)

    def summaries(self, number: int = 1, name: str = SHOP) -> list[str]:
        ours = self.github.app.login
        comments = self.github.comments(name, number)
        return [each.body for each in comments if each.author == ours and is_summary(each.body)]

    def answers(self, number: int = 1) -> list[str]:
        """Our comments that are no summary."""
        ours = self.github.app.login
        comments = self.github.comments(SHOP, number)
        return [each.body for each in comments if each.author == ours and not is_summary(each.body)]

    def reviews(self, number: int = 1, name: str = SHOP) -> int:
        """How often a review of ours was posted: each notifies people."""
        ours = self.github.app.login
        place = self.github.repository(name).id, number
        return sum(
            (each.repository, each.number, each.author) == (*place, ours)
            for each in self.github.world.reviews
        )


@contextmanager
def app(github: FakeGitHub, folder: Path, **more: Any) -> Iterator[App]:
    """An app whose files are below a folder."""
    folder.mkdir(exist_ok=True)
    made = App(github, folder, **more)
    try:
        yield made
    finally:
        made.close()


# --- code ----------------------------------------------------------------------------------------


def function(name: str, *lines: str) -> str:
    """A function of twelve lines that never change, and these."""
    same = "".join(f"    x{n} = {n}\n" for n in range(12))
    return f"def {name}():\n{same}" + "".join(f"    {line}\n" for line in lines) + "\n\n"


def good(*names: str) -> str:
    return "".join(function(name, "return 1") for name in names)


def bad(*names: str, word: str = "not_safe") -> str:
    return "".join(function(name, f"return {word}") for name in names)
