"""The nights and days that bookings are made for lie ahead, in whatever year a run takes place."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from calcontract.steps.happenings import _SLOTS

NOWS = [
    dt.datetime(2026, 11, 26, 15, 23, tzinfo=dt.UTC),
    dt.datetime(2027, 3, 28, 2, 0, tzinfo=dt.UTC),
    dt.datetime(2027, 10, 30, 23, 59, tzinfo=dt.UTC),
    dt.datetime(2028, 2, 29, 12, 0, tzinfo=dt.UTC),
    dt.datetime(2031, 12, 31, 23, 59, tzinfo=dt.UTC),
    dt.datetime(2096, 3, 1, 0, 0, tzinfo=dt.UTC),
]

#: The slots beside a change of clocks: where, and by how many hours they go forward.
CHANGES = {
    "the night clocks go forward": ("Europe/Berlin", 1),
    "the night clocks go back": ("Europe/Berlin", -1),
    "the night American clocks go forward": ("America/New_York", 1),
    "the night American clocks go back": ("America/New_York", -1),
}


def offset(instant, zone):
    return instant.astimezone(ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize("now", NOWS, ids=str)
@pytest.mark.parametrize("name", _SLOTS)
def test_a_slot_lies_ahead(name, now):
    assert now < _SLOTS[name](now) < now + dt.timedelta(days=8 * 366 + 1)


@pytest.mark.parametrize("now", NOWS[:-1], ids=str)
@pytest.mark.parametrize(("name", "change"), CHANGES.items())
def test_clocks_change_around_the_slots_that_are_named_after_it(name, change, now):
    zone, hours = change
    start = _SLOTS[name](now).replace(minute=30)
    before, after = (start + dt.timedelta(minutes=m) for m in (-60, 60))
    assert offset(after, zone) - offset(before, zone) == dt.timedelta(hours=hours)


@pytest.mark.parametrize("now", NOWS[:-1], ids=str)
def test_the_hour_that_comes_twice_is_the_second_one(now):
    start = _SLOTS["the hour that comes twice"](now).replace(minute=30)
    local = start.astimezone(ZoneInfo("Europe/Berlin"))
    assert local.fold == 1


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_a_leap_day_is_the_29th_of_february(now):
    day = _SLOTS["a leap day"](now)
    assert (day.month, day.day) == (2, 29)
