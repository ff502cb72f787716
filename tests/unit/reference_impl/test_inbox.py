import asyncio
import contextlib
import sqlite3
import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from reference_impl.gathering import StoreUnavailableError
from reference_impl.inbox import HANDICAP
from reference_impl.tables import webhook_bodies, webhook_events, webhook_stats
from tests.unit.reference_impl.bodies import a_body

DATABASES = ("sqlite", "postgresql")


def an_entry(machine, *args, end=b"", **kwargs):
    body = a_body(*args, **kwargs) + end
    return machine.receiver.entry(machine.receiver.read(body), body)


def stored(machine):
    with machine.store.read() as connection:
        return list(connection.execute(select(webhook_events)).mappings())


def test_the_raw_body_is_kept(machine):
    body = b'{ "triggerEvent": "PING",\r\n "payload": {"title": "Zo\xc3\xab"} }'
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    with machine.store.read() as connection:
        assert connection.scalars(select(webhook_bodies.c.body)).all() == [body]


def test_the_same_bytes_are_stored_once_whatever_line_ends_follow(machine):
    entries = [an_entry(machine, end=end) for end in (b"", b"\n", b"\r\n")]
    assert machine.inbox.write(entries[:2]) == [True, False]
    assert machine.inbox.write(entries[2:]) == [False]
    assert len(stored(machine)) == 1


def test_of_known_and_new_ones_the_new_are_told_apart(machine):
    known = [an_entry(machine, minute=minute) for minute in (0, 2, 4)]
    new = [an_entry(machine, minute=minute) for minute in (1, 3, 5)]
    machine.inbox.write(known)
    assert machine.inbox.write([known[2], new[2], new[0], known[0], new[2], new[1]]) == [
        *(False, True, True),
        *(False, False, True),
    ]
    assert machine.inbox.write(known + new) == [False] * 6
    with machine.store.read() as connection:
        inbox, bodies = webhook_events.c, webhook_bodies.c
        both = select(inbox.webhook_id, bodies.body).join(webhook_bodies, inbox.id == bodies.id)
        found = dict(map(tuple, connection.execute(both)))
    assert found == {entry.webhook_id: entry.body for entry in known + new}


def test_a_delivery_without_a_booking_is_kept_whatever_its_trigger_is_called(machine):
    body = b'{"triggerEvent": "A\\u0000B", "payload": {"title": "t"}}'
    assert machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    (row,) = stored(machine)
    assert (row["event_type"], row["uid"], row["booking_id"]) == ("A\0B", None, None)
    assert (row["tries"], row["interruptions"]) == (0, 0)


def conflict():
    return IntegrityError("INSERT", None, Exception())


def broken_off(*, invalidated=True):
    return OperationalError("INSERT", None, Exception(), connection_invalidated=invalidated)


@pytest.mark.parametrize(
    ("troubles", "tries", "raised"),
    [
        # Each of them may have been stored by another process meanwhile, and no more than that.
        ([conflict()] * 2, 3, None),
        ([conflict()] * 3, 3, IntegrityError),
        # A server restarts once, and what is no lost connection is trouble.
        ([broken_off()], 2, None),
        ([broken_off()] * 2, 2, OperationalError),
        ([broken_off(invalidated=False)], 1, OperationalError),
    ],
)
def test_what_may_have_been_stored_meanwhile_is_looked_at_again(machine, troubles, tries, raised):
    entries = [an_entry(machine, minute=minute) for minute in range(2)]
    insert, coming, made = machine.inbox.insert, list(troubles), []

    def stumble(connection, entries):
        made.append(len(entries))
        if coming:
            raise coming.pop(0)
        return insert(connection, entries)

    machine.inbox.insert = stumble
    with contextlib.nullcontext() if raised is None else pytest.raises(raised):
        assert machine.inbox.write(entries) == [True, True]
    assert len(made) == tries
    assert len(stored(machine)) == (2 if raised is None else 0)


def test_other_bytes_are_another_delivery(machine):
    assert machine.inbox.write([an_entry(machine, minute=m) for m in (0, 1)]) == [True, True]


def test_receipts_and_duplicates_are_counted_per_trigger(machine):
    entry = an_entry(machine)
    machine.inbox.write([entry, entry, an_entry(machine, "PING")])
    with machine.store.read() as connection:
        rows = connection.execute(select(webhook_stats)).mappings()
        counts = {row["event_type"]: (row["received"], row["duplicates"]) for row in rows}
    assert counts == {"BOOKING_CREATED": (2, 1), "PING": (1, 0)}


