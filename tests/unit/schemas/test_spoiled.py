"""
What the schemas refuse: a valid body in which exactly one thing is wrong.

Each row names a place and the values that may not stand there; the complaint has to name the same
place, so that no row passes because something else is wrong.
"""

from __future__ import annotations

import itertools

import pytest

from tests.schema_tools import (
    CALCOM_SCHEMAS,
    GUIDE_SCHEMAS,
    MEETINGS,
    REMOVED,
    accepts,
    complaint_path,
    complaints,
    example,
    fast_complaints,
    spoil,
)

BAD_TEXT = (REMOVED, None, 5, ["text"])
BAD_ID = (REMOVED, None, 5, "")
BAD_WHOLE_NUMBER = ("5", 1.5, True)
BAD_FLAG = ("true", 1)
BAD_OPTIONAL_TEXT = (5, ["text"], {})
BAD_OBJECT = (REMOVED, None, [], "text")
BAD_OPTIONAL_OBJECT = ([], "text", 5)
BAD_LIST = (REMOVED, None, {}, "text")
NOT_TIMES = (
    "",
    "tomorrow",
    1783947600,
    "2026-07-14",
    "2026-07-14T13:00:00",
    "2026-07-14 13:00:00Z",
    "2026-07-14T13:00Z",
    "2026-07-14T25:00:00Z",
    "2026-13-14T13:00:00Z",
    "2026-02-30T13:00:00Z",
    "2026-07-14T13:00:00.Z",
    "2026-07-14T13:00:00+0200",
    "14.07.2026 13:00",
)
BAD_TIME = (REMOVED, None, *NOT_TIMES)
BAD_EMAIL = (REMOVED, None, 5, "", "ada", "ada@", "@guest.example", "ada lovelace@guest.example")

