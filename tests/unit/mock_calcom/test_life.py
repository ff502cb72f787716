import dataclasses
import datetime as dt

import pytest

from calcontract import resources
from mock_calcom import delivery, envelope, triggers
from mock_calcom.bookings import Booking
from mock_calcom.delivery import Subscription
from mock_calcom.payloads import guide
from mock_calcom.profiles import DEFAULT, PROFILES
from tests.schema_tools import accepts, complaints

CALCOM = [profile for profile in PROFILES.values() if profile.dialect == "calcom"]
LATER = dt.timedelta(hours=1)


def told(occurrences):
    return [occurrence.trigger for occurrence in occurrences]


def only(occurrences):
    (occurrence,) = occurrences
    return occurrence


def body(occurrence, profile=DEFAULT):
    return envelope.render(occurrence, occurrence.at, profile)


# --- everything it can say -----------------------------------------------------------------------

SAYINGS = [
    (profile, trigger)
    for profile in PROFILES.values()
    for trigger in (*profile.triggers, triggers.PING)
]


@pytest.mark.parametrize(
    ("profile", "trigger"), SAYINGS, ids=lambda value: getattr(value, "name", value)
)
def test_every_trigger_of_every_sender_fits_its_schema(account, at, profile, trigger):
    occurrence = account(profile).any_of(trigger, at)
    rendered = body(occurrence, profile)
    room = "guide" if profile.dialect == "guide" and trigger != triggers.PING else "calcom"
    assert occurrence.trigger == trigger
    assert complaints(f"{room}/{trigger}", rendered) == set()
    assert accepts("delivery", rendered)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_step_of_a_long_life_fits_its_schema(account, at, profile):
    calendar = account(profile)
    story = []

    def live(occurrences):
        story.extend(occurrences)
        return occurrences[0].booking if occurrences else None

    booking = live(
        calendar.book(at, guests=3, notes="n", metadata={"a": "b"}, answers={"2": "x", "why": 1})
    )
    moved = live(calendar.reschedule(booking, at, calendar.free_slot(at)))
    again = live(calendar.reschedule(moved, at, calendar.free_slot(at), by=booking.host.email))
    live(calendar.relocate(again, at))
    live(calendar.reassign(again, at))
    live(calendar.start_meeting(again, at, wrapped=True))
    live(calendar.no_show(again, at))
    live(calendar.no_show(again, at, came=True))
    live(calendar.cancel(again, at, None))
    asked = live(calendar.book(at, needs_confirmation=True))
    live(calendar.confirm(asked, at))
    live(calendar.reschedule(asked, at, calendar.free_slot(at)))
    live(calendar.request_reschedule(asked, at, None))
    dear = live(calendar.book(at, price=4500))
    live(calendar.pay(dear, at))
    judged = calendar.event_type(needs_confirmation=True)
    live(calendar.pay(live(calendar.book(at, price=1, kind=judged)), at))
    seat = live(calendar.book(at, seats=8))
    other = live(calendar.seat(seat, at))
    live(calendar.reschedule(other, at, calendar.free_slot(at)))
    live(calendar.cancel_seat(other, at))
    series = calendar.series(at, 3)
    story += series
    live(calendar.cancel_series([each.booking for each in series], at))
    story += calendar.series(at, 2, needs_confirmation=True)
    live(calendar.out_of_office(at, replaced=False))
    for occurrence in story:
        assert accepts("delivery", body(occurrence, profile)), occurrence
    assert len(story) > 20


def test_there_is_a_schema_for_every_trigger():
    for trigger in (*triggers.TRIGGERS, triggers.PING):
        assert resources.schema(f"calcom/{trigger}")
    for trigger in triggers.GUIDE_TRIGGERS:
        assert resources.schema(f"guide/{trigger}")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_the_same_seed_makes_the_same_bytes(account, at, profile):
    subscription = Subscription("http://r.example/", "s", profile=profile)
    once, twice = account(profile), account(profile)
    for trigger in profile.triggers:
        first = delivery.compose(once.any_of(trigger, at), subscription)
        assert first == delivery.compose(twice.any_of(trigger, at), subscription)


def test_a_trigger_nobody_knows_is_refused(calendar, at):
    with pytest.raises(ValueError, match="BOOKING_CONFIRMED"):
        calendar.any_of("BOOKING_CONFIRMED", at)


def test_the_guide_knows_its_eight_triggers_only(account, at):
    with pytest.raises(ValueError, match="MEETING_ENDED"):
        account(PROFILES["guide"]).any_of("MEETING_ENDED", at)


