"""Statements that the databases spell differently."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Boolean, ColumnElement, LargeBinary, any_, bindparam, select
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Column, Connection, Dialect, Select, Table
    from sqlalchemy.sql.operators import OperatorType

_IF_NEW = " ON CONFLICT DO NOTHING"


def insert_new(table: Table) -> Insert:
    """An INSERT into *table* that leaves rows alone whose unique key is there already."""
    return insert(table).on_conflict_do_nothing()


@compiles(OnConflictDoNothing, "postgresql")
def _do_nothing(_clause: OnConflictDoNothing, _compiler: Any, **_: Any) -> str:
    # The two databases say the same; SQLAlchemy has it twice, and the other one loads slowly.
    return _IF_NEW.strip()


# --- many values at once ------------------------------------------------------------------------


class _Among(ColumnElement[bool]):
    """What `among` makes: spelled for SQLite, and for PostgreSQL."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        ("listed", InternalTraversal.dp_clauseelement),
        ("array", InternalTraversal.dp_clauseelement),
    ]
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.listed = column.in_(bindparam(name, expanding=True))
        self.array = column == any_(bindparam(name, type_=ARRAY(column.type)))

    def self_group(self, against: OperatorType | None = None) -> ColumnElement[bool]:  # noqa: ARG002 - SQLAlchemy's
        """Itself: it binds closer than whatever it is part of, and is true or false by itself."""
        return self


@compiles(_Among)
def _as_list(element: _Among, compiler: Any, **more: Any) -> str:
    spelled: str = compiler.process(element.listed, **more)
    return spelled


@compiles(_Among, "postgresql")
def _as_array(element: _Among, compiler: Any, **more: Any) -> str:
    spelled: str = compiler.process(element.array, **more)
    return spelled


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """
    Whether *column* is one of the values that the parameter of this *name* lists.

    PostgreSQL is given one array.  As many parameters as there are values take it as long to read,
    and its driver to write, as all else that is asked.
    """
    return _Among(column, name)


# --- many rows at once: by the driver, since SQLAlchemy costs more than the database ------------


def insert_all(
    connection: Connection, key: Column[Any], entries: Sequence[Mapping[str, Any]]
) -> dict[Any, int]:
    """
    Insert those of *entries* whose *key* is not there yet: the numbers of these, by key.

    All of them have the same columns in the same order, every one that has to have a value.
    """
    table, names = key.table, tuple(entries[0])
    if connection.dialect.name == "postgresql":
        # In the order of their keys: two transactions that insert the same rows the other way
        # round would wait for each other.
        ordered = sorted(entries, key=lambda entry: entry[key.name])
        ending = f"{_IF_NEW} RETURNING {key.name}, id"
        query = _unnesting(table, names, ending, connection.dialect)
        columns = _columns(table, names, ordered, connection.dialect)
        return dict(map(tuple, connection.exec_driver_sql(query, columns)))
    rows = _rows(table, names, entries, connection.dialect)
    inserted = connection.exec_driver_sql(_inserting(table, names, _IF_NEW), rows).rowcount
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
    """
    if not entries:
        return
    names = tuple(entries[0])
    if connection.dialect.name == "postgresql":
        query = _unnesting(table, names, "", connection.dialect)
        connection.exec_driver_sql(query, _columns(table, names, entries, connection.dialect))
    else:
        rows = _rows(table, names, entries, connection.dialect)
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


@functools.cache
def _unnesting(table: Table, names: tuple[str, ...], ending: str, dialect: Dialect) -> str:
    # One text and one array a column, however many rows: it is planned once for a connection.
    # Binary: a payload as text is twice as long, and is quoted and read again.
    kinds = (table.c[name].type.compile(dialect) for name in names)
    arrays = ", ".join(f"%b::{kind}[]" for kind in kinds)
    into = f"{table.name} ({', '.join(names)})"
    return f"INSERT INTO {into} SELECT * FROM unnest({arrays}){ending}"  # noqa: S608 - our names


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
            row[at] = write(row[at])
        rows.append(tuple(row))
    return rows


def _columns(
    table: Table, names: tuple[str, ...], entries: Sequence[Mapping[str, Any]], dialect: Dialect
) -> tuple[list[Any], ...]:
    columns = [[entry[name] for entry in entries] for name in names]
    for at, write in _writing(table, names, dialect):
        columns[at] = [write(value) for value in columns[at]]
    return tuple(columns)


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
