"""A worker as a process of its own, with a pretended GitHub: DATABASE_URL SITE EXECUTOR."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from jobs_site import Performing, Site

from github_app.database import open_database
from github_app.jobs.retries import RetryRules
from github_app.worker import WorkerSettings, run_worker


def main() -> None:
    url, site, executor = sys.argv[1:4]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(message)s")
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    settings = WorkerSettings(
        url,
        executor,
        workers=2,
        shutdown_seconds=float(os.environ.get("SHUTDOWN_SECONDS", "5")),
        grace_seconds=0.5,  # the pretended GitHub answers at once
        rules=RetryRules(first_seconds=0.2, crashes=50),
    )
    scoring = float(os.environ.get("SCORING_SECONDS", "0.15"))
    perform = Performing(Site(Path(site)), scoring, deaf=bool(os.environ.get("DEAF")))
    os._exit(run_worker(settings, open_database(url), perform, stopping))


if __name__ == "__main__":
    main()
