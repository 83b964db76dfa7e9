"""Nothing is sent anywhere: what we run must not report home either."""

from __future__ import annotations

import os


def switch_off() -> None:
    """Call before onnxruntime is imported, by whomever.

    Its official builds write a device id and report usage since 1.29, already at import; only this
    variable prevents it (`disable_telemetry_events` comes too late).
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
