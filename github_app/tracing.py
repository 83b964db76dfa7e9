"""OpenTelemetry, for sites that collect traces. Off unless asked for, and then an extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from review_core.errors import ThemisError

MISSING = "OpenTelemetry is not installed; install it with: pip install 'themis-review[app,otel]'"


class Span(Protocol):
    """Begins a span of a trace; it ends with the block."""

    def __call__(self, name: str, **attributes: str | int) -> AbstractContextManager[None]:
        """Within the block, spans that begin are its children."""


class MissingTracesError(ThemisError):
    """Traces are asked for and OpenTelemetry is not installed."""


def no_span(name: str, **attributes: str | int) -> AbstractContextManager[None]:
    """Trace nothing."""
    return nullcontext()


def start_traces(service: str) -> Span:
    """Send spans, in the background, to where OpenTelemetry's own variables say
    (OTEL_EXPORTER_OTLP_ENDPOINT). What is waiting at the end is sent then.

    :raises MissingTracesError: if it is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise MissingTracesError(MISSING) from error
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("themis")

    @contextmanager
    def span(name: str, **attributes: str | int) -> Iterator[None]:
        with tracer.start_as_current_span(name, attributes=attributes):
            yield

    return span
