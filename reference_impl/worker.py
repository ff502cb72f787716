"""
The worker: takes deliveries from the inbox and lets them take effect.

A claim is a lease: whoever holds a row's token may finish it, and a lease that ran out is taken
by another.  The effect and the mark that the row is done are one transaction, guarded by the
token, so a delivery is processed at least once and takes effect exactly once.
"""

from __future__ import annotations

import functools
import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Update,
    bindparam,
    exists,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from reference_impl import envelope, logs
from reference_impl.facts import Fact, UnusablePayloadError
from reference_impl.inbox import HANDICAP, Inbox
from reference_impl.store import count
from reference_impl.tables import notices, webhook_events

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reference_impl.clock import Clock
    from reference_impl.handlers import Handlers
    from reference_impl.notices import Notifier
    from reference_impl.settings import Settings
    from reference_impl.store import Store

_events = webhook_events.c

# Statements are built once: making one costs more than executing it.
_NOW = bindparam("now", type_=BigInteger)
# As literals, because the indexes are partial: a parameter may be anything.
_WAITING: ColumnElement[str] = literal_column("'waiting'")
_PROCESSING: ColumnElement[str] = literal_column("'processing'")
_DUE = (
    (_events.state == _WAITING)
    & (_events.queue == bindparam("mine"))
    # Nothing due ranks beyond this: keeps the look off those that wait for a retry.
    & (_events.rank <= _NOW + 2 * HANDICAP)
    & (_events.due_at <= _NOW)
)
_EXPIRED = (_events.state == _PROCESSING) & (_events.lease_until <= _NOW)
_LOOK = select(or_(exists(_events.id).where(_DUE), exists(_events.id).where(_EXPIRED)))
_OTHER = webhook_events.alias()
_BUSY = select(_OTHER.c.booking).where(_OTHER.c.state == _PROCESSING)
_NEXT = (
    select(_events.id)
    .where(_DUE, _events.booking.not_in(_BUSY))
    .order_by(_events.rank, _events.id)
    .limit(1)
)
_CLAIM = (
    update(webhook_events)
    .where(_events.id == _NEXT.scalar_subquery())
    .values(
        state="processing",
        tries=_events.tries + 1,
        lease_token=bindparam("token"),
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until", type_=BigInteger),
    )
    .returning(
        _events.id,
        _events.webhook_id,
        _events.event_type,
        _events.uid,
        _events.payload,
        _events.received_at,
        _events.tries,
        _events.interruptions,
    )
)


def _free(condition: ColumnElement[bool]) -> Update:
    """Let others claim what meets *condition*: its worker is gone, which is no failed try."""
    return (
        update(webhook_events)
        .where(_events.state == _PROCESSING, condition)
        .values(
            state="waiting",
            tries=_events.tries - 1,
            interruptions=_events.interruptions + 1,
            lease_token=None,
        )
    )


_FREE_EXPIRED = _free(_EXPIRED)

#: How often a delivery may see its worker die before it is taken for the cause.
_INTERRUPTIONS = 20

#: Seconds a thread waits after the store failed it.
_PAUSE_AFTER_TROUBLE = 0.5


class LeaseLostError(Exception):
    """Another worker holds the delivery now; nothing of this try may remain."""


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery that this worker holds the lease of."""

    id: int
    webhook_id: str
    trigger: str
    uid: str | None
    body: bytes
    received_at: int
    tries: int
    interruptions: int
    token: str

    def named(self) -> dict[str, Any]:
        """How the log names it, in the guide's words."""
        return {
            "triggerEvent": logs.short(self.trigger),
            "uid": logs.short(self.uid),
            "webhookId": self.webhook_id,
            "tries": self.tries,
        }


