"""Runs the contract from the command line: pytest inside, our own output outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import calcontract
from calcontract.errors import CalcontractError, Exit
from calcontract.plugin import SESSION
from calcontract.process import Process
from calcontract.report.terminal import Terminal
from calcontract.session import Session

_SUITE = Path(calcontract.__file__).parent / "suite"

#: Plugins of the environment that would only cost time or change the output.
_UNWANTED = ("schemathesis", "locust", "cacheprovider", "terminal", "faker", "xdist", "randomly")


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


def run(
    options: dict[str, Any],
    *,
    select: str | None,
    console: Console,
    verbose: bool = False,
    process: Process | None = None,
) -> Exit:
    """
    One run of the contract; prints what came of it.

    Args:
        options: settings on top of the environment and the configuration file.
        select: a pytest marker expression over clause ids, chapters and levels.
        console: where it is printed.
        verbose: whether every clause and every failure is printed in full.
        process: the receiver's process, if it runs already and may be killed.

    Raises:
        CalcontractError: if the run cannot start.
    """
    session = Session.of(options, select=select or "", process=process)
    terminal = Terminal(console, verbose=verbose)
    arguments = [
        *(word for name in _UNWANTED for word in ("-p", f"no:{name}")),
        *("-c", str(_SUITE / "pytest.ini"), "--rootdir", str(_SUITE)),
        *(("-m", select) if select else ()),
        str(_SUITE / "test_scenarios.py"),
    ]
    status = pytest.main(arguments, plugins=[_Door(session), terminal])
    if session.error is not None:
        raise session.error
    if not session.concluded:
        if status is pytest.ExitCode.USAGE_ERROR:
            # The words of the selection are known: its grammar is what pytest has complained of.
            return Exit.USAGE
        if status is pytest.ExitCode.INTERRUPTED and not terminal.problems:
            raise KeyboardInterrupt
        for problem in terminal.problems:
            console.print(problem, highlight=False, markup=False)
        raise CalcontractError(
            "the suite could not be run", hint="report this with the lines above"
        )
    terminal.show(session.run, session.contract)
    return session.run.exit_code
