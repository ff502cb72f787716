"""The parts by themselves: what each documented member may hold, and what it may not."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from calcontract import resources
from tests.schema_tools import accepts, complaints

#: What may not stand in a member of each kind; null always may.
WRONG = {
    "text": (5, True, [], {}),
    "whole number": ("5", 1.5, True, [], {}),
    "flag": ("true", 1, [], {}),
    "object": ("text", 5, []),
    "list": ("text", 5, {}),
}

#: Part to kind to the members that Cal.com's types and the guide's examples give that kind.
MEMBERS = {
    "booking": {
        "text": "bookerUrl description additionalNotes customReplyToEmail location "
        "previousLocation "
        "iCalUID oneTimePassword platformClientId platformRescheduleUrl platformCancelUrl "
        "platformBookingUrl hashedLink rootBookingUid eventTitle eventDescription currency "
        "rescheduleUid rescheduledBy smsReminderNumber attendeeSeatId cancellationReason "
        "cancelledBy rejectionReason attendeeIcsContent organizerIcsContent "
        "delegationCredentialId",
        "whole number": "eventTypeId seatsPerTimeSlot conferenceCredentialId iCalSequence "
        "organizationId price length rescheduleId paymentId",
        "flag": "hideCalendarNotes hideCalendarEventDetails hideOrganizerEmail seatsShowAttendees "
        "seatsShowAvailabilityCount disableRescheduling disableCancelling requiresConfirmation "
        "requestReschedule hideBranding",
        "object": "customInputs responses userFieldsResponses existingRecurringEvent "
        "recurringEvent team conferenceData videoCallData additionalInformation metadata "
        "paymentInfo paymentData",
        "list": "destinationCalendar appsStatus",
    },
    "guide-booking": {
        "text": "description additionalNotes location rescheduleUid cancellationReason "
        "rejectionReason status",
        "whole number": "eventTypeId seatsPerTimeSlot conferenceCredentialId paymentId",
        "flag": "hideCalendarNotes requiresConfirmation seatsShowAttendees",
        "object": "customInputs organizer destinationCalendar metadata",
    },
    "meeting": {
        "text": "idempotencyKey userPrimaryEmail description location cancellationReason "
        "rejectionReason reassignReason dynamicEventSlugRef dynamicGroupSlugRef fromReschedule "
        "recurringEventId smsReminderNumber ratingFeedback oneTimePassword cancelledBy "
        "rescheduledBy iCalUID creationSource",
        "whole number": "userId eventTypeId destinationCalendarId reassignById rating iCalSequence",
        "flag": "paid isRecorded noShowHost rescheduled",
        "object": "customInputs responses userFieldsResponses metadata eventType user",
        "list": "scheduledJobs payment references appsStatus",
    },
    "organizer": {
        "text": "username usernameInOrg phoneNumber",
        "whole number": "id utcOffset",
        "object": "language",
    },
    "attendee": {
        "text": "firstName lastName phoneNumber locale",
        "whole number": "id utcOffset bookingId",
        "flag": "noShow",
        "object": "language bookingSeat",
    },
    "attendee-row": {
        "text": "phoneNumber locale",
        "whole number": "id bookingId",
        "flag": "noShow",
    },
    "destination-calendar": {
        "text": "integration externalId primaryEmail createdAt updatedAt delegationCredentialId "
        "domainWideDelegationCredentialId",
        "whole number": "id userId eventTypeId credentialId customCalendarReminder",
    },
    "video-call": {"text": "type password url"},
    "app-status": {"list": "errors warnings"},
    "language": {"text": "locale"},
    "response": {"flag": "isHidden"},
    "delegation-credential": {
        "text": "workspacePlatform domain",
        "whole number": "organizationId",
    },
    "out-of-office-user": {"text": "name username timeZone"},
}
ROWS = [
    pytest.param(f"parts/{part}", kind, name, id=f"{part}-{name}")
    for part, kinds in MEMBERS.items()
    for kind, names in kinds.items()
    for name in names.split()
]


@pytest.mark.parametrize(("part", "kind", "name"), ROWS)
def test_an_optional_member_is_of_its_kind_or_null(part, kind, name):
    place = f"$.{name}"
    assert place not in complaints(part, {name: None})
    for wrong in WRONG[kind]:
        assert place in complaints(part, {name: wrong}), wrong


@pytest.mark.parametrize(("part", "kind", "name"), ROWS)
def test_an_optional_member_is_not_required(part, kind, name):
    assert name not in resources.schema(part).get("required", ())


@pytest.mark.parametrize("part", ["parts/attendee", "parts/attendee-row", "parts/organizer"])
@pytest.mark.parametrize("name", ["name", "timeZone"])
def test_a_person_has_a_name_and_a_time_zone_though_they_may_be_empty(part, name):
    person = {"email": "ada@guest.example", "name": "", "timeZone": ""}
    assert accepts(part, person)
    for wrong in (None, 5, []):
        assert complaints(part, {**person, name: wrong}) == {f"$.{name}"}


@pytest.mark.parametrize("time_format", ["h:mma", "HH:mm", 12, None])
def test_a_time_format_is_text_or_the_number_of_the_documentation(time_format):
    person = {"email": "ada@guest.example", "name": "", "timeZone": ""}
    assert accepts("parts/organizer", {**person, "timeFormat": time_format})
    assert complaints("parts/organizer", {**person, "timeFormat": []}) == {"$.timeFormat"}


@pytest.mark.parametrize("appointment", ["12345", 12345, None])
def test_the_guide_s_appointment_id_may_be_text_or_a_number(appointment):
    metadata = {"askproai_appointment_id": appointment, "branch_id": appointment}
    assert accepts("parts/guide-booking", {"metadata": metadata})


@pytest.mark.parametrize("value", ["text", ["a"], True, 7, {"optionValue": "", "value": "x"}, None])
def test_an_answer_may_have_any_value_or_none_at_all(value):
    assert accepts("parts/responses", {"field": {"label": "field", "value": value}})
    assert accepts("parts/responses", {"field": {"label": "field"}})
    assert accepts("parts/form-responses", {"field": {"value": value, "response": value}})


@pytest.mark.parametrize("part", ["parts/instant", "parts/optional-instant"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-07-14",
        "2026-07-14T13:00:00",
        "2026-07-14 13:00:00Z",
        "2026-07-14t13:00:00z",
        "2026-07-14T24:00:00Z",
        "2026-13-14T13:00:00Z",
        "2026-07-14T13:00:00+0200",
        "2026-07-14T13:00:00+24:00",
        "0000-01-01T00:00:00Z",
        "2026-07-14T13:00:00Z and so on",
    ],
)
def test_what_is_no_instant_is_refused_even_where_formats_are_only_annotations(part, text):
    assert not Draft202012Validator(resources.schema(part)).is_valid(text)


def test_a_day_that_no_month_has_is_refused_by_the_format():
    assert not accepts("parts/instant", "2026-02-30T13:00:00Z")
    assert not accepts("parts/slot-time", "2026-02-30T13:00:00Z")
    assert accepts("parts/slot-time", "")
