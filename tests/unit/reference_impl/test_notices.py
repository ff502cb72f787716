import dataclasses
import http.server
import json
import threading
import time

import pytest
from sqlalchemy import select

from reference_impl import backlog
from reference_impl.notices import check_services, message
from reference_impl.settings import BadSettingsError
from reference_impl.tables import notices, webhook_events
from reference_impl.upkeep import Upkeep
from tests.unit.reference_impl.bodies import a_body
from tests.unit.reference_impl.process import Process, ended, worker

DATABASES = ("sqlite", "postgresql")


@pytest.fixture
def told(assemble, settings):
    """A machine with an administrator, the messages that were sent, and when it looks again."""
    machine = assemble(dataclasses.replace(settings, notify=("json://notices.example",)))
    machine.sent, machine.looks = [], []
    machine.notifier.deliver = lambda *texts: machine.sent.append(texts) or True
    machine.notifier.later = machine.looks.append
    # In the test's own thread.
    machine.notifier.tell = machine.notifier.send
    yield machine
    machine.notifier.stop()


def bury(machine, uid, trigger="BOOKING_CREATED"):
    body = a_body(trigger, uid, startTime="soon")
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    assert machine.worker.step()


def rows(machine):
    with machine.store.read() as connection:
        return connection.execute(select(notices)).mappings().all()


def test_the_first_of_an_incident_is_told_at_once_and_the_rest_in_one_message(told):
    bury(told, "a")
    assert len(told.sent) == 1
    assert "is a dead letter" in told.sent[0][1]
    for uid in "bcd":
        told.clock.advance(60)
        bury(told, uid)
    assert len(told.sent) == 1
    # It looks again when the window is over.
    assert told.looks == [840.0, 780.0, 720.0]
    told.clock.advance(720)
    told.notifier.send()
    assert len(told.sent) == 2
    assert told.sent[1][0] == "Cal.com webhooks failed: 3 dead letters"
    assert told.sent[1][1].startswith("3 BOOKING_CREATED\n")
    # The table says all of it all the same.
    assert len(rows(told)) == 4
    assert all(row["sent_at"] for row in rows(told))


def mend(machine):
    return Upkeep(machine.settings, machine.store, machine.clock.now(), pause=lambda _: None)


def number_of(machine, uid):
    with machine.store.read() as connection:
        found = select(webhook_events.c.id).where(webhook_events.c.uid == uid)
        return str(connection.scalar(found))


def untold(machine):
    with machine.store.read() as connection:
        return backlog.look(connection, machine.clock.now()).unsent


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_what_was_seen_to_meanwhile_is_not_told(told, action):
    for uid in "abc":
        bury(told, uid)
    assert untold(told) == 2
    getattr(mend(told), action)(number_of(told, "b"))
    assert untold(told) == 1
    told.clock.advance(901)
    told.notifier.send()
    assert [title for title, _ in told.sent[1:]] == ["Cal.com webhook failed: BOOKING_CREATED"]
    assert untold(told) == 0


def test_a_letter_that_died_twice_meanwhile_is_told_once(told):
    bury(told, "a")
    bury(told, "b")
    mend(told).replay(number_of(told, "b"))
    told.clock.advance(60)
    assert told.worker.step()
    assert untold(told) == 1
    told.clock.advance(901)
    told.notifier.send()
    assert len(told.sent) == 2
    assert told.sent[1][0] == "Cal.com webhook failed: BOOKING_CREATED"


def test_services_that_are_named_later_hear_of_what_is_still_dead(assemble, settings):
    silent = assemble(settings)
    for uid in "abc":
        bury(silent, uid)
    mend(silent).discard(number_of(silent, "a"))
    machine = assemble(dataclasses.replace(settings, notify=("json://notices.example",)))
    sent = []
    machine.notifier.deliver = lambda *texts: sent.append(texts) or True
    machine.notifier.send()
    assert [title for title, _ in sent] == ["Cal.com webhooks failed: 2 dead letters"]


def test_after_a_quiet_while_the_next_one_is_an_incident_of_its_own(told):
    bury(told, "a")
    told.clock.advance(901)
    bury(told, "b")
    assert len(told.sent) == 2


def test_nothing_new_is_no_message(told):
    bury(told, "a")
    told.clock.advance(901)
    told.notifier.send()
    assert len(told.sent) == 1


