"""Statements that the databases spell differently mean the same."""

import pytest
from sqlalchemy import not_, select

from reference_impl.store import among
from reference_impl.tables import webhook_stats as stats

DATABASES = ("sqlite", "postgresql")

NAMES = ["a", "b", "\0", "\ue000", "x" * 600]


@pytest.fixture
def connection(machine):
    with machine.store.write() as opened:
        opened.execute(
            stats.insert(), [{"event_type": n, "writer": i} for i, n in enumerate(NAMES)]
        )
        yield opened


@pytest.mark.parametrize("asked", [[], ["a"], ["b", "c"], ["\0", "\ue000"], ["x" * 600], NAMES])
def test_what_is_among_several_is_found(connection, asked):
    query = select(stats.c.writer).where(among(stats.c.event_type, "names"))
    for _ in range(2):
        assert set(connection.scalars(query, {"names": asked})) == {
            NAMES.index(one) for one in {*NAMES} & {*asked}
        }


def test_it_may_be_part_of_a_condition(connection):
    name = stats.c.event_type
    either = among(name, "some") | among(name, "more")
    query = select(stats.c.writer).where(either, not_(among(name, "none")))
    values = {"some": ["a", "b"], "more": ["\0"], "none": ["b"]}
    assert set(connection.scalars(query, values)) == {NAMES.index("a"), NAMES.index("\0")}


def test_each_spells_it_as_its_index_takes_it(machine):
    query = select(stats.c.writer).where(among(stats.c.event_type, "names"))
    with machine.store.read() as connection:
        told = str(query.compile(connection)).partition("WHERE ")[2]
    expected = {
        "sqlite": "webhook_stats.event_type IN (__[POSTCOMPILE_names])",
        "postgresql": "webhook_stats.event_type = ANY (%(names)s::TEXT[])",
    }
    assert told == expected[connection.dialect.name]
