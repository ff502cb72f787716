"""
The store: one SQLite file, written durably by one writer at a time.

The only module that knows which database this is.  A commit is on disk when it returns
(write-ahead log, `synchronous=FULL`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.exc import OperationalError

from reference_impl.tables import metadata, webhook_stats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Store:
    """
    Transactions on the database at *url*.

    Writers of this process queue at a lock of their own: SQLite's way of waiting is to sleep and
    look again, which would cost an effect its milliseconds.  Other processes wait *seconds*.
    """

    def __init__(self, url: str, *, seconds: float = 5.0) -> None:
        self._seconds = seconds
        self._durable = self._connect(url, "FULL")
        self._hasty = self._connect(url, "NORMAL")
        self._lock = threading.Lock()
        self._path = sqlalchemy.make_url(url).database or ""
        self._file: tuple[int, int] | None = None

    def _connect(self, url: str, synchronous: str) -> Engine:
        engine = sqlalchemy.create_engine(
            url,
            # A statement's parameters are personal data and would show in every error.
            hide_parameters=True,
            connect_args={"timeout": self._seconds, "check_same_thread": False},
            pool_size=16,
            max_overflow=16,
        )
        event.listen(engine, "connect", functools.partial(_prepare, synchronous))
        event.listen(engine, "begin", _begin)
        return engine

    def create(self) -> None:
        """
        Make the tables that are missing.

        Raises:
            OperationalError: if the file cannot be opened or written.
        """
        with self.write() as connection:
            metadata.create_all(connection)
            # A write even if all tables are there: a file that cannot be written shows at once.
            connection.exec_driver_sql("PRAGMA user_version = 0")
        self._file = self._identity()

    @contextlib.contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """
        A transaction that may write; committed to disk at its end, undone by an exception.

        One that is not *durable* survives the death of this process, but a power failure may undo
        it until the next durable one; that spares it the wait for the disk.

        Raises:
            OperationalError: if the store is busy for too long or cannot write.
        """
        if not self._lock.acquire(timeout=self._seconds):
            raise OperationalError("BEGIN", None, TimeoutError("the store is busy"))
        try:
            self._check_file()
            with (self._durable if durable else self._hasty).begin() as connection:
                yield connection
                self._check_file()
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """
        A consistent look that neither waits for a writer nor holds one up.

        Raises:
            OperationalError: if the store is not there.
        """
        self._check_file()
        with self._hasty.connect() as connection:
            yield connection.execution_options(reading=True)

    def _identity(self) -> tuple[int, int] | None:
        """Which file the path names now; `None` if it names none."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - a path object costs more than the look
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _check_file(self) -> None:
        """
        See that what is written can be found again: an open file can be written when it is gone.

        Raises:
            OperationalError: if the path names no file any more, or another one.
        """
        if self._file is not None and self._identity() != self._file:
            raise OperationalError("BEGIN", None, FileNotFoundError("the store is not there"))

    def close(self) -> None:
        """Close every connection."""
        self._durable.dispose()
        self._hasty.dispose()


def insert_new(table: Table) -> Insert:
    """An INSERT into *table* that leaves rows alone whose unique key is there already."""
    return insert(table).on_conflict_do_nothing()


def count(connection: Connection, trigger: str, **amounts: float) -> None:
    """Add *amounts* to the counts of *trigger*; `seconds_last` is set instead."""
    connection.execute(_counting(tuple(amounts)), {"event_type": trigger, **amounts})


@functools.cache
def _counting(names: tuple[str, ...]) -> Insert:
    # Built once: making a statement costs more than executing it.
    statement = insert(webhook_stats)
    counts, told = webhook_stats.c, statement.excluded
    changed = {
        name: told[name] if name == "seconds_last" else counts[name] + told[name] for name in names
    }
    return statement.on_conflict_do_update(index_elements=["event_type"], set_=changed)


def rows(
    connection: Connection,
    statement: sqlalchemy.Select[Any],
    values: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The rows of *statement* with these *values*, by column."""
    return [dict(row) for row in connection.execute(statement, values).mappings()]


def _prepare(synchronous: str, connection: Any, _record: Any) -> None:
    # SQLAlchemy's own BEGIN comes in `_begin`; without this the driver would send one of its own.
    connection.isolation_level = None
    for pragma in (
        # Must come before the first table: bodies of 2 to 4 kB fit a page of 8, measured twice
        # as fast as with the default of 4.
        "page_size=8192",
        "journal_mode=WAL",
        # NORMAL does not sync each commit: a power failure could lose what was answered 202.
        f"synchronous={synchronous}",
        # Short checkpoints keep the slowest accepts below 20 ms.
        "wal_autocheckpoint=500",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads first and writes later could be refused half-way.
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
