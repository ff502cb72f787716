import json

import pytest

from bench.receiving.deliveries import Attempts
from mock_calcom.signature import sign

URL = "http://127.0.0.1:8000/api/webhooks/calcom"
SECRET = "shared"


@pytest.fixture
def some():
    attempts = Attempts(URL, SECRET)
    return [attempts.next().partition(b"\r\n\r\n") for _ in range(200)]


def fields(head):
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])


def test_each_is_signed_as_cal_com_signs(some):
    assert all(fields(head)["X-Cal-Signature-256"] == sign(body, SECRET) for head, _, body in some)


def test_each_says_how_long_it_is_and_that_the_connection_stays(some):
    for head, _, body in some:
        assert int(fields(head)["content-length"]) == len(body)
        assert fields(head)["connection"] == "keep-alive"
        assert head.startswith(b"POST /api/webhooks/calcom HTTP/1.1\r\nhost: 127.0.0.1:8000\r\n")


def test_no_two_are_of_one_booking(some):
    payloads = [json.loads(body)["payload"] for _, _, body in some]
    assert len({payload["uid"] for payload in payloads}) == 200
    assert len({payload["bookingId"] for payload in payloads}) == 200


def test_each_is_of_the_time_when_it_is_sent(some):
    made = [json.loads(body)["createdAt"] for _, _, body in some]
    assert made == sorted(made)
    assert made[-1] > made[0]


def test_a_uid_is_the_same_wherever_a_payload_tells_it(some):
    for _, _, body in some:
        document = json.loads(body)
        uid = document["payload"]["uid"]
        assert document["triggerEvent"] == "BOOKING_CREATED"
        assert document["payload"]["iCalUID"] == f"{uid}@Cal.com"
        assert len(uid) == 22


def test_they_are_as_large_as_those_of_cal_com(some):
    assert all(2000 < len(body) < 3500 for _, _, body in some)


def test_another_start_has_other_deliveries(some):
    other = Attempts(URL, SECRET, start=200).next().partition(b"\r\n\r\n")[2]
    assert json.loads(other)["payload"]["uid"] not in {
        json.loads(body)["payload"]["uid"] for _, _, body in some
    }
