"""Traces: none unless asked for; then to where OpenTelemetry's own variables say."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from app_front import FakeInbox, app_with, deliver

SEND_ONE = """
from github_app.tracing import start_traces
span = start_traces("themis-github-app web")
with span("delivery", event="pull_request"):
    pass
"""
WITHOUT = """
import sys
sys.modules["opentelemetry"] = None
from github_app.tracing import MissingTracesError, start_traces
try:
    start_traces("web")
except MissingTracesError as error:
    print(error)
"""


class Collector(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


def test_spans_arrive_at_a_collector_with_what_they_are_about() -> None:
    """A process of its own: what waits is sent when it ends."""
    received: list[tuple[str, bytes]] = []
    handler = type("Handler", (Collector,), {"received": received})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        subprocess.run(
            [sys.executable, "-c", SEND_ONE],
            env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            check=True,
            timeout=60,
        )
        server.shutdown()
        thread.join()
    ((path, body),) = received
    assert path == "/v1/traces"
    for word in (b"themis-github-app web", b"delivery", b"pull_request"):
        assert word in body


def test_without_the_extra_the_remedy_is_told() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert "pip install 'themis-review[app,otel]'" in run.stdout


def test_each_delivery_is_a_span_and_strangers_name_none_of_theirs() -> None:
    begun: list[tuple[str, dict[str, str | int]]] = []

    @contextmanager
    def span(name: str, **attributes: str | int) -> Iterator[None]:
        begun.append((name, attributes))
        yield

    app = app_with(FakeInbox(), span=span)
    for event in ("pull_request", "theirs"):
        deliver(app, b"{}", event=event)
    assert begun == [("delivery", {"event": "pull_request"}), ("delivery", {"event": "other"})]
