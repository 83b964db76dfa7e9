"""GitHub over HTTP: what `api` promises. `exchange` asks, `auth` signs, `limits` waits.

An answer's JSON is read as it is: githubkit's models refuse some of what GitHub and Enterprise
Server really send.
"""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from github_app.errors import ForbiddenError, InvalidError, MissingError
from github_app.github import answers
from github_app.github.auth import (
    CLONING,
    LISTING,
    RESOLVING,
    REVIEWING,
    SCANNING,
    AppCredential,
    AppKey,
    AppSigner,
    InstallationCredential,
    Permissions,
    Scope,
    Tokens,
    scope,
)
from github_app.github.exchange import Answer, Exchange, Question
from github_app.github.limits import Pace, Times
from github_app.github.threads import RESOLVE, UNRESOLVE, data_of, review_threads
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
    Reaction,
    Remark,
    ReviewThread,
)
from github_app.site import GitHubSite
from github_app.types import RepositoryRef

if TYPE_CHECKING:
    import httpx

_PAGE = 100


class GitHubClient:
    """GitHub, as the app itself; see `api.GitHub`. For several threads."""

    def __init__(
        self,
        key: AppKey,
        site: GitHubSite,
        times: Times | None = None,
        *,
        pace: Callable[[Times, int], Pace] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Ask nothing yet.

        :param pace: makes that of an installation; by default it counts this process's writes.
        :param transport: in place of the network, for tests.
        :raises ConfigurationError: where the private key is none.
        """
        self.site = site
        self._times = times or Times()
        self._app = AppCredential(AppSigner(key, self._times.clock))
        self._exchange = Exchange(site, self._times, transport)
        self._tokens = Tokens(self._new_token, self._times.clock)
        self._app_pace = Pace(self._times)
        self._new_pace = pace or (lambda times, _: Pace(times))
        self._paces: dict[int, Pace] = {}
        self._identity: tuple[int, str] | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close connections."""
        self._exchange.close()

    # --- the app ---------------------------------------------------------------------------------

    def app(self) -> Mapping[str, Any]:
        """What GitHub says of the app: slug, permissions, events, owner and more.

        :raises GitHubError: where it does not take the key, or cannot be had.
        """
        app: Mapping[str, Any] = self._ask_as_app("GET", "/app").body
        return app

    def hook(self) -> Mapping[str, Any]:
        """The app's webhook: url, content_type, insecure_ssl, and whether it has a secret.

        :raises GitHubError: where it cannot be had.
        """
        hook: Mapping[str, Any] = self._ask_as_app("GET", "/app/hook/config").body
        return hook

    def grants(self) -> Sequence[Mapping[str, Any]]:
        """What GitHub says of each installation: account, permissions, events and more."""
        return list(self._pages_as_app("/app/installations"))

    def last_deliveries(self) -> Sequence[Delivery]:
        """The newest deliveries of the app's webhook, a page of them, the newest first."""
        answer = self._ask_as_app("GET", "/app/hook/deliveries", params={"per_page": _PAGE})
        return [answers.delivery(each) for each in answer.body]

    def identity(self) -> tuple[int, str]:
        """The app's id and its login in comments; asked once."""
        if self._identity is None:
            app = self.app()
            self._identity = app["id"], f"{app['slug']}[bot]"
        return self._identity

    def repository(self, installation: int, ref: RepositoryRef) -> RepositoryClient:
        """See `api.GitHub`."""
        return RepositoryClient(self, installation, ref)

    def installations(self) -> Sequence[int]:
        """See `api.GitHub`."""
        return [each["id"] for each in self._pages_as_app("/app/installations")]

    def repositories(self, installation: int) -> Sequence[RepositoryRef]:
        """See `api.GitHub`."""
        asked = scope(installation, None, LISTING)
        found = self.pages(asked, "/installation/repositories", under="repositories")
        return [answers.repository_ref(each) for each in found]

    def failed_deliveries(self, since: str) -> Sequence[Delivery]:
        """See `api.GitHub`. The newest of each GUID."""
        found: dict[str, list[Delivery]] = {}
        newest_first = map(answers.delivery, self._pages_as_app("/app/hook/deliveries"))
        for each in takewhile(lambda delivery: delivery.delivered_at >= since, newest_first):
            found.setdefault(each.guid, []).append(each)
        return [
            tries[0]
            for tries in found.values()
            if not any(200 <= each.status_code < 300 for each in tries)
        ]

    def redeliver(self, id_: int) -> None:
        """See `api.GitHub`."""
        self._ask_as_app("POST", f"/app/hook/deliveries/{id_}/attempts", repeatable=False)

    # --- asking ----------------------------------------------------------------------------------

    def ask(
        self,
        asked: Scope,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str | int] | None = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """Ask as an installation. path: below the API, or a whole URL that a Link header gave.

        repeatable: by default all but POST.
        :raises GitHubError: as errors.py has it.
        """
        reads = method == "GET"
        question = Question(
            method,
            self._url(path),
            json,
            params,
            repeatable=method != "POST" if repeatable is None else repeatable,
            writes=not reads,
            asker=str(asked) if reads else None,
        )
        credential = InstallationCredential(self._tokens, asked)
        return self._exchange.ask(question, credential, self._pace(asked.installation))

    def pages(
        self, asked: Scope, path: str, *, under: str | None = None, **params: str | int
    ) -> Iterator[Any]:
        """All items of a list that comes in pages. under: the key that holds it, if any."""
        answer = self.ask(asked, "GET", path, params={"per_page": _PAGE, **params})
        yield from answer.body[under] if under else answer.body
        while answer.next_page:
            answer = self.ask(asked, "GET", answer.next_page)
            yield from answer.body[under] if under else answer.body

    def graphql(self, asked: Scope, query: str, variables: Mapping[str, Any]) -> Any:
        """What GraphQL answers; a mutation must be one that may be made twice.

        :raises GitHubError: as errors.py has it.
        """
        question = Question(
            "POST",
            self.site.graphql_url,
            {"query": query, "variables": dict(variables)},
            writes=query.lstrip().startswith("mutation"),
        )
        credential = InstallationCredential(self._tokens, asked)
        return data_of(
            self._exchange.ask(question, credential, self._pace(asked.installation)).body
        )

    def token(self, asked: Scope, refused: str | None = None) -> str:
        """A token of an installation; another than the one that was refused.

        :raises GitHubError: where GitHub gives none.
        """
        if refused is not None:
            self._tokens.forget(asked, refused)
        return self._tokens.get(asked)

    def _ask_as_app(
        self,
        method: str,
        path: str,
        json: Any = None,
        params: Mapping[str, str | int] | None = None,
        *,
        repeatable: bool = True,
    ) -> Answer:
        question = Question(method, self._url(path), json, params, repeatable)
        return self._exchange.ask(question, self._app, self._app_pace)

    def _pages_as_app(self, path: str) -> Iterator[Any]:
        answer = self._ask_as_app("GET", path, params={"per_page": _PAGE})
        yield from answer.body
        while answer.next_page:
            answer = self._ask_as_app("GET", answer.next_page)
            yield from answer.body

    def _new_token(self, asked: Scope) -> Mapping[str, Any]:
        body: dict[str, Any] = {"permissions": dict(asked.permissions)}
        if asked.repository is not None:
            body["repository_ids"] = [asked.repository]
        path = f"/app/installations/{asked.installation}/access_tokens"
        answer: Mapping[str, Any] = self._ask_as_app("POST", path, body).body
        return answer

    def _url(self, path: str) -> str:
        """Below the API. Of a whole URL path and query count: a token goes to no other host."""
        if path.startswith("/"):
            return self.site.api_url + path
        import httpx

        ours, given = httpx.URL(self.site.api_url), httpx.URL(path)
        return str(ours.copy_with(raw_path=given.raw_path))

    def _pace(self, installation: int) -> Pace:
        with self._lock:
            if installation not in self._paces:
                self._paces[installation] = self._new_pace(self._times, installation)
            return self._paces[installation]


class RepositoryClient:
    """One repository; see `api.Repository`."""

    def __init__(self, github: GitHubClient, installation: int, ref: RepositoryRef) -> None:
        self._github = github
        self._installation = installation
        self._ref = ref
        self._root = f"/repos/{quote(ref.owner, safe='')}/{quote(ref.name, safe='')}"

    @property
    def ref(self) -> RepositoryRef:
        """See `api.Repository`."""
        return self._ref

    @property
    def app_login(self) -> str:
        """See `api.Repository`."""
        return self._github.identity()[1]

    def clone_url(self) -> str:
        """See `api.Repository`."""
        return f"{self._github.site.url}/{self._ref.owner}/{self._ref.name}.git"

    def clone_token(self, refused: str | None = None) -> str:
        """See `api.Repository`."""
        return self._github.token(self._scope(CLONING), refused)

    # --- reading ---------------------------------------------------------------------------------

    def pull_request(self, number: int) -> PullRequest:
        """See `api.Repository`."""
        return answers.pull_request(self._ask("GET", f"/pulls/{number}").body)

    def open_pull_requests(self) -> Sequence[PullRequest]:
        """See `api.Repository`."""
        return [answers.pull_request(each) for each in self._pages("/pulls", state="open")]

    def pull_requests_of(self, head_sha: str) -> Sequence[PullRequest]:
        """See `api.Repository`. GitHub's own list lacks some of forks: then we look at all."""
        try:
            found = [
                answers.pull_request(each)
                for each in self._pages(f"/commits/{quote(head_sha, safe='')}/pulls")
            ]
        except (MissingError, InvalidError):  # it knows no such commit
            found = []
        ours = [each for each in found if each.is_open and each.head_sha == head_sha]
        return ours or [each for each in self.open_pull_requests() if each.head_sha == head_sha]

    def review_threads(self, number: int) -> Sequence[ReviewThread]:
        """See `api.Repository`."""
        reviewing = self._scope(REVIEWING)
        return review_threads(
            lambda query, variables: self._github.graphql(reviewing, query, variables),
            self._ref,
            number,
        )

    def remarks(self, number: int) -> Sequence[Remark]:
        """See `api.Repository`. Reactions are asked for where the list counts some."""
        found = [
            answers.remark(
                each,
                self._reactions(each["id"])
                if answers.is_judged(each) and each["user"]["login"] == self.app_login
                else (),
            )
            for each in self._pages(f"/pulls/{number}/comments")
        ]
        return sorted(found, key=lambda remark: remark.id)

    def _reactions(self, comment: int) -> Sequence[Reaction]:
        try:
            found = list(self._pages(f"/pulls/comments/{comment}/reactions"))
        except MissingError:  # it was deleted meanwhile
            return ()
        return [answers.reaction(each) for each in found if not answers.is_of_a_bot(each)]

    def issue_comments(self, number: int) -> Sequence[IssueComment]:
        """See `api.Repository`."""
        found = map(answers.issue_comment, self._pages(f"/issues/{number}/comments"))
        return sorted(found, key=lambda comment: comment.id)

    def may_write(self, login: str) -> bool:
        """See `api.Repository`."""
        try:
            answer = self._ask("GET", f"/collaborators/{quote(login, safe='')}/permission")
        except MissingError:  # no such person
            return False
        return answer.body["permission"] in ("admin", "maintain", "write")

    # --- checks ----------------------------------------------------------------------------------

    def check_runs(self, head_sha: str, name: str) -> Sequence[CheckRun]:
        """See `api.Repository`."""
        found = self._pages(
            f"/commits/{quote(head_sha, safe='')}/check-runs",
            under="check_runs",
            check_name=name,
            app_id=self._github.identity()[0],
            filter="all",
        )
        return sorted(map(answers.check_run, found), key=lambda run: run.id, reverse=True)

    def create_check_run(
        self, head_sha: str, name: str, external_id: str, status: CheckStatus, output: CheckOutput
    ) -> CheckRun:
        """See `api.Repository`."""
        told = {
            "name": name,
            "head_sha": head_sha,
            "external_id": external_id,
            "status": status.value,
            "output": answers.check_output(output),
        }
        return answers.check_run(self._ask("POST", "/check-runs", told).body)

    def update_check_run(
        self,
        id_: int,
        *,
        status: CheckStatus | None = None,
        conclusion: Conclusion | None = None,
        output: CheckOutput | None = None,
        actions: Sequence[CheckAction] = (),
    ) -> None:
        """See `api.Repository`."""
        told: dict[str, Any] = {}
        if status is not None:
            told["status"] = status.value
        if conclusion is not None:
            told["conclusion"] = conclusion.value
        if output is not None:
            told["output"] = answers.check_output(output)
        if actions:
            told["actions"] = [
                {
                    "label": each.label,
                    "description": each.description,
                    "identifier": each.identifier,
                }
                for each in actions
            ]
        appends = output is not None and bool(output.annotations)
        self._ask("PATCH", f"/check-runs/{id_}", told, repeatable=not appends)

    # --- writing ---------------------------------------------------------------------------------

    def create_review(
        self, number: int, head_sha: str, body: str, comments: Sequence[NewComment]
    ) -> None:
        """See `api.Repository`."""
        told: dict[str, Any] = {
            "commit_id": head_sha,
            "event": "COMMENT",
            "comments": [answers.review_comment(each) for each in comments],
        }
        if body:
            told["body"] = body
        self._ask("POST", f"/pulls/{number}/reviews", told)

    def create_file_comment(self, number: int, head_sha: str, comment: NewComment) -> None:
        """See `api.Repository`."""
        told = {
            "commit_id": head_sha,
            "path": comment.path,
            "body": comment.body,
            "subject_type": "file",
        }
        self._ask("POST", f"/pulls/{number}/comments", told)

    def update_review_comment(self, id_: int, body: str) -> None:
        """See `api.Repository`."""
        self._ask("PATCH", f"/pulls/comments/{id_}", {"body": body})

    def resolve_thread(self, id_: str) -> None:
        """See `api.Repository`."""
        self._mutate(RESOLVE, id_)

    def unresolve_thread(self, id_: str) -> None:
        """See `api.Repository`."""
        self._mutate(UNRESOLVE, id_)

    def _mutate(self, mutation: str, thread: str) -> None:
        """Change a conversation, by a token that may write contents and is used for this alone.

        :raises ForbiddenError: where the installation does not give one.
        """
        wide = self._scope(RESOLVING)
        try:
            self._github.token(wide)
        except (InvalidError, ForbiddenError):  # not granted; GitHub's answer to the rest says so
            wide = self._scope(REVIEWING)
        self._github.graphql(wide, mutation, {"id": thread})

    def create_issue_comment(self, number: int, body: str) -> IssueComment:
        """See `api.Repository`."""
        answer = self._ask("POST", f"/issues/{number}/comments", {"body": body})
        return answers.issue_comment(answer.body)

    def update_issue_comment(self, id_: int, body: str) -> None:
        """See `api.Repository`."""
        self._ask("PATCH", f"/issues/comments/{id_}", {"body": body})

    def react(self, comment_id: int, content: str, *, on_line: bool = False) -> None:
        """See `api.Repository`."""
        path = f"/{'pulls' if on_line else 'issues'}/comments/{comment_id}/reactions"
        self._ask("POST", path, {"content": content}, repeatable=True)

    def upload_sarif(self, head_sha: str, ref: str, sarif: str) -> None:
        """See `api.Repository`. By a token of its own: reviews need no such permission."""
        packed = base64.b64encode(gzip.compress(sarif.encode(), mtime=0)).decode()
        told = {"commit_sha": head_sha, "ref": ref, "sarif": packed}
        path = f"{self._root}/code-scanning/sarifs"
        self._github.ask(self._scope(SCANNING), "POST", path, json=told)

    def _scope(self, permissions: Permissions) -> Scope:
        return scope(self._installation, self._ref.id, permissions)

    def _ask(
        self, method: str, path: str, json: Any = None, *, repeatable: bool | None = None
    ) -> Answer:
        return self._github.ask(
            self._scope(REVIEWING), method, self._root + path, json=json, repeatable=repeatable
        )

    def _pages(self, path: str, *, under: str | None = None, **params: str | int) -> Iterator[Any]:
        return self._github.pages(self._scope(REVIEWING), self._root + path, under=under, **params)
