"""Statements that the databases spell differently."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, bindparam, column, func, select
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing
from sqlalchemy.ext.compiler import compiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Column, Connection, Select, Table


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
    names = tuple(entries[0])
    if connection.dialect.name != "postgresql":
        return set(connection.scalars(_inserting(key), [dict(entry) for entry in entries]))
    # In the order of their keys: two transactions that insert the same rows the other way round
    # would wait for each other.
    ordered = sorted(entries, key=lambda entry: entry[key.name])
    values = {name: [entry[name] for entry in ordered] for name in names}
    return set(connection.scalars(_unnesting(key, names), values))


@functools.cache
def _inserting(key: Column[Any]) -> Any:
    # Built once: making a statement costs more than executing it.
    return insert_new(key.table).returning(key)


@functools.cache
def _unnesting(key: Column[Any], names: tuple[str, ...]) -> Any:
    # One text and one array a column, however many rows: it is planned once for a connection.
    arrays = [bindparam(name, type_=ARRAY(key.table.c[name].type)) for name in names]
    given = func.unnest(*arrays).table_valued(*map(column, names), name="given").render_derived()
    return insert_new(key.table).from_select(names, select(*given.c)).returning(key)


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
