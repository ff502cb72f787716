"""Runs the contract from the command line: pytest inside, our own output outside."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import calcontract
from calcontract import interrupts
from calcontract.errors import CalcontractError, Exit
from calcontract.plugin import SESSION
from calcontract.process import Process
from calcontract.report.terminal import Terminal
from calcontract.session import Session
from calcontract.settings import Settings
from calcontract.spreading import Spread

#: With a receiver for each of more processes than this, starting them costs more than it saves.
_MANY = 4

_SUITE = Path(calcontract.__file__).parent / "suite"

#: Plugins of the environment that would only cost time or change the output.
_UNWANTED = (
    *("schemathesis", "locust", "hypothesispytest", "faker", "anyio", "randomly"),
    *("cacheprovider", "terminal", "logging", "legacypath"),
)


class _Door:
    """
    Hands a session over to pytest, in place of pytest's own options.

    Args:
        session: what was prepared from the command line.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the session."""
        config.pluginmanager.register(self._session, SESSION)


def cores() -> int:
    """Number of processes that run checks side by side without waiting for each other."""
    return min(len(os.sched_getaffinity(0)), _MANY)


def _workers(jobs: int) -> Sequence[str]:
    """The arguments that let pytest run checks in *jobs* processes."""
    if jobs == 1:
        return ("-p", "no:xdist")
    # Workers find their way by the plugin, which is not installed in every checkout.
    # One that was lost is a fault of ours; another one in its place would hide it.
    kept = ("--max-worker-restart", "0")
    return ("-p", "calcontract.plugin", "-n", str(jobs), "--dist", "worksteal", *kept)


def _words(jobs: int, select: str) -> list[str]:
    """The arguments of pytest for a run in *jobs* processes of what *select* selects."""
    return [
        *_workers(jobs),
        *(word for name in _UNWANTED for word in ("-p", f"no:{name}")),
        # The suite's own modules hold no assertion that pytest would have to explain.
        "--assert=plain",
        *("-c", str(_SUITE / "pytest.ini"), "--rootdir", str(_SUITE)),
        *(("-m", select) if select else ()),
        str(_SUITE / "test_scenarios.py"),
    ]


def run(
    options: dict[str, Any],
    *,
    select: Sequence[str],
    console: Console,
    verbose: bool = False,
    process: Process | None = None,
    jobs: int = 1,
    named: Settings | None = None,
) -> Exit:
    """
    One run of the contract; prints what came of it.

    Args:
        options: settings on top of the environment and the configuration file.
        select: marker expressions over clause ids, chapters and levels; what any of them selects is
            run, and everything if there is none.
        console: where it is printed.
        verbose: whether every clause and every failure is printed in full.
        process: the receiver's process, if it runs already and may be killed.
        jobs: the number of processes that run checks.
        named: the settings as they were given, before a receiver was started from them: by them
            every process of the run may have one of its own.

    Raises:
        CalcontractError: if the run cannot start.
        KeyboardInterrupt: if it is interrupted before there is anything to tell of the receiver.
    """
    kind = Spread if jobs > 1 else Session
    session = kind.of(options, process=process)
    selected = session.chosen(*select)
    if named is not None:
        session.know(named)
    terminal = Terminal(console, verbose=verbose)
    with interrupts.heeded(), session.watched():
        # Not before: whatever was told wrongly has no run to be the heading of.
        version = metadata.version("calcontract")
        console.rule(f"calcontract {version}: profile {session.settings.profile}")
        if jobs > 1:
            # Before there are others: one process has looked, and all know.
            session.look()
        spread = jobs > 1 and session.run.setup_problem is None
        words = _words(jobs if spread else 1, selected)
        try:
            pytest.main(words, plugins=[_Door(session), terminal])
        except Exception:
            # Whatever was left half done by somebody who would not wait says nothing of the run.
            if not interrupts.insisted():
                raise
    if interrupts.asked() and not session.concluded:
        raise KeyboardInterrupt
    if session.error is not None:
        raise session.error
    if not session.concluded:
        for problem in terminal.problems:
            console.print(problem, highlight=False, markup=False)
        raise CalcontractError(
            "the suite could not be run", hint="report this with the lines above"
        )
    terminal.show(session.run, session.contract)
    return session.run.exit_code