ENVELOPE = {
    "": (None, [], "text", 5, False),
    "triggerEvent": (REMOVED, None, 5, "", "BOOKING_COMPLETED", "booking_created"),
    "payload": BAD_OBJECT,
}
CREATED_AT = {"createdAt": BAD_TIME}
BOOKING = {
    **{f"payload/{key}": BAD_TEXT for key in ("title", "type")},
    **{f"payload/{key}": BAD_TIME for key in ("startTime", "endTime")},
    "payload/organizer": BAD_OBJECT,
    "payload/organizer/name": BAD_TEXT,
    "payload/organizer/email": (REMOVED, None, 5, ""),
    "payload/organizer/timeZone": BAD_TEXT,
    "payload/organizer/utcOffset": ("+02:00", 1.5),
    "payload/organizer/language": ("en",),
    "payload/organizer/language/locale": (5,),
    "payload/attendees": BAD_LIST,
    "payload/attendees/0": (None, "ada@guest.example", []),
    "payload/attendees/0/email": BAD_EMAIL,
    "payload/attendees/0/name": BAD_TEXT,
    "payload/attendees/0/timeZone": BAD_TEXT,
    "payload/attendees/0/utcOffset": ("-240", 0.5),
    "payload/bookingId": (None, *BAD_WHOLE_NUMBER),
    "payload/status": (None, 5, "accepted", "CONFIRMED"),
    "payload/price": BAD_WHOLE_NUMBER,
    "payload/length": BAD_WHOLE_NUMBER,
    "payload/eventTypeId": BAD_WHOLE_NUMBER,
    "payload/iCalSequence": BAD_WHOLE_NUMBER,
    "payload/requiresConfirmation": BAD_FLAG,
    "payload/description": BAD_OPTIONAL_TEXT,
    "payload/location": BAD_OPTIONAL_TEXT,
    "payload/currency": BAD_OPTIONAL_TEXT,
    "payload/metadata": BAD_OPTIONAL_OBJECT,
    "payload/metadata/videoCallUrl": (5,),
    "payload/customInputs": BAD_OPTIONAL_OBJECT,
    "payload/responses": BAD_OPTIONAL_OBJECT,
    "payload/responses/email": (None, "ada@guest.example"),
    "payload/responses/email/label": (REMOVED, None, 5),
    "payload/responses/email/isHidden": BAD_FLAG,
    "payload/userFieldsResponses": BAD_OPTIONAL_OBJECT,
    "payload/destinationCalendar": ({}, "primary"),
    "payload/schedulingType": ("round_robin", 5),
    "payload/appsStatus": ({},),
    "payload/videoCallData": ("https://meet.example/", []),
    "payload/team": ([], "team"),
    "payload/recurringEvent": ([], 4),
    "payload/assignmentReason": (5, {}),
    "payload/attendeeIcsContent": BAD_OPTIONAL_TEXT,
}
#: Rows of `BOOKING` that need a member which the shorter examples do not have.
WITHOUT_METADATA = {key: row for key, row in BOOKING.items() if "metadata/" not in key}
UID = {"payload/uid": BAD_ID}
IDENTIFIED = {
    **UID,
    "payload/bookingId": (REMOVED, *BOOKING["payload/bookingId"]),
    "payload/status": (REMOVED, *BOOKING["payload/status"]),
}
CANCELLATION = {
    f"payload/{key}": (REMOVED, None, *(time for time in NOT_TIMES if time != ""))
    for key in ("startTime", "endTime")
}
PEOPLE_AND_TIMES = {
    "payload/startTime": (None, *NOT_TIMES),
    "payload/endTime": (None, *NOT_TIMES),
    "payload/organizer": (None, "Ada"),
    "payload/organizer/email": (REMOVED, None, 5),
    "payload/attendees": (None, {}),
    "payload/attendees/0/email": BAD_EMAIL,
}
FORM = {
    "payload/formId": BAD_ID,
    "payload/formName": BAD_TEXT,
    "payload/teamId": BAD_WHOLE_NUMBER,
    "payload/responses": BAD_OBJECT,
    "payload/responses/seats": (None, 40, "40"),
}
MEETING = {
    "": (None, [], "text"),
    "triggerEvent": (REMOVED, None, 5, "", "MEETING_CANCELLED"),
    "uid": BAD_ID,
    "title": BAD_TEXT,
    "startTime": BAD_TIME,
    "endTime": BAD_TIME,
    "createdAt": (None, *NOT_TIMES),
    "updatedAt": NOT_TIMES,
    "attendees": BAD_LIST,
    "attendees/0": (None, "ada@guest.example"),
    "attendees/0/email": BAD_EMAIL,
    "attendees/0/noShow": BAD_FLAG,
    "status": (REMOVED, None, 5, "accepted"),
    "id": (None, *BAD_WHOLE_NUMBER),
    "paid": BAD_FLAG,
    "metadata": BAD_OPTIONAL_OBJECT,
    "scheduledJobs": ({}, "text"),
    "user": ("petra", []),
}
NO_SHOW = {
    "payload/bookingId": (REMOVED, None, *BAD_WHOLE_NUMBER),
    "payload/bookingUid": BAD_ID,
    "payload/startTime": BAD_TIME,
    "payload/endTime": BAD_TIME,
    "payload/message": BAD_TEXT,
    "payload/attendees": ({}, "text"),
    "payload/attendees/0/email": BAD_EMAIL,
    "payload/participants": ({}, "text"),
    "payload/webhook": ([], "https://receiver.example/"),
    "payload/webhook/timeUnit": ("FORTNIGHT", 5),
    "payload/webhook/time": BAD_WHOLE_NUMBER,
    "payload/webhook/eventTriggers": ({}, "text"),
    "payload/webhook/eventTriggers/0": (None, 5),
}
CREDENTIAL = {
    "payload/delegationCredential": BAD_OBJECT,
    "payload/delegationCredential/id": BAD_TEXT,
    "payload/delegationCredential/secretExpiresAt": NOT_TIMES,
    "payload/delegationCredential/organizationId": BAD_WHOLE_NUMBER,
}
GUIDE_BOOKING = {
    "createdAt": (None, *NOT_TIMES),
    "payload/uid": BAD_ID,
    "payload/startTime": BAD_TIME,
    "payload/endTime": (None, *NOT_TIMES),
    "payload/calcomBookingId": (None, *BAD_WHOLE_NUMBER),
    "payload/title": (None, 5),
    "payload/rescheduleUid": BAD_OPTIONAL_TEXT,
    "payload/metadata": BAD_OPTIONAL_OBJECT,
    "payload/metadata/askproai_appointment_id": ([], {}, 1.5),
    "payload/previousStartTime": NOT_TIMES,
    "payload/cancellationReason": BAD_OPTIONAL_TEXT,
}
GUIDE_PEOPLE = {
    "payload/organizer": ("Dr. Smith", []),
    "payload/attendees": (None, {}, "John"),
    "payload/attendees/0": (None, "john.doe@example.com"),
    "payload/attendees/0/email": (None, 5, "john"),
    "payload/destinationCalendar": ([], "primary"),
    "payload/from": NOT_TIMES,
    "payload/to": NOT_TIMES,
}
GUIDE_EVENT = {**GUIDE_BOOKING, **GUIDE_PEOPLE, "payload/endTime": BAD_TIME}

