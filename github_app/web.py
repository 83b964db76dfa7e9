"""The web side: takes deliveries in, and says how the app fares. No work is done here."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from github_app.events import EVENTS
from github_app.log import about
from github_app.metrics import Acknowledgements, Snapshot, metrics_page
from github_app.settings import Settings
from github_app.tracing import Span, no_span
from github_app.web_pages import OPENAPI_OF_WEBHOOK, routes_page
from github_app.webhook import Inbox, Webhook
from review_core import __version__
from review_core.errors import ThemisError

log = logging.getLogger(__name__)

Problems = Mapping[str, str | None]
"""What must work for the app to be of use: by name, None or what is wrong."""


def create_app(
    settings: Settings,
    inbox: Inbox,
    *,
    problems: Callable[[], Awaitable[Problems]],
    snapshot: Callable[[], Awaitable[Snapshot]],
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    span: Span = no_span,
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The web application.

    :param problems: asked for /readyz. snapshot: for /metrics.
    :param lifespan: what to open before the first request and to close after the last.
    :param span: where traces begin.
    :param clock: seconds, for how long an answer took.
    """
    app = FastAPI(
        title="Themis Review",
        version=__version__,
        description="Takes GitHub's webhook deliveries for reviews of pull requests.",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    acknowledgements = Acknowledgements()
    webhook = Webhook(settings, inbox, clock)

    @app.post(settings.webhook_path, openapi_extra=OPENAPI_OF_WEBHOOK, status_code=202)
    async def deliver(request: Request) -> Response:
        """Take a delivery of GitHub's in."""
        started = clock()
        event = request.headers.get("X-GitHub-Event", "")
        guid = request.headers.get("X-GitHub-Delivery", "")
        known = event if event in EVENTS else "other"
        with about(delivery=guid[:64]), span("delivery", event=known):
            status, answer = await webhook.answer(request, event, guid)
        acknowledgements.answered(known, status, clock() - started)
        return JSONResponse(answer, status)

    @app.get("/healthz", response_class=PlainTextResponse)
    async def health() -> str:
        """Tell that this process answers; nothing else is looked at."""
        return "ok\n"

    @app.get("/readyz", responses={503: {"description": "Something does not work."}})
    async def ready() -> Response:
        """Tell whether deliveries can be kept and workers live."""
        found = await problems()
        fine = not any(found.values())
        return JSONResponse(
            {name: what or "ok" for name, what in found.items()}, 200 if fine else 503
        )

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Count, in Prometheus' text format."""
        try:
            stored = await snapshot()
        except ThemisError:  # what this process counted is worth most when the database is away
            log.exception("the database could not be asked for what it counts")
            stored = None
        page = metrics_page(acknowledgements, stored)
        return PlainTextResponse(page, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/docs", response_class=HTMLResponse)
    async def docs() -> str:
        """Describe these routes to people; /openapi.json does to programs."""
        return routes_page(app.openapi())

    return app
