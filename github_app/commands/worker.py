"""`themis-github-app worker`: one worker process alone."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import click

from github_app.commands.options import settings_of, settings_option

NICE = 5  # beside a web process, which has to answer GitHub in time whatever the model does


@click.command()
@settings_option
@click.option("--executor", hidden=True)
@click.option("--workers", type=click.IntRange(1), metavar="N", help="How many there are in all.")
@click.option("--supervised", is_flag=True, hidden=True)
def worker(config: Path | None, executor: str | None, workers: int | None, supervised: bool) -> int:
    """Review what deliveries ask for, without taking any in: one more process for `serve` or `web`.

    On another machine it needs the same PostgreSQL. SIGTERM lets work end, or hands it back.
    """
    settings = settings_of(config, {"workers": workers})
    from github_app.jobs.executors import new_executor_id
    from github_app.processes import log_of, stop_on_signals, stop_with_parent
    from github_app.review_worker import run_review_worker

    redact = log_of(settings)
    if supervised and hasattr(os, "nice"):
        os.nice(NICE)
    stopping = threading.Event()
    stop_on_signals(stopping.set)
    if supervised:
        stop_with_parent(stopping.set)
    name = executor or new_executor_id()
    status = run_review_worker(settings, name, stopping, redact, starts=not supervised)
    if status:
        os._exit(status)  # a thread that does not stop would keep the process
    return 0
