"""The log of the app: one JSON object a line on stderr, with its context and without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from github_app.redaction import redactor
from github_app.secrets import Secret
from review_core.json_log import JsonFormatter

# What they tell at `info` is each request, each poll, each call of git.
_CHATTY = ("asyncio", "dbos", "git", "githubkit", "hishel", "httpcore", "httpx", "sqlalchemy")

_about: ContextVar[Mapping[str, object]] = ContextVar("about", default={})  # noqa: B039 (not changed)


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Let every line that is logged within say these as well: delivery, installation, repository,
    pull. They are this thread's, or this asynchronous task's.
    """
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def log_to_stderr(
    level: str, secrets: Sequence[Secret] = (), stream: TextIO | None = None
) -> Callable[[str], str]:
    """Send the log of this process there, from `level` on.

    :param secrets: they never appear, nor does what looks like one.
    :return: what took them out, for text that goes elsewhere.
    """
    redact = redactor(secrets)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(redact))
    handler.addFilter(_add_context)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
    return redact


class _Formatter(JsonFormatter):
    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def _add_context(record: logging.LogRecord) -> bool:
    for name, value in _about.get().items():
        if name not in vars(record):  # what the call itself says is nearer
            setattr(record, name, value)
    return True
