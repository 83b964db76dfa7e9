"""Holds requests and answers to GitHub's own description of its REST API.

Source: `generated/api.github.com.json` of the npm package @octokit/openapi; only the paths that the
fake serves are kept, and the trimmed description is cached beside the whole one (13 MB).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from fake_github import routes
from fake_github.world import Json

if TYPE_CHECKING:
    from openapi_core import OpenAPI

    from fake_github.exchange import Answer
    from fake_github.gate import Incoming

# Where the description is stricter than GitHub is: schema -> properties that may be null.
# An outdated comment has no line and no position, one on a file never had; a pull request outlives
# the fork of its head.
_NULLABLE = {
    "pull-request-review-comment": ("line", "position", "original_line"),
    "review-comment": ("line", "original_line"),
}
_NULLABLE_HEAD = ("pull-request", "pull-request-simple")
# Answers that any endpoint may give, whether its description lists them or not.
_ANYWHERE = frozenset({301, 304, 400, 401, 403, 404, 422, 429, 500, 502, 503})


def trimmed(whole: Json) -> Json:
    """The description of what the fake serves, with all that it refers to."""
    wanted = {(route.template, route.method.lower()) for route in routes.ROUTES}
    paths = {
        template: {
            key: value
            for key, value in item.items()
            if (template, key) in wanted or key == "parameters"
        }
        for template, item in whole["paths"].items()
        if any((template, method) in wanted for method in item)
    }
    components: dict[str, dict[str, Any]] = {}
    todo = list(_references(paths))
    while todo:
        _, _, kind, name = todo.pop().split("/", 3)
        known = components.setdefault(kind, {})
        if name not in known:
            known[name] = whole["components"][kind][name]
            todo += _references(known[name])
    _correct(paths, components["schemas"])
    return {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "servers": [{"url": "https://api.github.com"}],
        "paths": paths,
        "components": components,
    }


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            elif key not in ("example", "examples"):
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _correct(paths: Json, schemas: Json) -> None:
    # Written out a second time in the list, and wrongly: an account both user and enterprise.
    listed = paths["/app/installations"]["get"]["responses"]["200"]["content"]
    listed["application/json"]["schema"]["items"] = {"$ref": "#/components/schemas/installation"}
    for name, properties in _NULLABLE.items():
        for property_ in properties:
            schemas[name]["properties"][property_]["nullable"] = True
    for name in _NULLABLE_HEAD:
        head = schemas[name]["properties"]["head"]["properties"]
        head["repo"] = schemas["repository"] | {"nullable": True}
    _allow_null_in_enums(schemas)


def _allow_null_in_enums(node: object) -> None:
    """The description says `nullable` and leaves null out of the list of values."""
    if isinstance(node, dict):
        values = node.get("enum")
        if node.get("nullable") is True and isinstance(values, list) and None not in values:
            values.append(None)
        for value in node.values():
            _allow_null_in_enums(value)
    elif isinstance(node, list):
        for value in node:
            _allow_null_in_enums(value)


def load(description: Path) -> Json:
    """The trimmed description, from the cache beside the whole one if that is still right."""
    served = "".join(f"{route.method} {route.template}\n" for route in routes.ROUTES)
    ours = Path(__file__).read_text() + served + str(description.stat().st_size)
    key = hashlib.sha256(ours.encode()).hexdigest()[:16]
    cache = description.with_name(f"{description.stem}.trimmed-{key}.json")
    if not cache.exists():
        small = json.dumps(trimmed(json.loads(description.read_bytes())))
        for old in description.parent.glob(f"{description.stem}.trimmed-*.json"):
            old.unlink(missing_ok=True)
        new = cache.with_suffix(f".{os.getpid()}")  # several test processes may do this at once
        new.write_text(small)
        new.replace(cache)
    loaded: Json = json.loads(cache.read_bytes())
    return loaded


@dataclass(slots=True)
class Violation:
    """What broke the description: the client (`request`) or the fake (`answer`)."""

    side: str
    method: str
    path: str
    status: int
    reason: str

    def __str__(self) -> str:
        return f"{self.side} of {self.method} {self.path} ({self.status}): {self.reason}"


class Judge(Protocol):
    """Who watches the traffic."""

    violations: list[Violation]

    def judge(
        self, route: routes.Route, path: str, incoming: Incoming, answer: Answer, body: bytes
    ) -> None:
        """Note what breaks the description."""


@cache
def _compiled(description: Path) -> tuple[OpenAPI, Json]:
    """Once a process; openapi-core compiles each schema when it first needs it."""
    from openapi_core import Config, OpenAPI

    small = load(description)
    unchecked = Config(spec_validator_cls=None)  # type: ignore[arg-type]  # its default costs 2 s
    return OpenAPI.from_dict(small, config=unchecked), small["paths"]


@dataclass(slots=True)
class OpenApiJudge:
    """Judges by openapi-core."""

    api: OpenAPI
    operations: Json
    violations: list[Violation] = field(default_factory=list)

    @classmethod
    def reading(cls, description: Path) -> OpenApiJudge:
        return cls(*_compiled(description))

    def judge(
        self, route: routes.Route, path: str, incoming: Incoming, answer: Answer, body: bytes
    ) -> None:
        """Both sides, whatever the answer was; a test that breaks rules clears the list."""
        from openapi_core.exceptions import OpenAPIError
        from openapi_core.testing import MockRequest, MockResponse

        match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.template), path)
        request = MockRequest(
            "https://api.github.com",
            route.method.lower(),
            path,
            path_pattern=route.template,
            args=dict(parse_qsl(incoming.query)),
            view_args=match.groupdict() if match else {},
            content_type=incoming.headers.get("content-type", "application/json").split(";")[0],
            data=incoming.body or (b"{}" if incoming.method == "POST" else None),
        )
        try:
            self.api.validate_request(request)
        except OpenAPIError as error:
            self._note("request", route, path, answer.status, error)
        described = self.operations[route.template][route.method.lower()]["responses"]
        kind = answer.content_type.split(";")[0]
        if kind != "application/json":
            return  # diffs
        if str(answer.status) not in described:
            if answer.status not in _ANYWHERE:
                reason = ValueError("the description has no such status here")
                self._note("answer", route, path, answer.status, reason)
            return
        response = MockResponse(
            body, status_code=answer.status, headers=answer.headers, content_type=kind
        )
        try:
            if body:
                self.api.validate_response(request, response)
        except OpenAPIError as error:
            self._note("answer", route, path, answer.status, error)

    def _note(
        self, side: str, route: routes.Route, path: str, status: int, error: Exception
    ) -> None:
        causes: list[str] = []
        cause: BaseException | None = error
        while cause is not None:
            details = getattr(cause, "schema_errors", None) or [cause]
            causes += [_short(detail) for detail in details]
            cause = cause.__cause__
        reason = "; ".join(dict.fromkeys(causes))
        self.violations.append(Violation(side, route.method, path, status, reason))


def _short(error: object) -> str:
    """Where in the body, and the beginning of what is wrong there."""
    place = "/".join(str(part) for part in getattr(error, "absolute_path", ()))
    return f"{place}: {str(getattr(error, 'message', error))[:300]}" if place else str(error)[:300]
