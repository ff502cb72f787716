"""Runs the contract from the command line: pytest inside, our own output outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import calcontract
from calcontract.errors import CalcontractError, Exit
from calcontract.plugin import SESSION
from calcontract.report.terminal import Terminal
from calcontract.session import Session

_SUITE = Path(calcontract.__file__).parent / "suite"

#: Plugins of the environment that would only cost time or change the output.
_UNWANTED = ("schemathesis", "locust", "cacheprovider", "terminal", "faker", "xdist", "randomly")


class _Door:
    """Starts the session with the command line's options instead of pytest's."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self.session: Session | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """
        Start the session.

        Raises:
            CalcontractError: if it cannot be started.
        """
        self.session = Session.start(config, self._options)
        config.pluginmanager.register(self.session, SESSION)


def run(
    options: dict[str, Any], *, select: str | None, console: Console, verbose: bool = False
) -> Exit:
    """
    One run of the contract; prints what came of it.

    Args:
        options: settings on top of the environment and the configuration file.
        select: a pytest marker expression over clause ids, chapters and levels.
        console: where it is printed.
        verbose: whether every clause and every failure is printed in full.

    Raises:
        CalcontractError: if the run cannot start.
    """
    door = _Door(options)
    terminal = Terminal(console, verbose=verbose)
    arguments = [
        *(word for name in _UNWANTED for word in ("-p", f"no:{name}")),
        *("-c", str(_SUITE / "pytest.ini"), "--rootdir", str(_SUITE)),
        *(("-m", select) if select else ()),
        str(_SUITE / "test_scenarios.py"),
    ]
    status = pytest.main(arguments, plugins=[door, terminal])
    session = door.session
    if session is None or not session.concluded:
        if status is pytest.ExitCode.USAGE_ERROR:
            return Exit.USAGE
        if status is pytest.ExitCode.INTERRUPTED and not terminal.problems:
            raise CalcontractError("the run was interrupted", hint="start it again")
        for problem in terminal.problems:
            console.print(problem, highlight=False, markup=False)
        raise CalcontractError(
            "the suite could not be run", hint="report this with the lines above"
        )
    terminal.show(session.run, session.contract)
    return session.run.exit_code
