import contextlib
import datetime as dt
import sqlite3

import pytest

from bench.receiving import history
from reference_impl.identity import webhook_id
from reference_impl.store import open_store


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "receiver.db"
    store = open_store(f"sqlite:///{path}")
    store.create()
    store.close()
    return path


def test_the_rows_are_deliveries_of_the_receivers_own_that_are_over(database):
    history.fill(database, 1000)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT webhook_id, uid, state FROM webhook_events").fetchall()
    assert len(rows) == 1000
    assert len({uid for _, uid, _ in rows}) == 1000
    assert {len(webhook_id) for webhook_id, _, _ in rows} == {64}
    assert {state for _, _, state in rows} == {"done"}


def test_their_uids_lie_evenly_over_the_whole_range(database):
    history.fill(database, 256)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        uids = connection.execute("SELECT substr(uid, 7, 1) FROM webhook_events").fetchall()
    assert [uids.count((digit,)) for digit in "0123456789abcdef"] == [16] * 16


def test_they_are_known_by_when_they_were_made_as_the_receivers_own_are(database):
    history.fill(database, 100)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT webhook_id, received_at FROM webhook_events ORDER BY id")
        known = [(webhook_id[:18], at) for webhook_id, at in rows]
    times = [at for _, at in known]
    assert times == sorted(set(times))
    for told, at in known:
        made = dt.datetime.fromtimestamp(at / 1_000_000, dt.UTC).isoformat(timespec="milliseconds")
        assert webhook_id(b'{"createdAt":"%b"}' % made.encode()).startswith(told)
