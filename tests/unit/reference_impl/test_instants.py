from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impl import instants


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-14T13:00:00Z",
        "2026-07-14T13:00:00.000Z",
        "2026-07-14T13:00:00+00:00",
        "2026-07-14T15:00:00+02:00",
        "2026-07-14T07:30:00.0000000-05:30",
        "2026-07-14t13:00:00z",
        "2026-07-14T12:59:60Z",
    ],
)
def test_one_instant_in_many_spellings_is_one_instant(text):
    assert instants.parse(text) == instants.from_datetime(datetime(2026, 7, 14, 13, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01T00:00:00.000001Z", 1),
        # Beyond a microsecond nothing is kept.
        ("1970-01-01T00:00:00.1234569+00:00", 123_456),
        ("2026-01-01T12:00:00.000Z", 1_767_268_800_000_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
    ],
)
def test_an_instant_is_microseconds_since_1970(text, instant):
    assert instants.parse(text) == instant


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2026-07-14",
        "2026-07-14T13:00:00",
        "2026-02-30T13:00:00Z",
        "2026-07-14T25:00:00Z",
        "2026-07-14T13:00:00+24:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:60Z",
        "٢٠٢٦-07-14T13:00:00Z",
        "2026-07-14T13:00:00Z\n",
        5,
        None,
        {},
    ],
)
def test_what_spells_no_instant_is_none(value):
    assert instants.parse(value) is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_spelling_and_parsing_are_inverse(moment):
    instant = instants.from_datetime(moment)
    assert instants.parse(instants.spell(instant)) == instant


def test_no_instant_has_no_spelling():
    assert instants.spell(None) is None
