"""Mutants that move or end an appointment for what happens beside its booking."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo

from gallery import breaks
from singly import SingleBook, SingleWorker
from sqlalchemy import select, update

from reference_impl import instants
from reference_impl.appointments import Fold
from reference_impl.facts import Reader
from reference_impl.standings import CANCELLED, REJECTED
from reference_impl.tables import appointments, effects

_row = appointments.c
_home = effects.c

_WEEK = 7 * 24 * 3600 * 1_000_000


@breaks("eff-016", "ord-010", calcom={"ord-013"}, part="book", reasons={"other-time"})
class KnowsThatSlotAlready(SingleBook):
    """Puts back what a reschedule to a slot that the booking had before has changed."""

    def take(self, connection, fact, kind, at):
        if fact.trigger != "BOOKING_RESCHEDULED":
            return super().take(connection, fact, kind, at)
        had = {one.start for one in self.related(connection, [fact]).facts.values()}
        mine = [uid for uid in (fact.uid, fact.previous_uid) if uid]
        row = connection.execute(select(appointments).where(_row.uid.in_(mine))).first()
        new = super().take(connection, fact, kind, at)
        if new and row is not None and fact.start in had:
            slot = {"start_time": row.start_time, "end_time": row.end_time}
            connection.execute(update(appointments).where(_row.id == row.id).values(**slot))
        return new


class BySlot(SingleBook):
    """Changes the other appointments of the slot that an event of *trigger* frees."""

    trigger = ""

    def take(self, connection, fact, kind, at):
        before = self.slots(connection, fact)
        new = super().take(connection, fact, kind, at)
        if new and fact.trigger == self.trigger:
            home = select(_home.appointment_id).where(_home.uid == fact.uid)
            found = _row.start_time.in_(before) & _row.id.not_in(home)
            others = update(appointments).where(found)
            connection.execute(others.values(**self.change(fact)))
        return new

    def slots(self, connection, fact):
        """Where the booking of *fact* stands now."""
        mine = [uid for uid in (fact.uid, fact.previous_uid) if uid]
        query = select(_row.start_time).where(_row.uid.in_(mine), _row.start_time.is_not(None))
        return list(connection.scalars(query))

    def change(self, fact):
        raise NotImplementedError


@breaks("eff-017", part="book", reasons={"bystander-touched"})
class CancelMatchedBySlot(BySlot):
    """Cancels whatever stands in the slot of a cancelled booking."""

    trigger = "BOOKING_CANCELLED"

    def change(self, fact):
        return {"status": CANCELLED}


@breaks("eff-017", part="book", reasons={"bystander-touched"})
class RescheduleMatchedBySlot(BySlot):
    """Moves whatever stands in the slot of a rescheduled booking."""

    trigger = "BOOKING_RESCHEDULED"

    def change(self, fact):
        return {"start_time": fact.start, "end_time": fact.end}


@breaks("eff-017", part="book", reasons={"bystander-touched"})
class RejectionMatchedBySlot(BySlot):
    """Rejects whatever stands in the slot of a rejected request."""

    trigger = "BOOKING_REJECTED"

    def change(self, fact):
        return {"status": REJECTED}


@breaks("eff-018", part="reader", reasons={"other-time"})
class TrustsTheOffset(Reader):
    """Corrects a slot by what the organizer's offset and their time zone disagree about."""

    def read(self, envelope, received_at):
        fact = super().read(envelope, received_at)
        organizer = envelope.payload.get("organizer")
        person = organizer if isinstance(organizer, dict) else {}
        offset, zone = person.get("utcOffset"), person.get("timeZone")
        if offset is None or zone is None or fact.start is None or fact.end is None:
            return fact
        here = instants.to_datetime(fact.start).astimezone(zoneinfo.ZoneInfo(zone))
        wrong = (here.utcoffset() - dt.timedelta(minutes=offset)) // dt.timedelta(microseconds=1)
        return dataclasses.replace(fact, start=fact.start + wrong, end=fact.end + wrong)


class Beside(SingleWorker):
    """Cancels the appointment of a booking beside which a *trigger* happens."""

    trigger = ""

    def work(self, job):
        if job.trigger == self.trigger:
            with self.store.write() as connection:
                mine = update(appointments).where(_row.uid == job.uid)
                connection.execute(mine.values(status=CANCELLED))
        super().work(job)


@breaks(calcom={"eff-019"}, part="worker", reasons={"live-0"})
class MeetingEndedEndsIt(Beside):
    """Takes the end of the meeting for the end of its booking."""

    trigger = "MEETING_ENDED"

    def work(self, job):
        super().work(job)


@breaks(calcom={"eff-019"}, part="worker", reasons={"live-0"})
class NoShowCancels(Beside):
    """Cancels the appointment of a guest who did not come."""

    trigger = "BOOKING_NO_SHOW_UPDATED"

    def work(self, job):
        super().work(job)


@breaks(calcom={"eff-020"}, part="fold", reasons={"still-live"})
class EmptySeatsStayLive(Fold):
    """Removes the last guest of a seated booking and keeps the booking."""

    def seats_cancelled(self, standing, fact):
        status = standing.status
        super().seats_cancelled(standing, fact)
        if len(fact.attendees) == 1:
            standing.status = status


@breaks(calcom={"eff-021"}, part="book", reasons={"live-0"})
class SeriesEndsAsOne(SingleBook):
    """Cancels every week of a series when one of them is called off."""

    def take(self, connection, fact, kind, at):
        new = super().take(connection, fact, kind, at)
        if new and fact.trigger == "BOOKING_CANCELLED" and not fact.seats and fact.start:
            for row in connection.execute(select(appointments)).all():
                apart = abs((row.start_time or 0) - fact.start)
                if set(row.attendees) & set(fact.attendees or ()) and not apart % _WEEK:
                    gone = update(appointments).where(_row.id == row.id)
                    connection.execute(gone.values(status=CANCELLED))
        return new
