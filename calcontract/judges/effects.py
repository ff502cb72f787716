"""
What the receiver's world has to look like afterwards.

Only what any sound receiver keeps is asked for: appointments with a status and a time, and, where
the probe shows them, effects counted per occurrence and records per delivery.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

from calcontract.errors import NotApplicable, Violation
from calcontract.handling import KINDS
from calcontract.probes import Appointment, Look


def _times(count: int) -> str:
    return {0: "not at all", 1: "once"}.get(count, f"{count} times")


def _count(look: Look, trigger: str, uid: str) -> int:
    """How often *trigger* took effect on the booking *uid*."""
    kinds = KINDS.get(trigger, ())
    return sum(effect.uid == uid and effect.kind in kinds for effect in look.effects)


def _inbox(look: Look, trigger: str, uid: str) -> str:
    """What the inbox says of the deliveries of *trigger*, as a remark; nothing if it is hidden."""
    if not look.records and not look.totals.get("deliveries"):
        return ""
    records = [record for record in look.records if (record.trigger, record.uid) == (trigger, uid)]
    states = ", ".join(
        f"{record.state} after {record.tries} {'try' if record.tries == 1 else 'tries'}"
        + ("" if record.next_try_seconds is None else f", next in {record.next_try_seconds:.1f} s")
        for record in records
    )
    return f" (in the inbox: {states})" if states else " (not in the inbox)"


def happened(look: Look, *, trigger: str, uid: str, occurrences: int) -> None:
    """
    As many effects of *trigger* on the booking *uid* as there were *occurrences*.

    Raises:
        Violation: if there are more or fewer.
    """
    count = _count(look, trigger, uid)
    if count != occurrences:
        raise Violation(
            f"{trigger} of booking {uid} took effect {_times(count)}{_inbox(look, trigger, uid)}",
            expected=f"its effect {_times(occurrences)}",
            reason="effect-missing" if count < occurrences else "effect-repeated",
        )


def nothing(look: Look, uids: Collection[str]) -> None:
    """
    No appointment and no effect of the bookings *uids*.

    Raises:
        Violation: if there is one.
    """
    if look.appointments:
        found = look.appointments[0]
        raise Violation(
            f"there is an appointment with status {found.status} for {found.uid}",
            expected="no effect",
            reason="effect-unexpected",
        )
    unexpected = [effect for effect in look.effects if effect.uid in uids]
    if unexpected:
        raise Violation(
            f"there is an effect {unexpected[0].kind!r} of booking {unexpected[0].uid}",
            expected="no effect",
            reason="effect-unexpected",
        )


def at_most_one(look: Look, uid: str) -> None:
    """
    One effect on the booking *uid* at the most, of whatever kind, and one appointment.

    Raises:
        Violation: if there are more.
    """
    kinds = [effect.kind for effect in look.effects if effect.uid == uid]
    if len(kinds) > 1 or len(look.appointments) > 1:
        raise Violation(
            f"there are {len(look.appointments)} appointments and the effects {kinds}",
            expected="one effect at the most",
            reason="effect-repeated",
        )


def unchanged(before: Look, after: Look) -> None:
    """
    The same totals of appointments, effects and notices before and after.

    Raises:
        Violation: if one of them changed.
    """
    for name in ("appointments", "effects", "notices"):
        if before.totals.get(name) != after.totals.get(name):
            raise Violation(
                f"the number of {name} went from {before.totals.get(name)} "
                f"to {after.totals.get(name)}",
                expected="nothing to change",
                reason="changed",
            )


def same(before: Look, after: Look) -> None:
    """
    The same appointments, in every field, and as many effects before and after.

    Totals are left out: they belong to everybody who uses the receiver.

    Raises:
        Violation: if an appointment differs, came or went, or an effect was added.
    """
    if before.appointments != after.appointments:
        raise Violation(
            "an appointment is no longer what it was",
            expected="nothing to change",
            reason="changed",
        )
    if len(before.effects) != len(after.effects):
        raise Violation(
            f"{len(before.effects)} effects became {len(after.effects)}",
            expected="nothing to change",
            reason="changed",
        )


def require_appointments(look: Look) -> None:
    """
    Leave appointments unjudged where there are none by design.

    Raises:
        NotApplicable: if the receiver keeps none.
    """
    if not look.keeps_appointments:
        raise NotApplicable("the receiver keeps no appointments", reason="keeps-none")


def one(look: Look, *, history: bool = False) -> Appointment:
    """
    The single appointment that *look* shows, live or not.

    Args:
        look: what the receiver shows.
        history: whether it may keep what an appointment was before, as one that is over.

    Raises:
        Violation: if there is none, or more than one.
        NotApplicable: if the receiver keeps none.
    """
    require_appointments(look)
    kept = look.appointments
    if history:
        kept = [appointment for appointment in kept if appointment.live] or kept[-1:]
    if len(kept) != 1:
        raise Violation(
            f"there are {len(kept)} appointments",
            expected="one appointment",
            reason="appointments-missing" if not kept else "appointments-doubled",
        )
    return kept[0]


def one_at_most(look: Look, *, history: bool = False) -> None:
    """
    No second appointment; of *history* as `one` says.

    Raises:
        Violation: if there is one.
        NotApplicable: if the receiver keeps none.
    """
    require_appointments(look)
    if look.appointments:
        one(look, history=history)


def single(look: Look, *, history: bool = False) -> None:
    """
    One appointment, if the receiver keeps any; of *history* as `one` says.

    Raises:
        Violation: if it keeps some and there is none here, or more than one.
    """
    if look.keeps_appointments:
        one(look, history=history)


def distinct(look: Look) -> None:
    """
    No two appointments under one uid.

    Raises:
        Violation: if there are.
    """
    uids = [appointment.uid for appointment in look.appointments]
    doubled = sorted(uid for uid in {*uids} if uid is not None and uids.count(uid) > 1)
    if doubled:
        raise Violation(
            f"there are {uids.count(doubled[0])} appointments of booking {doubled[0]}",
            expected="one appointment of each booking",
            reason="appointments-doubled",
        )


def live_once(look: Look, *, start: dt.datetime, end: dt.datetime) -> None:
    """
    One confirmed appointment from *start* to *end*, and no other live one.

    Raises:
        Violation: if none or more are live, or it is not confirmed, or is at another time.
        NotApplicable: if the receiver keeps no appointments.
    """
    require_appointments(look)
    live = [appointment for appointment in look.appointments if appointment.live]
    expected = f"one confirmed appointment at {start.isoformat()}"
    if len(live) != 1:
        raise Violation(
            f"{len(live)} appointments are live", expected=expected, reason=f"live-{len(live)}"
        )
    if live[0].status != "confirmed":
        raise Violation(
            f"the appointment is {live[0].status}", expected=expected, reason=live[0].status
        )
    if (live[0].start, live[0].end) != (start, end):
        shown = live[0].start.isoformat() if live[0].start else "no time"
        raise Violation(f"it is at {shown}", expected=expected, reason="other-time")


def over(look: Look, *, status: str | None) -> None:
    """
    No live appointment, and if *status* is given, one that carries it.

    Raises:
        Violation: if one is live, or none says how it ended.
        NotApplicable: if the receiver keeps no appointments.
    """
    require_appointments(look)
    live = [appointment for appointment in look.appointments if appointment.live]
    expected = f"the booking to be {status}" if status else "nothing live"
    if live:
        raise Violation(
            f"an appointment is still {live[0].status}", expected=expected, reason="still-live"
        )
    if status and not any(appointment.status == status for appointment in look.appointments):
        raise Violation(
            f"no appointment says {status}", expected=expected, reason="appointments-missing"
        )


def not_confirmed(look: Look) -> None:
    """
    No appointment that is confirmed.

    Raises:
        Violation: if there is one.
    """
    if any(appointment.status == "confirmed" for appointment in look.appointments):
        raise Violation(
            "the appointment is confirmed", expected="no confirmation", reason="confirmed"
        )


def unevaluated(look: Look, *, result: str, mark: str) -> None:
    """
    No appointment whose title shows *result*, which only an evaluation can have brought there.

    Args:
        look: what the receiver shows.
        result: what the text comes to.
        mark: what stands beside the text and in no other.

    Raises:
        Violation: if there is one.
        NotApplicable: if the receiver shows nothing of the title.
    """
    require_appointments(look)
    for appointment in look.appointments:
        if result in (appointment.title or ""):
            raise Violation(
                "the title shows what a sum in it comes to",
                expected="the sum to stay text",
                reason="evaluated",
            )
    if not any(mark in (appointment.title or "") for appointment in look.appointments):
        raise _untold()


def _untold() -> NotApplicable:
    return NotApplicable("the probe shows nothing of the title", reason="not-shown")


def seated(look: Look, *, uid: str, guests: Collection[str], occurrences: int) -> None:
    """
    Each of several seats of the booking *uid* has taken effect, or its guest is an attendee.

    Args:
        look: what the receiver shows.
        uid: the booking that they share.
        guests: the addresses of those who sit there.
        occurrences: how often somebody took a seat.

    Raises:
        Violation: if less took effect, and a guest is missing.
    """
    count = _count(look, "BOOKING_CREATED", uid)
    shown = {address for one in look.appointments if one.live for address in one.attendees}
    missing = {*guests} - shown
    if count < occurrences and missing:
        raise Violation(
            f"{occurrences} seats took effect {_times(count)}, and {len(missing)} of "
            f"{len({*guests})} guests are not among the attendees",
            expected="an effect of each seat, or each guest among the attendees",
            reason="guest-missing",
        )


def entitled(look: Look, title: str, *, mark: str) -> None:
    """
    The one appointment under *title*, or under a title of the receiver's own.

    Args:
        look: what the receiver shows.
        title: the title as it was sent.
        mark: what stands in it and in no other text.

    Raises:
        Violation: if it shows the title otherwise than it was sent.
        NotApplicable: if it shows nothing of it.
    """
    shown = one(look).title or ""
    if title in shown:
        return
    if mark not in shown:
        raise _untold()
    raise Violation(
        f"the title is {shown[:120]!r}", expected=f"the title {title!r}", reason="altered"
    )


def recorded_once(look: Look) -> None:
    """
    One record of the delivery in the inbox.

    Raises:
        Violation: if there are none, or more than one.
    """
    if len(look.records) != 1:
        raise Violation(
            f"the inbox holds {len(look.records)} records of it",
            expected="one record",
            reason="records-missing" if not look.records else "records-doubled",
        )


def bounded(look: Look, bodies: Mapping[tuple[str, str], int]) -> None:
    """
    No booking with more effects than there were different *bodies*, counted by trigger and uid.

    Raises:
        Violation: if one has.
    """
    for (trigger, uid), count in bodies.items():
        found = _count(look, trigger, uid)
        if found > count:
            raise Violation(
                f"{trigger} of booking {uid} took effect {_times(found)} by now",
                expected=f"at most {_times(count)}",
                reason="effect-repeated",
            )
