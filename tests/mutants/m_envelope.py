"""Mutants of envelope and content: authentic bodies that are nonsense, or lack something."""

from __future__ import annotations

import dataclasses

import orjson
from gallery import breaks

from reference_impl import answers, instants
from reference_impl.answers import Answer
from reference_impl.envelope import InvalidPayloadError
from reference_impl.facts import Fact, Reader, UnusablePayloadError
from reference_impl.handlers import Handlers
from reference_impl.receiver import Receiver
from reference_impl.worker import Worker


def parsed(body):
    """What *body* says, or nothing when it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def root(body):
    """The object that *body* is; an empty one when it is something else."""
    value = parsed(body)
    return value if isinstance(value, dict) else {}


@breaks(
    "env-001",
    "sig-024",
    "tol-008",
    "tol-011",
    guide={"env-002"},
    calcom={"evt-008"},
    part="receiver",
    reasons={"status-500"},
)
class CrashesOnBrokenJson(Receiver):
    """Parses the body without a thought of its being no JSON."""

    def read(self, body):
        orjson.loads(body)
        return super().read(body)


@breaks("obs-003", guide={"env-002"}, part="receiver", reasons={"status-202", "log-silent"})
class AcknowledgesBrokenJson(Receiver):
    """Answers 202 to what it cannot parse, so that the sender leaves it in peace."""

    def invalid(self, problem):
        if str(problem) == "the body is not JSON":
            return answers.ACCEPTED
        return super().invalid(problem)


@breaks(guide={"env-002", "env-003", "env-004"}, part="receiver", reasons={"body"})
class ExplainsNothing(Receiver):
    """Answers 400 with an empty body."""

    def invalid(self, problem):
        super().invalid(problem)
        return Answer(400, b"")


@breaks(guide={"env-003"}, part="receiver", reasons={"status-202"})
class FollowsTheGuidesUnitTest(Receiver):
    """Acknowledges an envelope without a payload, as one of the guide's own tests expects."""

    def invalid(self, problem):
        if str(problem) == "payload is missing or empty":
            return answers.ACCEPTED
        return super().invalid(problem)


@breaks(guide={"env-004"}, calcom={"env-005"}, part="receiver", reasons={"status-500"})
class CrashesOnScalars(Receiver):
    """Looks into the parsed body as if it could only be an object."""

    def read(self, body):
        value = parsed(body)
        if value is not None:
            value.get("triggerEvent")
        return super().read(body)


@breaks("env-006", part="receiver", reasons={"status-500"})
class ChokesOnTriggersOfAnotherType(Receiver):
    """Calls text methods on whatever the trigger event is."""

    def read(self, body):
        trigger = root(body).get("triggerEvent")
        if trigger is not None:
            trigger.upper()
        return super().read(body)


@breaks("env-006", part="receiver", reasons={"status-500"})
class ChokesOnPayloadsOfAnotherType(Receiver):
    """Reads the payload's uid before it knows that the payload is an object."""

    def read(self, body):
        payload = root(body).get("payload")
        if payload:
            payload.get("uid")
        return super().read(body)


@breaks("env-007", part="reader", reasons={"effect-unexpected"})
class FillsInNonsense(Reader):
    """Books a slot it cannot read for now."""

    def read(self, envelope, received_at):
        payload = dict(envelope.payload)
        start = payload.get("startTime")
        if envelope.trigger == "BOOKING_CREATED" and instants.parse(start) is None:
            payload["startTime"] = instants.spell(received_at)
        return super().read(dataclasses.replace(envelope, payload=payload), received_at)


@breaks("env-007", part="worker", reasons={"effect-unexpected", "other-time"})
class KeepsHalfABooking(Worker):
    """Writes the booking first and reads its times afterwards."""

    def prepare(self, job):
        try:
            return super().prepare(job)
        except UnusablePayloadError:
            if job.trigger == "BOOKING_CREATED" and job.uid:
                half = Fact(job.trigger, job.received_at, uid=job.uid, key=f"half of {job.uid}")
                with self.store.write() as connection:
                    self.handlers.apply(connection, [half])
            raise


@breaks("env-008", guide={"evt-002"}, part="receiver", reasons={"status-400"})
class RequiresTitle(Receiver):
    """Refuses a booking without a title."""

    def read(self, body):
        envelope = super().read(body)
        if envelope.trigger == "BOOKING_CREATED" and not envelope.payload.get("title"):
            raise InvalidPayloadError("the booking has no title")
        return envelope


@breaks("env-008", part="handlers", reasons={"effect-missing"})
class DropsBookingsWithoutMetadata(Handlers):
    """Ignores a booking whose metadata is missing or null."""

    def prepare(self, envelope, received_at):
        booked = envelope.trigger == "BOOKING_CREATED"
        if booked and not isinstance(envelope.payload.get("metadata"), dict):
            return None
        return super().prepare(envelope, received_at)


@breaks("env-008", part="handlers", reasons={"effect-missing"})
class ChokesWithoutAttendees(Handlers):
    """Reads the first attendee of a booking that may have none."""

    def prepare(self, envelope, received_at):
        if envelope.trigger == "BOOKING_CREATED" and "attendees" in envelope.payload:
            envelope.payload["attendees"][0]["email"]
        return super().prepare(envelope, received_at)


@breaks(guide={"env-009", "evt-002"}, part="receiver", reasons={"status-400", "effect-missing"})
class RequiresCreatedAt(Receiver):
    """Refuses an envelope without createdAt."""

    def read(self, body):
        envelope = super().read(body)
        if "createdAt" not in envelope.root:
            raise InvalidPayloadError("createdAt is missing")
        return envelope
