"""What is told of a receiver that died although nobody had killed it."""

from __future__ import annotations

from collections.abc import Iterator

from calcontract.records import CheckRecord, RunRecord
from calcontract.verdicts import Outcome
from calcontract.vigil import DIED

#: More clauses than these, the last ones before a death, are not named.
_SHOWN = 6


def told(run: RunRecord) -> Iterator[str]:
    """How often the receiver has died, in which checks, and what it said last."""
    if not run.deaths:
        return
    often = "once" if len(run.deaths) == 1 else f"{len(run.deaths)} times"
    places = []
    suspects = dict.fromkeys(clause for death in run.deaths for clause in death.clauses)
    if proven := [clause for clause in suspects if run.saw_it_die(clause)]:
        places.append(f"in {', '.join(proven)}")
    if others := list(dict.fromkeys(c for death in run.unexplained for c in death.clauses)):
        more = len(others) - _SHOWN
        shown = ", ".join(others[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        places.append(f"in, or soon after, {'one of ' if others[1:] else ''}{shown}")
    line = f"died     {often}, {' and '.join(places) or 'nobody knows of what'}: look at that first"
    if others[1:] and "process" not in run.capabilities:
        line += "; -m with each of them tells which it is, and so does --start"
    if any(is_left_dead(record) for records in run.checks.values() for record in records):
        line += "; what came after it is not verified"
    yield line
    if ending := run.deaths[-1].ending:
        yield f"         it ended  {ending}"
    for words in run.deaths[-1].words:
        yield f"         it said   {words}"


def is_left_dead(record: CheckRecord) -> bool:
    """Whether *record* says no more than that the receiver was dead, or may have been."""
    return record.reason == DIED and record.outcome is Outcome.NOT_VERIFIED
