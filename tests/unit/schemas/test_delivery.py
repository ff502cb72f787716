"""How a body is told apart: by its trigger and shape, never by guessing until something fits."""

from __future__ import annotations

import pytest

from calcontract import resources
from tests.schema_tools import (
    CALCOM_TRIGGERS,
    GUIDE_TRIGGERS,
    MEETINGS,
    REMOVED,
    accepts,
    complaints,
    example,
    spoil,
)

ENVELOPED = [trigger for trigger in (*CALCOM_TRIGGERS, "PING") if trigger not in MEETINGS]
UNKNOWN = {"triggerEvent": "INVENTED_TOMORROW", "payload": {}}


def test_every_trigger_of_both_dialects_has_its_branch():
    enveloped = resources.schema("delivery")["else"]["then"]["allOf"]
    named = [rule["if"]["properties"]["triggerEvent"]["const"] for rule in enveloped]
    assert sorted(named) == sorted({*ENVELOPED, *GUIDE_TRIGGERS})


@pytest.mark.parametrize("trigger", ENVELOPED)
def test_an_envelope_is_held_to_the_schema_of_its_trigger(trigger):
    body = example(f"calcom/{trigger}")
    assert complaints("delivery", spoil(body, "createdAt", "tomorrow")) == {"$.createdAt"}
    assert complaints("delivery", spoil(body, "payload", [])) == {"$.payload"}


def test_an_unknown_trigger_is_held_to_the_envelope_only():
    assert accepts("delivery", UNKNOWN)
    assert accepts("delivery", {**UNKNOWN, "createdAt": "2026-07-14T13:00:00.000Z", "other": 1})


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("payload", None, "$.payload"),
        ("payload", "text", "$.payload"),
        ("payload", [], "$.payload"),
        ("triggerEvent", "", "$.triggerEvent"),
        ("triggerEvent", None, "$.triggerEvent"),
        ("triggerEvent", 5, "$.triggerEvent"),
        ("createdAt", "", "$.createdAt"),
        ("createdAt", None, "$.createdAt"),
        ("createdAt", "2026-02-30T13:00:00Z", "$.createdAt"),
        ("createdAt", 1783947600, "$.createdAt"),
    ],
)
@pytest.mark.parametrize("name", ["envelope", "delivery"])
def test_a_spoiled_envelope_is_refused(name, path, value, place):
    spoiled = spoil(UNKNOWN, path, value)
    assert not accepts(name, spoiled)
    assert complaints(name, spoiled) == {place}


@pytest.mark.parametrize("path", ["triggerEvent", "payload"])
def test_an_envelope_needs_a_trigger_and_a_payload(path):
    spoiled = spoil(UNKNOWN, path, REMOVED)
    assert not accepts("envelope", spoiled)
    assert complaints("envelope", spoiled) == {"$"}


@pytest.mark.parametrize("whole", [None, [], "text", 5, True])
def test_an_envelope_is_an_object(whole):
    assert not accepts("envelope", whole)
    assert complaints("envelope", whole) == {"$"}


@pytest.mark.parametrize(
    "body",
    [
        False,
        {},
        {"t": "A &amp; B"},
        {"x": "", "m": "[object Object]"},
        {"triggerEvent": "BOOKING_CREATED", "title": "no payload, so no envelope"},
        {"payload": {"title": "no trigger, so no envelope"}},
        ["BOOKING_CREATED"],
        "text",
        7,
    ],
)
def test_a_templated_body_may_be_nearly_anything(body):
    assert accepts("templated", body)
    assert accepts("delivery", body)


@pytest.mark.parametrize("body", [None, 0, 0.0])
@pytest.mark.parametrize("name", ["templated", "delivery"])
def test_what_is_falsy_in_javascript_is_never_a_json_body_save_for_a_failed_template(name, body):
    assert not accepts(name, body)
    assert complaints(name, body) == {"$"}


def test_the_flat_body_of_the_zapier_app_counts_as_templated():
    body = {"uid": "u", "title": "Intro", "startTime": "2026-07-14T13:00:00Z", "attendees": []}
    assert accepts("delivery", body)


@pytest.mark.parametrize("trigger", MEETINGS)
def test_a_meeting_is_never_taken_for_a_templated_body(trigger):
    assert complaints("delivery", {"triggerEvent": trigger}) == {"$"}
    assert complaints("delivery", {"triggerEvent": trigger, "payload": None}) >= {"$.payload"}
    wrapped = {"triggerEvent": trigger, "createdAt": "2026-07-14T13:00:01.000Z", "payload": {}}
    assert complaints("delivery", wrapped) == {"$.payload"}


def test_the_booking_id_of_the_guide_tells_its_dialect():
    guide = example("guide/BOOKING_CANCELLED")
    assert accepts("delivery", guide)
    assert not accepts("delivery", spoil(guide, "payload/calcomBookingId", REMOVED))


def test_a_form_without_form_id_is_the_guide_s():
    form = example("calcom/FORM_SUBMITTED")
    assert accepts("delivery", spoil(form, "payload/formId", REMOVED))
    assert complaints("delivery", spoil(form, "payload/formName", REMOVED)) == {"$.payload"}


def test_the_guide_s_confirmation_is_known_although_cal_com_never_sends_one():
    assert accepts("delivery", example("guide/BOOKING_CONFIRMED"))
    spoiled = spoil(example("guide/BOOKING_CONFIRMED"), "payload/uid", REMOVED)
    assert complaints("delivery", spoiled) == {"$.payload"}
