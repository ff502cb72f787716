"""The rounds: every candidate in turn, each with a server and a database of its own."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.receiving.candidates import Candidate
from bench.receiving.deliveries import Attempts
from bench.receiving.figures import Failure, Round, Spread, rotated
from bench.receiving.machine import Cores
from bench.receiving.pressure import Outcome, Pressure
from bench.receiving.servers import SECRET, Server
from calcontract.errors import SetupError

#: Attempts of one server and the next never have a number in common.
_APART = 10_000_000


class MeasurementError(Exception):
    """What was measured counts for nothing; the message says why."""


@dataclass(frozen=True)
class Bench:
    """Where and how hard everything is measured."""

    folder: Path
    cores: Cores
    connections: int = 64
    #: Seconds before a measurement, and of a measurement.
    warm: float = 1.0
    seconds: float = 5.0

    @contextlib.contextmanager
    def empty(self, name: str) -> Iterator[Path]:
        """A new and empty folder, which is gone afterwards."""
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def pressure(self, server: Server, number: int = 0) -> Pressure:
        """The load on *server*; another *number* has other deliveries."""
        attempts = Attempts(server.url, SECRET, start=number * _APART)
        return Pressure(server.url, attempts, self.connections)


def sound(outcome: Outcome, server: Server, before: int = 0) -> Outcome:
    """
    *outcome*, if every attempt was answered 202 and every 202 is in the table of *server*.

    Args:
        outcome: of some load.
        server: who was under it.
        before: the newest row of its table before that.

    Raises:
        MeasurementError: if one was not.
    """
    if failed := outcome.failed():
        raise MeasurementError(failed)
    if not outcome.latencies:
        raise MeasurementError("nothing was answered in time")
    if server.database:
        kept = server.rows(before)
        if kept < outcome.confirmed:
            raise MeasurementError(f"{outcome.confirmed} were answered 202 and {kept} are stored")
    return outcome


def once(bench: Bench, candidate: Candidate) -> Round:
    """
    One round of *candidate*: at saturation, then at half of it, on the same database.

    Raises:
        MeasurementError: if an attempt was not answered 202, or one answered so is not stored.
        SetupError: if it does not start.
    """
    with (
        bench.empty(candidate.key) as folder,
        candidate.running(folder, bench.cores) as server,
    ):
        load = bench.pressure(server)
        at_rest = server.cpu()
        full = sound(load.saturate(warm=bench.warm, seconds=bench.seconds), server)
        cpu = server.cpu().each(at_rest, full.confirmed)
        before = server.last()
        half = load.press(rate=full.rate / 2, seconds=bench.seconds)
        sound(half, server, before)
    return Round(
        rate=full.rate,
        cpu=cpu,
        full=Spread.of(full.latencies),
        half=Spread.of(half.latencies),
    )


def interleaved(
    bench: Bench, candidates: Iterable[Candidate], rounds: int
) -> dict[str, list[Round | Failure]]:
    """Every candidate once a round, in an order that turns from round to round."""
    these = list(candidates)
    measured: dict[str, list[Round | Failure]] = {each.key: [] for each in these}
    turns = [(number, each) for number in range(rounds) for each in rotated(these, number)]
    for number, candidate in turns:
        progress(f"round {number + 1} of {rounds}: {candidate.title}")
        try:
            measured[candidate.key].append(once(bench, candidate))
        except (MeasurementError, SetupError) as problem:
            progress(f"  failed: {problem}")
            measured[candidate.key].append(Failure(str(problem)))
    return measured


def progress(line: str) -> None:
    """Tell who waits what is going on, beside the figures."""
    print(line, file=sys.stderr, flush=True)
