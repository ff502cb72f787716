"""Statements that the databases spell differently mean the same."""

import pytest
from sqlalchemy import not_, select

from reference_impl.store import among
from reference_impl.tables import appointment_bookings as bookings

DATABASES = ("sqlite", "postgresql")

NAMES = ["a", "b", "\0", "\ue000", "x" * 600]


@pytest.fixture
def connection(machine):
    with machine.store.write() as opened:
        opened.execute(bookings.insert(), [{"booking": n, "appointment_id": n} for n in NAMES])
        yield opened


@pytest.mark.parametrize("asked", [[], ["a"], ["b", "c"], ["\0", "\ue000"], ["x" * 600], NAMES])
def test_what_is_among_several_is_found(connection, asked):
    query = select(bookings.c.appointment_id).where(among(bookings.c.booking, "names"))
    for _ in range(2):
        assert set(connection.scalars(query, {"names": asked})) == {*NAMES} & {*asked}


def test_it_may_be_part_of_a_condition(connection):
    name = bookings.c.booking
    either = among(name, "some") | among(name, "more")
    query = select(bookings.c.appointment_id).where(either, not_(among(name, "none")))
    values = {"some": ["a", "b"], "more": ["\0"], "none": ["b"]}
    assert set(connection.scalars(query, values)) == {"a", "\0"}


def test_each_spells_it_as_its_index_takes_it(machine):
    query = select(bookings.c.appointment_id).where(among(bookings.c.booking, "names"))
    with machine.store.read() as connection:
        told = str(query.compile(connection)).partition("WHERE ")[2]
    expected = {
        "sqlite": "appointment_bookings.booking IN (__[POSTCOMPILE_names])",
        "postgresql": "appointment_bookings.booking = ANY (%(names)s::TEXT[])",
    }
    assert told == expected[connection.dialect.name]
