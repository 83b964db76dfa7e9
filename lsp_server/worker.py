"""The process that reads repositories, parses, and runs the model, so that the server never waits.

tree-sitter and Python hold the interpreter while they work, and onnxruntime does not give its
memory back: in a process of its own neither matters. It ends with the server, or when it is idle.

One thread works, one listens. A job is cancelled between two runs of the model, and the urgent ones
(what somebody is typing) are done in the pauses of those that are not.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from lsp_server.frames import packed, read_frame
from lsp_server.jobs import Answer, Asked, Cancelled, Failed, Finished, Progressed
from lsp_server.log import log_to_stderr
from lsp_server.model import load_judge
from lsp_server.reviewing import CancellableScorer, LoadJudge, LoadScorer, Progress, perform
from review_core import margins
from review_core.calibration import Calibration
from review_core.cascade import JudgeModel
from review_core.config import Settings
from review_core.errors import ThemisError
from review_core.types import BundleIdentity

log = logging.getLogger(__name__)

_SLICE_SECONDS = 0.5
"""How long the model works between two looks at what else is wanted, about."""

_FEWEST, _MOST = 2, 8
"""Codes scored in that time: a function's two sides share what they begin with; more at once would
take more memory than an editor should.
"""

_BACKGROUND = 5
"""How far the worker steps back behind the editor, in steps of `nice`."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first frame: the server's module path and log level, and what loads the model."""

    path: tuple[str, ...]
    load_scorer: str
    log_level: str


def main() -> None:
    """Work until the server closes our input."""
    source = sys.stdin.buffer
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    with contextlib.suppress(OSError, AttributeError):  # Windows has no such thing
        os.nice(_BACKGROUND)
    start: Start = read_frame(source)
    sys.path[:] = start.path
    log_to_stderr(start.log_level)
    module, _, name = start.load_scorer.partition(":")
    Worker(getattr(import_module(module), name), sink).run(source)


