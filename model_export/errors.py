"""The outcome of an export that is no mistake in asking: the result is not good enough."""

from __future__ import annotations


class GateError(Exception):
    """A measurement is beyond its gate; the text has one line for each."""
