"""
Group commit: deliveries that arrive together are written together.

One thread writes, and everything that arrives while it writes and in the same burst shares the next
transaction, so durability costs each delivery a fraction of a sync.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_impl import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference_impl.inbox import Entry

#: Most deliveries that wait for a transaction before 503 is the better answer.
_WAITING = 20_000


#: So many turns of the event loop without an arrival tell that what was sent has been read: one
#: reads a request and the next one judges it.
_QUIET = 3


#: Seconds between two looks for what waits for too long.
_WATCH = 1.0


class StoreUnavailableError(Exception):
    """The delivery could not be stored; nothing of it remains."""


@dataclass(slots=True)
class _Waiting:
    """An entry on its way to disk, and who waits for it."""

    entry: Entry
    loop: asyncio.AbstractEventLoop
    outcome: asyncio.Future[bool]


class Gathering(ABC):
    """Has deliveries that arrive together stored together; heirs say how that is done."""

    #: Most deliveries in one transaction.
    most = 256
    #: Seconds that the first of them waits at most for the others.
    gathering = 0.005
    #: Seconds within which a delivery is stored, or is said not to be: half of the sender's budget.
    deadline = 15.0

    def __init__(self, committed: Callable[[int], None]) -> None:
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

    @abstractmethod
    def write(self, entries: Sequence[Entry]) -> list[bool]:
        """
        Store *entries* in one transaction: for each, whether it was new.

        Raises:
            Exception: if they could not be stored; then none of them was.
        """

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
