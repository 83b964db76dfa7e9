"""One question to GitHub and its answer: retries, limits, ETags, errors. Knows no endpoint.

What failed is asked again only if asking twice does no harm: a write whose fate is unknown is the
caller's to look after. Errors hold GitHub's words and never what was sent.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from githubkit import GitHubCore, Response, UnauthAuthStrategy
from githubkit.exception import GitHubException, RequestError, RequestFailed

from github_app.errors import (
    ForbiddenError,
    GitHubError,
    InvalidError,
    MissingError,
    UnavailableError,
)
from github_app.github.auth import Credential
from github_app.github.etags import Etags, Kept
from github_app.github.limits import Pace, Patience, Times, Wait, asked_to_wait, limit_of, pause
from github_app.site import GitHubSite
from review_core import __version__
from review_core.errors import ConfigurationError

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_TRIES = 5
_LONGEST_REASON = 300  # characters of GitHub's words that an error repeats
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Question:
    """A request. url: absolute.

    repeatable: asking twice is asking once. writes: it counts against the limits on writes.
    asker: who asks, for answers that may be remembered; None: this one may not be.
    """

    method: str
    url: str
    json: Any = field(default=None, repr=False)
    params: Mapping[str, str | int] | None = None
    repeatable: bool = True
    writes: bool = False
    asker: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """body: parsed JSON, None if there is none. next_page: the URL that the Link header names."""

    body: Any
    next_page: str | None = None


class _Client(GitHubCore[UnauthAuthStrategy]):
    """githubkit with one connection pool for all threads; its own is kept for one context."""

    def __init__(self, site: GitHubSite, transport: httpx.BaseTransport | None) -> None:
        super().__init__(
            base_url=site.api_url,
            user_agent=f"themis-review/{__version__}",
            timeout=_TIMEOUT,
            ssl_verify=_trusted(site),
            transport=transport,
            http_cache=False,  # it would keep answers by URL alone, whoever asked
            auto_retry=False,  # it sleeps without asking us
            follow_redirects=False,  # a POST would become a GET, as in browsers
        )
        self._kept = self._create_sync_client()

    @contextmanager
    def get_sync_client(self) -> Iterator[httpx.Client]:
        yield self._kept

    def close(self) -> None:
        self._kept.close()


class Exchange:
    """Asks. For several threads."""

    def __init__(
        self, site: GitHubSite, times: Times, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._client = _Client(site, transport)
        self._api = site.api_url
        self._times = times
        self._etags = Etags()
        self._headers = {"X-GitHub-Api-Version": site.api_version}

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def ask(self, question: Question, credential: Credential, pace: Pace) -> Answer:
        """The answer, after waiting and asking again where that helps.

        :raises GitHubError: as errors.py has it.
        """
        patience = Patience(self._times)
        renewed = False
        with pace.turn(question.writes):
            for attempt in range(_TRIES):
                pace.wait(patience, question.writes)
                try:
                    response = self._send(question, credential)
                except _LostError as lost:
                    error: GitHubError = lost.error(question)
                    again = question.repeatable or not lost.was_sent
                    wait, reason = pause(attempt, self._times), Wait.RETRY
                else:
                    if response.status_code in _MOVED and "location" in response.headers:
                        question = self._moved(question, response.headers["location"])
                        continue
                    if response.status_code < 400 and not _limited(response):
                        return self._answer(question, response)
                    if response.status_code == 401 and not renewed and credential.renewed():
                        renewed = True
                        continue
                    error, again, wait, reason = self._refusal(question, response, attempt)
                    if reason is not Wait.RETRY:
                        pace.hold(wait, reason)
                if not again or attempt == _TRIES - 1:
                    raise error
                if reason is Wait.RETRY:
                    patience.wait(reason, wait, UnavailableError(str(error), wait))
        raise UnavailableError(f"GitHub gave no answer to {_named(question)}; try again later")

    def _send(self, question: Question, credential: Credential) -> Response[Any]:
        headers = {**self._headers, "Authorization": credential.header()}
        if question.asker and (kept := self._etags.get((question.asker, _key(question)))):
            headers["If-None-Match"] = kept.etag
        try:
            return self._client.request(
                question.method,
                question.url,
                json=question.json,
                params=dict(question.params) if question.params else None,
                headers=headers,
            )
        except RequestFailed as failed:
            return failed.response
        except RequestError as error:
            raise _LostError(error.exc) from None
        except (GitHubException, ValueError) as error:  # a limit it cannot read, a body not JSON
            raise _LostError(error) from None

    def _moved(self, question: Question, location: str) -> Question:
        """The same question where GitHub says it belongs: a repository was renamed."""
        path = httpx.URL(question.url).join(location).raw_path
        url = httpx.URL(self._api).copy_with(raw_path=path)  # a token goes to no other host
        return replace(question, url=str(url), params=None if url.query else question.params)

    def _answer(self, question: Question, response: Response[Any]) -> Answer:
        key = (question.asker or "", _key(question))
        if response.status_code == 304 and (kept := self._etags.get(key)):
            return Answer(kept.body, kept.next_page)
        body = _body(response)
        next_page = response.raw_response.links.get("next", {}).get("url")
        if question.asker and (etag := response.headers.get("etag")):
            self._etags.keep(key, Kept(etag, body, next_page, len(response.content)))
        return Answer(body, next_page)

    def _refusal(
        self, question: Question, response: Response[Any], attempt: int
    ) -> tuple[GitHubError, bool, float, Wait]:
        """The error, whether to ask again, after how many seconds, and why they pass."""
        status, words = response.status_code, _words(response)
        said = f"GitHub answered {status} to {_named(question)}" + (f": {words}" if words else "")
        now = self._times.clock()
        limit = limit_of(status, response.headers, words, now)
        if limit is None and _limited(response):
            limit = asked_to_wait(response.headers, now) or 60.0
        if limit is not None:
            primary = response.headers.get("x-ratelimit-remaining") == "0"
            reason = Wait.PRIMARY if primary else Wait.SECONDARY
            return UnavailableError(said, retry_after=limit), True, limit, reason
        if status >= 500 or status == 408:
            wait = asked_to_wait(response.headers, now) or pause(attempt, self._times)
            return UnavailableError(said), question.repeatable, wait, Wait.RETRY
        return _ERRORS.get(status, InvalidError)(said), False, 0.0, Wait.RETRY


_MOVED = (301, 302, 307, 308)
_ERRORS: Mapping[int, type[GitHubError]] = {
    401: ForbiddenError,
    403: ForbiddenError,
    404: MissingError,
    410: MissingError,
    451: ForbiddenError,
}


class _LostError(Exception):
    """No answer came. What was sent stays in here: it holds tokens."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(type(cause).__name__)
        self.was_sent = not isinstance(cause, _NOT_SENT)

    def error(self, question: Question) -> UnavailableError:
        return UnavailableError(
            f"GitHub gave no answer to {_named(question)} ({self}); try again later"
        )