def test_a_message_that_nobody_took_is_sent_again(told):
    told.notifier.deliver = lambda *_: False
    bury(told, "a")
    assert told.looks == [60.0]
    assert [row["sent_at"] for row in rows(told)] == [None]


def test_a_store_in_trouble_costs_no_notice(told, log_lines):
    def fail():
        raise RuntimeError

    told.notifier._send = fail
    told.notifier.send()
    assert told.looks == [60.0]
    assert "Notice not sent" in log_lines.getvalue()


def test_a_clock_that_was_set_back_silences_nobody(told):
    told.clock.advance(10**6)
    bury(told, "a")
    told.clock.reset()
    bury(told, "b")
    assert len(told.sent) == 2


def test_the_window_is_a_setting(assemble, settings):
    changed = dataclasses.replace(settings, notify=("json://x.example",), notify_seconds=5.0)
    machine = assemble(changed)
    looks, machine.notifier.later = [], None
    machine.notifier.deliver = lambda *_: True
    machine.notifier.later = looks.append
    machine.notifier.tell = machine.notifier.send
    bury(machine, "a")
    bury(machine, "b")
    assert looks == [5.0]


def test_after_the_stop_nothing_is_sent(told):
    told.notifier.stop()
    bury(told, "a")
    assert told.sent == []
    told.notifier.start()
    assert len(told.sent) == 1


def test_the_timer_sends(assemble, settings):
    machine = assemble(dataclasses.replace(settings, notify=("json://x.example",)))
    sent = threading.Event()
    machine.notifier.send = sent.set
    machine.notifier.later(3600)
    machine.notifier.later(0)
    assert sent.wait(10)
    machine.notifier.stop()


def a_notice(number=0, trigger="BOOKING_CREATED", reason="it broke"):
    return {"webhook_id": f"id{number}", "event_type": trigger, "reason": reason}


def test_a_message_names_a_few_and_counts_all():
    triggers = ["BOOKING_CREATED"] * 12 + ["BOOKING_CANCELLED"] * 3
    title, body = message([a_notice(*pair) for pair in enumerate(triggers)])
    assert title == "Cal.com webhooks failed: 15 dead letters"
    assert body.splitlines()[0] == "12 BOOKING_CREATED, 3 BOOKING_CANCELLED"
    assert body.splitlines()[-1] == "and 5 more"
    assert len(body.splitlines()) == 12


def test_a_message_that_names_all_of_them_counts_no_more():
    _, body = message([a_notice(number) for number in range(10)])
    lines = [f"Delivery id{number} is a dead letter: it broke" for number in range(10)]
    assert body.splitlines() == ["10 BOOKING_CREATED", *lines]


@pytest.mark.parametrize("mark", ["\n", "\r\nBcc: all@client.example", "\x1b[2J", "\u2028", "\x00"])
def test_nothing_a_sender_chose_ends_a_line(mark):
    for count in (1, 2):
        nasty = [a_notice(n, f"X{mark}Y", f"because{mark}") for n in range(count)]
        title, body = message(nasty)
        assert title.isprintable()
        assert len(body.splitlines()) == (1 if count == 1 else 3)
        assert all(line.isprintable() for line in body.split("\n"))


def test_a_flood_of_invented_triggers_makes_no_long_message():
    invented = [a_notice(n, f"INVENTED_{n}" + "X" * 999) for n in range(1000)]
    assert len(message(invented)[1]) < 6_000


# --- several processes ------------------------------------------------------------------------


@pytest.fixture
def colleagues(assemble, settings):
    """Two machines on one store, each with the messages it sent and when it looks again."""
    changed = dataclasses.replace(settings, notify=("json://notices.example",))
    machines = [assemble(changed), assemble(changed)]
    for machine in machines:
        machine.sent, machine.looks = [], []
        machine.notifier.later = machine.looks.append
        machine.notifier.tell = lambda: None
    yield machines
    for machine in machines:
        machine.notifier.stop()


def test_while_one_process_sends_no_other_does(colleagues):
    one, other = colleagues

    def deliver(*texts):
        other.notifier.send()
        one.sent.append(texts)
        return True

    one.notifier.deliver = deliver
    other.notifier.deliver = lambda *texts: other.sent.append(texts) or True
    bury(one, "a")
    one.notifier.send()
    assert (len(one.sent), other.sent) == (1, [])
    # It looks again: the one that sends may end before it has sent.
    assert other.looks == [300.0]
    other.notifier.send()
    bury(other, "b")
    other.notifier.send()
    assert other.sent == []
    assert other.looks == [300.0, 900.0]


