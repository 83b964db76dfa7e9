"""The worker process as the server sees it: started on first need, ended when idle or too large,
started again when it dies.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from lsp_server.frames import next_frame, packed
from lsp_server.jobs import Answer, Asked, Cancelled, Failed, Finished, Job, Progressed, Result
from lsp_server.reviewing import LoadScorer, Progress
from lsp_server.worker import Start, name_of
from review_core.errors import ThemisError
from review_core.types import BundleIdentity

log = logging.getLogger(__name__)

_ENDING = 2.0
"""Seconds that a worker has to end before it is killed; it needs none."""


class JobError(ThemisError):
    """What a job failed of, in the worker's words. kind: the name of the error there."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class WorkerDiedError(Exception):
    """The worker process ended while it had something to do."""


@dataclass(slots=True)
class _Pending:
    answer: asyncio.Future[Result]
    progress: Progress | None


@dataclass(slots=True)
class _Running:
    process: asyncio.subprocess.Process
    listener: asyncio.Task[None] | None = None
    pending: dict[int, _Pending] = field(default_factory=dict)


class ModelProcess:
    """Runs jobs in a process of their own. All methods belong to one event loop."""

    def __init__(self, load_scorer: LoadScorer, *, log_level: str = "warning") -> None:
        """:param load_scorer: a function that can be imported; it is called in the worker."""
        self._start = Start(
            tuple(entry for entry in sys.path if entry), name_of(load_scorer), log_level
        )
        self._running: _Running | None = None
        self._starting = asyncio.Lock()
        self._ids = itertools.count(1)
        self._idle_timer: asyncio.TimerHandle | None = None
        self.idle_seconds = 300.0
        self.max_bytes = 600 * 2**20
        self.resident: int | None = None
        self.bundle: BundleIdentity | None = None
        self.on_change: Callable[[], None] = lambda: None

    @property
    def pid(self) -> int | None:
        """The worker's, while there is one."""
        return self._running.process.pid if self._running else None

    @property
    def busy(self) -> int:
        """How many jobs wait or run."""
        return len(self._running.pending) if self._running else 0

    async def run(self, job: Job, *, urgent: bool, progress: Progress | None = None) -> Result:
        """Do a job; a second time if the worker dies of something else meanwhile.

        Cancelling this coroutine cancels the job.

        :raises JobError: with the worker's words where the job cannot be done.
        :raises WorkerDiedError: if the worker died twice.
        """
        try:
            return await self._run(job, urgent, progress)
        except WorkerDiedError:
            log.warning("worker died; trying once more", extra={"job": type(job).__name__})
            return await self._run(job, urgent, progress)

    async def close(self) -> None:
        """End the worker."""
        self._cancel_timer()
        if (running := self._running) is not None:
            await self._end(running)

    async def _run(self, job: Job, urgent: bool, progress: Progress | None) -> Result:
        running = await self._started()
        self._cancel_timer()
        asked = Asked(next(self._ids), job, urgent)
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        running.pending[asked.id] = _Pending(answer, progress)
        self._send(running, asked)
        self.on_change()
        try:
            return await answer
        except asyncio.CancelledError:
            self._send(running, Cancelled(asked.id))
            raise

    async def _started(self) -> _Running:
        async with self._starting:
            if self._running is None:
                # -P: the folder that the editor runs in is a stranger's, nothing is imported there.
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "lsp_server.worker"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
                log.info("worker started", extra={"worker": process.pid})
                running = _Running(process)
                running.listener = asyncio.create_task(self._listen(running))
                self._running = running
                self._send(running, self._start)
            return self._running

    def _send(self, running: _Running, value: object) -> None:
        sink = running.process.stdin
        if sink is not None and not sink.is_closing():
            sink.write(packed(value))

    async def _listen(self, running: _Running) -> None:
        source = running.process.stdout
        try:
            while source is not None:
                self._take(running, await next_frame(source))
        except (EOFError, OSError):
            pass
        if self._running is running:
            self._running = None
        code = await running.process.wait()
        if running.pending:
            log.error("worker died", extra={"worker": running.process.pid, "code": code})
        for pending in running.pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(WorkerDiedError(f"exit code {code}"))
        running.pending.clear()
        self.resident = None
        self.on_change()

    def _take(self, running: _Running, answer: Answer) -> None:
        pending = running.pending.get(answer.id)
        if isinstance(answer, Progressed):
            if pending is not None and pending.progress is not None:
                pending.progress(answer.done, answer.total)
            return
        running.pending.pop(answer.id, None)
        if isinstance(answer, Finished):
            self.resident, self.bundle = answer.resident, answer.bundle or self.bundle
        if pending is not None and not pending.answer.done():
            match answer:
                case Finished():
                    pending.answer.set_result(answer.result)
                case Failed():
                    error = (
                        JobError(answer.message, answer.kind)
                        if answer.kind
                        else RuntimeError(answer.message)
                    )
                    pending.answer.set_exception(error)
                case Cancelled():
                    pending.answer.cancel()
        if not running.pending:
            self._rest(running)
        self.on_change()

    def _rest(self, running: _Running) -> None:
        """Nothing is left to do: end a worker that is too large at once, others after a while."""
        if self.resident is not None and self.resident > self.max_bytes:
            log.warning(
                "worker is over its memory limit; the next job gets a new one",
                extra={"resident": self.resident, "limit": self.max_bytes},
            )
            self._retire(running)
            return
        self._cancel_timer()
        loop = asyncio.get_running_loop()
        self._idle_timer = loop.call_later(self.idle_seconds, self._retire, running)

    def _retire(self, running: _Running) -> None:
        if running.pending:
            return
        log.info("worker ended, its memory is free", extra={"worker": running.process.pid})
        if self._running is running:
            self._running = None
        if running.process.stdin is not None:
            running.process.stdin.close()

    async def _end(self, running: _Running) -> None:
        self._retire(running)
        if self._running is running:
            self._running = None
        if running.process.stdin is not None:
            running.process.stdin.close()
        try:
            await asyncio.wait_for(running.process.wait(), _ENDING)
        except TimeoutError:
            running.process.kill()

    def _cancel_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
