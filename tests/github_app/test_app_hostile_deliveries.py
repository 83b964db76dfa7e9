"""Deliveries that nobody sane would send: no exception, no 5xx, nothing dangerous in a task."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from app_front import SECRET, FakeInbox, app_with, deliver, official_examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import checks

from github_app.encoding import task_as_json
from github_app.errors import PayloadError
from github_app.events import EVENTS, App, task_of
from github_app.signature import signature
from github_app.types import Ignored

APP = app_with(FakeInbox())
HANDLED = (*EVENTS, "ping", "push")
WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**400, 1.5, "", "\0", "../..", "x" * 70_000, "\ud800", [], {}, [[]],
)  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
few = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def harmless(status: int) -> bool:
    return status in (200, 202, 400)


@few
@given(st.binary(max_size=300), st.sampled_from(HANDLED))
def test_any_bytes_are_answered(body: bytes, event: str) -> None:
    assert deliver(APP, body, event=event).status == 400 or body.strip().startswith(b"{")


@settings(few, max_examples=40)
@given(st.dictionaries(st.text(max_size=8), json_values, max_size=6), st.sampled_from(HANDLED))
def test_any_json_is_answered(payload: dict[str, Any], event: str) -> None:
    assert harmless(deliver(APP, json.dumps(payload).encode(), event=event).status)


@few
@given(st.text(st.characters(max_codepoint=255), max_size=40), st.data())
def test_any_headers_are_answered(value: str, data: st.DataObject) -> None:
    header = data.draw(
        st.sampled_from(["x-github-event", "x-github-delivery", "x-hub-signature-256"])
    )
    answer = deliver(APP, b"{}", headers={header: value, "content-length": value})
    assert answer.status in (200, 400, 401, 413)


@few
@given(st.data())
def test_official_payloads_with_any_part_replaced_are_answered(data: st.DataObject) -> None:
    event, payload = data.draw(st.sampled_from(handled_examples()))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(paths(payload))))
        payload = replaced(payload, path, data.draw(json_values | st.sampled_from(WRONG)))
    body = json.dumps(payload).encode()
    assert harmless(deliver(APP, body, event=event).status)


@pytest.mark.parametrize("event", EVENTS)
def test_a_wrong_value_in_any_field_leads_to_no_dangerous_task(event: str) -> None:
    """Each field of one example, those we do not read too, with each of the values."""
    app = App(29310, "themis-review")
    examples = [payload for name, payload in handled_examples() if name == event]
    for path in paths(examples[0]):
        for value in WRONG:
            try:
                task = task_of(event, "guid", replaced(examples[0], path, value), app)
            except PayloadError:
                continue
            if not isinstance(task, Ignored):
                assert re.fullmatch(r"[A-Za-z0-9/:.+-]*", task.key), (path, value)
                assert "\\u0000" not in task_as_json(task)


@pytest.mark.parametrize(
    "body",
    [
        b'{"action": ' + b"9" * 1_000_000 + b"}",
        b'{"action": 1e999999}',
        b'{"action": "' + b"\\ud800" + b'"}',
        b'{"a": ' * 100_000,
        b'{"action": "opened", ' * 3 + b'"action": "closed"}',
        b'{"action": "opened", "action": "closed"}',
        b"{}" * 100_000,
        b'{"' + b"k" * 1_000_000 + b'": 1}',
        b"{" + b",".join(b'"%d": {}' % number for number in range(200_000)) + b"}",
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
    ],
    ids=range(11),
)
def test_json_that_tries_the_parser_is_answered(body: bytes) -> None:
    assert harmless(deliver(APP, body).status)


def handled_examples() -> list[tuple[str, dict[str, Any]]]:
    """Official payloads of events we read, each through an installation and for our app."""
    examples = []
    for event, payload in official_examples():
        if event in EVENTS:
            changed = payload | {"installation": payload.get("installation") or {"id": 1}}
            if event == "issue_comment":
                changed["issue"] = payload["issue"] | {"pull_request": {}}
                changed["comment"] = payload["comment"] | {"body": "@themis-review review"}
            if event == "check_suite":
                changed["action"] = "rerequested"
            if event == "check_run":
                changed["action"] = "rerequested"
            examples.append((event, changed))
    return examples


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where there is something in a payload, the first entry of each list."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from paths(below, (*path, key))
    elif isinstance(value, list) and value:
        yield from paths(value[0], (*path, 0))


def replaced(value: Any, path: tuple[str | int, ...], by: Any) -> Any:
    """A copy with something else in one place; as it is where the place is gone."""
    if not path:
        return by
    first, *rest = path
    if isinstance(value, dict) and first in value:
        return value | {first: replaced(value[first], tuple(rest), by)}
    if isinstance(value, list) and value and first == 0:
        return [replaced(value[0], tuple(rest), by), *value[1:]]
    return value


# --- by the description that is given out --------------------------------------------------------


async def signing(scope: Any, receive: Any, send: Any) -> None:
    """The application, called by somebody who has the secret and signs whatever it is."""
    if scope["type"] != "http":
        await APP(scope, receive, send)
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    kept = [each for each in scope["headers"] if each[0].lower() != b"x-hub-signature-256"]
    header = (b"x-hub-signature-256", signature(SECRET, body).encode())

    async def again() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    await APP(scope | {"headers": [*kept, header]}, again, send)


CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
by_strangers = schemathesis.openapi.from_asgi("/openapi.json", APP)
by_github = schemathesis.openapi.from_asgi("/openapi.json", signing)


@by_strangers.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_strangers_are_answered_as_openapi_says(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS)


@by_github.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whoever_has_the_secret_is_answered_as_openapi_says(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS)
