"""Where the seats of a booking are, by who has taken, given back or moved one."""

from __future__ import annotations

import datetime as dt

import pytest

from calcontract.errors import NotApplicable
from calcontract.judges import seats as judges
from tests.unit.calcontract.makers import NOON, ONE, a_look, an_appointment, reason

DAY = dt.timedelta(days=1)
ANNA, BEN = "anna@guests.example", "ben@guests.example"
#: Anna has moved to the day after, and Ben stays.
MOVED = {NOON: {BEN}, NOON + DAY: {ANNA}}
#: Anna sat alone.
ALONE = {NOON: set(), NOON + DAY: {ANNA}}


def a_slot(*attendees, days=0, status="confirmed"):
    start, end = NOON + days * DAY, ONE + days * DAY
    return an_appointment(start=start, end=end, attendees=attendees, status=status)


def of(*appointments):
    return a_look(appointments=appointments)


HERE, THERE = a_slot(BEN), a_slot(ANNA, days=1)
OVER = a_slot(ANNA, status="cancelled")


@pytest.mark.parametrize(
    ("look", "seating", "found"),
    [
        (of(HERE, THERE), MOVED, None),
        # Whoever follows Cal.com may keep what was as cancelled beside it.
        (of(HERE, OVER, THERE), MOVED, None),
        (of(OVER, THERE), MOVED, "live-0"),
        (of(HERE), MOVED, "live-0"),
        (of(HERE, HERE, THERE), MOVED, "live-2"),
        (of(HERE, a_slot(ANNA, days=2)), MOVED, "live-0"),
        (of(HERE, THERE, a_slot(ANNA, days=2)), MOVED, "still-live"),
        (of(HERE, a_slot(ANNA, days=1, status="requested")), MOVED, "requested"),
        (of(HERE, THERE, an_appointment(start=None, end=None)), MOVED, "still-live"),
        (of(THERE), ALONE, None),
        (of(OVER, THERE), ALONE, None),
        (of(HERE, THERE), ALONE, "still-live"),
        (of(OVER), ALONE, "live-0"),
    ],
)
def test_a_slot_is_live_while_somebody_sits_in_it(look, seating, found):
    assert reason(judges.live_while_taken, look, seating) == found


@pytest.mark.parametrize(
    ("appointments", "found"),
    [
        # A row for each guest is as good as one for all of them.
        ((a_slot(ANNA), a_slot(BEN)), None),
        ((a_slot(ANNA.upper(), "host@office.example"), a_slot(BEN, "host@office.example")), None),
        # Whether everybody is there is asked by a clause of its own.
        ((a_slot(ANNA),), None),
        ((a_slot(ANNA), a_slot(ANNA)), "live-2"),
        ((a_slot(ANNA), a_slot(ANNA, BEN)), "live-2"),
        ((a_slot(ANNA), a_slot("carla@guests.example")), "live-2"),
        ((a_slot(ANNA), a_slot()), "live-2"),
        ((a_slot(ANNA), a_slot(BEN, status="requested")), "requested"),
        ((a_slot(ANNA), a_slot(BEN), a_slot(BEN, days=1)), "still-live"),
    ],
)
def test_a_slot_may_have_an_appointment_for_each_guest(appointments, found):
    assert reason(judges.live_while_taken, of(*appointments), {NOON: {ANNA, BEN}}) == found


@pytest.mark.parametrize(
    ("look", "found"),
    [
        (of(HERE, THERE), None),
        (of(a_slot(BEN.upper()), THERE), None),
        # Whom else the receiver lists there is its own business.
        (of(a_slot(BEN, "host@office.example"), THERE), None),
        (of(a_slot(ANNA, BEN), THERE), "guest-elsewhere"),
        (of(HERE, a_slot(days=1)), "guest-missing"),
        (of(a_slot(), THERE), "guest-missing"),
        # That a slot has to be live is another clause's business.
        (of(THERE), None),
        (of(a_slot(ANNA, BEN)), "guest-elsewhere"),
    ],
)
def test_guests_are_listed_where_they_sit(look, found):
    assert reason(judges.listed, look, MOVED) == found


@pytest.mark.parametrize("judge", [judges.live_while_taken, judges.listed])
def test_what_is_not_kept_is_not_judged(judge):
    with pytest.raises(NotApplicable):
        judge(a_look(appointments=(), keeps_appointments=False), MOVED)


def test_attendees_that_are_not_shown_are_not_judged():
    with pytest.raises(NotApplicable):
        judges.listed(of(a_slot(), a_slot(days=1)), MOVED)
