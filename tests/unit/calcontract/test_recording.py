"""What travels between the processes of a run arrives as it was."""

from __future__ import annotations

import dataclasses

import execnet
import pytest

from calcontract import recording
from calcontract.records import CheckRecord, exchange_of
from calcontract.sent import Sent
from calcontract.verdicts import Outcome
from tests.unit.calcontract.makers import BODY, SECRET, UID, an_attempt


def through_a_pipe(value):
    """*value* as another process gets it; fails on what execnet cannot send."""
    return execnet.loads(execnet.dumps(value))


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("status", [202, None])
def test_a_record_arrives_as_it_was(outcome, status):
    record = CheckRecord(
        clause="sig-001",
        title="An ordinary delivery",
        outcome=outcome,
        node="test_x[1]",
        sentence="no \N{SNOWMAN}",
        expected="a snowman",
        reason="weather",
        seconds=0.25,
        exchange=exchange_of(an_attempt(status, headers={"A": "b"} if status else None), SECRET),
        known=False,
    )
    arrived = recording.unpacked(through_a_pipe(recording.packed(record)))
    assert arrived.outcome is outcome
    for field in dataclasses.fields(CheckRecord):
        if field.name != "exchange":
            assert getattr(arrived, field.name) == getattr(record, field.name)
    assert {
        k: list(v) if isinstance(v, tuple) else v for k, v in vars(arrived.exchange).items()
    } == {k: list(v) if isinstance(v, tuple) else v for k, v in vars(record.exchange).items()}


def test_a_record_without_an_exchange_arrives_without_one():
    record = CheckRecord(clause="sig-001", title="x", outcome=Outcome.PASS)
    assert recording.unpacked(through_a_pipe(recording.packed(record))) == record


def test_what_was_sent_is_handed_over_once_and_added_up():
    worker, run = Sent(), Sent()
    for body in (BODY, BODY, b"{}"):
        worker.told("BOOKING_CREATED", UID, body)
    worker.uids.add(UID)
    worker.attempts = 3
    run.told("BOOKING_CREATED", UID, b"another")
    run.take_over(through_a_pipe(worker.handed_over()))
    run.take_over(through_a_pipe(worker.handed_over()))
    assert (run.uids, run.attempts) == ({UID}, 3)
    assert len(run.bodies["BOOKING_CREATED", UID]) == 3


def test_a_check_is_called_the_same_wherever_its_file_is_said_to_be():
    assert recording.name_of("wt/e/suite/test_x.py::test_a[b::c]") == "test_a[b::c]"