def _limited(response: Response[Any]) -> bool:
    """Whether GraphQL says so, in an answer of status 200."""
    if response.status_code != 200 or b"RATE_LIMIT" not in response.content[:2000]:
        return False
    body = _body(response)
    errors = body.get("errors") if isinstance(body, dict) else None
    return any(error.get("type") in ("RATE_LIMIT", "RATE_LIMITED") for error in errors or ())


def _body(response: Response[Any]) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        raise UnavailableError(
            f"GitHub answered {response.status_code} with something that is not JSON; "
            "check the API's address, or a proxy between"
        ) from None


def _words(response: Response[Any]) -> str:
    """GitHub's own reason, on one line; nothing of an answer that is not GitHub's JSON."""
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    details = [
        str(each.get("message") or {k: each[k] for k in ("field", "code") if k in each})
        if isinstance(each, dict)
        else str(each)
        for each in (errors if isinstance(errors, list) else [])
    ]
    text = "; ".join(filter(None, [str(body.get("message", "")), *details]))
    return " ".join(text.split())[:_LONGEST_REASON]


def _named(question: Question) -> str:
    return f"{question.method} {httpx.URL(question.url).path}"


def _key(question: Question) -> str:
    return str(httpx.URL(question.url, params=dict(question.params or {})))


def _trusted(site: GitHubSite) -> bool | ssl.SSLContext:
    """The certificates to trust: the system's, unless the site has its own.

    :raises ConfigurationError: where its own cannot be read.
    """
    if site.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=site.ca_file)
    except OSError as error:  # SSLError is one
        raise ConfigurationError(
            f"ca_file {site.ca_file} has no certificates in PEM ({error.strerror or error}); "
            "give a file with those of your authority"
        ) from error
