import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impl import instants
from reference_impl.appointments import Fold, Own
from tests.unit.reference_impl.bodies import NOON, a_fact
from tests.unit.reference_impl.lives import BOUND, at, lives

OURS = {"12345": Own("12345", NOON, NOON + 1)}


def people(*addresses):
    return [{"email": address} for address in addresses]


def a_seat(uid, person, **fields):
    return {"uid": uid, "seatsPerTimeSlot": 5, "attendees": people(person), **fields}


def outcome(told, own=()):
    """What the facts add up to, told as often as may be: of each occurrence one is kept."""
    kept = {}
    for fact in told:
        kept[fact.key] = min(fact, kept.get(fact.key, fact), key=lambda one: one.priority)
    facts = list({fact.key: kept[fact.key] for fact in told}.values())
    folded = Fold().fold(facts, dict(own))
    return sorted(
        (
            one.own_id or "",
            sorted(one.bookings),
            one.standing.uid,
            one.standing.booking_id,
            one.standing.status,
            one.standing.start,
            one.standing.rescheduled_from,
            one.standing.reason or "",
            tuple(one.standing.attendees),
        )
        for one in folded
    )


def the_one(facts, own=()):
    """The single appointment of *facts*, which is the same in every order."""
    outcomes = {repr(outcome(order, own)) for order in itertools.permutations(facts)}
    assert len(outcomes) == 1
    (folded,) = Fold().fold(facts, dict(own))
    return folded


CREATED = a_fact("BOOKING_CREATED", "a", 0, startTime=at(9))
CANCELLED = a_fact("BOOKING_CANCELLED", "a", 5, cancellationReason="ill")
MOVED = a_fact("BOOKING_RESCHEDULED", "b", 3, rescheduleUid="a", startTime=at(11))
MOVED_AGAIN = a_fact("BOOKING_RESCHEDULED", "c", 4, rescheduleUid="b", startTime=at(12))


def test_created_confirms():
    assert the_one([CREATED]).standing.status == "confirmed"


def test_a_cancelled_booking_keeps_what_it_was():
    standing = the_one([CREATED, CANCELLED]).standing
    assert (standing.status, standing.reason) == ("cancelled", "ill")
    assert standing.start == instants.parse(at(9))
    assert standing.attendees == ["guest@client.example"]


def test_a_cancellation_alone_is_a_cancelled_appointment():
    standing = the_one([CANCELLED]).standing
    assert (standing.status, standing.uid) == ("cancelled", "a")


def test_a_cancellation_without_a_reason_has_the_guides_reason():
    standing = the_one([a_fact("BOOKING_CANCELLED", "a", 1)]).standing
    assert standing.reason == "Cal.com booking cancelled"


def test_a_creation_that_claims_to_be_later_does_not_revive():
    late = a_fact("BOOKING_CREATED", "a", 30)
    assert the_one([CANCELLED, late]).standing.status == "cancelled"


@pytest.mark.parametrize("final", ["BOOKING_CANCELLED", "BOOKING_REJECTED"])
@pytest.mark.parametrize("other", ["BOOKING_CREATED", "BOOKING_CONFIRMED", "BOOKING_REQUESTED"])
def test_at_the_same_instant_the_final_one_wins(final, other):
    facts = [a_fact(final, "a", 0), a_fact(other, "a", 0)]
    assert not the_one(facts).standing.live


def test_a_reschedule_goes_on_under_the_new_uid():
    one = the_one([CREATED, MOVED])
    assert one.bookings == {"a", "b"}
    assert (one.standing.uid, one.standing.status) == ("b", "confirmed")
    assert one.standing.start == instants.parse(at(11))
    assert one.standing.rescheduled_from == instants.parse(at(9))
    assert one.standing.reschedule_uid == "a"


def test_a_chain_of_reschedules_is_one_appointment():
    one = the_one([CREATED, MOVED, MOVED_AGAIN])
    assert (one.standing.uid, one.bookings) == ("c", {"a", "b", "c"})


