"""The checker: what is invented is found, and what is lawful is never accused."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crash import history
from tests.crash.checker import KINDS, Appointment, State, check

_QUARTER = 900_000_000


def happened(life, number, trigger, uid, after):
    return {
        "what": "happened",
        "digest": f"{life}-{number}",
        "life": life,
        "number": number,
        "trigger": trigger,
        "uid": uid,
        "status": after.status,
        "start": after.start,
        "end": after.end,
    }


def sent(digest):
    return {"what": "sent", "digest": digest}


def answered(digest, status=202, retry_after=None):
    return {"what": "answered", "digest": digest, "status": status, "retry_after": retry_after}


@st.composite
def steps_of(draw, life):
    """The steps of a life as (trigger, uid, how the booking stands after it)."""
    uid = f"u{life}"
    stands = Appointment(uid, "confirmed", life * _QUARTER, (life + 1) * _QUARTER)
    steps = [("BOOKING_CREATED", stands)]
    # In one dialect a moved booking has a new uid, in the other it keeps the old one.
    keeps = draw(st.booleans())
    for move in range(draw(st.integers(0, 2))):
        begin = draw(st.integers(1, 50)) * _QUARTER
        uid = stands.uid if keeps else f"u{life}.{move}"
        stands = Appointment(uid, "confirmed", begin, begin + _QUARTER)
        steps.append(("BOOKING_RESCHEDULED", stands))
    if draw(st.booleans()):
        stands = dataclasses.replace(stands, status="cancelled")
        steps.append(("BOOKING_CANCELLED", stands))
    return steps


@st.composite
def runs(draw):
    """Records and the state that keeps what they were promised."""
    records, inbox, effects, appointments = [], [], [], []
    for life in range(draw(st.integers(1, 4))):
        steps = draw(steps_of(life))
        stands = None
        for number, (trigger, after) in enumerate(steps):
            digest = f"{life}-{number}"
            records.append(happened(life, number, trigger, after.uid, after))
            failures = draw(st.lists(st.sampled_from([None, 503]), max_size=3))
            for status in failures:
                records += [sent(digest), answered(digest, status, "5")]
            given_up = number == len(steps) - 1 and draw(st.booleans())
            if given_up:
                records += [sent(digest), {"what": "given up", "digest": digest}]
            for _ in range(0 if given_up else draw(st.integers(1, 3))):
                records += [sent(digest), answered(digest)]
            if given_up and draw(st.booleans()):
                continue
            inbox.append((digest, "done"))
            effects.append((KINDS[trigger], after.uid))
            stands = after
        if stands is not None:
            appointments.append(stands)
    return records, State(tuple(inbox), tuple(effects), tuple(draw(st.permutations(appointments))))


def acknowledged(records):
    return {one["digest"] for one in records if one["what"] == "answered" and one["status"] == 202}


def kinds(records, state):
    return {finding.kind for finding in check(records, state)}


def without(rows, position):
    return rows[:position] + rows[position + 1 :]


@given(runs())
def test_a_lawful_run_is_never_accused(run):
    assert check(*run) == []


@given(runs(), st.data())
def test_a_row_that_is_gone_is_found(run, data):
    records, state = run
    promised = [row for row in state.inbox if row[0] in acknowledged(records)]
    if promised:
        gone = state.inbox.index(data.draw(st.sampled_from(promised)))
        broken = dataclasses.replace(state, inbox=without(state.inbox, gone))
        assert kinds(records, broken) == {"lost"}


@given(runs(), st.data())
def test_an_effect_that_is_gone_is_found(run, data):
    records, state = run
    promised = {
        (KINDS[one["trigger"]], one["uid"])
        for one in records
        if one["what"] == "happened" and one["digest"] in acknowledged(records)
    }
    certain = [
        effect
        for effect in state.effects
        # Of two moves under one uid, the one that was given up may be the one that is missing.
        if effect in promised and state.effects.count(effect) == 1
    ]
    if certain:
        gone = state.effects.index(data.draw(st.sampled_from(certain)))
        broken = dataclasses.replace(state, effects=without(state.effects, gone))
        assert "lost" in kinds(records, broken)


@given(runs(), st.data())
def test_what_is_there_twice_is_found(run, data):
    records, state = run
    for name in ("inbox", "effects", "appointments"):
        rows = getattr(state, name)
        if rows:
            again = data.draw(st.sampled_from(rows))
            broken = dataclasses.replace(state, **{name: (*rows, again)})
            # An effect that a given-up delivery might have had is no doubling.
            maybe = name == "effects" and len(check(records, broken)) == 0
            spare = sum(
                one["what"] == "happened" and (KINDS[one["trigger"]], one["uid"]) == again
                for one in records
            )
            assert kinds(records, broken) & {"doubled", "wrong state"} or (
                maybe and spare > rows.count(again)
            )


@given(runs())
def test_what_nobody_sent_is_found(run):
    records, state = run
    for name, row in (
        ("inbox", ("x", "done")),
        ("effects", ("created", "x")),
        ("appointments", Appointment("x", "confirmed", 0, 1)),
    ):
        broken = dataclasses.replace(state, **{name: (*getattr(state, name), row)})
        assert kinds(records, broken) == {"ghost"}


@given(runs(), st.sampled_from(["status", "start", "end"]))
def test_a_wrong_final_state_is_found(run, field):
    records, state = run
    for position, one in enumerate(state.appointments):
        other = "scheduled" if field == "status" else getattr(one, field) + 1
        wrong = dataclasses.replace(one, **{field: other})
        broken = (*without(state.appointments, position), wrong)
        assert kinds(records, dataclasses.replace(state, appointments=broken)) == {"wrong state"}


@given(runs(), st.sampled_from(["waiting", "processing", "dead"]))
@settings(max_examples=50)
def test_what_is_not_over_is_found(run, state_of_row):
    records, state = run
    for position, (key, _) in enumerate(state.inbox):
        rows = (*without(state.inbox, position), (key, state_of_row))
        assert kinds(records, dataclasses.replace(state, inbox=rows)) == {"unfinished"}


ONE = Appointment("u", "confirmed", 0, 1)
MADE = happened(0, 0, "BOOKING_CREATED", "u", ONE)
WHOLE = State((("0-0", "done"),), (("created", "u"),), (ONE,))


def test_what_has_not_been_sent_may_not_be_there():
    assert kinds([MADE], WHOLE) == {"ghost", "wrong state"}
    assert check([MADE], State()) == []


def test_a_delivery_that_is_never_taken_is_found_unless_it_was_given_up():
    refused = [MADE, sent("0-0"), answered("0-0", 503, "5")]
    assert kinds(refused, State()) == {"not taken"}
    assert check([*refused, {"what": "given up", "digest": "0-0"}], State()) == []


@pytest.mark.parametrize("given", [(400, None), (401, None), (500, "5"), (503, None), (302, None)])
def test_an_answer_that_turns_a_good_delivery_away_is_found(given):
    records = [MADE, sent("0-0"), answered("0-0", *given), sent("0-0"), answered("0-0")]
    assert kinds(records, WHOLE) == {"answer"}


def test_a_history_is_read_as_it_was_told(tmp_path):
    written = history.History(tmp_path / "history.jsonl")
    written.tell("sent", digest="a")
    written.tell("answered", digest="a", status=202)
    written.tell("answered", digest="b", status=503)
    written.close()
    assert history.read(tmp_path / "history.jsonl") == written.records
    assert written.acknowledged == {"a"}
