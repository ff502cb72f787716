"""What was measured as a page of Markdown, which is also what a terminal shows.  Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.receiving import figures
from bench.receiving.figures import Cpu, Drain, Failure, Round, Spread, Target
from bench.receiving.soak import Memory

_HEAD = (
    "receiver",
    "a second",
    "CPU us each",
    "p50",
    "p99",
    "p99.9 ms",
    "half: p50",
    "p99",
    "p99.9 ms",
)

#: The reference receiver's rate on a store, for each of another's.
_RATES = (
    (Target("SQLite / stores nothing", 0.5), "sqlite", "forgetful"),
    (Target("SQLite / a commit each", 3), "sqlite", "single"),
    (Target("SQLite / Fastify, group commit", 1), "sqlite", "node-group"),
    (Target("SQLite / Fastify, group commit, writes alike", 1), "sqlite", "node-alike"),
    (Target("SQLite / Fastify, a commit each", 1), "sqlite", "node"),
    (Target("SQLite / webhook", 1), "sqlite", "webhook"),
    (Target("PostgreSQL / stores nothing", 0.5), "postgres", "forgetful"),
    (Target("PostgreSQL on another core / stores nothing", 0.5), "postgres-apart", "forgetful"),
)

#: Whose database does not use the servers' core.
_APART = frozenset({"postgres-apart"})


@dataclass
class Found:
    """All that a run has measured; what it has not is `None` or not there."""

    titles: Mapping[str, str]
    machine: Sequence[str]
    method: str
    rounds: Mapping[str, Sequence[Round | Failure]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    syncs: float | None = None
    drained: dict[str, Sequence[Drain]] = field(default_factory=dict)
    rows: int = 0
    few: Spread | None = None
    many: Spread | None = None
    soak_seconds: float = 0.0
    soak_rate: float = 0.0
    memory: Memory | None = None
    troubles: list[str] = field(default_factory=list)

    def middle(self, key: str) -> Round | None:
        """The medians of a candidate, if one of its rounds succeeded."""
        good = [each for each in self.rounds.get(key, ()) if isinstance(each, Round)]
        return figures.middle(good) if good else None

    def rate(self, key: str) -> float | None:
        """The median of its rates."""
        middle = self.middle(key)
        return None if middle is None else middle.rate

    def cpu(self, key: str) -> float | None:
        """The median of what an answer of it costs the servers' core."""
        middle = self.middle(key)
        return None if middle is None else _of_its_core(key, middle.cpu)


def _of_its_core(key: str, cpu: Cpu) -> float:
    return cpu.receiver if key in _APART else cpu.whole


def page(found: Found) -> str:
    """The whole page."""
    parts = (_machine(found), _table(found), _more(found), _targets(found))
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part) + "\n"


def _machine(found: Found) -> Iterator[str]:
    yield from (f"- {line}" for line in found.machine)
    if found.syncs is not None:
        yield f"- {found.syncs:,.0f} appends of 4 KiB a second, each with its fdatasync"
    yield f"- {found.method}"


def _table(found: Found) -> Iterator[str]:
    lines = [_HEAD, *(_row(found, key) for key in found.rounds)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEAD))]
    ruler = [width - (at > 0) for at, width in enumerate(widths)]
    yield _line(_HEAD, widths)
    yield "|" + "|".join(f"{'-' * (w + 2)}{':' if at else ''}" for at, w in enumerate(ruler)) + "|"
    for line in lines[1:]:
        yield _line(line, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if at else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *others]) + " |"


def _row(found: Found, key: str) -> tuple[str, ...]:
    middle = found.middle(key)
    if middle is None:
        return (found.titles[key], "failed", *("-" for _ in range(len(_HEAD) - 2)))
    spreads = (middle.full, middle.half)
    shares = (f"{value:.2f}" for each in spreads for value in (each.p50, each.p99, each.p999))
    return (found.titles[key], f"{middle.rate:,.0f}", str(middle.cpu), *shares)


def _more(found: Found) -> Iterator[str]:
    for key, sentence in found.left_out.items():
        yield f"- Left out: {found.titles[key]}: {sentence}."
    for key, rounds in found.rounds.items():
        for number, each in enumerate(rounds, 1):
            if isinstance(each, Failure):
                yield f"- Round {number} of {found.titles[key]} failed: {each.reason}."
    yield from (f"- {trouble}" for trouble in found.troubles)
    for key, drains in found.drained.items():
        done = figures.middle([one.done for one in drains])
        accepted = figures.middle([one.accepted for one in drains])
        yield (
            f"- One worker process drained {done.rate:,.0f} deliveries a second, "
            f"{done.cpu} us of CPU each, which had come at {accepted.rate:,.0f} a second, "
            f"{accepted.cpu} us each ({found.titles[key]})."
        )
    if found.few is not None and found.many is not None:
        yield (
            f"- Accepting at half load took p50 {found.few.p50:.2f} and p99 {found.few.p99:.2f} ms "
            f"with 10,000 rows, p50 {found.many.p50:.2f} and p99 {found.many.p99:.2f} ms "
            f"with {found.rows:,}."
        )
    if found.memory is not None:
        memory = found.memory
        start, half, end, peak = (
            each / 2**20 for each in (memory.start, memory.half, memory.end, memory.peak)
        )
        yield (
            f"- Memory over {found.soak_seconds:.0f} s of {found.soak_rate:.0f} deliveries a "
            f"second: {start:.0f} MiB at the start, {half:.0f} half-way, {end:.0f} at the end, "
            f"{peak:.0f} at most."
        )


def _targets(found: Found) -> Iterator[str]:
    for target, one, other in _RATES:
        if found.rounds.get(one) or found.rounds.get(other):
            line = target.line(figures.ratio(found.rate(one), found.rate(other)))
            by_cpu = figures.ratio(found.cpu(other), found.cpu(one))
            yield f"- {line}" + ("" if by_cpu is None else f" (by CPU {by_cpu:.2f})")
    reference = found.middle("sqlite")
    slowest = Target("SQLite, p99 at saturation", 20, at_most=True, unit=" ms")
    yield f"- {slowest.line(reference and reference.full.p99)}"
    for key, drains in found.drained.items():
        target = Target(f"drain / accept, {found.titles[key]}", 1)
        # Of the same minutes each: what the machine gives changes by as much as the two differ.
        by_rate = statistics.median(one.done.rate / one.accepted.rate for one in drains)
        by_cpu = statistics.median(
            _of_its_core(key, one.accepted.cpu) / _of_its_core(key, one.done.cpu) for one in drains
        )
        yield f"- {target.line(by_rate)} (by CPU {by_cpu:.2f})"
    if found.few is not None and found.many is not None:
        grown = Target(f"p99 with {found.rows:,} rows / with 10,000", 1.2, at_most=True)
        yield f"- {grown.line(figures.ratio(found.many.p99, found.few.p99))}"
