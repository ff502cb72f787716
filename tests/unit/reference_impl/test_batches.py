"""Deliveries that are claimed together: each of them ends as it would have by itself."""

import collections
import dataclasses
import json
import threading

import pytest
from sqlalchemy.exc import OperationalError

from reference_impl.claims import _NEXT
from reference_impl.counts import counted
from reference_impl.tables import webhook_events
from reference_impl.testing import ProviderStates
from tests.unit.reference_impl.lives import at
from tests.unit.reference_impl.machines import look, put, row

DATABASES = ("sqlite", "postgresql")


class TroubleError(Exception):
    pass


@pytest.fixture
def machine(machine):
    """A receiver whose batches end for no lack of time."""
    machine.worker.patience = float("inf")
    return machine


@pytest.fixture
def together(machine, monkeypatch):
    """Which bookings were marked done together, in that order."""
    seen, finish = [], machine.worker.finish

    def spy(connection, jobs, seconds):
        finish(connection, jobs, seconds)
        seen.append([job.uid for job in jobs])

    monkeypatch.setattr(machine.worker, "finish", spy)
    return seen


def claimed(machine, limit):
    return [job.webhook_id for job in machine.leases.claim(limit)]


def standing(machine, id_):
    found = row(machine, id_)
    return found["state"], found["tries"], found["interruptions"]


def fail(machine, *uids):
    """Let every try at a delivery of *uids* fail, inside the transaction and after the effects."""

    def interfere(moment, job):
        if moment == "during" and job.uid in uids:
            raise TroubleError

    machine.worker.interfere = interfere


# --- claims -----------------------------------------------------------------------------------


def test_a_claim_takes_deliveries_by_priority_and_age_up_to_its_limit(machine):
    low = put(machine, "FORM_SUBMITTED", uid="l", formId="f")
    medium = put(machine, "BOOKING_REQUESTED", uid="m")
    machine.clock.advance(1)
    high, newer = put(machine, uid="h"), put(machine, "BOOKING_CANCELLED", uid="n")
    assert claimed(machine, 3) == [high, newer, medium]
    assert claimed(machine, 3) == [low]
    assert claimed(machine, 3) == []


def test_a_claim_takes_one_delivery_of_each_booking(machine):
    ids = {uid: [put(machine, uid=uid, minute=minute) for minute in range(3)] for uid in "ab"}
    for turn in range(3):
        jobs = machine.leases.claim(10)
        assert sorted(job.webhook_id for job in jobs) == sorted(ids[uid][turn] for uid in "ab")
        assert claimed(machine, 10) == []
        machine.worker.process(jobs)


def test_what_was_tried_before_is_claimed_alone(machine):
    put(machine, uid="failed")
    fail(machine, "failed")
    machine.worker.step()
    before = [put(machine, uid="a"), put(machine, uid="b")]
    machine.clock.advance(60)
    after = put(machine, uid="c")
    assert claimed(machine, 10) == before
    (again,) = machine.leases.claim(10)
    assert (again.uid, again.tries) == ("failed", 2)
    assert claimed(machine, 10) == [after]


def test_what_a_dead_worker_had_begun_is_claimed_alone(machine):
    ids = [put(machine, uid=uid) for uid in "abc"]
    assert claimed(machine, 10) == ids
    machine.clock.advance(machine.settings.lease)
    assert [claimed(machine, 10) for _ in range(4)] == [[id_] for id_ in ids] + [[]]


# --- effects ----------------------------------------------------------------------------------


def test_a_batch_takes_effect_in_one_transaction(machine, together, log_lines):
    ids = [put(machine, uid=uid) for uid in "abc"] + [put(machine, "PING", uid="p")]
    assert machine.worker.step(10) == 4
    assert together == [["a", "b", "c", "p"]]
    assert {standing(machine, id_) for id_ in ids} == {("done", 1, 0)}
    seen = look(machine, *"abcp")
    assert [one["uid"] for one in seen["appointments"]] == ["a", "b", "c"]
    assert [one["uid"] for one in seen["effects"]] == ["a", "b", "c"]
    with machine.store.read() as connection:
        done = {found["event_type"]: found["done"] for found in counted(connection)}
    assert done == {"BOOKING_CREATED": 3, "PING": 1}
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    told = collections.Counter((line["event"], line.get("webhookId")) for line in lines)
    for id_ in ids:
        assert told["Processing Cal.com webhook", id_] == 1
        assert told["Processed Cal.com webhook", id_] == 1


