"""What the app counts, and its page for Prometheus. Counts nothing by itself.

Workers are other processes, perhaps on other machines, and may be killed: what they count is added
to the database with the work it belongs to, and this page adds nothing up that could be lost.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric


@dataclass(frozen=True, slots=True)
class _Meaning:
    name: str
    help: str
    label: str | None = None


class Counter(Enum):
    """What only grows. A label says which of its kinds is meant."""

    TASKS = _Meaning("tasks", "Tasks that ended, by kind", "kind")
    REVIEWS = _Meaning("reviews", "Reviews that ended, by how", "outcome")
    FUNCTIONS = _Meaning("functions_scored", "Functions that were scored")
    TOKENS = _Meaning("tokens_scored", "Tokens that the model read")
    CACHE_HITS = _Meaning("cache_hits", "Rewards that were remembered")
    CACHE_MISSES = _Meaning("cache_misses", "Rewards that had to be computed")
    POSTED = _Meaning("findings_posted", "Comments on lines that were posted")
    WITHHELD = _Meaning("findings_withheld", "Findings that were not posted, by reason", "reason")
    SKIPPED = _Meaning("files_skipped", "Files that were not reviewed, by reason", "reason")
    RESOLVED = _Meaning("threads_resolved", "Conversations resolved because the finding is gone")
    REFUSED = _Meaning(
        "github_refusals", "Answers of GitHub that refuse a request, by status", "status"
    )
    SLEPT = _Meaning("github_sleep_seconds", "Seconds waited for rate limits, by which", "limit")
    REQUESTS = _Meaning("github_requests", "Requests to GitHub, by method", "method")
    DEAD = _Meaning("dead_letters", "Tasks that were given up")


Counts = Mapping[tuple[Counter, str], float]
"""Amounts by counter and label, "" where a counter has none."""


class Meter(Protocol):
    """Where work says what it did."""

    def add(self, counter: Counter, amount: float = 1, label: str = "") -> None:
        """Count; amount is not negative."""


class Tally:
    """Counts of one process since they were last taken. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[Counter, str], float] = {}

    def add(self, counter: Counter, amount: float = 1, label: str = "") -> None:
        """Count; amount is not negative.

        :raises ValueError: for a label where there is none, or none where there is one.
        """
        if bool(label) != bool(counter.value.label):
            raise ValueError(f"{counter.name} has {'a' if counter.value.label else 'no'} label")
        with self._lock:
            self._counts[counter, label] = self._counts.get((counter, label), 0.0) + amount

    def take(self) -> Counts:
        """All that was counted; it counts from nothing again."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How things stand.

    waiting: deliveries whose work has not begun; oldest_seconds: how long the first of them waits.
    running: tasks being worked on. workers: processes that live. dead: letters given up and not yet
    looked after. counts: all that was ever counted.
    """

    waiting: int = 0
    oldest_seconds: float = 0.0
    running: int = 0
    workers: int = 0
    dead: int = 0
    counts: Counts = field(default_factory=dict)


class Acknowledgements:
    """What the web process counts for itself: its answers to GitHub."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Histogram
        from prometheus_client import Counter as PrometheusCounter

        self.registry: CollectorRegistry = CollectorRegistry()
        self._seconds = Histogram(
            "themis_ack_seconds",
            "Time from a delivery's first byte to the answer",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
            registry=self.registry,
        )
        self._answers = PrometheusCounter(
            "themis_deliveries",
            "Deliveries answered, by event and status",
            ["event", "status"],
            registry=self.registry,
        )

    def answered(self, event: str, status: int, seconds: float) -> None:
        """One delivery. event: of those we know, else "other": a stranger must not add rows."""
        self._seconds.observe(seconds)
        self._answers.labels(event, str(status)).inc()


def metrics_page(acknowledgements: Acknowledgements, snapshot: Snapshot | None) -> bytes:
    """All of it in Prometheus' text format. snapshot: None while the database is away."""
    from prometheus_client import CollectorRegistry, generate_latest

    class Collected:
        def collect(self) -> Iterable[Metric]:
            return _metrics(snapshot)

    stored = CollectorRegistry()
    stored.register(Collected())
    return generate_latest(acknowledgements.registry) + generate_latest(stored)


def _metrics(snapshot: Snapshot | None) -> Iterable[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    up = GaugeMetricFamily("themis_database_up", "Whether the database can be asked")
    up.add_metric([], 0 if snapshot is None else 1)
    yield up
    if snapshot is None:
        return
    for name, value, help_ in (
        ("queue_depth", snapshot.waiting, "Deliveries whose work has not begun"),
        ("queue_age_seconds", snapshot.oldest_seconds, "How long the oldest of them waits"),
        ("running", snapshot.running, "Tasks being worked on"),
        ("workers", snapshot.workers, "Worker processes that live"),
        ("dead_letters_waiting", snapshot.dead, "Tasks given up that nobody has looked after"),
    ):
        yield GaugeMetricFamily(f"themis_{name}", help_, value=value)
    for counter in Counter:
        meaning = counter.value
        family = CounterMetricFamily(
            f"themis_{meaning.name}", meaning.help, labels=[meaning.label] if meaning.label else []
        )
        for (counted, label), amount in snapshot.counts.items():
            if counted is counter:
                family.add_metric([label] if meaning.label else [], amount)
        yield family
