"""Mutants that act on what they must not act on, or misread what they may."""

from __future__ import annotations

import contextlib
import dataclasses
import struct
import time
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from gallery import breaks
from singly import SingleHandlers
from sqlalchemy import insert

from reference_impl import instants
from reference_impl.envelope import InvalidPayloadError
from reference_impl.facts import Fact, Reader, UnusablePayloadError
from reference_impl.handlers import Handlers
from reference_impl.receiver import Receiver
from reference_impl.tables import appointments

BERLIN = ZoneInfo("Europe/Berlin")

MINUTE = 60 * 1_000_000
FIVE_MINUTES = 5 * MINUTE
DAY = 24 * 60 * MINUTE


@breaks("sig-017", "eff-001", part="receiver", reasons={"effect-unexpected", "live-0"})
class ActsBeforeVerification(Receiver):
    """Takes the delivery first and refuses the signature afterwards."""

    async def judge(self, client, headers, body):
        with contextlib.suppress(InvalidPayloadError):
            await self.accept(self.entry(self.read(body), body))
        return await super().judge(client, headers, body)


@breaks("env-007", part="reader", reasons={"effect-unexpected", "other-time"})
class HalfActsOnNonsense(Reader):
    """Takes what it can read of a payload that makes no sense, and leaves the rest empty."""

    def read(self, envelope, received_at):
        try:
            return super().read(envelope, received_at)
        except UnusablePayloadError:
            fact = Fact(
                trigger=envelope.trigger,
                happened=envelope.created_at or received_at,
                uid=envelope.uid,
                booking_id=envelope.booking_id,
                start=self.instant(envelope.payload, "startTime"),
            )
            if not fact.names:
                raise
            return dataclasses.replace(fact, key=self.occurrence_key(fact))


@breaks("evt-007", part="handlers", reasons={"effect-unexpected"})
class ReadsTriggersLoosely(Handlers):
    """Takes whatever begins like BOOKING_CREATED for it, in any case and with any dots."""

    def prepare(self, envelope, received_at):
        name = envelope.trigger.upper().replace(".", "_")
        if name.startswith("BOOKING_CREATED"):
            envelope = dataclasses.replace(envelope, trigger="BOOKING_CREATED")
        return super().prepare(envelope, received_at)


@breaks("evt-009", part="handlers", reasons={"effect-unexpected"})
class FormMakesAnAppointment(SingleHandlers):
    """Takes a submitted form for a booking."""

    def act(self, connection, fact):
        super().act(connection, fact)
        if fact.trigger == "FORM_SUBMITTED":
            row = {"ours": False, "status": "requested", "title": fact.title, "attendees": []}
            connection.execute(insert(appointments), [{"id": f"form-{fact.key}", **row}])


@breaks("tol-005", "tol-015", part="handlers", reasons={"effect-missing"})
class DropsWhatIsFiveMinutesOld(Handlers):
    """Takes a delivery whose createdAt is more than five minutes old for a replay."""

    def prepare(self, envelope, received_at):
        now = time.time_ns() // 1000
        if envelope.created_at is not None and now - envelope.created_at > FIVE_MINUTES:
            return None
        return super().prepare(envelope, received_at)


@breaks("tol-005", "tol-015", part="handlers", reasons={"effect-missing"})
class DropsWhatIsADayOld(Handlers):
    """Takes a delivery whose createdAt is more than a day old for a replay, and says nothing."""

    def prepare(self, envelope, received_at):
        now = time.time_ns() // 1000
        if envelope.created_at is not None and now - envelope.created_at > DAY:
            return None
        return super().prepare(envelope, received_at)


@breaks("tol-005", part="receiver", reasons={"effect-missing"})
class RefusesTheFuture(Receiver):
    """Refuses what happened a minute from now: no two clocks may differ by more."""

    def read(self, body):
        envelope = super().read(body)
        if (envelope.created_at or 0) > time.time_ns() // 1000 + MINUTE:
            raise InvalidPayloadError("createdAt lies ahead")
        return envelope


class Ids(Reader):
    """Keeps booking ids in a way of its own."""

    def read(self, envelope, received_at):
        fact = super().read(envelope, received_at)
        if fact.booking_id is None:
            return fact
        return dataclasses.replace(fact, booking_id=self.kept(fact.booking_id))


@breaks("tol-006", "tol-014", part="reader", reasons={"booking-id"})
class IdsAreSinglePrecision(Ids):
    """Keeps booking ids as floating numbers of 32 bits."""

    def kept(self, number):
        return int(struct.unpack("<f", struct.pack("<f", number))[0])


@breaks("tol-014", part="reader", reasons={"booking-id"})
class IdsAreFloats(Ids):
    """Keeps booking ids as floating numbers, as JavaScript does."""

    def kept(self, number):
        return int(float(number))


@breaks("tol-014", part="reader", reasons={"booking-id"})
class IdsHave32Bits(Ids):
    """Keeps booking ids in 32 bits, and the largest of them for whatever is larger."""

    def kept(self, number):
        return min(number, 2**31 - 1)


@breaks("eff-013", part="reader", reasons={"other-time"})
class DropsOffsets(Reader):
    """Reads the first nineteen characters of a time and takes them for UTC."""

    def instant(self, payload, *names):
        texts = (payload.get(name) for name in names)
        found = (instants.parse(f"{text[:19]}Z") for text in texts if isinstance(text, str))
        return next((instant for instant in found if instant is not None), None)


@breaks("eff-013", part="reader", reasons={"other-time"})
class ReadsTimesWithZOnly(Reader):
    """Knows one spelling of a time, the one with Z, and keeps no time of another."""

    def instant(self, payload, *names):
        zulu = {name: payload.get(name) for name in names if str(payload.get(name)).endswith("Z")}
        return super().instant(zulu, *names)


@breaks("eff-001", part="reader", reasons={"other-time"})
class KeepsWallClockTimes(Reader):
    """Keeps times as the clock on a wall in Berlin shows them, the repeated hour included."""

    def instant(self, payload, *names):
        instant = super().instant(payload, *names)
        if instant is None:
            return None
        wall = instants.to_datetime(instant).astimezone(BERLIN).replace(tzinfo=None, fold=0)
        return instants.from_datetime(wall.replace(tzinfo=BERLIN).astimezone(UTC))


@breaks("eff-001", part="reader", reasons={"other-time"})
class TakesEveryMeetingForHalfAnHour(Reader):
    """Adds thirty minutes to the start and does not look at the end."""

    def read(self, envelope, received_at):
        fact = super().read(envelope, received_at)
        if fact.start is None:
            return fact
        return dataclasses.replace(
            fact, end=fact.start + timedelta(minutes=30) // timedelta(0, 0, 1)
        )