def test_bookings_of_one_appointment_end_as_one_by_one(machine, together):
    put(machine, uid="a", startTime=at(9))
    put(machine, "BOOKING_CANCELLED", uid="d", minute=5)
    for minute, (old, new) in enumerate(["ab", "bc", "cd"], start=1):
        fields = {"rescheduleUid": old, "startTime": at(9 + minute)}
        put(machine, "BOOKING_RESCHEDULED", uid=new, minute=minute, **fields)
    assert machine.worker.step(10) == 4
    assert machine.worker.step(10) == 1
    assert sorted(map(len, together)) == [1, 4]
    (one,) = look(machine, *"abcd")["appointments"]
    assert (one["uid"], one["status"], one["startTime"]) == ("d", "cancelled", at(12))
    effects = look(machine, *"abcd")["effects"]
    assert len(effects) == 5
    assert {effect["appointment"] for effect in effects} == {one["id"]}


def test_one_occurrence_told_twice_in_a_batch_has_one_effect(machine, together):
    told = {"uid": None, "bookingId": ..., "formId": "f", "responses": {"a": 1}}
    for minute in (2, 1):
        put(machine, "FORM_SUBMITTED", minute=minute, **told)
    assert machine.worker.step(10) == 2
    assert together == [[None, None]]
    assert look(machine)["totals"]["effects"] == 1
    put(machine, "FORM_SUBMITTED", minute=3, **told)
    machine.worker.step(10)
    assert look(machine)["totals"]["effects"] == 1


# --- one of them goes wrong -------------------------------------------------------------------


def test_one_that_fails_costs_the_others_nothing(machine, together):
    ids = {uid: put(machine, uid=uid) for uid in "abcde"}
    fail(machine, "c")
    machine.worker.step(10)
    assert together == [["a"], ["b"], ["d"], ["e"]]
    for uid, id_ in ids.items():
        assert standing(machine, id_) == ("waiting" if uid == "c" else "done", 1, 0)
    assert [one["uid"] for one in look(machine, *"abcde")["effects"]] == [*"abde"]
    assert look(machine, "c")["deliveries"][0]["nextTrySeconds"] == 60
    for wait in (60, 300):
        machine.clock.advance(wait)
        machine.worker.step(10)
    assert standing(machine, ids["c"]) == ("dead", 3, 0)
    totals = look(machine)["totals"]
    assert (totals["effects"], totals["appointments"], totals["notices"]) == (4, 4, 1)
    with machine.store.read() as connection:
        (counts,) = counted(connection)
    assert (counts["done"], counts["failed"], counts["dead"]) == (4, 2, 1)


def test_what_no_handler_can_use_leaves_the_batch(machine, together):
    ids = [put(machine, uid="a"), put(machine, uid="b", startTime="soon"), put(machine, uid="c")]
    machine.worker.step(10)
    assert together == [["a", "c"]]
    assert [row(machine, id_)["state"] for id_ in ids] == ["done", "dead", "done"]
    assert look(machine)["totals"]["notices"] == 1


def test_a_lost_lease_costs_the_others_nothing(machine):
    ids = {uid: put(machine, uid=uid) for uid in "abc"}
    jobs = machine.leases.claim(10)
    lost = webhook_events.update().where(webhook_events.c.uid == "b")
    with machine.store.write() as connection:
        connection.execute(lost.values(lease_token="of another"))
    machine.worker.process(jobs)
    assert [row(machine, id_)["state"] for id_ in ids.values()] == ["done", "processing", "done"]
    assert [one["uid"] for one in look(machine, *"abc")["effects"]] == ["a", "c"]
    assert row(machine, ids["b"])["lease_token"] == "of another"