def test_priorities_are_the_guides(machine):
    told = {
        0: ("BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED"),
        1: ("BOOKING_CONFIRMED", "BOOKING_REJECTED", "BOOKING_REQUESTED"),
        2: ("FORM_SUBMITTED", "PING", "SOMETHING_NEW"),
    }
    for priority, triggers in told.items():
        assert [machine.inbox.priority(trigger) for trigger in triggers] == [priority] * 3


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({"uid": "a"}, {"uid": "a", "bookingId": 2}, True),
        ({"uid": "a"}, {"uid": "b", "bookingId": 97}, False),
        ({"uid": None, "bookingId": 5}, {"uid": None, "bookingId": 5}, True),
        ({"uid": None, "bookingId": 5}, {"uid": None, "bookingId": 6}, False),
        ({"uid": None, "bookingId": 5}, {"uid": "5"}, False),
        ({"uid": None, "bookingId": ...}, {"uid": None, "bookingId": ...}, False),
    ],
)
def test_deliveries_belong_together_by_their_bookings_uid_else_by_its_number(
    machine, one, other, together
):
    first, second = an_entry(machine, **one), an_entry(machine, minute=1, **other)
    assert (first.booking == second.booking) is together


def test_priority_is_a_bounded_head_start(machine):
    rank = machine.inbox.rank
    assert rank("BOOKING_CREATED", 0) < rank("BOOKING_REQUESTED", 0) < rank("FORM_SUBMITTED", 0)
    assert rank("BOOKING_CREATED", 3 * HANDICAP) > rank("FORM_SUBMITTED", 0)


def test_concurrent_accepts_share_transactions_and_each_gets_its_own_answer(machine):
    transactions = []
    write = machine.inbox.write
    machine.inbox.write = lambda entries: transactions.append(len(entries)) or write(entries)
    machine.inbox.start()
    entries = [an_entry(machine, uid=f"u{number % 50}") for number in range(200)]

    async def accept_all():
        return await asyncio.gather(*(machine.inbox.accept(entry) for entry in entries))

    new = asyncio.run(accept_all())
    machine.inbox.stop()
    assert sum(new) == 50
    assert len(stored(machine)) == 50
    assert len(transactions) < 100
    assert sum(transactions) == 200


@pytest.fixture
def transactions(machine):
    """How many deliveries each transaction had, and whether the next one may begin."""
    seen = SimpleNamespace(sizes=[], may_begin=threading.Event())
    seen.may_begin.set()
    write = machine.inbox.write

    def watched(entries):
        assert seen.may_begin.wait(20)
        seen.sizes.append(len(entries))
        return write(entries)

    machine.inbox.write = watched
    return seen


