import hashlib
import os
import pty
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, func, select, update

import reference_impl.pruning
from reference_impl import batches, history
from reference_impl.clock import Clock
from reference_impl.commands import application
from reference_impl.pruning import Pruned, Pruning
from reference_impl.tables import chronicle, effects, notices, webhook_bodies, webhook_events
from reference_impl.upkeep import CannotReplayError, Upkeep
from tests.unit.reference_impl.bodies import MINUTE, NOON, SECRET, a_body
from tests.unit.reference_impl.machines import claim, row
from tests.unit.reference_impl.process import Process, environment

DATABASES = ("sqlite", "postgresql")

DAY = 24 * 60 * MINUTE


@pytest.fixture
def run(settings, monkeypatch):
    monkeypatch.setenv("CALCOM_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    # The commands live a day after the deliveries.
    monkeypatch.setattr(Clock, "now", lambda self: NOON + DAY + self._offset)

    def invoke(*arguments):
        return CliRunner().invoke(application, arguments)

    return invoke


@pytest.fixture
def mend(machine, settings):
    """The upkeep of the machine's inbox, so many days after its deliveries; it does not pause."""

    def at(days=1):
        return Upkeep(settings, machine.store, NOON + days * DAY, pause=lambda _: None)

    return at


@pytest.fixture
def pruning(machine):
    """What prunes the machine's inbox; it does not pause."""
    return Pruning(machine.store, pause=lambda _: None)


def put(machine, *args, **kwargs):
    body = a_body(*args, **kwargs)
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    return machine.receiver.identify(body)


def done(machine, *args, **kwargs):
    id_ = put(machine, *args, **kwargs)
    while machine.worker.step():
        pass
    return id_


def dead(machine, uid):
    return done(machine, uid=uid, startTime="soon")


def states(machine):
    with machine.store.read() as connection:
        query = select(webhook_events.c.webhook_id, webhook_events.c.state)
        return {id_: state for id_, state in connection.execute(query)}  # noqa: C416 - rows are no pairs


def payload(machine, id_):
    with machine.store.read() as connection:
        query = (
            select(webhook_bodies.c.body)
            .join(webhook_events, webhook_events.c.id == webhook_bodies.c.id)
            .where(webhook_events.c.webhook_id == id_)
        )
        return connection.scalar(query)


def count(machine, table):
    with machine.store.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


# --- replay -----------------------------------------------------------------------------------


def test_dead_letters_are_replayed_and_nothing_else(run, machine):
    fine, *letters = done(machine, uid="a"), dead(machine, "b"), dead(machine, "c")
    outcome = run("replay-webhook", "--failed")
    assert outcome.exit_code == 0
    assert outcome.stdout == "2 deliveries wait to be processed\n"
    assert states(machine) == {fine: "done", **dict.fromkeys(letters, "waiting")}


def test_what_came_since_then_is_replayed_without_a_second_effect(run, machine):
    early = done(machine, uid="a")
    machine.clock.advance(3600)
    late, letter = done(machine, uid="b"), dead(machine, "c")
    outcome = run("replay-webhook", "--since", "2026-01-01T12:30:00Z")
    assert outcome.stdout == "2 deliveries wait to be processed\n"
    assert states(machine) == {early: "done", late: "waiting", letter: "waiting"}
    machine.clock.advance(2 * 86_400)
    while machine.worker.step():
        pass
    assert states(machine) == {early: "done", late: "done", letter: "dead"}
    assert count(machine, effects) == 2


def test_what_is_replayed_begins_anew(machine, mend):
    letter = dead(machine, "a")
    assert row(machine, letter)["reason"]
    assert mend().replay(letter) == letter
    anew = ("tries", "interruptions", "reason", "finished_at")
    assert [row(machine, letter)[name] for name in anew] == [0, 0, None, None]


def test_of_what_is_being_processed_a_dry_run_says_so_too(run, machine):
    id_ = put(machine)
    claim(machine)
    for more in ([], ["--dry-run"]):
        outcome = run("replay-webhook", "--id", id_, *more)
        assert (outcome.exit_code, outcome.stdout) == (2, "")
        assert "is being processed" in outcome.stderr


def test_a_dry_run_changes_nothing(run, machine):
    letter = dead(machine, "a")
    for arguments in (["--failed"], ["--since", "2026-01-01"], ["--id", letter]):
        outcome = run("replay-webhook", *arguments, "--dry-run")
        assert outcome.exit_code == 0
        assert "would wait" in outcome.stdout
    assert states(machine) == {letter: "dead"}


def test_a_dry_run_says_which_they_are(run, machine):
    letter = dead(machine, "a")
    done(machine, uid="b")
    shown = f"{row(machine, letter)['id']:>10}  {letter}  BOOKING_CREATED"
    told = run("replay-webhook", "--failed", "--dry-run").stdout.splitlines()
    assert told == [shown, "1 delivery would wait to be processed"]


def test_dead_letters_since_then_are_both(run, machine):
    dead(machine, "a")
    machine.clock.advance(86_400)
    late = dead(machine, "b")
    done(machine, uid="c")
    assert run("replay-webhook", "--failed", "--since", "2026-01-02").exit_code == 0
    assert [id_ for id_, state in states(machine).items() if state == "waiting"] == [late]


def test_what_is_under_way_is_left_alone(run, machine):
    waiting = put(machine, uid="a")
    claimed = put(machine, uid="b")
    claim(machine)
    before = states(machine)
    assert set(before) == {waiting, claimed}
    assert run("replay-webhook", "--since", "2026-01-01").stdout.startswith("0 deliveries")
    assert states(machine) == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--id", "1", "--failed"],
        ["--id", "1", "--since", "2026-01-01"],
        ["--since", "yesterday"],
        ["--since", "2026-13-01"],
        ["--dry-run"],
    ],
)
def test_what_is_to_be_replayed_has_to_be_said(run, machine, arguments):
    outcome = run("replay-webhook", *arguments)
    assert outcome.exit_code == 2
    assert outcome.stdout == ""


