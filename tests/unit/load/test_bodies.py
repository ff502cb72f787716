import json

import pytest

from calcontract.validation import problems
from load.bodies import Bodies
from mock_calcom.signature import sign

STEPS = [(0, False), (1, False), (2, False), (2, True)]


@pytest.fixture(params=["guide", "calcom"])
def bodies(request):
    return Bodies("http://127.0.0.1:8000/hook", "shared", profile=request.param, seed=3)


def names(body):
    payload = json.loads(body)["payload"]
    keys = ("uid", "bookingId", "calcomBookingId", "rescheduleUid", "rescheduleId")
    return {payload[key] for key in keys if payload.get(key)}


def test_the_same_step_of_the_same_life_has_the_same_bytes(bodies):
    assert bodies.body(5, 1, moved=False) == bodies.body(5, 1, moved=False)


def test_no_name_of_a_booking_occurs_in_another_life(bodies):
    seen = [
        set().union(*(names(bodies.body(life, step, moved=moved)) for step, moved in STEPS))
        for life in range(100)
    ]
    assert len(set().union(*seen)) == sum(map(len, seen))


def test_a_life_speaks_of_one_booking(bodies):
    created, moved, _, cancelled = (
        json.loads(bodies.body(50, step, moved=moved))["payload"] for step, moved in STEPS
    )
    assert created["uid"] in {moved["uid"], moved["rescheduleUid"]}
    assert cancelled["uid"] == moved["uid"]


def test_every_body_follows_its_schema(bodies):
    for step, moved in STEPS:
        assert problems(json.loads(bodies.body(77, step, moved=moved)), "delivery") == []


def test_the_headers_are_those_of_the_sender_with_the_right_signature(bodies):
    body = bodies.body(1, 0, moved=False)
    told = bodies.headers(body)
    assert told["X-Cal-Signature-256"] == sign(body, "shared")
    assert told["Content-Type"] == "application/json"
    assert "content-length" not in told


def test_another_run_has_other_uids():
    first, second = (
        Bodies("http://127.0.0.1:8000/", "shared", profile="guide", seed=3) for _ in range(2)
    )
    assert first.body(0, 0, moved=False) != second.body(0, 0, moved=False)
