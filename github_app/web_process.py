"""The web process: uvicorn around the web application, and what it needs open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from github_app.database import Database, open_database
from github_app.figures import Figures
from github_app.inbox import Inbox
from github_app.metrics import Snapshot
from github_app.processes import stop_on_signals, stop_with_parent
from github_app.settings import Settings
from github_app.tracing import no_span, start_traces
from github_app.web import Problems, create_app

if TYPE_CHECKING:
    from fastapi import FastAPI

KEEP_ALIVE_SECONDS = 30


def run_web(settings: Settings, *, supervised: bool) -> None:
    """Serve until told to stop.

    :param supervised: stop with our parent, too.
    :raises StoreError: if the database cannot be opened.
    """
    import uvicorn

    database = open_database(settings.database_url.reveal())
    config = uvicorn.Config(
        web_app(settings, database),
        host=settings.host,
        port=settings.port,
        log_config=None,  # ours, in which nothing secret is
        access_log=False,  # the app says more of each delivery
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
    )

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # uvicorn's own would raise the signal once more at the end: not a clean exit

    server = Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    stop_on_signals(stop)
    if supervised:
        stop_with_parent(stop)
    try:
        server.run()
    finally:
        database.close()


def web_app(settings: Settings, database: Database) -> FastAPI:
    """The application with its inbox, which is written out after the last request."""
    inbox = Inbox(database, time.time)
    figures = Figures(database, time.time)

    async def problems() -> Problems:
        return await asyncio.to_thread(figures.problems)

    async def snapshot() -> Snapshot:
        return await asyncio.to_thread(figures.snapshot)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(inbox.close)

    return create_app(
        settings,
        inbox,
        problems=problems,
        snapshot=snapshot,
        lifespan=lifespan,
        span=start_traces("themis-github-app web") if settings.traces else no_span,
    )