def test_a_chain_whose_middle_is_missing_is_two_until_it_arrives():
    assert len(outcome([CREATED, MOVED_AGAIN])) == 2
    assert len(outcome([CREATED, MOVED_AGAIN, MOVED])) == 1


def test_cancelling_the_old_uid_after_a_reschedule_changes_nothing():
    assert the_one([CREATED, MOVED, CANCELLED]).standing.status == "confirmed"


def test_cancelling_the_new_uid_after_a_reschedule_cancels():
    cancelled = a_fact("BOOKING_CANCELLED", "b", 9)
    assert the_one([CREATED, MOVED, cancelled]).standing.status == "cancelled"


def test_a_reschedule_with_a_new_uid_revives_what_the_host_asked_to_move():
    asked = a_fact("BOOKING_CANCELLED", "a", 1, cancellationReason="Please reschedule. Sick")
    one = the_one([CREATED, asked, MOVED])
    assert (one.standing.status, one.standing.reason) == ("confirmed", None)


def test_a_reschedule_of_the_same_uid_after_the_end_revives_nothing():
    guide = a_fact("BOOKING_RESCHEDULED", "a", 9, rescheduleUid="new", startTime=at(15))
    one = the_one([CREATED, CANCELLED, guide])
    assert one.standing.status == "cancelled"
    assert one.standing.start == instants.parse(at(9))


def test_the_guides_reschedule_keeps_the_uid_and_its_reschedule_uid_names_nobody():
    first = a_fact(
        "BOOKING_RESCHEDULED",
        "a",
        3,
        rescheduleUid="r1",
        startTime=at(15),
        previousStartTime=at(9),
        attendees=...,
    )
    second = a_fact("BOOKING_RESCHEDULED", "a", 4, rescheduleUid="r2", startTime=at(9))
    one = the_one([CREATED, first, second])
    assert one.standing.start == instants.parse(at(9))
    assert one.standing.rescheduled_from == instants.parse(at(15))
    assert (one.standing.reschedule_uid, one.standing.uid) == ("r2", "a")
    assert one.standing.attendees == ["guest@client.example"]


def test_bookings_with_the_same_unknown_reschedule_uid_have_nothing_in_common():
    facts = [a_fact(uid=uid, rescheduleUid="rst-uvw-xyz") for uid in ("a", "b")]
    assert len(outcome(facts)) == 2


def test_an_older_reschedule_that_arrives_late_changes_nothing():
    older = a_fact("BOOKING_RESCHEDULED", "a", 3, rescheduleUid="r1", startTime=at(13))
    newer = a_fact("BOOKING_RESCHEDULED", "a", 4, rescheduleUid="r2", startTime=at(14))
    assert the_one([CREATED, newer, older]).standing.start == instants.parse(at(14))


def test_a_creation_without_a_date_still_comes_first():
    moved = a_fact("BOOKING_RESCHEDULED", "a", 1, rescheduleUid="r1", startTime=at(13))
    undated = a_fact("BOOKING_CREATED", "a", None, received_at=NOON * 2, startTime=at(9))
    assert the_one([moved, undated]).standing.start == instants.parse(at(13))


def test_a_request_is_requested_and_a_confirmation_confirms():
    requested = a_fact("BOOKING_REQUESTED", "a", 0, status="PENDING")
    assert the_one([requested]).standing.status == "requested"
    for trigger in ("BOOKING_CREATED", "BOOKING_CONFIRMED"):
        assert the_one([requested, a_fact(trigger, "a", 1)]).standing.status == "confirmed"
    rejected = a_fact("BOOKING_REJECTED", "a", 1, rejectionReason="full")
    standing = the_one([requested, rejected]).standing
    assert (standing.status, standing.reason) == ("rejected", "full")


def test_a_request_that_replaces_a_booking_is_the_same_appointment():
    requested = a_fact("BOOKING_REQUESTED", "b", 3, rescheduleUid="a", startTime=at(16))
    one = the_one([CREATED, requested])
    assert (one.standing.uid, one.standing.status) == ("b", "requested")


