import contextlib
import dataclasses
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from reference_impl import logs
from reference_impl.store import checkpoints
from reference_impl.store.checkpoints import Checkpoints
from tests.unit.reference_impl.bodies import a_body
from tests.unit.reference_impl.machines import put

#: The longest that another thread is waited for, in seconds.
PATIENCE = 10.0


@pytest.fixture
def store(assemble, settings):
    return assemble(dataclasses.replace(settings, store_seconds=0.1)).store


@contextlib.contextmanager
def another_writer(url):
    """A transaction of another process."""
    with contextlib.closing(sqlite3.connect(make_url(url).database)) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("COMMIT")


@pytest.mark.parametrize("durable", [True, False])
def test_whoever_waits_too_long_for_another_process_gives_up(store, database_url, durable):
    with (
        another_writer(database_url),
        pytest.raises(OperationalError),
        store.write(durable=durable),
    ):
        pytest.fail("two write at a time")
    with store.write(durable=durable) as connection:
        connection.exec_driver_sql("DELETE FROM effects")
        # Outside of the wait for its turn it is as patient as it was told to be.
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 100


def test_whoever_waits_gets_in_when_another_process_has_ended(assemble, database_url, monkeypatch):
    machine = assemble()
    with contextlib.ExitStack() as stack:
        stack.enter_context(another_writer(database_url))
        looks = []

        def look_again(seconds):
            looks.append(seconds)
            stack.close()

        monkeypatch.setattr("reference_impl.store.sqlite_engine.time.sleep", look_again)
        assert put(machine)
    assert len(looks) == 1


def test_a_reader_waits_for_no_writer(store, database_url):
    with another_writer(database_url), store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM effects").scalar() == 0


def test_whoever_accepts_queues_behind_no_worker_that_waits(store):
    with store._patient:
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM effects")
        with pytest.raises(OperationalError), store.write(durable=False):
            pytest.fail("a worker went first")


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_whoever_takes_the_file_or_its_log_away_is_noticed_before_anything_is_acknowledged(
    assemble, database_url, suffix
):
    machine = assemble()
    put(machine)
    taken = Path(f"{make_url(database_url).database}{suffix}")
    assert taken.is_file()
    taken.unlink()
    with pytest.raises(OperationalError, match="not there"):
        put(machine, minute=1)


def test_the_log_stays_although_every_other_connection_was_closed(assemble, database_url):
    machine = assemble()
    put(machine)
    machine.store._durable.dispose()
    machine.store._hasty.dispose()
    with contextlib.closing(sqlite3.connect(make_url(database_url).database)) as other:
        other.execute("SELECT count(*) FROM effects")
    assert put(machine, minute=1)


def test_what_the_database_calls_its_trouble_is_said(store, database_url):
    with (
        another_writer(database_url),
        pytest.raises(OperationalError) as caught,
        store.write(),
    ):
        pytest.fail("two write at a time")
    assert "SQLITE_BUSY" in logs.describe(caught.value) or "busy" in logs.describe(caught.value)


def test_the_log_does_not_grow_with_what_was_taken(assemble, database_url):
    machine = assemble()
    log = Path(f"{make_url(database_url).database}-wal")
    for batch in range(60):
        bodies = [a_body(uid=f"uid-{batch}-{n}") + b" " * 3000 for n in range(100)]
        read, entry = machine.receiver.read, machine.receiver.entry
        machine.inbox.write([entry(read(body), body) for body in bodies])
    # 2,000 pages of 8 kB, and what one transaction adds to them; without checkpoints it is all.
    assert log.stat().st_size < 20_000_000


def test_the_log_is_written_back_beside_whoever_writes_to_it(assemble, settings, database_url):
    machine = assemble()
    file = Path(make_url(database_url).database)
    machine.store.attend(machine.clock, settings.queue, None)
    bodies = [a_body(uid=f"uid-{n}") + b" " * 3000 for n in range(250)]
    entries = [machine.receiver.entry(machine.receiver.read(body), body) for body in bodies]
    # Fewer pages than a writer would write back himself.
    machine.inbox.write(entries)
    deadline = time.monotonic() + PATIENCE
    while file.stat().st_size < 250 * 3000:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def write_back(connection, path, writer):
    """Have what *connection* writes copied from the log into the file at *path*."""
    before = path.stat().st_size
    connection.execute("INSERT INTO t VALUES (?)", ["x" * 100_000])
    deadline = time.monotonic() + PATIENCE
    while path.stat().st_size == before:
        assert time.monotonic() < deadline
        writer.written(1000)
        time.sleep(0.01)


def test_a_log_that_begins_after_the_first_look_is_written_back_as_well(tmp_path):
    path = tmp_path / "receiver.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (words TEXT)")
        writer = Checkpoints(path)
        writer.start()
        writer.written(1000)
        time.sleep(0.1)
        assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
        write_back(connection, path, writer)
    writer.stop()


def test_a_log_that_cannot_be_written_back_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "_PAUSE", 0.01)
    path = tmp_path / "receiver.db"
    writer = Checkpoints(path)
    writer.start()
    writer.written(1000)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (words TEXT)")
        write_back(connection, path, writer)
    thread = writer._thread
    writer.stop()
    assert not thread.is_alive()
