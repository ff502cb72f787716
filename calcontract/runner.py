"""Runs the contract from the command line: pytest inside, our own output outside."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from importlib import metadata
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
from calcontract.settings import Settings
from calcontract.spreading import Spread

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


@contextlib.contextmanager
def _stoppable(session: Session) -> Iterator[None]:
    """
    Let an interrupt end the run between two checks; the second one ends it at once.

    Raised in the middle of pytest's or a library's work, it leaves half-done things behind, and
    may be taken for a failure of the check.
    """

    def stop(_number: int, _frame: object) -> None:
        at_once = session.interrupted or (isinstance(session, Spread) and session.elsewhere)
        session.interrupted = True
        if at_once:
            # While others work, nothing of ours is half done.
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _workers(jobs: int) -> Sequence[str]:
    """The arguments that let pytest run checks in *jobs* processes."""
    if jobs == 1:
        return ("-p", "no:xdist")
    # Workers find their way by the plugin, which is not installed in every checkout.
    # One that was lost is a fault of ours; another one in its place would hide it.
    kept = ("--max-worker-restart", "0")
    return ("-p", "calcontract.plugin", "-n", str(jobs), "--dist", "worksteal", *kept)


def _words(jobs: int, select: str | None) -> list[str]:
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
    select: str | None,
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
        select: a pytest marker expression over clause ids, chapters and levels.
        console: where it is printed.
        verbose: whether every clause and every failure is printed in full.
        process: the receiver's process, if it runs already and may be killed.
        jobs: the number of processes that run checks.
        named: the settings as they were given, before a receiver was started from them: by them
            every process of the run may have one of its own.

    Raises:
        CalcontractError: if the run cannot start.
    """
    kind = Spread if jobs > 1 else Session
    session = kind.of(options, select=select or "", process=process)
    if named is not None:
        session.know(named)
    terminal = Terminal(console, verbose=verbose)
    status: int | None = None
    with _stoppable(session):
        # Not before: whatever was told wrongly has no run to be the heading of.
        version = metadata.version("calcontract")
        console.rule(f"calcontract {version}: profile {session.settings.profile}")
        if jobs > 1:
            # Before there are others: one process has looked, and all know.
            session.look()
        if not session.interrupted:
            spread = jobs > 1 and session.run.setup_problem is None
            words = _words(jobs if spread else 1, select)
            status = pytest.main(words, plugins=[_Door(session), terminal])
    if session.interrupted:
        raise KeyboardInterrupt
    if session.error is not None:
        raise session.error
    if not session.concluded:
        if status is pytest.ExitCode.USAGE_ERROR:
            # The words of the selection are known: its grammar is what pytest has complained of.
            return Exit.USAGE
        for problem in terminal.problems:
            console.print(problem, highlight=False, markup=False)
        raise CalcontractError(
            "the suite could not be run", hint="report this with the lines above"
        )
    terminal.show(session.run, session.contract)
    return session.run.exit_code
