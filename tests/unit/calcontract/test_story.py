"""The lawful twin stays lawful, whatever is done to the delivery beside it."""

from __future__ import annotations

import json

import pytest

from calcontract import recording
from calcontract.errors import (
    Blocked,
    CatalogueError,
    Inconclusive,
    NotApplicable,
    NotVerified,
    Violation,
)
from calcontract.steps import crashes, happenings, spoiling
from calcontract.stimuli import bodies, envelopes, signatures
from calcontract.story import Story
from mock_calcom.signature import HEADER
from tests.unit.calcontract.makers import SECRET, digest
from tests.unit.calcontract.stand import EMPTY, rightly_signed


@pytest.fixture
def story(receiver):
    return Story(receiver.target())


def booked(story):
    happenings._a_delivery(story, "BOOKING_CREATED")
    return story.it


def lawful(delivery):
    return rightly_signed(dict(delivery.headers), delivery.body)


# --- twins ----------------------------------------------------------------------------------------


def test_a_delivery_is_its_own_twin_until_it_is_spoiled(story):
    item = booked(story)
    assert item.delivery is item.lawful
    assert lawful(item.delivery)


@pytest.mark.parametrize("word", [w for w in signatures._VALUES if w not in signatures.LAWFUL])
def test_a_spoiled_signature_leaves_the_twin_alone(story, word):
    item = booked(story)
    twin = item.lawful
    spoiling._the_signature(story, word)
    assert item.lawful is twin
    assert lawful(item.lawful)
    assert item.delivery.header(HEADER) != twin.header(HEADER)
    assert item.delivery.body == twin.body


@pytest.mark.parametrize("word", sorted(signatures.LAWFUL))
def test_a_lawful_form_of_a_signature_is_its_own_twin(story, word):
    item = booked(story)
    spoiling._the_signature(story, word)
    assert item.lawful is item.delivery


@pytest.mark.parametrize("word", list(signatures._KEYS))
def test_another_key_leaves_the_twin_alone(story, word):
    item = booked(story)
    spoiling._signed_with(story, word)
    assert not lawful(item.delivery)
    assert lawful(item.lawful)


@pytest.mark.parametrize("word", list(bodies._SPELLINGS))
def test_a_spelling_is_lawful_in_both(story, word):
    item = booked(story)
    spoiling._spelled(story, word)
    assert item.lawful is item.delivery
    assert lawful(item.delivery)


@pytest.mark.parametrize("word", list(bodies._NONSENSE))
def test_nonsense_is_rightly_signed_and_leaves_the_twin_alone(story, word):
    item = booked(story)
    twin = item.lawful
    spoiling._nonsense(story, word)
    assert lawful(item.delivery)
    assert item.lawful is twin
    assert item.delivery.body != twin.body


@pytest.mark.parametrize("word", list(envelopes._ENVELOPES))
def test_a_fault_of_an_envelope_is_rightly_signed(story, word):
    item = booked(story)
    spoiling._envelope_has(story, word)
    assert lawful(item.delivery)
    assert lawful(item.lawful)
    assert (item.lawful is item.delivery) == (word == "no createdAt")


def test_a_body_changed_after_signing_keeps_the_old_signature(story):
    item = booked(story)
    spoiling._changed_after_signing(story, "the start moved by an hour")
    assert item.delivery.header(HEADER) == item.lawful.header(HEADER)
    assert not lawful(item.delivery)
    assert lawful(item.lawful)


def test_spoiling_after_respelling_keeps_the_spelling_in_both(story):
    item = booked(story)
    spoiling._long(story, 8)
    spoiling._the_signature(story, "64 random hex digits")
    assert len(item.delivery.body) == len(item.lawful.body) == 8 * 1024
    assert lawful(item.lawful)


def test_a_moved_signature_is_lawful_in_both(story):
    item = booked(story)
    spoiling._in_another_header(story, "Cal-Signature")
    assert item.delivery.header(HEADER) is item.lawful.header(HEADER) is None
    assert item.lawful.header("Cal-Signature") == digest(item.lawful.body, SECRET)


@pytest.mark.parametrize(("one", "two"), [("wrong", "right"), ("right", "wrong")])
def test_of_two_signatures_the_twin_has_the_first_one_right(story, one, two):
    item = booked(story)
    right = digest(item.delivery.body, SECRET)
    spoiling._two_signatures(story, one, HEADER, two, "Cal-Signature")
    assert item.lawful.header(HEADER) == right
    assert (item.delivery.header(HEADER) == right) == (one == "right")
    assert (item.delivery.header("Cal-Signature") == right) == (two == "right")


