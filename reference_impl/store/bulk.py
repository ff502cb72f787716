"""
Many rows at once: by the driver, since SQLAlchemy costs more than the database.

SQLite is given one row after the other; PostgreSQL copies them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, Integer, LargeBinary, select
from sqlalchemy.exc import DBAPIError

from reference_impl.store.statements import IF_NEW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Column, Connection, Dialect, Table


def insert_all(
    connection: Connection, key: Column[Any], entries: Sequence[Mapping[str, Any]]
) -> dict[Any, int]:
    """
    Insert those of *entries* whose *key* is not there yet: the numbers of these, by key.

    All of them have the same columns in the same order, every one that has to have a value.

    Raises:
        IntegrityError: if another transaction brought one of them meanwhile.
    """
    if connection.dialect.name == "postgresql":
        return _copy_new(connection, key, entries)
    table, names = key.table, tuple(entries[0])
    rows = _rows(table, names, entries, connection.dialect)
    inserted = connection.exec_driver_sql(_inserting(table, names, IF_NEW), rows).rowcount
    keys = [entry[key.name] for entry in entries]
    # Asking each insert what became of it would cost more than all of them.
    if inserted != len(keys):
        return _newest(connection, key, keys, inserted)
    last: int = connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one()
    return dict(zip(keys, range(last - inserted + 1, last + 1), strict=True))


def add_all(
    connection: Connection,
    table: Table,
    entries: Sequence[Mapping[str, Any]],
) -> None:
    """
    Insert *entries*, of which there may be none, into *table*.

    All of them have the same columns in the same order, every one that has to have a value.

    Raises:
        IntegrityError: if one of them is there already.
    """
    if not entries:
        return
    names = tuple(entries[0])
    rows = _rows(table, names, entries, connection.dialect)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, names, rows)
    else:
        connection.exec_driver_sql(_inserting(table, names, ""), rows)


def _newest(
    connection: Connection, key: Column[Any], keys: Sequence[Any], count: int
) -> dict[Any, int]:
    """Those *count* of *keys* that were inserted last, with their numbers: these only rise."""
    number = key.table.c.id
    latest = select(key, number).where(key.in_(keys)).order_by(number.desc()).limit(count)
    return dict(map(tuple, connection.execute(latest)))


@functools.cache
def _inserting(table: Table, names: tuple[str, ...], ending: str) -> str:
    # Built once: making a statement costs more than executing it.
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks}){ending}"  # noqa: S608 - our names


def _copy_new(
    connection: Connection, key: Column[Any], entries: Sequence[Mapping[str, Any]]
) -> dict[Any, int]:
    # The first of those that are alike, as if each had been inserted by itself.
    first = {entry[key.name]: entry for entry in reversed(entries)}
    # In the order of their keys: two transactions that bring the same rows the other way round
    # would wait for each other.
    keys = sorted(first)
    found = connection.exec_driver_sql(_asking(key, connection.dialect), (keys, len(keys)))
    known, numbers = found.one()
    fresh = sorted(set(keys).difference(known))
    if fresh:
        table, names = key.table, tuple(entries[0])
        rows = _rows(table, names, [first[one] for one in fresh], connection.dialect)
        numbered = [(number, *row) for number, row in zip(numbers, rows, strict=False)]
        _copy(connection, table, ("id", *names), numbered)
    return dict(zip(fresh, numbers, strict=False))


@functools.cache
def _asking(key: Column[Any], dialect: Dialect) -> str:
    """Which keys are there, and as many numbers as there might be new ones."""
    name, table, kind = key.name, key.table.name, key.type.compile(dialect)
    known = f"SELECT {name} FROM {table} WHERE {name} = ANY (%b::{kind}[])"  # noqa: S608 - our names
    sequence = f"pg_get_serial_sequence('{table}', 'id')::regclass"
    numbers = (
        f"SELECT nextval(s) FROM (SELECT {sequence} AS s OFFSET 0) named, generate_series(1, %b)"  # noqa: S608 - our names
    )
    return f"SELECT ARRAY({known}), ARRAY({numbers})"


def _copy(
    connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """
    Have PostgreSQL read *rows* as they come: half of what it and its driver take to insert them.

    Raises:
        DBAPIError: as for any other statement; the driver's own error would be one of nobody's.
    """
    query, kinds = _copying(table, names)
    driver: Any = connection.dialect.loaded_dbapi
    pooled: Any = connection.connection
    try:
        with pooled.driver_connection.cursor() as cursor, cursor.copy(query) as copy:
            copy.set_types(kinds)
            for row in rows:
                copy.write_row(row)
    except driver.Error as problem:
        raise DBAPIError.instance(
            query,
            None,
            problem,
            driver.Error,
            hide_parameters=True,
            connection_invalidated=pooled.driver_connection.closed,
            dialect=connection.dialect,
        ) from None


#: What the driver is to write values as, by the type of their column; all else is text.
_KINDS = (
    (LargeBinary, "bytea"),
    (Boolean, "bool"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Float, "float8"),
    (JSON, "json"),
)


@functools.cache
def _copying(table: Table, names: tuple[str, ...]) -> tuple[str, list[str]]:
    # Binary: a body as text is twice as long, and is quoted and read again.
    query = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    kinds = (
        next((kind for one, kind in _KINDS if isinstance(table.c[name].type, one)), "text")
        for name in names
    )
    return query, list(kinds)


def _rows(
    table: Table, names: tuple[str, ...], entries: Sequence[Mapping[str, Any]], dialect: Dialect
) -> list[tuple[Any, ...]]:
    writing = _writing(table, names, dialect)
    if not writing:
        return [tuple(entry.values()) for entry in entries]
    rows = []
    for entry in entries:
        row = list(entry.values())
        for at, write in writing:
            # Most of those that may be absent are.
            if row[at] is not None:
                row[at] = write(row[at])
        rows.append(tuple(row))
    return rows


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
