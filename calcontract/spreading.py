"""
A run that is spread over several processes by pytest-xdist.

Where the suite starts the receiver on a port that it chooses, every process has one of its own, and
the checks are dealt out to all of them.  Where the receiver is one, only those are dealt out that
need no more than the wire and a probe, and look at their own bookings only.  Those that move its
clock, pause its work, kill it, count what everybody changes, or look back over the run, are run one
after another by the controller, which has the receiver to itself by then.

A check that did not pass beside others is run once more alone, and that counts: neither load nor a
neighbour accuses anybody.  The exceptions are a race, which one look is enough to prove, and what
neither of them brings about.  What looks back over a run is asked of every receiver, and the worst
answer counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import signal
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from calcontract import catalogue, inquest, interrupts, recording, reference, settings
from calcontract.catalogue import Clause
from calcontract.checks import INTERRUPTED, Checks, record_in
from calcontract.errors import CheckStop
from calcontract.process import Process
from calcontract.recording import name_of
from calcontract.records import CheckRecord
from calcontract.sent import Sent
from calcontract.session import Session
from calcontract.settings import Settings
from calcontract.target import Target
from calcontract.verdicts import ACCUSING, Outcome
from mock_calcom.delivery import Delivery

#: What a worker is told, and what it tells at its end, stands here in what pytest-xdist hands over.
TOLD = "calcontract"

#: Under this name a worker's report carries what it has sent.
_SENT = "calcontract_sent"

#: Under this name it carries the deaths of its receiver.
_DEATHS = "calcontract_deaths"

#: pytest's outcome for a check that is to be run again alone.
_AGAIN = "again"

#: A check that looks back over the run of its receiver, and is run at its end.
_LAST = "last"

#: Tags of checks that nothing else may run beside, whosever receiver it is.
_ALONE = ("alone", _LAST)

#: Tags of checks that bear nothing else beside them at the same receiver.
_ALONE_AT_ONE = (*_ALONE, "needs-states", "needs-process", "needs-secrets", "needs-log")

#: The reasons of violations which neither load nor a neighbour brings about: a clock of the
#: receiver's does, or nothing.  To look again would be to wait for the whole budget again.
_ITS_OWN_DOING = frozenset({"held"})

#: The stories of each worker begin so many seconds before those of the one before it.
_APART = 31


def _tagged(item: pytest.Item, *tags: str) -> bool:
    return any(tag in item.keywords for tag in tags)


def _dealt(items: list[pytest.Item]) -> list[pytest.Item]:
    """*items* as they are dealt out: what waits for long comes first, and the rest beside it."""
    return sorted(items, key=lambda item: not _tagged(item, "slow"))


class Worker(Checks):
    """
    One of several processes that run checks at the same time.

    Args:
        run_settings: what the run was told.
        target: the receiver.
        seed: of the order of the checks.
        words: the arguments that start the same run.
        apiece: whether nobody else uses the receiver.
    """

    def __init__(
        self,
        run_settings: Settings,
        target: Target,
        *,
        seed: int,
        words: list[str],
        apiece: bool,
    ) -> None:
        super().__init__(run_settings, catalogue.load(), target, seed=seed)
        self.run.words = words
        self._apiece = apiece
        #: What looks back over the run of this receiver, if it is ours alone.
        self._last: list[pytest.Item] = []
        self._sent = Sent()
        #: Whether the end of the run is looked back from.
        self._looks_back = False

    @classmethod
    def of(cls, told: Mapping[str, Any], leaving: contextlib.ExitStack) -> Worker:
        """
        The worker that was *told* so by the controller; its receiver ends with *leaving*.

        Raises:
            CalcontractError: if it has no receiver to work with.
        """
        interrupts.obey()
        process: Process | None = None
        given = dict(told["settings"])
        if told["apiece"]:
            own = reference.named_or_own(settings.load(**given))
            with interrupts.open_to():
                placed, process = leaving.enter_context(own)
            given |= placed
        run_settings = settings.load(**given)
        number: int = told["number"]
        # Other people than its neighbours meet: a receiver may well know a person and a slot.
        target = Target(run_settings, seed=told["seed"] + number * 1_000_003, process=process)
        target.first_story(number * _APART)
        # The controller tells of a bad certificate; here too the rest is judged all the same.
        target.examine_certificate()
        return cls(
            run_settings,
            target,
            seed=told["seed"],
            words=told["words"],
            apiece=told["apiece"],
        )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what does not disturb others; every worker has the same checks in one order."""
        inside = self.select(items).inside
        alone = _ALONE if self._apiece else _ALONE_AT_ONE
        items[:] = _dealt([item for item in inside if not _tagged(item, *alone)])
        if self._apiece:
            self._last = [item for item in inside if _tagged(item, _LAST)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Look back over the run of this receiver when there is nothing left to do."""
        result = yield
        if not (session.shouldfail or session.shouldstop):
            session.config.workeroutput[TOLD] = self._back()  # type: ignore[attr-defined]
        return result

    def _back(self) -> dict[str, Any]:
        """What the checks that look back came to, and what was sent since the last report."""
        before = self._sent.attempts
        self._hand_over()
        self.target.sent, self._looks_back = self._sent, True
        records = []
        for item, following in itertools.zip_longest(self._last, self._last[1:]):
            # Not through the hook: pytest-xdist knows nothing of these.
            for report in runtestprotocol(item, log=False, nextitem=following):
                record = record_in(report)
                records += [recording.packed(record)] if record is not None else []
        sent = self.target.sent.handed_over()
        return {
            "records": records,
            "sent": sent | {"attempts": sent["attempts"] - before},
            "deaths": self.target.life.vigil.handed_over(),
        }

    def _hand_over(self) -> dict[str, Any]:
        """What was sent since this was asked last; it is remembered here as well."""
        sent = self.target.sent.handed_over()
        self._sent.take_over(sent)
        return sent

    def conclude(
        self, item: pytest.Item, first: CheckStop | None, again: Callable[[], CheckStop | None]
    ) -> CheckStop | None:
        """One try is enough, but for what is not run again: what does not pass is tried alone."""
        tried_here = self._looks_back or _tagged(item, "race")
        return super().conclude(item, first, again) if tried_here else first

    def show(self, report: pytest.TestReport, record: CheckRecord, clause: Clause) -> None:
        """Let what did not pass be neither passed nor failed yet."""
        if not self._looks_back:
            earliest = self.target.earliest
            known = None if earliest is None else dataclasses.astuple(earliest)
            setattr(report, _SENT, self._hand_over() | {"earliest": known})
            setattr(report, _DEATHS, self.target.life.vigil.handed_over())
        proven = record.outcome in ACCUSING and (
            "race" in report.keywords or record.reason in _ITS_OWN_DOING
        )
        if record.outcome is Outcome.PASS or report.when == "teardown" or proven:
            super().show(report, record, clause)
        else:
            report.outcome = _AGAIN  # type: ignore[assignment]
            report.longrepr = None


class Spread(Session):
    """A run whose checks are spread over workers as far as they bear it."""

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        #: The workers, as pytest-xdist knows them.
        self._nodes: list[Any] = []
        #: What looking back came to elsewhere, by the name of the check.
        self._elsewhere: dict[str, list[CheckRecord]] = {}

    @property
    def _apiece(self) -> bool:
        """Whether each worker starts a receiver of its own."""
        return self.named is not None and self.named.is_apiece

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker, over its pipe, what the run was told."""
        self._nodes.append(node)
        workers = node.workerinput["workercount"]
        told = self.named if self.named is not None and self._apiece else self.settings
        node.workerinput[TOLD] = {
            "settings": told.plain() | {"rate": self.settings.rate / workers},
            "words": list(self.run.words),
            "seed": self.run.seed,
            "number": 1 + int(node.gateway.id.removeprefix("gw")),
            "apiece": self._apiece,
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what looking back over a worker's run came to."""
        told = getattr(node, "workeroutput", {}).get(TOLD)
        if told is not None:
            self.target.sent.take_over(told["sent"])
            self.target.life.vigil.take_over(told["deaths"])
            for values in told["records"]:
                record = recording.unpacked(values)
                self._elsewhere.setdefault(record.node, []).append(record)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None, object, object]:
        """Let the workers, which start now, hear of an interrupt from us alone."""
        with interrupts.kept_from_children():
            return (yield)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Have the workers end what they are at if somebody has asked to stop."""
        super().pytest_keyboard_interrupt(excinfo)
        if interrupts.asked():
            self._stop_workers()

    def pytest_unconfigure(self) -> None:
        """Have the workers end at once if somebody has asked for that."""
        if interrupts.insisted():
            self._stop_workers()

    def _stop_workers(self) -> None:
        for node in self._nodes:
            # pytest-xdist has a word for no more checks, and none for the one under way.
            node.gateway._io.popen.send_signal(signal.SIGTERM)  # noqa: SLF001 - see above

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, object, object]:
        """Know every check here too, while the workers start: what none of them ran is told of."""
        if _spreads(session.config):
            session.perform_collect()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Let the workers do theirs, and then run alone what is left."""
        if not _spreads(session.config):
            return (yield from super().pytest_runtestloop(session))
        try:
            # While others work, nothing of ours is half done.
            with interrupts.open_to():
                result = yield
        except session.Interrupted as stop:
            # As many failures as were allowed: what was not run is not verified, as ever.
            raise session.Failed(str(stop)) from None
        left = [item for item in session.items if name_of(item.nodeid) in self.awaited]
        for item, following in itertools.zip_longest(left, left[1:]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        inquest.hold(self, session.items)
        return result

    def settled(self, record: CheckRecord) -> CheckRecord:
        """The worst of *record* and of what the same check came to at other receivers."""
        others = self._elsewhere.pop(record.node, [])
        return max([record, *others], key=lambda one: one.outcome.badness)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what the workers tell; a check that is to be run again is awaited still."""
        sent = getattr(report, _SENT, None)
        if sent is not None:
            self.target.sent.take_over(sent)
            if sent["earliest"] and not self._apiece and self.target.earliest is None:
                self.target.earliest = Delivery(*sent["earliest"])
            self.target.life.vigil.take_over(getattr(report, _DEATHS))
        if report.outcome == _AGAIN:
            self._put_aside(report)
        else:
            super().pytest_runtest_logreport(report)

    def _put_aside(self, report: pytest.TestReport) -> None:
        """Know, should the run end before the check is run alone, what it came to beside others."""
        record, name = record_in(report), name_of(report.nodeid)
        if record is not None and record.reason != INTERRUPTED and name in self.awaited:
            self.awaited[name] = dataclasses.replace(
                record,
                outcome=Outcome.NOT_VERIFIED,
                sentence=f"beside others {record.sentence}, and it was not tried alone",
                reason="not-tried-alone",
            )

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Name what is to be run again alone, in pytest's own output."""
        return ("run again alone", "a", "AGAIN") if report.outcome == _AGAIN else None


def _spreads(config: pytest.Config) -> bool:
    """Whether pytest-xdist has workers for this run; it has none where nothing is run."""
    return config.pluginmanager.has_plugin("dsession")