# --- the control ----------------------------------------------------------------------------------


def test_the_twin_of_a_refusal_has_to_go_through(story, receiver):
    item = booked(story)
    spoiling._the_signature(story, "absent")
    story.send(item)
    item.denied = True
    story.control()
    assert [rightly_signed(headers, body) for headers, body in receiver.received] == [False, True]


def test_a_refusal_proves_nothing_when_the_twin_is_refused_too(story, receiver):
    receiver.answer = lambda headers, body: 401
    item = booked(story)
    spoiling._the_signature(story, "absent")
    story.send(item)
    item.denied = True
    with pytest.raises(Blocked) as caught:
        story.control()
    assert caught.value.reason == "twin-not-acknowledged"
    # The letter is about the twin, not about the refusal.
    assert story.attempts[-1].delivery is item.lawful


def test_what_was_not_refused_needs_no_twin(story, receiver):
    story.send(booked(story))
    story.control()
    assert len(receiver.received) == 1


def test_every_attempt_of_a_check_is_kept(story):
    first, second = booked(story), booked(story)
    story.send(second)
    story.send(second)
    assert first is not second
    assert (len(story.sent), len(story.attempts), len(second.attempts)) == (1, 2, 2)
    assert second.last is story.attempts[-1]


def test_a_report_shows_the_attempt_that_a_violation_was_seen_at(story):
    forged = booked(story)
    forged.delivery = forged.delivery.with_header(HEADER, "0" * 64)
    story.send(forged)
    story.send(booked(story))
    seen = Violation("so", expected="other", reason="taken", attempt=forged.last)
    shown = recording.shown(story, seen, story.target.secret)
    assert shown.body == forged.delivery.body
    assert shown.spoiled
    last = recording.shown(story, None, story.target.secret)
    assert last.body == story.it.delivery.body
    assert not last.spoiled


def test_a_violation_is_seen_at_the_attempt_that_was_acknowledged(story, receiver):
    item = booked(story)
    taken = story.send(item)
    receiver.answer = lambda headers, body: 503
    story.send(item)
    story.send(booked(story))
    with pytest.raises(Violation) as caught, item.accused():
        raise Violation("it is gone", expected="it", reason="effect-missing")
    assert caught.value.attempt is taken


def test_a_violation_is_seen_at_the_last_attempt_where_none_was_acknowledged(story, receiver):
    receiver.answer = lambda headers, body: 503
    item = booked(story)
    story.send(item)
    last = story.send(item)
    with pytest.raises(Violation) as caught, item.accused():
        raise Violation("it is gone", expected="it", reason="effect-missing")
    assert caught.value.attempt is last


def test_a_violation_that_was_seen_elsewhere_or_at_nothing_stays_so(story):
    item = booked(story)
    with pytest.raises(Violation) as caught, item.accused():
        raise Violation("it is gone", expected="it", reason="effect-missing")
    assert caught.value.attempt is None
    elsewhere = story.send(item)
    story.send(item)
    with pytest.raises(Violation) as caught, item.accused():
        raise Violation("so", expected="other", reason="status-202", attempt=elsewhere)
    assert caught.value.attempt is elsewhere


def test_a_report_knows_whether_the_same_was_acknowledged_before(story, receiver):
    item = booked(story)
    answers = [503, 200, 409, 200]
    receiver.answer = lambda headers, body: answers.pop(0)
    for taken in (False, False, True):
        story.send(item)
        assert recording.shown(story, None, story.target.secret).taken is taken
    story.send(booked(story))
    assert not recording.shown(story, None, story.target.secret).taken


def test_the_method_of_an_attempt_is_known(story):
    item = booked(story)
    item.method = "PUT"
    assert story.method_of(story.send(item)) == "PUT"


def test_the_bodies_of_a_check_are_known(story):
    item = booked(story)
    before = item.lawful.body
    spoiling._changed_after_signing(story, "a key was added")
    assert {before, item.delivery.body} <= set(story.bodies())


# --- names and times ------------------------------------------------------------------------------


def test_it_is_what_was_told_of_last(story):
    happenings._a_life(story, "created, rescheduled, cancelled")
    assert story.it is story.named("it") is story.named("cancelled")
    assert story.named("created").trigger == "BOOKING_CREATED"


@pytest.mark.parametrize("use", [lambda s: s.it, lambda s: s.named("it"), lambda s: s.named("x")])
def test_what_was_not_told_of_is_a_mistake_of_the_contract(story, use):
    with pytest.raises(CatalogueError):
        use(story)