class Worker:
    """Works on several deliveries at a time, and on one at a time per booking."""

    def __init__(  # noqa: PLR0917 - the parts it works with, in the order of `Machine`
        self,
        settings: Settings,
        store: Store,
        inbox: Inbox,
        handlers: Handlers,
        notifier: Notifier,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.store = store
        self.inbox = inbox
        self.handlers = handlers
        self.notifier = notifier
        self.clock = clock
        self.log = logs.logger()
        self.paused = False
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._threads: list[threading.Thread] = []
        self._wake = threading.Condition()
        self._calls = 0
        self._stopping = False

    # --- threads ----------------------------------------------------------------------------

    def start(self) -> None:
        """Take over what dead workers left, then start the threads."""
        self.take_over()
        self.notifier.tell()
        self._stopping = False
        for number in range(self.settings.workers):
            thread = threading.Thread(
                target=self._run, args=(number == 0,), name=f"worker-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self, seconds: float = 10.0) -> None:
        """Finish what is being worked on, for at most *seconds*, and end the threads."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._threads.clear()

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
            if looks and not self.paused and self.is_due():
                self.wake(self.settings.workers)

    def _sleep(self, seconds: float) -> None:
        with self._wake:
            if not self._stopping:
                self._wake.wait(seconds)

    # --- one delivery -----------------------------------------------------------------------

    def step(self) -> bool:
        """Work on the next delivery that is due, if there is one: whether there was."""
        job = None if self.paused else self.claim()
        if job is None:
            return False
        if job.interruptions > _INTERRUPTIONS:
            self.bury(job, f"its worker ended {job.interruptions} times while it was processed")
        else:
            self.process(job)
        return True

    def is_due(self) -> bool:
        """Whether a claim may find something; a look that holds nobody up."""
        values = {"now": self.clock.now(), "mine": self.settings.queue}
        with self.store.read() as connection:
            return bool(connection.scalar(_LOOK, values))

    def claim(self) -> Job | None:
        """
        The lease of the next delivery, or `None` when there is none to be had.

        By priority and age; never one whose booking is being worked on.
        """
        now = self.clock.now()
        token = secrets.token_hex(16)
        values = {
            "now": now,
            "mine": self.settings.queue,
            "token": token,
            "owner": self._owner,
            "until": now + round(self.settings.lease * 1_000_000),
        }
        with self.store.write() as connection:
            connection.execute(_FREE_EXPIRED, {"now": now})
            row = connection.execute(_CLAIM, values).first()
        if row is None:
            return None
        return Job(
            id=row.id,
            webhook_id=row.webhook_id,
            trigger=row.event_type,
            uid=row.uid,
            body=row.payload,
            received_at=row.received_at,
            tries=row.tries,
            interruptions=row.interruptions,
            token=token,
        )

    def take_over(self) -> None:
        """Free the leases of processes of this machine that ended, without waiting for expiry."""
        with self.store.write() as connection:
            held = select(_events.lease_owner).where(_events.state == "processing").distinct()
            # A namesake of ours is a predecessor: this process has claimed nothing yet.
            gone = [
                owner
                for owner in connection.scalars(held)
                if owner == self._owner or not _alive(owner)
            ]
            if gone:
                connection.execute(_free(_events.lease_owner.in_(gone)))

    def process(self, job: Job) -> None:
        """Work on *job* until it is done, waits for its next try, or is buried."""
        started = time.perf_counter()
        self.log.info("Processing Cal.com webhook", **job.named())
        try:
            fact = self.prepare(job)
            self.interfere("before", job)
            with self.store.write() as connection:
                if fact is not None:
                    self.handlers.apply(connection, fact)
                self.interfere("during", job)
                self.finish(connection, job, time.perf_counter() - started)
        except LeaseLostError:
            self.log.warning("Lease lost, nothing done", **job.named())
        except UnusablePayloadError as problem:
            self.bury(job, str(problem))
        except Exception as problem:  # noqa: BLE001 - whatever it is, it costs this job one try
            self.failed(job, logs.describe(problem))
        else:
            self.log.info("Processed Cal.com webhook", **job.named())

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
        self.release(connection, job, state="done", reason=None, finished_at=self.clock.now())
        count(connection, job.trigger, done=1, seconds_total=seconds, seconds_last=seconds)

    def release(self, connection: Connection, job: Job, **values: Any) -> None:
        """
        Give up the lease of *job* and set *values*.

        Raises:
            LeaseLostError: if the lease is not held any more.
        """
        mine = {"row": job.id, "token": job.token}
        if connection.execute(_releasing(tuple(values)), {**mine, **values}).rowcount != 1:
            raise LeaseLostError

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
                self.release(
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
                self.release(connection, job, state="dead", reason=reason, finished_at=now)
                self.notice(connection, job, reason, now)
                count(connection, job.trigger, dead=1)
        except LeaseLostError:
            self.log.warning("Lease lost, nothing done", **job.named())
            return
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


@functools.cache
def _releasing(names: tuple[str, ...]) -> Update:
    mine = (_events.id == bindparam("row")) & (_events.lease_token == bindparam("token"))
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(webhook_events).where(mine).values({**values, "lease_token": None})


def _alive(owner: str) -> bool:
    """Whether *owner* may still run; one of another machine is left to its lease."""
    host, _, number = owner.rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(number), 0)
        # A process that was killed and not yet reaped still answers to its number.
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True
