import dataclasses
import json
import threading
import time

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from reference_impl.tables import notices
from reference_impl.testing import ProviderStates
from reference_impl.worker import Worker
from tests.unit.reference_impl.bodies import a_body
from tests.unit.reference_impl.machines import claim, look, put, row

DATABASES = ("sqlite", "postgresql")


class TroubleError(Exception):
    pass


def work_off(machine):
    done = 0
    while machine.worker.step():
        done += 1
    return done


def failing(machine, times):
    """Let the next tries fail, inside the transaction and after the effect."""
    left = [times]

    def interfere(moment, _job):
        if moment == "during" and left[0]:
            left[0] -= 1
            raise TroubleError("a text that quotes guest@client.example")

    machine.worker.interfere = interfere


def test_a_delivery_is_done_in_one_try(machine):
    id_ = put(machine)
    assert work_off(machine) == 1
    assert (row(machine, id_)["state"], row(machine, id_)["tries"]) == ("done", 1)
    assert len(look(machine, "uid-1")["effects"]) == 1


@pytest.mark.parametrize("trigger", ["PING", "MEETING_STARTED", "SOMETHING_NEW", "OOO_CREATED"])
def test_a_trigger_without_a_handler_is_done_without_effect(machine, trigger):
    id_ = put(machine, trigger)
    work_off(machine)
    assert row(machine, id_)["state"] == "done"
    assert look(machine)["totals"]["effects"] == look(machine)["totals"]["appointments"] == 0


@pytest.mark.parametrize(
    ("trigger", "line"),
    [
        ("PING", ("info", "Cal.com ping received")),
        ("MEETING_STARTED", ("warning", "Unhandled Cal.com webhook event")),
    ],
)
def test_a_ping_is_news_and_no_trouble(machine, log_lines, trigger, line):
    put(machine, trigger)
    work_off(machine)
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    assert line in [(each["level"], each["event"]) for each in lines]
    assert ("warning" in {each["level"] for each in lines}) == (trigger != "PING")


@pytest.mark.parametrize("trigger", ["PING", "MEETING_STARTED", "BOOKING_CREATED"])
def test_what_is_said_of_a_delivery_says_of_which(machine, log_lines, trigger):
    id_ = put(machine, trigger)
    work_off(machine)
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    # Begun, deviating or without a handler, and done.
    assert [line["webhookId"] for line in lines] == [id_] * 3


@pytest.mark.parametrize("together", [True, False])
def test_who_tells_of_what_happened_already_is_named_once_it_is_done(machine, log_lines, together):
    first, again = put(machine), put(machine, minute=1)
    machine.worker.step(2 if together else 1)
    failing(machine, 0 if together else 1)
    work_off(machine)
    machine.clock.advance(60)
    work_off(machine)
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    known = [line["webhookId"] for line in lines if line["event"] == "Duplicate occurrence ignored"]
    assert (row(machine, first)["state"], row(machine, again)["state"]) == ("done", "done")
    assert known == [again]


def test_tries_follow_the_guides_schedule_and_end_as_a_dead_letter(machine, log_lines):
    id_ = put(machine)
    failing(machine, 3)
    for wait in (60, 300):
        assert work_off(machine) == 1
        assert look(machine, "uid-1")["deliveries"][0]["nextTrySeconds"] == wait
        assert look(machine)["pending"] == 0
        machine.clock.advance(wait - 0.001)
        assert work_off(machine) == 0
        machine.clock.advance(0.001)
    assert work_off(machine) == 1
    assert (row(machine, id_)["state"], row(machine, id_)["tries"]) == ("dead", 3)
    seen = look(machine, "uid-1")
    assert seen["effects"] == seen["appointments"] == []
    assert [notice["delivery"] for notice in seen["notices"]] == [id_]
    lines = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    (error,) = [line for line in lines if line["level"] == "error"]
    assert (error["event"], error["uid"]) == ("Cal.com webhook processing failed", "uid-1")
    again = [line for line in lines if line["event"] == "Cal.com webhook will be tried again"]
    assert [line["seconds"] for line in again] == [60, 300]
    for line in (*again, error):
        assert line["webhookId"] == id_
        assert "TroubleError" in line["reason"]
    assert "guest@client.example" not in log_lines.getvalue()


def test_a_delivery_that_recovers_takes_effect_once(machine):
    id_ = put(machine)
    failing(machine, 2)
    work_off(machine)
    assert "TroubleError" in row(machine, id_)["reason"]
    machine.clock.advance(60)
    work_off(machine)
    machine.clock.advance(300)
    work_off(machine)
    kept = row(machine, id_)
    assert (kept["state"], kept["tries"], kept["reason"]) == ("done", 3, None)
    assert len(look(machine, "uid-1")["effects"]) == 1
    assert look(machine)["totals"]["notices"] == 0