def test_a_payment_begun_does_not_confirm_and_a_payment_made_does():
    begun = a_fact("BOOKING_PAYMENT_INITIATED", "a", 0, status="ACCEPTED", paymentId=1)
    assert the_one([begun]).standing.status == "scheduled"
    paid = a_fact("BOOKING_PAID", "a", 2, status="ACCEPTED", paymentId=1)
    assert the_one([begun, paid]).standing.status == "confirmed"
    assert the_one([begun, paid, CREATED, CANCELLED]).standing.status == "cancelled"


def test_a_fact_without_a_uid_is_about_the_booking_of_its_number():
    numbered = a_fact("BOOKING_CANCELLED", None, 4, bookingId=97)
    assert CREATED.booking_id == 97
    assert the_one([CREATED, numbered]).standing.status == "cancelled"


def test_a_reschedule_to_an_unlinked_uid_is_found_by_the_number():
    other = a_fact("BOOKING_RESCHEDULED", "z", 4, bookingId=97, startTime=at(18))
    one = the_one([CREATED, other])
    assert (one.standing.uid, one.bookings) == ("z", {"a", "z"})
    assert one.standing.start == instants.parse(at(18))


def test_two_created_bookings_with_one_number_stay_two():
    assert len(outcome([CREATED, a_fact(uid="other", bookingId=97)])) == 2


def test_a_booking_nobody_introduced_that_bears_two_numbers_has_one_home_in_every_order():
    facts = [
        a_fact("BOOKING_CREATED", "d", 0, bookingId=4),
        a_fact("BOOKING_CREATED", "f", 1, bookingId=5),
        a_fact("BOOKING_CANCELLED", "e", 2, bookingId=4),
        a_fact("BOOKING_CONFIRMED", "e", 3, bookingId=5),
    ]
    outcomes = {repr(outcome(order)) for order in itertools.permutations(facts)}
    assert len(outcomes) == 1


def test_bookings_of_one_person_stay_apart():
    other = a_fact("BOOKING_CREATED", "other", 1)
    states = outcome([CREATED, other, CANCELLED])
    assert [state[4] for state in states] == ["cancelled", "confirmed"]


# --- seats ----------------------------------------------------------------------------------


def seat(person, minute, trigger="BOOKING_CREATED", uid="s", **fields):
    return a_fact(trigger, minute=minute, **a_seat(uid, person, **fields))


def test_each_seat_adds_a_person_and_a_cancelled_seat_removes_one():
    anna = seat("anna@client.example", 0, attendeeSeatId="1")
    ben = seat("ben@client.example", 1, attendeeSeatId="2")
    gone = seat("Anna@client.example", 2, "BOOKING_CANCELLED")
    assert the_one([anna, ben]).standing.attendees == ["anna@client.example", "ben@client.example"]
    one = the_one([anna, ben, gone])
    assert (one.standing.attendees, one.standing.status) == (["ben@client.example"], "confirmed")


def test_the_last_seat_cancels_the_booking_and_a_new_seat_brings_it_back():
    anna = seat("anna@client.example", 0, attendeeSeatId="1")
    gone = seat("anna@client.example", 2, "BOOKING_CANCELLED")
    assert the_one([anna, gone]).standing.status == "cancelled"
    again = seat("anna@client.example", 3, attendeeSeatId="3")
    standing = the_one([anna, gone, again]).standing
    assert (standing.status, standing.reason) == ("confirmed", None)


def test_cancelling_every_seat_cancels_the_booking():
    seats = [seat(f"{name}@client.example", 0, attendeeSeatId=name) for name in "ab"]
    everybody = a_fact(
        "BOOKING_CANCELLED",
        "s",
        5,
        seatsPerTimeSlot=5,
        attendees=people("a@client.example", "b@client.example"),
    )
    assert the_one([*seats, everybody]).standing.status == "cancelled"


def test_a_cancellation_of_a_seated_booking_that_names_nobody_ends_it():
    seats = [seat(f"{name}@client.example", 0, attendeeSeatId=name) for name in "ab"]
    nobody = a_fact("BOOKING_CANCELLED", "s", 5, seatsPerTimeSlot=5, attendees=[])
    assert the_one([*seats, nobody]).standing.status == "cancelled"