class Worker:
    """Does one job after the other, with a model that stays open as long as settings name it."""

    def __init__(
        self, load_scorer: LoadScorer, sink: BinaryIO, load_judge: LoadJudge = load_judge
    ) -> None:
        self._load_scorer = load_scorer
        self._load_judge = load_judge
        self._sink = sink
        self._waiting: list[Asked] = []
        self._active: set[int] = set()
        self._unwanted: set[int] = set()
        self._news = threading.Condition()
        self._opened: tuple[object, CancellableScorer, Calibration] | None = None
        self._bundle: BundleIdentity | None = None
        self._judge: tuple[object, JudgeModel[CancellableScorer] | None] | None = None

    def run(self, source: BinaryIO) -> None:
        """Listen on one thread, work on this one."""
        threading.Thread(target=self._listen, args=(source,), daemon=True).start()
        while True:
            with self._news:
                while (asked := self._next()) is None:
                    self._news.wait()
            self._do(asked)

    def _listen(self, source: BinaryIO) -> None:
        while True:
            try:
                message = read_frame(source)
            except EOFError:
                os._exit(0)  # the server is gone or wants us gone: whatever runs, nobody waits
            with self._news:
                if isinstance(message, Asked):
                    self._waiting.append(message)
                    self._active.add(message.id)
                elif message.id in self._active:
                    self._unwanted.add(message.id)
                self._news.notify()

    def _next(self, *, urgent: bool = False) -> Asked | None:
        """The job to do: urgent ones first, then in the order asked."""
        wanted = sorted(self._waiting, key=lambda each: (not each.urgent, each.id))
        if not wanted or (urgent and not wanted[0].urgent):
            return None
        self._waiting.remove(wanted[0])
        return wanted[0]

    def _do(self, asked: Asked) -> None:
        answer = self._answer(asked)
        with self._news:
            self._active.discard(asked.id)
            self._unwanted.discard(asked.id)
        self._tell(answer)

    def _answer(self, asked: Asked) -> Answer:
        def progress(done: int, total: int) -> None:
            self._stop_if_unwanted(asked)
            self._tell(Progressed(asked.id, done, total))

        try:
            self._stop_if_unwanted(asked)
            result = perform(
                asked.job,
                lambda settings: self._scorer(settings, asked),
                progress,
                lambda: self.pause(asked),
                lambda settings, model, calibration: self._judge_of(
                    settings, model, calibration, asked
                ),
            )
            return Finished(asked.id, result, resident_bytes(), self._bundle)
        except CancelledError:
            return Cancelled(asked.id)
        except ThemisError as error:
            return Failed(asked.id, " ".join(str(error).split()), type(error).__name__)
        except Exception as error:  # one bad text must not take the model down with it
            log.exception("job failed", extra={"job": type(asked.job).__name__})
            return Failed(asked.id, f"{type(error).__name__}: {error}", None)

    def _scorer(self, settings: Settings, asked: Asked) -> tuple[margins.Scorer, Calibration]:
        """The settings' model, kept open; another one takes its place."""
        key = (settings.model, settings.threads, settings.cache)
        if self._opened is None or self._opened[0] != key:
            self._opened = None  # let go of the old one first: two need not fit
            log.info("loading the model", extra={"bundle": str(settings.model or "default")})
            self._opened = (key, *self._load_scorer(settings))
        _, scorer, calibration = self._opened
        self._bundle = scorer.bundle.identity
        return _AttentiveScorer(scorer, self, asked), calibration

    def _judge_of(
        self, settings: Settings, model: margins.Model, calibration: Calibration, asked: Asked
    ) -> JudgeModel[margins.Scorer] | None:
        """The judge that the settings name; once opened it stays open as the model does."""
        if settings.judge.model is None:
            self._judge = None
            return None
        key = (settings.judge.model, model.identity, settings.threads, settings.cache)
        if self._judge is None or self._judge[0] != key:
            self._judge = None
            self._judge = key, self._load_judge(settings, model, calibration)
        judge = self._judge[1]
        if judge is None:
            return None
        return judge.within(lambda scorer: _AttentiveScorer(scorer, self, asked))

    def pause(self, asked: Asked) -> None:
        """Between two runs: stop an unwanted job, let urgent ones by.

        :raises CancelledError: if the job is unwanted.
        """
        self._stop_if_unwanted(asked)
        while not asked.urgent:
            with self._news:
                urgent = self._next(urgent=True)
            if urgent is None:
                return
            self._do(urgent)
            self._stop_if_unwanted(asked)

    def is_unwanted(self, asked: Asked) -> bool:
        """Whether the job was cancelled."""
        return asked.id in self._unwanted

    def _stop_if_unwanted(self, asked: Asked) -> None:
        if self.is_unwanted(asked):
            raise CancelledError

    def _tell(self, answer: Answer) -> None:
        try:
            self._sink.write(packed(answer))
            self._sink.flush()
        except BrokenPipeError:
            os._exit(0)


class _AttentiveScorer:
    """A scorer that looks up from its work, between slices of it."""

    def __init__(self, scorer: CancellableScorer, worker: Worker, asked: Asked) -> None:
        self.bundle = scorer.bundle
        self._scorer = scorer
        self._worker = worker
        self._asked = asked

    @property
    def statistics(self) -> margins.Meter:
        return self._scorer.statistics

    def rewards(
        self, codes: Sequence[str], *, intent: str = "", progress: Progress | None = None
    ) -> Sequence[Mapping[str, float] | None]:
        answers: list[Mapping[str, float] | None] = []
        few = _FEWEST
        while len(answers) < len(codes):
            self._worker.pause(self._asked)
            started = time.perf_counter()
            answers += self._scorer.rewards(
                codes[len(answers) : len(answers) + few],
                intent=intent,
                cancelled=lambda: self._worker.is_unwanted(self._asked),
            )
            few = next_slice(few, time.perf_counter() - started)
            if progress is not None:
                progress(len(answers), len(codes))
        return answers


def next_slice(few: int, seconds: float) -> int:
    """How many codes to score next, if so many took that long: an even number."""
    wanted = _FEWEST * int(few * _SLICE_SECONDS / max(seconds, 0.001) / _FEWEST)
    return min(max(wanted, _FEWEST), _MOST)


def resident_bytes(pid: int | str = "self") -> int | None:
    """The memory that a process has in RAM; None where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return _peak_bytes() if pid == "self" else None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def name_of(function: Callable[..., object]) -> str:
    """How `Start` names a function: it has to be importable from its module."""
    return f"{function.__module__}:{function.__qualname__}"


if __name__ == "__main__":
    main()