def test_attempts_and_backoff_are_settings(assemble, settings):
    machine = assemble(dataclasses.replace(settings, attempts=5, backoff=(1.0, 2.0)))
    assert [machine.worker.delay(tries) for tries in range(1, 6)] == [1.0, 2.0, 2.0, 2.0, None]


def test_a_waiting_retry_holds_nobody_up(machine):
    put(machine, uid="poison")
    failing(machine, 1)
    work_off(machine)
    later = put(machine, "BOOKING_CANCELLED", uid="poison", minute=1)
    other = put(machine, uid="healthy")
    assert work_off(machine) == 2
    assert row(machine, later)["state"] == row(machine, other)["state"] == "done"


@pytest.mark.parametrize(
    ("trigger", "fields"),
    [
        ("BOOKING_CREATED", {"startTime": 5}),
        ("BOOKING_CREATED", {"startTime": "soon"}),
        ("BOOKING_CREATED", {"startTime": ...}),
        ("BOOKING_CREATED", {"endTime": "soon"}),
        ("BOOKING_CREATED", {"attendees": {}}),
        ("BOOKING_CREATED", {"attendees": ["guest@client.example"]}),
        ("BOOKING_CREATED", {"uid": ..., "bookingId": ...}),
        ("BOOKING_CREATED", {"uid": {"a": 1}, "bookingId": ...}),
        ("BOOKING_CREATED", {"uid": ..., "bookingId": 2**64}),
        ("BOOKING_CREATED", {"metadata": "none"}),
        ("BOOKING_RESCHEDULED", {"rescheduleUid": 7}),
        ("BOOKING_CANCELLED", {"uid": "", "bookingId": None}),
    ],
)
def test_what_no_handler_could_use_is_a_dead_letter_at_once(machine, trigger, fields):
    id_ = put(machine, trigger, **{"uid": "u", **fields})
    work_off(machine)
    assert (row(machine, id_)["state"], row(machine, id_)["tries"]) == ("dead", 1)
    totals = look(machine)["totals"]
    assert (totals["effects"], totals["appointments"], totals["notices"]) == (0, 0, 1)
    assert "guest@client.example" not in row(machine, id_)["reason"]


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": None},
        {"attendees": []},
        {"attendees": None},
        {"attendees": ...},
        {"attendees": [{"name": "no address"}]},
        {"endTime": ...},
        {"organizer": {}, "responses": ...},
        {"calcomBookingId": 987654, "bookingId": ...},
        {"brandNew": [{"a": [1]}], "customInputs": []},
        {"bookingId": 1.0},
        {"title": None},
    ],
)
def test_what_no_handler_reads_may_be_anything(machine, fields):
    id_ = put(machine, **fields)
    work_off(machine)
    assert row(machine, id_)["state"] == "done"
    assert look(machine, "uid-1")["appointments"][0]["status"] == "confirmed"


def test_claims_go_by_priority_and_then_by_age(machine):
    low = put(machine, "FORM_SUBMITTED", uid="l", formId="f")
    medium = put(machine, "BOOKING_REQUESTED", uid="m")
    machine.clock.advance(1)
    high = put(machine, "BOOKING_CANCELLED", uid="h")
    newer = put(machine, "BOOKING_CREATED", uid="n")
    order = [claim(machine).webhook_id for _ in range(4)]
    assert order == [high, newer, medium, low]


def test_a_flood_of_high_priority_does_not_starve_the_low(machine):
    low = put(machine, "FORM_SUBMITTED", uid="l", formId="f")
    machine.clock.advance(61)
    put(machine, "BOOKING_CREATED", uid="h")
    assert claim(machine).webhook_id == low


def test_one_booking_is_worked_on_one_at_a_time(machine):
    first = put(machine, uid="a")
    second = put(machine, "BOOKING_CANCELLED", uid="a", minute=1)
    other = put(machine, uid="b")
    job = claim(machine)
    assert job.webhook_id == first
    assert claim(machine).webhook_id == other
    assert claim(machine) is None
    machine.worker.process([job])
    assert claim(machine).webhook_id == second


def test_a_lease_that_ran_out_is_taken_over_and_costs_no_try(machine):
    id_ = put(machine)
    stalled = claim(machine)
    assert claim(machine) is None
    machine.clock.advance(machine.settings.lease)
    assert machine.leases.is_due()
    work_off(machine)
    assert (row(machine, id_)["state"], row(machine, id_)["tries"]) == ("done", 1)
    machine.worker.process([stalled])
    assert len(look(machine, "uid-1")["effects"]) == 1