def test_many_are_replayed_in_several_transactions(machine, mend, monkeypatch):
    monkeypatch.setattr(batches, "_BATCH", 2)
    for number in range(5):
        dead(machine, f"u{number}")
    assert mend().replay_all(since=None, failed=True).again == 5
    assert set(states(machine).values()) == {"waiting"}


# --- discard ----------------------------------------------------------------------------------


def test_a_discarded_dead_letter_is_not_replayed_with_the_others(run, machine):
    letter = dead(machine, "a")
    assert run("discard-webhook", "--id", letter).exit_code == 0
    assert run("replay-webhook", "--failed").stdout.startswith("0 deliveries")
    assert run("replay-webhook", "--id", letter).exit_code == 0


def test_only_dead_letters_are_discarded(run, machine):
    done(machine)
    outcome = run("discard-webhook", "--id", "1")
    assert outcome.exit_code == 2
    assert "is no dead letter" in outcome.stderr
    assert run("discard-webhook", "--id", "7").exit_code == 2


def test_the_probe_knows_no_other_word_for_it(machine, mend):
    from reference_impl import probe

    mend().discard(dead(machine, "a"))
    with machine.store.read() as connection:
        seen = probe.look(connection, {"a"}, set(), NOON)
    assert seen["deliveries"][0]["state"] == "dead"


# --- prune ------------------------------------------------------------------------------------


def test_old_payloads_go_and_their_redeliveries_are_still_recognised(machine, pruning):
    id_ = done(machine)
    assert pruning.prune(before=NOON + DAY).deliveries == 1
    assert payload(machine, id_) is None
    body = a_body()
    entry = machine.receiver.entry(machine.receiver.read(body), body)
    assert machine.inbox.write([entry]) == [False]
    assert not machine.worker.step()
    assert count(machine, effects) == 1
    # A second time there is nothing left to forget.
    assert pruning.prune(before=NOON + DAY).deliveries == 0


def test_what_is_young_unfinished_or_dead_stays_whole(machine, pruning):
    kept = [dead(machine, "dead"), put(machine, uid="waiting")]
    with machine.store.write() as connection:
        connection.execute(update(webhook_events).values(finished_at=NOON))
    machine.clock.advance(86_400)
    kept.append(done(machine, uid="young"))
    with machine.store.write() as connection:
        young = webhook_events.c.webhook_id == kept[-1]
        connection.execute(update(webhook_events).where(young).values(finished_at=NOON + DAY))
        waiting = webhook_events.c.webhook_id == kept[1]
        connection.execute(update(webhook_events).where(waiting).values(state="waiting"))
    assert pruning.prune(before=NOON + DAY).deliveries == 0
    assert all(payload(machine, id_) for id_ in kept)


