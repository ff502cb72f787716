"""
The objects that several payloads share: people, answers, calls.

Cal.com builds them anew in each handler, so one person is spelled in several ways.  Source: Cal.com
`CalendarEventBuilder.ts`, `handleConfirmation.ts`, `handleCancelBooking.ts`, `confirm.handler.ts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_calcom.javascript import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_calcom.bookings import Booking
    from mock_calcom.people import Person

Payload = dict[str, Any]

#: The site origin in `bookerUrl`.
BOOKER_URL = "https://cal.com"


def optional(value: Any) -> Any:
    """*value*, or JavaScript's `undefined` where there is none: the key then vanishes."""
    return UNDEFINED if value is None else value


def settled(payload: Mapping[str, Any]) -> Payload:
    """*payload* without the keys that are `undefined`, as a receiver will see it."""
    return {key: value for key, value in payload.items() if value is not UNDEFINED}


def language(person: Person) -> Payload:
    """The `language` object: its `translate` function never reaches the wire."""
    return {"locale": person.locale}


# --- the organizer -------------------------------------------------------------------------------


def organizer(person: Person) -> Payload:
    """The organizer in CREATED, RESCHEDULED, REQUESTED and PAYMENT_INITIATED."""
    return settled(
        {
            "id": person.id,
            "name": person.name,
            "email": person.email,
            "username": optional(person.username),
            "usernameInOrg": optional(person.username_in_org),
            "timeZone": person.time_zone,
            "language": language(person),
            "timeFormat": person.time_format,
        }
    )


def confirmed_organizer(person: Person, *, recent: bool) -> Payload:
    """The organizer in REJECTED, and with *recent* off in CREATED after a confirmation."""
    return settled(
        {
            "id": person.id if recent else UNDEFINED,
            "email": person.email,
            "name": person.name,
            "username": optional(person.username),
            "usernameInOrg": optional(person.username_in_org) if recent else UNDEFINED,
            "timeZone": person.time_zone,
            "timeFormat": person.time_format,
            "language": language(person),
        }
    )


def cancelled_organizer(person: Person) -> Payload:
    """The organizer in CANCELLED."""
    return settled(
        {
            "id": person.id,
            "username": optional(person.username),
            "usernameInOrg": optional(person.username_in_org),
            "email": person.email,
            "name": person.name,
            "timeZone": person.time_zone,
            "timeFormat": person.time_format,
            "language": language(person),
        }
    )


# --- attendees -----------------------------------------------------------------------------------


def attendee(person: Person) -> Payload:
    """An attendee in CREATED, RESCHEDULED, REQUESTED and PAYMENT_INITIATED."""
    return settled(
        {
            "email": person.email,
            "name": person.name,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "timeZone": person.time_zone,
            "language": language(person),
            "phoneNumber": optional(person.phone),
        }
    )


def stored_attendee(person: Person) -> Payload:
    """An attendee as read from the database: CANCELLED, REJECTED, CREATED after confirmation."""
    return {
        "name": person.name,
        "email": person.email,
        "timeZone": person.time_zone,
        "phoneNumber": person.phone,
        "language": language(person),
    }


def row(booking: Booking, index: int, *, no_show: bool = False) -> Payload:
    """An attendee's whole database row: MEETING_*, no-show detection, a cancelled seat."""
    person = booking.guests[index]
    return {
        "id": booking.first_row + index,
        "email": person.email,
        "name": person.name,
        "timeZone": person.time_zone,
        "phoneNumber": person.phone,
        "locale": person.locale,
        "bookingId": booking.id,
        "noShow": no_show,
    }


def rows(booking: Booking) -> list[Payload]:
    """The rows of everybody who takes part."""
    return [row(booking, index) for index in range(len(booking.guests))]


# --- answers -------------------------------------------------------------------------------------


def responses(booking: Booking, *, location: str | None = None) -> Payload:
    """
    The booking form with the event type's labels; a question without answer has no `value`.

    The *location* is the one that was asked for, if the booking has moved to another since.
    """
    return {
        "name": _answer("your_name", booking.booker.name),
        "email": _answer("email_address", booking.booker.email),
        "attendeePhoneNumber": _answer(
            "phone_number", booking.booker.phone, hidden=booking.booker.phone is None
        ),
        "location": _answer("location", {"optionValue": "", "value": location or booking.location}),
        "title": _answer("what_is_this_meeting_about", None, hidden=True),
        "notes": _answer("additional_notes", booking.notes),
        "guests": _answer("additional_guests", list(booking.invited)),
        "rescheduleReason": _answer("reason_for_reschedule", booking.reschedule_reason),
        **own_responses(booking),
    }


def own_responses(booking: Booking) -> Payload:
    """The answers to the questions the host added, which also make `userFieldsResponses`."""
    return {
        question.slug: _answer(question.label, question.value) for question in booking.questions
    }


def stored_responses(booking: Booking) -> Payload:
    """
    The booking form after a round trip through the database.

    `jsonb` sorts keys by length, then bytes; the labels of default questions are lost to their
    names, and `isHidden` is absent.
    """
    answers: Payload = {
        "name": booking.booker.name,
        "email": booking.booker.email,
        "notes": booking.notes,
        "guests": list(booking.invited),
        "rescheduleReason": booking.reschedule_reason,
    }
    labels = {question.slug: question.label for question in booking.questions}
    answers |= {question.slug: question.value for question in booking.questions}
    names = sorted(answers, key=lambda name: (len(name.encode()), name.encode()))
    return {
        name: {"label": labels.get(name, name), "value": answers[name]}
        for name in names
        if answers[name] is not None
    }


def stored_own_responses(booking: Booking) -> Payload:
    """The part of `stored_responses` that the host's own questions make."""
    own = {question.slug for question in booking.questions}
    return {name: entry for name, entry in stored_responses(booking).items() if name in own}


def _answer(label: str, value: Any, *, hidden: bool = False) -> Payload:
    return settled({"label": label, "value": optional(value), "isHidden": hidden})


# --- the call ------------------------------------------------------------------------------------


def conference(booking: Booking) -> Any:
    """`conferenceData`, which only calls made by an integration have."""
    if not booking.room:
        return UNDEFINED
    return {"createRequest": {"requestId": booking.request_id}}


def video_call(booking: Booking) -> Any:
    """`videoCallData` with the room's token."""
    if not booking.room:
        return UNDEFINED
    room = booking.room
    return {
        "type": "daily_video",
        "id": room.id,
        "password": room.password,
        "url": f"https://{room.site}.daily.co/{room.id}",
    }


def apps_status(booking: Booking) -> Any:
    """`appsStatus`: which integrations were called and how that went."""
    if not booking.room:
        return UNDEFINED
    return [
        {"appName": "daily-video", "type": "daily_video", "success": 1, "failures": 0, "errors": []}
    ]


def metadata(booking: Booking) -> Payload:
    """The open map: where the call is, then the caller's own keys."""
    own = dict(booking.metadata)
    return {"videoCallUrl": booking.video_url, **own} if booking.video_url else own


def team(booking: Booking) -> Any:
    """The team that offers the event type; personal event types have none."""
    return optional(booking.event_type.team)


def event_type(booking: Booking) -> Payload:
    """What the handlers add about the event type; its price is the booking's."""
    kind = booking.event_type
    return {
        "eventTitle": kind.title,
        "eventDescription": kind.description,
        "price": booking.price,
        "currency": booking.currency,
        "length": kind.length,
    }
