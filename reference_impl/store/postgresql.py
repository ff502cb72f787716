"""
PostgreSQL: any number of writers, on any number of machines.

A commit is on the server's disk when it returns: `synchronous_commit=on` is set for each
connection, whatever the server's default is.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import socket
from typing import TYPE_CHECKING, Any

# Here, so that a missing driver is found before anything else of PostgreSQL is.
import psycopg
import sqlalchemy
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import InvalidatePoolError

from reference_impl.listening import is_readable
from reference_impl.store import admission, schema
from reference_impl.store.attendant import CHANNEL, Attendant
from reference_impl.store.base import Store
from reference_impl.store.locks import lock, try_lock
from reference_impl.store.statements import as_json
from reference_impl.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ExecutionContext

    from reference_impl.clock import Clock

for _index in (index for table in metadata.tables.values() for index in table.indexes):
    # Partial as on SQLite; and where a key may be of any length, of a kind that takes it.
    _index.dialect_options["postgresql"]["where"] = _index.dialect_options["sqlite"]["where"]
    _index.dialect_options["postgresql"]["using"] = _index.info.get("method", False)

#: Bodies are compressed by the faster method where the server knows it: the other one takes as
#: long as all else that is done to insert them.
_COMPRESS = (
    "SELECT set_config(name, 'lz4', false) FROM pg_settings"
    " WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
)

#: A machine that froze, or vanished, lets go of what others wait for.
_GIVING_UP = {
    # Milliseconds that a transaction may do nothing before the server ends it: ours never rest.
    "idle_in_transaction_session_timeout": 10_000,
    # After about a minute without a sign of life the server gives a client up.
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
}

#: Whatever we ask for often has its index.  Statements are planned once for a connection, and those
#: of tables that are empty then would read all of them when they are full.
_BY_INDEX = {
    "enable_seqscan": "off",
    # What has to be read whole after all is costed so high that it would be compiled for it.
    "jit": "off",
}

_WALK = text("SET LOCAL enable_bitmapscan = off")

_NOTIFY = text("SELECT pg_notify(:channel, :payload)")


class PostgresqlStore(Store):
    """
    Transactions on the database at *url*.

    A statement waits *seconds* for a lock, and a connection as long for the server.
    """

    #: One waits for the server while the other one is prepared.
    writers = 2

    looks_up = True

    # A claim takes a lock for each delivery, and its effect two or three: of some 6,000 that a
    # server has for all its clients.
    batch = 128

    def __init__(self, url: str | URL, *, seconds: float) -> None:
        url = sqlalchemy.make_url(url)
        # The host and the process are for people; what sets two processes apart is the rest.
        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        super().__init__(_connect(url, seconds, "on"), _connect(url, seconds, "off"), owner)
        self._reading = self._hasty.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._attendant: Attendant | None = None

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A look at one snapshot."""
        with self._reading.connect() as connection:
            yield connection

    def is_current(self) -> bool:
        """Whether somebody made this store."""
        with admission.explained(self._hasty):
            return super().is_current()

    def create(self) -> schema.Change:
        """Bring the tables up."""
        with admission.explained(self._hasty):
            return super().create()

    def close(self) -> None:
        """Stop taking part, and close every connection."""
        if self._attendant is not None:
            self._attendant.stop()
            self._attendant = None
        super().close()

    def stand_alone(self, connection: Connection) -> None:
        """Wait until no other process changes tables, and keep them from it until the end."""
        lock(connection, {"tables"})

    # --- the processes that share it --------------------------------------------------------

    def attend(self, clock: Clock, queue: str, wake: Callable[[int], None] | None) -> None:
        """Open the connection on which this process is told, and shows that it lives."""
        self._attendant = Attendant(self._hasty, self.owner, clock, queue, wake)
        self._attendant.start()

    def tell(self, connection: Connection, queue: str, deliveries: int) -> None:
        """Notify the other processes, as part of the transaction of *connection*."""
        payload = f"{deliveries} {self.owner} {queue}"
        connection.execute(_NOTIFY, {"channel": CHANNEL, "payload": payload})

    def set_clock(self, clock: Clock) -> None:
        """Set *clock* to the time of the server."""
        with self._hasty.connect() as connection:
            clock.follow(connection.scalars(schema.NOW).one())

    def walk_indexes(self, connection: Connection) -> None:
        """Walk indexes row by row: whoever collects rows first never marks those that are dead."""
        connection.execute(_WALK)

    def lives(self, connection: Connection, owner: str) -> bool:
        """Whether somebody holds the lock that *owner* has while it runs."""
        return not try_lock(connection, {owner})


def _connect(url: URL, seconds: float, synchronous: str) -> Engine:
    patience = round(seconds * 1000)
    engine = sqlalchemy.create_engine(
        url,
        # A statement's parameters are personal data and would show in every error.
        hide_parameters=True,
        json_serializer=as_json,
        connect_args={
            "application_name": "reference-receiver",
            # The driver takes whole seconds, and 1 for 2.
            "connect_timeout": max(2, math.ceil(seconds)),
            # A server that vanished without a word is given up.
            "keepalives_idle": 30,
            "tcp_user_timeout": patience + 5000,
        },
        pool_size=8,
        max_overflow=24,
        pool_timeout=seconds,
    )

    def prepare(connection: psycopg.Connection[Any], _record: Any) -> None:
        # As text each value of an array would be quoted, and read again.
        connection.adapters.register_dumper(list, ListBinaryDumper)
        connection.autocommit = True
        own = {"synchronous_commit": synchronous, "lock_timeout": patience}
        settings = (own | _GIVING_UP | _BY_INDEX).items()
        # All in one message: each would be a journey to the server.
        connection.execute("; ".join(f"SET {name} = {value}" for name, value in settings)).close()
        connection.execute(_COMPRESS).close()
        connection.autocommit = False

    event.listen(engine, "connect", prepare)
    event.listen(engine, "before_cursor_execute", _choose_format)
    # A server that was restarted costs nobody an answer.
    event.listen(engine, "checkout", _see_that_it_is_open)
    return engine


def _choose_format(
    _connection: Connection,
    cursor: psycopg.Cursor[Any],
    _statement: str,
    _values: Any,
    context: ExecutionContext,
    _many: bool,
) -> None:
    """Have a result sent in binary whose statement says so: a body as text is twice as long."""
    if context.execution_options.get("in_binary"):
        cursor.format = psycopg.pq.Format.BINARY


def _see_that_it_is_open(connection: psycopg.Connection[Any], _record: Any, _proxy: Any) -> None:
    """
    Have new connections made when the server ended *connection* while it was at rest.

    To ask the server would be one journey more for each transaction.  Somebody at rest hears
    nothing: what there is to be heard is the end, or no reason to keep a connection.
    """
    try:
        is_open = not is_readable(connection.fileno())
    except psycopg.OperationalError:
        is_open = False
    if not is_open:
        raise InvalidatePoolError
