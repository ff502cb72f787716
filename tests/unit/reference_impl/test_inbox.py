import asyncio
import sqlite3
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from reference_impl.inbox import HANDICAP, StoreUnavailableError
from reference_impl.tables import webhook_events, webhook_stats
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
    assert stored(machine)[0]["payload"] == body


def test_the_same_bytes_are_stored_once_whatever_line_ends_follow(machine):
    entries = [an_entry(machine, end=end) for end in (b"", b"\n", b"\r\n")]
    assert machine.inbox.write(entries[:2]) == [True, False]
    assert machine.inbox.write(entries[2:]) == [False]
    assert len(stored(machine)) == 1


def test_other_bytes_are_another_delivery(machine):
    assert machine.inbox.write([an_entry(machine, minute=m) for m in (0, 1)]) == [True, True]


def test_receipts_and_duplicates_are_counted_per_trigger(machine):
    entry = an_entry(machine)
    machine.inbox.write([entry, entry, an_entry(machine, "PING")])
    with machine.store.read() as connection:
        rows = connection.execute(select(webhook_stats)).mappings()
        counts = {row["event_type"]: (row["received"], row["duplicates"]) for row in rows}
    assert counts == {"BOOKING_CREATED": (2, 1), "PING": (1, 0)}


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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_transaction_waits_for_company_only_after_one_that_had_some(machine, monkeypatch):
    waited = []
    clock = SimpleNamespace(sleep=waited.append, monotonic=time.monotonic)
    monkeypatch.setattr("reference_impl.inbox.time", clock)

    async def accept(minutes):
        entries = [an_entry(machine, minute=minute) for minute in minutes]
        await asyncio.gather(*(machine.inbox.accept(entry) for entry in entries))

    async def accept_all():
        for minute in range(3):
            await accept([minute])
        alone = len(waited)
        # They arrive before there is a thread to take them one by one.
        machine.inbox.stop()
        together = asyncio.create_task(accept([3, 4, 5]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        machine.inbox.start()
        await together
        await accept([6])
        await accept([7])
        return alone

    machine.inbox.start()
    alone = asyncio.run(accept_all())
    machine.inbox.stop()
    assert alone == 0
    assert waited == [machine.inbox.gathering]
    assert len(stored(machine)) == 8


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