def test_a_row_that_the_store_refuses_costs_the_others_nothing(machine, monkeypatch):
    ids = {uid: put(machine, uid=uid) for uid in "abc"}
    effect = machine.book.effect

    def refuse(connection, told, at, homes):
        if any(fact.uid == "b" for fact, _ in told):
            connection.exec_driver_sql("INSERT INTO effects (occurrence) VALUES (NULL)")
        effect(connection, told, at, homes)

    monkeypatch.setattr(machine.book, "effect", refuse)
    machine.worker.step(10)
    assert [row(machine, id_)["state"] for id_ in ids.values()] == ["done", "waiting", "done"]
    assert "IntegrityError" in row(machine, ids["b"])["reason"]
    assert [one["uid"] for one in look(machine, *"abc")["effects"]] == ["a", "c"]


# --- what is not begun ------------------------------------------------------------------------


def test_what_there_is_no_time_for_is_put_back_as_it_was(machine):
    ids = [put(machine, uid=uid) for uid in "abc"]
    machine.worker.patience = -1
    machine.worker.step(10)
    states = [standing(machine, id_) for id_ in ids]
    assert states == [("done", 1, 0), ("waiting", 0, 0), ("waiting", 0, 0)]
    assert claimed(machine, 10) == ids[1:]


def test_a_worker_that_is_to_stop_begins_no_more_of_its_batch(machine):
    ids = [put(machine, uid=uid) for uid in "abcd"]

    def interfere(moment, job):
        if (moment, job.uid) == ("before", "b"):
            machine.worker.halt()

    machine.worker.interfere = interfere
    machine.worker.step(10)
    states = [standing(machine, id_) for id_ in ids]
    assert states == [("done", 1, 0)] * 2 + [("waiting", 0, 0)] * 2


def test_a_worker_that_is_to_stop_ends_a_batch_that_failed(machine):
    ids = [put(machine, uid=uid) for uid in "abcd"]

    def interfere(moment, job):
        if (moment, job.uid) == ("during", "d"):
            machine.worker.halt()
            raise TroubleError

    machine.worker.interfere = interfere
    machine.worker.step(10)
    states = [standing(machine, id_) for id_ in ids]
    assert states == [("done", 1, 0)] + [("waiting", 0, 0)] * 3
    assert look(machine)["totals"]["effects"] == 1


def test_what_was_held_when_the_store_failed_is_put_back_once_it_is_well(machine, monkeypatch):
    ids = [put(machine, uid=uid) for uid in "ab"]
    broken = {"is": True}
    write = machine.store.write

    def interfere(moment, job):
        if moment == "during" and broken["is"]:
            monkeypatch.setattr(machine.store, "write", no_write)
            raise TroubleError

    def no_write(**_):
        raise OperationalError("BEGIN", None, TroubleError())

    machine.worker.interfere = interfere
    with pytest.raises(OperationalError):
        machine.worker.step(10)
    with pytest.raises(OperationalError):
        machine.worker.step(10)
    broken["is"] = False
    monkeypatch.setattr(machine.store, "write", write)
    while machine.worker.step(10):
        pass
    assert [standing(machine, id_) for id_ in ids] == [("done", 1, 1)] * 2
    assert look(machine)["totals"]["effects"] == 2


# --- what is slow -----------------------------------------------------------------------------


def test_what_a_provider_state_disturbs_shares_no_try(machine, together):
    states = ProviderStates(machine)
    for uid in ("s1", "s2"):
        states.faults.slow(uid, 0)
    ids = {uid: put(machine, uid=uid) for uid in ("a", "s1", "b", "s2", "c")}
    machine.worker.step(10)
    assert together == [["a", "b", "c"], ["s1"]]
    assert standing(machine, ids["s2"]) == ("waiting", 0, 0)
    machine.worker.step(10)
    assert together[2:] == [["s2"]]
    assert look(machine)["totals"]["effects"] == 5


