import asyncio
import dataclasses
import http.client
import re
import socket
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mock_calcom.triggers import GUIDE_TRIGGERS, PING, TRIGGERS
from reference_impl import protocol, receiver
from reference_impl.answers import Refusal
from reference_impl.app import Machine, build_app
from reference_impl.listening import CannotListenError
from reference_impl.meter import REFUSALS
from reference_impl.settings import BadSettingsError
from tests.unit.reference_impl.bodies import FixedClock, a_body, sign, signed
from tests.unit.reference_impl.machines import claim

DATABASES = ("sqlite", "postgresql")


@pytest.fixture
def measured(assemble, settings):
    """A machine whose metrics are served on a free port."""
    machine = assemble(dataclasses.replace(settings, metrics="127.0.0.1:0"))
    machine.exporter.start()
    yield machine
    machine.exporter.stop()


def scrape(machine, path="/metrics", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", machine.exporter.port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def samples(machine):
    """What was counted, without the time at which the counting began."""
    status, text = scrape(machine)
    assert status == 200
    return {
        (
            sample.name.removeprefix("receiver_"),
            *(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def judge(machine, *attempts):
    async def all_of_them():
        for body, headers in attempts:
            await machine.receiver.judge("127.0.0.1", headers, body)

    machine.inbox.start()
    asyncio.run(all_of_them())
    machine.inbox.stop()


def test_attempts_are_counted_by_what_became_of_them(measured):
    body, broken = a_body(), b"{"
    judge(
        measured,
        (body, signed(body)),
        (body, signed(body)),
        (body, []),
        (body, [(b"x-cal-signature-256", b"0" * 64)]),
        (broken, [(b"x-cal-signature-256", sign(broken).encode())]),
    )
    measured.receiver.too_large()
    measured.receiver.too_slow()
    measured.receiver.not_allowed("BREW")
    seen = samples(measured)
    assert seen["accepted_deliveries_total", "BOOKING_CREATED"] == 1
    assert seen["duplicate_deliveries_total", "BOOKING_CREATED"] == 1
    refused = {key[1] for key in seen if key[0] == "refused_attempts_total" and seen[key]}
    assert refused == {
        *("missing signature", "invalid signature", "invalid payload"),
        *("body too large", "body too slow", "method not allowed"),
    }


def test_tries_are_counted_and_timed_by_trigger(measured):
    good, bad = a_body(), a_body("BOOKING_CANCELLED", "uid-2", startTime="soon")
    judge(measured, (good, signed(good)), (bad, signed(bad)))
    while measured.worker.step():
        pass
    seen = samples(measured)
    assert seen["tries_total", "done", "BOOKING_CREATED"] == 1
    assert seen["tries_total", "unusable", "BOOKING_CANCELLED"] == 1
    assert seen["buried_deliveries_total", "BOOKING_CANCELLED"] == 1
    assert seen["try_duration_seconds_count", "BOOKING_CREATED"] == 1
    assert seen["try_duration_seconds_bucket", "+Inf", "BOOKING_CREATED"] == 1
    assert seen["dead_letters",] == 1
    # Nobody is to be told: an alert would never end.
    assert seen["unsent_notices",] == 0


def test_a_dead_letter_that_administrators_were_not_told_of_is_counted(assemble, settings):
    named = {"metrics": "127.0.0.1:0", "notify": ("json://127.0.0.1:1",)}
    machine = assemble(dataclasses.replace(settings, **named))
    machine.notifier.tell = lambda: None
    machine.exporter.start()
    bad = a_body("BOOKING_CANCELLED", startTime="soon")
    judge(machine, (bad, signed(bad)))
    assert machine.worker.step()
    assert samples(machine)["unsent_notices",] == 1
    machine.exporter.stop()


def test_every_trigger_of_cal_com_is_counted_as_itself(measured):
    known = {*TRIGGERS, *GUIDE_TRIGGERS, PING}
    for trigger in (*known, "BOOKING_MOVED_TO_MARS"):
        measured.receiver.meter.accepted(trigger)
    seen = samples(measured)
    counted = {key[1]: seen[key] for key in seen if key[0] == "accepted_deliveries_total"}
    assert counted == dict.fromkeys({*known, "other"}, 1)


def test_what_waits_is_read_from_the_store_by_priority_and_age(measured):
    for trigger in ("BOOKING_CREATED", "BOOKING_REQUESTED", "FORM_SUBMITTED", "PING"):
        body = a_body(trigger, uid=trigger)
        measured.inbox.write([measured.receiver.entry(measured.receiver.read(body), body)])
    measured.clock.advance(90)
    seen = samples(measured)
    waiting = {key[1]: seen[key] for key in seen if key[0] == "waiting_deliveries"}
    assert waiting == {"high": 1, "medium": 1, "low": 2}
    assert seen["oldest_due_seconds",] == 90
    assert seen["store_readable",] == 1
    claim(measured)
    assert samples(measured)["processing_deliveries",] == 1


def test_the_oldest_is_the_one_due_longest_whatever_its_priority(measured):
    body = a_body("PING", uid="low")
    measured.inbox.write([measured.receiver.entry(measured.receiver.read(body), body)])
    measured.clock.advance(40)
    body = a_body(uid="high")
    measured.inbox.write([measured.receiver.entry(measured.receiver.read(body), body)])
    assert samples(measured)["oldest_due_seconds",] == 40


def test_a_retry_that_is_not_due_yet_has_no_age(measured):
    def fail(moment, _job):
        raise RuntimeError

    measured.worker.interfere = fail
    body = a_body()
    measured.inbox.write([measured.receiver.entry(measured.receiver.read(body), body)])
    measured.worker.step()
    seen = samples(measured)
    assert seen["tries_total", "failed", "BOOKING_CREATED"] == 1
    assert seen["oldest_due_seconds",] == 0
    assert seen["waiting_deliveries", "high"] == 1


def test_labels_are_bounded(measured):
    for number in range(50):
        body = a_body(f"INVENTED_{number}")
        judge(measured, (body, signed(body)))
        measured.worker.step()
    seen = samples(measured)
    counted = {key[1]: seen[key] for key in seen if key[0] == "accepted_deliveries_total"}
    assert counted["other"] == 50
    assert not any(trigger.startswith("INVENTED") for trigger in counted)


def test_what_alerts_ask_for_is_there_before_anything_happens(measured):
    seen = samples(measured)
    for reason in REFUSALS:
        assert seen["refused_attempts_total", reason] == 0
    for trigger in ("BOOKING_CREATED", "PING", "other"):
        assert seen["accepted_deliveries_total", trigger] == 0
        assert seen["tries_total", "failed", trigger] == 0
    assert seen["signatures_total", "previous"] == 0


def test_every_reason_that_is_counted_is_there_from_the_start():
    folder = Path(__file__).parents[3] / "reference_impl"
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    counted = set(re.findall(r'(?:meter\.refused\(|_turned_away\(\d+, )"([^"]*)"', sources))
    refusals = [one for one in vars(receiver).values() if isinstance(one, Refusal)]
    counted |= {refusal.reason for refusal in refusals}
    counted |= set(protocol._REASONS.values())
    assert counted == set(REFUSALS)


def test_answers_are_timed_by_their_status(settings):
    application = build_app(
        dataclasses.replace(settings, metrics="127.0.0.1:0"), working=False, clock=FixedClock
    )
    machine = application.state.machine
    machine.start(worker=False)
    body = a_body()

    async def attempt(headers):
        async def receive():
            return {"type": "http.request", "body": body}

        async def send(message):
            """Let *message* go."""

        scope = {"type": "http", "method": "POST", "path": settings.path, "headers": headers}
        await application(scope, receive, send)

    for headers in (signed(body), signed(body), []):
        asyncio.run(attempt(headers))
    seen = samples(machine)
    machine.stop()
    assert seen["answer_duration_seconds_count", "202"] == 2
    assert seen["answer_duration_seconds_count", "401"] == 1
    assert seen["answer_duration_seconds_bucket", "+Inf", "202"] == 2


def test_a_store_in_trouble_leaves_the_rest(measured, monkeypatch):
    from sqlalchemy.exc import OperationalError

    body = a_body()
    judge(measured, (body, signed(body)))

    def fail():
        raise OperationalError("SELECT", None, Exception())

    monkeypatch.setattr(measured.store, "read", fail)
    seen = samples(measured)
    assert seen["store_readable",] == 0
    assert seen["accepted_deliveries_total", "BOOKING_CREATED"] == 1


def test_metrics_name_no_person_and_no_booking(measured):
    body = a_body(uid="uid-of-somebody")
    judge(measured, (body, signed(body)))
    measured.worker.step()
    text = scrape(measured)[1]
    for word in ("guest@client.example", "uid-of-somebody", "Intro call"):
        assert word not in text


def test_the_exporter_answers_its_path_alone(measured):
    assert scrape(measured, "/")[0] == 404
    assert scrape(measured, "/api/webhooks/calcom")[0] == 404


def test_health_is_told_there_too_and_to_anybody(assemble, settings):
    changed = dataclasses.replace(
        settings, metrics="127.0.0.1:0", metrics_token="hunter2", backlog_seconds=60
    )
    machine = assemble(changed)
    machine.exporter.start()
    assert scrape(machine, "/healthz") == (200, '{"status":"ok"}')
    assert scrape(machine, "/readyz") == (200, '{"status":"ready"}')
    body = a_body()
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    machine.clock.advance(61)
    # Not asked again within a second: what was found is told until then.
    machine.health.is_ready = machine.health.look
    assert scrape(machine, "/readyz") == (503, '{"status":"not ready"}')
    machine.exporter.stop()


def test_with_a_token_whoever_reads_has_to_show_it(assemble, settings):
    changed = dataclasses.replace(settings, metrics="127.0.0.1:0", metrics_token="hunter2")
    machine = assemble(changed)
    machine.exporter.start()
    for shown in ("", "Bearer ", "Bearer hunter3", "Basic hunter2", "hunter2", "Bearer zo\xeb"):
        assert scrape(machine, Authorization=shown) == (401, "")
    assert scrape(machine)[0] == 401
    assert scrape(machine, Authorization="Bearer hunter2")[0] == 200
    machine.exporter.stop()


def test_without_the_setting_there_are_none(machine):
    assert machine.exporter is None
    # The meter that is told counts nothing.
    machine.receiver.too_slow()


@pytest.mark.parametrize("address", ["9464", ":9464", "127.0.0.1:", "127.0.0.1:x", "h:70000"])
def test_an_address_that_cannot_be_read_is_said(settings, address):
    with pytest.raises(BadSettingsError, match="RECEIVER_METRICS must be HOST:PORT"):
        dataclasses.replace(settings, metrics=address).check()


@pytest.mark.parametrize("address", ["0.0.0.0:9464", "[::]:9464", "metrics.example:9464"])
def test_beyond_this_machine_a_token_is_needed(settings, address):
    changed = dataclasses.replace(settings, metrics=address)
    with pytest.raises(BadSettingsError, match="needs RECEIVER_METRICS_TOKEN"):
        changed.check()
    assert dataclasses.replace(changed, metrics_token="x").check()


def test_an_address_in_use_is_one_sentence(settings, measured):
    changed = dataclasses.replace(settings, metrics=f"127.0.0.1:{measured.exporter.port}")
    machine = Machine(changed)
    with pytest.raises(CannotListenError, match="address already in use"):
        machine.open()
    machine.store.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /metrics HTTP/1.1\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nx: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_no_answer_says_what_made_it(measured, request_):
    with socket.create_connection(("127.0.0.1", measured.exporter.port), timeout=10) as asked:
        asked.sendall(request_)
        asked.shutdown(socket.SHUT_WR)
        with asked.makefile("rb") as answer:
            head = answer.read().partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.")
    assert b"\nserver:" not in head
    assert b"python" not in head


def test_a_machine_serves_them_while_it_runs(settings):
    machine = Machine(dataclasses.replace(settings, metrics="127.0.0.1:0"))
    machine.start()
    assert scrape(machine)[0] == 200
    machine.stop()
    assert machine.exporter.port == 0
