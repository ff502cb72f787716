import dataclasses
import inspect
import threading

import pytest

from reference_impl import (
    app,
    appointments,
    book,
    door,
    facts,
    handlers,
    inbox,
    leases,
    notices,
    receiver,
    worker,
)
from reference_impl.app import Machine, Parts, build_app
from reference_impl.store.sqlite import SqliteStore


def test_every_part_can_be_played_by_an_heir(settings):
    standard = Parts()
    heirs = {
        field.name: type(f"My{field.name.title()}", (getattr(standard, field.name),), {})
        for field in dataclasses.fields(Parts)
        if field.name != "store"
    }
    # Which one it is depends on the database.
    heirs["store"] = type("MyStore", (SqliteStore,), {})
    application = build_app(settings, testing=True, **heirs)
    machine = application.state.machine
    for name in ("receiver", "inbox", "leases", "worker", "handlers", "book", "store", "clock"):
        assert type(getattr(machine, name)) is heirs[name]
    assert type(machine.handlers.reader) is heirs["reader"]
    assert type(machine.book.fold) is heirs["fold"]
    machine.store.close()


def test_a_machine_starts_and_stops_without_a_server(settings):
    machine, before = Machine(settings), set(threading.enumerate())
    for working in (True, False):
        machine.start(worker=working)
        begun = {thread.name.partition("-")[0] for thread in {*threading.enumerate()} - before}
        assert ("inbox" in begun, "worker" in begun) == (True, working)
        machine.stop()
        assert not {*threading.enumerate()} - before


@pytest.mark.parametrize(
    ("part", "module"),
    [
        ("Receiver", receiver),
        ("Inbox", inbox),
        ("Leases", leases),
        ("Worker", worker),
        ("Handlers", handlers),
        ("Reader", facts),
        ("Fold", appointments),
        ("Book", book),
        ("Notifier", notices),
    ],
)
def test_the_seams_that_are_named_exist(part, module):
    described = inspect.getdoc(receiver).split(f"`{part}` (")[1].split("\n`")[0]
    for name in described.split("\n", 1)[1].replace("\n", " ").split("`")[1::2]:
        assert callable(getattr(getattr(module, part), name, None)) or name == "methods", name


def test_the_standard_parts_are_the_described_ones():
    assert (Parts().receiver, Parts().door, Parts().clock) == (
        receiver.Receiver,
        door.Door,
        app.Clock,
    )
