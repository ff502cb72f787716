"""
What a load test has measured, and whether that is good enough.

Latency is counted from the moment an attempt was due, not from the moment it was sent: a receiver
that stands still for a second makes everybody wait who came in that second.  Percentiles come from
all samples, without buckets.  Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

#: An attempt that starts this long after it was due says more about us than about the receiver.
LATE = 0.1
#: From this share of late attempts on, p99 is ours and not the receiver's.
TOLERATED = 0.01

#: Exit codes, as those of `calcontract`.
GOOD, BROKEN, NOT_VERIFIED = 0, 1, 4

_POINTS = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One attempt; times are in seconds after the start.

    Args:
        due: when it was to be sent.
        started: when it was sent.
        ended: when its answer was there, or nothing more to be hoped for.
        failure: why it was not acknowledged; empty if it was.
    """

    due: float
    started: float
    ended: float
    failure: str = ""

    @property
    def latency(self) -> float:
        """Seconds from when it was due."""
        return self.ended - self.due


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value of *ordered* that at least *share* of them do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class Summary:
    """A load test in numbers; latencies are in seconds."""

    rate: float
    duration: float
    budget: float
    seed: int
    arrivals: int
    sent: int
    acknowledged: int
    #: Attempts that started late, and those that never started.
    late: int
    unsent: int
    within_budget: int
    #: Acknowledged after the budget, however late we sent it.
    slow: int
    elapsed: float
    latencies: dict[str, float]
    failures: dict[str, int]

    @classmethod
    def of(
        cls,
        samples: Sequence[Sample],
        *,
        rate: float,
        duration: float,
        budget: float,
        seed: int,
        arrivals: int,
    ) -> Summary:
        """The summary of *samples*, of which there were to be as many as *arrivals*."""
        good = [sample for sample in samples if not sample.failure]
        ordered = sorted(sample.latency for sample in good)
        return cls(
            rate=rate,
            duration=duration,
            budget=budget,
            seed=seed,
            arrivals=arrivals,
            sent=len(samples),
            acknowledged=len(good),
            late=sum(sample.started - sample.due > LATE for sample in samples),
            unsent=arrivals - len(samples),
            within_budget=sum(latency <= budget for latency in ordered),
            slow=sum(sample.ended - sample.started > budget for sample in good),
            elapsed=max([duration, *(sample.ended for sample in samples)]),
            latencies={
                name: percentile(ordered, share) for name, share in _POINTS.items() if ordered
            },
            failures=dict(Counter(sample.failure for sample in samples if sample.failure)),
        )

    @property
    def overloaded(self) -> bool:
        """Whether the generator could not keep to its schedule."""
        return self.unsent > 0 or self.late > self.arrivals * TOLERATED

    @property
    def exit_code(self) -> int:
        """1 if deliveries fail or break the budget, 4 if we could not load as asked, else 0."""
        if self.failures or self.slow:
            return BROKEN
        if self.overloaded:
            return NOT_VERIFIED
        return GOOD if self.within_budget == self.arrivals else BROKEN

    @property
    def verdict(self) -> str:
        """The outcome in a sentence."""
        if self.exit_code == NOT_VERIFIED:
            return (
                f"not verified: the generator could not keep to {self.rate:g}/s; "
                "ask for less, or free the machine"
            )
        if self.exit_code == GOOD:
            return f"every delivery was acknowledged within {self.budget:g} s"
        failed = sum(self.failures.values())
        late = self.acknowledged - self.within_budget
        return (
            f"{failed} deliveries failed and {late} were acknowledged "
            f"after the budget of {self.budget:g} s"
        )

    def lines(self) -> Iterator[str]:
        """The summary for people."""
        spent = self.elapsed
        yield (
            f"asked     {self.rate:g}/s for {self.duration:g} s: {self.arrivals} arrivals, "
            f"latency counted from when each was due; seed {self.seed}"
        )
        yield f"sent      {self.sent} ({self.sent / spent:.1f}/s)"
        yield f"taken     {self.acknowledged} acknowledged ({self.acknowledged / spent:.1f}/s)"
        if self.latencies:
            points = ", ".join(
                f"{name} {value * 1000:.1f}" for name, value in self.latencies.items()
            )
            yield f"latency   {points} ms"
        share = self.within_budget / self.arrivals
        yield f"budget    {share:.2%} of all arrivals acknowledged within {self.budget:g} s"
        for reason, count in sorted(self.failures.items(), key=lambda item: -item[1]):
            yield f"failed    {count}: {reason}"
        yield (
            f"late      {self.late} sent more than {LATE * 1000:g} ms after they were due, "
            f"{self.unsent} not sent at all"
        )
        yield f"verdict   {self.verdict}"

    def document(self) -> dict[str, Any]:
        """The summary for machines; latencies in milliseconds."""
        return {
            "asked": {"rate": self.rate, "duration": self.duration, "arrivals": self.arrivals},
            "budget": self.budget,
            "seed": self.seed,
            "elapsed": round(self.elapsed, 3),
            "sent": self.sent,
            "sentPerSecond": round(self.sent / self.elapsed, 2),
            "acknowledged": self.acknowledged,
            "acknowledgedPerSecond": round(self.acknowledged / self.elapsed, 2),
            "withinBudget": self.within_budget,
            "late": self.late,
            "unsent": self.unsent,
            "overloaded": self.overloaded,
            "latencyMs": {name: round(value * 1000, 3) for name, value in self.latencies.items()},
            "failures": self.failures,
            "verdict": self.verdict,
            "exitCode": self.exit_code,
            "lines": list(self.lines()),
        }
