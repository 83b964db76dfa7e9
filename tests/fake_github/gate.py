"""Every request goes through here: who asks, may they, how it fails, what is written down."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import jwt

from fake_github import git_http, graphql, routes
from fake_github.description import Judge
from fake_github.exchange import Announcer, Answer, Call, Refusal
from fake_github.failures import Failure
from fake_github.limits import Limits
from fake_github.routes import Route
from fake_github.shapes import Addresses, Shapes
from fake_github.world import LoggedRequest, Store, Token, World

API_VERSIONS = ("2022-11-28", "2026-03-10")

_GIT = re.compile(r"/([^/]+)/([^/]+)\.git(/.*)")
_REPOSITORY = re.compile(r"/repos/([^/]+)/([^/]+)(/.*|)")
_REPOSITORY_BY_ID = re.compile(r"/repositories/(\d+)(/.*|)")
_CONTENT = re.compile(r"/(comments|reviews|replies|check-runs)(/|$)")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came. path: of the server, before the API's prefix is taken off."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Outgoing:
    """The answer; fate: "" to send it, "reset" to reset the connection, "hang" to hold it first."""

    answer: Answer
    body: bytes
    fate: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Gate:
    """Answers requests. judge: who holds both sides to GitHub's description, or None."""

    store: Store
    at: Addresses
    announcer: Announcer
    judge: Judge | None
    limits: Limits = field(default_factory=Limits)
    failures: list[Failure] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def handle(self, incoming: Incoming) -> Outgoing:
        at, begun = time.time(), time.perf_counter()
        path = self._api_path(incoming.path)
        failure = self._failure(incoming, path)
        who = ""
        if failure is not None and not failure.after:
            out = Outgoing(Answer(500), b"")
        elif match := _GIT.fullmatch(incoming.path):
            out, who = self._git(incoming, match[1], match[2], match[3])
        else:
            answer, who, route, path = self._api(incoming, path)
            out = Outgoing(answer, answer.body())
            if self.judge is not None and route is not None:
                self.judge.judge(route, path, incoming, answer, out.body)
        done = out.answer.status < 300
        if failure is not None:
            out = _failed(failure)
        body = None if ".git/" in path else _json_or_none(incoming.body)
        entry = LoggedRequest(
            method=incoming.method,
            path=path,
            query=incoming.query,
            status=0 if out.fate else out.answer.status,
            at=at,
            seconds=time.perf_counter() - begun,
            who=who,
            body=body,
            failed=failure.name if failure else "",
            writes=_writes(incoming.method, path, body),
            done=done,
        )
        with self.store.changing() as world:
            world.log.append(entry)
        return out

    def _api_path(self, path: str) -> str:
        """Below the API's address; GraphQL is /graphql wherever it is served."""
        if self.at.web + path == self.at.graphql:
            return "/graphql"
        for address in (self.at.api, self.at.uploads):
            prefix = address.removeprefix(self.at.web)
            if prefix and path.startswith(prefix + "/"):
                return path.removeprefix(prefix)
        return path if self.at.api == self.at.web or _GIT.fullmatch(path) else f"/not-api{path}"

    def _failure(self, incoming: Incoming, path: str) -> Failure | None:
        with self.store.reading():
            for failure in self.failures:
                if failure.meets(incoming.method, path, incoming.body):
                    return failure
        return None

    # git
    def _git(self, incoming: Incoming, owner: str, name: str, rest: str) -> tuple[Outgoing, str]:
        with self.store.reading() as world:
            repository = world.repository(f"{owner}/{name}")
            allowed, who = False, ""
            if repository is not None:
                allowed, who = git_http.may_read(world, repository, incoming.headers)
            folder = repository.folder if repository else ""
        if not allowed:
            if "authorization" not in incoming.headers:
                headers = {"www-authenticate": 'Basic realm="GitHub"'}
                return _plain(401, "Repository not found.", headers), who
            return _plain(404, "Repository not found."), who
        answer, content = git_http.serve(
            folder, rest, incoming.method, incoming.query, incoming.headers, incoming.body
        )
        return Outgoing(answer, content), who

    # the API
    def _api(self, incoming: Incoming, path: str) -> tuple[Answer, str, Route | None, str]:
        """The answer, who asked, and what for: the route and the path by the names of now."""
        who, route = "", None
        with self.store.changing() as world:
            try:
                self._introduced(incoming)
                token = _caller(world, incoming.headers)
                who = "app" if token is None else str(token.installation)
                if path != "/rate_limit":
                    is_content = incoming.method == "POST" and bool(_CONTENT.search(path))
                    self.limits.charge(who, incoming.method, world.now(), is_content)
                if path == "/graphql":
                    answer = self._graphql(world, token, incoming)
                else:
                    route, names, path = self._route(world, incoming, path)
                    _permit(world, route, token, names)
                    shapes = Shapes(world, self.at)
                    call = Call(
                        world=world,
                        shapes=shapes,
                        announcer=self.announcer,
                        method=incoming.method,
                        path=path,
                        names=names,
                        query=dict(parse_qsl(incoming.query)),
                        headers=incoming.headers,
                        json=_json(incoming.body),
                        token=token,
                    )
                    answer = route.answer(call)
                    if path == "/rate_limit":
                        answer.json = self.limits.overview(who, world.now())
            except Refusal as refusal:
                answer = refusal.answer()
            if incoming.method == "GET" and answer.status == 200:
                answer = self._unchanged(incoming, answer, who, world.now())
            if who:
                self.limits.mark(who, answer, world.now())
        answer.headers["x-github-request-id"] = hashlib.sha1(str(time.time()).encode()).hexdigest()
        return answer, who, route, path

    def _introduced(self, incoming: Incoming) -> None:
        if not incoming.headers.get("user-agent"):
            raise Refusal(403, "Request forbidden by administrative rules.")
        version = incoming.headers.get("x-github-api-version")
        if version is not None and version not in API_VERSIONS:
            raise Refusal(400, f"API version {version} is not supported.")

    def _route(
        self, world: World, incoming: Incoming, path: str
    ) -> tuple[Route, Mapping[str, str], str]:
        if match := _REPOSITORY_BY_ID.fullmatch(path):
            known = world.repositories.get(int(match[1]))
            path = f"/repos/{known.full_name}{match[2]}" if known else path
        elif match := _REPOSITORY.fullmatch(path):
            for moved in world.repositories.values():
                if f"{match[1]}/{match[2]}" in moved.old_names:
                    url = f"{self.at.api}/repositories/{moved.id}{match[3]}"
                    query = f"?{incoming.query}" if incoming.query else ""
                    raise Refusal(301, "Moved Permanently", headers={"location": url + query})
        found = routes.find(incoming.method, path)
        if found is None:
            self.strangers.append(f"{incoming.method} {path}")
            raise Refusal(404, "Not Found")
        return *found, path

    def _graphql(self, world: World, token: Token | None, incoming: Incoming) -> Answer:
        if token is None:
            raise Refusal(401, "Bad credentials")
        asked = _json(incoming.body)
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            raise Refusal(400, "A query attribute must be specified and must be a string.")
        body = graphql.execute(
            world,
            Shapes(world, self.at),
            token,
            asked["query"],
            asked.get("variables"),
            asked.get("operationName") or "",
        )
        for error in body.get("errors", []):
            if "type" not in error:  # not a valid query of GitHub's schema
                self.strangers.append(f"GraphQL: {error['message']}")
        return Answer(200, body)

    def _unchanged(self, incoming: Incoming, answer: Answer, who: str, now: float) -> Answer:
        """304 where the client knows this answer already; free of charge."""
        tag = f'W/"{hashlib.sha256(answer.body()).hexdigest()}"'
        answer.headers["etag"] = tag
        if incoming.headers.get("if-none-match") != tag:
            return answer
        self.limits.give_back(who, now)
        return Answer(304, headers=answer.headers)


