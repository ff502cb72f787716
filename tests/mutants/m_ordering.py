"""Mutants that end elsewhere when deliveries overtake each other."""

from __future__ import annotations

import dataclasses
import time

from gallery import breaks
from singly import SingleBook
from sqlalchemy import select, update

from reference_impl.appointments import Fold
from reference_impl.facts import Reader
from reference_impl.receiver import Receiver
from reference_impl.standings import CONFIRMED, REQUESTED
from reference_impl.tables import appointments, effects


def revive(connection, uid):
    """Let the appointment of the booking *uid* be confirmed, whatever it was."""
    mine = update(appointments).where(appointments.c.uid == uid)
    connection.execute(mine.values(status=CONFIRMED))


@breaks("ord-001", part="book", reasons={"still-live"})
class LateCreatedRevives(SingleBook):
    """Upserts the appointment as confirmed when a known creation is reported anew."""

    def take(self, connection, fact, kind, at):
        new = super().take(connection, fact, kind, at)
        if not new and fact.trigger == "BOOKING_CREATED":
            revive(connection, fact.uid)
        return new


@breaks("ord-001", part="receiver", reasons={"still-live"})
class RedeliveredCreatedRevives(Receiver):
    """Upserts the appointment as confirmed when the same bytes of a creation come again."""

    def duplicate(self, entry):
        if entry.trigger == "BOOKING_CREATED":
            with self.inbox._store.write() as connection:
                revive(connection, entry.uid)
        return super().duplicate(entry)


@breaks("ord-003", part="fold", reasons={"still-live"})
class CancelUnknownCreatesLive(Fold):
    """Upserts on every event: a cancellation of an unknown booking makes a live appointment."""

    def cancelled(self, standing, fact):
        if standing.uid is None and standing.start is None:
            self.created(standing, fact)
        else:
            super().cancelled(standing, fact)


class Forgetful(SingleBook):
    """Has nothing to do for an event of a booking that it does not know."""

    trigger = ""

    def take(self, connection, fact, kind, at):
        if fact.trigger == self.trigger and not self.related(connection, [fact]).facts:
            return True
        return super().take(connection, fact, kind, at)


@breaks(
    "ord-002",
    "ord-006",
    "ord-009",
    "ord-010",
    "rty-007",
    calcom={"ord-013", "ord-014"},
    part="book",
    perhaps={"ord-015"},
    reasons={"effect-missing", "still-live"},
)
class CancelBeforeCreateForgotten(Forgetful):
    """Forgets a cancellation that finds no appointment, as the guide's handler does."""

    trigger = "BOOKING_CANCELLED"

    def take(self, connection, fact, kind, at):
        return super().take(connection, fact, kind, at)


@breaks(
    "ord-004",
    "ord-005",
    "ord-010",
    "ord-012",
    part="book",
    perhaps={"ord-015"},
    calcom={"ord-013", "ord-006"},
    reasons={"other-time", "still-live", "live-0"},
)
class RescheduleBeforeCreateLost(Forgetful):
    """Forgets a reschedule that finds no appointment, as the guide's handler does."""

    trigger = "BOOKING_RESCHEDULED"

    def take(self, connection, fact, kind, at):
        return super().take(connection, fact, kind, at)


class NowReader(Reader):
    """Dates every event by its arrival."""

    def read(self, envelope, received_at):
        return dataclasses.replace(super().read(envelope, received_at), happened=received_at)


@breaks(
    *("ord-002", "ord-004", "ord-005", "ord-006", "ord-007", "ord-009"),
    "ord-010",
    "ord-012",
    part="fold",
    perhaps={"ord-015"},
    beside={"reader": NowReader},
    calcom={"ord-013", "ord-014", "eff-014"},
    reasons={"still-live", "other-time", "requested", "live-0"},
)
class LastArrivalWins(Fold):
    """Lets whatever arrives last decide, without a look at createdAt."""

    def final(self, standing):
        return False

    def requested(self, standing, fact):
        super().requested(standing, fact)
        standing.status = REQUESTED

    def head(self, group, replaced):
        return sorted(group, key=lambda booking: booking.last, reverse=True)


class LateRequests(SingleBook):
    """Dates a request by its arrival when its booking is known already."""

    trigger = "BOOKING_REQUESTED"

    def take(self, connection, fact, kind, at):
        if fact.trigger == self.trigger and self.related(connection, [fact]).facts:
            fact = dataclasses.replace(fact, happened=at)
        return super().take(connection, fact, kind, at)


@breaks(
    "ord-007",
    "ord-010",
    "ord-012",
    part="fold",
    beside={"book": LateRequests},
    reasons={"requested", "still-live"},
)
class LateRequestReopens(Fold):
    """Reopens what the host has decided when the request arrives after the decision."""

    def final(self, standing):
        return False

    def requested(self, standing, fact):
        super().requested(standing, fact)
        standing.status = REQUESTED


class LatePayments(LateRequests):
    """Dates the start of a payment by its arrival when its booking is known already."""

    trigger = "BOOKING_PAYMENT_INITIATED"

    def take(self, connection, fact, kind, at):
        return super().take(connection, fact, kind, at)


@breaks("ord-008", part="fold", beside={"book": LatePayments}, reasons={"requested"})
class LatePaymentReopens(Fold):
    """Waits for the money again when the start of a payment arrives after its end."""

    def payment_initiated(self, standing, fact):
        super().payment_initiated(standing, fact)
        standing.status = REQUESTED


@breaks("ord-009", guide={"ord-012"}, part="fold", reasons={"still-live", "other-time"})
class TieGoesToTheCreation(Fold):
    """Takes the more final of two events of one millisecond for the earlier one."""

    def order(self, fact):
        undated, happened, progress, key = super().order(fact)
        return (undated, happened, -progress, key)

    def final(self, standing):
        return False


@breaks(
    *("ord-002", "ord-003", "ord-006", "ord-009", "ord-010", "ack-001", "rty-007", "sig-002"),
    "tol-012",
    part="receiver",
    perhaps={"ord-015"},
    guide={"ack-002", "ack-003", "evt-001", "evt-002", "idm-002"},
    calcom={"ack-010", "ord-013", "ord-014", "evt-003", "idm-011", "idm-012"},
    reasons={"effect-missing", "status-500", "still-live"},
)
class UnknownCancellationAnswers500(Receiver):
    """Fails on a cancellation that finds no appointment which is still to come."""

    async def accept(self, entry):
        if entry.trigger == "BOOKING_CANCELLED":
            home = effects.c
            ids = select(home.appointment_id).where(home.uid == entry.uid)
            to_come = (appointments.c.id.in_(ids), appointments.c.start_time > time.time() * 1e6)
            with self.inbox._store.read() as connection:
                known = connection.scalar(select(appointments.c.id).where(*to_come))
            if known is None:
                raise LookupError("No query results for model [Appointment]")
        return await super().accept(entry)
