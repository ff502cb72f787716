"""Mutants that lose, repeat or hold up what fails."""

from __future__ import annotations

import dataclasses

from again import Again, copy_of
from gallery import breaks
from singly import SingleWorker
from sqlalchemy import delete, insert, select, update

from reference_impl import logs
from reference_impl.facts import Fact, UnusablePayloadError, dumps
from reference_impl.handlers import KINDS
from reference_impl.inbox import Inbox
from reference_impl.leases import Leases
from reference_impl.receiver import Receiver
from reference_impl.store import insert_new
from reference_impl.tables import effects, notices, webhook_events
from reference_impl.worker import Worker

_row = webhook_events.c

#: A delivery that failed and waits for its next try.
WAITS = (_row.state == "waiting") & (_row.tries > 0)


#: What is missing, or over too soon, where a delivery is not tried as often as it has to be.
LOST = {"live-0", "effect-missing", "given-up-early", "not-given-up", "too-late", "tries"}


@breaks("rty-007", "rty-001", "rty-003", "rty-005", part="worker", reasons=LOST)
class MarksBeforeTheWork(Worker):
    """Notes an occurrence as known before the work; the next try finds the note and stops."""

    known = frozenset()

    def prepare(self, job):
        fact = super().prepare(job)
        if fact is None or (job.tries > 1 and fact.key in self.known):
            return None
        self.known |= {fact.key}
        return fact


@breaks("rty-007", "rty-001", "rty-002", "rty-003", "rty-005", part="worker", reasons=LOST)
class SwallowsFailures(Worker):
    """Catches every error, logs it and goes on: acknowledged, and lost for ever."""

    def failed(self, job, reason):
        with self.store.write() as connection:
            self.leases.release(connection, [job], state="done", reason=reason)
        self.log.error("Cal.com webhook processing failed", reason=reason, **job.named())


@breaks("rty-007", "rty-001", "rty-002", "rty-003", "rty-005", part="worker", reasons=LOST)
class NoRetry(Worker):
    """Gives a delivery up after its first failure."""

    def delay(self, tries):
        return None


@breaks("rty-001", "rty-002", "rty-003", part="worker", reasons=LOST)
class GivesUpAfterTwo(Worker):
    """Tries twice."""

    def delay(self, tries):
        return None if tries >= 2 else super().delay(tries)


@breaks("rty-003", part="worker", reasons={"tries", "not-given-up"})
class TriesFiveTimes(Worker):
    """Tries five times before it gives up."""

    def delay(self, tries):
        return None if tries >= 5 else self.settings.backoff[min(tries, 3) - 1]


@breaks(
    "rty-003",
    part="worker",
    guide={"rty-009", "rty-010"},
    reasons={"tries-without-end", "not-given-up"},
)
class RetriesForEver(Worker):
    """Never gives up, and tells nobody."""

    def delay(self, tries):
        return self.settings.backoff[min(tries, 3) - 1]


@breaks("rty-002", part="worker", reasons={"too-early", "too-late"})
class RetriesAtOnce(Worker):
    """Tries again at once, three times within a second."""

    def delay(self, tries):
        return None if super().delay(tries) is None else 0.0


@breaks("rty-002", part="worker", reasons={"too-early"})
class WaitsAMinuteEachTime(Worker):
    """Waits a minute before every try."""

    def delay(self, tries):
        return None if super().delay(tries) is None else 60.0


@breaks("rty-002", part="worker", reasons={"too-late"})
class TakesSecondsForMinutes(Worker):
    """Waits sixty minutes where sixty seconds are meant."""

    def delay(self, tries):
        seconds = super().delay(tries)
        return None if seconds is None else seconds * 60


@breaks("rty-003", part="worker", reasons={"notice"})
class NoNotice(Worker):
    """Buries a delivery and tells nobody."""

    def notice(self, connection, job, reason, now):
        pass


@breaks("rty-003", part="worker", reasons={"notice"})
class NoticePerTry(Worker):
    """Tells the administrators of every failed try."""

    def failed(self, job, reason):
        if self.delay(job.tries) is not None:
            with self.store.write() as connection:
                self.notice(connection, job, reason, self.clock.now())
        super().failed(job, reason)