def test_a_provoked_failure_costs_one_try_in_a_backlog_too(machine):
    states = ProviderStates(machine)
    states.faults.fail("b", 1)
    ids = {uid: put(machine, uid=uid) for uid in "abc"}
    machine.worker.step(10)
    assert standing(machine, ids["b"]) == ("waiting", 1, 0)
    machine.clock.advance(60)
    machine.worker.step(10)
    assert standing(machine, ids["b"]) == ("done", 2, 0)
    assert look(machine)["totals"]["effects"] == 3


# --- threads ----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 8])
def test_a_thread_takes_more_at_a_time_while_there_is_more_and_never_too_much(
    assemble, settings, batch
):
    machine = assemble(dataclasses.replace(settings, batch=batch, workers=1))
    machine.worker.patience = float("inf")
    for number in range(40):
        put(machine, uid=f"u{number}")
    asked, claim = [], machine.leases.claim

    def spy(limit):
        jobs = claim(limit)
        asked.append((limit, len(jobs)))
        if not jobs:
            machine.worker.halt()
        return jobs

    machine.leases.claim = spy
    machine.worker._run(looks=False)
    pace = [1, 2, 4, 8, 8, 8, 8] if batch == 8 else [1] * 40
    assert [limit for limit, _ in asked[: len(pace)]] == pace
    assert max(limit for limit, _ in asked) == batch
    assert look(machine)["pending"] == 0


def test_a_thread_whose_work_is_slow_takes_one_at_a_time(assemble, settings):
    machine = assemble(dataclasses.replace(settings, workers=1))
    machine.worker.patience = -1
    for number in range(5):
        put(machine, uid=f"u{number}")
    asked, claim = [], machine.leases.claim

    def spy(limit):
        asked.append(limit)
        jobs = claim(limit)
        if not jobs:
            machine.worker.halt()
        return jobs

    machine.leases.claim = spy
    machine.worker._run(looks=False)
    assert set(asked) == {1}
    assert look(machine)["totals"]["effects"] == 5


def test_what_is_slow_holds_up_nothing_else_of_a_backlog(assemble, settings):
    machine = assemble(dataclasses.replace(settings, workers=2))
    ProviderStates(machine).faults.slow("slow", 1)
    gate, done = threading.Event(), threading.Event()
    others = {f"u{number}" for number in range(40)}
    left, finish = set(others), machine.worker.finish

    def interfere(moment, job):
        if (moment, job.uid) == ("before", "slow"):
            gate.wait(30)

    def finished(connection, jobs, seconds):
        finish(connection, jobs, seconds)
        left.difference_update(job.uid for job in jobs)
        if not left:
            done.set()

    machine.worker.interfere, machine.worker.finish = interfere, finished
    slow = put(machine, uid="slow")
    for uid in sorted(others):
        put(machine, uid=uid)
    machine.worker.start()
    try:
        assert done.wait(20)
        assert row(machine, slow)["state"] == "processing"
    finally:
        gate.set()
        machine.worker.stop()
    assert row(machine, slow)["state"] == "done"


def test_a_claim_sorts_nothing_however_much_waits(machine):
    put(machine)
    with machine.store.write() as connection:
        query = _NEXT.compile(dialect=connection.dialect)
        values = query.construct_params({"now": 1, "mine": "webhooks", "limit": 64})
        if connection.dialect.name == "postgresql":
            # What it does with few rows says nothing about many: whatever can be done without, is.
            for name in ("sort", "seqscan", "bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL enable_{name} = off")
            plan = connection.exec_driver_sql(f"EXPLAIN {query}", values).scalars().all()
        else:
            given = tuple(values[name] for name in query.positiontup)
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", given)
            plan = [row.detail for row in rows]
    said = "\n".join(plan)
    assert "webhook_events_waiting" in said
    assert "Sort" not in said
    assert "TEMP B-TREE" not in said
