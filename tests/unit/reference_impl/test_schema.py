"""How a store gets its tables: made, adopted, migrated, refused, by one process or by several."""

import contextlib
import itertools
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, LargeBinary, column, inspect, select, table, text

from reference_impl import migrations
from reference_impl.app import Machine
from reference_impl.columns import KEY, WORDS
from reference_impl.counts import counted
from reference_impl.facts import dumps
from reference_impl.settings import Settings
from reference_impl.store import open_store
from reference_impl.store.schema import (
    FIRST,
    HEAD,
    Change,
    ForeignStoreError,
    NewerStoreError,
)
from reference_impl.tables import effects, metadata, notices, webhook_bodies, webhook_events
from tests.unit.reference_impl.bodies import NOON, SECRET, a_fact
from tests.unit.reference_impl.machines import look
from tests.unit.reference_impl.process import command

pytestmark = [
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression"),
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression"),
]

#: A store of the last version that did not write revisions down, with a few rows.
OLD = Path(__file__).with_name("before_revisions.sql")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """Where there is a store without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/receiver.db"
    else:
        with request.getfixturevalue("postgresql").empty() as url:
            yield url


@pytest.fixture
def open_(request):
    """Open stores, and close them at the end."""

    def opened(url):
        store = open_store(url)
        request.addfinalizer(store.close)
        return store

    return opened


@pytest.fixture
def old_url(tmp_path):
    """Where there is a store from before revisions."""
    path = tmp_path / "receiver.db"
    connection = sqlite3.connect(path)
    connection.executescript(OLD.read_text())
    connection.close()
    return f"sqlite:///{path}"


def migrate_step_by_step(store):
    with store.write() as connection:
        migrations.upgrade(connection, None)


def differences(connection):
    return compare_metadata(
        MigrationContext.configure(connection, opts={"compare_type": True}), metadata
    )


def spelled(options):
    return sorted((name, str(value)) for name, value in options.items())


def described(connection):
    """Everything that the database says about the tables, but for the order of the columns."""
    about, found = inspect(connection), {}
    for name in sorted(about.get_table_names()):
        columns = {
            one["name"]: (str(one["type"]), one["nullable"]) for one in about.get_columns(name)
        }
        indexes = sorted(
            (
                one["name"],
                one["column_names"],
                one["unique"],
                spelled(one.get("dialect_options", {})),
            )
            for one in about.get_indexes(name)
        )
        unique = sorted(one["column_names"] for one in about.get_unique_constraints(name))
        found[name] = (columns, about.get_pk_constraint(name)["constrained_columns"])
        found[name] += (indexes, unique)
    if connection.dialect.name == "sqlite":
        # What is indexed by an expression is not described otherwise.
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        found["sqlite_master"] = sorted(map(tuple, connection.execute(text(query))))
    return found


def test_the_revision_of_the_code_is_the_newest():
    assert migrations.revisions()[0] == HEAD
    assert migrations.revisions()[-1] == FIRST


def test_migrated_step_by_step_the_tables_are_those_of_the_code(empty_url, open_):
    store = open_(empty_url)
    migrate_step_by_step(store)
    with store.read() as connection:
        assert differences(connection) == []


def test_made_at_once_the_tables_are_those_of_the_migrations(empty_url, open_):
    made = open_(empty_url)
    assert made.create() == Change(None, HEAD)
    with made.read() as connection:
        assert differences(connection) == []
        at_once = described(connection)
    with made.write() as connection:
        for name in inspect(connection).get_table_names():
            connection.execute(text(f"DROP TABLE {name}"))
    migrate_step_by_step(made)
    with made.read() as connection:
        assert described(connection) == at_once


def test_a_store_that_is_up_to_date_is_left_alone(empty_url, open_):
    store = open_(empty_url)
    store.create()
    assert store.create() == Change(HEAD, HEAD)


def test_a_store_from_before_revisions_is_adopted_with_all_that_it_holds(old_url, open_):
    store = open_(old_url)
    assert store.create() == Change(FIRST, HEAD)
    assert store.create() == Change(HEAD, HEAD)
    with store.read() as connection:
        assert differences(connection) == []
        states = connection.scalars(select(webhook_events.c.state).order_by(webhook_events.c.id))
        assert states.all() == ["done", "dead", "done", "waiting"]
        counts = {row["event_type"]: (row["received"], row["done"]) for row in counted(connection)}
    assert counts == {"BOOKING_CREATED": (3, 1), "BOOKING_CANCELLED": (1, 1)}


def test_what_an_adopted_store_holds_is_known_again(old_url):
    machine = Machine(Settings(secret=SECRET, database_url=old_url))
    machine.store.create()
    with machine.store.read() as connection:
        columns = (webhook_events.c.webhook_id, webhook_bodies.c.body)
        kept = webhook_events.c.id == webhook_bodies.c.id
        rows = connection.execute(select(*columns).join(webhook_bodies, kept)).all()
        told = connection.scalars(select(notices.c.webhook_id)).all()
    assert len(rows) == 4
    for row in rows:
        parsed = machine.receiver.read(row.body)
        assert machine.inbox.write([machine.receiver.entry(parsed, row.body)]) == [False]
    assert set(told) <= {row.webhook_id for row in rows}
    seen = look(machine, "a")
    assert [one["id"] for one in seen["appointments"]] == ["cal-45c05b1b969d6fd5"]
    assert [(one["kind"], one["appointment"]) for one in seen["effects"]] == [
        ("created", "cal-45c05b1b969d6fd5"),
        ("cancelled", "cal-45c05b1b969d6fd5"),
    ]
    with machine.store.write() as connection:
        told_again = [a_fact(uid="a"), a_fact("BOOKING_CANCELLED", "a", 5)]
        machine.handlers.apply(connection, told_again)
    assert look(machine, "a") == seen
    machine.store.close()


def test_what_an_adopted_store_left_waiting_is_processed(old_url):
    machine = Machine(Settings(secret=SECRET, database_url=old_url))
    machine.store.create()
    while machine.worker.step():
        pass
    with machine.store.read() as connection:
        states = connection.scalars(select(webhook_events.c.state).order_by(webhook_events.c.id))
        assert states.all() == ["done", "dead", "done", "done"]
        created = next(row for row in counted(connection) if row["event_type"].endswith("CREATED"))
    assert (created["received"], created["done"]) == (3, 2)
    machine.store.close()


def test_what_took_effect_before_there_was_one_way_to_it_is_known_by_that(empty_url, open_):
    kinds = {"occurrence": KEY, "fact": LargeBinary, "at": BigInteger}
    names = ("occurrence", "kind", "at", "uid", "booking_id", "booking", "fact")
    before = table("effects", *(column(name, kinds.get(name, WORDS)) for name in names))
    told = [
        a_fact(uid="a"),
        a_fact(uid=None, bookingId=7),
        a_fact(uid="\0\ue000" * 100),
        a_fact(uid="x" * 5000),
        a_fact("FORM_SUBMITTED", uid=None),
        a_fact("FORM_SUBMITTED", uid="a"),
    ]
    store = open_(empty_url)
    with store.write() as connection:
        alembic.command.upgrade(migrations.configuration(connection), "0008")
        rows = [
            {
                "occurrence": fact.key,
                "kind": "told",
                "at": NOON,
                "uid": fact.uid,
                "booking_id": None if fact.booking_id is None else str(fact.booking_id),
                "booking": fact.names[0] if fact.names else None,
                "fact": dumps(fact),
            }
            for fact in told
        ]
        connection.execute(before.insert(), rows)
    machine = Machine(Settings(secret=SECRET, database_url=empty_url))
    assert machine.store.create() == Change("0008", HEAD)
    for fact in told:
        with machine.store.write() as connection:
            machine.handlers.apply(connection, [fact])
    with machine.store.read() as connection:
        assert connection.scalars(select(effects.c.kind)).all() == ["told"] * len(told)
    machine.store.close()


def test_a_store_of_a_later_version_is_refused_and_left_alone(empty_url, open_):
    store = open_(empty_url)
    store.create()
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerStoreError, match="is newer than this program: .* 9999, .* " + HEAD):
        store.create()
    with store.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_migration_that_fails_leaves_the_store_as_it_was(old_url, open_, monkeypatch):
    store = open_(old_url)

    def stumble(connection, before):
        connection.execute(text("DROP TABLE webhook_stats"))
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "upgrade", stumble)
        with pytest.raises(ZeroDivisionError):
            store.create()
    assert store.create() == Change(FIRST, HEAD)


def test_of_several_that_start_at_once_one_makes_the_tables(empty_url, open_):
    stores = [open_(empty_url) for _ in range(5)]
    barrier = threading.Barrier(len(stores))

    def create(store):
        barrier.wait(10)
        return store.create().before

    with ThreadPoolExecutor(len(stores)) as pool:
        before = list(pool.map(create, stores))
    assert sorted(before, key=str) == [HEAD] * 4 + [None]


def test_of_several_that_find_an_old_store_one_migrates_it(old_url, open_):
    stores = [open_(old_url) for _ in range(3)]
    with ThreadPoolExecutor(len(stores)) as pool:
        before = list(pool.map(lambda store: store.create().before, stores))
    assert sorted(before) == [FIRST, HEAD, HEAD]


def test_a_start_with_nothing_to_migrate_does_without_alembic(tmp_path):
    code = (
        "import sys; from reference_impl.store import open_store;"
        f"s = open_store('sqlite:///{tmp_path}/r.db'); s.create(); s.create(); s.close();"
        "print([name for name in sys.modules if name.startswith(('alembic', 'psycopg'))],"
        " 'sqlalchemy.dialects.postgresql' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[] False\n"


def test_the_command_says_what_it_did(old_url, tmp_path):
    told = [command(tmp_path, "migrate", DATABASE_URL=old_url) for _ in range(2)]
    said = [[json.loads(line) for line in one.stderr.splitlines()] for one in told]
    *steps, end = said[0]
    # In order, each from where the one before it ended.
    revisions = migrations.revisions()[::-1]
    assert [(line["before"], line["after"]) for line in steps] == [*itertools.pairwise(revisions)]
    assert {(line["event"], line["deliveries"]) for line in steps} == {("Store is migrated", 4)}
    assert "Keys in order of time" in " ".join(line["doing"] for line in steps)
    assert (end["event"], end["before"], end["after"]) == ("Store was migrated", FIRST, HEAD)
    assert end["seconds"] >= 0
    assert said[1] == []
    assert [one.returncode for one in told] == [0, 0]
    assert told[0].stdout == f"the store was migrated from revision {FIRST} to {HEAD}\n"
    assert told[1].stdout == f"the store is at revision {HEAD} already\n"


def test_the_command_makes_a_store(tmp_path):
    told = command(tmp_path, "migrate")
    assert (told.returncode, told.stdout) == (0, f"the store was made, at revision {HEAD}\n")


def test_where_there_are_no_tables_there_is_nothing_to_see(empty_url, tmp_path):
    told = command(tmp_path, "stats", DATABASE_URL=empty_url)
    assert told.returncode == 2
    assert "there is no inbox yet" in told.stderr


RUNNING = [("serve", "--port", "0"), ("worker",), ("migrate",), ("stats",)]


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("arguments", RUNNING)
def test_a_file_of_something_else_is_left_as_it_is(tmp_path, arguments, mode):
    path = tmp_path / "receiver.db"
    with contextlib.closing(sqlite3.connect(path)) as theirs:
        theirs.execute(f"PRAGMA journal_mode = {mode}")
        theirs.executescript("CREATE TABLE accounts (id); INSERT INTO accounts VALUES (1)")
    before = path.read_bytes()
    told = command(tmp_path, *arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert "names an SQLite file of something else" in told.stderr
    assert path.read_bytes() == before


def test_a_file_whose_tables_are_gone_is_free(tmp_path, open_):
    with contextlib.closing(sqlite3.connect(tmp_path / "receiver.db")) as theirs:
        theirs.execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY AUTOINCREMENT)")
        theirs.execute("DROP TABLE accounts")
    assert open_(f"sqlite:///{tmp_path}/receiver.db").create() == Change(None, HEAD)


def beside(postgresql, *statements):
    """The tables of a database of something else before and after ours were made, or refused."""
    with postgresql.empty() as url, contextlib.closing(open_store(url)) as store:
        with store.write() as connection:
            for statement in statements:
                connection.execute(text(statement))
            before = set(inspect(connection).get_table_names())
        try:
            store.create()
        except ForeignStoreError as problem:
            said = str(problem)
        else:
            said = None
        with store.read() as connection:
            return before, set(inspect(connection).get_table_names()), said


def test_a_servers_database_is_shared_with_tables_of_other_names(postgresql):
    before, after, said = beside(postgresql, "CREATE TABLE accounts (id int)")
    assert (said, after) == (None, before | {*metadata.tables, "alembic_version"})


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE notices (id int)",
        "CREATE VIEW effects AS SELECT 1 AS id",
        "CREATE TABLE webhook_events (id int, payload text)",
        # Whoever else migrates with Alembic; what stands there may be any revision.
        f"CREATE TABLE alembic_version AS SELECT '{HEAD}' AS version_num",
    ],
)
def test_a_table_of_the_same_name_that_is_not_ours_is_left_alone(postgresql, statement):
    before, after, said = beside(postgresql, statement)
    assert after == before
    assert f"has a table {statement.split()[2]!r} that is not the receiver's" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("stats",),
        ("replay-webhook", "--failed", "--dry-run"),
        ("discard-webhook", "--id", "1"),
        ("prune", "--older-than", "30"),
    ],
)
def test_whoever_looks_into_an_old_store_migrates_nothing(old_url, open_, tmp_path, arguments):
    told = command(tmp_path, *arguments, DATABASE_URL=old_url)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("reference-receiver: the store is older than this program")
    assert "`reference-receiver migrate`" in told.stderr
    assert open_(old_url).create().before == FIRST


def test_what_a_command_makes_is_not_for_others_to_read(tmp_path):
    before = os.umask(0)
    try:
        command(tmp_path, "migrate")
    finally:
        os.umask(before)
    (made,) = tmp_path.glob("*.db")
    assert stat.S_IMODE(made.stat().st_mode) & stat.S_IRWXO == 0


@pytest.mark.parametrize("arguments", [("serve", "--port", "0"), ("worker",), ("stats",)])
def test_a_process_refuses_a_later_store_in_one_sentence(old_url, open_, tmp_path, arguments):
    store = open_(old_url)
    store.create()
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    told = command(tmp_path, *arguments, DATABASE_URL=old_url)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("reference-receiver: the store is newer than this program")
    assert len(told.stderr.splitlines()) == 1