def test_what_a_process_left_unsent_when_it_ended_another_sends(colleagues):
    one, other = colleagues

    def end(*_):
        raise SystemExit

    one.notifier.deliver = end
    other.notifier.deliver = lambda *texts: other.sent.append(texts) or True
    bury(one, "a")
    with pytest.raises(SystemExit):
        one.notifier.send()
    other.clock.advance(299)
    other.notifier.send()
    assert (other.sent, other.looks) == ([], [1.0])
    other.clock.advance(1)
    other.notifier.send()
    assert len(other.sent) == 1


def test_what_no_service_took_is_tried_by_one_process_a_minute(colleagues):
    one, other = colleagues
    one.notifier.deliver = lambda *_: False
    other.notifier.deliver = lambda *texts: other.sent.append(texts) or True
    bury(one, "a")
    one.notifier.send()
    other.notifier.send()
    assert (one.looks, other.looks, other.sent) == ([60.0], [60.0], [])
    other.clock.advance(60)
    other.notifier.send()
    assert len(other.sent) == 1


def test_a_turn_of_a_clock_that_was_set_back_is_nobodys(colleagues):
    one, other = colleagues
    one.clock.advance(10**6)
    one.notifier.deliver = lambda *_: False
    other.notifier.deliver = lambda *texts: other.sent.append(texts) or True
    bury(one, "a")
    one.notifier.send()
    other.notifier.send()
    assert len(other.sent) == 1


def test_a_turn_of_a_clock_that_is_a_little_ahead_is_its_turn(colleagues):
    one, other = colleagues
    one.clock.advance(0.5)
    one.notifier.deliver = lambda *_: other.notifier.send() or True
    other.notifier.deliver = lambda *texts: other.sent.append(texts) or True
    bury(one, "a")
    one.notifier.send()
    assert (other.sent, other.looks) == ([], [300.5])


def test_a_flood_starts_one_thread_and_not_one_for_each(assemble, settings):
    machine = assemble(dataclasses.replace(settings, notify=("json://x.example",)))
    with machine.notifier._sending:
        before = threading.active_count()
        for _ in range(100):
            machine.notifier.tell()
        assert threading.active_count() == before + 1
        machine.notifier.stop()


def test_several_workers_send_one_message_about_one_incident(tmp_path):
    messages, all_dead = [], threading.Event()

    class Sink(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            messages.append(self.rfile.read(int(self.headers["content-length"])))
            # By then all the others have had something to tell.
            all_dead.wait(30)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        to = {"RECEIVER_NOTIFY": f"json://127.0.0.1:{sink.server_port}"}
        receiver = Process(tmp_path, "--testing", "--no-worker")
        workers = [worker(tmp_path, **to) for _ in range(3)]
        uids = [f"uid-{number}" for number in range(12)]
        for uid in uids:
            assert receiver.deliver(a_body(uid=uid, startTime="soon")) == 202
        receiver.settled(*uids)
        while not messages:
            time.sleep(0.01)
        all_dead.set()
        # A message that is under way may end before they do.
        assert [ended(process) for process in workers] == [0, 0, 0]
        assert receiver.end() == 0
        sink.shutdown()
    assert len(messages) == 1
    assert json.loads(messages[0])["title"].startswith("Cal.com webhook")


# --- services -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("answers", "told"), [("11", True), ("01", True), ("00", False)])
def test_a_message_is_told_once_any_took_it(machine, monkeypatch, log_lines, answers, told):
    import apprise

    takes = iter(answers)
    monkeypatch.setattr(apprise.Apprise, "notify", lambda *_, **__: next(takes) == "1")
    urls = ("json://one.example", "json://user:hidden@two.example")
    machine.notifier._urls = urls
    assert machine.notifier.deliver("title", "body") is told
    assert ("Notice missed by services" in log_lines.getvalue()) is ("0" in answers)
    assert "hidden" not in log_lines.getvalue()


def test_a_service_that_nobody_knows_is_refused_without_being_repeated():
    check_services(())
    check_services(("json://one.example", "mailtos://user:word@mail.example"))
    with pytest.raises(BadSettingsError, match="address 2 of 2") as problem:
        check_services(("json://one.example", "nonsense://user:hidden@two.example"))
    assert "hidden" not in str(problem.value)
