import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from reference_impl.appointments import Own
from reference_impl.tables import appointments, effects, metadata
from reference_impl.testing import ProviderStates
from tests.unit.reference_impl.bodies import NOON, a_fact
from tests.unit.reference_impl.lives import BOUND, at, lives
from tests.unit.reference_impl.machines import look

DATABASES = ("sqlite", "postgresql")


def record(machine, *facts):
    for fact in facts:
        with machine.store.write() as connection:
            machine.handlers.apply(connection, [fact])


def state_of(machine):
    """The appointments and effects, without ids that are drawn by lot."""
    with machine.store.read() as connection:
        columns = [
            column
            for column in appointments.c
            if column.name not in {"id", "sequence"} and not column.name.startswith("own_")
        ]
        rows = sorted(repr(tuple(row)) for row in connection.execute(select(*columns)))
        kinds = connection.execute(
            select(effects.c.kind, effects.c.uid, appointments.c.uid).join(
                appointments, appointments.c.id == effects.c.appointment_id
            )
        )
        return rows, sorted(repr(tuple(row)) for row in kinds)


def clean(machine):
    ProviderStates(machine)._reset({})
    with machine.store.write() as connection:
        machine.book.register(connection, Own("12345", NOON, None), 0)


def test_an_occurrence_told_twice_has_one_effect(machine):
    record(machine, a_fact(minute=0), a_fact(minute=0), a_fact(minute=3))
    seen = look(machine, "uid-1")
    assert [effect["kind"] for effect in seen["effects"]] == ["created"]
    assert len(seen["appointments"]) == 1


def test_a_late_link_leaves_one_appointment_and_no_effect_behind(machine):
    record(
        machine,
        a_fact(uid="a", startTime=at(9)),
        a_fact("BOOKING_RESCHEDULED", "c", 4, rescheduleUid="b", startTime=at(12)),
    )
    assert look(machine)["totals"]["appointments"] == 2
    record(machine, a_fact("BOOKING_RESCHEDULED", "b", 3, rescheduleUid="a", startTime=at(11)))
    for uid in "abc":
        (one,) = look(machine, uid)["appointments"]
        assert (one["uid"], one["startTime"]) == ("c", at(12))
    assert look(machine)["totals"]["appointments"] == 1
    told = look(machine, "a", "b", "c")["effects"]
    assert {effect["appointment"] for effect in told} == {one["id"]}


def test_an_appointment_of_ours_is_confirmed_in_place(machine):
    clean(machine)
    assert look(machine, ids=["12345"])["appointments"][0]["status"] == "scheduled"
    record(machine, a_fact(**BOUND))
    (one,) = look(machine, "uid-1")["appointments"]
    assert (one["id"], one["status"]) == ("12345", "confirmed")
    assert look(machine)["totals"]["appointments"] == 1


def test_an_appointment_that_comes_after_its_booking_is_bound_to_it(machine):
    record(machine, a_fact(**BOUND))
    assert look(machine, "uid-1")["appointments"][0]["id"] != "12345"
    with machine.store.write() as connection:
        machine.book.register(connection, Own("12345"), 0)
    (one,) = look(machine, "uid-1")["appointments"]
    assert (one["id"], one["status"]) == ("12345", "confirmed")
    assert look(machine)["totals"]["appointments"] == 1
    assert look(machine, "uid-1")["effects"][0]["appointment"] == "12345"


def test_booking_ids_beyond_the_stores_integers_stay_exact(machine):
    record(machine, a_fact(uid="a", bookingId=2**53), a_fact(uid="b", bookingId=2**53 + 1))
    record(machine, a_fact(uid="c", bookingId=2**64 - 1))
    ids = [one["bookingId"] for one in look(machine, "a", "b", "c")["appointments"]]
    assert ids == [2**53, 2**53 + 1, 2**64 - 1]


def test_a_form_has_an_effect_and_no_appointment(machine):
    form = a_fact("FORM_SUBMITTED", "uid-of-a-form", formId="f", responses={"a": 1})
    record(machine, form, form)
    totals = look(machine)["totals"]
    assert (totals["effects"], totals["appointments"]) == (1, 0)


def test_an_unfinished_transaction_leaves_nothing(machine):
    def give_up_half_way():
        with machine.store.write() as connection:
            machine.handlers.apply(connection, [a_fact()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up_half_way()
    with machine.store.read() as connection:
        for table in metadata.sorted_tables:
            assert connection.scalar(select(func.count()).select_from(table)) == 0


def test_three_bookings_in_all_orders_end_the_same(machine):
    facts = [
        a_fact(uid="a", startTime=at(9), **BOUND),
        a_fact("BOOKING_RESCHEDULED", "b", 3, rescheduleUid="a", startTime=at(11)),
        a_fact("BOOKING_CANCELLED", "a", 4),
        a_fact("BOOKING_CANCELLED", "b", 5),
    ]
    states = set()
    for order in itertools.permutations(facts):
        clean(machine)
        record(machine, *order)
        states.add(repr(state_of(machine)))
    assert len(states) == 1


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(orders=lives().flatmap(lambda facts: st.tuples(st.just(facts), st.permutations(facts))))
def test_whatever_arrives_first_the_book_ends_the_same(machine, orders):
    states = []
    for order in orders:
        clean(machine)
        record(machine, *order)
        states.append(state_of(machine))
    assert states[0] == states[1]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    facts=lives().flatmap(st.permutations),
    sizes=st.lists(st.integers(1, 6), min_size=12),
)
def test_facts_told_together_end_as_those_told_one_by_one(machine, facts, sizes):
    clean(machine)
    record(machine, *facts)
    apart = state_of(machine)
    clean(machine)
    left = list(facts)
    for size in itertools.chain(sizes, itertools.repeat(6)):
        if not left:
            break
        with machine.store.write() as connection:
            machine.handlers.apply(connection, left[:size])
        del left[:size]
    assert state_of(machine) == apart


def test_of_two_tellings_in_one_batch_the_earlier_is_kept(machine):
    with machine.store.write() as connection:
        late, early = a_fact(minute=3), a_fact(minute=1)
        assert machine.book.record(connection, [(late, "x"), (early, "x")], NOON) == [True, False]
        assert machine.book.related(connection, [late]).facts == {late.key: early}
        earliest = a_fact(minute=0)
        assert machine.book.record(connection, [(earliest, "x"), (late, "x")], NOON) == [False] * 2
        assert machine.book.related(connection, [late]).facts == {late.key: earliest}
