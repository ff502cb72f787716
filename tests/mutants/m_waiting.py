"""Mutants that go wrong while a delivery waits for its next try, or after it was given up."""

from __future__ import annotations

from gallery import breaks
from singly import SingleWorker
from sqlalchemy import func, insert, select, update

from reference_impl.leases import Leases
from reference_impl.receiver import Receiver
from reference_impl.tables import appointments, notices, webhook_events
from reference_impl.worker import Worker

_row = webhook_events.c

#: A delivery that failed and waits for its next try.
_WAITS = (_row.state == "waiting") & (_row.tries > 0)

#: With so many of them it stops.
_TOO_MANY = 5


@breaks("rty-007", part="worker", reasons={"still-live"})
class RetrySucceedsLast(SingleWorker):
    """Lets the try that succeeded last decide, whatever happened in between."""

    def mark(self, connection, job, seconds):
        super().mark(connection, job, seconds)
        if job.tries > 1 and job.trigger == "BOOKING_CREATED":
            mine = update(appointments).where(appointments.c.uid == job.uid)
            connection.execute(mine.values(status="confirmed"))


@breaks("rty-007", part="worker", reasons={"effect-missing"})
class LaterEventSettlesTheWaiting(SingleWorker):
    """Takes what waits for settled when a later event of its booking is processed."""

    def mark(self, connection, job, seconds):
        super().mark(connection, job, seconds)
        settled = update(webhook_events).where(_WAITS, _row.uid == job.uid, _row.id < job.id)
        connection.execute(settled.values(state="done"))


@breaks("rty-008", part="worker", reasons={"live-0"})
class WithdrawsWhatItCannotProcess(Worker):
    """Cancels the appointment of a booking whose events it cannot process."""

    def failed(self, job, reason):
        super().failed(job, reason)
        with self.store.write() as connection:
            for uid in connection.scalars(select(appointments.c.uid)).all():
                if uid and uid.encode() in job.body:
                    mine = update(appointments).where(appointments.c.uid == uid)
                    connection.execute(mine.values(status="cancelled"))


@breaks(guide={"rty-009"}, part="receiver", reasons={"notice"})
class NoticeOfEveryRedelivery(Receiver):
    """Tells the administrators whenever a dead letter comes again."""

    def duplicate(self, entry):
        dead = select(_row.id).where(_row.webhook_id == entry.webhook_id, _row.state == "dead")
        with self.inbox._store.write() as connection:
            if connection.scalar(dead) is not None:
                row = {"webhook_id": entry.webhook_id, "event_type": entry.trigger}
                told = {**row, "uid": entry.uid, "reason": "came again", "at": entry.received_at}
                connection.execute(insert(notices), [told])
        return super().duplicate(entry)


@breaks(guide={"rty-010"}, part="worker", reasons={"notice"})
class OneNoticeForSeveral(Worker):
    """Keeps quiet for a while after a notice, whatever else is given up in that time."""

    def notice(self, connection, job, reason, now):
        latest = connection.scalar(select(func.max(notices.c.at)))
        # The same second: notices of one check come closer together than those of two.
        if latest is None or now - latest > 1_000_000:
            super().notice(connection, job, reason, now)


@breaks("rty-011", part="leases", reasons={"effect-missing"})
class StopsAfterFiveFailures(Leases):
    """Opens its circuit breaker when five deliveries wait for their next try."""

    def claim(self, limit=1):
        query = select(func.count()).select_from(webhook_events)
        now = self.clock.now()
        with self.store.read() as connection:
            if connection.scalar(query.where(_WAITS, _row.due_at > now)) >= _TOO_MANY:
                return []
        return super().claim(limit)
