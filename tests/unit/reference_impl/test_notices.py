import dataclasses

import pytest
from sqlalchemy import select

from reference_impl.notices import message
from reference_impl.tables import notices
from tests.unit.reference_impl.bodies import a_body

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
    import threading

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
