"""What is printed while a run goes on."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from calcontract.report.terminal import Terminal


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