def test_an_instant_without_time_zone_is_refused(calendar):
    with pytest.raises(ValueError, match="time zone"):
        body(calendar.book(dt.datetime(2026, 7, 7, 9))[0])  # noqa: DTZ001 -- the point of it


# --- booking, confirming, paying -----------------------------------------------------------------


def test_a_free_booking_is_created_at_once(calendar, at):
    occurrence = only(calendar.book(at))
    assert occurrence.trigger == "BOOKING_CREATED"
    assert occurrence.booking.status == occurrence.payload["status"] == "ACCEPTED"


def test_a_booking_keeps_what_it_was_made_with(calendar, at):
    start = at + dt.timedelta(days=3)
    occurrence = only(
        calendar.book(at, start=start, minutes=45, guests=3, metadata={"k": "v"}, notes="Hi")
    )
    payload = occurrence.payload
    assert payload["startTime"] == "2026-07-10T09:15:42Z"
    assert payload["endTime"] == "2026-07-10T10:00:42Z"
    assert payload["length"] == 45
    assert payload["metadata"]["k"] == "v"
    assert payload["metadata"]["videoCallUrl"].endswith(occurrence.booking.uid)
    assert len(payload["attendees"]) == 3
    assert payload["responses"]["guests"]["value"] == list(occurrence.booking.invited)


def test_a_confirmed_request_is_created_under_the_same_uid_without_the_callers_keys(calendar, at):
    request = only(calendar.book(at, needs_confirmation=True, metadata={"k": "v"}))
    created = only(calendar.confirm(request.booking, at + LATER))
    assert told([request, created]) == ["BOOKING_REQUESTED", "BOOKING_CREATED"]
    assert request.payload["status"] == "PENDING"
    assert created.uid == request.uid
    assert created.payload["bookingId"] == request.payload["bookingId"]
    assert "k" in request.payload["metadata"]
    assert "k" not in created.payload["metadata"]


def test_a_rejected_request_says_why(calendar, at):
    request = only(calendar.book(at, needs_confirmation=True))
    rejected = only(calendar.reject(request.booking, at, "no"))
    assert rejected.payload["rejectionReason"] == "no"
    assert rejected.payload["status"] == rejected.booking.status == "REJECTED"


def test_a_payment_leads_to_created_and_then_paid(calendar, at):
    started = only(calendar.book(at, price=4500))
    after = calendar.pay(started.booking, at + LATER)
    assert started.payload["status"] == "ACCEPTED"  # although nothing is paid
    assert told([started, *after]) == [
        "BOOKING_PAYMENT_INITIATED",
        "BOOKING_CREATED",
        "BOOKING_PAID",
    ]
    assert {each.uid for each in after} == {started.uid}
    assert after[1].payload["paymentId"] == started.payload["paymentId"]
    assert "videoCallUrl" not in after[1].payload["metadata"]
    assert "paymentId" not in after[0].payload


def test_a_payment_that_needs_the_host_leads_to_a_request(calendar, at):
    kind = calendar.event_type(needs_confirmation=True)
    started = only(calendar.book(at, price=4500, kind=kind))
    request = only(calendar.pay(started.booking, at))
    assert request.trigger == "BOOKING_REQUESTED"
    assert not {"metadata", "status"} & set(request.payload)
    accepted = only(calendar.confirm(request.booking, at))
    assert accepted.trigger == "BOOKING_CREATED"
    assert calendar.pay(accepted.booking, at) == []


# --- moving and cancelling -----------------------------------------------------------------------


def test_a_reschedule_gets_a_new_uid_and_points_back(calendar, at):
    first = only(calendar.book(at)).booking
    second = only(calendar.reschedule(first, at, first.start + LATER))
    third = only(calendar.reschedule(second.booking, at, first.start + 2 * LATER))
    assert len({first.uid, second.uid, third.uid}) == 3
    assert second.payload["rescheduleUid"] == first.uid
    assert second.payload["rescheduleId"] == first.id
    assert (
        second.payload["rescheduleStartTime"]
        == only(calendar.book(at, start=first.start)).payload["startTime"]
    )
    assert third.payload["rescheduleUid"] == second.uid
    assert third.payload["iCalUID"] == f"{first.uid}@Cal.com"
    assert third.payload["iCalSequence"] == 2


def test_a_guests_reschedule_of_a_confirmable_type_is_a_request(calendar, at):
    asked = only(calendar.book(at, needs_confirmation=True)).booking
    standing = only(calendar.confirm(asked, at)).booking
    by_guest = only(calendar.reschedule(standing, at, standing.start + LATER))
    by_host = only(calendar.reschedule(standing, at, standing.start + LATER, standing.host.email))
    assert told([by_guest, by_host]) == ["BOOKING_REQUESTED", "BOOKING_RESCHEDULED"]
    assert by_guest.uid != standing.uid
    assert "rescheduleUid" not in by_guest.payload
    assert by_guest.payload["status"] == "PENDING"


