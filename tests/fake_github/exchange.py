"""One request and its answer, as the endpoints of the fake see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from fake_github.shapes import Shapes
from fake_github.world import Installation, Json, Pull, Repository, Token, World


class Refusal(Exception):  # noqa: N818 - it is an answer of GitHub, not an error of ours
    """An answer that is not a success. errors: GitHub's list, or None for none."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        body: Json = {
            "message": self.message,
            "documentation_url": "https://docs.github.com/rest",
            "status": str(self.status),
        }
        if self.errors is not None:
            body["errors"] = list(self.errors)
        return Answer(self.status, body, headers=self.headers)


def invalid(resource: str, field_: str, message: str, code: str = "custom") -> Refusal:
    """422, as most of GitHub's endpoints write it."""
    error = {"resource": resource, "field": field_, "code": code, "message": message}
    return Refusal(422, "Validation Failed", [error])


@dataclass(slots=True)
class Answer:
    """json: None for an empty body; text goes before it."""

    status: int
    json: object = None
    text: str | None = None
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        if self.text is not None:
            return self.text.encode()
        if self.status in (204, 304):
            return b""
        return b"" if self.json is None else json.dumps(self.json).encode()


class Announcer(Protocol):
    """Who tells the app of what happened."""

    def announce(
        self, event: str, action: str | None, repository: Repository | None, payload: Json
    ) -> object:
        """Send a webhook."""

    def redeliver(self, id_: int) -> object:
        """Send one again."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been let in. token: None for the app itself. names: from the path."""

    world: World
    shapes: Shapes
    announcer: Announcer
    method: str
    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    token: Token | None

    @property
    def login(self) -> str:
        """Who writes."""
        return self.world.app.login

    @property
    def repository(self) -> Repository:
        """The one in the path, which the gate has found."""
        repository = self.world.repository(f"{self.names['owner']}/{self.names['repo']}")
        assert repository is not None
        return repository

    @property
    def pull(self) -> Pull:
        number = self.number("pull_number" if "pull_number" in self.names else "issue_number")
        pull = self.world.pull(self.repository.id, number)
        if pull is None:
            raise Refusal(404, "Not Found")
        return pull

    @property
    def installation(self) -> Installation:
        assert self.token is not None
        return self.world.installations[self.token.installation]

    def number(self, name: str) -> int:
        try:
            return int(self.names[name])
        except ValueError:
            raise Refusal(404, "Not Found") from None

    def text(self, name: str) -> str:
        """A string that the body must have."""
        value = self.json.get(name) if isinstance(self.json, dict) else None
        if not isinstance(value, str):
            raise Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return value

    def page(self, records: Sequence[Any], shape: Callable[[Any], object]) -> Answer:
        """One page of a list, with GitHub's Link header."""
        shown, link = self._cut(records)
        return Answer(200, [shape(record) for record in shown], headers=link)

    def page_in(self, name: str, records: Sequence[Any], shape: Callable[[Any], object]) -> Answer:
        """The same for endpoints that wrap the list into an object with a count."""
        shown, link = self._cut(records)
        body = {"total_count": len(records), name: [shape(record) for record in shown]}
        return Answer(200, body, headers=link)

    def _cut(self, records: Sequence[Any]) -> tuple[Sequence[Any], dict[str, str]]:
        size = min(max(int(self.query.get("per_page", 30)), 1), 100)
        page = max(int(self.query.get("page", 1)), 1)
        last = max(1, -(-len(records) // size))
        links = []
        if page > 1:
            links += [self._link(page - 1, "prev")]
        if page < last:
            links += [self._link(page + 1, "next"), self._link(last, "last")]
        if page > 1:
            links += [self._link(1, "first")]
        header = {"link": ", ".join(links)} if links else {}
        return records[(page - 1) * size : page * size], header

    def _link(self, page: int, rel: str) -> str:
        query = urlencode(dict(self.query) | {"page": str(page)})
        return f'<{self.shapes.at.api}{self.path}?{query}>; rel="{rel}"'