def accept(machine, minutes):
    entries = [an_entry(machine, minute=minute) for minute in minutes]
    return asyncio.gather(*(machine.inbox.accept(entry) for entry in entries))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_arrives_during_a_transaction_shares_the_next_one(machine, transactions):
    async def accept_all():
        transactions.may_begin.clear()
        first = accept(machine, [0])
        for _ in range(100):
            await asyncio.sleep(0)
        others = [accept(machine, [minute]) for minute in range(1, 10)]
        for _ in range(100):
            await asyncio.sleep(0)
        transactions.may_begin.set()
        await asyncio.gather(first, *others)

    machine.inbox.start()
    asyncio.run(accept_all())
    machine.inbox.stop()
    assert transactions.sizes == [1, 9]
    assert len(stored(machine)) == 10


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_those_who_arrive_turn_by_turn_have_company_and_nobody_waits_for_it_for_ever(
    machine, transactions
):
    async def accept_all():
        waiting = []
        for minute in range(10):
            waiting.append(accept(machine, [minute]))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)

    machine.inbox.gathering = 1000
    machine.inbox.start()
    asyncio.run(accept_all())
    together = transactions.sizes[:]
    machine.inbox.gathering = 0
    asyncio.run(accept_all())
    machine.inbox.stop()
    assert together == [10]
    assert len(transactions.sizes) > 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_transaction_holds_so_many_deliveries_at_most(machine, transactions):
    async def accept_all():
        return await accept(machine, range(10))

    machine.inbox.most = 4
    machine.inbox.start()
    assert asyncio.run(accept_all()) == [True] * 10
    machine.inbox.stop()
    assert transactions.sizes == [4, 4, 2]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_has_arrived_is_written_before_the_end(machine):
    async def accept_all():
        waiting = accept(machine, range(3))
        # They have arrived, and nobody has looked whether there are more.
        await asyncio.sleep(0)
        machine.inbox.stop()
        return await waiting

    machine.inbox.start()
    assert asyncio.run(accept_all()) == [True] * 3
    assert len(stored(machine)) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_acknowledged_is_committed(machine, tmp_path):
    machine.inbox.start()
    assert asyncio.run(machine.inbox.accept(an_entry(machine)))
    with sqlite3.connect(tmp_path / "receiver.db") as other:
        assert other.execute("SELECT count(*) FROM webhook_events").fetchone() == (1,)
    other.close()
    machine.inbox.stop()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_store_in_trouble_refuses_and_recovers(assemble, settings, tmp_path):
    import dataclasses

    machine = assemble(dataclasses.replace(settings, store_seconds=0.1))
    machine.inbox.start()
    other = sqlite3.connect(tmp_path / "receiver.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailableError):
        asyncio.run(machine.inbox.accept(an_entry(machine)))
    other.execute("ROLLBACK")
    other.close()
    assert asyncio.run(machine.inbox.accept(an_entry(machine)))
    machine.inbox.stop()
    assert len(stored(machine)) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_file_is_written_as_durably_as_promised(machine):
    with machine.store.write() as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("page_size", 8192)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_is_gone_takes_nothing_until_it_is_back(machine, tmp_path):
    file, aside = tmp_path / "receiver.db", tmp_path / "aside"
    machine.inbox.start()
    file.rename(aside)
    with pytest.raises(StoreUnavailableError):
        asyncio.run(machine.inbox.accept(an_entry(machine)))
    # Whoever looks makes no empty file in its place.
    with pytest.raises(OperationalError), machine.store.read():
        pass
    assert not file.exists()
    file.write_bytes(aside.read_bytes())
    with pytest.raises(StoreUnavailableError):
        asyncio.run(machine.inbox.accept(an_entry(machine)))
    aside.replace(file)
    assert asyncio.run(machine.inbox.accept(an_entry(machine)))
    machine.inbox.stop()
    assert len(stored(machine)) == 1


@pytest.fixture
def hangs(machine):
    """Let the store hang from now on, until what is given is set."""
    going_on = threading.Event()
    write = machine.inbox.write

    def hang(entries):
        assert going_on.wait(30)
        return write(entries)

    machine.inbox.write = hang
    yield going_on
    going_on.set()


def test_a_store_that_hangs_keeps_nobody_waiting_for_ever(machine, hangs):
    machine.inbox.deadline = 0.1
    machine.inbox.start()
    first, second = an_entry(machine, minute=0), an_entry(machine, minute=1)

    async def accept():
        told = [asyncio.create_task(machine.inbox.accept(first))]
        # The second one comes when the store hangs already, and is never begun.
        await asyncio.sleep(0.05)
        told.append(asyncio.create_task(machine.inbox.accept(second)))
        outcomes = await asyncio.gather(*told, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailableError] * 2
        machine.inbox.deadline = 30.0
        hangs.set()
        # Whatever became of the first one, both are taken when they come again.
        again = await asyncio.gather(machine.inbox.accept(first), machine.inbox.accept(second))
        assert again[1] is True

    asyncio.run(accept())
    machine.inbox.stop()
    assert sorted(row["webhook_id"] for row in stored(machine)) == sorted(
        entry.webhook_id for entry in (first, second)
    )


def test_what_was_given_up_is_not_written_later(machine, hangs):
    written = []
    hang = machine.inbox.write
    machine.inbox.write = lambda entries: written.extend(entries) or hang(entries)
    machine.inbox.deadline = 0.1
    machine.inbox.start()
    entries = [an_entry(machine, minute=minute) for minute in range(4)]

    async def accept():
        told = [asyncio.create_task(machine.inbox.accept(entries[0]))]
        await asyncio.sleep(0.05)
        told += [asyncio.create_task(machine.inbox.accept(entry)) for entry in entries[1:3]]
        await asyncio.gather(*told, return_exceptions=True)
        machine.inbox.deadline = 30.0
        hangs.set()
        await machine.inbox.accept(entries[3])

    asyncio.run(accept())
    machine.inbox.stop()
    assert written == [entries[0], entries[3]]