#: Schema name to places to values that may not stand there.
SPOILED = {
    "calcom/BOOKING_CREATED": BOOKING | IDENTIFIED,
    "calcom/BOOKING_PAYMENT_INITIATED": BOOKING
    | IDENTIFIED
    | {"payload/paymentId": BAD_WHOLE_NUMBER},
    "calcom/BOOKING_PAID": BOOKING
    | IDENTIFIED
    | {"payload/paymentId": (REMOVED, *BAD_WHOLE_NUMBER), "payload/paymentInfo": (5, "x")},
    "calcom/BOOKING_RESCHEDULED": BOOKING
    | IDENTIFIED
    | {
        "payload/rescheduleUid": BAD_ID,
        "payload/rescheduleId": BAD_WHOLE_NUMBER,
        "payload/rescheduleStartTime": NOT_TIMES,
        "payload/rescheduleEndTime": NOT_TIMES,
        "payload/rescheduledBy": BAD_OPTIONAL_TEXT,
    },
    "calcom/BOOKING_REQUESTED": BOOKING | UID | {"payload/oneTimePassword": BAD_OPTIONAL_TEXT},
    "calcom/BOOKING_CANCELLED": WITHOUT_METADATA
    | UID
    | CANCELLATION
    | {
        "payload/cancellationReason": BAD_OPTIONAL_TEXT,
        "payload/cancelledBy": BAD_OPTIONAL_TEXT,
        "payload/requestReschedule": BAD_FLAG,
    },
    "calcom/BOOKING_REJECTED": WITHOUT_METADATA
    | IDENTIFIED
    | {"payload/rejectionReason": BAD_OPTIONAL_TEXT},
    "calcom/BOOKING_NO_SHOW_UPDATED": {
        "payload/message": BAD_TEXT,
        "payload/attendees": BAD_LIST,
        "payload/attendees/0": (None, "ada@guest.example"),
        "payload/attendees/0/email": BAD_EMAIL,
        "payload/attendees/0/noShow": (REMOVED, None, *BAD_FLAG),
        "payload/bookingUid": BAD_ID,
        "payload/bookingId": BAD_WHOLE_NUMBER,
    },
    "calcom/BOOKING_LOCATION_UPDATED": BOOKING
    | UID
    | {"payload/previousLocation": BAD_OPTIONAL_TEXT},
    "calcom/BOOKING_REASSIGNED": WITHOUT_METADATA
    | UID
    | {
        "payload/addedHostUserIds": (4712, {}, "4712"),
        "payload/addedHostUserIds/0": (None, "4712", 1.5),
        "payload/removedHostUserIds": (4711, {}),
    },
    "calcom/FORM_SUBMITTED": FORM,
    "calcom/FORM_SUBMITTED_NO_EVENT": FORM
    | {
        "payload/responseId": BAD_WHOLE_NUMBER,
        "payload/redirect": ([], "https://away.example/"),
        "payload/redirect/type": (5,),
    },
    "calcom/ROUTING_FORM_FALLBACK_HIT": {
        "payload/formId": BAD_OPTIONAL_TEXT,
        "payload/responses": BAD_OPTIONAL_OBJECT,
        "payload/fallbackAction": BAD_OPTIONAL_OBJECT,
        "payload/fallbackAction/eventTypeId": BAD_WHOLE_NUMBER,
    },
    "calcom/MEETING_STARTED": MEETING,
    "calcom/MEETING_ENDED": MEETING,
    "calcom/RECORDING_READY": PEOPLE_AND_TIMES | UID | {"payload/downloadLink": BAD_ID},
    "calcom/RECORDING_TRANSCRIPTION_GENERATED": PEOPLE_AND_TIMES
    | UID
    | {
        "payload/downloadLinks": BAD_OBJECT,
        "payload/downloadLinks/recording": (5,),
        "payload/downloadLinks/transcription": ({}, "x"),
        "payload/downloadLinks/transcription/0": (None, "https://files.example/t"),
    },
    "calcom/INSTANT_MEETING": {
        "payload/uid": BAD_ID,
        "payload/connectAndJoinUrl": BAD_TEXT,
        "payload/triggerEvent": (None, "INSTANT_MEETING_ACCEPTED"),
        "payload/responses": BAD_OPTIONAL_OBJECT,
        "payload/eventTypeId": BAD_WHOLE_NUMBER,
    },
    "calcom/INSTANT_MEETING_ACCEPTED": PEOPLE_AND_TIMES
    | {
        "payload/bookingUid": BAD_ID,
        "payload/startTime": BAD_TIME,
        "payload/endTime": BAD_TIME,
        "payload/status": (None, "accepted"),
    },
    "calcom/OOO_CREATED": {
        "payload/oooEntry": BAD_OBJECT,
        "payload/oooEntry/id": (REMOVED, None, *BAD_WHOLE_NUMBER),
        "payload/oooEntry/start": BAD_TIME,
        "payload/oooEntry/end": BAD_TIME,
        "payload/oooEntry/updatedAt": NOT_TIMES,
        "payload/oooEntry/user": BAD_OBJECT,
        "payload/oooEntry/user/id": (REMOVED, None, "4711"),
        "payload/oooEntry/user/email": BAD_EMAIL,
        "payload/oooEntry/toUser": ("jonas", []),
        "payload/oooEntry/toUser/email": BAD_EMAIL,
        "payload/oooEntry/reason": ("ill", []),
    },
    "calcom/AFTER_HOSTS_CAL_VIDEO_NO_SHOW": NO_SHOW
    | {"payload/hostEmail": BAD_OPTIONAL_TEXT, "payload/noShowHost": BAD_FLAG},
    "calcom/AFTER_GUESTS_CAL_VIDEO_NO_SHOW": NO_SHOW
    | {"payload/guests": ({}, "text"), "payload/guests/0/email": BAD_EMAIL},
    "calcom/WRONG_ASSIGNMENT_REPORT": {
        "payload/booking": BAD_OBJECT,
        "payload/booking/uid": BAD_ID,
        "payload/booking/startTime": NOT_TIMES,
        "payload/booking/eventType": ([], 5),
        "payload/report": BAD_OBJECT,
        "payload/report/host": ([], "petra"),
        "payload/report/reportedBy/id": BAD_WHOLE_NUMBER,
    },
    "calcom/DELEGATION_CREDENTIAL_ERROR": {
        "payload/error": BAD_OBJECT,
        "payload/error/message": BAD_TEXT,
        "payload/credential": BAD_OBJECT,
        "payload/credential/id": (REMOVED, None, "-1"),
        "payload/user": BAD_OBJECT,
        "payload/user/id": (REMOVED, None, "4711"),
        "payload/user/email": BAD_EMAIL,
    },
    "calcom/DELEGATION_CREDENTIAL_SECRET_ROTATED": CREDENTIAL,
    "calcom/DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED": CREDENTIAL
    | {"payload/error": BAD_OBJECT, "payload/error/code": BAD_TEXT},
    "calcom/DELEGATION_CREDENTIAL_ROTATION_REQUIRED": CREDENTIAL,
    "calcom/CALENDAR_ENTRY_REJECTED": {},
    "calcom/PING": PEOPLE_AND_TIMES | {"payload/type": BAD_TEXT, "payload/title": BAD_TEXT},
    "guide/BOOKING_CREATED": GUIDE_BOOKING | GUIDE_PEOPLE,
    "guide/BOOKING_RESCHEDULED": GUIDE_BOOKING
    | {"payload/endTime": BAD_TIME, "payload/previousEndTime": NOT_TIMES},
    "guide/BOOKING_CANCELLED": GUIDE_BOOKING,
    "guide/BOOKING_CONFIRMED": GUIDE_EVENT,
    "guide/BOOKING_REJECTED": GUIDE_EVENT | {"payload/rejectionReason": BAD_OPTIONAL_TEXT},
    "guide/BOOKING_REQUESTED": GUIDE_EVENT,
    "guide/BOOKING_PAYMENT_INITIATED": GUIDE_EVENT | {"payload/paymentId": BAD_WHOLE_NUMBER},
    "guide/FORM_SUBMITTED": {
        "createdAt": (None, *NOT_TIMES),
        "payload": ({},),
        "payload/metadata": BAD_OPTIONAL_OBJECT,
        "payload/title": (None, 5),
    },
}
for _name, _places in SPOILED.items():
    if _name.partition("/")[2] not in MEETINGS:
        _places["payload"] = (*BAD_OBJECT, *_places.get("payload", ()))
        SPOILED[_name] = ENVELOPE | (CREATED_AT if _name.startswith("calcom/") else {}) | _places

