"""Who was with a receiver when it died, and how a check ends that finds it dead."""

from __future__ import annotations

import pytest

from calcontract.errors import NotVerified, Violation
from calcontract.steps import floods, happenings, sending, transport
from calcontract.story import Story
from calcontract.vigil import DELAY, DIED, Check, Death, Vigil

ONE, OTHER, THIRD = (Check(f"sig-00{number}", f"test_{number}") for number in (1, 2, 3))


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def vigil(clock):
    return Vigil(clock)


def met(vigil, *checks):
    for check in checks:
        vigil.begins(check)
        vigil.heard()


def test_the_suspects_are_those_who_were_there_shortly_before(vigil, clock):
    met(vigil, ONE)
    clock.now += DELAY + 1
    met(vigil, OTHER, THIRD)
    vigil.died(["goodbye"])
    assert vigil.deaths == [Death((THIRD, OTHER), ("goodbye",))]


def test_who_was_there_last_is_suspected_however_long_ago(vigil, clock):
    met(vigil, ONE, OTHER)
    clock.now += 10 * DELAY
    vigil.died()
    assert vigil.deaths[0].suspects == (OTHER,)


def test_a_new_life_owes_nothing_to_those_before(vigil):
    met(vigil, ONE)
    vigil.died()
    vigil.lives_anew()
    assert vigil.is_met_dead
    met(vigil, OTHER)
    vigil.died()
    assert [death.suspects for death in vigil.deaths] == [(ONE,), (OTHER,)]


def test_a_clause_has_a_death_for_itself_or_shares_it(vigil):
    met(vigil, ONE, Check(ONE.clause, "another test"))
    vigil.died()
    assert not vigil.is_shared
    met(vigil, OTHER)
    vigil.died()
    assert vigil.is_shared


def test_a_death_is_known_by_its_last_words(vigil):
    one, same, other = (Death((), (words,)) for words in ("12:01 line 7", "12:02 line 9", "x"))
    assert one.voice == same.voice != other.voice


def test_deaths_travel_as_plain_values(vigil):
    met(vigil, ONE, OTHER)
    vigil.died(["goodbye"])
    deaths = list(vigil.deaths)
    there = Vigil()
    there.take_over(vigil.handed_over())
    assert there.deaths == deaths
    assert vigil.deaths == []


# --- checks ---------------------------------------------------------------------------------------


@pytest.fixture
def target(receiver):
    return receiver.target()


def check_of(target, check):
    target.life.vigil.begins(check)
    story = Story(target)
    happenings._a_delivery(story, "BOOKING_CREATED")
    return story


def its_end(act):
    with pytest.raises((Violation, NotVerified)) as caught:
        act()
    assert caught.value.reason == DIED
    return type(caught.value)


def test_a_check_under_which_it_dies_is_accused(target, receiver):
    story = check_of(target, ONE)
    story.send(story.it)
    receiver.close()
    assert its_end(lambda: story.send(story.it)) is Violation


def test_a_check_after_another_one_is_not_accused_where_nobody_can_tell(target, receiver):
    before = check_of(target, ONE)
    before.send(before.it)
    story = check_of(target, OTHER)
    story.send(story.it)
    receiver.close()
    assert its_end(lambda: story.send(story.it)) is NotVerified
    assert target.life.vigil.deaths[0].clauses == (OTHER.clause, ONE.clause)


WAYS = {
    "one": lambda story: sending._in_order(story, "created"),
    "others": lambda story: sending._others(story, 2),
    "at once": lambda story: sending._at_once(story, "it", 3),
    "going away": lambda story: sending._goes_away(story, "it"),
    "broken off": lambda story: transport._breaks(story, "after its headers"),
    "in a flood": lambda story: floods._flood(story, 2),
    "once each": floods._once_each,
    "twin": lambda story: (
        (setattr(story.it, "denied", True), story.sent.append(story.it)) and story.control()
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_known", [False, True])
def test_whatever_meets_it_dead_accuses_nobody(way, is_known, target, receiver):
    before = check_of(target, ONE)
    before.send(before.it)
    receiver.close()
    if is_known:
        its_end(lambda: check_of(target, THIRD).attempt(before.it.delivery))
    story = check_of(target, OTHER)
    story.items["created"] = story.it
    assert its_end(lambda: WAYS[way](story)) is NotVerified
    assert len(target.life.vigil.deaths) == 1