def test_the_task_path_tells_of_the_old_slot_in_such_a_request(account, at):
    calendar = account(PROFILES["task-2026"])
    asked = only(calendar.book(at, needs_confirmation=True)).booking
    moved = only(calendar.reschedule(asked, at, asked.start + LATER))
    assert moved.payload["rescheduleUid"] == asked.uid


def test_the_guide_keeps_the_uid_and_gives_a_fresh_reschedule_uid(account, at):
    calendar = account(PROFILES["guide"])
    created = only(calendar.book(at, metadata={guide.APPOINTMENT: "12345"}))
    first = created.booking
    moved = only(calendar.reschedule(first, at, first.start + LATER))
    again = only(calendar.reschedule(moved.booking, at, first.start + 2 * LATER))
    assert created.uid == moved.uid == again.uid
    assert created.payload["calcomBookingId"] == again.payload["calcomBookingId"]
    fresh = {each.payload["rescheduleUid"] for each in (created, moved, again)}
    assert len(fresh) == 3
    assert moved.payload["previousStartTime"] == created.payload["startTime"]
    assert again.payload["previousStartTime"] == moved.payload["startTime"]
    assert again.payload["metadata"][guide.APPOINTMENT] == "12345"


def test_the_guide_says_confirmed(account, at):
    calendar = account(PROFILES["guide"])
    request = only(calendar.book(at, needs_confirmation=True))
    assert told(calendar.confirm(request.booking, at)) == ["BOOKING_CONFIRMED"]


def test_the_guide_is_silent_about_what_it_has_no_event_for(account, at):
    calendar = account(PROFILES["guide"])
    booking = only(calendar.book(at)).booking
    assert calendar.start_meeting(booking, at) == []
    assert calendar.no_show(booking, at) == []
    assert calendar.relocate(booking, at) == []
    assert told(calendar.ping(at)) == ["PING"]


def test_the_guides_metadata_holds_text_only(account, at):
    payload = only(account(PROFILES["guide"]).book(at, metadata={guide.APPOINTMENT: 5})).payload
    assert payload["metadata"][guide.APPOINTMENT] == "5"
    assert all(isinstance(value, str) for value in payload["metadata"].values())


def test_a_cancellation_carries_no_metadata_on_the_direct_path(calendar, at):
    booking = only(calendar.book(at, metadata={"k": "v"})).booking
    gone = only(calendar.cancel(booking, at, "ill"))
    assert gone.booking.status == gone.payload["status"] == "CANCELLED"
    assert gone.payload["cancellationReason"] == "ill"
    assert gone.payload["cancelledBy"] == booking.booker.email
    assert "metadata" not in gone.payload


def test_the_host_asks_for_another_time_by_cancelling(calendar, at):
    booking = only(calendar.book(at)).booking
    asked = only(calendar.request_reschedule(booking, at))
    silent = only(calendar.request_reschedule(booking, at, None))
    assert asked.trigger == "BOOKING_CANCELLED"
    assert asked.payload["requestReschedule"] is True
    assert asked.payload["cancellationReason"] == "Please reschedule. Sick today"
    assert silent.payload["cancellationReason"] == "Please reschedule. undefined"


def test_one_slot_is_spelled_in_three_ways(calendar, at):
    request = only(calendar.book(at, needs_confirmation=True))
    created = only(calendar.confirm(request.booking, at))
    gone = only(calendar.cancel(created.booking, at))
    spellings = [each.payload["startTime"][19:] for each in (request, created, gone)]
    assert spellings == ["Z", ".000Z", "+00:00"]


def test_a_server_elsewhere_cancels_in_its_own_time(account, at):
    calendar = account(PROFILES["selfhosted-tz"])
    gone = only(calendar.cancel(only(calendar.book(at)).booking, at))
    assert gone.payload["startTime"].endswith("+02:00")


def test_an_older_sender_lacks_the_newer_keys(account, at):
    old, new = account(PROFILES["direct-2025"]), account()
    newer = {"disableRescheduling", "disableCancelling", "organizationId", "hashedLink"}
    assert set(only(new.book(at)).payload) - set(only(old.book(at)).payload) == newer
    asked = only(old.request_reschedule(only(old.book(at)).booking, at))
    assert not {"status", "cancelledBy", "length", "requestReschedule"} & set(asked.payload)


