"""The log: what a line says, and that no secret is in it, wherever one was put."""

import asyncio
import io
import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from github_app.log import about, log_to_stderr
from github_app.redaction import redactor
from github_app.secrets import Secret

TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJlLW9mLWl0"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"
WEBHOOK = 'a "quoted" \\ webhook secret'


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    log_to_stderr("info", (Secret(WEBHOOK),), stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(False)


def told(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_what_it_is_about(lines: io.StringIO) -> None:
    with about(delivery="guid-1", installation=7), about(repository="acme/shop", pull=3):
        logging.getLogger("github_app.test").info("posted\n%d", 4, extra={"findings": 2})
    (line,) = told(lines)
    assert line["event"] == "posted\n4"
    assert (line["level"], line["logger"], line["findings"]) == ("info", "github_app.test", 2)
    assert (line["delivery"], line["installation"]) == ("guid-1", 7)
    assert (line["repository"], line["pull"]) == ("acme/shop", 3)
    assert line["time"].endswith("+00:00")


def test_what_a_line_is_about_ends_with_its_block_and_stays_with_its_thread(
    lines: io.StringIO,
) -> None:
    with about(delivery="outer"):
        other = threading.Thread(target=lambda: logging.warning("from elsewhere"))
        other.start()
        other.join()
    logging.warning("after")
    assert all("delivery" not in line for line in told(lines))


def test_concurrent_deliveries_do_not_mix(lines: io.StringIO) -> None:
    async def one(name: str) -> None:
        with about(delivery=name):
            await asyncio.sleep(0)
            logging.warning(name)

    async def both() -> None:
        await asyncio.gather(one("a"), one("b"))

    asyncio.run(both())
    assert [(line["delivery"], line["event"]) for line in told(lines)] == [("a", "a"), ("b", "b")]


@pytest.mark.parametrize("secret", [TOKEN, JWT, KEY, WEBHOOK])
def test_a_secret_is_in_no_part_of_a_line(lines: io.StringIO, secret: str) -> None:
    log = logging.getLogger("github_app.test")
    try:
        raise RuntimeError(f"could not use {secret}") from ValueError(secret)
    except RuntimeError:
        log.exception("failed with %s", secret, extra={"given": {"token": secret}})
    with about(repository=f"https://x-access-token:{secret}@github.com/a/b"):
        log.warning([secret])
    text = lines.getvalue()
    assert text.count("(secret)") >= 5
    for part in (secret, json.dumps(secret)[1:-1], "MIIEow"):
        assert part not in text
    assert len(told(lines)) == 2  # still JSON


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"token {TOKEN}.", "token (secret)"),
        ("ghp_0123456789abcdef0123456789abcdef0123", "(secret)"),
        ("github_pat_11ABCDEFG0abcdefghij_KLMNOP", "(secret)"),
        (f"ghs_123456_{JWT}", "(secret)"),
        ("https://x-access-token:abc@github.com/a", "https://(secret)@github.com/a"),
        ("postgresql+psycopg://u:p%40ss@db/x", "postgresql+psycopg://(secret)@db/x"),
        ("Authorization: Bearer abcdefgh1234", "Authorization: (secret)"),
        ("authorization: basic eDphYmNkZWY=", "authorization: (secret)"),
        ("-----BEGIN PRIVATE KEY-----\\nMII\\ncut off", "(secret)"),
        ("a basic idea of bearer things", "a basic idea of bearer things"),
        (
            "https://github.com/a/b@v1 mail@example.com",
            "https://github.com/a/b@v1 mail@example.com",
        ),
        ("eyJ is no token", "eyJ is no token"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out_and_other_text_stays(text: str, shown: str) -> None:
    assert redactor()(text) == shown


def test_a_secret_too_short_to_be_one_does_not_blank_words_out() -> None:
    assert redactor((Secret("a"), Secret("")))("a cat") == "a cat"


def test_hostile_text_is_read_in_linear_time() -> None:
    redact = redactor((Secret(WEBHOOK),))
    for piece in ("://", "eyJ", "a.", "-----BEGIN PRIVATE KEY-----", "ghs_", "bearer ", "://a:"):
        started = time.process_time()
        redact(piece * (200_000 // len(piece)))
        assert time.process_time() - started < 2, piece


def test_libraries_do_not_tell_each_request(lines: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://api.github.com/…")
    logging.getLogger("httpx").warning("slow")
    assert [line["event"] for line in told(lines)] == ["slow"]