def test_one_seat_that_moves_leaves_the_others_where_they_are():
    anna = seat("anna@client.example", 0, attendeeSeatId="1")
    ben = seat("ben@client.example", 1, attendeeSeatId="2")
    moved = seat(
        "anna@client.example",
        2,
        "BOOKING_RESCHEDULED",
        "t",
        attendeeSeatId="1",
        rescheduleUid="s",
    )
    states = outcome([anna, ben, moved])
    assert [(state[2], state[8]) for state in states] == [
        ("s", ("ben@client.example",)),
        ("t", ("anna@client.example",)),
    ]


def test_the_only_seat_that_moves_takes_its_appointment_along():
    anna = seat("anna@client.example", 0, attendeeSeatId="1")
    moved = seat(
        "anna@client.example",
        2,
        "BOOKING_RESCHEDULED",
        "t",
        attendeeSeatId="1",
        rescheduleUid="s",
    )
    one = the_one([anna, moved])
    assert (one.standing.uid, one.bookings) == ("t", {"s", "t"})


# --- appointments of ours -------------------------------------------------------------------


def test_a_booking_that_names_an_appointment_of_ours_is_bound_to_it():
    for trigger in ("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_CANCELLED"):
        assert the_one([a_fact(trigger, **BOUND)], OURS).own_id == "12345"


def test_an_unknown_appointment_does_not_make_a_booking_vanish():
    assert the_one([a_fact(**BOUND)]).own_id is None


def test_a_second_live_booking_does_not_take_an_appointment_over():
    facts = [a_fact(uid="a", minute=0, **BOUND), a_fact(uid="b", minute=1, **BOUND)]
    bound, free = sorted(Fold().fold(facts, OURS), key=lambda one: one.standing.uid)
    assert (bound.own_id, free.own_id) == ("12345", None)


def test_a_booking_after_the_first_one_is_over_goes_on_with_the_appointment():
    facts = [
        a_fact(uid="a", minute=0, **BOUND),
        a_fact("BOOKING_CANCELLED", "a", 1),
        a_fact(uid="b", minute=2, **BOUND),
    ]
    one = the_one(facts, OURS)
    assert (one.own_id, one.standing.uid, one.standing.status) == ("12345", "b", "confirmed")
    assert one.bookings == {"a", "b"}


def test_what_went_on_under_another_booking_takes_no_second_appointment():
    other = {"metadata": {"askproai_appointment_id": "67890"}}
    facts = [
        a_fact(uid="a", minute=0, **BOUND),
        a_fact(uid="b", minute=1, **other),
        a_fact("BOOKING_CANCELLED", "b", 2),
        a_fact(uid="c", minute=3, **BOUND),
        # Over as well; and only now it names the appointment that was b's.
        a_fact("BOOKING_CANCELLED", "a", 4, **other),
    ]
    ours = OURS | {"67890": Own("67890", NOON, NOON + 1)}
    for order in itertools.permutations(facts):
        bound = {one.own_id: one.bookings for one in Fold().fold(order, ours)}
        assert bound == {"12345": {"a", "c"}, "67890": {"b"}}


def test_a_bound_appointment_keeps_its_own_slot_until_a_booking_has_one():
    one = the_one([a_fact("BOOKING_CONFIRMED", startTime=..., endTime=..., **BOUND)], OURS)
    assert (one.standing.start, one.standing.end) == (NOON, NOON + 1)


# --- every order ----------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(lives().flatmap(lambda facts: st.tuples(st.just(facts), st.permutations(facts))))
def test_every_order_of_arrival_ends_in_the_same_state(orders):
    told, shuffled = orders
    assert outcome(told, OURS) == outcome(shuffled, OURS)


@settings(max_examples=60, deadline=None)
@given(lives())
def test_no_booking_is_in_two_appointments_or_in_none(facts):
    names = [name for one in Fold().fold(facts, OURS) for name in one.bookings]
    assert sorted(names) == sorted({fact.uid for fact in facts})
