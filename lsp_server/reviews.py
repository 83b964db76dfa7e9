"""One review a document: after a pause, in the background, the newest version only."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lsp_server.jobs import Context, DocumentReview, Job, Result, ReviewDocument
from lsp_server.process import JobError
from lsp_server.reviewing import Progress
from review_core.types import Axis

log = logging.getLogger(__name__)


class Runner(Protocol):
    """What runs jobs. `process.ModelProcess`, or a test's fake."""

    async def run(self, job: Job, *, urgent: bool, progress: Progress | None = None) -> Result:
        """The job's result. Cancelling the coroutine cancels the job."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """A document as an editor has it.

    notebook: the language of the cells whose code the text is, where it is a notebook.
    """

    uri: str
    file: Path
    version: int
    text: str
    notebook: str | None = None


Earlier = Mapping[tuple[str, Axis], float]
"""P(head better) of the review before, by function and axis."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was found about one version of a document."""

    buffer: Buffer
    review: DocumentReview
    earlier: Earlier
    context: Context


@dataclass(slots=True)
class _State:
    version: int
    task: asyncio.Task[None] | None = None
    latest: Reviewed | None = None
    earlier: dict[tuple[str, Axis], float] = field(default_factory=dict)


class Reviews:
    """The reviews of all open documents. All methods belong to one event loop."""

    def __init__(
        self,
        runner: Runner,
        on_review: Callable[[Reviewed], None],
        on_problem: Callable[[Buffer, Exception], None],
    ) -> None:
        """:param on_review: told of every review. on_problem: told why one could not be made."""
        self._runner = runner
        self._on_review = on_review
        self._on_problem = on_problem
        self._states: dict[str, _State] = {}

    @property
    def waiting(self) -> int:
        """How many documents have a review under way."""
        return sum(state.task is not None for state in self._states.values())

    def edited(self, uri: str, version: int) -> None:
        """A version that is not to be reviewed for now: what runs is not wanted any more."""
        state = self._states.setdefault(uri, _State(version))
        state.version = version
        self._stop(state)

    def review(self, buffer: Buffer, context: Context, delay: float) -> None:
        """Review a version after a pause of `delay` seconds, and whatever came before not."""
        self.edited(buffer.uri, buffer.version)
        state = self._states[buffer.uri]
        state.task = asyncio.create_task(self._review(state, buffer, context, delay))

    def forget(self, uri: str) -> None:
        """The document was closed."""
        state = self._states.pop(uri, None)
        if state is not None:
            self._stop(state)

    def stop(self) -> None:
        """Nothing is wanted any more."""
        for uri in list(self._states):
            self.forget(uri)

    def latest(self, uri: str) -> Reviewed | None:
        """The last review, of whichever version."""
        state = self._states.get(uri)
        return state.latest if state else None

    async def settled(self, uri: str) -> None:
        """Wait until nothing is under way for the document."""
        while (state := self._states.get(uri)) is not None:
            if state.task is None or state.task.done():
                break
            await asyncio.wait({state.task})

    def adopt(self, buffer: Buffer, review: DocumentReview, context: Context) -> None:
        """Take in a review that was made on request, if it is of the text on screen."""
        state = self._states.setdefault(buffer.uri, _State(buffer.version))
        if state.task is None and state.version == buffer.version:
            self._take(state, buffer, review, context)

    def outdate(self, uri: str) -> None:
        """What the last review depended on has changed: it does not count any more."""
        state = self._states.get(uri)
        if state is not None:
            state.latest = None

    async def _review(self, state: _State, buffer: Buffer, context: Context, delay: float) -> None:
        await asyncio.sleep(delay)
        started = time.perf_counter()
        job = ReviewDocument(buffer.file, buffer.text, context, buffer.notebook)
        problem: Exception | None = None
        try:
            review = await self._runner.run(job, urgent=True)
        except JobError as error:
            review, problem = DocumentReview(None, reason=str(error)), error
        except Exception as error:  # a fault of ours: say so, and stay useful for other documents
            log.exception("review failed")
            review, problem = DocumentReview(None, reason=f"internal error: {error}"), error
        if not isinstance(review, DocumentReview):
            raise TypeError(f"a review of a document gave {type(review).__name__}")
        log.info(
            "reviewed",
            extra={
                "uri": buffer.uri,
                "version": buffer.version,
                "seconds": round(time.perf_counter() - started, 3),
                "functions": len(review.report.functions) if review.report else 0,
                "findings": len(review.report.findings) if review.report else 0,
                "reason": review.reason,
            },
        )
        state.task = None
        self._take(state, buffer, review, context)
        if problem is not None:
            self._on_problem(buffer, problem)

    def _take(
        self, state: _State, buffer: Buffer, review: DocumentReview, context: Context
    ) -> None:
        reviewed = Reviewed(buffer, review, state.earlier, context)
        state.latest = reviewed
        if review.report is not None:
            # Not more than the last review's: names that were typed on the way are many.
            state.earlier = {
                (each.function.name, axis): score.preference
                for each in review.report.functions
                for axis, score in each.scores.items()
            }
        self._on_review(reviewed)

    def _stop(self, state: _State) -> None:
        if state.task is not None:
            state.task.cancel()
            state.task = None
