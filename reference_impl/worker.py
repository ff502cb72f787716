"""
The worker: threads that take deliveries from the inbox and work on them (`tries`).

A thread takes one delivery after a rest, and then twice as many as it was done with, as long as
that is quick: a backlog is worked off in large batches, while deliveries that take their time are
spread over whoever is idle.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from reference_impl import logs
from reference_impl.tries import Tries
from reference_impl.turns import Turns

if TYPE_CHECKING:
    from reference_impl.claims import Job

#: How often a delivery may see its worker die before it is taken for the cause.
_INTERRUPTIONS = 20

#: Seconds a thread waits after the store failed it.
_PAUSE_AFTER_TROUBLE = 0.5

#: Seconds that a claim under way has to end before a pause begins all the same.
_CLAIM_SECONDS = 10.0


class Worker(Tries):
    """Works on several deliveries at a time, and on one at a time per booking."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.paused = False
        self._threads: list[threading.Thread] = []
        self._wake = threading.Condition()
        self._calls = 0
        #: How many threads are claiming now.
        self._claiming = 0
        self._stranded: list[Job] = []
        self._batches = Turns(self.store.writers)
        self._most = self.settings.batch or self.store.batch

    # --- threads ----------------------------------------------------------------------------

    def start(self) -> None:
        """Take over what dead workers left, then start the threads."""
        self.leases.take_over()
        self.notifier.start()
        self.stopping = False
        for number in range(self.settings.workers):
            thread = threading.Thread(
                target=self._run, args=(number == 0,), name=f"worker-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def halt(self) -> None:
        """Claim nothing more; what is being worked on goes on."""
        with self._wake:
            self.stopping = True
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
        limit = 1
        while not self.stopping:
            calls = self._calls
            try:
                with self._company(limit):
                    began = time.monotonic()
                    worked = 0 if self.stopping else self.step(limit)
                quick = time.monotonic() - began < self.patience
                limit = max(1, min(2 * worked, self._most)) if quick else 1
                if not worked:
                    self._rest(calls, looks=looks)
            except Exception as problem:  # noqa: BLE001 - the thread must outlive any trouble
                # Without the traceback, whose text may quote a payload.
                self.log.error(  # noqa: TRY400
                    "Worker in trouble", reason=logs.describe(problem)
                )
                self._sleep(_PAUSE_AFTER_TROUBLE)

    def _company(self, limit: int) -> contextlib.AbstractContextManager[None]:
        """
        The turn that a step of more than one delivery needs.

        More threads with one at a time would be no faster, and leave no gap to whoever accepts.
        """
        return contextlib.nullcontext() if limit == 1 else self._batches.taken(self.patience)

    def _rest(self, calls: int, *, looks: bool) -> None:
        """Wait until there was another call than the *calls* known, or something is due."""
        while True:
            with self._wake:
                if self.stopping or self._calls != calls:
                    return
                self._wake.wait(self.settings.poll if looks else None)
                if self.stopping or self._calls != calls:
                    return
            if looks and not self.paused:
                self.leases.catch_up()
                if self.leases.is_due():
                    self.wake(self.settings.workers)

    def _sleep(self, seconds: float) -> None:
        with self._wake:
            if not self.stopping:
                self._wake.wait(seconds)

    # --- what is claimed --------------------------------------------------------------------

    def step(self, limit: int = 1) -> int:
        """Work on the next deliveries that are due, on up to *limit*: on how many it was."""
        self._put_back_stranded()
        jobs = self._claimed(limit)
        try:
            return self._work(jobs)
        except Exception:
            # The store failed: what has not come to an end can be put back once it is well.
            with self._wake:
                self._stranded += jobs
            raise

    def pause(self) -> None:
        """Claim nothing that comes from here on."""
        with self._wake:
            self.paused = True
            # Whoever had looked before it would claim what comes after it.
            self._wake.wait_for(lambda: not self._claiming, _CLAIM_SECONDS)

    def _claimed(self, limit: int) -> list[Job]:
        with self._wake:
            if self.paused:
                return []
            self._claiming += 1
        try:
            return self.leases.claim(limit)
        finally:
            with self._wake:
                self._claiming -= 1
                if self.paused:
                    self._wake.notify_all()

    def _work(self, jobs: list[Job]) -> int:
        """Work on *jobs*, which one claim gave: on how many it was."""
        if jobs and jobs[0].interruptions > _INTERRUPTIONS:
            # It comes alone, as does whatever was tried before.
            times = jobs[0].interruptions
            self.bury(jobs[0], f"its worker ended {times} times while it was processed")
            return 1
        alone = [job for job in jobs if self.alone(job)]
        together = [job for job in jobs if job not in alone] if alone else jobs
        if together:
            self.process(together)
        if len(alone) > 1:
            self.leases.put_back(alone[1:])
            self.wake(len(alone) - 1)
        if alone:
            self.process(alone[:1])
        return len(together) + len(alone[:1])

    def alone(self, job: Job) -> bool:  # noqa: ARG002 - for heirs, and provider states
        """Whether *job* is to share its try with no other."""
        return False

    def _put_back_stranded(self) -> None:
        with self._wake:
            stranded, self._stranded = self._stranded, []
        if not stranded:
            return
        try:
            self.leases.put_back(stranded, interrupted=True)
        except SQLAlchemyError:
            with self._wake:
                self._stranded += stranded
            raise
