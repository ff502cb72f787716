"""What the receiver's world has to look like, and what it may look like."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from calcontract.errors import Violation
from calcontract.judges import effects as judges
from calcontract.probes import LIVE
from tests.unit.calcontract.makers import (
    NOON,
    ONE,
    UID,
    a_look,
    a_record_of_the_inbox,
    an_appointment,
    effects,
    reason,
)

OTHER = "anotherUidOfTheSameRun"


@pytest.mark.parametrize(
    ("trigger", "kinds", "occurrences", "found"),
    [
        ("BOOKING_CREATED", ("created",), 1, None),
        # A receiver that is asked to confirm an appointment of ours may call that a confirmation.
        ("BOOKING_CREATED", ("confirmed",), 1, None),
        ("BOOKING_CREATED", (), 1, "effect-missing"),
        ("BOOKING_CREATED", ("created", "created"), 1, "effect-repeated"),
        ("BOOKING_CREATED", ("created", "created"), 2, None),
        ("BOOKING_CREATED", ("cancelled",), 1, "effect-missing"),
        ("BOOKING_CANCELLED", ("created", "cancelled"), 1, None),
        ("BOOKING_CANCELLED", ("created", "cancelled", "cancelled"), 1, "effect-repeated"),
        ("BOOKING_RESCHEDULED", ("rescheduled",), 2, "effect-missing"),
        ("SOMETHING_NEW", ("created",), 0, None),
    ],
)
def test_effects_are_counted_by_trigger_and_booking(trigger, kinds, occurrences, found):
    look = a_look(effects=(*effects(*kinds), *effects("created", "cancelled", uid=OTHER)))
    assert reason(judges.happened, look, trigger=trigger, uid=UID, occurrences=occurrences) == found


@pytest.mark.parametrize(
    ("records", "deliveries", "remark"),
    [
        ((a_record_of_the_inbox(state="waiting"),), 1, " (in the inbox: waiting after 1 try)"),
        (
            (
                a_record_of_the_inbox(state="waiting", tries=2, next_try_seconds=60.0),
                a_record_of_the_inbox(uid=OTHER, state="dead"),
            ),
            *(2, " (in the inbox: waiting after 2 tries, next in 60.0 s)"),
        ),
        ((), 7, " (not in the inbox)"),
        # A probe that shows no deliveries at all hides them.
        ((), 0, ""),
    ],
)
def test_of_an_inbox_that_is_shown_it_is_said_what_it_holds(records, deliveries, remark):
    look = a_look(records=records, effects=(), totals={"deliveries": deliveries})
    with pytest.raises(Violation) as caught:
        judges.happened(look, trigger="BOOKING_CREATED", uid=UID, occurrences=1)
    assert (
        caught.value.sentence == f"BOOKING_CREATED of booking {UID} took effect not at all{remark}"
    )


def test_nothing_means_neither_an_appointment_nor_an_effect():
    empty = a_look(appointments=(), effects=())
    assert reason(judges.nothing, empty, [UID]) is None
    assert reason(judges.nothing, a_look(effects=()), [UID]) == "effect-unexpected"
    assert reason(judges.nothing, a_look(appointments=()), [UID]) == "effect-unexpected"
    others = a_look(appointments=(), effects=effects("created", uid=OTHER))
    assert reason(judges.nothing, others, [UID]) is None


@pytest.mark.parametrize("name", ["appointments", "effects", "notices"])
def test_totals_that_change_are_noticed(name):
    before = a_look()
    after = dataclasses.replace(before, totals={**before.totals, name: before.totals[name] + 1})
    assert reason(judges.unchanged, before, after) == "changed"
    assert reason(judges.unchanged, before, before) is None


def test_the_inbox_may_grow_while_nothing_changes():
    before = a_look()
    after = dataclasses.replace(before, totals={**before.totals, "deliveries": 2})
    assert reason(judges.unchanged, before, after) is None


@pytest.mark.parametrize(
    "after",
    [
        a_look(appointments=()),
        a_look(appointments=(an_appointment(status="cancelled"),)),
        a_look(appointments=(an_appointment(attendees=()),)),
        a_look(appointments=(an_appointment(end=ONE + dt.timedelta(minutes=1)),)),
        a_look(effects=effects("created", "created")),
    ],
)
def test_what_a_redelivery_changes_is_noticed(after):
    assert reason(judges.same, a_look(), after) == "changed"


def test_others_may_use_the_receiver_while_a_redelivery_changes_nothing():
    assert reason(judges.same, a_look(), a_look(totals={"appointments": 99})) is None


def test_one_appointment_is_neither_none_nor_two():
    assert judges.one(a_look()).id == "1"
    assert reason(judges.one, a_look(appointments=())) == "appointments-missing"
    two = a_look(appointments=(an_appointment(), an_appointment(id="2", status="cancelled")))
    assert reason(judges.one, two) == "appointments-doubled"
    assert reason(judges.one_at_most, a_look(appointments=())) is None
    assert reason(judges.one_at_most, two) == "appointments-doubled"


@pytest.mark.parametrize(
    ("uids", "found"),
    [
        ((), None),
        ((UID,), None),
        ((UID, OTHER), None),
        # What a person entered has no uid, and there may be several of it.
        ((UID, None, None), None),
        ((UID, OTHER, UID), "appointments-doubled"),
    ],
)
def test_no_two_appointments_have_one_uid(uids, found):
    look = a_look(appointments=tuple(an_appointment(uid=uid, status="cancelled") for uid in uids))
    assert reason(judges.distinct, look) == found


@pytest.mark.parametrize(
    ("appointments", "found"),
    [
        ([an_appointment()], None),
        # The same instant, in the clock of another place.
        ([an_appointment(start=NOON.astimezone(dt.timezone(dt.timedelta(hours=2))))], None),
        ([an_appointment(), an_appointment(id="2", status="cancelled")], None),
        ([], "live-0"),
        ([an_appointment(), an_appointment(id="2")], "live-2"),
        ([an_appointment(), an_appointment(id="2", status="requested")], "live-2"),
        ([an_appointment(status="cancelled")], "live-0"),
        ([an_appointment(status="requested")], "requested"),
        ([an_appointment(status="scheduled")], "scheduled"),
        ([an_appointment(start=ONE)], "other-time"),
        ([an_appointment(end=NOON)], "other-time"),
        ([an_appointment(start=None, end=None)], "other-time"),
    ],
)
def test_a_booking_is_live_once_at_its_time(appointments, found):
    look = a_look(appointments=tuple(appointments))
    assert reason(judges.live_once, look, start=NOON, end=ONE) == found


@pytest.mark.parametrize("status", sorted(LIVE))
@pytest.mark.parametrize("named", ["cancelled", None])
def test_what_is_over_is_not_live(status, named):
    look = a_look(appointments=(an_appointment(status=status),))
    assert reason(judges.over, look, status=named) == "still-live"


def test_the_guide_keeps_what_is_over_and_others_may_remove_it():
    gone = a_look(appointments=())
    assert reason(judges.over, gone, status=None) is None
    assert reason(judges.over, gone, status="cancelled") == "appointments-missing"
    kept = a_look(appointments=(an_appointment(status="cancelled"),))
    assert reason(judges.over, kept, status="cancelled") is None
    assert reason(judges.over, kept, status="rejected") == "appointments-missing"


def test_only_a_confirmed_appointment_is_confirmed():
    assert reason(judges.not_confirmed, a_look()) == "confirmed"
    for status in ("scheduled", "requested", "cancelled"):
        look = a_look(appointments=(an_appointment(status=status),))
        assert reason(judges.not_confirmed, look) is None


def test_a_delivery_has_one_record():
    assert reason(judges.recorded_once, a_look()) is None
    assert reason(judges.recorded_once, a_look(records=())) == "records-missing"
    two = a_look(records=(a_record_of_the_inbox(), a_record_of_the_inbox(id="w2")))
    assert reason(judges.recorded_once, two) == "records-doubled"


@pytest.mark.parametrize(("count", "found"), [(0, "effect-repeated"), (1, None), (2, None)])
def test_a_booking_may_have_fewer_effects_than_occurrences_and_not_more(count, found):
    told = {("BOOKING_CREATED", UID): count}
    assert reason(judges.bounded, a_look(), told) == found


def of_status(*statuses):
    return a_look(appointments=tuple(an_appointment(status=status) for status in statuses))


@pytest.mark.parametrize(
    ("statuses", "guide", "calcom"),
    [
        (("confirmed",), None, None),
        (("cancelled",), None, None),
        # Cal.com keeps the booking that was rescheduled, as cancelled.
        (("cancelled", "confirmed"), "appointments-doubled", None),
        (("cancelled", "cancelled", "confirmed"), "appointments-doubled", None),
        (("confirmed", "confirmed"), "appointments-doubled", "appointments-doubled"),
        (("confirmed", "requested"), "appointments-doubled", "appointments-doubled"),
        ((), "appointments-missing", "appointments-missing"),
    ],
)
def test_what_is_over_may_stand_beside_the_one_appointment_where_history_is_kept(
    statuses, guide, calcom
):
    assert reason(judges.one, of_status(*statuses)) == guide
    assert reason(judges.single, of_status(*statuses)) == guide
    assert reason(judges.one, of_status(*statuses), history=True) == calcom
    assert reason(judges.single, of_status(*statuses), history=True) == calcom


@pytest.mark.parametrize(
    ("kinds", "attendees", "status", "found"),
    [
        (("created", "created"), (), "confirmed", None),
        (("created",), ("one@guests.example", "two@guests.example"), "confirmed", None),
        (("created",), ("one@guests.example",), "confirmed", "guest-missing"),
        (("created",), (), "confirmed", "guest-missing"),
        # Nobody sits in what is over.
        (("created",), ("one@guests.example", "two@guests.example"), "cancelled", "guest-missing"),
    ],
)
def test_every_guest_has_an_effect_or_is_among_the_attendees(kinds, attendees, status, found):
    seated = an_appointment(attendees=attendees, status=status)
    look = a_look(appointments=(seated,), effects=effects(*kinds))
    guests = ["one@guests.example", "two@guests.example"]
    assert reason(judges.seated, look, uid=UID, guests=guests, occurrences=2) == found
