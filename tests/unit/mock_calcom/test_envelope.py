import dataclasses
import datetime as dt

import pytest

from mock_calcom import envelope, times
from mock_calcom.javascript import UNDEFINED
from mock_calcom.occurrences import Occurrence
from mock_calcom.profiles import DEFAULT, PROFILES

AT = dt.datetime(2026, 7, 7, 9, 15, 42, 318999, tzinfo=dt.UTC)


def rendered(trigger="BOOKING_CREATED", profile=DEFAULT, **payload):
    return envelope.render(Occurrence(trigger, AT, payload), AT, profile)["payload"]


def person(zone):
    return {"email": "a@b.example", "timeZone": zone}


def test_an_envelope_has_three_members_in_order():
    body = envelope.render(Occurrence("OOO_CREATED", AT, {"oooEntry": {}}), AT, DEFAULT)
    assert list(body) == ["triggerEvent", "createdAt", "payload"]
    assert body["createdAt"] == "2026-07-07T09:15:42.318Z"


def test_the_guide_writes_whole_seconds():
    body = envelope.render(Occurrence("FORM_SUBMITTED", AT, {}), AT, PROFILES["guide"])
    assert body["createdAt"] == "2026-07-07T09:15:42Z"


@pytest.mark.parametrize(
    ("start", "zone", "minutes"),
    [
        ("2026-07-14T13:00:00Z", "Europe/Berlin", 120),
        ("2026-01-14T13:00:00Z", "Europe/Berlin", 60),
        ("2026-07-14T13:00:00.000Z", "America/New_York", -240),
        ("2026-07-14T13:00:00+00:00", "Asia/Kolkata", 330),
        ("2026-03-29T00:59:59Z", "Europe/Berlin", 60),
        ("2026-03-29T01:00:00Z", "Europe/Berlin", 120),
        ("", "Europe/Berlin", None),
        ("2026-07-14T13:00:00Z", None, None),
    ],
)
def test_the_offset_is_that_of_the_slot(start, zone, minutes):
    payload = rendered(startTime=start, attendees=[person(zone)])
    assert payload["attendees"][0]["utcOffset"] == minutes
    assert list(payload["attendees"][0])[-1] == "utcOffset"


def test_an_organizer_without_time_zone_gets_no_offset():
    assert "utcOffset" not in rendered(startTime="", organizer=person(None))["organizer"]


@pytest.mark.parametrize(
    ("payload", "description"),
    [
        ({"description": "", "additionalNotes": "notes"}, "notes"),
        ({"description": "own", "additionalNotes": "notes"}, "own"),
        ({"description": None, "additionalNotes": None}, None),
        ({"description": "", "additionalNotes": ""}, ""),
    ],
)
def test_the_description_falls_back_to_the_notes(payload, description):
    assert rendered(**payload)["description"] == description


@pytest.mark.parametrize("payload", [{"description": ""}, {"description": None}, {"title": "t"}])
def test_a_description_with_nothing_to_fall_back_to_vanishes(payload):
    assert "description" not in rendered(**payload)


@pytest.mark.parametrize(
    ("trigger", "payload"),
    [
        ("OOO_CREATED", {"oooEntry": {}}),
        (
            "BOOKING_NO_SHOW_UPDATED",
            {"message": "m", "attendees": [{"email": "a", "noShow": True}]},
        ),
        ("DELEGATION_CREDENTIAL_ERROR", {"error": {1: 1}, "credential": {1: 1}, "user": {1: 1}}),
        ("INSTANT_MEETING", {"organizer": person("Europe/Berlin"), "description": ""}),
    ],
)
def test_what_is_no_event_passes_unchanged(trigger, payload):
    assert rendered(trigger, **payload) == payload


def test_the_occurrence_itself_is_left_alone():
    payload = {"startTime": "2026-07-14T13:00:00Z", "attendees": [person("Europe/Berlin")]}
    occurrence = Occurrence("BOOKING_CREATED", AT, payload)
    envelope.render(occurrence, AT, DEFAULT)
    assert "utcOffset" not in occurrence.payload["attendees"][0]


def test_root_keys_come_first_and_lose_to_the_envelope():
    occurrence = Occurrence("FORM_SUBMITTED", AT, {"real": 1}, root={"payload": "x", "q": 1})
    body = envelope.render(occurrence, AT, DEFAULT)
    assert list(body) == ["payload", "q", "triggerEvent", "createdAt"]
    assert body["payload"] == {"real": 1}


@pytest.mark.parametrize(
    ("trigger", "method"),
    [("BOOKING_CREATED", "METHOD:REQUEST"), ("BOOKING_CANCELLED", "METHOD:CANCEL")],
)
def test_version_2026_07_27_adds_calendar_texts(calendar, at, trigger, method):
    occurrence = calendar.any_of(trigger, at)
    newer = envelope.render(occurrence, at, PROFILES["v2026-07-27"])["payload"]
    older = envelope.render(occurrence, at, DEFAULT)["payload"]
    assert set(newer) - set(older) == {"attendeeIcsContent", "organizerIcsContent"}
    assert method in newer["attendeeIcsContent"]
    assert ("STATUS:CANCELLED" in newer["organizerIcsContent"]) == (trigger == "BOOKING_CANCELLED")


@pytest.mark.parametrize("trigger", ["BOOKING_REQUESTED", "BOOKING_REJECTED", "FORM_SUBMITTED"])
def test_other_triggers_carry_no_calendar_text(calendar, at, trigger):
    body = envelope.render(calendar.any_of(trigger, at), at, PROFILES["v2026-07-27"])
    assert "attendeeIcsContent" not in body["payload"]


def test_calendar_texts_need_a_booking(calendar, at):
    bare = dataclasses.replace(calendar.any_of("BOOKING_CREATED", at), booking=None)
    body = envelope.render(bare, at, PROFILES["v2026-07-27"])
    assert "attendeeIcsContent" not in body["payload"]


def test_nothing_undefined_is_left():
    assert UNDEFINED not in rendered(additionalNotes=UNDEFINED, description=UNDEFINED).values()


@pytest.mark.parametrize("text", [None, 5, "", "yesterday", "2026-07-14T13:00:00"])
def test_what_is_no_instant_is_not_guessed(text):
    assert times.parse(text) is None
