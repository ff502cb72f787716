"""Statements that the databases spell differently."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, bindparam, column, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing
from sqlalchemy.ext.compiler import compiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Column, Connection, CursorResult, Insert, Select, Table


def insert_new(table: Table) -> Insert:
    """An INSERT into *table* that leaves rows alone whose unique key is there already."""
    return insert(table).on_conflict_do_nothing()


@compiles(OnConflictDoNothing, "postgresql")
def _do_nothing(_clause: OnConflictDoNothing, _compiler: Any, **_: Any) -> str:
    # The two databases say the same; SQLAlchemy has it twice, and the other one loads slowly.
    return "ON CONFLICT DO NOTHING"


def insert_all(
    connection: Connection, key: Column[Any], entries: Sequence[Mapping[str, Any]]
) -> set[Any]:
    """
    Insert those of *entries* whose *key* is not there yet: the keys of these.

    All of them have the same columns.
    """
    if connection.dialect.name == "postgresql":
        # In the order of their keys: two transactions that insert the same rows the other way
        # round would wait for each other.
        entries = sorted(entries, key=lambda entry: entry[key.name])
    return set(_insert(connection, _inserting(key), entries).scalars())


def add_all(connection: Connection, into: Insert, entries: Sequence[Mapping[str, Any]]) -> None:
    """Insert *entries*, of which there may be none; all of them have the same columns."""
    if entries:
        _insert(connection, into, entries)


def _insert(
    connection: Connection, into: Insert, entries: Sequence[Mapping[str, Any]]
) -> CursorResult[Any]:
    if connection.dialect.name != "postgresql":
        return connection.execute(into, [dict(entry) for entry in entries])
    names = tuple(entries[0])
    values = {name: [entry[name] for entry in entries] for name in names}
    return connection.execute(_unnesting(into, names), values)


@functools.cache
def _inserting(key: Column[Any]) -> Insert:
    # Built once: making a statement costs more than executing it.
    return insert_new(key.table).returning(key)


@functools.cache
def _unnesting(into: Insert, names: tuple[str, ...]) -> Insert:
    # One text and one array a column, however many rows: it is planned once for a connection.
    columns = into.table.c
    arrays = [bindparam(name, type_=ARRAY(columns[name].type, dimensions=1)) for name in names]
    given = func.unnest(*arrays).table_valued(*map(column, names), name="given").render_derived()
    return into.from_select(names, select(*given.c))


def writer(connection: Connection) -> str:
    """Which of those that count at the same time *connection* is, as an expression."""
    # Connections that are open at the same time have numbers close to each other.
    return "pg_backend_pid() % 256" if connection.dialect.name == "postgresql" else "0"


def rows(
    connection: Connection,
    statement: Select[Any],
    values: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The rows of *statement* with these *values*, by column."""
    return [dict(row) for row in connection.execute(statement, values).mappings()]
