"""Keeps processes alive: starts them again when they end, and stops them all when told to.

It does nothing else, so that it has little reason to die itself. Each child's standard input is a
pipe that ends with it: children then stop too, instead of going on unseen.
"""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LOG = logging.getLogger(__name__)
FIRST_PAUSE = 0.5  # seconds before a process that ended is started again; doubles
LONGEST_PAUSE = 60.0
WELL_AFTER = 60.0  # seconds after which a process is taken to have started well
KILL_GRACE = 10.0  # seconds beyond its own time that a process gets before it is killed


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep alive. command: asked at each start, for what is new each time.

    ended: told when one has ended, with the command it ran; its work is nobody's then.
    """

    name: str
    command: Callable[[], Sequence[str]]
    ended: Callable[[Sequence[str]], None] = lambda _: None


def supervise(
    children: Sequence[Child],
    stopping: threading.Event,
    *,
    shutdown_seconds: float,
    environment: dict[str, str] | None = None,
) -> None:
    """Keep them alive until `stopping` is set; then stop them and return when all have ended."""
    threads = [
        threading.Thread(
            target=_keep, args=(child, stopping, shutdown_seconds, environment), name=child.name
        )
        for child in children
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def pause_after(lived: float, last: float) -> float:
    """Seconds to wait before a process is started again. lived: how long it did."""
    return FIRST_PAUSE if lived >= WELL_AFTER else min(max(FIRST_PAUSE, 2 * last), LONGEST_PAUSE)


def _keep(
    child: Child,
    stopping: threading.Event,
    shutdown_seconds: float,
    environment: dict[str, str] | None,
) -> None:
    pause = 0.0
    while not stopping.wait(pause):
        started = time.monotonic()
        command = list(child.command())
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
        LOG.info("%s started as process %d", child.name, process.pid)
        _wait(process, stopping, shutdown_seconds + KILL_GRACE)
        try:
            child.ended(command)
        except Exception:
            LOG.exception("the end of %s could not be told; others will notice", child.name)
        if stopping.is_set():
            return
        pause = pause_after(time.monotonic() - started, pause)
        LOG.error(
            "%s ended with status %s; it is started again in %.1f s",
            child.name,
            process.returncode,
            pause,
        )


def _wait(process: subprocess.Popen[bytes], stopping: threading.Event, grace: float) -> None:
    """Until it has ended, by itself or because we are to stop."""
    with process:
        while process.poll() is None:
            if stopping.wait(0.1):
                process.terminate()
                try:
                    process.wait(grace)
                except subprocess.TimeoutExpired:
                    LOG.error("process %d did not stop in time and is killed", process.pid)
                    process.kill()
