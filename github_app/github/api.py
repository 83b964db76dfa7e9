"""What the app asks of GitHub, as protocols: `client` speaks them over HTTP, tests may fake them.

Calls are synchronous and safe to make from several threads. Each obeys rate limits by itself.
Whatever writes may have happened although it failed: a caller looks for its own mark before it
writes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from github_app.github.values import (
    CheckAction,
    CheckOutput,
    CheckRun,
    CheckStatus,
    Conclusion,
    Delivery,
    IssueComment,
    NewComment,
    PullRequest,
    Remark,
    ReviewThread,
)
from github_app.types import RepositoryRef


class Repository(Protocol):
    """One repository, by leave of one installation.

    Every method raises GitHubError (errors.py): MissingError for 404 and 410, ForbiddenError for
    403 and 401, InvalidError for 422 (with GitHub's own words), UnavailableError where GitHub could
    not be had after retries.
    """

    @property
    def ref(self) -> RepositoryRef:
        """Which one."""

    @property
    def app_login(self) -> str:
        """Who we are in comments: `themis-review[bot]`."""

    def clone_url(self) -> str:
        """Where git finds it; holds no secret."""

    def clone_token(self, refused: str | None = None) -> str:
        """A token that may read this repository's contents, nothing else; for an hour at most.

        refused: one that git could not use any more; another is given.
        """

    # reading
    def pull_request(self, number: int) -> PullRequest:
        """As it is now."""

    def open_pull_requests(self) -> Sequence[PullRequest]:
        """All of them."""

    def pull_requests_of(self, head_sha: str) -> Sequence[PullRequest]:
        """The open ones whose head is this commit."""

    def review_threads(self, number: int) -> Sequence[ReviewThread]:
        """All of them, resolved ones and comments included (GraphQL, paginated)."""

    def remarks(self, number: int) -> Sequence[Remark]:
        """All inline comments, oldest first; ours with the 👍 and 👎 of people, not of bots."""

    def issue_comments(self, number: int) -> Sequence[IssueComment]:
        """All of them, oldest first."""

    def may_write(self, login: str) -> bool:
        """Whether a person may push to the repository."""

    # checks
    def check_runs(self, head_sha: str, name: str) -> Sequence[CheckRun]:
        """Ours of that name, the newest first."""

    def create_check_run(
        self, head_sha: str, name: str, external_id: str, status: CheckStatus, output: CheckOutput
    ) -> CheckRun:
        """Begin one; annotations must be 50 at most."""

    def update_check_run(
        self,
        id_: int,
        *,
        status: CheckStatus | None = None,
        conclusion: Conclusion | None = None,
        output: CheckOutput | None = None,
        actions: Sequence[CheckAction] = (),
    ) -> None:
        """Change it; annotations (50 at most) are appended to those it has."""

    # writing
    def create_review(
        self, number: int, head_sha: str, body: str, comments: Sequence[NewComment]
    ) -> None:
        """One review of event COMMENT: one notification. Comments must have a line.

        :raises InvalidError: where a comment stands outside the diff: none is posted then.
        """

    def create_file_comment(self, number: int, head_sha: str, comment: NewComment) -> None:
        """A comment on a file as a whole."""

    def update_review_comment(self, id_: int, body: str) -> None:
        """Say it anew, without notifying anybody."""

    def resolve_thread(self, id_: str) -> None:
        """Resolve a conversation (GraphQL)."""

    def unresolve_thread(self, id_: str) -> None:
        """Open a conversation again that was resolved: what it spoke of is back (GraphQL)."""

    def create_issue_comment(self, number: int, body: str) -> IssueComment:
        """A comment below the pull request."""

    def update_issue_comment(self, id_: int, body: str) -> None:
        """Say it anew."""

    def react(self, comment_id: int, content: str, *, on_line: bool = False) -> None:
        """A reaction to a comment: `eyes`, `+1`, `confused`. Twice is once. on_line: to one on
        lines, not below the pull request; these are counted apart.
        """

    def upload_sarif(self, head_sha: str, ref: str, sarif: str) -> None:
        """Hand findings to code scanning; sarif: the JSON text."""


class GitHub(Protocol):
    """GitHub, as the app itself."""

    def repository(self, installation: int, ref: RepositoryRef) -> Repository:
        """One repository; asks nothing yet."""

    def installations(self) -> Sequence[int]:
        """Those of the app."""

    def repositories(self, installation: int) -> Sequence[RepositoryRef]:
        """Those that an installation lets us see."""

    def failed_deliveries(self, since: str) -> Sequence[Delivery]:
        """Deliveries since a moment (ISO 8601) that no delivery of the same GUID succeeded for."""

    def redeliver(self, id_: int) -> None:
        """Ask for a delivery once more."""
