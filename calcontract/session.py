"""
One run of the contract inside pytest.

Looks at the target first, collects the record of every check, lets `verdicts` judge, and has the
reports written.  How a check is run is the business of `calcontract.checks`, which checks there are
that of `calcontract.selection`, what is shown of it all that of `calcontract.report`.
"""

from __future__ import annotations

import dataclasses
import secrets
import shlex
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

import pytest

from calcontract import catalogue, inquest, interrupts, settings, smoke
from calcontract.catalogue import Contract
from calcontract.checks import INTERRUPTED, Checks, record_in
from calcontract.errors import CalcontractError, Exit, SetupError, UsageError
from calcontract.known import KnownViolations
from calcontract.process import Process
from calcontract.recording import name_of, record_of
from calcontract.records import NOT_RUN, CheckRecord
from calcontract.report import document, junit, summary
from calcontract.report.folder import require_folder, unwritable
from calcontract.selection import CLAUSE
from calcontract.settings import Settings
from calcontract.target import Target
from calcontract.verdicts import Outcome

#: The steps of a check that pytest reports; a report of anything else tells of a lost process.
_STEPS = frozenset({"setup", "call", "teardown"})


class Session(Checks):
    """
    One run.

    Args:
        run_settings: what the run was told.
        contract: the clauses.
        target: the receiver.
    """

    def __init__(self, run_settings: Settings, contract: Contract, target: Target) -> None:
        super().__init__(run_settings, contract, target, seed=target.seed)
        self.known = KnownViolations.load(run_settings.known_violations, contract)
        #: The checks that are to be run, by their names, as they count if they are not.
        self.awaited: dict[str, CheckRecord] = {}
        #: Whether the run came to its end and was judged.
        self.concluded = False
        #: Why it did not, if that is somebody's mistake.
        self.error: CalcontractError | None = None
        #: The settings as they were given, if a receiver was started from them.
        self.named: Settings | None = None
        self._looked = False
        self._began = time.monotonic()

    @classmethod
    def of(cls, options: Mapping[str, Any], *, process: Process | None = None) -> Self:
        """
        A session that is told *options* on top of its other settings.

        Args:
            options: settings by name; those that are None were not given.
            process: the receiver's process, if it runs already and may be killed.

        Raises:
            UsageError: if the settings are wrong, or not allowed on this target.
            CatalogueError: if the contract cannot be read.
        """
        run_settings = settings.load(**options)
        run_settings.permit()
        run_settings.require_its_profile()
        seed = run_settings.seed if run_settings.seed is not None else secrets.randbelow(10**6)
        session = cls(
            run_settings, catalogue.load(), Target(run_settings, seed=seed, process=process)
        )
        if run_settings.report:
            require_folder(run_settings.report)
        return session

    def know(self, named: Settings) -> None:
        """
        Know the settings as they were given, before a receiver was started from them.

        They are what is to be repeated, and by them other processes start receivers of their own.
        """
        self.named = named
        self.run.words = named.words()

    def chosen(self, *marks: str, words: str = "") -> str:
        """
        The marker expression for what any of *marks* selects, which the verdict is then of.

        Args:
            marks: expressions over clauses, chapters and levels, some of them empty.
            words: pytest's expression over the words of titles, if there is one.

        Raises:
            UsageError: if one of *marks* selects nothing there is.
        """
        selected = self.contract.selection(*marks)
        given = (("-m", selected), ("-k", words))
        self.run.selection = " ".join(f"{option} {shlex.quote(it)}" for option, it in given if it)
        return selected

    def stop(self, error: CalcontractError) -> NoReturn:
        """End pytest's run because of *error*, with its exit code."""
        self.error = error
        pytest.exit(str(error), returncode=int(error.exit_code))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep what this run is to run; a selection that holds nothing ends it."""
        selected = self.select(items)
        if not selected:
            self.stop(
                UsageError(
                    f"this selection holds no check of the profile {self.settings.profile!r}",
                    hint="list them with `calcontract clauses`",
                )
            )
        for clause in selected.clauses:
            self.run.clause(clause)
        for record in (*selected.outside, *selected.gaps):
            self.run.add(record)
        for item in selected.inside:
            self.awaited[name_of(item.nodeid)] = record_of(
                item,
                item.stash[CLAUSE],
                Outcome.NOT_VERIFIED,
                sentence="it was not run",
                reason=NOT_RUN,
                ran=False,
            )
        inside = set(selected.inside)
        config.hook.pytest_deselected(items=[item for item in items if item not in inside])
        items[:] = selected.inside

    def look(self) -> None:
        """Look, once and before the run, whether the target can be judged at all."""
        if self._looked:
            return
        self._looked = True
        try:
            with interrupts.open_to():
                self.run.certificate = self.target.examine_certificate()
                smoke.look(self.target)
            self.run.unknown_states = self.target.unknown_states
        except SetupError as error:
            self.run.setup_problem = error

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Run nothing against a target that cannot be judged."""
        if not session.config.option.collectonly:
            self.look()
            if self.run.setup_problem is not None:
                session.items[:] = []
        result = yield
        inquest.hold(self, session.items)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the records, also those of other processes."""
        record = record_in(report)
        name = name_of(report.nodeid)
        if record is not None and record.reason != INTERRUPTED:
            self.awaited.pop(name, None)
            self.run.add(record)
        elif report.when not in _STEPS and name in self.awaited:
            # Not a violation: what ended our process may be anything.
            self.run.add(
                dataclasses.replace(
                    self.awaited.pop(name),
                    outcome=Outcome.ERROR,
                    sentence="the process that ran it ended",
                    reason="process-lost",
                    ran=True,
                )
            )

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Know that somebody has asked to stop."""
        if excinfo.type is KeyboardInterrupt:
            interrupts.note()

    # --- the verdict -----------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Judge, write the reports, and let the exit code say it."""
        self.run.interrupted = interrupts.asked()
        if self.run.interrupted and not self.run.ran:
            session.exitstatus = Exit.INTERRUPTED
            return
        unstarted = exitstatus in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERRUPTED)
        if unstarted and not self.run.interrupted:
            session.exitstatus = Exit.USAGE
            return
        self.run.seconds = time.monotonic() - self._began
        self.run.deaths = tuple(self.target.life.vigil.deaths)
        self.run.uids = sorted(self.target.sent.uids)
        self.run.attempts = self.target.sent.attempts
        # What a whole run would have come to is not known.
        self.run.stale = () if self.run.interrupted else self.known.stale(self.run)
        if session.config.option.collectonly:
            return
        if self.run.setup_problem is None:
            # What was stopped, skipped or lost on the way is not verified.
            for record in self.awaited.values():
                self.run.add(record)
        self.run.conclude(self.known)
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            self.run.fail()
        self.concluded = True
        if self.settings.report:
            self._write(self.settings.report)
        session.exitstatus = self.run.exit_code

    def _write(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            document.write(folder / "verdicts.json", self.run, self.contract)
            junit.write(folder / "junit.xml", self.run, self.contract)
        except OSError as error:
            self.stop(unwritable(folder, error))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say the verdict below pytest's own summary; a run that came to nothing has none."""
        if interrupts.asked() and not self.concluded:
            return
        terminalreporter.section("contract")
        for line in summary.lines(self.run, self.contract):
            terminalreporter.line(line)
