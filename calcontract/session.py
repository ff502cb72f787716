"""
One run of the contract inside pytest.

Decides which checks are in scope and in which order they run, hands out stories, turns what
happened to each check into a `CheckRecord`, and lets `verdicts` judge.  What is shown of it is the
business of `calcontract.report`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

from calcontract import catalogue, settings, smoke, steps
from calcontract.catalogue import Clause, Contract
from calcontract.errors import (
    Blocked,
    CalcontractError,
    CheckStop,
    Exit,
    Inconclusive,
    NotApplicable,
    NotVerified,
    SetupError,
    UsageError,
    Violation,
)
from calcontract.known import KnownViolations
from calcontract.process import Process
from calcontract.records import SECRET, CheckRecord, Exchange, RunRecord, exchange_of
from calcontract.report import document, junit, letters
from calcontract.settings import Settings
from calcontract.story import Story
from calcontract.target import Target
from calcontract.verdicts import Level, Outcome

_CLAUSE = pytest.StashKey[Clause]()
_STORY = pytest.StashKey[Story]()

#: Under this name a check's record travels with pytest's report.
_PROPERTY = "calcontract"

#: The outcome of each way for a check to end.
_OUTCOMES: Mapping[type[Exception], Outcome] = {
    Violation: Outcome.FAIL,
    Blocked: Outcome.BLOCKED,
    Inconclusive: Outcome.INCONCLUSIVE,
    NotApplicable: Outcome.NOT_APPLICABLE,
    NotVerified: Outcome.NOT_VERIFIED,
    SetupError: Outcome.NOT_VERIFIED,
}


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the report cannot be written to {str(folder)!r} ({error.strerror})",
        hint="name a folder that you may write to with --report",
    )


class Session:
    """
    One run.

    Args:
        run_settings: what the run was told.
        contract: the clauses.
        target: the receiver.
    """

    def __init__(self, run_settings: Settings, contract: Contract, target: Target) -> None:
        self.settings = run_settings
        self.contract = contract
        self.target = target
        self.known = KnownViolations.load(run_settings.known_violations, contract)
        self.run = RunRecord(
            target=target.url,
            profile=run_settings.profile,
            scope=target.scope,
            capabilities=tuple(sorted(target.capabilities)),
            seed=target.seed,
            started=dt.datetime.now(dt.UTC),
            strict=run_settings.strict,
            hardened=run_settings.hardened,
            handled=run_settings.handled,
            words=run_settings.words(),
        )
        #: The checks that are to be run, by pytest's name, as they count if they are not.
        self._awaited: dict[str, CheckRecord] = {}
        #: Whether the run was judged.
        self.concluded = False
        #: Whether somebody has asked to stop: the run ends after the check under way, unjudged.
        self.interrupted = False
        #: Why it did not, if that is a mistake.
        self.error: CalcontractError | None = None
        self._began = time.monotonic()

    @classmethod
    def of(
        cls, options: Mapping[str, Any], *, select: str = "", process: Process | None = None
    ) -> Session:
        """
        A session that is told *options* on top of its other settings.

        Args:
            options: settings by name; those that are None were not given.
            select: pytest's marker expression, if there is one.
            process: the receiver's process, if it runs already and may be killed.

        Raises:
            UsageError: if the settings or the selection are wrong, or not allowed on this target.
            CatalogueError: if the contract cannot be read.
        """
        run_settings = settings.load(**options)
        run_settings.permit()
        run_settings.require_its_profile()
        seed = run_settings.seed if run_settings.seed is not None else secrets.randbelow(10**6)
        contract = catalogue.load()
        contract.require(select)
        session = cls(run_settings, contract, Target(run_settings, seed=seed, process=process))
        session.require_folder()
        return session

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let pytest know the words of the contract and the steps behind its sentences."""
        for name, meaning in self.contract.markers():
            config.addinivalue_line("markers", f"{name}: {meaning}")
        for module in steps.MODULES:
            config.pluginmanager.register(importlib.import_module(module), module)

    def stop(self, error: CalcontractError) -> NoReturn:
        """End pytest's run because of *error*, with its exit code."""
        self.error = error
        pytest.exit(str(error), returncode=int(error.exit_code))

    # --- which checks, in which order ------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """
        Keep what belongs to the profile, set aside what is outside the scope, shuffle the rest.

        A selection that holds nothing ends the run.
        """
        chosen = [item for item in items if self._belongs(item)]
        if not chosen:
            self.stop(
                UsageError(
                    f"this selection holds no check of the profile {self.settings.profile!r}",
                    hint="list them with `calcontract clauses`",
                )
            )
        # What was chosen decides which clauses the verdict speaks of, scope or not.
        inside, outside = [], []
        for item in chosen:
            missing = self._missing(item)
            self.run.clause(item.stash[_CLAUSE])
            if missing:
                outside.append(item)
                self.run.add(self._record(item, Outcome.OUTSIDE_SCOPE, sentence=missing))
            else:
                inside.append(item)
                self._awaited[item.nodeid] = self._record(
                    item, Outcome.NOT_VERIFIED, sentence="it was not run", reason="not-run"
                )
        self._admit_gaps(chosen)
        random.Random(self.target.seed).shuffle(inside)  # noqa: S311 - an order, no secret
        inside.sort(key=lambda item: "last" in item.keywords)
        gone = [item for item in items if item not in set(inside)]
        config.hook.pytest_deselected(items=gone)
        items[:] = inside

    def _admit_gaps(self, chosen: Sequence[pytest.Item]) -> None:
        """Let a clause of which only some checks were selected be no verified one."""
        counts = Counter(item.stash[_CLAUSE].id for item in chosen)
        for clause_id, count in counts.items():
            whole = sum(check.rows for check in self.contract.clause(clause_id).checks)
            if count < whole:
                self.run.add(
                    CheckRecord(
                        clause=clause_id,
                        title="The other checks of the clause are left out",
                        outcome=Outcome.NOT_VERIFIED,
                        sentence=f"{count} of its {whole} checks were selected",
                        reason="partial-selection",
                    )
                )

    def _belongs(self, item: pytest.Item) -> bool:
        clauses = [clause for clause in self.contract.clauses() if clause.id in item.keywords]
        if not clauses:
            return False
        item.stash[_CLAUSE] = clauses[0]
        return self.settings.profile in clauses[0].profiles

    def _missing(self, item: pytest.Item) -> str:
        """What the target lacks for this check, in words; empty if it lacks nothing."""
        lacking = [
            name
            for name in catalogue.CAPABILITIES
            if f"needs-{name}" in item.keywords and name not in self.target.capabilities
        ]
        if lacking:
            return f"needs the capability {' and '.join(lacking)}"
        if "disruptive" in item.keywords and not (
            self.settings.is_local or self.settings.disruptive
        ):
            return "disturbs the target; allow it with CALCONTRACT_DISRUPTIVE=1"
        return ""

    # --- running ---------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Look before the run whether the target can be judged at all."""
        if not session.config.option.collectonly:
            try:
                smoke.look(self.target)
            except SetupError as error:
                self.run.setup_problem = error
                session.items[:] = []
        return (yield)

    @contextlib.contextmanager
    def story(self, item: pytest.Item) -> Iterator[Story]:
        """A story for the check *item*."""
        about_effects = "needs-probe" in item.keywords
        item.stash[_STORY] = story = Story(self.target, about_effects=about_effects)
        try:
            yield story
        finally:
            # What does not work any more was told of by the check itself.
            with contextlib.suppress(CalcontractError, CheckStop):
                story.let_go()
            # A check that ended between the kill and the start must not spoil those after it.
            self.target.revive()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """After a check whose negatives all held, let the lawful twins go through."""
        result = yield
        if _STORY in item.stash:
            item.stash[_STORY].control()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn the end of a check into a record that travels with the report."""
        report = yield
        error = call.excinfo.value if call.excinfo else None
        if call.when != "call" and error is None:
            return report
        if not isinstance(error, Exception | None):
            return report
        record = self._judged(item, error, call.duration)
        report.user_properties.append((_PROPERTY, record))
        if record.outcome not in {Outcome.PASS, Outcome.ERROR}:
            report.longrepr = letters.letter(record, item.stash[_CLAUSE], self.run)
        self._soften(report, record, item.stash[_CLAUSE])
        return report

    def _soften(self, report: pytest.TestReport, record: CheckRecord, clause: Clause) -> None:
        """Show a deviation that is not fatal, and what does not apply, as an expected failure."""
        fatal = (
            clause.level is Level.MUST
            or (self.settings.strict and clause.level is Level.SHOULD)
            or (self.settings.hardened and clause.level is Level.HARDENING)
        )
        if record.outcome is Outcome.FAIL and not fatal:
            report.outcome = "skipped"
            report.wasxfail = f"deviation from a {clause.level.upper()}: {record.sentence}"
        if record.outcome is Outcome.NOT_APPLICABLE:
            report.outcome, report.wasxfail = "skipped", f"not applicable: {record.sentence}"

    def _judged(self, item: pytest.Item, error: Exception | None, seconds: float) -> CheckRecord:
        outcome = Outcome.PASS
        if error is not None:
            outcome = next(
                (found for kind, found in _OUTCOMES.items() if isinstance(error, kind)),
                Outcome.ERROR,
            )
        stop = error if isinstance(error, CheckStop) else None
        story = item.stash.get(_STORY, None)
        return self._record(
            item,
            outcome,
            sentence=stop.sentence if stop else self._safe(error),
            expected=stop.expected if isinstance(stop, Violation) else "",
            reason=stop.reason if stop else (type(error).__name__ if error else ""),
            seconds=seconds,
            exchange=self._exchange(story) if story and error else None,
        )

    def _safe(self, error: Exception | None) -> str:
        """What a fault of ours says of itself, which may be anything, without the secret."""
        return str(error or "").replace(self.target.secret, SECRET)

    def _exchange(self, story: Story) -> Exchange | None:
        if not story.attempts:
            return None
        last = story.attempts[-1]
        return exchange_of(
            last, self.target.secret, lawful=story.bodies(), method=story.method_of(last)
        )

    def _record(
        self, item: pytest.Item, outcome: Outcome, *, sentence: str = "", **more: Any
    ) -> CheckRecord:
        function = cast("Any", item).function
        template = scenario_wrapper_template_registry[function]
        callspec = getattr(item, "callspec", None)
        example = callspec.params["_pytest_bdd_example"] if callspec else {}
        return CheckRecord(
            clause=item.stash[_CLAUSE].id,
            title=template.render(example).name,
            outcome=outcome,
            sentence=sentence,
            node=item.nodeid.partition("::")[2],
            **more,
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the records, also those of other processes."""
        for name, value in report.user_properties:
            if name == _PROPERTY:
                self._awaited.pop(report.nodeid, None)
                self.run.add(cast("CheckRecord", value))

    # --- the verdict -----------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Judge, write the reports, and let the exit code say it."""
        if self.interrupted:
            return
        if exitstatus in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERRUPTED):
            session.exitstatus = Exit.USAGE
            return
        self.run.seconds = time.monotonic() - self._began
        self.run.uids = sorted(self.target.sent.uids)
        self.run.attempts = self.target.sent.attempts
        self.run.stale = self.known.stale(self.run)
        if session.config.option.collectonly:
            return
        if self.run.setup_problem is None:
            # What was stopped, skipped or lost on the way is not verified.
            for record in self._awaited.values():
                self.run.add(record)
        self.run.conclude(self.known)
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            self.run.exit_code = Exit.SUITE_FAILED
        self.concluded = True
        if self.settings.report:
            self._write(self.settings.report)
        session.exitstatus = self.run.exit_code

    def require_folder(self) -> None:
        """
        Make sure before the run that its reports can be written after it.

        Raises:
            UsageError: if they cannot.
        """
        folder = self.settings.report
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise _unwritable(folder, error) from None

    def _write(self, folder: Path) -> None:
        try:
            document.write(folder / "verdicts.json", self.run, self.contract)
            junit.write(folder / "junit.xml", self.run, self.contract)
        except OSError as error:
            self.stop(_unwritable(folder, error))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say the verdict below pytest's own summary."""
        terminalreporter.section("contract")
        for line in letters.summary(self.run, self.contract):
            terminalreporter.line(line)
