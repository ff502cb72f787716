"""
Which revision the tables are at, and how they get to the one that this code needs.

Alembic, which takes a third of a second to load, is asked only when there is something to migrate.
A store at the revision of this code, and a new one, need a statement or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, insert, inspect, select, table, text

from reference_impl.tables import metadata, webhook_events

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

#: The revision of the tables in `tables`: the newest of `migrations/versions`.
HEAD = "0009"

#: The revision of the stores that were made before revisions were written down.
FIRST = "0001"

#: The time of the server, in microseconds since 1970.
NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")

_VERSION: Any = table("alembic_version", column("version_num"))
#: As Alembic itself makes it.
_CREATE_VERSION = text(
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


#: Columns that the inbox has had from the first revision on, and hardly another table of its name.
_OURS = frozenset({"webhook_id", "event_type", "lease_owner", "lease_until"})


class ForeignStoreError(Exception):
    """What is there belongs to something else; the message is one sentence."""


class NewerStoreError(Exception):
    """The store was made by a later version; the message is one sentence."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the store is newer than this program: it is at revision {revision}, and this program "
            f"knows those up to {HEAD}"
        )


class OlderStoreError(Exception):
    """The store was made by an earlier version; the message is one sentence."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the store is older than this program: it is at revision {revision}, and is to be at "
            f"{HEAD}; stop what runs of the old version, then `reference-receiver migrate`"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """The revision a store had, `None` if it had no tables, and the one it has now."""

    before: str | None
    after: str


def is_made(connection: Connection) -> bool:
    """Whether there are tables of ours."""
    return inspect(connection).has_table(webhook_events.name)


def revision_table(connection: Connection) -> bool:
    """Whether revisions are written down in this store."""
    return inspect(connection).has_table("alembic_version")


def revision(connection: Connection) -> str | None:
    """The revision of the tables; `None` while there are none of ours."""
    # Others who share the database may write their own revisions down.
    if not is_made(connection):
        return None
    found: str | None = None
    if revision_table(connection):
        found = connection.scalar(select(_VERSION.c.version_num))
    return found or FIRST


def is_current(connection: Connection) -> bool:
    """
    Whether there are tables; those that there are have to be at the revision of this code.

    Raises:
        ForeignStoreError: if there are none, and the place that they need is taken.
        NewerStoreError: if a later version made them.
        OlderStoreError: if an earlier one did.
    """
    found = revision(connection)
    if found is None:
        _require_room(connection)
    elif found != HEAD:
        # Revisions are numbers of as many digits each.
        raise NewerStoreError(found) if found > HEAD else OlderStoreError(found)
    return found is not None


def bring_up(connection: Connection) -> Change:
    """
    Bring the tables to the revision of this code, in the transaction of *connection*.

    Raises:
        ForeignStoreError: if the place that they need is taken.
        NewerStoreError: if their revision is not known here.
    """
    before = revision(connection)
    if before is None:
        _require_room(connection)
        metadata.create_all(connection)
        connection.execute(_CREATE_VERSION)
        connection.execute(insert(_VERSION), {"version_num": HEAD})
    elif before != HEAD:
        _require_ours(connection)
        from reference_impl import migrations  # noqa: PLC0415 - loads slowly, and is seldom needed

        migrations.upgrade(connection, before)
    return Change(before, HEAD)


def require_file(names: Collection[str]) -> None:
    """
    See that a file with tables of these *names* is ours, or nobody's.

    Raises:
        ForeignStoreError: if it is something else's.
    """
    if names and webhook_events.name not in names:
        raise ForeignStoreError(
            "DATABASE_URL names an SQLite file of something else: it has tables, and not the "
            "receiver's; name a file of the receiver's own, which it makes if there is none"
        )


def _require_room(connection: Connection) -> None:
    """
    See that tables made in the database of *connection* are in nobody's way.

    A server's database may be shared with other programs, whose tables have other names.

    Raises:
        ForeignStoreError: if they would be.
    """
    about = inspect(connection)
    if connection.dialect.name == "sqlite":
        require_file(about.get_table_names())
    for name in sorted({*metadata.tables, _VERSION.name}):
        if about.has_table(name):
            raise _taken(name)


def _require_ours(connection: Connection) -> None:
    """
    See that the inbox is one before it is migrated.

    Raises:
        ForeignStoreError: if something else has a table of its name.
    """
    found = {one["name"] for one in inspect(connection).get_columns(webhook_events.name)}
    if not found >= _OURS:
        raise _taken(webhook_events.name)


def _taken(name: str) -> ForeignStoreError:
    return ForeignStoreError(
        f"the database that DATABASE_URL names has a table {name!r} that is not the receiver's: "
        "give the receiver a database of its own"
    )
