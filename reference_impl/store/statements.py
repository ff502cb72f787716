"""Statements that the databases spell differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Integer,
    Text,
    TypeDecorator,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Dialect, Select, Table
    from sqlalchemy.sql.operators import OperatorType

#: The end of an INSERT that leaves rows alone whose unique key is there already.
IF_NEW = " ON CONFLICT DO NOTHING"


def insert_new(table: Table) -> Insert:
    """An INSERT into *table* that leaves rows alone whose unique key is there already."""
    return insert(table).on_conflict_do_nothing()


@compiles(OnConflictDoNothing, "postgresql")
def _do_nothing(_clause: OnConflictDoNothing, _compiler: Any, **_: Any) -> str:
    # The two databases say the same; SQLAlchemy has it twice, and the other one loads slowly.
    return IF_NEW.strip()


def as_json(value: Any) -> str:
    """*value* as JSON: for an engine, which would ask the standard library and wait longer."""
    return orjson.dumps(value).decode()


# --- many values at once ------------------------------------------------------------------------


class _Numbers(TypeDecorator[list[int]]):
    """Numbers as one text, which is JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[int] | None, dialect: Dialect) -> str:  # noqa: ARG002 - SQLAlchemy's
        """How *value* is written."""
        return as_json(value)


class _Among(ColumnElement[bool]):
    """What `among` makes: spelled for SQLite, and for PostgreSQL."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        ("listed", InternalTraversal.dp_clauseelement),
        ("array", InternalTraversal.dp_clauseelement),
    ]
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        if isinstance(column.type, Integer):
            numbers = func.json_each(bindparam(name, type_=_Numbers())).table_valued("value")
            self.listed = column.in_(select(numbers.c.value))
        else:
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

    As many parameters as there are values take as long to be written and read as all else that is
    asked: PostgreSQL is given one array, and SQLite one text for numbers.  Texts it is given one by
    one: in JSON they would end with their first U+0000.
    """
    return _Among(column, name)


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
