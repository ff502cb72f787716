"""What is PostgreSQL's alone: durability, wake-ups, lives, clocks, and what a text holds."""

import asyncio
import contextlib
import itertools
import threading

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from reference_impl import inbox, logs, probe
from reference_impl.clock import Clock
from reference_impl.settings import BadSettingsError
from reference_impl.store import add_all, open_store
from reference_impl.store.sqlite import SqliteStore
from reference_impl.tables import webhook_bodies, webhook_events
from tests.unit.reference_impl.bodies import a_body, a_fact
from tests.unit.reference_impl.machines import claim

DATABASES = ("postgresql",)

PATIENCE = 10.0


def put(machine, *args, **kwargs):
    body = a_body(*args, **kwargs)
    entry = machine.receiver.entry(machine.receiver.read(body), body)
    machine.inbox.write([entry])
    return entry.webhook_id


def look(machine, *uids):
    with machine.store.read() as connection:
        return probe.look(connection, uids, [], machine.clock.now())


@pytest.fixture
def attend(assemble, settings):
    """Have machines take part, each with what it was woken for."""

    def put_together():
        machine = assemble()
        machine.woken = threading.Event()
        machine.store.attend(machine.clock, settings.queue, lambda _: machine.woken.set())
        return machine

    return put_together


# --- plans ------------------------------------------------------------------------------------


def plan(connection, query):
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {query}").scalars())


def test_what_is_asked_for_in_tables_that_are_empty_yet_is_found_by_its_index(machine):
    asked = "SELECT fact FROM effects WHERE booking IN ('a', 'b') OR previous_uid IN ('a')"
    with machine.store.write(durable=False) as connection:
        assert "Seq Scan" not in plan(connection, asked)


def test_whoever_claims_walks_past_what_others_are_done_with(machine):
    for number in range(30):
        put(machine, uid=f"uid-{number}")
    while machine.worker.step():
        pass
    asked = "SELECT id FROM webhook_events WHERE state = 'processing' AND lease_until <= 1"
    with machine.store.write(durable=False) as connection:
        machine.store.walk_indexes(connection)
        assert "Index Scan using webhook_events_processing" in plan(connection, asked)
    # For that transaction alone: elsewhere whole lists of names are asked for.
    with machine.store.write(durable=False) as connection:
        assert connection.exec_driver_sql("SHOW enable_bitmapscan").scalar() == "on"


# --- durability -------------------------------------------------------------------------------


def test_what_is_acknowledged_is_on_disk_whatever_the_servers_default_is(machine):
    def setting(connection):
        return connection.exec_driver_sql("SHOW synchronous_commit").scalar()

    with machine.store.write() as connection:
        assert setting(connection) == "on"
        connection.exec_driver_sql("SELECT 1")
    with machine.store.write(durable=False) as connection:
        assert setting(connection) == "off"
    # An undone transaction takes nothing of it back.
    with pytest.raises(ZeroDivisionError), machine.store.write() as connection:
        raise ZeroDivisionError
    with machine.store.write() as connection:
        assert setting(connection) == "on"


def test_a_look_is_at_one_snapshot_and_may_not_write(machine):
    put(machine)
    query = select(func.count()).select_from(webhook_events)
    with machine.store.read() as connection:
        assert connection.scalar(query) == 1
        put(machine, uid="another")
        assert connection.scalar(query) == 1
        with pytest.raises(SQLAlchemyError):
            connection.execute(update(webhook_events).values(state="done"))


def test_an_accept_goes_on_after_the_server_was_restarted(machine, postgresql, database_url):
    machine.inbox.start()

    def accept(uid):
        body = a_body(uid=uid)
        entry = machine.receiver.entry(machine.receiver.read(body), body)
        return asyncio.run(machine.inbox.accept(entry))

    assert accept("before")
    postgresql.interrupt(database_url)
    assert accept("after")
    machine.inbox.stop()
    assert look(machine)["totals"]["deliveries"] == 2


@pytest.fixture
def interrupt(monkeypatch, postgresql, database_url):
    """Have the server end every connection as a part does its step, the first *times* of it."""

    def disturb(part, step, times):
        whole = getattr(part, step)
        interruptions = iter([postgresql.interrupt] * times)
        taken = []

        def disturbed(*given):
            taken.append(given)
            for end in itertools.islice(interruptions, 1):
                end(database_url)
            return whole(*given)

        monkeypatch.setattr(part, step, disturbed)
        return taken

    return disturb


