"""What is tried again before it accuses, and what the tries amount to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcontract import repeats
from calcontract.errors import Blocked, Flaky, Inconclusive, NotVerified, Violation


def violated(reason="status-500"):
    return Violation("it was wrong", expected="right", reason=reason)


LATE = violated("too-late")
LOST = violated("no-answer-reset")
WRONG = violated()
UNTOLD = Inconclusive("nothing came", reason="no-answer-timeout")
DEAD = violated("receiver-died")
MET_DEAD = NotVerified("it was dead before", reason="receiver-died")
THROTTLED = Inconclusive("429", reason="throttled")


def judged(*ends, tags=(), proven=()):
    """How a check ends whose tries come to *ends*, and how many tries it was given."""
    left = list(ends)
    first = left.pop(0)
    end = repeats.judge(first, lambda: left.pop(0), tags=tags, proven=proven)
    return end, len(ends) - len(left)


@pytest.mark.parametrize("first", [None, WRONG, THROTTLED, Blocked("twin", reason="twin")])
def test_what_is_no_accident_is_tried_once(first):
    assert judged(first, None) == (first, 1)


def test_a_receiver_that_is_left_dead_is_not_tried_again():
    ends = [LOST, DEAD]
    end = repeats.judge(ends.pop(0), lambda: ends.pop(0), tags=(), revives=lambda: False)
    assert end is DEAD
    assert repeats.judge(DEAD, ends.pop, tags=(), revives=lambda: False) is DEAD


@pytest.mark.parametrize("accident", [LATE, LOST, DEAD])
def test_an_accident_that_happens_every_time_is_a_violation(accident):
    end, tried = judged(*[accident] * 9)
    assert (type(end), tried) == (Violation, repeats.CERTAIN)
    assert end.sentence == "it was wrong (in 3 of 3 tries)"
    assert (end.expected, end.reason) == (accident.expected, accident.reason)


@pytest.mark.parametrize("accident", [LATE, LOST, UNTOLD, DEAD])
def test_one_accident_among_several_tries_accuses_nobody(accident):
    assert judged(accident, None, None, None, None) == (None, repeats.TRIES)


def test_an_accident_that_comes_back_is_a_violation_at_times():
    end, tried = judged(LATE, None, None, LATE, None)
    assert (type(end), tried) == (Flaky, repeats.TRIES)
    assert "(in 2 of 5 tries)" in end.sentence


def test_what_cannot_be_told_every_time_is_not_told():
    assert judged(UNTOLD, UNTOLD, UNTOLD) == (UNTOLD, repeats.CERTAIN)


def test_a_try_that_met_a_dead_receiver_was_none():
    assert judged(MET_DEAD, None) == (None, 2)
    assert judged(MET_DEAD, WRONG) == (WRONG, 2)
    assert judged(MET_DEAD, MET_DEAD) == (MET_DEAD, 2)


def test_an_accident_that_could_not_be_tried_again_is_not_verified():
    assert judged(LOST, MET_DEAD) == (MET_DEAD, 2)
    assert type(judged(LOST, LOST, MET_DEAD)[0]) is Violation


def test_a_plain_violation_ends_the_tries():
    end, tried = judged(LATE, WRONG, None)
    assert (end.reason, tried) == (WRONG.reason, 2)


def test_a_reason_for_which_the_clause_is_accused_already_needs_no_more_proof():
    assert judged(LATE, None, proven={"too-late"}) == (LATE, 1)


@pytest.mark.parametrize("tags", [{"race"}, {"race", "needs-probe"}])
def test_a_race_is_tried_several_times_though_nothing_is_wrong(tags):
    assert judged(*[None] * 9, tags=tags) == (None, repeats.TRIES)


def test_a_race_that_is_lost_once_is_a_violation_at_times():
    end, tried = judged(None, None, None, WRONG, None, tags={"race"})
    assert (type(end), tried) == (Flaky, repeats.TRIES)
    assert "(in 1 of 5 tries)" in end.sentence


def test_a_race_that_is_lost_every_time_is_a_plain_violation():
    end, tried = judged(*[WRONG] * 9, tags={"race"})
    assert (type(end), tried) == (Violation, repeats.CERTAIN)


def test_a_crash_is_tried_again_when_it_did_harm_and_not_otherwise():
    assert judged(None, WRONG, tags={"needs-process"}) == (None, 1)
    end, tried = judged(WRONG, None, None, None, None, tags={"needs-process"})
    assert (type(end), tried) == (Flaky, repeats.TRIES)


def test_what_keeps_us_from_trying_again_is_not_held_against_the_receiver():
    assert judged(LATE, THROTTLED)[0] is THROTTLED
    end, _ = judged(None, WRONG, THROTTLED, tags={"race"})
    assert isinstance(end, Flaky)


ENDS = st.sampled_from([None, LATE, LOST, WRONG, UNTOLD, THROTTLED])
TAGS = st.sampled_from([(), ("race",), ("needs-process",), ("needs-probe",)])


@given(st.lists(ENDS, min_size=repeats.TRIES, max_size=repeats.TRIES), TAGS)
def test_tries_accuse_only_of_what_was_seen_and_excuse_only_accidents(ends, tags):
    end, tried = judged(*ends, tags=tags)
    seen = ends[:tried]
    violations = [one for one in seen if isinstance(one, Violation)]
    if isinstance(end, Violation):
        assert end.reason in {one.reason for one in violations}
    if isinstance(end, Flaky):
        assert 0 < len(violations) < tried
    if end is None:
        failed = [one for one in seen if one is not None]
        assert len(failed) <= 1
        assert all(repeats.may_be_an_accident(one.reason) for one in failed)
    if WRONG in seen:
        assert isinstance(end, Violation)
    assert 1 <= tried <= repeats.TRIES