@pytest.mark.parametrize("trigger", ["BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED"])
def test_the_task_path_spells_every_slot_with_milliseconds(account, at, trigger):
    payload = account(PROFILES["task-2026"]).any_of(trigger, at).payload
    assert payload["startTime"].endswith(".000Z")
    assert payload["assignmentReason"] is None
    assert payload["price"] == 0


# --- seats and series ----------------------------------------------------------------------------


def test_seats_share_the_uid_and_show_their_own_guest_only(calendar, at):
    first = only(calendar.book(at, seats=8))
    second = only(calendar.seat(first.booking, at))
    assert first.uid == second.uid
    assert first.payload["bookingId"] == second.payload["bookingId"]
    assert first.payload["attendeeSeatId"] != second.payload["attendeeSeatId"]
    emails = [each.payload["attendees"][0]["email"] for each in (first, second)]
    assert len(set(emails)) == 2
    gone = only(calendar.cancel_seat(second.booking, at))
    assert gone.uid == first.uid
    assert [each["email"] for each in gone.payload["attendees"]] == emails[1:]
    assert gone.payload["attendees"][0]["bookingId"] == first.booking.id


def test_a_moved_seat_has_no_numeric_pointer(calendar, at):
    seat = only(calendar.book(at, seats=8)).booking
    moved = only(calendar.reschedule(seat, at, seat.start + LATER))
    assert moved.payload["rescheduleUid"] == seat.uid
    assert moved.payload["attendeeSeatId"] == seat.seat_id
    assert "rescheduleId" not in moved.payload


def test_a_slot_without_seats_has_none_to_take(calendar, at):
    with pytest.raises(ValueError, match="seats=N"):
        calendar.seat(only(calendar.book(at)).booking, at)


def test_a_series_is_created_week_by_week_and_cancelled_at_once(calendar, at):
    weeks = calendar.series(at, 3)
    bookings = [week.booking for week in weeks]
    assert told(weeks) == ["BOOKING_CREATED"] * 3
    assert len({booking.uid for booking in bookings}) == 3
    assert bookings[1].start - bookings[0].start == dt.timedelta(weeks=1)
    assert len({week.payload["existingRecurringEvent"]["recurringEventId"] for week in weeks}) == 1
    gone = only(calendar.cancel_series(bookings, at))
    assert gone.uid == bookings[0].uid
    assert gone.payload["recurringEvent"]["count"] == 3


# --- around the booking --------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["start_meeting", "end_meeting"])
def test_a_meeting_is_told_flat_with_the_bookings_own_creation_time(calendar, at, act):
    booking = only(calendar.book(at)).booking
    rendered = body(only(getattr(calendar, act)(booking, at + LATER)))
    assert "payload" not in rendered
    assert next(iter(rendered)) == "triggerEvent"
    assert rendered["createdAt"] == "2026-07-07T09:15:42.318Z"
    assert rendered["uid"] == booking.uid


def test_a_wrapped_meeting_has_an_envelope(calendar, at):
    booking = only(calendar.book(at)).booking
    rendered = body(only(calendar.start_meeting(booking, at, wrapped=True)))
    assert rendered["payload"]["uid"] == booking.uid


def test_no_shows_are_marked_and_unmarked(calendar, at):
    alone = only(calendar.book(at)).booking
    many = only(calendar.book(at, guests=3)).booking
    marked, unmarked = calendar.no_show(alone, at)[0], calendar.no_show(alone, at, came=True)[0]
    assert marked.payload["message"] == f"{alone.booker.email} marked as no-show"
    assert unmarked.payload["message"] == f"{alone.booker.email} unmarked as no-show"
    assert unmarked.payload["attendees"] == [{"email": alone.booker.email, "noShow": False}]
    assert len(calendar.no_show(many, at)[0].payload["attendees"]) == 3
    assert marked.uid == alone.uid


def test_the_task_path_orders_a_no_show_otherwise(account, at):
    calendar = account(PROFILES["task-2026"])
    payload = calendar.no_show(only(calendar.book(at)).booking, at)[0].payload
    assert list(payload) == ["bookingUid", "bookingId", "attendees", "message"]


def test_a_form_repeats_its_answers_at_the_root_and_cannot_override_the_envelope(calendar, at):
    answers = {"payload": "mine", "2": "two", "Größe": ["51-200"], "triggerEvent": "x"}
    rendered = body(only(calendar.submit_form(at, answers)))
    assert rendered["triggerEvent"] == "FORM_SUBMITTED"
    assert rendered["payload"]["responses"]["payload"]["value"] == "mine"
    assert rendered["Größe"] == ["51-200"]
    assert list(rendered) == ["payload", "2", "Größe", "triggerEvent", "createdAt"]
    option = rendered["payload"]["responses"]["Größe"]["response"]
    assert option[0]["label"] == "51-200"