@pytest.mark.parametrize("step", ["insert", "add_all", "count"])
def test_an_accept_whose_connection_is_ended_half_way_is_made_again(machine, interrupt, step):
    tries = interrupt(machine.inbox if step == "insert" else inbox, step, 1)
    put(machine)
    assert len(tries) == 2
    assert look(machine)["totals"]["deliveries"] == 1


def test_an_accept_whose_commit_is_never_answered_is_known_when_it_is_made_again(
    machine, monkeypatch
):
    write, unanswered = machine.store.write, [OperationalError("COMMIT", None, OSError())]
    unanswered[0].connection_invalidated = True

    @contextlib.contextmanager
    def committing():
        with write() as connection:
            yield connection
        if unanswered:
            raise unanswered.pop()

    monkeypatch.setattr(machine.store, "write", committing)
    body = a_body()
    entry = machine.receiver.entry(machine.receiver.read(body), body)
    assert machine.inbox.write([entry]) == [False]
    assert look(machine)["totals"]["deliveries"] == 1


def test_an_accept_is_made_again_once(machine, interrupt):
    tries = interrupt(machine.inbox, "insert", 2)
    with pytest.raises(DBAPIError):
        put(machine)
    assert len(tries) == 2
    assert look(machine)["totals"]["deliveries"] == 0


# --- wake-ups ---------------------------------------------------------------------------------


def test_a_commit_wakes_the_workers_of_other_processes(attend, machine):
    listener = attend()
    put(machine)
    assert listener.woken.wait(PATIENCE)


def test_a_duplicate_an_undone_commit_and_another_queue_wake_nobody(attend, machine):
    listener = attend()
    put(machine)
    assert listener.woken.wait(PATIENCE)
    listener.woken.clear()
    put(machine)
    with machine.store.write() as connection:
        machine.store.tell(connection, "another queue", 1)
    with contextlib.suppress(ZeroDivisionError), machine.store.write() as connection:
        machine.store.tell(connection, machine.settings.queue, 1)
        raise ZeroDivisionError
    # Heard in the order of the commits, so the one before it would have been heard by now.
    heard = threading.Event()
    listener.store._attendant._wake = lambda number: heard.set() if number == 7 else None
    with machine.store.write() as connection:
        machine.store.tell(connection, machine.settings.queue, 7)
    assert heard.wait(PATIENCE)
    assert not listener.woken.is_set()


def test_wake_ups_go_on_after_the_server_was_restarted(attend, machine, postgresql, database_url):
    listener = attend()
    postgresql.interrupt(database_url)
    # Back again, it looks at once for what it was not told of meanwhile.
    assert listener.woken.wait(PATIENCE)
    listener.woken.clear()
    put(machine)
    assert listener.woken.wait(PATIENCE)


# --- lives ------------------------------------------------------------------------------------


def claimed_by(machine):
    put(machine)
    job = claim(machine)
    assert job is not None
    return job


def test_the_lease_of_a_process_that_lives_is_left_to_it(attend, machine):
    holder = attend()
    claimed_by(holder)
    machine.leases.take_over()
    assert claim(machine) is None


def test_the_lease_of_a_process_that_ended_is_free_wherever_it_ran(attend, machine):
    holder = attend()
    job = claimed_by(holder)
    holder.store.close()
    machine.leases.take_over()
    assert claim(machine).webhook_id == job.webhook_id


def test_a_process_of_the_same_name_and_number_is_another_process(attend):
    one, two = attend(), attend()
    # As in two containers, both of which are process 1 of a host of the same name.
    assert one.store.owner.rpartition(":")[0] == two.store.owner.rpartition(":")[0]
    claimed_by(one)
    two.leases.take_over()
    assert claim(two) is None


# --- clocks -----------------------------------------------------------------------------------


def test_processes_go_by_the_clock_of_the_store(machine):
    fast, true = Clock(), Clock()
    fast.follow(true.now() + 3_600_000_000)
    machine.store.set_clock(fast)
    machine.store.set_clock(true)
    # The same but for the time between the two.
    assert abs(fast.now() - true.now()) < 60_000_000
    fast.advance(60)
    assert fast.now() - true.now() > 50_000_000


# --- what a text holds ------------------------------------------------------------------------

STRANGE = ["a\0b", "\ue000", "\ue0000", "\0\ue0001", "é" * 600, "x" * 100_000, "\U0001f600" * 700]


