"""
The store: transactions on the database that `DATABASE_URL` names.

The only place that knows which databases there are.  Everywhere else it is SQLAlchemy's language,
these classes and the functions of `statements`, `bulk` and `locks`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from reference_impl.settings import BadSettingsError
from reference_impl.store.base import Store
from reference_impl.store.bulk import add_all, insert_all
from reference_impl.store.statements import among, insert_new, rows

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["Store", "add_all", "among", "insert_all", "insert_new", "open_store", "rows"]


def open_store(url: str, *, seconds: float = 5.0) -> Store:
    """
    The store at *url*, which waits so many *seconds* for whoever holds it up.

    Raises:
        BadSettingsError: if *url* names no database that is known, what cannot be a file of one, or
            its driver is missing.
    """
    parsed = _parse(url)
    if parsed.drivername == "sqlite" and parsed.database and ":memory:" not in parsed.database:
        if parsed.query:
            raise BadSettingsError("DATABASE_URL of an SQLite file takes no options after a ?")
        _require_file(Path(parsed.database))
        from reference_impl.store.sqlite import SqliteStore  # noqa: PLC0415 - only what is used

        return SqliteStore(parsed, seconds=seconds)
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        try:
            from reference_impl.store.postgresql import PostgresqlStore  # noqa: PLC0415 - as above
        except ModuleNotFoundError:
            raise BadSettingsError(
                "DATABASE_URL names PostgreSQL and its driver is not installed: "
                "pip install 'psycopg[binary]'"
            ) from None
        try:
            return PostgresqlStore(parsed.set(drivername="postgresql+psycopg"), seconds=seconds)
        except ArgumentError:
            raise BadSettingsError("DATABASE_URL names hosts and ports that do not match") from None
    raise BadSettingsError(_EXPECTED)


_EXPECTED = (
    "DATABASE_URL must name an SQLite file, as sqlite:///receiver.db, "
    "or a PostgreSQL database, as postgresql+psycopg://user@host/name"
)


def _require_file(path: Path) -> None:
    """
    See that *path* names a file, or nothing yet: a device would be written to all the same.

    Raises:
        BadSettingsError: if it names anything else.
    """
    if path.is_dir():
        raise BadSettingsError("DATABASE_URL names a folder, and has to name a file in it")
    if path.exists() and not path.is_file():
        raise BadSettingsError("DATABASE_URL names what is no regular file")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text of the problem would repeat the URL, which may hold a password.
        raise BadSettingsError(_EXPECTED) from None
    misplaced = (parsed.host, None if parsed.drivername == "sqlite" else parsed.database)
    if any("@" in part for part in misplaced if part):
        # The end of a password, and whoever looks for a host of that name says it aloud.
        raise BadSettingsError("DATABASE_URL has an @ too many: one in a password is spelt %40")
    return parsed
