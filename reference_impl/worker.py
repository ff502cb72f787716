"""
The worker: takes deliveries from the inbox and lets them take effect.

The effect of a delivery and the mark that it is done are one transaction, guarded by the token of
its lease (`leases`): a delivery is processed at least once and takes effect exactly once.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from reference_impl import envelope, logs
from reference_impl.counts import count
from reference_impl.facts import Fact, UnusablePayloadError
from reference_impl.leases import LeaseLostError
from reference_impl.meter import Meter
from reference_impl.tables import notices

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reference_impl.clock import Clock
    from reference_impl.handlers import Handlers
    from reference_impl.inbox import Inbox
    from reference_impl.leases import Job, Leases
    from reference_impl.notices import Notifier
    from reference_impl.settings import Settings
    from reference_impl.store import Store

#: How often a delivery may see its worker die before it is taken for the cause.
_INTERRUPTIONS = 20

#: Seconds a thread waits after the store failed it.
_PAUSE_AFTER_TROUBLE = 0.5


class Worker:
    """Works on several deliveries at a time, and on one at a time per booking."""

    def __init__(  # noqa: PLR0917 - the parts it works with, in the order of `Machine`
        self,
        settings: Settings,
        store: Store,
        inbox: Inbox,
        leases: Leases,
        handlers: Handlers,
        notifier: Notifier,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.store = store
        self.inbox = inbox
        self.leases = leases
        self.handlers = handlers
        self.notifier = notifier
        self.clock = clock
        self.meter = Meter()
        self.log = logs.logger()
        self.paused = False
        self._threads: list[threading.Thread] = []
        self._wake = threading.Condition()
        self._calls = 0
        self._stopping = False

    # --- threads ----------------------------------------------------------------------------

    def start(self) -> None:
        """Take over what dead workers left, then start the threads."""
        self.leases.take_over()
        self.notifier.start()
        self._stopping = False
        for number in range(self.settings.workers):
            thread = threading.Thread(
                target=self._run, args=(number == 0,), name=f"worker-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def halt(self) -> None:
        """Claim nothing more; what is being worked on goes on."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()

    def stop(self, seconds: float = 10.0) -> None:
        """
        Finish what is being worked on, for at most *seconds*, and end the threads.

        What is not finished by then is given back: another process takes it at once, and the
        thread that still works on it finds its lease lost and leaves nothing behind.
        """
        self.halt()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            self._give_back()
        self._threads.clear()

    def _give_back(self) -> None:
        try:
            given = self.leases.give_back()
        except SQLAlchemyError as problem:
            # Their leases run out, or a successor on this machine sees that we are gone.
            reason = logs.describe(problem)
            self.log.error("Deliveries left unfinished", reason=reason)  # noqa: TRY400
        else:
            self.log.warning("Deliveries given back unfinished", count=given)

    def wake(self, deliveries: int = 1) -> None:
        """Look for work now: so many *deliveries* have come."""
        if deliveries:
            with self._wake:
                self._calls += 1
                self._wake.notify(deliveries)

    def _run(self, looks: bool) -> None:
        """One thread; the one that *looks* also polls for what other processes accepted."""
        while not self._stopping:
            calls = self._calls
            try:
                if self.step():
                    continue
                self._rest(calls, looks=looks)
            except Exception as problem:  # noqa: BLE001 - the thread must outlive any trouble
                # Without the traceback, whose text may quote a payload.
                self.log.error(  # noqa: TRY400
                    "Worker in trouble", reason=logs.describe(problem)
                )
                self._sleep(_PAUSE_AFTER_TROUBLE)

    def _rest(self, calls: int, *, looks: bool) -> None:
        """Wait until there was another call than the *calls* known, or something is due."""
        while True:
            with self._wake:
                if self._stopping or self._calls != calls:
                    return
                self._wake.wait(self.settings.poll if looks else None)
                if self._stopping or self._calls != calls:
                    return
            if looks and not self.paused:
                self.leases.catch_up()
                if self.leases.is_due():
                    self.wake(self.settings.workers)

    def _sleep(self, seconds: float) -> None:
        with self._wake:
            if not self._stopping:
                self._wake.wait(seconds)

    # --- one delivery -----------------------------------------------------------------------

    def step(self) -> bool:
        """Work on the next delivery that is due, if there is one: whether there was."""
        job = None if self.paused else self.leases.claim()
        if job is None:
            return False
        if job.interruptions > _INTERRUPTIONS:
            self.bury(job, f"its worker ended {job.interruptions} times while it was processed")
        else:
            self.process(job)
        return True

    def process(self, job: Job) -> None:
        """Work on *job* until it is done, waits for its next try, or is buried."""
        started = time.perf_counter()
        outcome = "failed"
        self.log.info("Processing Cal.com webhook", **job.named())
        try:
            fact = self.prepare(job)
            self.interfere("before", job)
            # A power failure that undoes the effect undoes the mark with it, and the delivery is
            # processed again: what was acknowledged is on disk, so nobody has to wait for it here.
            with self.store.write(durable=False) as connection:
                if fact is not None:
                    self.handlers.apply(connection, fact)
                self.interfere("during", job)
                self.finish(connection, job, time.perf_counter() - started)
        except LeaseLostError:
            outcome = "lost"
            self.log.warning("Lease lost, nothing done", **job.named())
        except UnusablePayloadError as problem:
            outcome = "unusable"
            self.bury(job, str(problem))
        except Exception as problem:  # noqa: BLE001 - whatever it is, it costs this job one try
            self.failed(job, logs.describe(problem))
        else:
            outcome = "done"
            self.log.info("Processed Cal.com webhook", **job.named())
        finally:
            self.meter.tried(job.trigger, outcome, time.perf_counter() - started)

    def prepare(self, job: Job) -> Fact | None:
        """
        What *job* says, or `None` when nothing is to be done about it.

        Raises:
            UnusablePayloadError: if the handler could never do anything with it.
        """
        return self.handlers.prepare(envelope.read(job.body), job.received_at)

    def interfere(self, moment: str, job: Job) -> None:
        """Where provider states disturb: `before` and `during` the transaction of the effect."""

    def finish(self, connection: Connection, job: Job, seconds: float) -> None:
        """
        Mark *job* done, in the transaction of its effect.

        Raises:
            LeaseLostError: if the lease is not held any more; the transaction must be undone.
        """
        now = self.clock.now()
        self.leases.release(connection, job, state="done", reason=None, finished_at=now)
        count(
            *(connection, job.trigger),
            done=1,
            seconds_total=seconds,
            seconds_last=seconds,
            last_at=now,
        )

    # --- failure ----------------------------------------------------------------------------

    def delay(self, tries: int) -> float | None:
        """Seconds to wait after so many failed *tries*; `None` when there is to be no other."""
        if tries >= self.settings.attempts:
            return None
        return self.settings.backoff[min(tries, len(self.settings.backoff)) - 1]

    def failed(self, job: Job, reason: str) -> None:
        """Plan the next try of *job*, or bury it."""
        seconds = self.delay(job.tries)
        if seconds is None:
            self.bury(job, reason)
            return
        due_at = self.clock.now() + round(seconds * 1_000_000)
        self.log.warning(
            "Cal.com webhook will be tried again", seconds=seconds, reason=reason, **job.named()
        )
        try:
            with self.store.write() as connection:
                rank = self.inbox.rank(job.trigger, due_at)
                self.leases.release(
                    connection, job, state="waiting", due_at=due_at, rank=rank, reason=reason
                )
                count(connection, job.trigger, failed=1)
        except LeaseLostError:
            self.log.warning("Lease lost, nothing done", **job.named())

    def bury(self, job: Job, reason: str) -> None:
        """Make *job* a dead letter and tell the administrators."""
        try:
            with self.store.write() as connection:
                now = self.clock.now()
                self.leases.release(connection, job, state="dead", reason=reason, finished_at=now)
                self.notice(connection, job, reason, now)
                count(connection, job.trigger, dead=1)
        except LeaseLostError:
            self.log.warning("Lease lost, nothing done", **job.named())
            return
        self.meter.buried(job.trigger)
        self.log.error("Cal.com webhook processing failed", reason=reason, **job.named())
        self.notifier.tell()

    def notice(self, connection: Connection, job: Job, reason: str, now: int) -> None:
        """Enter what the administrators are told about *job*."""
        row = {
            "webhook_id": job.webhook_id,
            "event_type": job.trigger,
            "uid": job.uid,
            "reason": reason,
            "at": now,
        }
        connection.execute(insert(notices), [row])
