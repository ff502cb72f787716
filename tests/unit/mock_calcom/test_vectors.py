"""
The mock against bodies made outside it: same facts in, same bytes out.
"""

import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest

from mock_calcom import envelope, javascript
from mock_calcom.bookings import Booking, EventType, Room
from mock_calcom.occurrences import Occurrence
from mock_calcom.payloads import account, booked, cancelled, decided, forms, guide, meetings
from mock_calcom.people import Person
from mock_calcom.profiles import DEFAULT, PROFILES
from mock_calcom.signature import HEADER, sign

VECTORS = Path(__file__).parents[2] / "vectors"
CALCOM = VECTORS / "calcom"
MANIFEST = json.loads((CALCOM / "manifest.json").read_text(encoding="utf-8"))

NOTES = 'Bring the "Q3" deck'

PETRA = Person(
    name="Petra Lindqvist",
    email="petra@host.example",
    time_zone="Europe/Berlin",
    id=4711,
    username="petra",
    username_in_org="petra",
)
JONAS = Person(
    name="Jonas Weber",
    email="jonas@host.example",
    time_zone="Europe/Berlin",
    locale="de",
    id=4712,
    username="jonas",
)
TOMAS = Person(
    name="Tomás Ríos",
    email="tomas@client.example",
    time_zone="America/New_York",
    locale="es",
    first_name="Tomás",
    last_name="Ríos",
)
KIM = Person(name="", email="kim@client.example", time_zone="America/New_York", locale="es")


def instant(text):
    return dt.datetime.fromisoformat(text)


INTRO = EventType(id=90210, slug="intro-call", title="Intro call")
STRICT = dataclasses.replace(INTRO, requires_confirmation=True)
ROOM = Room("Jx2mQp9LdR", "eyJhbGciOiJIUzI1NiJ9.e30.sig")

FIRST = Booking(
    uid="kT8vWq2ZbN5yRd7mXc3LpA",
    id=555001,
    start=instant("2026-07-14T13:00:00Z"),
    end=instant("2026-07-14T13:30:00Z"),
    status="ACCEPTED",
    host=PETRA,
    guests=(TOMAS, KIM),
    invited=(KIM.email,),
    event_type=INTRO,
    created_at=instant("2026-07-08T16:39:59.870Z"),
    updated_at=instant("2026-07-08T16:40:00.300Z"),
    room=ROOM,
    notes=NOTES,
    first_row=70001,
    idempotency_key="7f8e9d0c-1b2a-5c3d-8e4f-5a6b7c8d9e0f",
)
ALONE = dataclasses.replace(FIRST, guests=(TOMAS,))
REQUESTED = dataclasses.replace(
    FIRST, event_type=STRICT, room=None, one_time_password="0d1c2b3a-4f5e-4a6b-8c7d-9e0f1a2b3c4d"
)
PRICED = dataclasses.replace(FIRST, id=555003, price=4500, currency="eur", payment_id=8801)
OLD = dataclasses.replace(
    FIRST,
    uid="pW4nHs9TjC6xGf2bVy8QeM",
    start=instant("2026-07-09T08:00:00Z"),
    end=instant("2026-07-09T08:30:00Z"),
)
MOVED = dataclasses.replace(
    FIRST,
    id=555002,
    previous=OLD,
    ical_uid="pW4nHs9TjC6xGf2bVy8QeM@Cal.com",
    ical_sequence=1,
    reschedule_reason="Travel clash",
    rescheduled_by=TOMAS.email,
)
CANCELLED = dataclasses.replace(
    MOVED,
    guests=(TOMAS,),
    reschedule_reason=None,
    ical_sequence=2,
    cancellation_reason="No longer needed",
    cancelled_by=TOMAS.email,
)
SLOT_TWO = dataclasses.replace(MOVED, guests=(TOMAS,), reschedule_reason=None)
NOW = dataclasses.replace(
    FIRST,
    id=555010,
    guests=(TOMAS,),
    notes="Now please",
    event_type=EventType(id=90211, slug="call-us-now", title="Call us now"),
)
SHEET = forms.Sheet(
    form_id="0e9d8c7b-6a5f-4e3d-9c1b-a0f9e8d7c6b5",
    form_name="Sales intake",
    team_id=12,
    response_id=1204,
    answers={
        "name": forms.Answer("Tomás Ríos"),
        "email": forms.Answer("tomas@client.example"),
        "Company size": forms.Answer(["51-200"], "9b2d7c1e-0a4f-4c58-9d6b-1e2f3a4b5c6d"),
        "seats": forms.Answer(40),
    },
)
HOOK = meetings.subscription_row("2f6a1c3e-9b8d-4a7c-8e5f-0d1c2b3a4f5e", 5)
FIVE_PAST = instant("2026-07-14T13:05:00Z")
CREDENTIAL = "aa11bb22-cc33-4d44-8e55-ff6677889900"
LEAD = {"crm_lead": "L-88"}

