"""What is printed while a run goes on, and what of it when it is over."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from calcontract.errors import SetupError
from calcontract.known import KnownViolations
from calcontract.records import NOT_RUN
from calcontract.report import summary
from calcontract.report.terminal import Terminal
from calcontract.verdicts import Outcome
from calcontract.vigil import DIED, Check, Death
from tests.unit.calcontract.makers import CONTRACT, NOON, a_check, a_run


@pytest.fixture
def clock(monkeypatch):
    told = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        "calcontract.report.terminal.time", SimpleNamespace(monotonic=lambda: told.now)
    )
    return told


def a_terminal(*, moves, checks=3):
    terminal = Terminal(Console(file=io.StringIO(), force_terminal=moves))
    terminal.pytest_collection_finish(SimpleNamespace(items=[None] * checks))
    return terminal


def ended(terminal, outcome="passed", when="call"):
    terminal.pytest_runtest_logreport(SimpleNamespace(when=when, outcome=outcome))


def test_a_run_that_nobody_watches_says_now_and_then_how_far_it_is(clock, capsys):
    terminal = a_terminal(moves=False)
    ended(terminal)
    assert capsys.readouterr().err == ""
    clock.now = 21
    # Neither the end of its set-up nor what is to be run again is the end of a check.
    ended(terminal, when="setup")
    ended(terminal, "again")
    ended(terminal, "failed")
    ended(terminal)
    assert capsys.readouterr().err == "2 of 3 checks, 21 s\n"


def test_where_a_line_moves_none_is_written(clock, capsys):
    terminal = a_terminal(moves=True)
    clock.now = 100
    ended(terminal)
    terminal.pytest_sessionfinish()
    assert capsys.readouterr().err == ""


# --- when it is over ------------------------------------------------------------------------------


def of(run, *, verbose=False):
    """What is printed of *run*."""
    run.conclude(KnownViolations((), today=NOON.date()))
    screen = io.StringIO()
    Terminal(Console(file=screen), verbose=verbose).show(run, CONTRACT)
    return screen.getvalue()


def shown(*records, verbose=False, interrupted=False):
    """What is printed of a run in which *records* came about."""
    return of(a_run(*records, interrupted=interrupted), verbose=verbose)


def not_run(clause, **more):
    return a_check(clause, Outcome.NOT_VERIFIED, reason=NOT_RUN, ran=False, **more)


def listed(text):
    """The lines about clauses, by their ids: sign, level, and what stands beside."""
    rows = [line.split() for line in text.splitlines() if line.startswith("  ")]
    return {row[1]: (row[0], row[2], row[3]) for row in rows if len(row) > 3 and "-0" in row[1]}


def test_each_clause_is_a_line_below_its_chapter():
    text = shown(
        a_check("sig-001"),
        a_check("sig-001", Outcome.FAIL, "Another"),
        a_check("sig-002", Outcome.INCONCLUSIVE),
        a_check("idm-001", Outcome.OUTSIDE_SCOPE),
        a_check("tol-007"),
    )
    assert listed(text) == {
        "sig-001": ("✗", "MUST", "1/2"),
        "sig-002": ("?", "MUST", "0/1"),
        "idm-001": ("-", "MUST", "outside"),
        "tol-007": ("✓", "SHOULD", "1/1"),
    }
    # Chapters without a clause of this run are left out.
    heads = {f"{chapter.name}  {chapter.title}": chapter.name for chapter in CONTRACT.chapters}
    found = [heads[line] for line in text.splitlines() if line in heads]
    assert found == ["sig", "idm", "tol"]
    assert CONTRACT.clause("sig-001").text in text


def letters(text, clause):
    return sum(line.startswith(f"{clause}  ") for line in text.splitlines())


@pytest.mark.parametrize(
    ("records", "told", "more"),
    [
        ([a_check()], 0, ""),
        ([a_check(outcome=Outcome.NOT_APPLICABLE)], 0, ""),
        ([a_check(outcome=Outcome.OUTSIDE_SCOPE)], 0, ""),
        ([a_check(outcome=Outcome.INCONCLUSIVE, sentence="who knows")], 1, ""),
        # Of what only stays open one is enough, of what accuses two.
        (
            [a_check(outcome=Outcome.INCONCLUSIVE, title=f"{n}", sentence="x") for n in range(3)],
            *(1, "and 2 more checks of sig-001"),
        ),
        ([a_check(outcome=Outcome.FAIL, title=f"{n}") for n in range(2)], 2, ""),
        (
            [a_check(outcome=Outcome.FAIL, title=f"{n}") for n in range(3)],
            *(2, "and 1 more check of sig-001"),
        ),
        # One line says it of all of them.
        ([a_check(outcome=Outcome.NOT_VERIFIED, reason=DIED, sentence="dead")], 0, ""),
        ([a_check(outcome=Outcome.FAIL, reason=DIED, sentence="dead")], 1, ""),
    ],
)
def test_a_few_letters_are_printed_and_the_rest_is_counted(records, told, more):
    text = shown(*records)
    assert letters(text, "sig-001") == told
    assert (f" {more} " in text) if more else (" more check" not in text)
    assert " more check" not in shown(*records, verbose=True)


def test_who_accuses_is_told_of_before_who_leaves_open():
    text = shown(
        a_check(outcome=Outcome.INCONCLUSIVE, title="The open one", sentence="who knows"),
        a_check(outcome=Outcome.FAIL, title="The wrong one"),
    )
    assert letters(text, "sig-001") == 1
    assert "The wrong one" in text
    assert "The open one" not in text
    both = shown(
        a_check(outcome=Outcome.INCONCLUSIVE, title="The open one", sentence="who knows"),
        a_check(outcome=Outcome.FAIL, title="The wrong one"),
        verbose=True,
    )
    assert letters(both, "sig-001") == 2


def test_of_a_run_that_was_interrupted_what_was_not_begun_is_left_out():
    records = [
        a_check("sig-001"),
        not_run("sig-001", title="Another"),
        not_run("sig-002"),
        a_check("idm-001", Outcome.OUTSIDE_SCOPE),
    ]
    open_one = a_check("sig-003", Outcome.INCONCLUSIVE, sentence="who knows")
    text = shown(*records, open_one, interrupted=True)
    assert set(listed(text)) == {"sig-001", "idm-001", "sig-003"}
    assert [letters(text, clause) for clause in ("sig-001", "sig-003")] == [0, 1]
    text = shown(*records, open_one)
    assert set(listed(text)) == {"sig-001", "sig-002", "idm-001", "sig-003"}
    assert [letters(text, clause) for clause in ("sig-001", "sig-003")] == [1, 1]


def test_the_verdict_comes_last_and_as_it_is():
    run = a_run(a_check())
    # What a receiver has printed is no markup, and no line is cut at the width of a screen.
    run.deaths = [Death((Check("sig-001", "test_x"),), ("[/red] [bold]bye " + "x" * 200,))]
    text = of(run)
    lines = list(summary.lines(run, CONTRACT))
    assert text.splitlines()[-len(lines) :] == lines


def test_of_what_could_not_be_judged_no_clause_is_listed():
    run = a_run(a_check(), setup_problem=SetupError("it is a teapot", hint="use a kettle"))
    assert of(run).splitlines() == list(summary.lines(run, CONTRACT))
