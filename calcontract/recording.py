"""
How the end of a check becomes a record, and how the record travels between processes.

A record goes with pytest's own report, as plain values: what pytest-xdist sends from one process to
another can hold nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from calcontract.catalogue import Clause
from calcontract.errors import (
    Blocked,
    CheckStop,
    Flaky,
    Inconclusive,
    NotApplicable,
    NotVerified,
    SetupError,
    Violation,
)
from calcontract.items import scenario
from calcontract.records import CheckRecord, Exchange, exchange_of, named
from calcontract.story import Story
from calcontract.verdicts import Outcome

#: The outcome of each way for a check to end; the first that fits.
_OUTCOMES: Mapping[type[Exception], Outcome] = {
    Flaky: Outcome.FLAKY,
    Violation: Outcome.FAIL,
    Blocked: Outcome.BLOCKED,
    Inconclusive: Outcome.INCONCLUSIVE,
    NotApplicable: Outcome.NOT_APPLICABLE,
    NotVerified: Outcome.NOT_VERIFIED,
    SetupError: Outcome.NOT_VERIFIED,
}


def name_of(node: str) -> str:
    """
    What pytest calls the check *node*, without its file.

    The file's part is relative to a folder that pytest guesses, in each process anew.
    """
    return node.partition("::")[2]


def record_of(
    item: pytest.Item, clause: Clause, outcome: Outcome, *, sentence: str = "", **more: Any
) -> CheckRecord:
    """The record of the check *item* of *clause* that ended with *outcome*."""
    return CheckRecord(
        clause=clause.id,
        title=scenario(item).name,
        outcome=outcome,
        sentence=sentence,
        node=name_of(item.nodeid),
        needs_states="needs-states" in item.keywords,
        **more,
    )


def ended(
    item: pytest.Item,
    clause: Clause,
    error: Exception | None,
    *,
    exchange: Exchange | None,
    secret: str,
    seconds: float,
) -> CheckRecord:
    """
    The record of the check *item* that ended with *error*, or with none.

    Args:
        item: the check.
        clause: what it checks.
        error: what ended it.
        exchange: the attempt to show, if it got so far.
        secret: the shared secret, which must not get into any record.
        seconds: how long it took.
    """
    outcome = Outcome.PASS
    if error is not None:
        outcome = next(
            (found for kind, found in _OUTCOMES.items() if isinstance(error, kind)), Outcome.ERROR
        )
    stop = error if isinstance(error, CheckStop) else None
    return record_of(
        item,
        clause,
        outcome,
        # It may quote the receiver; what a fault of ours says of itself may be anything.
        sentence=named(stop.sentence if stop else str(error or ""), secret),
        expected=named(stop.expected if isinstance(stop, Violation) else "", secret),
        reason=stop.reason if stop else (type(error).__name__ if error else ""),
        seconds=seconds,
        exchange=exchange if error else None,
    )


def shown(story: Story, error: Exception | None, secret: str) -> Exchange | None:
    """
    What a report shows of *story*, without the *secret*.

    It is the attempt that *error* was seen at, or else the last one.
    """
    seen = error.attempt if isinstance(error, CheckStop) else None
    attempt = seen or (story.attempts[-1] if story.attempts else None)
    if attempt is None:
        return None
    return exchange_of(
        attempt,
        secret,
        lawful=story.bodies(),
        method=story.method_of(attempt),
        spoiled=story.spoiled(attempt),
        taken=story.taken_before(attempt),
    )


def packed(record: CheckRecord) -> dict[str, Any]:
    """*record* as plain values."""
    return {**dataclasses.asdict(record), "outcome": record.outcome.value}


def unpacked(values: Mapping[str, Any]) -> CheckRecord:
    """The record that was `packed` into *values*."""
    exchange = values["exchange"]
    return CheckRecord(
        **{
            **values,
            "outcome": Outcome(values["outcome"]),
            "exchange": Exchange(**exchange) if exchange else None,
        }
    )