def test_a_lease_that_ran_out_is_taken_over_however_much_else_there_is_to_do(machine):
    put(machine, uid="stalled")
    claim(machine)
    machine.clock.advance(machine.settings.lease - 1)
    for number in range(9):
        put(machine, uid=f"u{number}")
    claimed = []
    for _ in range(8):
        claimed.append(claim(machine).uid)
        machine.clock.advance(0.4)
    assert "stalled" in claimed[3:7]


def test_a_stalled_worker_that_lost_its_lease_changes_nothing(machine, log_lines):
    put(machine)
    stalled = claim(machine)
    machine.clock.advance(machine.settings.lease)
    holder = claim(machine)
    machine.worker.process([stalled])
    machine.worker.failed(stalled, "late")
    machine.worker.bury(stalled, "late")
    # Each time it is said, and that something became of it never.
    told = log_lines.getvalue()
    assert told.count("Lease lost, nothing done") == 3
    assert "will be tried again" not in told
    assert "processing failed" not in told
    seen = look(machine, "uid-1")
    assert seen["effects"] == seen["notices"] == []
    machine.worker.process([holder])
    assert len(look(machine, "uid-1")["effects"]) == 1


@pytest.mark.parametrize("outcome", ["done", "failed", "unusable", "lost"])
def test_each_try_is_counted_by_how_it_ended(machine, outcome):
    counted = []
    machine.worker.meter.tried = lambda trigger, ended, _: counted.append((trigger, ended))
    put(machine, **({"startTime": "soon"} if outcome == "unusable" else {}))
    failing(machine, outcome == "failed")
    job = claim(machine)
    if outcome == "lost":
        machine.leases.give_back()
    machine.worker.process([job])
    assert counted == [("BOOKING_CREATED", outcome)]


@pytest.mark.parametrize("way", ["given back", "taken over", "put back", "interrupted"])
def test_who_has_no_lease_any_more_changes_nothing_though_nobody_else_has_one(machine, way):
    id_ = put(machine)
    stalled = claim(machine)
    if way == "given back":
        assert machine.leases.give_back() == 1
    elif way == "taken over":
        machine.leases.take_over()
    else:
        machine.leases.put_back([stalled], interrupted=way == "interrupted")
    machine.worker.process([stalled])
    kept = row(machine, id_)
    begun = way != "put back"
    assert (kept["state"], kept["tries"], kept["interruptions"]) == ("waiting", 0, begun)
    assert look(machine, "uid-1")["effects"] == []
    assert work_off(machine) == 1
    assert len(look(machine, "uid-1")["effects"]) == 1


def test_a_delivery_that_kills_its_worker_again_and_again_is_buried(machine):
    id_ = put(machine)
    for _ in range(21):
        assert claim(machine) is not None
        machine.clock.advance(machine.settings.lease)
    work_off(machine)
    assert row(machine, id_)["state"] == "dead"
    assert look(machine)["totals"]["notices"] == 1


def test_what_came_where_the_clock_is_a_little_ahead_is_due_at_once(machine):
    machine.clock.advance(1)
    put(machine)
    machine.clock.reset()
    assert machine.leases.is_due()
    assert machine.worker.step() == 1


# By less than the longest wait for a retry: but what was never tried waits for none.
@pytest.mark.parametrize(
    ("happens", "seconds"), [("put", 18_000), ("put", 600), ("fail", 18_000), ("claim", 18_000)]
)
def test_a_clock_that_was_put_back_delays_nothing(machine, happens, seconds):
    machine.clock.advance(seconds)
    id_ = put(machine)
    if happens == "fail":
        failing(machine, 1)
        work_off(machine)
    elif happens == "claim":
        claim(machine)
    machine.clock.reset()
    assert not machine.leases.is_due()
    machine.leases.catch_up()
    if happens == "claim":
        machine.clock.advance(machine.settings.lease)
        # Its lease ran out; it came at a time that is still ahead.
        assert claim(machine) is None
        machine.leases.catch_up()
    assert machine.leases.is_due()
    work_off(machine)
    assert row(machine, id_)["state"] == "done"


def test_a_process_that_is_told_the_time_of_its_run_has_brought_nothing_forward(machine):
    machine.clock.advance(5 * 3600)
    put(machine)
    machine.clock.reset()
    states = ProviderStates(machine)
    machine.leases.catch_up()
    assert not machine.leases.is_due()
    # Nobody told it in all this time.
    states._settled = time.monotonic()
    machine.leases.catch_up()
    assert machine.leases.is_due()


