"""
How many processes an arrival rate needs, by what `docs/benchmarks.md` measured.

    python bench/sizing.py

Prints the table of `docs/operating.md`, section "Sizing", for the block in `docs/benchmarks.md`.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

_BENCHMARKS = Path(__file__).parents[1] / "docs" / "benchmarks.md"

#: Arrivals per second that the table has rows for.
_RATES = (1, 10, 100, 1_000, 10_000)

#: How the benchmark tells of a drain.
_DRAINED = r"^- One worker process drained ([\d,]+) deliveries a second"

#: How it names the receiver whose database shares no core with it.
_APART = "reference, PostgreSQL on another core"

#: How busy anything is to be in the busiest minute.
_BUSY = 0.6


@dataclass(frozen=True)
class Measured:
    """What was measured, each per second."""

    #: Accepts of one process, on SQLite and on a PostgreSQL that has another core.
    accepts: int
    accepts_postgresql: int
    #: Effects of one process that only works, on either.
    effects: int
    effects_postgresql: int
    #: Commits of the disk, each with its sync.
    commits: int
    #: Microseconds of PostgreSQL's own CPU for a delivery, accepted and worked off.
    database: int


def read(page: str) -> Measured:
    """What the block of the benchmarks in *page* says."""

    def figure(pattern: str) -> int:
        found = re.search(pattern, page, re.MULTILINE)
        if found is None:
            raise ValueError(f"nothing in the benchmarks is like {pattern}")
        return int(found[1].replace(",", ""))

    accepted = rf"^\| {_APART} +\| +"
    worked_off = rf".*\({_APART}\)"
    return Measured(
        accepts=figure(r"^\| reference, SQLite +\| +([\d,]+) \|"),
        accepts_postgresql=figure(rf"{accepted}([\d,]+) \|"),
        effects=figure(rf"{_DRAINED}.*\(reference, SQLite\)"),
        effects_postgresql=figure(rf"{_DRAINED}{worked_off}"),
        commits=figure(r"^- ([\d,]+) appends of 4 KiB a second, each with its fdatasync"),
        database=figure(rf"{accepted}[\d,]+ \| +\d+ \+ (\d+) \|")
        + figure(rf"^- One worker process .*?, \d+ \+ (\d+) us of CPU each{worked_off}"),
    )


def table(measured: Measured) -> str:
    """The processes that each rate needs, in Markdown."""
    accepts = f"{measured.accepts:,} ({measured.accepts_postgresql:,} on PostgreSQL)"
    effects = f"{measured.effects:,} ({measured.effects_postgresql:,})"
    lines = [
        f"With *A* = {accepts}, *E* = {effects},",
        f"*D* = {measured.database} and *W* = {measured.commits:,}:",
        "",
        "| *L* per second | SQLite: accept | work | of *W* | PostgreSQL: accept | work | cores |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rate in _RATES:
        cells = (
            f"{rate:,}",
            _processes(rate, measured.accepts) + 1,
            _processes(rate, measured.effects),
            # A sync for each accept: fewer, the more share one. Effects wait for none.
            f"{rate / measured.commits:.1%}",
            _processes(rate, measured.accepts_postgresql) + 1,
            _processes(rate, measured.effects_postgresql),
            f"{rate * measured.database / 1_000_000 / _BUSY:.1f}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _processes(rate: int, each: int) -> int:
    return math.ceil(rate / (_BUSY * each))


if __name__ == "__main__":
    sys.stdout.write(table(read(_BENCHMARKS.read_text(encoding="utf-8"))) + "\n")
