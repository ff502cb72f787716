"""
Counts and durations per trigger (guide, "Monitoring Dashboard").

Every connection that counts at the same time has rows of its own: a row that all transactions
change would have each of them wait for the disk of the one before.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text

from reference_impl.columns import KEY
from reference_impl.store import rows
from reference_impl.store.statements import writer
from reference_impl.tables import webhook_stats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, TextClause

#: What is counted: attempts that were taken, those of them that came again, and how tries ended.
NUMBERS = ("received", "duplicates", "done", "failed", "dead")

_COUNTS = (*NUMBERS, "seconds_total")

#: What the last one sets and nothing adds up.
_LAST = ("seconds_last", "last_at")

_stats = webhook_stats.c
_NEWEST = select(_stats.event_type, _stats.seconds_last).order_by(_stats.last_at)
_SUMS = select(
    _stats.event_type, *(func.sum(_stats[name]).label(name) for name in _COUNTS)
).group_by(_stats.event_type)


def count(connection: Connection, amounts: Mapping[str, Mapping[str, float]]) -> None:
    """
    Add *amounts* to the counts of each trigger; `seconds_last` and `last_at` are set instead.

    All of them have the same names.
    """
    told = [{"event_type": trigger, **given} for trigger, given in sorted(amounts.items())]
    connection.execute(_counting(writer(connection), tuple(told[0])[1:]), told)


@functools.cache
def _counting(which: str, given: tuple[str, ...]) -> TextClause:
    # Built once: making a statement costs more than executing it.
    names = (*_COUNTS, *_LAST)
    values = ", ".join(f":{name}" if name in given else "0" for name in names)
    changes = ", ".join(
        f"{name} = excluded.{name}" if name in _LAST else f"{name} = s.{name} + excluded.{name}"
        for name in given
    )
    return text(
        f"INSERT INTO webhook_stats AS s (event_type, writer, {', '.join(names)})"  # noqa: S608 - our names
        f" VALUES (:event_type, {which}, {values})"
        f" ON CONFLICT (event_type, writer) DO UPDATE SET {changes}"
    ).bindparams(bindparam("event_type", type_=KEY))


def counted(connection: Connection) -> list[dict[str, Any]]:
    """The counts and durations of each trigger that was ever counted, by its name."""
    last = {row["event_type"]: row["seconds_last"] for row in rows(connection, _NEWEST)}
    sums = rows(connection, _SUMS)
    found = [
        {
            # PostgreSQL adds them up to a decimal number.
            **{name: int(value) if name in NUMBERS else value for name, value in row.items()},
            "seconds_last": last[row["event_type"]],
        }
        for row in sums
    ]
    return sorted(found, key=lambda row: str(row["event_type"]))
