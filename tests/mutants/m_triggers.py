"""Mutants of trigger events: which are refused, crash, or do what another one does."""

from __future__ import annotations

import dataclasses
import secrets

import orjson
from gallery import breaks
from singly import SingleHandlers

from reference_impl import answers, instants
from reference_impl.answers import Answer
from reference_impl.envelope import FLAT, InvalidPayloadError
from reference_impl.facts import Reader, UnusablePayloadError
from reference_impl.handlers import KINDS, Handlers
from reference_impl.needs import HANDLED
from reference_impl.receiver import Receiver


class Refuses(Receiver):
    """Refuses some trigger events; which of them is what heirs decide."""

    def unwanted(self, envelope):
        raise NotImplementedError

    def read(self, body):
        envelope = super().read(body)
        if self.unwanted(envelope):
            raise InvalidPayloadError("the trigger event is not supported")
        return envelope


@breaks(
    guide={"ack-003", "eff-009", "eff-010", "evt-001", "ord-007"},
    part="receiver",
    reasons={"requested", "status-400"},
)
class ForgetsConfirmations(Refuses):
    """Refuses BOOKING_CONFIRMED, which the real sender never sends."""

    def unwanted(self, envelope):
        return envelope.trigger == "BOOKING_CONFIRMED"


@breaks(
    *("evt-005", "evt-006"),
    calcom={"evt-003", "evt-004"},
    part="receiver",
    reasons={"status-400"},
    unverified={"sig-001", "sig-002"},
)
class KnowsItsTriggersOnly(Refuses):
    """Refuses every trigger event without a handler."""

    def unwanted(self, envelope):
        return envelope.trigger not in HANDLED


@breaks(calcom={"evt-003"}, part="receiver", reasons={"status-400"})
class RefusesYoungTriggers(Refuses):
    """Refuses the trigger events that Cal.com added in the last half year."""

    def unwanted(self, envelope):
        young = ("DELEGATION_", "WRONG_ASSIGNMENT_", "CALENDAR_ENTRY_", "ROUTING_FORM_")
        return envelope.trigger.startswith(young)


@breaks(calcom={"evt-004"}, part="receiver", reasons={"status-400"})
class RefusesFlatMeetings(Refuses):
    """Refuses a meeting event without `payload`, as any other body without one."""

    def unwanted(self, envelope):
        return envelope.flat


@breaks(calcom={"evt-004"}, part="receiver", reasons={"status-500"})
class CrashesOnFlatMeeting(Receiver):
    """Reads `payload` of a meeting event that has none."""

    def read(self, body):
        envelope = super().read(body)
        if envelope.trigger in FLAT:
            envelope.root["payload"]["uid"]
        return envelope


@breaks(
    *("evt-005", "ack-008"),
    part="receiver",
    reasons={"redirect", "status-302"},
    unverified={"sig-001", "sig-002"},
)
class RedirectsPing(Receiver):
    """Sends the test button to its settings page."""

    def accepted(self, entry):
        if entry.trigger == "PING":
            return Answer(302, b"", headers=((b"location", b"/settings/webhooks"),))
        return super().accepted(entry)

    def duplicate(self, entry):
        super().duplicate(entry)
        return self.accepted(entry)


@breaks("evt-005", part="receiver", reasons={"status-400"}, unverified={"sig-001", "sig-002"})
class RefusesPing(Refuses):
    """Refuses PING, whose payload has no uid."""

    def unwanted(self, envelope):
        return envelope.trigger == "PING"


@breaks("evt-005", "sig-001", "sig-002", part="receiver", reasons={"status-202"})
class AcceptsUnsignedPing(Receiver):
    """Answers the test button before it verifies anything."""

    async def judge(self, client, headers, body):
        if b'"triggerEvent":"PING"' in body:
            return answers.ACCEPTED
        return await super().judge(client, headers, body)


class BooksMore(Handlers):
    """Books some trigger events as well; which of them is what heirs decide."""

    def booked(self, envelope):
        raise NotImplementedError

    def prepare(self, envelope, received_at):
        if self.booked(envelope):
            envelope = dataclasses.replace(envelope, trigger="BOOKING_CREATED")
        return super().prepare(envelope, received_at)


