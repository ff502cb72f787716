"""
SQLite: one file on one machine, written durably by one writer at a time.

A commit is on disk when it returns (write-ahead log, `synchronous=FULL`).
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import URL, Connection
from sqlalchemy.exc import OperationalError

from reference_impl.store import schema
from reference_impl.store.base import Store
from reference_impl.store.checkpoints import Checkpoints
from reference_impl.store.sqlite_engine import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import PoolProxiedConnection

    from reference_impl.clock import Clock

#: Kibibytes of pages that a connection of the worker keeps.  The effects of a batch change some 500
#: pages in no order, 4 MB.  SQLite would keep 2 MB, write the others early, and read them again.
_CACHE = 8192


class SqliteStore(Store):
    """
    Transactions on the file at *url*.

    Writers of this process queue at a lock of their own: SQLite's way of waiting is to sleep and
    look again, which would cost an effect its milliseconds.  Other processes wait *seconds*.
    """

    # Version 3.40 gives all rows what it has looked up for the first.
    looks_up = False

    batch = 256

    def __init__(self, url: str | URL, *, seconds: float) -> None:
        url = sqlalchemy.make_url(url)
        super().__init__(
            connect(url, seconds, "FULL"),
            connect(url, seconds, "NORMAL", cache=_CACHE),
            f"{socket.gethostname()}:{os.getpid()}",
        )
        self._path = Path(str(url.database))
        # Committed is what stands in the log: without it the file is that of the last checkpoint.
        self._paths = (self._path, Path(f"{self._path}-wal"))
        #: What the path and the log beside it name, once that is known.
        self._files: list[tuple[int, int] | None] = []
        self._anchor: PoolProxiedConnection | None = None
        self._checkpoints = Checkpoints(self._path)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._patient = threading.Lock()

    @contextlib.contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that may write, once it is our turn in this process and on the file."""
        # Whoever accepts waits for one transaction of those that nobody waits for, not for several.
        behind = contextlib.nullcontext() if durable else self._turn(self._patient)
        with behind, self._turn(self._lock):
            self._check_file()
            with super().write(durable=durable) as connection:
                raw: Any = connection.connection.driver_connection
                before = raw.total_changes
                yield connection
                self._check_file()
            self._checkpoints.written(raw.total_changes - before)

    @contextlib.contextmanager
    def _turn(self, lock: threading.Lock) -> Iterator[None]:
        if not lock.acquire(timeout=self._seconds):
            raise OperationalError("BEGIN", None, TimeoutError("the store is busy"))
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A look at the file as it is now."""
        self._check_file()
        # Not by the worker's connections, each of which keeps many pages.
        with self._durable.connect() as connection:
            yield connection.execution_options(reading=True)

    def create(self) -> schema.Change:
        """Bring the tables up, and see at once whether the file can be written."""
        folder = self._path.parent
        if not folder.is_dir():
            # A disk that is not mounted yet; SQLite says of it that it cannot open a file.
            missing = FileNotFoundError(f"there is no folder {str(folder)!r}")
            raise OperationalError("BEGIN", None, missing)
        change = super().create()
        with self.write() as connection:
            # Changes nothing, and is written all the same.
            connection.exec_driver_sql("PRAGMA user_version = 0")
        if self._anchor is None:
            # Whoever closes last removes the log; as long as this is open, nobody does.
            self._anchor = self._hasty.raw_connection()
            self._anchor.execute("SELECT count(*) FROM sqlite_master").close()
        self._files = self._identities()
        return change

    def close(self) -> None:
        """Close every connection."""
        self._checkpoints.stop()
        if self._anchor is not None:
            self._anchor.close()
            self._anchor, self._files = None, []
        super().close()

    def _identities(self) -> list[tuple[int, int] | None]:
        """Which files the path and the log beside it name now; `None` for none."""
        return [_identity(path) for path in self._paths]

    def _check_file(self) -> None:
        """
        See that what is written can be found again: an open file can be written when it is gone.

        Raises:
            OperationalError: if a path names no file any more, or another one.
        """
        if self._files and self._identities() != self._files:
            raise OperationalError("BEGIN", None, FileNotFoundError("the store is not there"))

    def is_current(self) -> bool:
        """Whether somebody made this store; no file is made to look into it."""
        return self._path.exists() and super().is_current()

    def stand_alone(self, connection: Connection) -> None:
        """Whoever may write does so alone."""

    def attend(
        self,
        clock: Clock,  # noqa: ARG002 - one machine has one time
        queue: str,  # noqa: ARG002 - its processes look for what the others accepted
        wake: Callable[[int], None] | None,  # noqa: ARG002 - likewise
    ) -> None:
        """Write the log back from here on; there is nothing to be heard."""
        self._checkpoints.start()

    def tell(self, connection: Connection, queue: str, deliveries: int) -> None:
        """Say nothing, for the same reason."""

    def set_clock(self, clock: Clock) -> None:
        """Leave *clock* alone: one machine has one time."""

    def walk_indexes(self, connection: Connection) -> None:
        """Do nothing: what is gone is gone from every index."""

    def lives(self, connection: Connection, owner: str) -> bool:  # noqa: ARG002 - asks the machine
        """Whether *owner* is a process of this machine that runs, or of another."""
        # A namesake of ours is a predecessor: we are asked before this process claims anything.
        if owner == self.owner:
            return False
        host, _, number = owner.rpartition(":")
        if host != socket.gethostname():
            return True
        try:
            os.kill(int(number), 0)
            # A process that was killed and not yet reaped still answers to its number.
            told = Path(f"/proc/{number}/stat").read_text()
        except ProcessLookupError:
            return False
        except (OSError, ValueError):
            return True
        return told.rpartition(")")[2].split()[0] != "Z"


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
