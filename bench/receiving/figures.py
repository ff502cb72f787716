"""
What is made of measurements: percentiles, medians, orders of candidates, times that are due.

Pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from load.summary import percentile

_One = TypeVar("_One")


@dataclass(frozen=True)
class Spread:
    """Latencies in milliseconds, by the shares that people ask for."""

    p50: float
    p99: float
    p999: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Spread:
        """
        The spread of latencies in *seconds*.

        Raises:
            ValueError: if there are none.
        """
        ordered = sorted(seconds)
        if not ordered:
            raise ValueError("nothing was answered")
        return cls(*(percentile(ordered, share) * 1000 for share in (0.5, 0.99, 0.999)))


@dataclass(frozen=True)
class Round:
    """One round of one candidate."""

    #: Answers a second at saturation.
    rate: float
    #: Microseconds of the server's CPU for each of them.
    cpu: float
    #: How long they took at saturation, and at half of that load.
    full: Spread
    half: Spread


@dataclass(frozen=True)
class Failure:
    """A round that measured nothing, and why."""

    reason: str


@dataclass(frozen=True)
class Pace:
    """Deliveries a second, and the microseconds of CPU that each of them took."""

    rate: float
    cpu: float


@dataclass(frozen=True)
class Drain:
    """
    How a backlog was accepted, and how a worker worked it off right afterwards.

    The CPU is that of all processes that had a part in it: worker, idle receiver, database.
    """

    accepted: Pace
    done: Pace


def middle(rounds: Sequence[Round]) -> Round:
    """
    The median of each figure by itself.

    Raises:
        StatisticsError: if there are no rounds.
    """
    return Round(
        statistics.median(each.rate for each in rounds),
        statistics.median(each.cpu for each in rounds),
        middle_spread([each.full for each in rounds]),
        middle_spread([each.half for each in rounds]),
    )


def middle_pace(paces: Sequence[Pace]) -> Pace:
    """
    The median of each figure by itself.

    Raises:
        StatisticsError: if there are no paces.
    """
    return Pace(
        statistics.median(each.rate for each in paces),
        statistics.median(each.cpu for each in paces),
    )


def middle_spread(spreads: Sequence[Spread]) -> Spread:
    """
    The median of each share by itself.

    Raises:
        StatisticsError: if there are no spreads.
    """
    return Spread(
        statistics.median(each.p50 for each in spreads),
        statistics.median(each.p99 for each in spreads),
        statistics.median(each.p999 for each in spreads),
    )


def rotated(these: Sequence[_One], turns: int) -> list[_One]:
    """*these*, each *turns* places nearer to the front: nobody is always first."""
    start = turns % len(these) if these else 0
    return [*these[start:], *these[:start]]


def due(rate: float, seconds: float) -> list[float]:
    """When attempts are due, evenly at *rate* for so many *seconds*, counted from the start."""
    return [number / rate for number in range(max(1, round(rate * seconds)))]


@dataclass(frozen=True)
class Target:
    """A promise about a figure: at least, or at most, so much."""

    what: str
    bound: float
    at_most: bool = False
    unit: str = ""

    def line(self, value: float | None) -> str:
        """What was measured beside what was promised; without a *value*, that there is none."""
        sign = "<=" if self.at_most else ">="
        promise = f"{self.what} {sign} {self.bound:g}{self.unit}"
        if value is None:
            return f"{promise}: not measured"
        is_met = value <= self.bound if self.at_most else value >= self.bound
        return f"{promise}: {value:.2f}{self.unit}, {'met' if is_met else 'MISSED'}"


def ratio(one: float | None, other: float | None) -> float | None:
    """*one* for each of the *other*, if both were measured."""
    return None if one is None or not other else one / other
