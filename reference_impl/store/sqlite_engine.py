"""
How an SQLite file is connected to, and how a transaction on it begins.

What SQLite has to be told comes with each connection, before anything is asked of it.
"""

from __future__ import annotations

import functools
import sqlite3
import time
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import OperationalError

from reference_impl.store import schema
from reference_impl.store.statements import as_json

#: Seconds between two looks whether another process has ended its transaction.  SQLite itself would
#: wait up to a tenth of a second, and a busy writer leaves no gap that long.
_LOOK = 0.001

#: Those that somebody made.
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"


def connect(url: URL, seconds: float, synchronous: str, *, cache: int = 2000) -> Engine:
    """
    Connections to the file at *url*.

    Args:
        url: the file's.
        seconds: how long others are waited for.
        synchronous: FULL if a commit is to be on disk when it returns, else NORMAL.
        cache: kibibytes of pages that each connection keeps.
    """
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
