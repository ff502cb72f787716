import asyncio
import dataclasses
import sqlite3
import threading

import pytest

from reference_impl.app import build_app
from reference_impl.settings import BadSettingsError
from tests.unit.reference_impl.bodies import FixedClock, a_body

DATABASES = ("sqlite", "postgresql")


@pytest.fixture
def application(settings):
    changed = dataclasses.replace(settings, store_seconds=0.1, backlog_seconds=60)
    application = build_app(changed, working=False, clock=FixedClock)
    application.state.machine.store.create()
    yield application
    application.state.machine.store.close()


def ask(application, path, method="GET"):
    """The status, the headers and the document of an answer."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1].get("body", b"")


def put(machine):
    body = a_body()
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])


def test_a_process_that_answers_lives(application):
    status, headers, body = ask(application, "/healthz")
    assert (status, body) == (200, b'{"status":"ok"}')
    assert headers[b"cache-control"] == b"no-store"


def test_it_is_ready_while_the_store_can_be_written_and_the_backlog_is_young(application):
    put(application.state.machine)
    status, _, body = ask(application, "/readyz")
    assert (status, body) == (200, b'{"status":"ready"}')


def test_an_old_backlog_is_not_ready_and_says_why_in_the_log_only(application, log_lines):
    machine = application.state.machine
    put(machine)
    machine.clock.advance(61)
    status, _, body = ask(application, "/readyz")
    assert (status, body) == (503, b'{"status":"not ready"}')
    assert "Not ready: backlog" in log_lines.getvalue()


def test_a_process_that_only_accepts_is_ready_however_much_waits(settings):
    changed = dataclasses.replace(settings, backlog_seconds=60)
    application = build_app(changed, clock=FixedClock)
    machine = application.state.machine
    machine.start(inbox=False, worker=False)
    put(machine)
    machine.clock.advance(10**6)
    assert ask(application, "/readyz")[0] == 200
    machine.stop()


def test_without_a_limit_no_backlog_is_too_old(settings):
    changed = dataclasses.replace(settings, backlog_seconds=0)
    application = build_app(changed, working=False, clock=FixedClock)
    machine = application.state.machine
    machine.store.create()
    put(machine)
    machine.clock.advance(10**6)
    assert machine.health.look()
    machine.store.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_store_that_cannot_be_written_is_not_ready(application, tmp_path, log_lines):
    health = application.state.machine.health
    other = sqlite3.connect(tmp_path / "receiver.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert ask(application, "/readyz")[0] == 503
    other.execute("ROLLBACK")
    other.close()
    assert "Not ready: store" in log_lines.getvalue()
    assert str(tmp_path) not in log_lines.getvalue()
    assert health.look()


def test_a_store_that_another_version_has_migrated_is_not_ready(application, log_lines):
    machine = application.state.machine
    assert machine.health.look()
    with machine.store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert not machine.health.look()
    assert '"event":"Not ready: revision"' in log_lines.getvalue()
    assert '"found":"9999"' in log_lines.getvalue()


def test_whoever_asks_all_the_time_makes_no_writes(application):
    health = application.state.machine.health
    looks = []
    health.look = lambda: looks.append(None) or True
    assert all(health.is_ready() for _ in range(20))
    assert len(looks) < 20


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_they_take_no_post(application, path):
    assert ask(application, path, "POST")[0] == 405
    assert ask(application, path, "HEAD")[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz/x", "/_testing/x"])
def test_deliveries_go_elsewhere(settings, path):
    with pytest.raises(BadSettingsError, match="RECEIVER_PATH"):
        dataclasses.replace(settings, path=path).check()


def test_a_store_that_hangs_holds_nobody_who_asks(application):
    health = application.state.machine.health
    going_on = threading.Event()
    health.look = lambda: going_on.wait(30)
    health.patience = 0.05
    assert ask(application, "/readyz")[0] == 503
    # Nobody looks a second time at what hangs.
    before = threading.active_count()
    assert ask(application, "/readyz")[0] == 503
    assert threading.active_count() <= before
    going_on.set()
    health._looking.join(10)
    health.patience = 10.0
    assert ask(application, "/readyz")[0] == 200
