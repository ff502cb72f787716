"""
The inbox: the durable memory of deliveries taken, and the queue of the workers.

A delivery is accepted when the transaction that holds it is on disk; those that arrive together
share one (`gathering`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, IntegrityError

from reference_impl import logs
from reference_impl.counts import count
from reference_impl.gathering import Gathering
from reference_impl.store import add_all, insert_all
from reference_impl.tables import webhook_bodies, webhook_events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from reference_impl.settings import Settings
    from reference_impl.store import Store

#: The guide's table "Supported Events": 0 is High, 1 Medium; everything else is 2, Low.
PRIORITIES = {
    "BOOKING_CREATED": 0,
    "BOOKING_RESCHEDULED": 0,
    "BOOKING_CANCELLED": 0,
    "BOOKING_CONFIRMED": 1,
    "BOOKING_REJECTED": 1,
    "BOOKING_REQUESTED": 1,
}
_LOW = 2

#: How far a delivery may be overtaken per step of priority, in microseconds.  Bounded, so that a
#: flood of High deliveries delays the Low ones and never starves them.
HANDICAP = 30_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What the inbox keeps of a delivery."""

    webhook_id: str
    trigger: str
    uid: str | None
    booking_id: int | None
    body: bytes
    received_at: int

    @property
    def booking(self) -> str:
        """What it is worked on one at a time with: its booking, else itself."""
        if self.uid is not None:
            return f"uid {self.uid}"
        return self.webhook_id if self.booking_id is None else f"id {self.booking_id}"

    def named(self) -> dict[str, Any]:
        """How the log names it, in the guide's words."""
        return logs.delivery(self.trigger, self.booking_id, self.uid, self.webhook_id)


class Inbox(Gathering):
    """Accepts deliveries; *committed* is told how many new ones a commit brought."""

    def __init__(self, settings: Settings, store: Store, committed: Callable[[int], None]) -> None:
        super().__init__(committed)
        self._settings = settings
        self._store = store

    def write(self, entries: Sequence[Entry]) -> list[bool]:
        """
        Store *entries* in one transaction: for each, whether it was new.

        Raises:
            SQLAlchemyError: if they could not be stored; then none of them was.
        """
        conflicts, lost = 0, False
        while True:
            try:
                return self._write(entries)
            except IntegrityError:
                # Another process stored one of them at the same time: now that one is known.
                if conflicts == len(entries):
                    raise
                conflicts += 1
            except DBAPIError as problem:
                # A server that restarts ends its connections, this one maybe after the commit:
                # then they are known now.
                if lost or not problem.connection_invalidated:
                    raise
                lost = True

    def _write(self, entries: Sequence[Entry]) -> list[bool]:
        with self._store.write() as connection:
            fresh = self.insert(connection, entries)
            new: list[bool] = []
            bodies: list[dict[str, Any]] = []
            for entry in entries:
                # The same bytes twice in one transaction: the second one is the duplicate.
                number = fresh.pop(entry.webhook_id, None)
                new.append(number is not None)
                if number is not None:
                    bodies.append({"id": number, "body": entry.body})
            add_all(connection, webhook_bodies, bodies)
            received = Counter(entry.trigger for entry in entries)
            known = Counter(
                entry.trigger for entry, is_new in zip(entries, new, strict=True) if not is_new
            )
            amounts = {
                trigger: {"received": amount, "duplicates": known[trigger]}
                for trigger, amount in received.items()
            }
            count(connection, amounts)
            if any(new):
                self._store.tell(connection, self._settings.queue, sum(new))
        return new

    def insert(self, connection: Connection, entries: Sequence[Entry]) -> dict[str, int]:
        """Insert those of *entries* that are not there yet: their numbers, by webhook id."""
        rows = [self.row(entry) for entry in entries]
        return insert_all(connection, webhook_events.c.webhook_id, rows)

    def row(self, entry: Entry) -> dict[str, Any]:
        """The row of *entry*: waiting, due at once."""
        return {
            "webhook_id": entry.webhook_id,
            "event_type": entry.trigger,
            "uid": entry.uid,
            "booking_id": None if entry.booking_id is None else str(entry.booking_id),
            "queue": self._settings.queue,
            "booking": entry.booking,
            "rank": self.rank(entry.trigger, entry.received_at),
            "state": "waiting",
            "due_at": entry.received_at,
            "tries": 0,
            "interruptions": 0,
            "received_at": entry.received_at,
        }

    def priority(self, trigger: str) -> int:
        """0 for High, 1 for Medium, 2 for Low (guide, "Supported Events")."""
        return PRIORITIES.get(trigger, _LOW)

    def rank(self, trigger: str, due_at: int) -> int:
        """What claims are ordered by: smaller is sooner."""
        return due_at + self.priority(trigger) * HANDICAP
