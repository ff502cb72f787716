"""Mutants that take a delivery for new, or for known, when it is not."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import secrets
from collections import OrderedDict

from again import MARK, Again, copy_of
from gallery import breaks
from sqlalchemy import select, update

from reference_impl import envelope
from reference_impl.answers import Answer
from reference_impl.book import Book
from reference_impl.envelope import InvalidPayloadError
from reference_impl.facts import Fact, Reader, dumps, loads
from reference_impl.handlers import KINDS
from reference_impl.inbox import Inbox
from reference_impl.receiver import Receiver
from reference_impl.tables import appointments, effects, webhook_events

#: How long a check-then-insert takes from the check to the insert, in seconds (a measured one).
LOOK = 0.06

HALF_AN_HOUR = 30 * 60 * 1_000_000
AN_HOUR = 60 * 60 * 1_000_000

#: What repeats when nothing recognises a redelivery.
REPEATED = ("idm-001", "idm-003", "idm-005", "idm-007", "idm-009", "idm-010", "rty-005")


def digest(*parts):
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


@breaks(
    *(*REPEATED, "idm-004", "idm-008", "sig-023"),
    part="receiver",
    beside={"worker": Again},
    reasons={"effect-repeated", "changed", "records-doubled"},
)
class NoDedupe(Receiver):
    """Takes every attempt for a new delivery."""

    def identify(self, body):
        return f"{super().identify(body)}{MARK}{secrets.token_hex(8)}"


@breaks(
    *(*REPEATED, "idm-004", "idm-008", "sig-023"),
    part="receiver",
    beside={"worker": Again},
    reasons={"effect-repeated", "changed", "records-doubled"},
)
class ClockInTheKey(Receiver):
    """Makes the key of a delivery of its body and of when it arrived, so that no two are alike."""

    def identify(self, body):
        return f"{super().identify(body)}{MARK}{self.clock.now()}"


@breaks("idm-008", part="receiver", reasons={"records-doubled"})
class KeepsARowPerAttempt(Receiver):
    """Guards the effect of an occurrence, and keeps one row of the inbox per attempt."""

    def identify(self, body):
        return f"{super().identify(body)}{MARK}{secrets.token_hex(8)}"


#: All that happens to a booking after it was made, and is lost when that counts as known.
AFTERWARDS = ("eff-005", "eff-009", "eff-010")


@breaks(
    *(*AFTERWARDS, "idm-006", "ord-001", "ord-002", "ord-006", "ord-007", "ord-009"),
    "ord-010",
    "ord-012",
    *("ord-015", "rty-001", "rty-007", "rty-008"),
    part="receiver",
    guide={"eff-016", "eff-004", "eff-006", "ord-004", "ord-005"},
    calcom={
        *("ord-013", "ord-014", "eff-020", "eff-021", "eff-011", "eff-014", "ord-008"),
        *("evt-010", "evt-011"),
    },
    reasons={
        *("live-0", "live-2"),
        *("cancellation-reason", "effect-missing", "other-time"),
        *("requested", "scheduled", "still-live"),
    },
    # What never took effect cannot do so twice.
    unverified={"idm-001", "idm-003", "idm-004", "idm-005", "idm-009"},
)
class KeyOfUidAlone(Receiver):
    """Makes the key of a delivery of the booking's uid: whatever happens to it next is known."""

    def identify(self, body):
        try:
            uid = envelope.read(body).uid
        except InvalidPayloadError:
            uid = None
        return digest("uid", uid) if uid else super().identify(body)


@breaks(
    part="reader",
    guide={"ord-010", "ord-015", "eff-016", "eff-004", "idm-004", "idm-006", "ord-005"},
    reasons={"effect-missing", "other-time"},
)
class KeyOfTriggerAndUid(Reader):
    """Makes the key of an occurrence of trigger and uid: a booking is rescheduled once at most."""

    def occurrence_key(self, fact):
        return digest(fact.trigger, *fact.names) if fact.names else super().occurrence_key(fact)


@breaks("idm-006", calcom={"eff-016"}, part="receiver", reasons={"other-time", "effect-missing"})
class KeyOfPersonAndSlot(Receiver):
    """Makes the key of a delivery of trigger, person and slot: a second such booking is known."""

    def identify(self, body):
        try:
            told = envelope.read(body)
        except InvalidPayloadError:
            return super().identify(body)
        people = told.payload.get("attendees")
        emails = [one.get("email") for one in people] if isinstance(people, list) else []
        if not emails:
            return super().identify(body)
        return digest(told.trigger, *emails, told.payload.get("startTime"))


class ByItsKeyAlone(Book):
    """Knows an occurrence again whatever booking it was of."""

    def related(self, connection, told):
        told = list(told)
        known = super().related(connection, told)
        keys = [fact.key for fact in told if fact.key not in known.facts]
        elsewhere = select(effects.c.fact).where(effects.c.occurrence.in_(keys))
        for data in connection.scalars(elsewhere):
            fact = loads(data)
            known.facts[fact.key] = fact
        return known


