"""
Tries: deliveries take effect, or wait for their next try, or are buried.

The effect of a delivery and the mark that it is done are one transaction, guarded by the token of
its lease (`leases`): a delivery is processed at least once and takes effect exactly once.

Deliveries that were claimed together share that transaction.  When anything in it fails it is
undone, and each of them is worked on by itself: the one at fault costs the others time only.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from reference_impl import envelope, logs
from reference_impl.endings import Endings
from reference_impl.facts import Fact, UnusablePayloadError
from reference_impl.leases import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_impl.claims import Job


@dataclass(slots=True)
class _Try:
    """One try at a delivery, and how far it has come."""

    job: Job
    #: How the log names its delivery.
    named: dict[str, Any]
    fact: Fact | None = None
    #: Whether other bytes had told of the same before.
    known: bool = False
    done: bool = False
    problem: Exception | None = None
    #: What it took so far; of what several had in common, its share.
    seconds: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether it came to an end, good or bad."""
        return self.done or self.problem is not None


class Tries(Endings):
    """Works on deliveries whose leases are held; heirs may do single steps otherwise."""

    #: Seconds after which nothing more of what was claimed together is begun: others may have it.
    patience = 0.2
    #: Whether nothing more is to be begun.
    stopping = False

    def process(self, jobs: Sequence[Job]) -> None:
        """
        Work on *jobs*, until each is done, waits for its next try, is buried or put back.

        Raises:
            OperationalError: if the store is in trouble; what did not come to an end is held still.
        """
        until = time.monotonic() + self.patience
        tries: list[_Try] = []
        with self._logging(jobs):
            for job in jobs:
                if tries and self._is_over(until):
                    break
                tries.append(self._begin(job))
        together = [one for one in tries if one.problem is None]
        if together and not self._take_effect(together) and len(together) > 1:
            self._one_by_one(together, until)
        with self._logging(jobs):
            for one in tries:
                if one.done:
                    self._end(one)
        left = [one.job for one in tries if not one.ended] + list(jobs[len(tries) :])
        if left:
            self.leases.put_back(left)
        trouble = [one.problem for one in tries if isinstance(one.problem, OperationalError)]
        for one in tries:
            if one.problem is not None and one.problem not in trouble:
                self._end(one)
        if trouble:
            # Not theirs but the store's, and so no failed try: they are put back once it is well.
            raise trouble[0]

    def _logging(self, jobs: Sequence[Job]) -> contextlib.AbstractContextManager[None]:
        """
        What is logged about *jobs* is written at once.

        That one comes alone may be because its worker died of it: it is named before it is begun.
        """
        return logs.together() if len(jobs) > 1 else contextlib.nullcontext()

    def _is_over(self, until: float) -> bool:
        """Whether nothing more of what was claimed together is to be begun."""
        return self.stopping or time.monotonic() > until

    def _begin(self, job: Job) -> _Try:
        started = time.perf_counter()
        begun = _Try(job, job.named())
        self.log.info("Processing Cal.com webhook", **begun.named)
        try:
            begun.fact = self.prepare(job)
            self.interfere("before", job)
        except Exception as problem:  # noqa: BLE001 - whatever it is, it costs this job one try
            begun.problem = problem
        begun.seconds = time.perf_counter() - started
        return begun

    def _take_effect(self, tries: Sequence[_Try]) -> bool:
        """Let *tries* take effect and be done, all of them or, when anything fails, none."""
        started = time.perf_counter()
        spent = sum(one.seconds for one in tries)
        failed: Exception | None = None
        try:
            # A power failure that undoes the effect undoes the mark with it, and the delivery is
            # processed again: what was acknowledged is on disk, so nobody has to wait for it here.
            with self.store.write(durable=False) as connection:
                facts = {at: one.fact for at, one in enumerate(tries) if one.fact is not None}
                if facts:
                    new = self.handlers.apply(connection, [*facts.values()])
                    for at, is_new in zip(facts, new, strict=True):
                        tries[at].known = not is_new
                jobs = [one.job for one in tries]
                for job in jobs:
                    self.interfere("during", job)
                seconds = (spent + time.perf_counter() - started) / len(tries)
                self.finish(connection, jobs, seconds)
        except Exception as problem:  # noqa: BLE001 - whatever it is, it costs these jobs one try
            failed = problem
        share = (time.perf_counter() - started) / len(tries)
        for one in tries:
            one.done, one.problem = failed is None, failed
            one.seconds += share
        return failed is None

    def _one_by_one(self, tries: Sequence[_Try], until: float) -> None:
        """Let each of *tries* that there is time for take effect by itself."""
        for one in tries:
            one.problem = None
        for position, one in enumerate(tries):
            if position and self._is_over(until):
                break
            self._take_effect([one])

    def _end(self, one: _Try) -> None:
        """Say that *one* is done, or see to what becomes of it."""
        job, outcome = one.job, "failed"
        try:
            if one.done:
                outcome = "done"
                if one.known:
                    self.log.info("Duplicate occurrence ignored", **one.named)
                self.log.info("Processed Cal.com webhook", **one.named)
            elif isinstance(one.problem, LeaseLostError):
                outcome = "lost"
                self.log.warning("Lease lost, nothing done", **one.named)
            elif isinstance(one.problem, UnusablePayloadError):
                outcome = "unusable"
                self.bury(job, str(one.problem))
            elif one.problem is not None:
                self.failed(job, logs.describe(one.problem))
        finally:
            self.meter.tried(job.trigger, outcome, one.seconds)

    def prepare(self, job: Job) -> Fact | None:
        """
        What *job* says, or `None` when nothing is to be done about it.

        Raises:
            UnusablePayloadError: if the handler could never do anything with it.
        """
        parsed = envelope.read(job.body, job.webhook_id)
        return self.handlers.prepare(parsed, job.received_at)

    def interfere(self, moment: str, job: Job) -> None:
        """Where provider states disturb: `before` and `during` the transaction of the effect."""