@breaks("evt-005", part="handlers", reasons={"changed"})
class BooksThePing(BooksMore):
    """Takes PING for a booking, under a uid of its own making."""

    def booked(self, envelope):
        if envelope.trigger == "PING":
            envelope.payload["uid"] = secrets.token_hex(11)
        return envelope.trigger == "PING"


@breaks("evt-007", part="handlers", reasons={"effect-unexpected"})
class TreatsUnknownAsBooking(Handlers):
    """Ends its switch over trigger events with an `else` that books."""

    def prepare(self, envelope, received_at):
        if self.handles(envelope.trigger) or envelope.flat:
            return super().prepare(envelope, received_at)
        booking = dataclasses.replace(envelope, trigger="BOOKING_CREATED")
        try:
            return super().prepare(booking, received_at)
        except UnusablePayloadError:
            return None


@breaks("evt-007", part="handlers", reasons={"effect-unexpected"})
class IgnoresTheCaseOfTriggers(BooksMore):
    """Compares trigger events in upper case, with dots for underscores."""

    def booked(self, envelope):
        return envelope.trigger.upper().replace(".", "_") == "BOOKING_CREATED"


@breaks(guide={"env-003"}, calcom={"evt-008"}, part="receiver", reasons={"status-500"})
class CrashesWithoutATrigger(Receiver):
    """Reads the trigger event of every object as if templates always kept it."""

    def read(self, body):
        try:
            root = orjson.loads(body)
        except orjson.JSONDecodeError:
            root = None
        if isinstance(root, dict):
            root["triggerEvent"]
        return super().read(body)


@breaks("tol-007", calcom={"evt-008"}, part="receiver", reasons={"status-500"})
class DecodesForms(Receiver):
    """Decodes a body that is declared a form as one, and misses its fields."""

    async def judge(self, client, headers, body):
        kinds = [value for name, value in headers if name == b"content-type"]
        if self.authenticate(headers, body) is None and b"x-www-form-urlencoded" in b"".join(kinds):
            fields = dict(pair.partition(b"=")[::2] for pair in body.split(b"&"))
            orjson.loads(fields[b"payload"])
        return await super().judge(client, headers, body)


@breaks("evt-009", part="handlers", reasons={"effect-unexpected"})
class BooksForms(BooksMore):
    """Makes an appointment of a submitted form, for tomorrow."""

    def kind(self, trigger):
        return KINDS[trigger]

    def booked(self, envelope):
        if envelope.trigger != "FORM_SUBMITTED":
            return False
        envelope.payload["uid"] = secrets.token_hex(11)
        envelope.payload["startTime"] = instants.spell(self.clock.now() + 86_400_000_000)
        return True


@breaks(calcom={"evt-009"}, part="receiver", reasons={"status-400"})
class TakesFormsForFlatBodies(Refuses):
    """Takes a form whose answers include a uid or a start for a meeting event gone wrong."""

    def unwanted(self, envelope):
        return "payload" in envelope.root and bool({"uid", "startTime"} & envelope.root.keys())


@breaks(calcom={"evt-010"}, part="receiver", reasons={"status-400", "effect-missing"})
class RefusesOtherVersions(Receiver):
    """Refuses a delivery whose version header names another version than its own."""

    async def judge(self, client, headers, body):
        versions = {value for name, value in headers if name == b"x-cal-webhook-version"}
        if versions - {b"2021-10-20"}:
            return self.invalid(InvalidPayloadError("the version is not supported"))
        return await super().judge(client, headers, body)


@breaks("eff-013", calcom={"evt-010"}, part="reader", reasons={"live-0", "still-live"})
class ChokesOnOffsets(Reader):
    """Reads instants in UTC, and fails on any with another offset."""

    def instant(self, payload, *names):
        for name in names:
            text = (payload.get(name) or "").removesuffix("+00:00")
            if "+" in text or "-" in text[10:]:
                raise ValueError("time data does not match format")
        return super().instant(payload, *names)


@breaks(
    part="handlers",
    calcom={"evt-011"},
    reasons={"effect-unexpected"},
    told={"CALCONTRACT_TRIGGERS": '{"BOOKING_CREATED": [], "BOOKING_RESCHEDULED": []}'},
)
class ActsOnWhatItDeclaresToIgnore(SingleHandlers):
    """Declares that it acts on new and moved bookings only, and acts on all of them."""

    def act(self, connection, fact):
        super().act(connection, fact)
