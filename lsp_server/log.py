"""The log: one JSON object a line on stderr, which editors show. It is sent nowhere else."""

from __future__ import annotations

import logging
import sys

from review_core.json_log import JsonFormatter


def log_to_stderr(level: str) -> None:
    """Send the log of this process there, from `level` on.

    pygls logs whole messages, and so the user's code, from `info` on; only its warnings pass.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("pygls").setLevel(max(logging.WARNING, root.level))
    # At every edit of a cell it complains that it was told a part; notebooks.py keeps the cells.
    logging.getLogger("pygls.workspace").setLevel(logging.CRITICAL)
    # A client that takes back what was just answered is no reason to warn.
    logging.getLogger("pygls.protocol").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("git").setLevel(logging.WARNING)