def test_a_form_has_no_uid(calendar, at):
    occurrence = only(calendar.submit_form(at))
    assert occurrence.uid is None
    assert occurrence.booking is None


def test_an_absence_begins_at_midnight_of_the_hosts_own_clock(calendar, at):
    entry = only(calendar.out_of_office(at)).payload["oooEntry"]
    assert "T00:00:00" in entry["start"]
    assert "T23:59:59" in entry["end"]
    assert entry["toUser"]["email"] != entry["user"]["email"]
    assert only(calendar.out_of_office(at, replaced=False)).payload["oooEntry"]["toUser"] is None


def test_a_trigger_that_is_no_credentials_is_refused(calendar, at):
    with pytest.raises(ValueError, match="PING"):
        calendar.credential("PING", at)


def test_a_relocated_booking_remembers_what_was_asked_for(calendar, at):
    booking = only(calendar.book(at)).booking
    moved = only(calendar.relocate(booking, at, "https://meet.example/x"))
    assert moved.payload["previousLocation"] == "integrations:daily"
    assert moved.payload["metadata"]["videoCallUrl"] == "https://meet.example/x"
    assert moved.payload["responses"]["location"]["value"]["value"] == "integrations:daily"


def test_a_reassigned_booking_names_both_hosts(calendar, at):
    booking = only(calendar.book(at)).booking
    moved = only(calendar.reassign(booking, at))
    assert moved.payload["removedHostUserIds"] == [booking.host.id]
    assert moved.payload["addedHostUserIds"] == [moved.booking.host.id]


def test_the_hosts_own_questions_are_answered_twice(calendar, at):
    booked = only(calendar.book(at, answers={"company-size": "51-200", "2": ["a"]}))
    own = booked.payload["userFieldsResponses"]
    assert own["company-size"]["label"] == "Company size"
    assert booked.payload["responses"]["2"] == own["2"]
    gone = only(calendar.cancel(booked.booking, at))
    assert list(gone.payload["responses"]) == ["2", "name", "email", "guests", "company-size"]
    assert set(gone.payload["userFieldsResponses"]) == {"2", "company-size"}


def test_default_slots_never_overlap(calendar, at):
    starts = [only(calendar.book(at)).booking.start for _ in range(50)]
    assert len({start.date() for start in starts}) == 50
    assert all(start > at for start in starts)


def test_a_guest_with_a_phone_only_number_shows_it(calendar, at):
    booking = only(calendar.book(at)).booking
    guest = dataclasses.replace(booking.booker, phone="+15550100")
    moved = only(
        calendar.reschedule(
            dataclasses.replace(booking, guests=(guest,)), at, booking.start + LATER
        )
    )
    assert moved.payload["smsReminderNumber"] == "+15550100"
    assert moved.payload["attendees"][0]["phoneNumber"] == "+15550100"


def test_a_booking_is_never_changed(calendar, at):
    booking = only(calendar.book(at)).booking
    with pytest.raises(dataclasses.FrozenInstanceError):
        booking.uid = "other"
    assert isinstance(booking, Booking)


def test_the_task_path_asks_for_another_time_in_its_own_shape(account, at):
    calendar = account(PROFILES["task-2026"])
    asked = only(calendar.request_reschedule(only(calendar.book(at)).booking, at))
    assert asked.payload["requestReschedule"] is True
    assert asked.payload["startTime"].endswith(".000Z")


@pytest.mark.parametrize("name", ["direct-2026", "task-2026"])
def test_seats_can_be_told_apart_on_either_path(account, at, name):
    calendar = account(PROFILES[name])
    first = only(calendar.book(at, seats=8))
    second = only(calendar.seat(first.booking, at))
    assert first.payload["attendeeSeatId"] != second.payload["attendeeSeatId"]


def test_a_host_offers_the_same_kinds_of_meeting_every_time(calendar, at):
    payloads = [only(calendar.book(at)).payload for _ in range(40)]
    offered = {(payload["type"], payload["eventTypeId"]) for payload in payloads}
    assert len(offered) == len({slug for slug, _ in offered}) <= 6


def test_a_moved_booking_is_a_row_of_its_own(calendar, at):
    first = only(calendar.book(at)).booking
    moved = only(calendar.reschedule(first, at, first.start + LATER)).booking
    assert moved.idempotency_key != first.idempotency_key
    assert moved.first_row != first.first_row
