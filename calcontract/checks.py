"""
The checks of one process, as they are run.

Hands each check its story, lets the lawful twins go through after it, and turns its end into a
record that travels with pytest's report.  Whoever collects the records is the run: `session`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from calcontract import interrupts, recording, repeats, selection, steps, waiting
from calcontract.catalogue import Clause, Contract
from calcontract.errors import CalcontractError, CheckStop, Flaky, NotVerified, Violation
from calcontract.items import starts_otherwise
from calcontract.records import CheckRecord, Exchange, RunRecord
from calcontract.report import letters
from calcontract.selection import CLAUSE, Selection
from calcontract.settings import Settings
from calcontract.story import Story
from calcontract.target import Target
from calcontract.verdicts import ACCUSING, Level, Outcome
from calcontract.vigil import DELAY, Check
from mock_calcom import terminal
from mock_calcom.secrecy import MASK

_STORY = pytest.StashKey[Story]()
#: What a report shows: an attempt of the last try that did not pass.
_SHOWN = pytest.StashKey[Exchange | None]()

#: The reason of a check that was cut short.
INTERRUPTED = "interrupted"

#: Under this name a check's record travels with pytest's report.
RECORD = "calcontract_record"


class Checks:
    """
    What every process does that runs checks.

    Args:
        run_settings: what the run was told.
        contract: the clauses.
        target: the receiver.
        seed: of the order of the checks.
    """

    def __init__(
        self, run_settings: Settings, contract: Contract, target: Target, *, seed: int
    ) -> None:
        self.settings = run_settings
        self.contract = contract
        self.target = target
        self.run = RunRecord.of(run_settings, capabilities=target.capabilities, seed=seed)
        self._watch: waiting.Watch | None = None
        #: Whether each check is watched for a moment longer: it may kill with a delay.
        self.lingers = False
        #: For which reasons each clause is accused already.
        self._proven: defaultdict[str, set[str]] = defaultdict(set)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Let whoever reads standard error, as it is now, know what takes long."""
        with terminal.told() as tell:
            self._watch = waiting.Watch(tell)
            with self._watch.kept():
                yield

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let pytest know the words of the contract and the steps behind its sentences."""
        for name, meaning in self.contract.markers():
            config.addinivalue_line("markers", f"{name}: {meaning}")
        for module in steps.MODULES:
            config.pluginmanager.register(importlib.import_module(module), module)

    def pytest_collection_finish(self) -> None:
        """Let the garbage collector leave alone what is there until the end of the run."""
        gc.freeze()

    def select(self, items: list[pytest.Item]) -> Selection:
        """What of *items* this run is to run."""
        return selection.of(
            items,
            self.contract,
            self.settings,
            capabilities=self.target.capabilities,
            seed=self.run.seed,
        )

    @contextlib.contextmanager
    def story(self, item: pytest.Item) -> Iterator[Story]:
        """A story for the check *item*."""
        about_effects = "needs-probe" in item.keywords
        item.stash[_STORY] = story = Story(self.target, about_effects=about_effects)
        try:
            with _cut_short():
                self._prepare(item)
            self.target.life.vigil.begins(
                Check(item.stash[CLAUSE].id, recording.name_of(item.nodeid))
            )
            yield story
        finally:
            _let_go(story)

    def _prepare(self, item: pytest.Item) -> None:
        """Let the receiver run as usual, unless *item* begins by starting it otherwise."""
        # A check before this one may have ended while the receiver was dead, or another.
        if not starts_otherwise(item):
            self.target.revive()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """
        After a check whose negatives all held, let the lawful twins go through.

        What may be an accident is tried again before it accuses; a race is tried several times.
        """
        clause = item.stash[CLAUSE].id
        watched = contextlib.nullcontext() if self._watch is None else self._watch.checking(clause)
        with watched, _cut_short():
            return (yield from self._tried(item))

    def _tried(self, item: pytest.Item) -> Generator[None, object, object]:
        result = None
        first: CheckStop | None = None
        try:
            result = yield
            self._control(item)
        except CheckStop as stop:
            self._remember(item, stop)
            first = stop

        def again() -> CheckStop | None:
            story = item.stash[_STORY]
            _let_go(story)
            self._prepare(item)
            story.begin()
            try:
                item.runtest()
                self._control(item)
            except CheckStop as stop:
                self._remember(item, stop)
                return stop
            return None

        end = self.conclude(item, first, again)
        if end is not None:
            raise end
        return result

    def _remember(self, item: pytest.Item, error: Exception) -> None:
        """Keep what a report shows of a try that ended with *error*."""
        if _STORY in item.stash:
            item.stash[_SHOWN] = recording.shown(item.stash[_STORY], error, self.target.secret)

    def _control(self, item: pytest.Item) -> None:
        # The first step asks for the story: before the call there is none.
        if _STORY in item.stash:
            item.stash[_STORY].control()
        if self.lingers:
            self.target.life.linger(DELAY)

    def conclude(
        self, item: pytest.Item, first: CheckStop | None, again: Callable[[], CheckStop | None]
    ) -> CheckStop | None:
        """How the check *item* ended for good, by its *first* try and by those made *again*."""
        proven = self._proven[item.stash[CLAUSE].id]
        end = repeats.judge(
            first,
            again,
            tags=item.keywords,
            proven=proven,
            revives=lambda: self.target.life.can_begin_anew,
        )
        if isinstance(end, Violation) and not isinstance(end, Flaky):
            proven.add(end.reason)
        return end

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn the end of a check into a record that travels with pytest's report."""
        report = yield
        error = call.excinfo.value if call.excinfo else None
        if call.when != "call" and error is None:
            return report
        if not isinstance(error, Exception | None):
            return report
        clause = item.stash[CLAUSE]
        if error is not None and _SHOWN not in item.stash:
            self._remember(item, error)
        record = recording.ended(
            item,
            clause,
            error,
            exchange=item.stash.get(_SHOWN, None),
            secret=self.target.secret,
            seconds=call.duration,
        )
        record = self.settled(record)
        setattr(report, RECORD, recording.packed(record))
        if record.outcome not in {Outcome.PASS, Outcome.ERROR}:
            report.longrepr = letters.letter(record, clause, self.run)
        elif report.longrepr is not None:
            report.longrepr = MASK.hidden(str(report.longrepr))
        self.show(report, record, clause)
        return report

    def settled(self, record: CheckRecord) -> CheckRecord:
        """*record* as it counts: where there is one process only, as it is."""
        return record

    def show(self, report: pytest.TestReport, record: CheckRecord, clause: Clause) -> None:
        """Show a deviation that is not fatal, and what does not apply, as an expected failure."""
        fatal = (
            clause.level is Level.MUST
            or (self.settings.strict and clause.level is Level.SHOULD)
            or (self.settings.hardened and clause.level is Level.HARDENING)
        )
        if record.outcome in ACCUSING and not fatal:
            report.outcome = "skipped"
            report.wasxfail = f"deviation from a {clause.level.upper()}: {record.sentence}"
        if record.outcome is Outcome.NOT_APPLICABLE:
            report.outcome, report.wasxfail = "skipped", f"not applicable: {record.sentence}"


@contextlib.contextmanager
def _cut_short() -> Iterator[None]:
    """
    Let an interrupt end what is inside, and what was cut short be a check that is not verified.

    Raises:
        NotVerified: if somebody asks to stop.
    """
    try:
        with interrupts.open_to():
            yield
    except interrupts.Cut:
        raise NotVerified("the run was interrupted meanwhile", reason=INTERRUPTED) from None


def _let_go(story: Story) -> None:
    """Leave the receiver as the next check, or whoever comes after the run, expects it."""
    if interrupts.insisted():
        # It may take its time, and nobody waits any more.
        return
    # What does not work any more was told of by the check itself.
    with contextlib.suppress(CalcontractError, CheckStop):
        story.let_go()


def record_in(report: pytest.TestReport) -> CheckRecord | None:
    """The record that travels with *report*, if there is one."""
    values: dict[str, Any] | None = getattr(report, RECORD, None)
    return recording.unpacked(values) if values is not None else None