PLACES = [
    pytest.param(name, path, values, id=f"{name}-{path or 'whole'}")
    for name, places in SPOILED.items()
    for path, values in places.items()
]


def test_every_schema_of_a_trigger_is_spoiled_in_at_least_ten_ways():
    assert set(SPOILED) == {*CALCOM_SCHEMAS, *GUIDE_SCHEMAS}
    for name, places in SPOILED.items():
        assert len(list(itertools.chain.from_iterable(places.values()))) >= 10, name


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_spoiled_is_valid_before(name):
    assert accepts(name, example(name))


@pytest.mark.parametrize(("name", "path", "values"), PLACES)
def test_a_spoiled_body_is_refused_with_a_complaint_about_that_place(name, path, values):
    for value in values:
        spoiled = spoil(example(name), path, value)
        assert complaints(name, spoiled) == {complaint_path(path, value)}, value
        assert fast_complaints(name, spoiled) == {complaint_path(path, value)}, value


def dialect_is_told_by(name, path):
    """Whether the place decides by which schema a delivery is judged."""
    return path in {"", "triggerEvent", "payload"} or (
        name == "calcom/FORM_SUBMITTED" and path == "payload/formId"
    )


@pytest.mark.parametrize(
    ("name", "path", "values"),
    [place for place in PLACES if not dialect_is_told_by(*place.values[:2])],
)
def test_as_a_delivery_a_spoiled_body_is_refused_for_the_same_reason(name, path, values):
    for value in values:
        spoiled = spoil(example(name), path, value)
        assert fast_complaints("delivery", spoiled) == {complaint_path(path, value)}, value
