"""A log as JSON, one object a line, for programs that run unattended."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime

LEVELS = ("debug", "info", "warning", "error")

# What every record has, and uvicorn's message once more in colours.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """A record as JSON: time, level, logger, process, event, then what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, ASCII."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": os.getpid(),
            "event": record.getMessage(),
        }
        told |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)
