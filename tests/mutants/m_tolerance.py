"""Mutants of tolerance: what honest senders, networks and people do to a body."""

from __future__ import annotations

import dataclasses
import json
import time

from gallery import breaks

from reference_impl import answers, instants
from reference_impl.answers import Answer
from reference_impl.door import Door
from reference_impl.envelope import InvalidPayloadError
from reference_impl.facts import Reader
from reference_impl.handlers import Handlers
from reference_impl.receiver import Receiver

_ENVELOPE = {"triggerEvent", "createdAt", "payload"}


@breaks(
    "tol-001",
    calcom={"ack-001", "evt-003", "evt-009", "idm-012"},
    part="receiver",
    reasons={"status-400"},
)
class StrictSchema(Receiver):
    """Refuses an envelope with a member it does not know."""

    def read(self, body):
        envelope = super().read(body)
        if "payload" in envelope.root and envelope.root.keys() - _ENVELOPE:
            raise InvalidPayloadError("additional properties are not allowed")
        return envelope


@breaks("tol-002", part="receiver", reasons={"effect-missing"})
class BlocksMarkup(Receiver):
    """Stands behind a firewall that takes markup in a note for an attack."""

    async def judge(self, client, headers, body):
        if b"<script" in body:
            return Answer(403, b"Request blocked", b"text/html")
        return await super().judge(client, headers, body)


@breaks("sec-001", "tol-002", part="handlers", reasons={"effect-missing"})
class RendersTextAsTemplates(Handlers):
    """Hands people's text to a template engine, which fails on braces."""

    def prepare(self, envelope, received_at):
        if "{{" in str(envelope.payload.get("title")):
            raise ValueError("unexpected symbol in template")
        return super().prepare(envelope, received_at)


@breaks("tol-003", "tol-009", part="receiver", reasons={"status-413"})
class SmallBodyLimit(Receiver):
    """Takes bodies of up to 100 kB, the default of its framework."""

    def body_limit(self):
        return 100_000


@breaks(
    *("sec-002", "sig-010", "tol-004"),
    guide={"env-002"},
    part="door",
    reasons={"effect-missing", "status-202", "status-401"},
)
class JoinsTextChunks(Door):
    """Decodes each piece of the body as it comes, and joins the texts."""

    async def _answer(self, scope, receive):
        async def decoded():
            message = await receive()
            text = message.get("body", b"").decode("utf-8", "replace")
            return {**message, "body": text.encode()}

        return await super()._answer(scope, decoded)


@breaks(
    *("sec-002", "tol-003", "tol-004", "tol-009"),
    part="door",
    reasons={"status-401", "status-202", "effect-missing", "effect-unexpected"},
    # Whether head and body come together is a matter of a moment where many come at once, or where
    # a connection breaks.
    perhaps={"net-005", "thr-001", "thr-003", "thr-004"},
)
class StopsAtTheFirstSegment(Door):
    """Takes the first piece that the network brings for the whole body."""

    async def _answer(self, scope, receive):
        async def first():
            message = await receive()
            return {**message, "more_body": False}

        return await super()._answer(scope, first)


@breaks("tol-005", "tol-015", part="receiver", reasons={"effect-missing"})
class ReplayWindowOnCreatedAt(Receiver):
    """Takes what is older than five minutes for a replay, and drops it with a 202."""

    def late(self, body):
        try:
            created = instants.parse(json.loads(body)["createdAt"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        return created is not None and time.time() - created / 1_000_000 > 300

    async def judge(self, client, headers, body):
        if self.authenticate(headers, body) is None and self.late(body):
            return answers.ACCEPTED
        return await super().judge(client, headers, body)


@breaks("tol-014", part="reader", reasons={"booking-id"})
class OverflowsInt32(Reader):
    """Keeps booking ids in 32 bits."""

    def read(self, envelope, received_at):
        fact = super().read(envelope, received_at)
        if fact.booking_id is None:
            return fact
        return dataclasses.replace(fact, booking_id=(fact.booking_id + 2**31) % 2**32 - 2**31)


@breaks("tol-014", part="reader", reasons={"booking-id"})
class RoundsIdsToFloat(Reader):
    """Reads numbers as floating ones, of which many share the same id."""

    def read(self, envelope, received_at):
        fact = super().read(envelope, received_at)
        if fact.booking_id is None:
            return fact
        return dataclasses.replace(fact, booking_id=int(float(fact.booking_id)))


@breaks("tol-007", part="receiver", reasons={"status-415"})
class RefusesOtherContentTypes(Receiver):
    """Refuses a body that is not declared as exactly `application/json`."""

    async def judge(self, client, headers, body):
        kinds = [value for name, value in headers if name == b"content-type"]
        if kinds != [b"application/json"]:
            return Answer(415, b'{"error":"Unsupported media type"}')
        return await super().judge(client, headers, body)


@breaks("tol-008", part="receiver", reasons={"status-500"})
class RecursesOnDeepJson(Receiver):
    """Parses with a library that gives up on deep nesting by raising."""

    def read(self, body):
        try:
            json.loads(body)
        except ValueError:
            return super().read(body)
        return super().read(body)