def test_catching_up_changes_no_plan_that_a_right_clock_made(machine):
    put(machine)
    held = put(machine, uid="uid-2")
    failing(machine, 1)
    machine.worker.step()
    claim(machine)
    put(machine, uid="uid-3")
    rows = "SELECT webhook_id, state, due_at, rank, lease_until FROM webhook_events"
    with machine.store.read() as connection:
        before = connection.exec_driver_sql(rows).all()
    assert held in {one.webhook_id for one in before if one.state == "processing"}
    machine.leases.catch_up()
    with machine.store.read() as connection:
        assert connection.exec_driver_sql(rows).all() == before


def test_leases_of_processes_that_ended_are_free_at_once(machine):
    put(machine)
    claim(machine)
    machine.leases.take_over()
    assert claim(machine) is not None


def test_deliveries_of_another_queue_are_left_alone(assemble, settings):
    machine = assemble(settings)
    put(machine)
    other = assemble(dataclasses.replace(settings, queue="another"))
    assert not other.leases.is_due()
    assert claim(other) is None


def test_threads_work_off_what_is_put_and_wake_at_once(machine):
    done = threading.Event()
    finish = machine.worker.finish

    def finished(*args):
        finish(*args)
        done.set()

    machine.worker.finish = finished
    machine.worker.start()
    body = a_body()
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    machine.worker.wake()
    assert done.wait(5)
    machine.worker.stop()
    assert len(look(machine, "uid-1")["effects"]) == 1


def test_a_pause_waits_for_who_is_just_claiming(machine, monkeypatch):
    claim, claims, goes_on = machine.leases.claim, threading.Event(), threading.Event()

    def late(limit):
        claims.set()
        assert goes_on.wait(5)
        return claim(limit)

    monkeypatch.setattr(machine.leases, "claim", late)
    stepping = threading.Thread(target=machine.worker.step)
    pausing = threading.Thread(target=machine.worker.pause)
    stepping.start()
    assert claims.wait(5)
    pausing.start()
    while not machine.worker.paused:
        pass
    assert pausing.is_alive()
    goes_on.set()
    pausing.join(5)
    assert not pausing.is_alive()
    stepping.join(5)
    put(machine)
    assert machine.worker.step() == 0


def test_a_thread_survives_a_store_in_trouble(assemble, log_lines):
    troubled = threading.Event()

    class Unlucky(Worker):
        def step(self, limit=1):
            troubled.set()
            raise TroubleError

    machine = assemble(worker=Unlucky)
    machine.worker.start()
    assert troubled.wait(5)
    machine.worker.stop()
    assert "Worker in trouble" in log_lines.getvalue()


def test_notices_are_sent_once_and_again_when_sending_failed(assemble, settings):
    machine = assemble(dataclasses.replace(settings, notify=("json://notices.example",)))
    outcomes = iter([False, True])
    sent = []
    machine.notifier.deliver = lambda title, body: sent.append((title, body)) or next(outcomes)
    machine.notifier.tell = lambda: None
    put(machine, startTime="soon")
    work_off(machine)
    for _ in range(3):
        machine.notifier.send()
        machine.clock.advance(60)
    assert len(sent) == 2
    with machine.store.read() as connection:
        assert connection.execute(select(notices)).mappings().one()["sent_at"] is not None


def test_only_what_nothing_could_bring_back_waits_for_the_disk(machine, monkeypatch):
    waits, write = [], machine.store.write

    def spy(*, durable=True):
        waits.append(durable)
        return write(durable=durable)

    monkeypatch.setattr(machine.store, "write", spy)
    put(machine)
    assert waits == [True]
    work_off(machine)
    # The claim, the effect with its mark, and the claim that found nothing.
    assert waits[1:] == [False, False, False]
    del waits[:]
    put(machine, uid="another", startTime="soon")
    work_off(machine)
    # A dead letter is told to people, once.
    assert waits == [True, False, True, False]


def test_trouble_of_the_store_is_no_try_of_the_delivery(machine):
    ids = [put(machine, minute=minute, uid=f"uid-{minute}") for minute in range(2)]
    finish, left = machine.worker.finish, [4]

    def fail(*arguments):
        if left[0]:
            left[0] -= 1
            raise OperationalError("COMMIT", None, TimeoutError("the lock is held"))
        finish(*arguments)

    machine.worker.finish = fail
    # Together, and then each by itself.
    with pytest.raises(OperationalError):
        machine.worker.step(2)
    assert {row(machine, id_)["state"] for id_ in ids} == {"processing"}
    with pytest.raises(OperationalError):
        machine.worker.step(2)
    while machine.worker.step(2):
        pass
    for id_ in ids:
        kept = row(machine, id_)
        assert (kept["state"], kept["tries"], kept["reason"]) == ("done", 1, None)
    assert look(machine)["totals"]["effects"] == 2
