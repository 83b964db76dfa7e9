"""Recorded deliveries, done again."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_front import ENVIRONMENT, SECRET, FakeInbox, app_with, call, official_examples
from click.testing import CliRunner, Result

from github_app.cli import cli
from github_app.replay import read_recorded, send
from review_core.errors import InputError

HEADERS = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "guid-1"}


def opened() -> dict[str, Any]:
    return next(
        payload
        for event, payload in official_examples()
        if event == "pull_request" and payload["action"] == "opened" and "installation" in payload
    )


def recorded(tmp_path: Path, document: Any) -> Path:
    file = tmp_path / "delivery.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def run(file: Path, *options: str) -> Result:
    arguments = ["replay", str(file), *options]
    return CliRunner().invoke(cli, arguments, env=ENVIRONMENT, catch_exceptions=False)


def test_a_delivery_as_github_prints_it_is_said_to_be_what_it_asks_for(tmp_path: Path) -> None:
    document = {"id": 1, "guid": "guid-1", "request": {"headers": HEADERS, "payload": opened()}}
    result = run(recorded(tmp_path, document))
    assert result.exit_code == 0
    task = json.loads(result.stdout)
    assert (task["kind"], task["pull"]["number"]) == ("review", 2)
    assert task["head_sha"] == opened()["pull_request"]["head"]["sha"]


def test_headers_count_in_any_case_and_what_asks_for_nothing_is_said_to(tmp_path: Path) -> None:
    headers = {name.lower(): value for name, value in HEADERS.items()}
    document = {"headers": headers, "body": opened() | {"action": "labeled"}}
    result = run(recorded(tmp_path, document))
    assert result.stdout == "ignored: pull_request labeled asks for nothing\n"


def test_it_takes_the_way_of_a_real_delivery_into_an_inbox(tmp_path: Path) -> None:
    inbox = FakeInbox()
    app = app_with(inbox)

    def handle(request: httpx.Request) -> httpx.Response:
        headers = dict(request.headers)
        answer = asyncio.run(call(app, "POST", request.url.path, headers, [request.read()]))
        return httpx.Response(answer.status, content=answer.body)

    found = read_recorded(recorded(tmp_path, {"headers": HEADERS, "payload": opened()}))
    url, network = "http://127.0.0.1:8787/webhook", httpx.MockTransport(handle)
    assert send(found, url, SECRET, network) == (202, '{"status":"accepted"}')
    assert send(found, url, SECRET, network) == (202, '{"status":"known"}')
    assert list(inbox.kept) == ["guid-1"]


def test_an_app_that_does_not_run_is_named(tmp_path: Path) -> None:
    file = recorded(tmp_path, {"headers": HEADERS, "payload": opened()})
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9/webhook gave no answer .*is it running"):
        run(file, "--to", "http://127.0.0.1:9/webhook")


def test_under_a_new_id_it_is_done_even_if_it_was_before(tmp_path: Path) -> None:
    """The id shows where it is the only thing that tells one wish from another."""
    ask = {
        "action": "deleted",
        "installation": {"id": 7},
    }
    document = {"headers": HEADERS | {"X-GitHub-Event": "installation"}, "payload": ask}
    file = recorded(tmp_path, document)
    assert json.loads(run(file).stdout)["occasion"] == "guid-1"
    first, second = (json.loads(run(file, "--new").stdout)["occasion"] for _ in range(2))
    assert len({"guid-1", first, second}) == 3


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([], "needs headers and payload"),
        ({"headers": HEADERS}, "needs headers and payload"),
        ({"payload": {}, "headers": {"X-GitHub-Event": "a"}}, "lacks the header X-GitHub-Delivery"),
    ],
)
def test_a_file_that_is_no_delivery_is_refused(tmp_path: Path, document: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_recorded(recorded(tmp_path, document))
