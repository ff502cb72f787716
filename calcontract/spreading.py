"""
A run that is spread over several processes by pytest-xdist.

The receiver under test is one, so the checks fall in two parts.  Those that need no more than the
wire and a probe, and look at their own bookings only, are dealt out to the workers.  Those that
move the receiver's clock, pause its work, kill it, count what everybody changes, or look back over
the run, are run one after another by the controller, which has the receiver to itself by then.

A check that did not pass beside others is run once more alone, and that counts: neither load nor a
neighbour accuses anybody.  The exception is a race, which one look is enough to prove.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from calcontract import catalogue, settings
from calcontract.catalogue import Clause
from calcontract.checks import Checks
from calcontract.errors import CheckStop
from calcontract.recording import name_of
from calcontract.records import CheckRecord
from calcontract.session import Session
from calcontract.settings import Settings
from calcontract.target import Target
from calcontract.verdicts import ACCUSING, Outcome

#: What a worker is told stands here in what pytest-xdist hands it, over a pipe.
TOLD = "calcontract"

#: Under this name a worker's report carries what it has sent.
_SENT = "calcontract_sent"

#: pytest's outcome for a check that is to be run again alone.
_AGAIN = "again"

#: Tags of checks that need the receiver to themselves.
_ALONE = ("needs-states", "needs-process", "needs-secrets", "needs-log", "alone", "last")

#: The stories of each worker begin so many seconds before those of the one before it.
_APART = 31


def _is_alone(item: pytest.Item) -> bool:
    return any(tag in item.keywords for tag in _ALONE)


class Worker(Checks):
    """
    One of several processes that run checks at the same time.

    Args:
        run_settings: what the run was told.
        target: the receiver, which others use as well.
        seed: of the order of the checks.
        words: the arguments that start the same run.
    """

    def __init__(
        self, run_settings: Settings, target: Target, *, seed: int, words: list[str]
    ) -> None:
        super().__init__(run_settings, catalogue.load(), target, seed=seed)
        self.run.words = words

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Worker:
        """The worker that was *told* so by the controller."""
        run_settings = settings.load(**told["settings"])
        number: int = told["number"]
        # Other people than its neighbours meet: a receiver may well know a person and a slot.
        target = Target(run_settings, seed=told["seed"] + number * 1_000_003)
        target.first_story(number * _APART)
        # The controller tells of a bad certificate; here too the rest is judged all the same.
        target.examine_certificate()
        return cls(run_settings, target, seed=told["seed"], words=told["words"])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what does not disturb others; every worker has the same checks in one order."""
        items[:] = [item for item in self.select(items).inside if not _is_alone(item)]

    def conclude(
        self, item: pytest.Item, first: CheckStop | None, again: Callable[[], CheckStop | None]
    ) -> CheckStop | None:
        """One try is enough here, but for a race: what does not pass is tried again alone."""
        return super().conclude(item, first, again) if "race" in item.keywords else first

    def show(self, report: pytest.TestReport, record: CheckRecord, clause: Clause) -> None:
        """Let what did not pass be neither passed nor failed yet."""
        setattr(report, _SENT, self.target.sent.handed_over())
        proven = "race" in report.keywords and record.outcome in ACCUSING
        if record.outcome is Outcome.PASS or report.when == "teardown" or proven:
            super().show(report, record, clause)
        else:
            report.outcome = _AGAIN  # type: ignore[assignment]
            report.longrepr = None


class Spread(Session):
    """A run whose checks are spread over workers as far as they bear it."""

    #: Whether the workers are at work.
    elsewhere = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker, over its pipe, what the run was told."""
        workers = node.workerinput["workercount"]
        node.workerinput[TOLD] = {
            "settings": self.settings.plain() | {"rate": self.settings.rate / workers},
            "words": list(self.run.words),
            "seed": self.run.seed,
            "number": 1 + int(node.gateway.id.removeprefix("gw")),
        }

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
        self.elsewhere = True
        try:
            result = yield
        except session.Interrupted as stop:
            # As many failures as were allowed: what was not run is not verified, as ever.
            raise session.Failed(str(stop)) from None
        finally:
            self.elsewhere = False
        left = [item for item in session.items if name_of(item.nodeid) in self.awaited]
        for item, following in itertools.zip_longest(left, left[1:]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what the workers tell; a check that is to be run again is awaited still."""
        sent = getattr(report, _SENT, None)
        if sent is not None:
            self.target.sent.take_over(sent)
        if report.outcome != _AGAIN:
            super().pytest_runtest_logreport(report)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Name what is to be run again alone, in pytest's own output."""
        return ("run again alone", "a", "AGAIN") if report.outcome == _AGAIN else None


def _spreads(config: pytest.Config) -> bool:
    """Whether pytest-xdist has workers for this run; it has none where nothing is run."""
    return config.pluginmanager.has_plugin("dsession")
