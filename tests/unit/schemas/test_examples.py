"""What the schemas let through: real bodies, the least there can be, nulls, and what is new."""

from __future__ import annotations

import pytest

from tests.schema_tools import (
    CALCOM_SCHEMAS,
    EXAMPLES,
    GUIDE_SCHEMAS,
    MEETINGS,
    REMOVED,
    accepts,
    complaint_path,
    complaints,
    members,
    spoil,
)

WHEN = "2026-07-14T13:00:00Z"
PERSON = {"email": "ada@guest.example", "name": "", "timeZone": "Europe/Berlin"}
SLOT = {
    "title": "Intro",
    "type": "intro",
    "startTime": WHEN,
    "endTime": WHEN,
    "organizer": PERSON,
    "attendees": [PERSON],
}
MEETING = {
    "uid": "u",
    "startTime": WHEN,
    "endTime": WHEN,
    "title": "Intro",
    "attendees": [PERSON],
    "status": "ACCEPTED",
}
NO_SHOW = {"bookingId": 1, "bookingUid": "u", "startTime": WHEN, "endTime": WHEN, "message": "-"}
FORM = {"formId": "f", "formName": "Intake", "responses": {}}
CREDENTIAL = {"delegationCredential": {"id": "c"}}
GUIDE_SLOT = {"uid": "u", "startTime": WHEN, "endTime": WHEN}

#: The payload of each trigger with nothing in it that may be left out.
MINIMAL = {
    "calcom/BOOKING_CREATED": {**SLOT, "uid": "u", "bookingId": 1, "status": "ACCEPTED"},
    "calcom/BOOKING_PAYMENT_INITIATED": {**SLOT, "uid": "u", "bookingId": 1, "status": "ACCEPTED"},
    "calcom/BOOKING_PAID": {
        **SLOT,
        "uid": "u",
        "bookingId": 1,
        "status": "ACCEPTED",
        "paymentId": 1,
    },
    "calcom/BOOKING_RESCHEDULED": {
        **SLOT,
        "uid": "v",
        "bookingId": 2,
        "status": "ACCEPTED",
        "rescheduleUid": "u",
    },
    "calcom/BOOKING_REQUESTED": {**SLOT, "uid": "u"},
    "calcom/BOOKING_CANCELLED": {**SLOT, "uid": "u"},
    "calcom/BOOKING_REJECTED": {**SLOT, "uid": "u", "bookingId": 1, "status": "REJECTED"},
    "calcom/BOOKING_NO_SHOW_UPDATED": {
        "message": "-",
        "attendees": [{"email": "ada@guest.example", "noShow": True}],
        "bookingUid": "u",
    },
    "calcom/BOOKING_LOCATION_UPDATED": {**SLOT, "uid": "u"},
    "calcom/BOOKING_REASSIGNED": {**SLOT, "uid": "u"},
    "calcom/FORM_SUBMITTED": FORM,
    "calcom/FORM_SUBMITTED_NO_EVENT": FORM,
    "calcom/ROUTING_FORM_FALLBACK_HIT": {},
    "calcom/MEETING_STARTED": MEETING,
    "calcom/MEETING_ENDED": MEETING,
    "calcom/RECORDING_READY": {"uid": "u", "downloadLink": "https://files.example/r"},
    "calcom/RECORDING_TRANSCRIPTION_GENERATED": {"uid": "u", "downloadLinks": {}},
    "calcom/INSTANT_MEETING": {"uid": "u", "connectAndJoinUrl": "https://meet.example/"},
    "calcom/INSTANT_MEETING_ACCEPTED": {"bookingUid": "u", "startTime": WHEN, "endTime": WHEN},
    "calcom/OOO_CREATED": {
        "oooEntry": {
            "id": 1,
            "start": WHEN,
            "end": WHEN,
            "user": {"id": 1, "email": "ada@host.example"},
        }
    },
    "calcom/AFTER_HOSTS_CAL_VIDEO_NO_SHOW": NO_SHOW,
    "calcom/AFTER_GUESTS_CAL_VIDEO_NO_SHOW": NO_SHOW,
    "calcom/WRONG_ASSIGNMENT_REPORT": {"booking": {"uid": "u"}, "report": {}},
    "calcom/DELEGATION_CREDENTIAL_ERROR": {
        "error": {"message": "-"},
        "credential": {"id": -1},
        "user": {"id": 1, "email": "ada@host.example"},
    },
    "calcom/DELEGATION_CREDENTIAL_SECRET_ROTATED": CREDENTIAL,
    "calcom/DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED": {**CREDENTIAL, "error": {"code": "-"}},
    "calcom/DELEGATION_CREDENTIAL_ROTATION_REQUIRED": CREDENTIAL,
    "calcom/CALENDAR_ENTRY_REJECTED": {},
    "calcom/PING": {"type": "Test", "title": "Test trigger event"},
    "guide/BOOKING_CREATED": {"uid": "u", "startTime": WHEN},
    "guide/BOOKING_RESCHEDULED": GUIDE_SLOT,
    "guide/BOOKING_CANCELLED": {"uid": "u", "startTime": WHEN},
    "guide/BOOKING_CONFIRMED": GUIDE_SLOT,
    "guide/BOOKING_REJECTED": GUIDE_SLOT,
    "guide/BOOKING_REQUESTED": GUIDE_SLOT,
    "guide/BOOKING_PAYMENT_INITIATED": GUIDE_SLOT,
    "guide/FORM_SUBMITTED": {"any": 1},
}