def test_what_was_not_sent_has_no_answer(story):
    with pytest.raises(CatalogueError, match="never sent"):
        _ = booked(story).last


def test_events_of_a_life_come_one_after_another_and_lie_in_the_past(story):
    happenings._a_life(story, "created, rescheduled, rescheduled again, cancelled")
    times = [json.loads(item.lawful.body)["createdAt"] for item in story.items.values()]
    assert times == sorted(set(times))
    assert len(times) == 4


def test_events_may_be_told_to_happen_at_once(story):
    happenings._a_life_at_once(story, "created, cancelled")
    assert len({json.loads(i.lawful.body)["createdAt"] for i in story.items.values()}) == 1


def test_uids_are_new_in_every_run_and_people_are_not(receiver):
    one, other = (booked(Story(receiver.target())) for _ in range(2))
    assert one.uid != other.uid
    assert one.booking.guests == other.booking.guests


# --- the target -----------------------------------------------------------------------------------


def test_a_throttled_delivery_is_sent_again(story, receiver):
    answers = [(429, {"Retry-After": "0"}), (429, {"Retry-After": "soon"}), 202]
    receiver.answer = lambda headers, body: answers.pop(0)
    assert story.send(booked(story)).acknowledged
    assert len(receiver.received) == 3


def test_a_target_that_only_throttles_allows_no_verdict(story, receiver):
    receiver.answer = lambda headers, body: (429, {"Retry-After": "0"})
    with pytest.raises(Inconclusive) as caught:
        story.send(booked(story))
    assert caught.value.reason == "throttled"


def test_a_receiver_that_dies_is_accused_once_and_not_asked_again(story, receiver):
    item = booked(story)
    receiver.close()
    with pytest.raises(Violation) as caught:
        story.send(item)
    assert caught.value.reason == "receiver-died"
    with pytest.raises(NotVerified):
        story.send(item)


@pytest.mark.parametrize("uids", [[], ["a booking"]])
def test_a_look_waits_until_the_receiver_has_come_to_rest(receiver, uids):
    # Of one booking as well: a probe without an inbox does not say which it is that is pending.
    pending = [2, 1, 0]
    target = receiver.target(capabilities=("probe",))

    class Busy:
        def look(self, *arguments):
            receiver.show(pending=pending.pop(0))
            return probe.look(*arguments)

    probe, target.probe = target.probe, Busy()
    assert target.look(uids).pending == 0
    assert pending == []


def test_a_receiver_that_never_rests_costs_less_patience_each_time(receiver):
    receiver.show(pending=1)
    target = receiver.target(capabilities=("probe",), patience=0.2)
    told = []
    for _ in range(3):
        with pytest.raises(Inconclusive) as caught:
            target.look()
        told.append(caught.value.sentence)
    assert [sentence.rpartition(" after ")[2] for sentence in told] == ["0.2 s", "0.1 s", "0.05 s"]
    receiver.show(pending=0)
    assert target.look().totals == EMPTY["totals"]


def test_what_is_stuck_elsewhere_holds_up_no_other_check(receiver):
    mine = {"id": "1", "trigger": "BOOKING_CREATED", "uid": "u", "state": "done", "tries": 1}
    target = receiver.target(capabilities=("probe",))
    receiver.show(pending=3, deliveries=[mine])
    assert target.look(["u"]).pending == 3
    # Of what was refused there is no delivery to show.
    receiver.show(pending=3)
    assert target.look(["refused"]).pending == 3


def test_without_a_probe_there_is_nothing_to_look_at(receiver):
    with pytest.raises(NotVerified):
        receiver.target().look()
    with pytest.raises(NotVerified):
        receiver.target().set_state("reset")


def test_what_needs_a_state_that_the_receiver_does_not_know_is_not_applicable(receiver):
    receiver.unknown_states = {"clock advances"}
    target = receiver.target(capabilities=("probe", "states"))
    target.set_state("reset")
    with pytest.raises(NotApplicable, match="'clock advances'") as caught:
        target.advance(60)
    assert caught.value.reason == "state-unknown"


def test_a_check_goes_on_with_what_cannot_be_paused_until_it_is_to_resume(receiver):
    receiver.unknown_states = {"worker pauses"}
    story = Story(receiver.target(capabilities=("probe", "states")))
    crashes._pauses(story)
    assert not story.paused
    with pytest.raises(NotApplicable, match="'worker pauses'"):
        crashes._resumes(story)


def test_what_was_sent_is_remembered_for_its_operator(story):
    item = booked(story)
    story.send(item)
    assert story.target.sent.uids == {item.uid}
    assert story.target.sent.attempts == 1
