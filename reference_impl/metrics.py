"""
Metrics for Prometheus: counters of what this process saw, gauges of what the store holds.

Served on an address of their own, never where deliveries arrive.  What alerts ask for is there from
the start, as 0: no rate can be taken of a series that begins with its first burst.  Labels are
bounded: a trigger that Cal.com may have invented yesterday is `other`, so no sender can fill a
time-series database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from reference_impl import backlog, logs
from reference_impl.meter import OUTCOMES, REFUSALS, SECRETS, Meter
from reference_impl.triggers import KNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

    from reference_impl.clock import Clock
    from reference_impl.store import Store

_OTHER = "other"

#: Seconds, from a fold in memory to a handler that waits for somebody else.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics(Meter):
    """Counts what it is told, and reads the store when it is scraped."""

    def __init__(self, store: Store, clock: Clock, *, telling: bool = True) -> None:
        #: Whether there is anybody to be told of dead letters; else none is untold.
        self._telling = telling
        self._store = store
        self._clock = clock
        self.registry = CollectorRegistry()
        more: dict[str, Any] = {"namespace": "receiver", "registry": self.registry}
        self._accepted = Counter(
            "accepted_deliveries", "New deliveries that are on disk.", ["trigger"], **more
        )
        self._duplicates = Counter(
            "duplicate_deliveries", "Deliveries that were on disk before.", ["trigger"], **more
        )
        self._refused = Counter(
            "refused_attempts", "Attempts that were not taken.", ["reason"], **more
        )
        self._verified = Counter(
            "signatures", "Right signatures, by the secret they were made with.", ["secret"], **more
        )
        self._tries = Counter(
            "tries", "Tries at deliveries, by how they ended.", ["trigger", "outcome"], **more
        )
        self._buried = Counter(
            "buried_deliveries", "Deliveries that became dead letters.", ["trigger"], **more
        )
        self._seconds = Histogram(
            "try_duration_seconds", "How long tries took.", ["trigger"], buckets=_BUCKETS, **more
        )
        self._answers = Histogram(
            "answer_duration_seconds",
            "How long answers took, from the head of an attempt on.",
            ["status"],
            buckets=_BUCKETS,
            **more,
        )
        self._begin_at_zero()
        self.registry.register(_Held(self.held))

    def _begin_at_zero(self) -> None:
        """Make the series that alerts look at; durations have too many, and no alert asks them."""
        for trigger in (*sorted(KNOWN), _OTHER):
            for counter in (self._accepted, self._duplicates, self._buried):
                counter.labels(trigger)
            for outcome in OUTCOMES:
                self._tries.labels(trigger, outcome)
        for reason in REFUSALS:
            self._refused.labels(reason)
        for secret in SECRETS:
            self._verified.labels(secret)

    # --- what the process saw ---------------------------------------------------------------

    def accepted(self, trigger: str) -> None:
        """Count a new delivery."""
        self._accepted.labels(_label(trigger)).inc()

    def duplicate(self, trigger: str) -> None:
        """Count a delivery that was there before."""
        self._duplicates.labels(_label(trigger)).inc()

    def refused(self, reason: str) -> None:
        """Count an attempt that was not taken."""
        self._refused.labels(reason).inc()

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer and how long it took."""
        self._answers.labels(status).observe(seconds)

    def verified(self, secret: str) -> None:
        """Count a right signature."""
        self._verified.labels(secret).inc()

    def tried(self, trigger: str, outcome: str, seconds: float) -> None:
        """Count a try and how long it took."""
        self._tries.labels(_label(trigger), outcome).inc()
        self._seconds.labels(_label(trigger)).observe(seconds)

    def buried(self, trigger: str) -> None:
        """Count a new dead letter."""
        self._buried.labels(_label(trigger)).inc()

    # --- what the store holds ---------------------------------------------------------------

    def held(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, read from the store now; only `receiver_store_readable` if it fails."""
        readable = GaugeMetricFamily("receiver_store_readable", "Whether the store can be read.")
        try:
            with self._store.read() as connection:
                seen = backlog.look(connection, self._clock.now())
        except SQLAlchemyError as problem:
            logs.logger().error("Metrics without the store", reason=logs.describe(problem))
            readable.add_metric([], 0)
            yield readable
            return
        readable.add_metric([], 1)
        yield readable
        waiting = GaugeMetricFamily(
            "receiver_waiting_deliveries", "Deliveries that wait.", labels=["priority"]
        )
        for priority, count in seen.waiting.items():
            waiting.add_metric([priority], count)
        yield waiting
        for name, help_, value in (
            ("processing_deliveries", "Deliveries that are being worked on.", seen.processing),
            (
                "oldest_due_seconds",
                "How long the oldest due delivery has been due.",
                seen.oldest_seconds,
            ),
            ("dead_letters", "Dead letters nobody replayed or discarded.", seen.dead),
            ("unsent_notices", "Dead letters nobody was told of.", seen.unsent * self._telling),
        ):
            yield GaugeMetricFamily(f"receiver_{name}", help_, value=value)


class _Held:
    """Has the registry read the store at each scrape, and not when it is registered."""

    def __init__(self, held: Callable[[], Iterator[Metric]]) -> None:
        self._held = held

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        return self._held()


def _label(trigger: str) -> str:
    return trigger if trigger in KNOWN else _OTHER
