"""Many threads and processes at one store: what each of them does is whole, and done once."""

import collections
import contextlib
import dataclasses
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from reference_impl.appointments import Own
from reference_impl.counts import counted
from reference_impl.inbox import Entry
from reference_impl.store import bulk
from reference_impl.store.locks import lock, lock_all, try_lock
from reference_impl.tables import webhook_events
from reference_impl.testing import ProviderStates
from tests.unit.reference_impl.bodies import NOON, a_body, a_fact
from tests.unit.reference_impl.lives import BOUND, at
from tests.unit.reference_impl.machines import claim, look, put

DATABASES = ("sqlite", "postgresql")
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

#: The life of one booking that moved from slot to slot, and was cancelled in the end.
CHAIN = [
    a_fact(uid="a", startTime=at(9), **BOUND),
    a_fact("BOOKING_RESCHEDULED", "b", 1, rescheduleUid="a", startTime=at(10)),
    a_fact("BOOKING_RESCHEDULED", "c", 2, rescheduleUid="b", startTime=at(11)),
    a_fact("BOOKING_RESCHEDULED", "d", 3, rescheduleUid="c", startTime=at(12)),
    a_fact("BOOKING_RESCHEDULED", "e", 4, rescheduleUid="d", startTime=at(13)),
    a_fact("BOOKING_CANCELLED", "e", 5),
]