#: Members that are never null, whether or not a trigger requires them.
NEVER_NULL = frozenset(
    [
        "title",
        "type",
        "startTime",
        "endTime",
        "organizer",
        "attendees",
        "uid",
        "bookingId",
        "bookingUid",
        "status",
        "formId",
        "formName",
        "responses",
        "message",
        "triggerEvent",
        "connectAndJoinUrl",
        "downloadLink",
        "downloadLinks",
        "oooEntry",
        "booking",
        "report",
        "error",
        "credential",
        "user",
        "delegationCredential",
        "paymentId",
        "calcomBookingId",
        "createdAt",
        "id",
        "rescheduleUid",
    ]
)


def minimal(name):
    trigger = name.partition("/")[2]
    if trigger in MEETINGS:
        return {"triggerEvent": trigger, **MINIMAL[name]}
    created = {} if name.startswith("guide/") else {"createdAt": "2026-07-14T12:00:00.000Z"}
    return {"triggerEvent": trigger, **created, "payload": MINIMAL[name]}


ALL_EXAMPLES = [
    pytest.param(name, body, id=f"{name}-{label}")
    for name, bodies in EXAMPLES.items()
    for label, body in bodies.items()
]
REQUIRED = [
    pytest.param(name, path, id=f"{name}-{path}")
    for name in MINIMAL
    for path in members(minimal(name))
]
NULLABLE = [
    pytest.param(name, body, path, id=f"{name}-{label}-{path}")
    for name, bodies in EXAMPLES.items()
    for label, body in bodies.items()
    if label.startswith(name.partition("/")[2])
    for path in ([f"payload/{key}" for key in body["payload"]] if "payload" in body else list(body))
    if path.rpartition("/")[2] not in NEVER_NULL
]


def test_every_schema_of_a_trigger_has_an_example_and_a_least_payload():
    assert set(MINIMAL) == {*CALCOM_SCHEMAS, *GUIDE_SCHEMAS}
    assert all(EXAMPLES.values())


@pytest.mark.parametrize(("name", "body"), ALL_EXAMPLES)
def test_an_example_is_valid_by_the_schema_of_its_trigger_and_as_a_delivery(name, body):
    assert accepts(name, body)
    assert accepts("delivery", body)


@pytest.mark.parametrize(("name", "body"), [p for p in ALL_EXAMPLES if "payload" in p.values[1]])
def test_an_enveloped_example_is_an_envelope_whatever_its_trigger(name, body):
    assert accepts("envelope", body)
    assert accepts("envelope", {**body, "triggerEvent": "INVENTED_TOMORROW"})


@pytest.mark.parametrize("name", MINIMAL)
def test_the_least_body_is_valid(name):
    assert accepts(name, minimal(name))


@pytest.mark.parametrize("name", MINIMAL)
def test_the_least_body_is_a_delivery_once_its_dialect_can_be_told(name):
    body = minimal(name)
    if name.startswith("guide/"):
        body = spoil(body, "payload/calcomBookingId", 1)
    assert accepts("delivery", body)


