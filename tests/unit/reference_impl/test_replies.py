"""What an operator gets to know of an attempt that is not taken: in the log, and counted."""

import json

import pytest

from reference_impl.answers import Refusal
from reference_impl.envelope import InvalidPayloadError
from reference_impl.gathering import StoreUnavailableError
from reference_impl.meter import Meter
from tests.unit.reference_impl.bodies import a_body

REFUSED = "Cal.com webhook refused"

#: By what is replied: the status, the line's level and event, the reason in it, and the one that
#: is counted.
REPLIES = {
    "refused": (
        lambda replies: replies.refused(Refusal("Invalid signature", "contradictory signatures")),
        (401, "warning", REFUSED, "contradictory signatures", "contradictory signatures"),
    ),
    "invalid": (
        lambda replies: replies.invalid(InvalidPayloadError("triggerEvent is missing")),
        (
            *(400, "error", "Invalid Cal.com webhook payload"),
            *("triggerEvent is missing", "invalid payload"),
        ),
    ),
    "not allowed": (
        lambda replies: replies.not_allowed("BREW"),
        (405, "warning", REFUSED, "BREW", "method not allowed"),
    ),
    "too large": (
        lambda replies: replies.too_large(),
        (413, "warning", REFUSED, "body too large", "body too large"),
    ),
    "too slow": (
        lambda replies: replies.too_slow(),
        (408, "warning", REFUSED, "body too slow", "body too slow"),
    ),
    "unavailable": (
        lambda replies: replies.unavailable(StoreUnavailableError("the store does not answer")),
        (
            *(503, "error", "Cal.com webhook not stored"),
            *("the store does not answer", "not stored"),
        ),
    ),
    "failed": (
        lambda replies: replies.failed(ZeroDivisionError("guest@client.example")),
        (500, "error", "Cal.com webhook failed", "ZeroDivisionError", "failed"),
    ),
}


class Counted(Meter):
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def refused(self, reason):
        self.told.append(("refused", reason))

    def accepted(self, trigger):
        self.told.append(("accepted", trigger))

    def duplicate(self, trigger):
        self.told.append(("duplicate", trigger))


@pytest.fixture
def replies(machine):
    machine.receiver.meter = Counted()
    return machine.receiver


def lines(log_lines):
    return [json.loads(line) for line in log_lines.getvalue().splitlines()]


@pytest.mark.parametrize(("reply", "expected"), REPLIES.values(), ids=REPLIES)
def test_what_is_not_taken_is_told_as_it_was_answered(replies, log_lines, reply, expected):
    status, level, event, reason, counted = expected
    assert reply(replies).status == status
    (line,) = lines(log_lines)
    assert (line["level"], line["event"], line["status"]) == (level, event, status)
    assert line["reason"] == reason
    assert replies.meter.told == [("refused", counted)]


@pytest.mark.parametrize("new", [True, False])
def test_what_is_taken_is_counted_and_said_to_have_come_before_if_it_has(replies, log_lines, new):
    body = a_body("PING")
    entry = replies.entry(replies.read(body), body)
    answer = replies.accepted(entry) if new else replies.duplicate(entry)
    assert answer.status == 202
    assert replies.meter.told == [("accepted" if new else "duplicate", "PING")]
    told = [(line["event"], line["webhookId"]) for line in lines(log_lines)]
    assert told == ([] if new else [("Duplicate webhook ignored", entry.webhook_id)])
