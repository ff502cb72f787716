"""
What a process has open for as long as it takes part: one connection to the shared store.

On it the process hears of deliveries that others accepted (LISTEN), compares clocks, and holds a
lock by which the others see that it lives: the server lets go of it when the process is gone.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING, Any

from reference_impl import logs
from reference_impl.store import locks, schema

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from sqlalchemy import Engine

    from reference_impl.clock import Clock

#: Where it is told that deliveries were accepted.
CHANNEL = "reference_receiver"

#: Seconds between two looks at the clock of the store.
_CLOCK_SECONDS = 30.0

#: Seconds until it tries again to reach a store that is gone.
_AGAIN_SECONDS = 0.5


class Attendant:
    """Keeps the connection on a thread of its own, and makes a new one when it breaks."""

    def __init__(
        self,
        engine: Engine,
        owner: str,
        clock: Clock,
        queue: str,
        wake: Callable[[int], None] | None,
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._queue = queue
        self._wake = wake
        self._stopping = threading.Event()
        self._bell, self._rope = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="attendant", daemon=True)
        self._connection: psycopg.Connection[Any] | None = None

    def start(self) -> None:
        """
        Connect, then go on on a thread.

        Raises:
            OperationalError: if the store cannot be reached.
        """
        try:
            self._connection = self._connect()
        except BaseException:
            self._bell.close()
            self._rope.close()
            raise
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the connection."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._rope.send(b"!")
        if self._thread.ident is not None:
            self._thread.join()
        self._bell.close()
        self._rope.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._connection is None:
                    self._connection = self._connect()
                    logs.logger().info("Store reached again")
                    # Whatever was accepted meanwhile, nobody told us of.
                    self._rouse(1)
                self._attend(self._connection)
            except Exception as problem:  # noqa: BLE001 - the thread must outlive any trouble
                reason = logs.describe(problem)
                logs.logger().error("Store lost", reason=reason)
                self._close()
                self._stopping.wait(_AGAIN_SECONDS)
        self._close()

    def _connect(self) -> psycopg.Connection[Any]:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        # It stays open for as long as the process does: no place in the pool.
        pooled.detach()
        try:
            connection.autocommit = True
            connection.execute("SELECT pg_advisory_lock(%s)", [locks.number(self._owner)])
            if self._wake is not None:
                connection.execute(f"LISTEN {CHANNEL}")
            self._set_clock(connection)
        except BaseException:
            connection.close()
            raise
        driver: psycopg.Connection[Any] = connection
        return driver

    def _attend(self, connection: psycopg.Connection[Any]) -> None:
        """Hear what there is to hear until the next look at the clock."""
        ears = [connection.fileno(), self._bell.fileno()]
        heard, _, _ = select.select(ears, [], [], _CLOCK_SECONDS)
        if not heard:
            self._set_clock(connection)
        # What came while something else was asked is among them.
        for notification in connection.notifies(timeout=0):
            self._hear(notification.payload)

    def _set_clock(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute(schema.NOW.text).fetchone()
        if row is not None:
            self._clock.follow(row[0])

    def _hear(self, payload: str) -> None:
        deliveries, owner, queue = payload.split(" ", 2)
        if queue == self._queue and owner != self._owner:
            self._rouse(int(deliveries))

    def _rouse(self, deliveries: int) -> None:
        if self._wake is not None:
            self._wake(deliveries)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
