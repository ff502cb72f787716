"""The search for what a receiver has died of, at the end of a run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from calcontract import inquest, interrupts
from calcontract.errors import Violation
from calcontract.recording import name_of
from calcontract.verdicts import Level, Outcome
from calcontract.vigil import DELAY, DIED, Check, Death, Vigil
from tests.unit.calcontract.makers import a_check, a_run


class Item:
    def __init__(self, clause, *keywords):
        self.clause, self.keywords = clause, keywords
        self.nodeid = f"suite/test_x.py::test_{clause}"


class Mortal:
    """A receiver that dies of the checks of some clauses, and a run over it."""

    def __init__(self, monkeypatch, *of, later=False):
        self.of, self.later = of, later
        #: The clauses of the checks that were run, by turn; and how long it was watched after each.
        self.turns, self.watched = [], []
        self.vigil, self.is_dying = Vigil(), False
        self.life = SimpleNamespace(
            vigil=self.vigil, can_begin_anew=True, is_over=lambda: False, linger=self._linger
        )
        target = SimpleNamespace(life=self.life, process=None, revive=lambda: None)
        self.checks = SimpleNamespace(target=target, run=None, lingers=False)
        monkeypatch.setattr(inquest, "_run", self._run)

    def _linger(self, seconds):
        self.watched.append(seconds)
        if self.is_dying:
            self.is_dying = False
            raise Violation("it is gone", expected="a receiver that goes on", reason=DIED)

    def _run(self, items):
        self.turns.append([item.clause for item in items])
        dies = any(item.clause in self.of for item in items)
        if self.later:
            self.is_dying = dies and not self.checks.lingers
        elif dies:
            self.vigil.died()
        outcome = {"outcome": Outcome.FAIL, "reason": DIED} if dies else {}
        return [a_check(item.clause, node=name_of(item.nodeid), **outcome) for item in items]

    def tried(self, *deaths):
        """Hold the inquest on *deaths*, each of them by its suspects: who is accused."""
        items = {item.nodeid: item for suspects in deaths for item in suspects}.values()
        self.checks.run = run = a_run(
            *(a_check(item.clause, node=name_of(item.nodeid)) for item in items)
        )
        self.vigil.deaths = [
            Death(tuple(Check(item.clause, name_of(item.nodeid)) for item in suspects))
            for suspects in deaths
        ]
        before = list(self.vigil.deaths)
        inquest.hold(self.checks, list(items))
        # What it dies of meanwhile it has died of before.
        assert run.deaths == self.vigil.deaths == before
        assert not self.checks.lingers
        assert all(len(records) == 1 for records in run.checks.values())
        return {clause for clause in run.checks if run.saw_it_die(clause)}


SEVEN = [Item(f"sig-00{number}") for number in range(1, 8)]


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("culprit", SEVEN, ids=lambda item: item.clause)
def test_of_many_suspects_the_one_that_it_dies_of_is_accused(monkeypatch, culprit, later):
    mortal = Mortal(monkeypatch, culprit.clause, later=later)
    assert mortal.tried(SEVEN) == {culprit.clause}
    # Half of them at a time, and the last one alone.
    assert len(mortal.turns) <= 4
    assert mortal.turns[-1] == [culprit.clause]


def test_a_suspect_of_another_run_is_passed_over(monkeypatch):
    mortal = Mortal(monkeypatch, SEVEN[1].clause)
    mortal.checks.run = run = a_run(clauses=[item.clause for item in SEVEN])
    mortal.vigil.deaths = [
        Death(tuple(Check(item.clause, name_of(item.nodeid)) for item in SEVEN[:2]))
    ]
    inquest.hold(mortal.checks, SEVEN[1:])
    assert run.saw_it_die(SEVEN[1].clause)
    assert mortal.turns == [[SEVEN[1].clause]]


def test_a_death_that_does_not_come_about_again_accuses_nobody(monkeypatch):
    assert Mortal(monkeypatch).tried(SEVEN) == set()


def test_what_calcom_never_sends_is_suspected_first(monkeypatch):
    ordinary, hostile = Item("sig-001"), Item("tol-008", Level.HARDENING.value)
    mortal = Mortal(monkeypatch, ordinary.clause, hostile.clause)
    assert mortal.tried([ordinary, hostile]) == {hostile.clause}
    mortal = Mortal(monkeypatch, *(item.clause for item in (*SEVEN, hostile)))
    mortal.tried(*([item] for item in SEVEN), [hostile])
    assert mortal.turns[0] == [hostile.clause]


def test_a_few_deaths_are_inquired_into_and_no_more(monkeypatch):
    mortal = Mortal(monkeypatch, *(item.clause for item in SEVEN))
    assert len(mortal.tried(*([item] for item in SEVEN))) == 3


def test_a_death_that_an_earlier_inquest_explains_needs_none(monkeypatch):
    one, other, third = SEVEN[:3]
    mortal = Mortal(monkeypatch, one.clause)
    assert mortal.tried([one, other], [third, one]) == {one.clause}
    assert mortal.turns.count([one.clause]) == 2
    assert [third.clause] not in mortal.turns


@pytest.mark.parametrize("reason", ["left dead", "interrupted", "nobody"])
def test_where_nothing_can_be_found_nothing_is_run(monkeypatch, reason):
    mortal = Mortal(monkeypatch, SEVEN[0].clause)
    mortal.life.can_begin_anew = reason != "left dead"
    monkeypatch.setattr(interrupts, "asked", lambda: reason == "interrupted")
    assert mortal.tried([] if reason == "nobody" else SEVEN[:2]) == set()
    assert mortal.turns == []


def test_a_search_that_is_interrupted_accuses_nobody(monkeypatch):
    mortal = Mortal(monkeypatch, SEVEN[0].clause)
    monkeypatch.setattr(interrupts, "asked", lambda: bool(mortal.turns))
    assert mortal.tried(SEVEN) == set()


def test_a_search_that_is_interrupted_loses_no_death(monkeypatch):
    mortal = Mortal(monkeypatch)

    def interrupted(*_):
        mortal.vigil.deaths.clear()
        raise KeyboardInterrupt

    monkeypatch.setattr(inquest, "_culprit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mortal.tried([SEVEN[0]])
    assert len(mortal.vigil.deaths) == 1


@pytest.mark.parametrize(
    ("checks", "process", "watched"),
    [(0, True, []), (1, True, [DELAY]), (20, True, [DELAY]), (21, True, []), (1, False, [])],
)
def test_the_end_of_a_few_checks_is_watched_where_it_can_be_started(
    monkeypatch, checks, process, watched
):
    mortal = Mortal(monkeypatch)
    mortal.checks.target.process = process or None
    mortal.checks.run = a_run()
    # To find it dead then is a death like any other.
    mortal.is_dying = True
    inquest.hold(mortal.checks, [SEVEN[0]] * checks)
    assert mortal.watched == watched