def all_at_once(*calls):
    """What *calls* return, begun at the same instant on threads of their own."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def apply(machine, fact):
    with machine.store.write() as connection:
        machine.handlers.apply(connection, [fact])


# --- claims -----------------------------------------------------------------------------------


def test_nobody_gets_what_another_has_claimed(assemble):
    machines = [assemble() for _ in range(4)]
    ids = {put(machines[0], uid=f"u{number}") for number in range(40)}

    def claim_all(machine):
        return list(iter(lambda: claim(machine), None))

    jobs = list(itertools.chain(*all_at_once(*(lambda m=m: claim_all(m) for m in machines))))
    assert collections.Counter(job.webhook_id for job in jobs) == dict.fromkeys(ids, 1)


def test_two_deliveries_of_one_booking_are_never_claimed_at_the_same_time(assemble):
    machines = [assemble() for _ in range(6)]
    for minute, number in itertools.product(range(8), range(5)):
        put(machines[0], uid=f"u{number}", minute=minute)
    guard, held, clashes, done = threading.Lock(), collections.Counter(), [], []

    def interfere(moment, job):
        with guard:
            held[job.uid] += 1 if moment == "before" else -1
            clashes.extend(uid for uid, times in held.items() if times > 1)

    def work(machine):
        machine.worker.interfere = interfere
        while len(done) < 40:
            job = claim(machine)
            if job is not None:
                machine.worker.process([job])
                done.append(job)

    all_at_once(*(lambda m=m: work(m) for m in machines))
    assert clashes == []
    assert look(machines[0])["pending"] == 0


def test_the_store_itself_refuses_a_second_claim_of_a_booking(machine):
    from sqlalchemy.exc import IntegrityError

    put(machine, uid="a")
    put(machine, uid="a", minute=1)
    with pytest.raises(IntegrityError), machine.store.write() as connection:
        connection.execute(webhook_events.update().values(state="processing"))


@on_postgresql
def test_a_claim_passes_over_what_another_is_about_to_claim(machine):
    first, second = put(machine, uid="a"), put(machine, uid="b")
    with machine.store.write() as other:
        held = select(webhook_events.c.id).where(webhook_events.c.webhook_id == first)
        other.execute(held.with_for_update())
        assert claim(machine).webhook_id == second
    assert claim(machine).webhook_id == first


@on_postgresql
def test_a_claim_passes_over_a_booking_that_another_is_about_to_claim(machine):
    put(machine, uid="a")
    with machine.store.write() as other:
        assert try_lock(other, {"claim uid a"})
        # A look at one delivery finds the one that is not to be had, and takes nothing else.
        assert claim(machine) is None
    assert claim(machine).uid == "a"


# --- effects ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", range(12))
def test_a_chain_whose_events_are_processed_at_once_is_one_appointment(assemble, order):
    machines = [assemble() for _ in CHAIN]
    with machines[0].store.write() as connection:
        machines[0].book.register(connection, Own("12345", NOON, None), 0)
    # Twelve of the orders they can begin in; the threads shuffle them further.
    shuffled = next(itertools.islice(itertools.permutations(CHAIN), order * 59, None))
    twice = [*zip(machines, shuffled, strict=True), *zip(machines, reversed(shuffled), strict=True)]
    all_at_once(*(lambda m=m, f=f: apply(m, f) for m, f in twice))
    seen = look(machines[0], *"abcde", ids=["12345"])
    (one,) = seen["appointments"]
    assert (one["id"], one["uid"], one["status"]) == ("12345", "e", "cancelled")
    assert one["startTime"] == at(13)
    assert seen["totals"]["appointments"] == 1
    assert seen["totals"]["effects"] == len(CHAIN)
    assert {effect["appointment"] for effect in seen["effects"]} == {"12345"}


def test_an_appointment_of_ours_is_bound_whoever_comes_first(assemble):
    machines = [assemble() for _ in range(3)]

    def register(machine, id_):
        with machine.store.write() as connection:
            machine.book.register(connection, Own(id_), 0)

    for number in range(15):
        bound = {"metadata": {"askproai_appointment_id": f"own-{number}"}}
        first = a_fact(uid=f"x{number}", startTime=at(9), **bound)
        moved = a_fact(
            *("BOOKING_RESCHEDULED", f"y{number}", 1), rescheduleUid=f"x{number}", startTime=at(10)
        )
        all_at_once(
            lambda id_=f"own-{number}": register(machines[0], id_),
            lambda fact=first: apply(machines[1], fact),
            lambda fact=moved: apply(machines[2], fact),
        )
        (one,) = look(machines[0], f"x{number}", f"y{number}", ids=[f"own-{number}"])[
            "appointments"
        ]
        assert (one["id"], one["uid"]) == (f"own-{number}", f"y{number}")


def test_one_occurrence_told_many_times_at_once_has_one_effect(assemble):
    machines = [assemble() for _ in range(6)]
    form = a_fact("FORM_SUBMITTED", "f", formId="f", responses={"a": 1})
    for fact in (form, a_fact(uid="a")):
        all_at_once(*(lambda m=m, f=fact: apply(m, f) for m in machines))
    assert look(machines[0])["totals"]["effects"] == 2


def test_a_reset_in_the_midst_of_it_leaves_nothing_half_done(assemble):
    machines = [assemble() for _ in range(3)]
    states = ProviderStates(machines[0])
    for number in range(30):
        put(machines[0], uid=f"u{number % 10}", minute=number)

    def work(machine):
        while machine.worker.step():
            pass

    all_at_once(lambda: work(machines[1]), lambda: work(machines[2]), lambda: states._reset({}))
    seen = look(machines[0], *(f"u{number}" for number in range(10)))
    assert seen["totals"]["appointments"] == len(seen["appointments"])
    assert {delivery["state"] for delivery in seen["deliveries"]} <= {"done"}


# --- the inbox --------------------------------------------------------------------------------


def an_entry(number, trigger="BOOKING_CREATED"):
    uid = f"u{number}"
    return Entry(f"{number:064x}", trigger, uid, None, a_body(uid=uid), NOON)


def test_the_same_deliveries_at_several_processes_are_new_once(assemble):
    machines = [assemble() for _ in range(4)]
    entries = [an_entry(number) for number in range(60)]
    orders = [entries, entries[::-1], entries[30:] + entries[:30], entries[::2] + entries[1::2]]
    outcomes = all_at_once(
        *(lambda m=m, o=o: m.inbox.write(o) for m, o in zip(machines, orders, strict=True))
    )
    assert sum(map(sum, outcomes)) == 60
    assert look(machines[0])["totals"]["deliveries"] == 60


@on_postgresql
def test_what_another_stored_between_two_statements_is_known(assemble, monkeypatch):
    ours, theirs = assemble(), assemble()
    entries = [an_entry(number) for number in range(4)]
    copy = bulk._copy

    def late(*arguments):
        monkeypatch.setattr(bulk, "_copy", copy)
        assert theirs.inbox.write(entries[1:3]) == [True, True]
        copy(*arguments)

    monkeypatch.setattr(bulk, "_copy", late)
    assert ours.inbox.write(entries) == [True, False, False, True]
    assert look(ours)["totals"]["deliveries"] == 4


def test_what_several_processes_count_is_added_up(assemble):
    machines = [assemble() for _ in range(4)]
    triggers = ("BOOKING_CREATED", "PING", "BOOKING_CANCELLED")

    def accept(machine, start):
        for number in range(start, start + 30, 3):
            machine.inbox.write(
                [an_entry(number + index, name) for index, name in enumerate(triggers)]
            )

    all_at_once(*(lambda m=m, i=i: accept(m, i * 100) for i, m in enumerate(machines)))
    with machines[0].store.read() as connection:
        found = {row["event_type"]: row["received"] for row in counted(connection)}
    assert found == dict.fromkeys(triggers, 40)


@on_postgresql
def test_two_that_count_at_the_same_time_do_not_wait_for_each_other(assemble, settings):
    patient = dataclasses.replace(settings, store_seconds=0.2)
    one, two = assemble(patient), assemble(patient)
    with one.store.write() as first:
        from reference_impl.counts import count

        count(first, {"PING": {"received": 1}})
        with two.store.write() as second:
            count(second, {"PING": {"received": 1}})
    with one.store.read() as connection:
        assert [row["received"] for row in counted(connection)] == [2]


# --- locks ------------------------------------------------------------------------------------


@on_postgresql
@pytest.mark.parametrize("names", [{"a"}, {f"n{number}" for number in range(500)}])
def test_whoever_locks_all_waits_for_everybody_and_keeps_them_out(assemble, settings, names):

    impatient = dataclasses.replace(settings, store_seconds=0.1)
    one, two = assemble(impatient), assemble(impatient)
    with one.store.write() as first:
        lock(first, names)
        with pytest.raises(OperationalError), two.store.write() as second:
            lock_all(second)
    with one.store.write() as first:
        lock_all(first)
        with pytest.raises(OperationalError), two.store.write() as second:
            lock(second, names)
    with two.store.write() as second:
        lock(second, names)


def test_locks_are_free_again_after_the_transaction(assemble):
    one, two = assemble(), assemble()
    for machine in (one, two, one):
        with contextlib.suppress(ZeroDivisionError), machine.store.write() as connection:
            lock(connection, {"a", "b"})
            raise ZeroDivisionError
    with two.store.write() as connection:
        assert try_lock(connection, {"a", "b"}) == {"a", "b"}
        connection.execute(text("SELECT 1"))
