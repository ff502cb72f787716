"""
The inbox: the durable memory of deliveries taken, and the queue of the workers.

A delivery is accepted when the transaction that holds it is on disk.  As many threads write as the
store has use for (`Store.writers`), and everything that arrived while they wrote shares the next
transaction (group commit), so durability costs each delivery a fraction of a sync.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reference_impl import logs
from reference_impl.counts import count
from reference_impl.store import insert_all
from reference_impl.tables import webhook_events

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

#: Most deliveries that wait for a transaction before 503 is the better answer.
_WAITING = 20_000


class StoreUnavailableError(Exception):
    """The delivery could not be stored; nothing of it remains."""


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
        return {
            "triggerEvent": logs.short(self.trigger),
            "calcomBookingId": self.booking_id,
            "uid": logs.short(self.uid),
            "webhookId": self.webhook_id,
        }


@dataclass(slots=True)
class _Waiting:
    """An entry on its way to disk, and who waits for it."""

    entry: Entry
    loop: asyncio.AbstractEventLoop
    outcome: asyncio.Future[bool]


class Inbox:
    """Accepts deliveries; *committed* is told how many new ones a commit brought."""

    #: Most deliveries in one transaction.
    most = 256
    #: Seconds that a transaction waits for company, when the last one had some: each costs the
    #: processor as much as twenty deliveries in it.
    gathering = 0.001

    def __init__(self, settings: Settings, store: Store, committed: Callable[[int], None]) -> None:
        self._settings = settings
        self._store = store
        self._committed = committed
        self._arrivals: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads that write."""
        for number in range(self._store.writers):
            thread = threading.Thread(target=self._run, name=f"inbox-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, seconds: float = 10.0) -> None:
        """Write what has arrived, for at most *seconds*, then end the threads."""
        deadline = time.monotonic() + seconds
        for _ in self._threads:
            self._arrivals.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._threads.clear()

    async def accept(self, entry: Entry) -> bool:
        """
        Store *entry*; returns after the commit.  `True` when it was not there yet.

        Raises:
            StoreUnavailableError: if it could not be stored.
        """
        if self._arrivals.qsize() > _WAITING:
            raise StoreUnavailableError("too many deliveries wait for the store")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(entry, loop, loop.create_future())
        self._arrivals.put(waiting)
        return await waiting.outcome

    # --- the threads ------------------------------------------------------------------------

    def _run(self) -> None:
        going_on = True
        batch: list[_Waiting] = []
        while going_on:
            had_company = len(batch) > 1
            batch = []
            arrival = self._arrivals.get()
            if had_company:
                time.sleep(self.gathering)
            while True:
                if arrival is None:
                    going_on = False
                    break
                batch.append(arrival)
                if len(batch) == self.most:
                    break
                try:
                    arrival = self._arrivals.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self._settle(batch)

    def _settle(self, batch: Sequence[_Waiting]) -> None:
        entries = [waiting.entry for waiting in batch]
        outcome: list[bool] | StoreUnavailableError
        try:
            outcome = self.write(entries)
        except Exception as problem:  # noqa: BLE001 - the thread must outlive any trouble
            outcome = StoreUnavailableError(logs.describe(problem))
        else:
            self._committed(sum(outcome))
        # One wake-up of the loop for the whole batch.
        batch[0].loop.call_soon_threadsafe(_resolve, batch, outcome)

    def write(self, entries: Sequence[Entry]) -> list[bool]:
        """
        Store *entries* in one transaction: for each, whether it was new.

        Raises:
            SQLAlchemyError: if they could not be stored; then none of them was.
        """
        with self._store.write() as connection:
            fresh = self.insert(connection, entries)
            new: list[bool] = []
            for entry in entries:
                new.append(entry.webhook_id in fresh)
                # The same bytes twice in one transaction: the second one is the duplicate.
                fresh.discard(entry.webhook_id)
            received = Counter(entry.trigger for entry in entries)
            known = Counter(
                entry.trigger for entry, is_new in zip(entries, new, strict=True) if not is_new
            )
            for trigger, amount in sorted(received.items()):
                count(connection, trigger, received=amount, duplicates=known[trigger])
            if any(new):
                self._store.tell(connection, self._settings.queue, sum(new))
        return new

    def insert(self, connection: Connection, entries: Sequence[Entry]) -> set[str]:
        """Insert those of *entries* that are not there yet: their webhook ids."""
        rows = [self.row(entry) for entry in entries]
        return insert_all(connection, webhook_events.c.webhook_id, rows)

    def row(self, entry: Entry) -> dict[str, Any]:
        """The row of *entry*: waiting, due at once."""
        return {
            "webhook_id": entry.webhook_id,
            "event_type": entry.trigger,
            "uid": entry.uid,
            "booking_id": None if entry.booking_id is None else str(entry.booking_id),
            "payload": entry.body,
            "queue": self._settings.queue,
            "booking": entry.booking,
            "rank": self.rank(entry.trigger, entry.received_at),
            "state": "waiting",
            "due_at": entry.received_at,
            "received_at": entry.received_at,
        }

    def priority(self, trigger: str) -> int:
        """0 for High, 1 for Medium, 2 for Low (guide, "Supported Events")."""
        return PRIORITIES.get(trigger, _LOW)

    def rank(self, trigger: str, due_at: int) -> int:
        """What claims are ordered by: smaller is sooner."""
        return due_at + self.priority(trigger) * HANDICAP


def _resolve(batch: Sequence[_Waiting], outcome: list[bool] | StoreUnavailableError) -> None:
    for position, waiting in enumerate(batch):
        if waiting.outcome.done():
            continue
        if isinstance(outcome, StoreUnavailableError):
            waiting.outcome.set_exception(StoreUnavailableError(*outcome.args))
        else:
            waiting.outcome.set_result(outcome[position])
