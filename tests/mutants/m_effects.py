"""Mutants that let the right event have the wrong effect on a booking's standing."""

from __future__ import annotations

import dataclasses

from gallery import breaks

from reference_impl.appointments import Fold
from reference_impl.standings import CONFIRMED, INTRODUCE, NO_REASON


@breaks(
    part="fold",
    calcom={
        "ord-010",
        "ord-012",
        "ord-013",
        "ord-015",
        "eff-016",
        "eff-004",
        "eff-005",
        "eff-011",
        "eff-014",
        "eff-020",
        "eff-023",
        "ord-004",
        "ord-005",
        "ord-006",
    },
    reasons={"other-time", "still-live", "live-0", "guest-elsewhere"},
)
class ReschedulesByNewUid(Fold):
    """Looks a rescheduled booking up by its new uid, finds none, and lets it be."""

    def fold(self, facts, own):
        facts = list(facts)
        known = {fact.uid for fact in facts if fact.trigger in INTRODUCE}
        found = [
            fact for fact in facts if fact.trigger != "BOOKING_RESCHEDULED" or fact.uid in known
        ]
        return super().fold(found, own)


@breaks(
    part="fold",
    calcom={
        "ord-010",
        "ord-012",
        "ord-013",
        "ord-015",
        "eff-016",
        "eff-004",
        "eff-005",
        "ord-004",
        "ord-005",
        "ord-006",
    },
    reasons={"live-2", "live-3", "live-4", "still-live"},
)
class RescheduleLeavesGhost(Fold):
    """Takes a reschedule for a new booking, and leaves the old one live."""

    def may_link(self, fact):
        return fact.trigger != "BOOKING_RESCHEDULED" and super().may_link(fact)


@breaks(
    part="fold",
    calcom={"ord-010", "ord-013", "ord-015", "eff-005", "ord-006"},
    reasons={"still-live"},
)
class KeepsTheFirstUid(Fold):
    """Moves a rescheduled booking and keeps its old uid, so that no cancellation finds it."""

    def fold(self, facts, own):
        facts = list(facts)
        known = {fact.uid for fact in facts}
        moved = {
            fact.uid
            for fact in facts
            if fact.trigger == "BOOKING_RESCHEDULED" and fact.previous_uid in known - {fact.uid}
        }
        found = [
            fact for fact in facts if fact.trigger != "BOOKING_CANCELLED" or fact.uid not in moved
        ]
        return super().fold(found, own)


@breaks(
    *("eff-004", "ord-004", "ord-005"),
    "ord-010",
    "ord-012",
    "ord-015",
    "eff-016",
    part="fold",
    calcom={"ord-013", "eff-014"},
    reasons={"other-time"},
)
class MovesTheStartAlone(Fold):
    """Moves the start of a rescheduled booking and forgets its end."""

    def rescheduled(self, standing, fact):
        super().rescheduled(standing, dataclasses.replace(fact, end=fact.start))


@breaks(
    *("eff-005", "ord-001", "ord-002", "ord-006", "ord-009"),
    *("ord-010", "ord-015", "rty-007", "rty-008"),
    part="fold",
    guide={"eff-006"},
    calcom={"ord-013", "ord-014", "eff-020", "eff-021", "eff-011", "eff-014", "evt-010"},
    reasons={"still-live", "cancellation-reason"},
)
class IgnoresCancelled(Fold):
    """Writes the log line of a cancellation and leaves the appointment as it is."""

    def fold(self, facts, own):
        return super().fold([one for one in facts if one.trigger != "BOOKING_CANCELLED"], own)


@breaks("eff-008", part="fold", reasons={"confirmed"})
class ConfirmsOnPaymentInitiated(Fold):
    """Confirms a booking as soon as somebody opens the payment page."""

    def payment_initiated(self, standing, fact):
        super().payment_initiated(standing, fact)
        standing.status = CONFIRMED


