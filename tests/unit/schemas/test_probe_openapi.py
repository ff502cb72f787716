"""The probe's OpenAPI document tells a full answer from one that leaves something out."""

from __future__ import annotations

import pytest

from tests.schema_tools import component

WORLD = {
    "appointments": [],
    "deliveries": [],
    "effects": [],
    "notices": [],
    "pending": 0,
    "totals": {"appointments": 0, "deliveries": 0, "effects": 0, "notices": 0},
}
APPOINTMENT = {
    "id": "12345",
    "uid": None,
    "bookingId": None,
    "rescheduleUid": None,
    "status": "scheduled",
    "startTime": None,
    "endTime": None,
    "rescheduledFrom": None,
    "cancellationReason": None,
    "attendees": [],
    "title": None,
}
DELIVERY = {
    "id": "9f2c",
    "trigger": "PING",
    "uid": None,
    "state": "waiting",
    "tries": 0,
    "nextTrySeconds": 59.9,
}
EFFECT = {"kind": "form_submitted", "uid": None, "appointment": None}
NOTICE = {"delivery": "9f2c", "trigger": "PING", "uid": None, "reason": "given up"}


def test_a_probe_that_knows_nothing_answers_with_empty_lists():
    assert component("probe.openapi", "World").is_valid(WORLD)


@pytest.mark.parametrize(
    ("member", "item"),
    [
        ("appointments", APPOINTMENT),
        ("deliveries", DELIVERY),
        ("effects", EFFECT),
        ("notices", NOTICE),
    ],
)
def test_a_probe_leaves_nothing_out(member, item):
    world = component("probe.openapi", "World")
    assert world.is_valid({**WORLD, member: [item]})
    assert not world.is_valid({key: value for key, value in WORLD.items() if key != member})
    for key in item:
        missing = {other: value for other, value in item.items() if other != key}
        errors = list(world.iter_errors({**WORLD, member: [missing]}))
        assert [error.json_path for error in errors] == [f"$.{member}[0]"]


@pytest.mark.parametrize(
    ("member", "item", "key", "wrong"),
    [
        ("appointments", APPOINTMENT, "id", 12345),
        ("appointments", APPOINTMENT, "status", "accepted"),
        ("appointments", APPOINTMENT, "startTime", "tomorrow"),
        ("appointments", APPOINTMENT, "attendees", None),
        ("deliveries", DELIVERY, "state", "failed"),
        ("deliveries", DELIVERY, "tries", -1),
        ("deliveries", DELIVERY, "nextTrySeconds", "60"),
        ("effects", EFFECT, "kind", "deleted"),
        ("effects", EFFECT, "appointment", 12345),
        ("notices", NOTICE, "reason", ""),
    ],
)
def test_a_probe_that_answers_otherwise_is_found_out(member, item, key, wrong):
    world = component("probe.openapi", "World")
    errors = list(world.iter_errors({**WORLD, member: [{**item, key: wrong}]}))
    assert {error.json_path for error in errors} == {f"$.{member}[0].{key}"}


@pytest.mark.parametrize(
    "state",
    [
        {"state": "appointment exists", "params": {"id": "12345"}},
        {
            "state": "appointment exists",
            "params": {"id": "1", "startTime": "2026-07-14T13:00:00Z"},
        },
        {"state": "processing fails", "params": {"uid": "u", "times": -1}},
        {"state": "processing is slow", "params": {"uid": "u", "seconds": 1.5}},
        {"state": "clock advances", "params": {"seconds": 60}},
        {"state": "worker pauses", "params": {}},
        {"state": "worker resumes"},
        {"state": "reset", "params": {}},
    ],
)
def test_a_provider_state_is_a_name_with_its_parameters(state):
    assert component("probe.openapi", "ProviderState").is_valid(state)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"params": {}},
        {"state": "the moon is full", "params": {}},
        {"state": "appointment exists"},
        {"state": "appointment exists", "params": {}},
        {"state": "appointment exists", "params": {"id": 12345}},
        {"state": "processing fails", "params": {"uid": "u"}},
        {"state": "processing fails", "params": {"uid": "u", "times": -2}},
        {"state": "processing is slow", "params": {"uid": "u", "seconds": -1}},
        {"state": "clock advances", "params": {"seconds": "60"}},
        {"state": "reset", "params": []},
    ],
)
def test_an_unknown_state_or_wrong_parameters_are_refused(state):
    assert not component("probe.openapi", "ProviderState").is_valid(state)
