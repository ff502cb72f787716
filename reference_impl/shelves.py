"""
Shelves: how deliveries are found by a uid without costing each of them a page.

A uid is like no other before.  In an index of all of them each new one would change a page of its
own, the more pages the more rows there are.  So the index is one of shelves, each of so many
deliveries accepted one after the other: what comes together stands together, and whoever looks for
a uid looks on every shelf, some thousands for ten million deliveries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from reference_impl.columns import BEGINNING, BEGINNINGS

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Select

#: A shelf holds two to the power of this.
_BITS: ColumnElement[Any] = literal_column("11")

_FIRST: ColumnElement[Any] = literal_column("1")
_LAST: ColumnElement[Any] = literal_column(str(BEGINNING))


def shelf(number: ColumnElement[int]) -> ColumnElement[int]:
    """On which shelf the delivery of this *number* stands."""
    return number.op(">>", return_type=number.type)(_BITS)


def spine(uid: ColumnElement[Any]) -> ColumnElement[Any]:
    """What it is found by there."""
    return func.substr(uid, _FIRST, _LAST, type_=BEGINNINGS)


def numbers(events: FromClause, uids: Any) -> Select[tuple[int]]:
    """
    The numbers of those *events* whose uid begins as one of *uids*, as `in_` takes them, does.

    Whether it is that uid is to be asked of these, and not here: SQLite would put the uid that is
    asked for in the place of the column, and look for what begins alike without the index.
    """
    number, uid = events.c.id, events.c.uid
    last = func.coalesce(select(func.max(number)).scalar_subquery(), 0)
    first = func.coalesce(select(func.min(number)).scalar_subquery(), 0)
    shelves = select(shelf(last).label("place")).cte("shelves", recursive=True)
    place = shelves.c.place
    shelves = shelves.union_all(select(place - 1).where(place > shelf(first)))
    standing = shelf(number) == shelves.c.place
    found = select(number).select_from(shelves).join(events, standing)
    return found.where(spine(uid).in_(uids))
