"""
Which revision the tables are at, and how they get to the one that this code needs.

Alembic, which takes a third of a second to load, is asked only when there is something to migrate.
A store at the revision of this code, and a new one, need a statement or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, insert, inspect, select, table, text

from reference_impl.tables import metadata

if TYPE_CHECKING:
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


class NewerStoreError(Exception):
    """The store was made by a later version; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Change:
    """The revision a store had, `None` if it had no tables, and the one it has now."""

    before: str | None
    after: str


def is_made(connection: Connection) -> bool:
    """Whether there are tables of ours."""
    return inspect(connection).has_table("webhook_events")


def revision_table(connection: Connection) -> bool:
    """Whether revisions are written down in this store."""
    return inspect(connection).has_table("alembic_version")


def revision(connection: Connection) -> str | None:
    """The revision of the tables; `None` while there are none."""
    if revision_table(connection):
        found: str | None = connection.scalar(select(_VERSION.c.version_num))
        if found is not None:
            return found
    return FIRST if is_made(connection) else None


def bring_up(connection: Connection) -> Change:
    """
    Bring the tables to the revision of this code, in the transaction of *connection*.

    Raises:
        NewerStoreError: if their revision is not known here.
    """
    before = revision(connection)
    if before is None:
        metadata.create_all(connection)
        connection.execute(_CREATE_VERSION)
        connection.execute(insert(_VERSION), {"version_num": HEAD})
    elif before != HEAD:
        from reference_impl import migrations  # noqa: PLC0415 - loads slowly, and is seldom needed

        migrations.upgrade(connection, before)
    return Change(before, HEAD)
