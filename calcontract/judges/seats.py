"""
What the slots of a seated booking have to look like, by who sits in each.

Which appointment it is that a slot has is the receiver's own business: they are told apart by when
they begin, and when they end is another clause's business.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from calcontract.errors import NotApplicable, Violation
from calcontract.judges.effects import require_appointments
from calcontract.probes import Appointment, Look

#: The addresses of those who sit in each slot, by its beginning; nobody, where all have left.
Seating = Mapping[dt.datetime, Collection[str]]


def _live(look: Look) -> list[Appointment]:
    require_appointments(look)
    return [appointment for appointment in look.appointments if appointment.live]


def _at(appointments: Collection[Appointment], start: dt.datetime) -> list[Appointment]:
    return [one for one in appointments if one.start == start]


def live_while_taken(look: Look, seating: Seating) -> None:
    """
    What is confirmed in each slot in which somebody sits, once, and nothing else that is live.

    That is one appointment, or one for each guest who sits there: who keeps a row for each guest
    may show them as they are.

    Raises:
        Violation: if such a slot has none or more, or one that is not confirmed, or an appointment
            is live elsewhere.
        NotApplicable: if the receiver keeps no appointments.
    """
    live = _live(look)
    for start, sitting in sorted((start, guests) for start, guests in seating.items() if guests):
        expected = f"one confirmed appointment at {start.isoformat()}, where somebody sits"
        found = _at(live, start)
        if len(found) != 1 and not _one_for_each(found, sitting):
            raise Violation(
                f"{len(found)} appointments are live then",
                expected=f"{expected}, or one that lists each guest alone",
                reason=f"live-{len(found)}",
            )
        for one in found:
            if one.status != "confirmed":
                raise Violation(
                    f"the appointment is {one.status}", expected=expected, reason=one.status
                )
            live.remove(one)
    if live:
        shown = live[0].start.isoformat() if live[0].start else "no time"
        raise Violation(
            f"an appointment at {shown} is still {live[0].status}",
            expected="nothing live where nobody sits",
            reason="still-live",
        )


def _one_for_each(appointments: Collection[Appointment], sitting: Collection[str]) -> bool:
    """Whether there are *appointments*, each of which lists one of those *sitting*, all another."""
    listed = [_lowered(one.attendees) & _lowered(sitting) for one in appointments]
    alone = all(len(guests) == 1 for guests in listed)
    return bool(listed) and alone and len(set().union(*listed)) == len(listed)


def listed(look: Look, seating: Seating) -> None:
    """
    Everybody among the attendees of the slot in which they sit, and of no other that is live.

    Raises:
        Violation: if a guest is missing there, or is listed elsewhere.
        NotApplicable: if the receiver keeps no appointments, or shows no attendees.
    """
    live = _live(look)
    if not any(appointment.attendees for appointment in live):
        raise NotApplicable("the probe shows no attendees", reason="not-shown")
    everybody = _lowered(guest for guests in seating.values() for guest in guests)
    for start, guests in sorted(seating.items()):
        found, sitting = _at(live, start), _lowered(guests)
        if not found:
            # One cause is to read as one failure: what has to be live is another clause's business.
            continue
        shown = _lowered(address for one in found for address in one.attendees)
        expected = f"at {start.isoformat()} those who sit there, and nobody else of them"
        if missing := sitting - shown:
            raise Violation(
                f"{len(missing)} of {len(sitting)} guests are not among the attendees",
                expected=expected,
                reason="guest-missing",
            )
        if strangers := shown & (everybody - sitting):
            raise Violation(
                f"{len(strangers)} of the attendees sit in another slot",
                expected=expected,
                reason="guest-elsewhere",
            )


def _lowered(addresses: Iterable[str]) -> set[str]:
    return {address.lower() for address in addresses}
