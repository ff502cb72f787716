"""
SQLite: one file on one machine, written durably by one writer at a time.

A commit is on disk when it returns (write-ahead log, `synchronous=FULL`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import OperationalError

from reference_impl.store import schema
from reference_impl.store.base import Store
from reference_impl.store.checkpoints import Checkpoints
from reference_impl.store.statements import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import PoolProxiedConnection

    from reference_impl.clock import Clock


#: Seconds between two looks whether another process has ended its transaction.  SQLite itself would
#: wait up to a tenth of a second, and a busy writer leaves no gap that long.
_LOOK = 0.001

#: Those that somebody made.
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"

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
            _connect(url, seconds, "FULL"),
            _connect(url, seconds, "NORMAL", cache=_CACHE),
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


def _connect(url: URL, seconds: float, synchronous: str, *, cache: int = 2000) -> Engine:
    engine = sqlalchemy.create_engine(
        url,
        # A statement's parameters are personal data and would show in every error.
        hide_parameters=True,
        json_serializer=as_json,
        connect_args={"timeout": seconds, "check_same_thread": False},
        pool_size=16,
        max_overflow=16,
        # The one used last has its pages at hand still, and few have any.
        pool_use_lifo=True,
    )
    event.listen(engine, "connect", functools.partial(_prepare, synchronous, cache, seconds))
    event.listen(engine, "begin", functools.partial(_begin, seconds))
    return engine


def _prepare(synchronous: str, cache: int, seconds: float, connection: Any, _record: Any) -> None:
    # SQLAlchemy's own BEGIN comes in `_begin`; without this the driver would send one of its own.
    connection.isolation_level = None
    _require_ours(connection)
    for pragma in (
        # Must come before the first table: bodies of 2 to 4 kB fit a page of 8, measured twice
        # as fast as with the default of 4.
        "page_size=8192",
        # NORMAL does not sync each commit: a power failure could lose what was answered 202.
        f"synchronous={synchronous}",
        f"cache_size=-{cache}",
        # The net below `checkpoints`: who finds the log so long begins it anew.
        "wal_autocheckpoint=2000",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    # Of several that start at once all but one are refused, without the patience that they have.
    _patiently(connection, "PRAGMA journal_mode=WAL", seconds)


def _require_ours(connection: Any) -> None:
    """
    See that the file is ours, or will be: what follows changes it for good.

    Raises:
        ForeignStoreError: if it is something else's.
    """
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    # Then nothing changes it but the making of tables, before which it is looked at again.
    if mode == "wal":
        return
    kept = connection.execute(_TABLES).fetchall()
    schema.require_file({name for (name,) in kept})


def _begin(seconds: float, connection: Connection) -> None:
    if connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN")
        return
    raw: Any = connection.connection.driver_connection
    patient = f"PRAGMA busy_timeout = {round(seconds * 1000)}"
    raw.execute("PRAGMA busy_timeout = 0").close()
    try:
        # IMMEDIATE: one that reads first and writes later could be refused half-way.
        _patiently(raw, "BEGIN IMMEDIATE", seconds)
    except sqlite3.OperationalError as problem:
        raise OperationalError("BEGIN", None, problem) from None
    finally:
        raw.execute(patient).close()


def _patiently(raw: Any, statement: str, seconds: float) -> None:
    """Execute *statement*, for *seconds* again and again while somebody is in its way."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            raw.execute(statement).close()
        except sqlite3.OperationalError as problem:
            # Its lowest byte is the kind, the rest says more.
            busy = problem.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(_LOOK)
        else:
            return
