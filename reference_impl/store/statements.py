"""Statements that the databases spell differently."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, LargeBinary, bindparam, column, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing
from sqlalchemy.ext.compiler import compiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Column, Connection, Dialect, Insert, Select, Table


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

    All of them have the same columns in the same order, every one that has to have a value.
    """
    names = tuple(entries[0])
    if connection.dialect.name == "postgresql":
        return _insert_unnested(connection, key, names, entries)
    return _insert_each(connection, key, names, entries)


def _insert_each(
    connection: Connection,
    key: Column[Any],
    names: tuple[str, ...],
    entries: Sequence[Mapping[str, Any]],
) -> set[Any]:
    values = [tuple(entry.values()) for entry in entries]
    inserted = connection.exec_driver_sql(_inserting(key.table, names), values).rowcount
    keys = {entry[key.name] for entry in entries}
    # Asking each insert what became of it would cost more than all of them.
    return keys if inserted == len(keys) else _newest(connection, key, keys, inserted)


def _newest(connection: Connection, key: Column[Any], keys: set[Any], count: int) -> set[Any]:
    """The *count* of *keys* that were inserted last: numbers only rise."""
    number = key.table.c.id
    latest = select(key).where(key.in_(keys)).order_by(number.desc()).limit(count)
    return set(connection.scalars(latest))


@functools.cache
def _inserting(table: Table, names: tuple[str, ...]) -> str:
    # Built once: making a statement costs more than executing it.
    marks = ", ".join("?" * len(names))
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our names
        " ON CONFLICT DO NOTHING"
    )


def _insert_unnested(
    connection: Connection,
    key: Column[Any],
    names: tuple[str, ...],
    entries: Sequence[Mapping[str, Any]],
) -> set[Any]:
    # In the order of their keys: two transactions that insert the same rows the other way round
    # would wait for each other.
    ordered = sorted(entries, key=lambda entry: entry[key.name])
    columns = [[entry[name] for entry in ordered] for name in names]
    for at, write in _writing(key.table, names, connection.dialect):
        columns[at] = [write(value) for value in columns[at]]
    query = _unnested(key, names, connection.dialect)
    return set(connection.exec_driver_sql(query, tuple(columns)).scalars())


@functools.cache
def _unnested(key: Column[Any], names: tuple[str, ...], dialect: Dialect) -> str:
    # One text and one array a column, however many rows: it is planned once for a connection.
    # Binary: a payload as text is twice as long, and is quoted and read again.
    kinds = (key.table.c[name].type.compile(dialect) for name in names)
    arrays = ", ".join(f"%b::{kind}[]" for kind in kinds)
    return (
        f"INSERT INTO {key.table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our names
        f" ON CONFLICT DO NOTHING RETURNING {key.name}"
    )


@functools.cache
def _writing(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> list[tuple[int, Callable[[Any], Any]]]:
    """How the values of those columns are written that are not written as they are."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for at, name in enumerate(names):
        kind = table.c[name].type.dialect_impl(dialect)
        write = None if isinstance(kind, LargeBinary) else kind.bind_processor(dialect)
        if write is not None:
            found.append((at, write))
    return found


def add_all(connection: Connection, into: Insert, entries: Sequence[Mapping[str, Any]]) -> None:
    """Insert *entries*, of which there may be none; all of them have the same columns."""
    if not entries:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(into, [dict(entry) for entry in entries])
        return
    names = tuple(entries[0])
    values = {name: [entry[name] for entry in entries] for name in names}
    connection.execute(_unnesting(into, names), values)


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
