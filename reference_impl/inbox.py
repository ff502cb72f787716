"""
The inbox: the durable memory of deliveries taken, and the queue of the workers.

A delivery is accepted when the transaction that holds it is on disk.  One thread writes, and
everything that arrives while it writes and in the same burst shares the next transaction (group
commit), so durability costs each delivery a fraction of a sync.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, IntegrityError

from reference_impl import logs
from reference_impl.counts import count
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

#: Most deliveries that wait for a transaction before 503 is the better answer.
_WAITING = 20_000


#: So many turns of the event loop without an arrival tell that what was sent has been read: one
#: reads a request and the next one judges it.
_QUIET = 3


#: Seconds between two looks for what waits for too long.
_WATCH = 1.0


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
    #: Seconds that the first of them waits at most for the others.
    gathering = 0.005
    #: Seconds within which a delivery is stored, or is said not to be: half of the sender's budget.
    deadline = 15.0

    def __init__(self, settings: Settings, store: Store, committed: Callable[[int], None]) -> None:
        self._settings = settings
        self._store = store
        self._committed = committed
        self._arrivals: deque[_Waiting] = deque()
        #: What the thread writes next; nothing means that it is to end.
        self._batches: queue.SimpleQueue[list[_Waiting]] = queue.SimpleQueue()
        #: How many of these are not answered yet.
        self._unanswered = 0
        #: The event loop in which somebody looks whether more arrive.
        self._looking: asyncio.AbstractEventLoop | None = None
        #: What is waited for, the oldest first, and until when.
        self._awaited: deque[tuple[float, asyncio.Future[bool]]] = deque()
        #: The event loop in which somebody looks whether it is too late for one of them.
        self._watching: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Write what has arrived, for at most *seconds*, then end the thread."""
        if self._thread is None:
            return
        while self._arrivals:
            self._hand_over()
        self._batches.put([])
        self._thread.join(seconds)
        self._thread = None

    async def accept(self, entry: Entry) -> bool:
        """
        Store *entry*; returns after the commit.  `True` when it was not there yet.

        Raises:
            StoreUnavailableError: if it could not be stored.
        """
        if len(self._arrivals) > _WAITING:
            raise StoreUnavailableError("too many deliveries wait for the store")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(entry, loop, loop.create_future())
        self._arrivals.append(waiting)
        self._awaited.append((loop.time() + self.deadline, waiting.outcome))
        if self._watching is not loop:
            self._watching = loop
            loop.call_later(_WATCH, self._watch, loop)
        self._gather(loop)
        return await waiting.outcome

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up on what waits for too long: a store may hang, and the sender does not wait."""
        now = loop.time()
        while self._awaited and (self._awaited[0][1].done() or self._awaited[0][0] <= now):
            _, outcome = self._awaited.popleft()
            if not outcome.done():
                # Should it be written after all, the sender's next attempt is a redelivery.
                outcome.set_exception(StoreUnavailableError("the store does not answer"))
        if self._awaited:
            loop.call_later(_WATCH, self._watch, loop)
        else:
            self._watching = None

    # --- company: a transaction costs as much as ten deliveries in it -------------------------

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have a transaction begun once nothing more arrives, if none is under way."""
        if self._arrivals and not self._unanswered and self._looking is not loop:
            self._looking = loop
            loop.call_soon(self._look, loop, loop.time() + self.gathering, 0, 0)

    def _look(
        self, loop: asyncio.AbstractEventLoop, until: float, arrived: int, quiet: int
    ) -> None:
        now_arrived = len(self._arrivals)
        quiet = quiet + 1 if now_arrived == arrived else 0
        if quiet < _QUIET and now_arrived < self.most and loop.time() < until:
            loop.call_soon(self._look, loop, until, now_arrived, quiet)
            return
        self._looking = None
        self._hand_over()

    def _hand_over(self) -> None:
        batch: list[_Waiting] = []
        # Whoever stops us takes from the same end: only what was taken is known to be there.
        with contextlib.suppress(IndexError):
            while len(batch) < self.most:
                waiting = self._arrivals.popleft()
                # Who was told that it is not stored, or is gone, is not waited for.
                if not waiting.outcome.done():
                    batch.append(waiting)
        if batch:
            self._unanswered += 1
            self._batches.put(batch)

    # --- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        while batch := self._batches.get():
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
        batch[0].loop.call_soon_threadsafe(self._resolve, batch, outcome)

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

    def _resolve(
        self, batch: Sequence[_Waiting], outcome: list[bool] | StoreUnavailableError
    ) -> None:
        self._unanswered -= 1
        for position, waiting in enumerate(batch):
            if waiting.outcome.done():
                continue
            if isinstance(outcome, StoreUnavailableError):
                waiting.outcome.set_exception(StoreUnavailableError(*outcome.args))
            else:
                waiting.outcome.set_result(outcome[position])
        # After the answers, so that those who send again at once have company in each other.
        self._gather(batch[0].loop)
