"""
What is made of measurements: percentiles, medians, orders of candidates, times that are due.

Pure.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

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
class Cpu:
    """CPU that was used: by a receiver's own processes, and by those of its database's server."""

    receiver: float
    database: float = 0.0

    @property
    def whole(self) -> float:
        """What both of them used."""
        return self.receiver + self.database

    def each(self, before: Cpu, count: int) -> Cpu:
        """Microseconds for each of *count*, both this and *before* being seconds so far."""
        return Cpu(
            (self.receiver - before.receiver) / count * 1_000_000,
            (self.database - before.database) / count * 1_000_000,
        )

    def __str__(self) -> str:
        return f"{self.receiver:.0f}" + (f" + {self.database:.0f}" if self.database else "")


@dataclass(frozen=True)
class Round:
    """One round of one candidate."""

    #: Answers a second at saturation.
    rate: float
    #: Microseconds of CPU for each of them.
    cpu: Cpu
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
    cpu: Cpu


@dataclass(frozen=True)
class Drain:
    """
    How a backlog was accepted, and how a worker worked it off right afterwards.

    The idle receiver's CPU counts as the worker's.
    """

    accepted: Pace
    done: Pace


def middle(these: Sequence[_One]) -> _One:
    """
    Figures of one kind as one: the median of each by itself, and of each within it.

    Raises:
        StatisticsError: if there are none.
    """
    if not these:
        raise statistics.StatisticsError("nothing was measured")
    kind: Any = type(these[0])
    if not dataclasses.is_dataclass(kind):
        return statistics.median(these)  # type: ignore[type-var]
    medians = (
        middle([getattr(each, one.name) for each in these]) for one in dataclasses.fields(kind)
    )
    return cast("_One", kind(*medians))


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
