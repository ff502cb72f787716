"""Mutants that mend some orders of arrival and not all of them."""

from __future__ import annotations

import dataclasses

from gallery import breaks
from singly import SingleBook, SingleWorker
from sqlalchemy import select, update

from reference_impl import envelope, instants
from reference_impl.appointments import Fold
from reference_impl.receiver import Receiver
from reference_impl.tables import appointments, effects, webhook_events

_row = webhook_events.c
_home = effects.c

#: So many events of a booking are put in order.
_ORDERED = 3


class NothingIsFinal(Fold):
    """Lets what it takes for the last event undo a cancellation."""

    def final(self, standing):
        return False

    def head(self, group, replaced):
        return sorted(group, key=lambda booking: booking.last, reverse=True)


@breaks(
    "ord-010",
    part="book",
    beside={"fold": NothingIsFinal},
    calcom={"ord-012", "ord-013"},
    reasons={"other-time", "still-live", "live-0"},
)
class OrdersThreeEvents(SingleBook):
    """Puts three events of a booking in order, and takes any further one for the last."""

    def take(self, connection, fact, kind, at):
        if len(self.related(connection, [fact]).facts) >= _ORDERED:
            fact = dataclasses.replace(fact, happened=at)
        return super().take(connection, fact, kind, at)


@breaks("ord-011", part="receiver", reasons={"went-back"})
class RedeliveredRescheduleMovesBack(Receiver):
    """Upserts the slot when the same bytes of a reschedule come again."""

    def duplicate(self, entry):
        told = envelope.read(entry.body).payload
        if entry.trigger == "BOOKING_RESCHEDULED":
            mine = select(_home.appointment_id).where(_home.uid == entry.uid)
            slot = {
                "start_time": instants.parse(told["startTime"]),
                "end_time": instants.parse(told["endTime"]),
            }
            with self.inbox._store.write() as connection:
                moved = update(appointments).where(appointments.c.id.in_(mine))
                connection.execute(moved.values(**slot))
        return super().duplicate(entry)


@breaks("ord-011", part="receiver", reasons={"went-back"})
class RedeliveredRequestReopens(Receiver):
    """Asks the host again when the same bytes of a request come again."""

    def duplicate(self, entry):
        if entry.trigger == "BOOKING_REQUESTED":
            with self.inbox._store.write() as connection:
                mine = update(appointments).where(appointments.c.uid == entry.uid)
                connection.execute(mine.values(status="requested"))
        return super().duplicate(entry)


@breaks(
    "ord-015",
    part="worker",
    reasons={"still-live", "other-time", "appointments-missing", "live-0"},
)
class KeepsTheFirstOfABurst(SingleWorker):
    """Takes the events of a booking that wait behind one another for repetitions of the first."""

    def work(self, job):
        behind = (_row.state == "waiting") & (_row.tries == 0) & (_row.id != job.id)
        mine = select(_row.booking).where(_row.id == job.id)
        with self.store.write() as connection:
            same = update(webhook_events).where(behind, _row.booking.in_(mine))
            connection.execute(same.values(state="done"))
        super().work(job)


@breaks(calcom={"ord-014"}, part="book", reasons={"live-0"})
class SeatOfTheUnknownEndsAll(SingleBook):
    """Takes the return of a seat in a booking that it does not know for the end of the booking."""

    def take(self, connection, fact, kind, at):
        gone = fact.trigger == "BOOKING_CANCELLED" and fact.seats
        if gone and not self.related(connection, [fact]).facts:
            fact = dataclasses.replace(fact, seats=None)
        return super().take(connection, fact, kind, at)
