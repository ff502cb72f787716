"""
What happens in an account around its bookings: meetings, forms, absences, administration.

`life.Calendar` is this and the life of a booking.  Pure, like it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from mock_calcom import triggers
from mock_calcom.accounts import Account
from mock_calcom.occurrences import Occurrence
from mock_calcom.payloads import account, forms, guide, meetings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_calcom.bookings import Booking

#: After how many minutes Cal Video's no-show detection looks into the call.
_PATIENCE_MINUTES = 5


class Surroundings(Account):
    """The part of an account that is not the life of a booking."""

    # --- the meeting -----------------------------------------------------------------------------

    def start_meeting(
        self, booking: Booking, at: dt.datetime, *, wrapped: bool = False
    ) -> list[Occurrence]:
        """
        The slot begins: MEETING_STARTED, flat.

        With *wrapped* on it is put in an envelope, as newer public code would have it.
        """
        return self._meeting("MEETING_STARTED", booking, at, wrapped=wrapped)

    def end_meeting(
        self, booking: Booking, at: dt.datetime, *, wrapped: bool = False
    ) -> list[Occurrence]:
        """The slot ends: MEETING_ENDED, flat or *wrapped*."""
        return self._meeting("MEETING_ENDED", booking, at, wrapped=wrapped)

    def no_show(self, booking: Booking, at: dt.datetime, *, came: bool = False) -> list[Occurrence]:
        """The host marks the guests as absent, or with *came* takes it back: NO_SHOW_UPDATED."""
        payload = meetings.no_show_updated(booking, no_show=not came, path=self.profile.path)
        return self._tell("BOOKING_NO_SHOW_UPDATED", at, payload, booking=booking)

    def hosts_absent(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """Cal Video finds no host in the call: AFTER_HOSTS_CAL_VIDEO_NO_SHOW."""
        payload = meetings.hosts_absent(booking, *self._detection(booking))
        return self._tell("AFTER_HOSTS_CAL_VIDEO_NO_SHOW", at, payload, booking=booking)

    def guests_absent(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """Cal Video finds no guest in the call: AFTER_GUESTS_CAL_VIDEO_NO_SHOW."""
        payload = meetings.guests_absent(booking, *self._detection(booking))
        return self._tell("AFTER_GUESTS_CAL_VIDEO_NO_SHOW", at, payload, booking=booking)

    def record(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """The recording of the call is ready: RECORDING_READY."""
        payload = meetings.recording_ready(booking, self.ids.token(32))
        return self._tell("RECORDING_READY", at, payload, booking=booking)

    def transcribe(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """The transcript of the call is ready: RECORDING_TRANSCRIPTION_GENERATED."""
        payload = meetings.transcription_generated(booking, self.ids.token(32))
        return self._tell("RECORDING_TRANSCRIPTION_GENERATED", at, payload, booking=booking)

    # --- forms -----------------------------------------------------------------------------------

    def submit_form(
        self, at: dt.datetime, answers: Mapping[str, Any] | None = None
    ) -> list[Occurrence]:
        """Somebody sends a routing form: FORM_SUBMITTED, its answers repeated at the root."""
        sheet = self._sheet(answers)
        if self.profile.dialect == "guide":
            return self._tell("FORM_SUBMITTED", at, guide.form_submitted(sheet))
        return self._tell("FORM_SUBMITTED", at, forms.submitted(sheet), root=forms.root(sheet))

    def leave_form(
        self, at: dt.datetime, answers: Mapping[str, Any] | None = None
    ) -> list[Occurrence]:
        """A sent form led to no booking: FORM_SUBMITTED_NO_EVENT."""
        payload = forms.without_booking(self._sheet(answers))
        return self._tell("FORM_SUBMITTED_NO_EVENT", at, payload)

    def miss_route(
        self, at: dt.datetime, answers: Mapping[str, Any] | None = None
    ) -> list[Occurrence]:
        """No route of a form fitted the answers: ROUTING_FORM_FALLBACK_HIT."""
        payload = forms.fallback_hit(self._sheet(answers), self.ids.booking_id())
        return self._tell("ROUTING_FORM_FALLBACK_HIT", at, payload)

    # --- the account -----------------------------------------------------------------------------

    def call_now(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """The booker waits in the call for any host: INSTANT_MEETING."""
        payload = account.instant_meeting(booking, self.ids.token(32))
        return self._tell("INSTANT_MEETING", at, payload, booking=booking)

    def accept_call(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """The first host joins the waiting booker: INSTANT_MEETING_ACCEPTED."""
        payload = account.instant_meeting_accepted(booking)
        return self._tell("INSTANT_MEETING_ACCEPTED", at, payload, booking=booking)

    def out_of_office(
        self, at: dt.datetime, *, days: int = 5, replaced: bool = True
    ) -> list[Occurrence]:
        """The host will be away, perhaps *replaced* by another: OOO_CREATED."""
        payload = account.out_of_office(
            self.host,
            self.people.host() if replaced else None,
            at,
            entry_id=self.ids.booking_id(),
            entry_uuid=self.ids.uuid(),
            first=(at + dt.timedelta(days=30)).date(),
            days=days,
        )
        return self._tell("OOO_CREATED", at, payload)

    def report_assignment(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """A colleague says that a form chose the wrong host: WRONG_ASSIGNMENT_REPORT."""
        payload = account.wrong_assignment(
            booking, self.people.host(), "Company size: 51-200", self.ids.booking_id()
        )
        return self._tell("WRONG_ASSIGNMENT_REPORT", at, payload, booking=booking)

    def decline_entry(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """The invitation is declined in a calendar: CALENDAR_ENTRY_REJECTED."""
        payload = account.calendar_entry_rejected(booking)
        return self._tell("CALENDAR_ENTRY_REJECTED", at, payload, booking=booking)

    def credential(self, trigger: str, at: dt.datetime) -> list[Occurrence]:
        """
        Something happens to a delegation credential: one of the four DELEGATION_CREDENTIAL_*.

        Raises:
            ValueError: if *trigger* is none of the four.
        """
        credential_id, organization = self.ids.uuid(), self.ids.booking_id()
        expires = at + dt.timedelta(days=180)
        builders = {
            "DELEGATION_CREDENTIAL_SECRET_ROTATED": account.credential,
            "DELEGATION_CREDENTIAL_ROTATION_REQUIRED": account.credential,
            "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED": account.credential_rotation_failed,
        }
        if trigger == "DELEGATION_CREDENTIAL_ERROR":
            payload = account.credential_error(credential_id, self.host, organization)
        elif trigger in builders:
            payload = builders[trigger](credential_id, self.host, organization, expires)
        else:
            raise ValueError(f"{trigger!r} is not about a delegation credential")
        return self._tell(trigger, at, payload)

    def ping(self, at: dt.datetime) -> list[Occurrence]:
        """Somebody presses the test button: PING, in either dialect."""
        return [Occurrence(triggers.PING, at, account.ping(at))]

    # --- how it is done --------------------------------------------------------------------------

    def _meeting(
        self, trigger: str, booking: Booking, at: dt.datetime, *, wrapped: bool
    ) -> list[Occurrence]:
        payload = meetings.meeting(booking)
        return self._tell(trigger, at, payload, booking=booking, flat=not wrapped)

    def _detection(self, booking: Booking) -> tuple[dict[str, Any], dt.datetime]:
        hook = meetings.subscription_row(self.ids.uuid(), _PATIENCE_MINUTES)
        return hook, booking.start + dt.timedelta(minutes=_PATIENCE_MINUTES)

    def _sheet(self, answers: Mapping[str, Any] | None) -> forms.Sheet:
        guest = self.people.guest()
        given = answers or {
            "name": guest.name,
            "email": guest.email,
            "Company size": [self.ids.chance.choice(("1-10", "11-50", "51-200"))],
            "seats": self.ids.chance.randrange(1, 200),
        }
        return forms.Sheet(
            form_id=self.ids.uuid(),
            form_name="Sales intake",
            team_id=self.ids.booking_id(),
            response_id=self.ids.booking_id(),
            answers={
                key: forms.Answer(value, self.ids.uuid() if isinstance(value, list) else None)
                for key, value in given.items()
            },
        )
