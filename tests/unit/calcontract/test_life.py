"""Whether a receiver lives, and how a check ends that finds it dead, whoever has started it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from calcontract import life as lives
from calcontract.errors import CapabilityError, NotVerified, Violation
from calcontract.life import LIVES, Life
from calcontract.vigil import DIED, Check, Death
from tests.unit.calcontract.makers import SECRET, URL, an_attempt

ONE, OTHER = Check("sig-001", "test_1"), Check("sig-002", "test_2")
TAKEN, NO_CONNECTION = an_attempt(), an_attempt(None, problem="connection")
RESET, TIMEOUT = an_attempt(None, problem="reset"), an_attempt(None, problem="timeout")


class Receiver:
    """Listens until it is told otherwise; it may be one whose process we have started."""

    def __init__(self, monkeypatch, *, ours):
        self.is_ours, self.listens = ours, True
        self.printed = []
        self.process = SimpleNamespace(
            has_died=False,
            is_as_usual=True,
            is_ended=False,
            ending="ended by itself with 7",
            last_words=lambda count: self.printed[-count:],
        )
        monkeypatch.setattr(lives, "listens", lambda _: self.listens)
        monkeypatch.setattr(lives, "_ACCIDENT", 0)
        self.life = Life(URL, SECRET, self.process if ours else None)
        self.vigil = self.life.vigil
        self.meets(ONE)

    def meets(self, check):
        self.vigil.begins(check)
        self.vigil.heard()

    def dies(self):
        self.listens = self.process.is_as_usual = False
        self.process.has_died = True

    def finds(self, act, *arguments):
        """How a check ends that does this."""
        try:
            act(*arguments)
        except (Violation, NotVerified) as stop:
            return type(stop) if stop.reason == DIED else stop
        return None


@pytest.fixture
def ours(monkeypatch):
    return Receiver(monkeypatch, ours=True)


@pytest.fixture
def theirs(monkeypatch):
    return Receiver(monkeypatch, ours=False)


@pytest.fixture(params=[True, False], ids=["ours", "theirs"])
def either(request, monkeypatch):
    return Receiver(monkeypatch, ours=request.param)


def inside(life, problem):
    with life.required_inside():
        raise problem


def test_one_that_listens_goes_on_whatever_became_of_an_attempt(either):
    for attempt in (TAKEN, NO_CONNECTION, RESET, TIMEOUT):
        assert either.finds(either.life.look, [attempt]) is None
    assert either.finds(either.life.linger, 0) is None
    assert either.finds(either.life.require) is None
    assert either.finds(either.life.require_unharmed) is None
    assert not either.life.is_over()
    assert either.vigil.deaths == []


def test_a_connection_that_fails_since_it_died_accuses_the_check(either):
    either.dies()
    assert either.finds(either.life.look, [TAKEN, NO_CONNECTION]) is Violation
    # The check may ask again, and ends as it has.
    assert either.finds(either.life.require) is Violation
    assert either.life.is_over()
    assert len(either.vigil.deaths) == 1
    # Whoever comes after it has not killed it.
    either.vigil.begins(OTHER)
    assert either.finds(either.life.require) is NotVerified
    assert len(either.vigil.deaths) == 1


def test_whoever_watches_it_die_is_accused(either):
    either.dies()
    assert either.finds(either.life.linger, 0) is Violation


def test_a_reset_is_a_death_of_ours_and_the_checks_own_matter(either):
    either.dies()
    assert either.finds(either.life.look, [RESET]) is None
    assert len(either.vigil.deaths) == either.is_ours


def test_a_probe_that_fails_is_its_own_trouble_unless_the_receiver_is_dead(either):
    problem = CapabilityError("the probe answers 500")
    with pytest.raises(CapabilityError):
        inside(either.life, problem)
    either.dies()
    assert either.finds(inside, either.life, problem) is Violation


def test_what_was_ended_by_us_has_not_died(ours):
    ours.dies()
    ours.process.has_died, ours.process.is_ended = False, True
    assert ours.finds(ours.life.look, [NO_CONNECTION]) is None
    assert ours.finds(ours.life.linger, 0) is None
    assert ours.vigil.deaths == []


def test_a_process_that_ended_by_itself_was_not_killed_by_us(ours):
    ours.dies()
    assert ours.finds(ours.life.require_unharmed) is Violation
    assert len(ours.vigil.deaths) == 1


def test_an_end_that_no_check_met_is_one_death_however_often_it_is_seen(ours):
    ours.dies()
    for _ in range(3):
        assert ours.life.is_over()
    assert ours.finds(ours.life.linger, 0) is Violation
    assert len(ours.vigil.deaths) == 1
    ours.listens, ours.process.has_died, ours.process.is_as_usual = True, False, True
    ours.life.begins_anew()
    assert not ours.life.is_over()
    ours.dies()
    assert ours.life.is_over()
    assert len(ours.vigil.deaths) == 2


def test_a_process_that_does_not_run_as_usual_is_over_and_not_dead(ours):
    ours.process.is_as_usual = False
    assert ours.life.is_over()
    assert ours.vigil.deaths == []


@pytest.mark.parametrize("shared", [False, True])
def test_of_several_clauses_one_is_accused_only_where_the_check_can_be_repeated(either, shared):
    either.meets(OTHER if shared else Check(ONE.clause, "another test"))
    either.dies()
    nobody_can_tell = shared and not either.is_ours
    assert either.finds(either.life.linger, 0) is (NotVerified if nobody_can_tell else Violation)


def test_whoever_meets_it_dead_is_told_so(either):
    either.dies()
    either.vigil.begins(OTHER)
    with pytest.raises(NotVerified, match="it was dead before this check"):
        either.life.look([NO_CONNECTION])


def test_a_new_life_is_judged_anew(ours):
    ours.dies()
    assert ours.finds(ours.life.linger, 0) is Violation
    ours.listens, ours.process.has_died, ours.process.is_as_usual = True, False, True
    ours.life.begins_anew()
    assert not ours.life.is_over()
    assert ours.finds(ours.life.require) is None
    # Nobody has been with this life yet.
    assert ours.vigil.is_met_dead


def test_one_that_somebody_else_has_started_is_not_started_again(theirs):
    assert not theirs.life.can_begin_anew


def test_it_is_started_again_a_dozen_times_and_not_for_ever(ours):
    assert ours.life.can_begin_anew
    ours.vigil.deaths = [Death(())] * (LIVES - 1)
    assert ours.life.can_begin_anew
    ours.vigil.deaths *= 2
    assert not ours.life.can_begin_anew
    ours.life.give_up()
    with pytest.raises(NotVerified, match=f"has died {2 * (LIVES - 1)} times, and was left dead"):
        ours.life.require()


def test_the_last_words_are_few_short_and_give_nothing_away(ours):
    ours.printed = [
        *(f"line {number}" for number in range(4)),
        f"dying with {SECRET}",
        "\x1b[2Jgone\u202e",
        "x" * 999,
    ]
    ours.dies()
    ours.life.note_end()
    (death,) = ours.vigil.deaths
    assert death.ending == "ended by itself with 7"
    assert len(death.words) == 6
    assert death.words[:3] == ("line 1", "line 2", "line 3")
    assert SECRET not in death.words[3]
    assert death.words[4] == r"\x1b[2Jgone\x202e"
    assert death.words[5] == "x" * 200
