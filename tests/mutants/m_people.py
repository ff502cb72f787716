"""Mutants that find the wrong appointment, or none."""

from __future__ import annotations

from gallery import breaks
from singly import SingleBook, SingleHandlers
from sqlalchemy import select, update

from reference_impl.appointments import Fold
from reference_impl.facts import Reader
from reference_impl.standings import CANCELLED, CONFIRMED, REJECTED, SCHEDULED
from reference_impl.tables import appointments

_row = appointments.c


class ByPerson(SingleBook):
    """Changes the other appointments of the person whom an event of *trigger* is about."""

    trigger = ""

    def take(self, connection, fact, kind, at):
        new = super().take(connection, fact, kind, at)
        if new and fact.trigger == self.trigger and not fact.seats:
            for row in self.others(connection, fact):
                mine = update(appointments).where(_row.id == row.id)
                connection.execute(mine.values(**self.change(fact)))
        return new

    def others(self, connection, fact):
        rows = connection.execute(select(appointments)).all()
        people = {one for row in rows if row.uid == fact.uid for one in row.attendees}
        return [row for row in rows if row.uid != fact.uid and people & set(row.attendees)]

    def change(self, fact):
        raise NotImplementedError


@breaks("eff-007", part="book", reasons={"bystander-touched"})
class CancelMatchedByEmail(ByPerson):
    """Cancels whatever the person of a cancelled booking has booked."""

    trigger = "BOOKING_CANCELLED"

    def change(self, fact):
        return {"status": CANCELLED}


@breaks("eff-007", part="book", reasons={"bystander-touched"})
class RescheduleMatchedByPerson(ByPerson):
    """Moves whatever the person of a rescheduled booking has booked."""

    trigger = "BOOKING_RESCHEDULED"

    def change(self, fact):
        return {"start_time": fact.start, "end_time": fact.end}


@breaks("eff-007", part="book", reasons={"bystander-touched"})
class RejectionMatchedByPerson(ByPerson):
    """Rejects whatever the person of a rejected request has booked."""

    trigger = "BOOKING_REJECTED"

    def change(self, fact):
        return {"status": REJECTED}


@breaks(
    *("eff-004", "ord-004", "ord-005"),
    "ord-010",
    "ord-012",
    "ord-015",
    "eff-016",
    part="fold",
    calcom={"ord-013", "eff-005", "eff-011", "eff-014", "eff-020", "eff-023", "ord-006"},
    reasons={"other-time", "still-live", "live-0", "guest-elsewhere"},
)
class IgnoresRescheduled(Fold):
    """Writes the log line of a reschedule and leaves the appointment where it is."""

    def fold(self, facts, own):
        return super().fold([one for one in facts if one.trigger != "BOOKING_RESCHEDULED"], own)


@breaks("eff-002", part="reader", reasons={"appointment-not-confirmed"})
class IgnoresOurAppointmentId(Reader):
    """Makes a second appointment of a booking that carries the number of one of ours."""

    def appointment_id(self, payload):
        return None


@breaks("eff-002", part="book", reasons={"bystander-touched"})
class ConfirmsWhateverWaits(SingleBook):
    """Confirms any appointment of ours that waits when a booking comes without a number."""

    def take(self, connection, fact, kind, at):
        new = super().take(connection, fact, kind, at)
        if new and fact.trigger == "BOOKING_CREATED" and fact.appointment_id is None:
            waiting = update(appointments).where(_row.ours, _row.status == SCHEDULED)
            connection.execute(waiting.values(status=CONFIRMED))
        return new


@breaks("eff-002", part="fold", reasons={"appointment-not-confirmed"})
class ConfirmsOursWithoutItsIds(Fold):
    """Confirms the appointment of ours and does not note which booking it is."""

    def bind(self, appointments, facts, own):
        bound = super().bind(appointments, facts, own)
        for appointment in bound:
            if appointment.own_id is not None:
                appointment.standing.booking_id = None
        return bound


@breaks("eff-003", part="handlers", reasons={"live-0"})
class UnknownAppointmentVanishes(SingleHandlers):
    """Has no else: a booking with a number that leads nowhere is dropped, as in the guide."""

    def act(self, connection, fact):
        if fact.trigger == "BOOKING_CREATED" and fact.appointment_id is not None:
            found = select(_row.id).where(_row.id == fact.appointment_id)
            if connection.scalar(found) is None:
                return
        super().act(connection, fact)


@breaks(calcom={"eff-022"}, part="reader", reasons={"guest-missing"})
class TakesEveryGuestForTheFirst(Reader):
    """Knows a new booking by its trigger and uid, which all guests of a seated one share."""

    def detail(self, envelope):
        return () if envelope.trigger == "BOOKING_CREATED" else super().detail(envelope)