@breaks("eff-009", part="fold", reasons={"confirmed"})
class ConfirmsOnRequested(Fold):
    """Takes a request for a booking."""

    def requested(self, standing, fact):
        super().requested(standing, fact)
        standing.status = CONFIRMED


@breaks("eff-010", "ord-007", "ord-012", part="fold", reasons={"still-live"})
class IgnoresRejected(Fold):
    """Has no branch for BOOKING_REJECTED."""

    def rejected(self, standing, fact):
        self.complete(standing, fact)


@breaks("eff-010", "ord-007", "ord-012", part="fold", reasons={"still-live"})
class RejectedIsABooking(Fold):
    """Takes every event but a cancellation for a booking, also the host's refusal."""

    def rejected(self, standing, fact):
        self.complete(standing, fact)
        standing.status = CONFIRMED


@breaks("eff-010", part="fold", reasons={"still-live"})
class RejectionOfUnknownIsLive(Fold):
    """Upserts on every event: the rejection of an unknown request makes a live appointment."""

    def rejected(self, standing, fact):
        if standing.uid is None and standing.start is None:
            self.created(standing, fact)
        else:
            super().rejected(standing, fact)


@breaks("eff-011", "ord-014", part="fold", reasons={"live-0"})
class SeatCancelKillsAll(Fold):
    """Cancels the whole slot when one guest gives a seat back."""

    def cancelled(self, standing, fact):
        super().cancelled(standing, dataclasses.replace(fact, seats=None))


@breaks("eff-011", "ord-014", "eff-020", part="fold", reasons={"still-live"})
class SeatedBookingNeverEnds(Fold):
    """Takes every cancellation in a seated booking for one seat, and one seat for nothing."""

    def cancelled(self, standing, fact):
        if fact.seats:
            self.complete(standing, fact)
        else:
            super().cancelled(standing, fact)


@breaks(calcom={"eff-011"}, part="fold", reasons={"live-0"})
class MovedSeatTakesAll(Fold):
    """Takes the reschedule of one seat for that of the whole booking."""

    def moves_seat(self, fact):
        return False


@breaks(
    calcom={"eff-011", "eff-020", "eff-023"}, part="fold", reasons={"live-0", "guest-elsewhere"}
)
class SeatsDoNotMove(Fold):
    """Leaves a guest whose seat moved where the seat was."""

    def fold(self, facts, own):
        return super().fold([fact for fact in facts if not self.moves_seat(fact)], own)


@breaks(calcom={"eff-020", "eff-023"}, part="fold", reasons={"still-live", "guest-elsewhere"})
class MoverSitsTwice(Fold):
    """Adds a guest whose seat moved to the new slot, and forgets to remove them from the old."""

    def seat_moved(self, standing, fact):
        pass


@breaks("eff-014", "ord-013", part="fold", calcom={"eff-020"}, reasons={"live-0"})
class RequestReschedulesFinal(Fold):
    """Takes the host's wish for another time for the end: no reschedule brings the booking back."""

    def head(self, group, replaced):
        rest = super().head(group, replaced)
        return sorted(rest, key=lambda booking: booking.standing.live)


@breaks("eff-015", part="fold", reasons={"appointments-doubled"})
class RequestedRescheduleIsSecond(Fold):
    """Takes a reschedule that waits for confirmation for a new request."""

    def may_link(self, fact):
        return fact.trigger != "BOOKING_REQUESTED" and super().may_link(fact)


@breaks("eff-006", part="fold", reasons={"cancellation-reason"})
class OverwritesReason(Fold):
    """Puts its own words in place of the reason that was given."""

    def end(self, standing, status, fact):
        super().end(standing, status, dataclasses.replace(fact, reason=NO_REASON))


@breaks("eff-006", part="fold", reasons={"cancellation-reason"})
class LeavesReasonEmpty(Fold):
    """Keeps no reason where none is given."""

    def end(self, standing, status, fact):
        super().end(standing, status, fact)
        standing.reason = fact.reason
