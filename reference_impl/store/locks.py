"""
Locks on names, held until the transaction ends.

PostgreSQL has several writers at a time, and these keep them apart where rows do not: a name is
locked whether or not there is a row for it yet.  On SQLite there is one writer, who needs none.

Whoever locks does so in one go, sorted, and before that locks nothing: so nobody waits for
somebody who waits for him.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

#: More names than this are locked by locking all there are: the server's table of locks is finite.
#: Enough for a batch of deliveries with three names each.
_MANY = 384


def number(name: str) -> int:
    """What the server knows the lock on *name* by."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


#: What everybody who locks names shares, and whoever locks all of them has to himself.
_ALL = number("every name")

_LOCK = text(
    "SELECT CASE WHEN number = :all THEN pg_advisory_xact_lock_shared(number)"
    " ELSE pg_advisory_xact_lock(number) END FROM unnest(CAST(:numbers AS bigint[])) AS number"
)
_LOCK_ALL = text("SELECT pg_advisory_xact_lock(:all)")
_TRY = text(
    "SELECT number FROM unnest(CAST(:numbers AS bigint[])) AS number"
    " WHERE pg_try_advisory_xact_lock(number)"
)


def several_writers(connection: Connection) -> bool:
    """Whether others may write while *connection* does."""
    return connection.dialect.name == "postgresql"


def lock(connection: Connection, names: Collection[str]) -> None:
    """Wait for *names*, and have them alone until the transaction ends."""
    if len(names) > _MANY:
        lock_all(connection)
    elif several_writers(connection):
        numbers = sorted({number(name) for name in names})
        connection.execute(_LOCK, {"all": _ALL, "numbers": [_ALL, *numbers]})


def lock_all(connection: Connection) -> None:
    """Wait for everybody who locks names, and keep them out until the transaction ends."""
    if several_writers(connection):
        connection.execute(_LOCK_ALL, {"all": _ALL})


def try_lock(connection: Connection, names: Collection[str]) -> set[str]:
    """Those of *names* that nobody else has: they are ours until the transaction ends."""
    if not names or not several_writers(connection):
        return set(names)
    numbers = {number(name): name for name in names}
    free = connection.scalars(_TRY, {"numbers": sorted(numbers)})
    return {numbers[one] for one in free}
