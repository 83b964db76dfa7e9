"""What the web side answers: to GitHub, to strangers, to whoever watches it."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from app_front import GUID, FakeInbox, app_settings, app_with, call, deliver, get, official_examples

from github_app import webhook
from github_app.metrics import Counter, Snapshot
from github_app.signature import signature
from github_app.types import ReviewTask
from review_core.errors import ThemisError


def opened(**changes: Any) -> bytes:
    payload = {
        "action": "opened",
        "installation": {"id": 7},
        "repository": {"id": 1, "name": "shop", "owner": {"login": "acme"}},
        "pull_request": {"number": 3, "head": {"sha": "a" * 40}},
        "sender": {"login": "ann"},
    }
    return json.dumps(payload | changes).encode()


def test_a_delivery_is_in_the_inbox_before_it_is_acknowledged() -> None:
    inbox = FakeInbox()
    answer = deliver(app_with(inbox), opened())
    assert (answer.status, answer.json()) == (202, {"status": "accepted"})
    task = inbox.kept[GUID]
    assert isinstance(task, ReviewTask)
    assert task.key == f"review/7/1/3/{'a' * 40}/"


def test_a_delivery_that_comes_again_is_acknowledged_as_known() -> None:
    app = app_with(FakeInbox())
    deliver(app, opened())
    answer = deliver(app, opened())
    assert (answer.status, answer.json()) == (202, {"status": "known"})


def test_what_asks_for_nothing_is_answered_with_the_reason() -> None:
    inbox = FakeInbox()
    answer = deliver(app_with(inbox), b'{"action": "labeled"}')
    assert answer.status == 200
    assert answer.json()["reason"] == "pull_request labeled asks for nothing"
    assert inbox.kept == {}


@pytest.mark.parametrize(
    "header",
    [None, "", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "sha256=é", "\xff", "0" * 100_000],
)
def test_what_is_not_signed_is_not_read(header: str | None) -> None:
    """The body is no JSON: had it been read, the answer would be 400."""
    inbox = FakeInbox()
    answer = deliver(app_with(inbox), b"{", headers={"x-hub-signature-256": header})
    assert answer.status == 401
    assert inbox.kept == {}


def test_a_signature_is_of_the_bytes_that_came_not_of_what_they_mean() -> None:
    inbox = FakeInbox()
    app = app_with(inbox)
    assert deliver(app, opened() + b" \n").status == 202
    other = signature(app_settings().webhook_secrets[0], opened())
    assert deliver(app, opened() + b" ", headers={"x-hub-signature-256": other}).status == 401


def test_the_secret_before_this_one_is_accepted_while_it_is_being_replaced() -> None:
    settings = app_settings(
        webhook_secret="the new one", previous_webhook_secret="It's a Secret to Everybody"
    )
    assert deliver(app_with(FakeInbox(), settings=settings), opened()).status == 202


@pytest.mark.parametrize("header", ["x-github-event", "x-github-delivery"])
@pytest.mark.parametrize("value", [None, "", "a b", "é", "x" * 65, "../.."])
def test_event_and_delivery_id_must_be_given_and_well_formed(
    header: str, value: str | None
) -> None:
    assert deliver(app_with(FakeInbox()), opened(), headers={header: value}).status == 400


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b"payload=%7B%7D", b"\xff\xfe", b'{"a": NaN}']
)
def test_a_signed_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    answer = deliver(app_with(FakeInbox()), body)
    assert answer.status == 400
    assert "body" in answer.json()["error"]


def test_a_body_that_is_nested_without_end_is_refused() -> None:
    for body in (b"[" * 1_000_000, b'{"a":' * 200_000 + b"1" + b"}" * 200_000):
        assert deliver(app_with(FakeInbox()), body).status == 400


def test_a_payload_of_another_shape_is_refused_without_its_values() -> None:
    answer = deliver(app_with(FakeInbox()), opened(repository={"id": "their secret"}))
    assert answer.status == 400
    assert "repository.id" in answer.json()["error"]
    assert "their secret" not in answer.body.decode()


def test_a_body_announced_as_too_large_is_not_read() -> None:
    answer = deliver(
        app_with(FakeInbox()), [b"x"] * 3, headers={"content-length": str(25 * 2**20 + 1)}
    )
    assert (answer.status, answer.read) == (413, 0)


def test_a_body_that_grows_too_large_is_read_no_further() -> None:
    """Chunks of 5 MiB: the sixth passes 25 MiB, and the four after it stay unread."""
    answer = deliver(
        app_with(FakeInbox()), [b"x" * 5 * 2**20] * 10, headers={"content-length": None}
    )
    assert (answer.status, answer.read) == (413, 6)


def test_a_body_of_exactly_the_largest_size_is_read() -> None:
    body = opened()
    answer = deliver(app_with(FakeInbox()), body + b" " * (25 * 2**20 - len(body)))
    assert answer.status == 202


def test_bodies_that_are_too_large_together_are_refused_until_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Strangers could else fill the memory, 25 MiB a connection. After each there is room again."""
    monkeypatch.setattr(webhook, "HELD_BYTES", 1000)
    app = app_with(FakeInbox())

    async def two() -> list[int]:
        waiting = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await waiting.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def holding(scope: Any, first: Any, send: Any) -> None:
            messages = [first(), receive()]
            await app(scope, lambda: messages.pop(0), send)

        chunks = [b"x" * 600, b""]
        one = asyncio.create_task(call(holding, "POST", "/webhook", {}, chunks))
        await asyncio.sleep(0.01)
        other = await call(app, "POST", "/webhook", {}, [b"x" * 600])
        waiting.set()
        third = await one
        return [third.status, other.status]

    for _ in range(3):
        assert asyncio.run(two()) == [401, 503]
    assert deliver(app, opened()).status == 202