@breaks(
    *("eff-012", "eff-021"),
    part="reader",
    beside={"book": ByItsKeyAlone},
    reasons={"live-0", "effect-missing"},
)
class SeriesCollapsed(Reader):
    """Makes the key of a recurring booking of its series: the first week stands for all."""

    def read(self, envelope, received_at):
        fact = super().read(envelope, received_at)
        series = envelope.payload.get("existingRecurringEvent")
        if not isinstance(series, dict) or not series.get("recurringEventId"):
            return fact
        return dataclasses.replace(fact, key=digest(fact.trigger, series["recurringEventId"]))


@breaks("idm-004", part="reader", reasons={"effect-repeated"})
class DuplicateOccurrenceTwice(Reader):
    """Recognises bytes only: the same occurrence with another createdAt happens once more."""

    def occurrence_key(self, fact):
        return f"{super().occurrence_key(fact)} {fact.happened}"


@breaks(
    *("idm-003", "idm-008", "idm-010"),
    part="inbox",
    beside={"worker": Again},
    reasons={"effect-repeated", "records-doubled"},
)
class CheckThenInsert(Inbox):
    """Looks whether a delivery is known and inserts it 60 ms later, unguarded by a constraint."""

    def is_known(self, entry):
        # The first id of a body is plain, and those of its copies begin with it.
        query = select(webhook_events.c.id).where(webhook_events.c.webhook_id == entry.webhook_id)
        with self._store.read() as connection:
            return connection.scalar(query) is not None

    async def accept(self, entry):
        if self.is_known(entry):
            return False
        await asyncio.sleep(LOOK)
        return await super().accept(entry) or await super().accept(copy_of(entry))


@breaks("idm-007", "idm-010", part="inbox", beside={"worker": Again}, reasons={"effect-repeated"})
class ForgetsAfterTwentyDeliveries(Inbox):
    """Recognises a redelivery by a cache of the last twenty ids."""

    size = 20

    def __init__(self, *args):
        super().__init__(*args)
        self.known = OrderedDict()

    async def accept(self, entry):
        if entry.webhook_id in self.known:
            self.known.move_to_end(entry.webhook_id)
            return False
        self.known[entry.webhook_id] = True
        if len(self.known) > self.size:
            self.known.popitem(last=False)
        return await super().accept(entry) or await super().accept(copy_of(entry))


@breaks("idm-010", part="inbox", beside={"worker": Again}, reasons={"effect-repeated"})
class ForgetsAfterSixtyDeliveries(ForgetsAfterTwentyDeliveries):
    """Recognises a redelivery by a cache of the last sixty ids, which hides it for a while."""

    size = 60


@breaks("idm-007", "idm-010", part="inbox", beside={"worker": Again}, reasons={"effect-repeated"})
class ForgetsAfterAnHour(Inbox):
    """Recognises a redelivery within the hour, and takes it for new afterwards."""

    def __init__(self, *args):
        super().__init__(*args)
        self.known = {}

    async def accept(self, entry):
        since = self.known.setdefault(entry.webhook_id, entry.received_at)
        if await super().accept(entry):
            return True
        if entry.received_at - since < AN_HOUR:
            return False
        self.known[entry.webhook_id] = entry.received_at
        return await super().accept(copy_of(entry))


@breaks(*REPEATED, part="receiver", reasons={"effect-repeated", "changed"})
class RepeatsTheEffectOnRedelivery(Receiver):
    """Keeps one row of a redelivered booking, and sends its mails again."""

    def duplicate(self, entry):
        if entry.trigger in KINDS:
            row = {
                "occurrence": f"again {secrets.token_hex(8)}",
                "kind": KINDS[entry.trigger],
                "booking": entry.uid or "",
                "uid": entry.uid,
                "at": self.clock.now(),
                "fact": dumps(Fact("", 0)),
            }
            with self.inbox._store.write() as connection:
                connection.execute(effects.insert(), row)
        return super().duplicate(entry)


@breaks("idm-009", "ord-001", part="receiver", reasons={"changed", "other-time"})
class NextFreeSlotOnReplay(Receiver):
    """Finds the slot of a redelivered booking taken, by itself, and books the next free one."""

    def duplicate(self, entry):
        if entry.trigger == "BOOKING_CREATED":
            column = appointments.c
            mine = (column.uid == entry.uid) & (column.status == "confirmed")
            later = {name: column[name] + HALF_AN_HOUR for name in ("start_time", "end_time")}
            with self.inbox._store.write() as connection:
                connection.execute(update(appointments).where(mine).values(later))
        return super().duplicate(entry)


@breaks(part="receiver", guide={"ack-003", "idm-002"}, calcom={"idm-012"}, reasons={"status-409"})
class DuplicateAnswers409(Receiver):
    """Calls a redelivery a conflict."""

    def duplicate(self, entry):
        super().duplicate(entry)
        return Answer(409, b'{"error":"Duplicate webhook"}')


@breaks(
    part="receiver",
    guide={"ack-003", "idm-002"},
    calcom={"idm-011", "idm-012"},
    reasons={"status-500"},
)
class DuplicateAnswers500(Receiver):
    """Lets the unique violation of a redelivery become an error of its own."""

    def duplicate(self, entry):
        raise RuntimeError("UNIQUE constraint failed: webhook_events.webhook_id")
