"""What the tests of the judging half share: valid by default, spoiled by keyword."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

from calcontract import catalogue
from calcontract.errors import Violation
from calcontract.known import KnownViolations
from calcontract.probes import Appointment, Effect, Look, Record
from calcontract.records import CheckRecord, RunRecord
from calcontract.verdicts import Outcome
from mock_calcom.attempts import Answer, Attempt
from mock_calcom.delivery import Delivery

CONTRACT = catalogue.load()
SECRET = "a-secret-of-the-tests"
URL = "http://127.0.0.1:9/api/webhooks/calcom"
UID = "bXn8Kq2mPdT5vRfY3sLwZa"
BODY = b'{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"%s"}}' % UID.encode()
NOON = dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)
ONE = NOON + dt.timedelta(hours=1)


def digest(body=BODY, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def a_delivery(body=BODY, signature=None, headers=(), uid=UID):
    value = digest(body) if signature is None else signature
    return Delivery(
        url=URL,
        headers=(
            ("Content-Type", "application/json"),
            ("X-Cal-Signature-256", value),
            *headers,
        ),
        body=body,
        trigger="BOOKING_CREATED",
        uid=uid,
    )


def an_attempt(status=202, body=b'{"status":"accepted"}', *, delivery=None, headers=None, **more):
    """An attempt and its answer; *status* None for one that got none."""
    seconds = more.pop("seconds", 0.01)
    problem = more.pop("problem", None if status else "timeout")
    answer = Answer(status, headers or {}, body, seconds) if status else None
    return Attempt(delivery or a_delivery(), answer, problem, seconds)


def an_appointment(**overrides):
    values = {
        "id": "1",
        "uid": UID,
        "booking_id": 987654,
        "status": "confirmed",
        "start": NOON,
        "end": ONE,
        "cancellation_reason": None,
        "attendees": ("zoe@guests.example",),
    }
    return Appointment(**{**values, **overrides})


def a_record_of_the_inbox(**overrides):
    values = {
        "id": "w1",
        "trigger": "BOOKING_CREATED",
        "uid": UID,
        "state": "done",
        "tries": 1,
        "next_try_seconds": None,
    }
    return Record(**{**values, **overrides})


def effects(*kinds, uid=UID):
    return tuple(Effect(kind, uid) for kind in kinds)


def a_look(**overrides):
    values = {
        "appointments": (an_appointment(),),
        "effects": effects("created"),
        "records": (a_record_of_the_inbox(),),
        "totals": {"appointments": 1, "deliveries": 1, "effects": 1, "notices": 0},
    }
    return Look(**{**values, **overrides})


def a_check(clause="sig-001", outcome=Outcome.PASS, title=None, **more):
    if outcome is Outcome.FAIL:
        more = {
            "sentence": "answer 202",
            "expected": "a refusal (4xx)",
            "reason": "status-202",
        } | more
    title = title or f"A check of {clause}"
    return CheckRecord(clause=clause, title=title, outcome=outcome, **more)


def a_run(*records, clauses=(), **overrides):
    """A run in which *records* came about; it speaks of their clauses and of *clauses*."""
    values = {
        "target": URL,
        "profile": "guide",
        "scope": "wire",
        "capabilities": (),
        "seed": 41,
        "started": NOON,
        "words": (URL, "--secret-env", "SECRET", "--profile", "guide"),
    }
    run = RunRecord(**{**values, **overrides})
    for clause_id in dict.fromkeys([*(record.clause for record in records), *clauses]):
        run.clause(CONTRACT.clause(clause_id))
    for record in records:
        run.add(record)
    return run


def concluded(*records, **options):
    """A run that has come to its verdict."""
    run = a_run(*records, **options)
    run.conclude(KnownViolations((), today=NOON.date()))
    return run


def reason(judge, *arguments, **options):
    """Why *judge* objects, or nothing if it does not."""
    try:
        judge(*arguments, **options)
    except Violation as violation:
        objection = violation
    else:
        return None
    assert objection.sentence
    assert objection.expected
    assert objection.reason
    return objection.reason