@pytest.mark.parametrize("strange", STRANGE, ids=map(str, range(len(STRANGE))))
def test_any_text_of_a_sender_is_kept_as_it_is(machine, strange):
    fields = {"title": strange, "cancellationReason": strange, "rescheduleUid": strange}
    put(machine, uid=strange, **fields)
    put(machine, "BOOKING_CANCELLED", uid=strange, minute=1, **fields)
    put(machine, f"ODD {strange}", uid=strange)
    put(machine, uid=f"{strange}!", metadata={"askproai_appointment_id": strange})
    while machine.worker.step():
        pass
    seen = look(machine, strange)
    assert {delivery["state"] for delivery in seen["deliveries"]} == {"done"}
    assert {delivery["uid"] for delivery in seen["deliveries"]} == {strange}
    (one,) = seen["appointments"]
    assert (one["uid"], one["title"], one["status"]) == (strange, strange, "cancelled")
    assert [effect["kind"] for effect in seen["effects"]] == ["created", "cancelled"]


def test_what_is_told_again_is_known_however_long_its_name_is(machine):
    for minute in (0, 1):
        put(machine, uid="x" * 5000, minute=minute)
    while machine.worker.step():
        pass
    assert look(machine)["totals"] == {
        "deliveries": 2,
        "effects": 1,
        "appointments": 1,
        "notices": 0,
    }


def test_a_large_party_gives_back_its_seats_once(machine):
    party = [{"email": f"guest-{number}@client.example", "id": number} for number in range(200)]
    fact = a_fact("BOOKING_CANCELLED", seatsPerTimeSlot=200, attendees=party)
    for _ in range(2):
        with machine.store.write() as connection:
            machine.handlers.apply(connection, [fact])
    assert look(machine)["totals"]["effects"] == 1


# --- what DATABASE_URL may say ----------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://u:hunter2@h/x", "sqlite://", "postgresql+asyncpg://u:hunter2@h/x", ""],
)
def test_what_names_no_store_is_said_in_one_sentence_without_it(url):
    with pytest.raises(BadSettingsError, match="DATABASE_URL must name") as problem:
        open_store(url)
    assert "hunter2" not in str(problem.value)


def test_a_missing_driver_is_said(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "reference_impl.store.postgresql", raising=False)
    with pytest.raises(BadSettingsError, match=r"pip install 'psycopg\[binary\]'"):
        open_store("postgresql+psycopg://u@h/x")


def test_the_file_of_sqlite_needs_no_server(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/r.db")
    assert isinstance(store, SqliteStore)
    store.close()


def test_bodies_are_compressed_by_the_faster_method_that_the_server_knows(machine):
    known = (
        "SELECT CASE WHEN 'lz4' = ANY (enumvals) THEN 'lz4' ELSE boot_val END"
        " FROM pg_settings WHERE name = 'default_toast_compression'"
    )
    with machine.store.write() as connection:
        fastest = connection.scalar(text(known))
        assert connection.scalar(text("SHOW default_toast_compression")) == fastest


@pytest.mark.parametrize("durable", [True, False])
def test_a_machine_that_vanishes_in_a_transaction_is_given_up_by_the_server(machine, durable):
    with machine.store.write(durable=durable) as connection:
        for name, value in (
            ("idle_in_transaction_session_timeout", "10s"),
            ("tcp_keepalives_idle", "30"),
        ):
            shown = connection.exec_driver_sql(f"SHOW {name}").scalar()
            # Over a socket of the same machine there is nothing to keep alive.
            assert shown in {value, "0"} if name.startswith("tcp") else shown == value


def test_what_a_database_calls_its_trouble_is_said_and_nothing_else(machine):
    with pytest.raises(SQLAlchemyError) as caught, machine.store.write() as connection:
        connection.exec_driver_sql("SELECT 1 / 0, 'guest@client.example'")
    assert " (22012) " in logs.describe(caught.value)
    assert "guest" not in logs.describe(caught.value)


def test_trouble_with_rows_that_are_copied_is_said_like_any_other(machine):
    rows = [{"id": 1, "body": b"guest@client.example"}] * 2
    with pytest.raises(IntegrityError) as caught, machine.store.write() as connection:
        add_all(connection, webhook_bodies, rows)
    assert " (23505) " in logs.describe(caught.value)
    assert "guest" not in str(caught.value)


def test_a_connection_that_was_closed_beneath_costs_nobody_an_answer(machine):
    with machine.store.write() as connection:
        driver = connection.connection.driver_connection
    driver.close()
    with machine.store.write() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