#: The payload the mock builds for each example, out of the facts that the example tells.
BUILT = {
    "BOOKING_CREATED": booked.created(dataclasses.replace(FIRST, metadata=LEAD)),
    "BOOKING_CREATED.v2026-07-27": booked.created(dataclasses.replace(FIRST, metadata=LEAD)),
    "BOOKING_CREATED.after_confirmation": decided.confirmed(
        dataclasses.replace(ALONE, event_type=STRICT)
    ),
    "BOOKING_CREATED.second_seat": booked.later_seat(
        dataclasses.replace(ALONE, seats_per_slot=8, seat_id="e1d2c3b4-a5f6-4789-9abc-def012345678")
    ),
    "BOOKING_RESCHEDULED": booked.rescheduled(MOVED),
    "BOOKING_REQUESTED": booked.requested(REQUESTED),
    "BOOKING_CANCELLED": cancelled.cancelled(CANCELLED),
    "BOOKING_CANCELLED.request_reschedule": cancelled.reschedule_wanted(
        dataclasses.replace(
            CANCELLED,
            cancellation_reason="Please reschedule. Sick today",
            cancelled_by=PETRA.email,
        )
    ),
    "BOOKING_REJECTED": decided.rejected(
        dataclasses.replace(
            ALONE, event_type=STRICT, rejection_reason="Fully booked that week", room=None
        )
    ),
    "BOOKING_PAYMENT_INITIATED": booked.payment_initiated(PRICED),
    "BOOKING_PAID": decided.paid(dataclasses.replace(PRICED, guests=(TOMAS,))),
    "BOOKING_NO_SHOW_UPDATED": meetings.no_show_updated(SLOT_TWO, no_show=True),
    "BOOKING_LOCATION_UPDATED": booked.location_updated(
        dataclasses.replace(
            FIRST,
            id=555002,
            location="https://meet.google.com/abc-defg-hij",
            room=None,
            ical_sequence=1,
        ),
        "integrations:daily",
    ),
    "BOOKING_REASSIGNED": booked.reassigned(
        dataclasses.replace(ALONE, id=555002, host=JONAS, notes=None, ical_sequence=1), 4711
    ),
    "MEETING_STARTED": meetings.meeting(SLOT_TWO),
    "MEETING_ENDED": meetings.meeting(SLOT_TWO),
    "RECORDING_READY": meetings.recording_ready(SLOT_TWO, "mock-token"),
    "INSTANT_MEETING": account.instant_meeting(NOW, "mock-token"),
    "INSTANT_MEETING_ACCEPTED": account.instant_meeting_accepted(NOW),
    "AFTER_HOSTS_CAL_VIDEO_NO_SHOW": meetings.hosts_absent(SLOT_TWO, HOOK, FIVE_PAST),
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW": meetings.guests_absent(SLOT_TWO, HOOK, FIVE_PAST),
    "FORM_SUBMITTED": forms.submitted(SHEET),
    "FORM_SUBMITTED_NO_EVENT": forms.without_booking(SHEET),
    "ROUTING_FORM_FALLBACK_HIT.unverified": forms.fallback_hit(SHEET, 90212),
    "OOO_CREATED": account.out_of_office(
        PETRA,
        dataclasses.replace(JONAS, locale="en"),
        instant("2026-07-01T08:00:00Z"),
        first=dt.date(2026, 8, 3),
        days=5,
        entry_id=310,
        entry_uuid="5c0ffee0-1111-4222-8333-444455556666",
    ),
    "WRONG_ASSIGNMENT_REPORT": account.wrong_assignment(
        SLOT_TWO, JONAS, "Company size: 51-200", 12
    ),
    "DELEGATION_CREDENTIAL_ERROR": account.credential_error(CREDENTIAL, PETRA, 77),
    "DELEGATION_CREDENTIAL_SECRET_ROTATED": account.credential(
        CREDENTIAL, PETRA, 77, instant("2027-01-14T00:00:00Z")
    ),
    "DELEGATION_CREDENTIAL_ROTATION_REQUIRED": account.credential(
        CREDENTIAL, PETRA, 77, instant("2026-07-20T00:00:00Z")
    ),
    "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED": account.credential_rotation_failed(
        CREDENTIAL, PETRA, 77, instant("2026-07-20T00:00:00Z")
    ),
    "PING": account.ping(instant("2026-07-07T09:00:00.123Z")),
}
BUILT["RECORDING_TRANSCRIPTION_GENERATED"] = {
    **meetings.transcription_generated(SLOT_TWO, "mock"),
    "downloadLinks": meetings.transcription_generated(SLOT_TWO, "mock")["downloadLinks"]
    | {"recording": "https://app.cal.com/api/video/recording?token=mock-token"},
}

