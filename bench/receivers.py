"""
How fast the reference receiver is, against receivers of others and against itself changed.

    python bench/receivers.py [--quick] [--rows N] [--soak SECONDS] [--only KEYS] ...

Prints a page of Markdown (`docs/benchmarks.md` explains it), and what it is doing on stderr.
Everything happens on 127.0.0.1, and it stops what it started and nothing else.
"""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.receiving import backlog, history, machine, soak
from bench.receiving.candidates import CANDIDATES
from bench.receiving.machine import Cores, Disk
from bench.receiving.page import Found, page
from bench.receiving.rounds import Bench, MeasurementError, interleaved, progress
from calcontract.errors import SetupError

_Value = TypeVar("_Value")

_FOLDER = Path(__file__).parent.parent / "build" / "bench"

_MOST_ROWS = 50_000_000

#: The candidates whose backlog a worker drains.
_DRAINED = frozenset({"sqlite", "postgres", "postgres-apart"})


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="rounds of a second, few rows")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each candidate (3)")
    parser.add_argument("--seconds", type=float, help="of each measurement (5)")
    parser.add_argument("--connections", type=int, default=64, help="of the load (64)")
    parser.add_argument("--rows", type=int, help="compared with 10,000; 0: not (200,000)")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="watch the memory (30)")
    parser.add_argument("--soak-rate", type=float, default=500.0, help="deliveries a second (500)")
    parser.add_argument("--only", help=f"candidates, of {','.join(CANDIDATES)}")
    parser.add_argument("--no-drain", action="store_true", help="do not measure a worker")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="for the databases")
    told = parser.parse_args()
    told.seconds = told.seconds or (1.0 if told.quick else 5.0)
    if told.rows is None:
        told.rows = 50_000 if told.quick else 200_000
    if told.soak is None:
        told.soak = 5.0 if told.quick else 30.0
    told.keys = told.only.split(",") if told.only else list(CANDIDATES)
    if unknown := set(told.keys) - set(CANDIDATES):
        parser.error(f"there is no candidate {min(unknown)}")
    if not 1 <= told.rounds <= 100 or not 0 <= told.rows <= _MOST_ROWS:
        parser.error(f"at most 100 rounds and {_MOST_ROWS} rows, and no fewer than 1 and 0")
    if not 0 < told.seconds <= 600 or not 0 <= told.soak <= 86_400:
        parser.error("at most 600 seconds of measuring at a time, and a day of soaking")
    return told


def _tried(found: Found, what: str, measure: Callable[[], _Value]) -> _Value | None:
    """What *measure* gives; if it gives nothing, that is told too."""
    progress(what)
    try:
        return measure()
    except (MeasurementError, SetupError) as problem:
        found.troubles.append(f"Not measured, {what}: {problem}.")
        return None


def _measured(told: argparse.Namespace) -> Found:
    cores = Cores.of_this_machine()
    described = machine.described(cores, Disk.under(told.folder))
    os.sched_setaffinity(0, {cores.load})
    bench = Bench(
        told.folder, cores, told.connections, min(1.0, told.seconds / 2), seconds=told.seconds
    )
    found = Found(
        titles={key: each.title for key, each in CANDIDATES.items()},
        machine=described,
        method=f"{told.connections} connections, bodies of 2.5 kB, medians of {told.rounds} rounds "
        f"of {told.seconds:g} s each at saturation and at half of that load",
    )
    chosen = [CANDIDATES[key] for key in told.keys]
    found.left_out = {each.key: why for each in chosen if (why := each.missing())}
    present = [each for each in chosen if each.key not in found.left_out]
    with bench.empty("disk") as folder:
        found.syncs = machine.syncs_a_second(folder, told.seconds)
    found.rounds = interleaved(bench, present, told.rounds)
    for each in present if not told.no_drain else ():
        if each.key in _DRAINED:
            drains = [
                _tried(
                    found,
                    f"drain {number} of {each.title}",
                    functools.partial(backlog.drained, bench, each),
                )
                for number in range(1, told.rounds + 1)
            ]
            if any(drains):
                found.drained[each.key] = [drain for drain in drains if drain is not None]
    accepted = found.rate("sqlite")
    if told.rows and accepted is not None:
        found.rows = told.rows
        both = _tried(
            found,
            "accepting with many rows",
            lambda: history.latencies(bench, rows=told.rows, rate=accepted / 2, rounds=told.rounds),
        )
        found.few, found.many = both or (None, None)
    if told.soak:
        found.soak_seconds, found.soak_rate = told.soak, told.soak_rate
        found.memory = _tried(
            found,
            "the soak",
            lambda: soak.soaked(bench, seconds=told.soak, rate=told.soak_rate),
        )
    return found


def main() -> None:
    """Measure what the command line asks for."""
    told = _told()
    told.folder.mkdir(parents=True, exist_ok=True)
    print(page(_measured(told)), end="")


if __name__ == "__main__":
    main()