def test_a_discarded_dead_letter_goes_with_its_notice(run, machine, monkeypatch):
    other = dead(machine, "other")
    letter = dead(machine, "letter")
    run("discard-webhook", "--id", letter)
    # Its age counts from there: it waited for somebody to look at it until now.
    assert "payloads of 0 deliveries" in run("prune", "--older-than", "0").stdout
    monkeypatch.setattr(Clock, "now", lambda _: NOON + DAY + MINUTE)
    told = "payloads of 1 delivery and 1 notices"
    assert run("prune", "--older-than", "0", "--dry-run").stdout == f"{told} would be removed\n"
    assert payload(machine, letter)
    assert run("prune", "--older-than", "0", "--yes").stdout == f"{told} were removed\n"
    assert (payload(machine, letter), bool(payload(machine, other))) == (None, True)
    assert count(machine, notices) == 1


def test_what_may_have_to_be_replayed_yet_goes_only_if_that_is_meant(run, machine, monkeypatch):
    id_ = done(machine)
    outcome = run("prune", "--older-than", "0")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "payloads of 1 delivery that were over in the last 7 days" in outcome.stderr
    assert "say --yes" in outcome.stderr
    assert payload(machine, id_)
    # What a timer removes is older, and nobody is there to be asked.
    monkeypatch.setattr(Clock, "now", lambda _: NOON + 8 * DAY)
    assert run("prune", "--older-than", "7").exit_code == 0
    assert payload(machine, id_) is None