@breaks("rty-003", part="worker", reasons={"notice"})
class NoticeOfEverySuccess(SingleWorker):
    """Reports a failure once too often: also when the last try went well."""

    def mark(self, connection, job, seconds):
        super().mark(connection, job, seconds)
        if job.tries > 1:
            row = {"webhook_id": job.webhook_id, "event_type": job.trigger, "uid": job.uid}
            told = {**row, "reason": "was tried again", "at": self.clock.now()}
            connection.execute(insert(notices), [told])


@breaks("rty-011", "rty-004", part="leases", reasons={"effect-missing"})
class PoisonBlocksTheQueue(Leases):
    """Works strictly in order: what waits for its next try holds up everything behind it."""

    def claim(self, limit=1):
        query = select(_row.id).where(WAITS, _row.due_at > self.clock.now()).limit(1)
        with self.store.read() as connection:
            if connection.scalar(query) is not None:
                return []
        return super().claim(limit)


class TwoTransactions(SingleWorker):
    """Commits the effect in one transaction and the mark in another."""

    def key(self, fact, job):
        return fact.key

    def work(self, job):
        self.log.info("Processing Cal.com webhook", **job.named())
        try:
            fact = self.prepare(job)
            self.interfere("before", job)
            with self.store.write() as connection:
                if fact is not None:
                    fact = dataclasses.replace(fact, key=self.key(fact, job))
                    self.handlers.apply(connection, [fact])
            with self.store.write() as connection:
                self.interfere("during", job)
                self.finish(connection, [job], 0.0)
        except UnusablePayloadError as problem:
            self.bury(job, str(problem))
        except Exception as problem:  # noqa: BLE001 - as in the receiver that it is made of
            self.failed(job, logs.describe(problem))


@breaks(
    "rty-008",
    "rty-003",
    "rty-006",
    part="worker",
    reasons={"live-0", "other-time", "effect-unexpected"},
)
class DoneMarkedInAnotherTransaction(TwoTransactions):
    """Commits the effect, then fails: what is there says nothing of the try that failed."""

    def work(self, job):
        super().work(job)


@breaks(
    "rty-007",
    "rty-008",
    *("rty-001", "rty-003", "rty-005", "rty-006", "idm-010"),
    part="worker",
    reasons={"live-0", "other-time", "effect-repeated", "effect-unexpected"},
)
class RetryRepeatsTheHalf(TwoTransactions):
    """Commits the effect, then fails, and has the effect once more at the next try."""

    def key(self, fact, job):
        return fact.key if job.tries == 1 else f"{fact.key} {job.tries}"


@breaks("rty-003", "rty-006", part="worker", reasons={"effect-unexpected"})
class HalfAnEffect(SingleWorker):
    """Lets the mail go out before the work that may fail."""

    def work(self, job):
        try:
            fact = self.prepare(job)
        except UnusablePayloadError:
            fact = None
        if fact is not None:
            row = {
                "occurrence": f"before {fact.key}",
                "kind": KINDS[fact.trigger],
                "booking": fact.uid or "",
                "uid": fact.uid,
                "at": self.clock.now(),
                "fact": dumps(Fact("", 0)),
            }
            with self.store.write() as connection:
                connection.execute(insert_new(effects), [row])
        super().work(job)

    def mark(self, connection, job, seconds):
        # The mail that went out is the one of the effect.
        sent = effects.c.occurrence.startswith("before ") & (effects.c.uid == job.uid)
        connection.execute(delete(effects).where(sent))
        super().mark(connection, job, seconds)


@breaks("rty-005", "idm-010", part="inbox", beside={"worker": Again}, reasons={"effect-repeated"})
class RedeliveryAndRetryBothSucceed(Inbox):
    """Takes a redelivery for new while the delivery waits for its next try."""

    async def accept(self, entry):
        if await super().accept(entry):
            return True
        query = select(_row.id).where(_row.webhook_id == entry.webhook_id, WAITS)
        with self._store.read() as connection:
            waits = connection.scalar(query) is not None
        return waits and await super().accept(copy_of(entry))


@breaks("rty-005", part="receiver", reasons={"effect-missing"})
class RedeliveryEndsTheRetries(Receiver):
    """Marks a delivery as done when it comes again: somebody has taken it, after all."""

    def duplicate(self, entry):
        done = update(webhook_events).where(_row.webhook_id == entry.webhook_id, WAITS)
        with self.inbox._store.write() as connection:
            connection.execute(done.values(state="done"))
        return super().duplicate(entry)