def _writes(method: str, path: str, body: Any) -> bool:
    """Reading is all that git does here, and what GraphQL does without a mutation."""
    if method in ("GET", "HEAD") or ".git/" in path:
        return False
    if path == "/graphql":
        return isinstance(body, dict) and "mutation" in str(body.get("query"))
    return True


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Outgoing:
    answer = Answer(status, text=text, content_type="text/plain", headers=headers or {})
    return Outgoing(answer, answer.body())


def _failed(failure: Failure) -> Outgoing:
    if failure.kind == "status":
        answer = Refusal(failure.status, failure.message, headers=failure.headers).answer()
        return Outgoing(answer, answer.body())
    seconds = failure.seconds if failure.kind == "hang" else 0.0
    return Outgoing(Answer(500), b"", "reset", seconds)


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _json(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None


def _caller(world: World, headers: Mapping[str, str]) -> Token | None:
    """The token of a request; None for the app itself with a good JWT."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "token"):
        raise Refusal(401, "Requires authentication")
    if secret.count(".") == 2:
        _check_jwt(world, secret)
        return None
    for token in world.tokens:
        if token.token == secret and token.expires_at > world.now():
            installation = world.installations[token.installation]
            if installation.deleted:
                break
            if installation.suspended_at is not None:
                raise Refusal(403, "This installation has been suspended")
            return token
    raise Refusal(401, "Bad credentials")


def _check_jwt(world: World, text: str) -> None:
    """RS256, signed with the app's key, issued not in the future, for ten minutes at most.

    Source: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
    /generating-a-json-web-token-jwt-for-a-github-app.
    """
    try:
        claims = jwt.decode(
            text,
            world.app.public_key,
            algorithms=["RS256"],
            options={
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "require": ["iat", "exp", "iss"],
            },
        )
    except jwt.InvalidTokenError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    if str(claims["iss"]) not in (str(world.app.id), world.app.client_id):
        raise Refusal(401, "Integration not found")
    now = world.now()
    for name, title in (("iat", "'Issued at' claim ('iat')"), ("exp", "'Expiration time' claim")):
        if not isinstance(claims[name], int):
            raise Refusal(401, f"{title} must be an Integer representing a time")
    if claims["iat"] > now + 1:  # whole seconds
        raise Refusal(401, "'Issued at' claim ('iat') must be in the past")
    if claims["exp"] <= now:
        raise Refusal(401, "'Expiration time' claim ('exp') must be a numeric value in the future")
    if claims["exp"] > now + 601:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")


def _permit(world: World, route: Route, token: Token | None, names: Mapping[str, str]) -> None:
    if (token is None) != (route.who == routes.APP):
        message = (
            "A JSON web token could not be decoded"
            if route.who == routes.APP
            else "Bad credentials"
        )
        raise Refusal(401, message)
    if "owner" in names:
        repository = world.repository(f"{names['owner']}/{names['repo']}")
        if repository is None:
            raise Refusal(404, "Not Found")
        if token is not None:
            installation = world.installations[token.installation]
            ours = repository.id in token.repositories
            if not ours or repository.id not in world.visible(installation):
                raise Refusal(404, "Not Found")
    if token is None or not route.needs:
        return
    for need in route.needs:
        granted = token.permissions.get(need)
        if granted == "write" or granted == route.level:
            return
    raise Refusal(403, "Resource not accessible by integration")
