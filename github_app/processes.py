"""What every process of ours does when it begins: its log, and what tells it to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

from github_app.log import log_to_stderr
from github_app.settings import Settings


def log_of(settings: Settings) -> Callable[[str], str]:
    """Log to stderr as set; gives what takes the settings' secrets out of text."""
    secrets = (*settings.webhook_secrets, settings.private_key, settings.database_url)
    return log_to_stderr(settings.log_level, secrets)


def stop_on_signals(stop: Callable[[], object]) -> None:
    """Call it on SIGTERM and SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())


def stop_with_parent(stop: Callable[[], None]) -> None:
    """Call it once the supervisor is gone: our standard input is a pipe that ends with it.

    Else a worker would go on unseen beside the one that a new supervisor starts.
    """

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        stop()

    threading.Thread(target=wait, name="supervisor watch", daemon=True).start()
