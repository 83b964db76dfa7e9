"""A worker of the app as a process, with a scorer that counts words in place of the model.

Takes the environment and the options of `themis-github-app worker`: --executor NAME.
"""

from __future__ import annotations

import os
import sys
import threading

from app_work import calibration
from fake_scorer import FakeScorer

from github_app.commands.options import settings_of
from github_app.processes import log_of, stop_on_signals
from github_app.review_worker import run_review_worker
from github_app.reviewing import Reviewer
from github_app.settings import Settings


def load(settings: Settings) -> Reviewer:
    scorer = FakeScorer(max_tokens=100_000)
    return Reviewer(scorer, calibration(), {"cache.enabled": False}, seconds=60.0)


def main() -> None:
    settings = settings_of(None)
    stopping = threading.Event()
    stop_on_signals(stopping.set)
    os._exit(run_review_worker(settings, sys.argv[2], stopping, log_of(settings), load=load))


if __name__ == "__main__":
    main()