@pytest.mark.parametrize(
    ("answer", "code", "said"), [("y", 0, "were removed"), ("n", 130, "nothing was done")]
)
def test_on_a_terminal_somebody_is_asked(tmp_path, answer, code, said):
    receiver = Process(tmp_path, "--testing")
    assert receiver.deliver(a_body()) == 202
    receiver.settled("uid-1")
    receiver.end()
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    outcome = subprocess.run(
        [sys.executable, "-m", "reference_impl", "prune", "--older-than", "0"],
        env=environment(tmp_path),
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert outcome.returncode == code
    assert "Payloads of 1 delivery" in outcome.stderr
    assert said in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("days", ["-1", "x", "40000"])
def test_an_age_that_makes_no_sense_prunes_nothing(run, machine, days):
    assert run("prune", "--older-than", days).exit_code == 2
    assert run("prune").exit_code == 2


def test_a_pruned_delivery_cannot_be_replayed(run, machine):
    id_ = done(machine)
    run("prune", "--older-than", "0", "--yes")
    outcome = run("replay-webhook", "--id", id_)
    assert outcome.exit_code == 2
    why = "and its payload was pruned since, so it cannot be replayed\n"
    assert outcome.stderr.startswith("reference-receiver: delivery 1 was over on 2026-")
    assert outcome.stderr.endswith(why)
    outcome = run("replay-webhook", "--since", "2026-01-01")
    assert outcome.stdout == ("0 deliveries wait to be processed\n1 delivery left alone: pruned\n")
    assert states(machine) == {id_: "done"}


def test_writers_get_their_turn_between_the_batches(machine, monkeypatch, pruning):
    monkeypatch.setattr(batches, "_BATCH", 2)
    for number in range(5):
        done(machine, uid=f"u{number}")
    between = []
    # Inside a batch the writer would wait for the store, and fail.
    pruning._pause = lambda _: between.append(put(machine, uid=f"new{len(between)}"))
    assert pruning.prune(before=NOON + DAY).deliveries == 5
    assert len(between) == 3
    assert pruning.prune(before=NOON + DAY, forget_before=NOON + DAY).forgotten == 5
    assert len(between) == 6


@pytest.fixture
def overtaken(mend, monkeypatch):
    """Have a delivery replayed whenever what prunes has read which are to go."""

    def by_a_replay_of(id_):
        def late(*arguments, **kind):
            for batch in batches.batches(*arguments, **kind):
                mend().replay(id_)
                yield batch

        monkeypatch.setattr(reference_impl.pruning, "batches", late)

    return by_a_replay_of


def test_a_replay_that_begins_meanwhile_keeps_its_payload(machine, pruning, overtaken):
    id_ = done(machine)
    overtaken(id_)
    pruning.prune(before=NOON + DAY)
    assert payload(machine, id_)
    assert states(machine) == {id_: "waiting"}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_replay_in_the_midst_finds_the_payload_gone(machine, mend, monkeypatch, pruning):
    id_ = done(machine)
    replays, refusals = [], []

    def replay():
        try:
            mend().replay(id_)
        except CannotReplayError as problem:
            refusals.append(str(problem))

    def begin(table):
        # Between the look at the delivery and the end of its payload somebody replays it.
        if not replays:
            replays.append(threading.Thread(target=replay))
            replays[0].start()
            time.sleep(0.3)
        return delete(table)

    monkeypatch.setattr(reference_impl.pruning, "delete", begin)
    pruning.prune(before=NOON + DAY)
    replays[0].join(10)
    assert (payload(machine, id_), states(machine)) == (None, {id_: "done"})
    assert len(refusals) == 1


def test_a_delivery_is_found_by_the_id_that_it_had_when_that_was_all_hash(machine, mend):
    id_ = done(machine)
    digest = hashlib.sha256(a_body()).hexdigest()
    assert id_.endswith(digest[:46])
    assert mend().replay(digest.upper()) == id_
    with pytest.raises(CannotReplayError):
        mend().replay("0" * 64)


def test_a_delivery_whose_payload_is_missing_fails_and_stops_no_other(machine):
    lost, kept = put(machine, uid="a"), put(machine, uid="b")
    with machine.store.write() as connection:
        number = select(webhook_events.c.id).where(webhook_events.c.webhook_id == lost)
        connection.execute(delete(webhook_bodies).where(webhook_bodies.c.id.in_(number)))
    while machine.worker.step(10):
        machine.clock.advance(400)
    assert states(machine) == {lost: "dead", kept: "done"}


def past(machine, uid):
    """What the dashboard says of the delivery about *uid*, but for when."""
    with machine.store.read() as connection:
        query = select(webhook_events.c.id).where(webhook_events.c.uid == uid)
        event = history.one(connection, connection.scalar(query))
    return [words for _, words in event["history"]]


def test_the_history_keeps_what_failed_and_what_was_done_about_it(run, machine, mend):
    def fail(moment, _job):
        raise RuntimeError

    machine.worker.interfere = fail
    id_ = put(machine, uid="a")
    for seconds in (60, 300, 900):
        assert machine.worker.step()
        machine.clock.advance(seconds)
    del machine.worker.interfere
    mend(days=1).discard(id_)
    mend(days=2).replay(id_)
    machine.clock.advance(3 * 86_400)
    assert machine.worker.step()
    assert [words.partition(":")[0] for words in past(machine, "a")] == [
        "received",
        "try 1 failed",
        "try 2 failed",
        "dead letter",
        "discarded",
        "replayed",
        "effect on the booking",
        "over",
    ]
    assert "RuntimeError" in past(machine, "a")[1]


def test_what_succeeds_at_once_leaves_nothing_in_the_chronicle(run, machine):
    done(machine, uid="a")
    assert count(machine, chronicle) == 0


def test_what_is_refused_or_only_tried_is_no_part_of_a_history(run, machine, mend):
    done(machine, uid="a")
    with pytest.raises(CannotReplayError):
        mend().discard("1")
    run("replay-webhook", "--since", "2026-01-01", "--dry-run")
    assert count(machine, chronicle) == 0
    run("replay-webhook", "--since", "2026-01-01")
    assert past(machine, "a").count("replayed") == 1


def test_the_chronicle_is_pruned_with_its_delivery(run, machine, mend, pruning):
    for uid in "ab":
        mend().discard(dead(machine, uid))
    mend().replay("2")
    assert count(machine, chronicle) == 3
    pruning.prune(before=NOON + 2 * DAY)
    assert count(machine, chronicle) == 2
    assert "replayed" in past(machine, "b")


def test_what_was_replayed_meanwhile_keeps_its_notice(machine, mend, pruning, overtaken):
    id_ = dead(machine, "a")
    mend().discard(id_)
    overtaken(id_)
    pruned = pruning.prune(before=NOON + DAY)
    assert (pruned.deliveries, pruned.notices) == (0, 0)
    assert count(machine, notices) == 1


def test_a_delivery_that_was_claimed_meanwhile_is_not_replayed(machine, mend, monkeypatch):
    id_ = put(machine)
    tidy = mend()
    find = tidy.find

    def late(given):
        row = find(given)
        claim(machine)
        return row

    monkeypatch.setattr(tidy, "find", late)
    with pytest.raises(CannotReplayError, match="is being processed"):
        tidy.replay(id_)


def test_what_is_forgotten_has_no_second_effect_when_it_comes_again(run, machine, monkeypatch):
    done(machine, uid="a")
    letter = dead(machine, "b")
    waiting = put(machine, uid="c")
    run("prune", "--older-than", "0", "--yes")
    monkeypatch.setattr(Clock, "now", lambda _: NOON + 40 * DAY)
    told = "of 1 delivery everything would be removed"
    assert told in run("prune", "--older-than", "30", "--forget-after", "30", "--dry-run").stdout
    assert len(states(machine)) == 3
    told = "of 1 delivery everything was removed"
    assert told in run("prune", "--older-than", "30", "--forget-after", "30").stdout
    assert states(machine) == {letter: "dead", waiting: "waiting"}
    # It is new again, and what it says is known.
    again = done(machine, uid="a")
    assert states(machine)[again] == "done"
    assert count(machine, effects) == 2


def test_a_dry_run_counts_what_the_run_then_removes(machine, mend, pruning):
    for uid in "abc":
        mend(days=0).discard(dead(machine, uid))
    done(machine, uid="d")
    dead(machine, "kept")
    before = states(machine)
    told = pruning.prune(before=NOON + DAY, dry_run=True)
    assert (told, states(machine)) == (Pruned(4, 3, 0), before)
    assert (count(machine, webhook_bodies), count(machine, notices)) == (5, 4)
    assert pruning.prune(before=NOON + DAY) == told
    assert (count(machine, webhook_bodies), count(machine, notices)) == (1, 1)
    oblivion = {"before": NOON + DAY, "forget_before": NOON + DAY}
    assert pruning.prune(**oblivion, dry_run=True) == Pruned(0, 0, 4)
    assert len(states(machine)) == 5
    assert pruning.prune(**oblivion) == Pruned(0, 0, 4)
    assert len(states(machine)) == 1


def test_a_payload_goes_before_its_row(machine, pruning):
    done(machine, uid="a")
    pruning.prune(before=NOON + DAY)
    whole = done(machine, uid="b")
    # However old it is: what has its payload is forgotten another time.
    assert pruning.prune(before=NOON + DAY, forget_before=NOON + DAY) == Pruned(1, 0, 1)
    assert states(machine) == {whole: "done"}
    assert count(machine, webhook_bodies) == 0
    assert pruning.prune(before=NOON + DAY, forget_before=NOON + DAY) == Pruned(0, 0, 1)
    assert states(machine) == {}


def test_who_is_asked_is_told_of_what_was_over_since_then(machine, pruning):
    assert pruning.payloads(NOON, NOON + DAY) == 0
    done(machine, uid="a")
    machine.clock.advance(60)
    done(machine, uid="b")
    dead(machine, "c")
    counts = {minute: pruning.payloads(NOON + minute * MINUTE, NOON + DAY) for minute in (0, 1, 2)}
    assert counts == {0: 2, 1: 1, 2: 0}
    assert pruning.payloads(NOON, NOON + MINUTE) == 1


def test_what_has_a_payload_or_is_young_is_not_forgotten(run, machine, monkeypatch):
    done(machine, uid="a")
    monkeypatch.setattr(Clock, "now", lambda _: NOON + 29 * DAY)
    run("prune", "--older-than", "0", "--forget-after", "30", "--yes")
    done(machine, uid="b")
    assert len(states(machine)) == 2
    assert run("prune", "--older-than", "0", "--forget-after", "29").exit_code == 2
