"""Shelves: whatever its shelf, a delivery is found by its uid, through the index."""

import re

import pytest
from sqlalchemy import insert, select, text

from reference_impl import history
from reference_impl.columns import BEGINNING
from reference_impl.shelves import numbers
from reference_impl.tables import webhook_events
from tests.unit.reference_impl.bodies import a_fact

DATABASES = ("sqlite", "postgresql")

#: Enough for a database to find it worth its while to look at single shelves.
MANY = text(
    "INSERT INTO webhook_events (webhook_id, event_type, uid, queue, booking, rank, state, due_at,"
    " tries, interruptions, received_at) WITH RECURSIVE numbers (i) AS"
    " (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 40000)"
    " SELECT i, 'PING', 'uid ' || i, 'webhooks', i, i, 'done', i, 1, 0, i FROM numbers"
)

#: Rows between two shelves and more.
FAR = 5000


def put(machine, uids, *, apart=FAR):
    """Enter a delivery about each of *uids*, so many numbers *apart*."""
    rows = [
        {
            "id": 1 + position * apart,
            "webhook_id": f"{position:064}",
            "event_type": "BOOKING_CREATED",
            "uid": uid,
            "booking_id": None,
            "queue": "webhooks",
            "booking": f"uid {position}",
            "rank": 0,
            "state": "done",
            "due_at": 0,
            "tries": 0,
            "interruptions": 0,
            "received_at": 0,
        }
        for position, uid in enumerate(uids)
    ]
    with machine.store.write() as connection:
        connection.execute(insert(webhook_events), rows)
    return {row["uid"]: row["id"] for row in rows}


def found(machine, *uids):
    inbox = webhook_events.c
    begins = inbox.id.in_(numbers(webhook_events, uids))
    query = select(inbox.id).where(begins, inbox.uid.in_(uids))
    with machine.store.read() as connection:
        return set(connection.scalars(query))


def test_each_is_found_on_its_shelf(machine):
    placed = put(machine, ["a", "b", "c", None, "d"])
    for uid in "abcd":
        assert found(machine, uid) == {placed[uid]}
    assert found(machine, "a", "d", "e") == {placed["a"], placed["d"]}


def test_nothing_is_found_in_an_empty_inbox(machine):
    assert found(machine, "a") == set()


def test_shelves_that_were_emptied_are_not_looked_on(machine):
    placed = put(machine, ["a", "b", "c"], apart=10**12)
    with machine.store.write() as connection:
        for uid in "ac":
            connection.execute(webhook_events.delete().where(webhook_events.c.uid == uid))
    assert found(machine, "a", "b", "c") == {placed["b"]}


@pytest.mark.parametrize("mark", ["x", "\0", "\ue000", "\U0001f600"])
def test_what_begins_alike_is_told_apart(machine, mark):
    beginning = mark * (BEGINNING + 20)
    placed = put(machine, [beginning, beginning + "a", beginning + "b"])
    assert found(machine, beginning + "b") == {placed[beginning + "b"]}
    assert found(machine, beginning) == {placed[beginning]}


@pytest.mark.parametrize("uids", [["a"], ["a", "b"]])
def test_both_parts_of_the_index_are_what_it_is_found_by(machine, uids):
    with machine.store.write() as connection:
        connection.execute(MANY)
    inbox = webhook_events.c
    begins = inbox.id.in_(numbers(webhook_events, uids))
    query = select(inbox.id).where(begins, inbox.uid.in_(uids)).order_by(inbox.id.desc()).limit(5)
    with machine.store.read() as connection:
        said = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        on_sqlite = connection.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
        plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {said}"))
    if on_sqlite:
        assert "USING INDEX webhook_events_shelf (<expr>=? AND <expr>=?)" in plan
        assert "SCAN webhook_events" not in plan
    else:
        (condition,) = re.findall(r"webhook_events_shelf.*\n *Index Cond: (.*)", plan)
        assert ">> 11" in condition
        assert "substr" in condition


def test_a_booking_is_searched_by_the_uids_that_it_had_and_has(machine):
    put(machine, ["before", "after", "other"])
    with machine.store.write() as connection:
        machine.handlers.apply(
            connection,
            [
                a_fact(uid="before"),
                a_fact("BOOKING_RESCHEDULED", "after", 3, rescheduleUid="before"),
                a_fact(uid="other", bookingId=98),
            ],
        )
    with machine.store.read() as connection:
        for name in ("before", "after"):
            found = [row["uid"] for row in history.of_booking(connection, name)]
            assert found == ["after", "before"]
        assert [row["uid"] for row in history.of_booking(connection, "other")] == ["other"]


def test_a_booking_is_searched_by_its_uid_and_by_its_number(machine):
    placed = put(machine, ["a", "b"])
    with machine.store.write() as connection:
        mine = webhook_events.c.uid == "a"
        connection.execute(webhook_events.update().where(mine).values(booking_id="77"))
    with machine.store.read() as connection:
        for name in ("a", "77"):
            assert [row["id"] for row in history.of_booking(connection, name)] == [placed["a"]]