#: These two examples keep an empty `description`, which the sender they describe drops
#: (`description || additionalNotes`, both empty); without it they must be the same bytes.
EMPTY_DESCRIPTION = {"BOOKING_REASSIGNED", "BOOKING_CANCELLED.request_reschedule"}


def rendered(vector):
    name, trigger = vector["name"], vector["triggerEvent"]
    version = vector["headers"]["X-Cal-Webhook-Version"]
    profile = PROFILES["v2026-07-27"] if version == "2026-07-27" else DEFAULT
    example = json.loads((CALCOM / vector["file"]).read_bytes())
    at = instant(example["createdAt"])
    flat = trigger in {"MEETING_STARTED", "MEETING_ENDED"}
    root = forms.root(SHEET) if trigger == "FORM_SUBMITTED" else {}
    booking = FIRST if trigger == "BOOKING_CREATED" else None
    occurrence = Occurrence(trigger, at, BUILT[name], root, flat, booking)
    return envelope.render(occurrence, at, profile)


def by_name(vector):
    return vector["name"]


@pytest.mark.parametrize("vector", MANIFEST["vectors"], ids=by_name)
def test_an_example_survives_being_parsed_and_stringified(vector):
    body = (CALCOM / vector["file"]).read_bytes()
    assert javascript.stringify(json.loads(body)) == body


@pytest.mark.parametrize("vector", MANIFEST["vectors"], ids=by_name)
def test_an_example_gets_the_signature_of_the_manifest(vector):
    body = (CALCOM / vector["file"]).read_bytes()
    assert sign(body, MANIFEST["secret"]) == vector["headers"][HEADER]


@pytest.mark.parametrize("vector", MANIFEST["vectors"], ids=by_name)
def test_the_facts_of_an_example_make_its_bytes(vector):
    body = (CALCOM / vector["file"]).read_bytes()
    if vector["name"] in EMPTY_DESCRIPTION:
        body = body.replace(b'"description":"",', b"")
    assert javascript.stringify(rendered(vector)).decode() == body.decode()


def test_every_example_is_built():
    assert set(BUILT) == {vector["name"] for vector in MANIFEST["vectors"]}


SIGNATURES = json.loads((VECTORS / "signatures.json").read_text(encoding="utf-8"))["vectors"]


@pytest.mark.parametrize("vector", SIGNATURES, ids=by_name)
def test_a_signature_made_elsewhere_is_ours_too(vector):
    assert sign(vector["body"].encode(), vector["secret"]) == vector["digest"]


# --- the guide's three examples ------------------------------------------------------------------

DOCTOR = Person(
    name="Dr. Smith",
    email="dr.smith@clinic.com",
    time_zone="Europe/Berlin",
    locale="de",
    id=12345,
    username="drsmith",
)
PATIENT = Person(
    name="John Doe", email="john.doe@example.com", time_zone="Europe/Berlin", locale="de"
)
VISIT = Booking(
    uid="abc-def-ghi-jkl",
    id=987654,
    start=instant("2025-01-20T14:00:00Z"),
    end=instant("2025-01-20T14:30:00Z"),
    status="ACCEPTED",
    host=DOCTOR,
    guests=(PATIENT,),
    event_type=EventType(id=2026361, slug="30min-consultation", title="30 Min Consultation"),
    created_at=instant("2025-01-15T10:00:00Z"),
    location="123 Main Street, Berlin",
    notes="First time patient",
    metadata={"askproai_appointment_id": "12345", "branch_id": "67", "source": "phone_ai"},
    first_row=67890,
    reschedule_uid="rst-uvw-xyz",
)
GUIDE = {
    "BOOKING_CREATED": guide.created(VISIT),
    "BOOKING_RESCHEDULED": guide.rescheduled(
        dataclasses.replace(
            VISIT,
            start=instant("2025-01-22T15:00:00Z"),
            end=instant("2025-01-22T15:30:00Z"),
            previous=VISIT,
            reschedule_uid="new-rst-uvw-xyz",
            reschedule_reason="Patient requested different time",
        )
    ),
    "BOOKING_CANCELLED": guide.cancelled(
        dataclasses.replace(
            VISIT,
            cancellation_reason="Patient cancelled due to illness",
            cancelled_by=PATIENT.email,
        )
    ),
}


@pytest.mark.parametrize("trigger", GUIDE)
def test_the_facts_of_the_guide_make_its_examples(trigger):
    example = json.loads((VECTORS / "guide" / f"{trigger}.json").read_bytes())
    at = instant(example["createdAt"])
    made = envelope.render(Occurrence(trigger, at, GUIDE[trigger]), at, PROFILES["guide"])
    assert javascript.stringify(made).decode() == javascript.stringify(example).decode()
