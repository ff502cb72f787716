"""
Which payload builder speaks for a booking's occurrence, by dialect and path.

Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_calcom.payloads import booked, cancelled, decided, guide, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_calcom.bookings import Booking
    from mock_calcom.payloads.parts import Payload
    from mock_calcom.profiles import Profile

#: The builders of the guide's dialect.
_GUIDE: dict[str, Callable[[Booking], Payload]] = {
    "BOOKING_CREATED": guide.created,
    "BOOKING_RESCHEDULED": guide.rescheduled,
    "BOOKING_CANCELLED": guide.cancelled,
    "BOOKING_CONFIRMED": guide.confirmed,
    "BOOKING_REJECTED": guide.rejected,
    "BOOKING_REQUESTED": guide.requested,
    "BOOKING_PAYMENT_INITIATED": guide.payment_initiated,
}

#: What the task path builds; other triggers are sent directly even there.
_TASKED = frozenset(
    {
        "BOOKING_CREATED",
        "BOOKING_RESCHEDULED",
        "BOOKING_REQUESTED",
        "BOOKING_CANCELLED",
        "BOOKING_REJECTED",
        "BOOKING_PAYMENT_INITIATED",
        "BOOKING_PAID",
    }
)


def payload(
    trigger: str,
    booking: Booking,
    profile: Profile,
    *,
    form: str | None = None,
    before: Booking | None = None,
) -> Payload:
    """
    What Cal.com says of *booking* when *trigger* happens to it.

    Args:
        trigger: the kind of occurrence.
        booking: as it is afterwards.
        profile: the sender.
        form: which of the trigger's variants, named after the action that leads to it.
        before: the booking before, where the payload tells of it.
    """
    if profile.dialect == "guide":
        return _GUIDE[trigger](booking)
    if profile.path == "task" and trigger in _TASKED:
        return task.booking(trigger, booking, reschedule_wanted=form == "reschedule_wanted")
    return _direct(trigger, booking, profile, form, before or booking)


def _direct(
    trigger: str, booking: Booking, profile: Profile, form: str | None, before: Booking
) -> dict[str, Any]:
    recent, zone = profile.recent, profile.server_zone
    builders: dict[tuple[str, str | None], Callable[[], Payload]] = {
        ("BOOKING_CREATED", None): lambda: booked.created(booking, recent=recent),
        ("BOOKING_CREATED", "confirmed"): lambda: decided.confirmed(booking),
        ("BOOKING_CREATED", "by_payment"): lambda: decided.created_by_payment(booking),
        ("BOOKING_CREATED", "later_seat"): lambda: booked.later_seat(booking, recent=recent),
        ("BOOKING_REQUESTED", None): lambda: booked.requested(booking, recent=recent),
        ("BOOKING_REQUESTED", "after_payment"): lambda: booked.requested_after_payment(
            booking, recent=recent
        ),
        ("BOOKING_RESCHEDULED", None): lambda: booked.rescheduled(booking, recent=recent),
        ("BOOKING_RESCHEDULED", "moved_seat"): lambda: booked.moved_seat(booking, recent=recent),
        ("BOOKING_PAYMENT_INITIATED", None): lambda: booked.payment_initiated(
            booking, recent=recent
        ),
        ("BOOKING_PAID", None): lambda: decided.paid(booking),
        ("BOOKING_REJECTED", None): lambda: decided.rejected(booking, recent=recent),
        ("BOOKING_CANCELLED", None): lambda: cancelled.cancelled(booking, zone=zone, recent=recent),
        ("BOOKING_CANCELLED", "seat"): lambda: cancelled.cancelled(
            booking, zone=zone, recent=recent, seat=0
        ),
        ("BOOKING_CANCELLED", "series"): lambda: cancelled.cancelled(
            booking, zone=zone, recent=recent, whole_series=True
        ),
        ("BOOKING_CANCELLED", "reschedule_wanted"): lambda: cancelled.reschedule_wanted(
            booking, zone=zone, recent=recent
        ),
        ("BOOKING_LOCATION_UPDATED", None): lambda: booked.location_updated(
            booking, before.location
        ),
        ("BOOKING_REASSIGNED", None): lambda: booked.reassigned(booking, before.host.id or 0),
    }
    return builders[trigger, form]()
