"""Duties that come round again and again, each in a thread, until the process is to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from review_core.errors import ThemisError

LOG = logging.getLogger(__name__)


def repeat(
    name: str, seconds: float, stopping: threading.Event, duty: Callable[[], None]
) -> threading.Thread:
    """Do a duty at once and every so often. What it raises is logged, and it is tried again."""

    def loop() -> None:
        while not stopping.is_set():
            try:
                duty()
            except ThemisError as error:
                LOG.warning("%s: %s", name, error)
            except Exception:
                # Of whatever kind: a thread that ended here would be missed by nobody.
                LOG.exception("%s failed; it is tried again in %g s", name, seconds)
            stopping.wait(seconds)

    thread = threading.Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