@pytest.mark.parametrize(("name", "path"), REQUIRED)
def test_nothing_can_be_taken_from_the_least_body(name, path):
    spoiled = spoil(minimal(name), path, REMOVED)
    assert not accepts(name, spoiled)
    assert complaints(name, spoiled) == {complaint_path(path, REMOVED)}


@pytest.mark.parametrize(("name", "body", "path"), NULLABLE)
def test_a_member_that_may_be_undefined_may_be_null(name, body, path):
    assert accepts(name, spoil(body, path, None))


@pytest.mark.parametrize(("name", "body"), ALL_EXAMPLES)
def test_unknown_members_are_allowed_at_every_level(name, body):
    grown = body
    objects = [path for path in members(body) if not path.endswith("/language")]
    parents = {"", *(path.rpartition("/")[0] for path in objects)}
    for parent in parents:
        if "responses" not in parent:
            grown = spoil(grown, f"{parent}/inventedTomorrow".removeprefix("/"), {"deep": [None]})
    assert accepts(name, grown)


@pytest.mark.parametrize(
    "time",
    [
        "2026-07-14T13:00:00Z",
        "2026-07-14T13:00:00.000Z",
        "2026-07-14T13:00:00.123456Z",
        "2026-07-14T13:00:00+00:00",
        "2026-07-14T15:00:00+02:00",
        "2026-07-14T07:30:00.5-05:30",
        "2028-02-29T23:59:59-00:00",
    ],
)
@pytest.mark.parametrize("name", ["calcom/BOOKING_CREATED", "guide/BOOKING_CREATED"])
def test_an_instant_may_have_any_fraction_and_any_offset(name, time):
    body = spoil(minimal(name), "payload/startTime", time)
    assert accepts(name, {**body, "createdAt": time})


def test_only_a_cancellation_may_have_empty_times():
    empty = {"startTime": "", "endTime": ""}
    for name in MINIMAL:
        body = minimal(name)
        if "startTime" in body.get("payload", {}):
            allowed = accepts(name, {**body, "payload": {**body["payload"], **empty}})
            assert allowed == (name == "calcom/BOOKING_CANCELLED"), name


@pytest.mark.parametrize("trigger", MEETINGS)
def test_a_meeting_without_envelope_needs_no_created_at_but_a_wrapped_one_does(trigger):
    flat = minimal(f"calcom/{trigger}")
    wrapped = {"triggerEvent": trigger, "payload": MEETING}
    assert accepts(f"calcom/{trigger}", flat)
    assert not accepts(f"calcom/{trigger}", wrapped)
    assert accepts(f"calcom/{trigger}", {**wrapped, "createdAt": WHEN})


@pytest.mark.parametrize("extra", ["paymentInfo", "paymentData"])
def test_a_charged_no_show_fee_has_neither_uid_nor_payment_id(extra):
    fee = {**SLOT, "bookingId": 1, "status": "ACCEPTED"}
    body = {"triggerEvent": "BOOKING_PAID", "createdAt": WHEN, "payload": fee}
    assert not accepts("calcom/BOOKING_PAID", body)
    assert accepts("calcom/BOOKING_PAID", spoil(body, f"payload/{extra}", {}))


def test_an_instant_meeting_may_be_a_notification():
    payload = {
        "title": "Join",
        "body": "Somebody waits",
        "url": "https://meet.example/",
        "icon": "-",
    }
    body = {"triggerEvent": "INSTANT_MEETING", "createdAt": WHEN, "payload": payload}
    assert accepts("calcom/INSTANT_MEETING", body)
    for key in ("title", "body", "url"):
        assert not accepts("calcom/INSTANT_MEETING", spoil(body, f"payload/{key}", REMOVED))


def test_a_booker_with_a_telephone_only_and_a_host_without_address_are_allowed():
    body = spoil(minimal("calcom/BOOKING_REJECTED"), "payload/organizer/email", "Email-less")
    body = spoil(body, "payload/attendees/0/email", "491701234567@sms.cal.com")
    assert accepts("calcom/BOOKING_REJECTED", body)


@pytest.mark.parametrize(
    "reason", ["rule 3", None, [], [{"reasonEnum": "ROUTING_FORM_ROUTING", "reasonString": "x"}]]
)
def test_an_assignment_reason_is_text_or_null_or_a_list(reason):
    body = spoil(minimal("calcom/BOOKING_CREATED"), "payload/assignmentReason", reason)
    assert accepts("calcom/BOOKING_CREATED", body)