def test_an_inbox_that_fails_is_told_as_worth_another_delivery() -> None:
    answer = deliver(app_with(FakeInbox(error=ThemisError("the disk is full at /data"))), opened())
    assert answer.status == 503
    assert "/data" not in answer.body.decode()


def test_an_inbox_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "INBOX_SECONDS", 0.02)
    assert deliver(app_with(FakeInbox(hangs=True)), opened()).status == 503


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "BODY_SECONDS", 0.02)
    app = app_with(FakeInbox())

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, asyncio.Event().wait, send)

    answer = asyncio.run(call(slow, "POST", "/webhook", {}, [b""]))
    assert answer.status == 503


def test_every_official_example_is_taken_or_ignored_and_none_refused() -> None:
    app = app_with(FakeInbox())
    examples = official_examples()
    assert len(examples) == 329
    for event, payload in examples:
        answer = deliver(app, json.dumps(payload).encode(), event=event)
        assert answer.status in (200, 202), (event, payload.get("action"), answer.body)


def test_what_is_answered_is_logged_with_the_delivery(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "github_app.webhook"):
        deliver(app_with(FakeInbox()), opened())
        deliver(app_with(FakeInbox()), opened(), headers={"x-hub-signature-256": "sha256=0"})
    accepted, refused = caplog.records
    told = vars(accepted)
    assert (told["kind"], told["action"], told["status"]) == ("pull_request", "opened", 202)
    assert (refused.levelname, vars(refused)["status"]) == ("WARNING", 401)


# --- for those who watch it ----------------------------------------------------------------------


def test_health_answers_whatever_does_not_work() -> None:
    assert get(app_with(FakeInbox()), "/healthz").status == 200


@pytest.mark.parametrize(("workers", "status"), [(None, 200), ("no worker lives", 503)])
def test_readiness_names_what_does_not_work(workers: str | None, status: int) -> None:
    async def problems() -> Mapping[str, str | None]:
        return {"inbox": None, "workers": workers}

    answer = get(app_with(FakeInbox(), problems=problems), "/readyz")
    assert answer.status == status
    assert answer.json() == {"inbox": "ok", "workers": workers or "ok"}


def test_the_metrics_page_joins_the_answers_given_here_with_what_workers_counted() -> None:
    async def snapshot() -> Snapshot:
        counts = {(Counter.POSTED, ""): 12.0, (Counter.WITHHELD, "unsure"): 30.0}
        return Snapshot(waiting=4, oldest_seconds=1.5, workers=2, counts=counts)

    times = iter([0.0, 0.0, 0.0, 0.15])  # arrived, begun, told to the log, counted
    app = app_with(FakeInbox(), snapshot=snapshot, clock=lambda: next(times))
    deliver(app, opened())
    page = get(app, "/metrics")
    lines = page.body.decode().splitlines()
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'themis_ack_seconds_bucket{le="0.1"} 0.0',
        'themis_ack_seconds_bucket{le="0.2"} 1.0',
        'themis_deliveries_total{event="pull_request",status="202"} 1.0',
        "themis_queue_depth 4.0",
        "themis_queue_age_seconds 1.5",
        "themis_workers 2.0",
        "themis_findings_posted_total 12.0",
        'themis_findings_withheld_total{reason="unsure"} 30.0',
    ):
        assert line in lines


def test_without_the_database_the_metrics_say_so_and_what_is_known_here() -> None:
    async def snapshot() -> Snapshot:
        raise ThemisError("the database is away")

    app = app_with(FakeInbox(), snapshot=snapshot)
    deliver(app, opened())
    page = get(app, "/metrics")
    assert page.status == 200
    assert "themis_database_up 0.0" in page.body.decode()
    assert "themis_ack_seconds_count 1.0" in page.body.decode()
    assert "themis_queue_depth" not in page.body.decode()


def test_a_stranger_adds_no_rows_to_the_metrics() -> None:
    app = app_with(FakeInbox())
    for number in range(5):
        deliver(app, b"{}", event=f"event{number}", headers={"x-hub-signature-256": None})
    page = get(app, "/metrics").body.decode()
    assert 'themis_deliveries_total{event="other",status="401"} 5.0' in page
    assert "event1" not in page


def test_the_page_of_routes_names_all_of_them_and_loads_nothing() -> None:
    page = get(app_with(FakeInbox()), "/docs").body.decode()
    for path in ("/webhook", "/healthz", "/readyz", "/metrics"):
        assert f"<code>{'POST' if path == '/webhook' else 'GET'} {path}</code>" in page
    assert "<script" not in page
    assert "http" not in page


def test_without_the_secret_nobody_learns_whether_a_path_is_known() -> None:
    assert get(app_with(FakeInbox()), "/webhook").status == 405
    assert deliver(app_with(FakeInbox()), opened(), path="/").status == 404
