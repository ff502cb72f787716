"""
How a try ends: the delivery is done, waits for its next try, or is a dead letter.

Whichever it is, it is so in the store only if the lease was held until then (`leases`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import insert

from reference_impl import chronicle, logs
from reference_impl.counts import count
from reference_impl.leases import LeaseLostError
from reference_impl.meter import Meter
from reference_impl.tables import notices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reference_impl.claims import Job
    from reference_impl.clock import Clock
    from reference_impl.handlers import Handlers
    from reference_impl.inbox import Inbox
    from reference_impl.leases import Leases
    from reference_impl.notices import Notifier
    from reference_impl.settings import Settings
    from reference_impl.store import Store


class Endings:
    """Ends tries of deliveries whose leases are held; heirs say what is tried."""

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

    def finish(self, connection: Connection, jobs: Sequence[Job], seconds: float) -> None:
        """
        Mark *jobs* done, in the transaction of their effects; each of them took *seconds*.

        Raises:
            LeaseLostError: if a lease is not held any more; the transaction must be undone.
        """
        now = self.clock.now()
        self.leases.release(connection, jobs, state="done", reason=None, finished_at=now)
        last = {"seconds_last": seconds, "last_at": now}
        done = Counter(job.trigger for job in jobs)
        amounts = {
            trigger: {"done": amount, "seconds_total": seconds * amount, **last}
            for trigger, amount in done.items()
        }
        count(connection, amounts)

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
        try:
            with self.store.write() as connection:
                rank = self.inbox.rank(job.trigger, due_at)
                self.leases.release(
                    connection, [job], state="waiting", due_at=due_at, rank=rank, reason=reason
                )
                chronicle.failed(connection, job, reason, self.clock.now())
                count(connection, {job.trigger: {"failed": 1}})
        except LeaseLostError:
            self.log.warning("Lease lost, nothing done", **job.named())
            return
        self.log.warning(
            "Cal.com webhook will be tried again", seconds=seconds, reason=reason, **job.named()
        )

    def bury(self, job: Job, reason: str) -> None:
        """Make *job* a dead letter and tell the administrators."""
        try:
            with self.store.write() as connection:
                now = self.clock.now()
                self.leases.release(connection, [job], state="dead", reason=reason, finished_at=now)
                self.notice(connection, job, reason, now)
                count(connection, {job.trigger: {"dead": 1}})
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
