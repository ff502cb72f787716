"""Mutants of answers and the budget: what is said, when, and whether at all."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time

from gallery import breaks
from sqlalchemy import select

from reference_impl import answers
from reference_impl.answers import Answer
from reference_impl.door import Door
from reference_impl.receiver import Receiver
from reference_impl.tables import webhook_events


@breaks("ack-001", part="receiver", reasons={"too-late"})
class AnswersFormsAfterTheBudget(Receiver):
    """Asks another system about each submitted form before it answers."""

    async def accept(self, entry):
        if entry.trigger == "FORM_SUBMITTED":
            await asyncio.sleep(2.4)
        return await super().accept(entry)


@breaks(
    guide={"ack-002"},
    calcom={"ack-010"},
    part="receiver",
    reasons={"processed-inside-the-request"},
)
class ProcessesInsideTheRequest(Receiver):
    """Answers when the delivery is processed, not when it is stored."""

    async def accept(self, entry):
        new = await super().accept(entry)
        if new:
            await asyncio.to_thread(self.wait_for, entry)
        return new

    def wait_for(self, entry):
        while self.under_way(entry):
            time.sleep(0.005)

    def under_way(self, entry):
        events = webhook_events.c
        query = select(events.state, events.due_at).where(events.webhook_id == entry.webhook_id)
        with self.inbox._store.read() as connection:
            state, due_at = connection.execute(query).one()
        return state == "processing" or (state == "waiting" and due_at <= self.clock.now())


@breaks(guide={"ack-003"}, part="receiver", reasons={"status-200"})
class Answers200(Receiver):
    """Acknowledges with 200, which says that it is done."""

    def accepted(self, entry):
        return dataclasses.replace(super().accepted(entry), status=200)

    def duplicate(self, entry):
        return dataclasses.replace(super().duplicate(entry), status=200)


@breaks(guide={"ack-003"}, part="receiver", reasons={"status-200"})
class Answers200ToRedeliveries(Receiver):
    """Tells the sender of a redelivery that it is a duplicate."""

    def duplicate(self, entry):
        super().duplicate(entry)
        return Answer(200, b'{"status":"duplicate"}')


@breaks(guide={"ack-003"}, part="receiver", reasons={"body"})
class AcknowledgesWithoutAWord(Receiver):
    """Acknowledges with 202 and an empty body."""

    def accepted(self, entry):
        return dataclasses.replace(super().accepted(entry), body=b"")


@breaks(guide={"ack-004"}, part="receiver", reasons={"status-403"})
class Answers403(Receiver):
    """Refuses with 403 what the guide refuses with 401."""

    def refused(self, refusal):
        return dataclasses.replace(super().refused(refusal), status=403)


@breaks(guide={"ack-005"}, part="receiver", reasons={"body"})
class MumblesItsRefusals(Receiver):
    """Answers 401 without saying why."""

    def refused(self, refusal):
        return dataclasses.replace(super().refused(refusal), body=b"Unauthorized")


@breaks("ack-006", guide={"ack-004"}, part="receiver", reasons={"status-410"})
class Answers410ToForgeries(Receiver):
    """Says Gone to a wrong signature, so that the sender gives up."""

    def refused(self, refusal):
        return dataclasses.replace(super().refused(refusal), status=410)


@breaks("ack-006", guide={"env-002", "env-003", "env-004"}, part="receiver", reasons={"status-410"})
class Answers410ToInvalidPayloads(Receiver):
    """Says Gone to a body that is no envelope."""

    def invalid(self, problem):
        return dataclasses.replace(super().invalid(problem), status=410)


@breaks("net-010", guide={"ack-007"}, part="door", reasons={"status-202", "effect-unexpected"})
class AcceptsGet(Door):
    """Takes a GET for a delivery as well."""

    async def _answer(self, scope, receive):
        if scope["method"] == "GET":
            scope = {**scope, "method": "POST"}
        return await super()._answer(scope, receive)


@breaks(guide={"ack-007"}, part="door", reasons={"status-200"})
class GreetsBrowsers(Door):
    """Answers 200 to a GET, so that people see that the URL is right."""

    async def _answer(self, scope, receive):
        if scope["method"] == "GET":
            return Answer(200, b"Cal.com webhook endpoint", b"text/plain")
        return await super()._answer(scope, receive)


@breaks(part="door", stops=True)
class RedirectsToTheSlash(Door):
    """Answers at the URL with a slash at its end, and redirects from the one without."""

    async def _answer(self, scope, receive):
        path = scope["path"].encode()
        if path.endswith(b"/"):
            return await super()._answer(scope, receive)
        return Answer(308, b"", headers=((b"location", path + b"/"),))


@breaks(
    "env-001",
    part="receiver",
    reasons={"no-answer-reset", "receiver-died"},
    # It meets the dead receiver, and has not killed it.
    unverified={"ack-009"},
    arguments=("-m", "env-001 or ack-009"),
)
class DiesOnMalformedBody(Receiver):
    """Lets the error of its parser end the process."""

    def invalid(self, problem):
        if str(problem) == "the body is not JSON":
            os._exit(1)
        return super().invalid(problem)


@breaks(
    "env-001",
    "ack-009",
    part="receiver",
    reasons={"status-503"},
    arguments=("-m", "env-001 or ack-009"),
)
class LeaksItsConnections(Receiver):
    """Never gives back the connection it took for a body that turned out to be no JSON."""

    def invalid(self, problem):
        self.pool = getattr(self, "pool", 4) - 1
        return super().invalid(problem)

    async def judge(self, client, headers, body):
        if getattr(self, "pool", 4) < 1:
            return answers.unavailable(5)
        return await super().judge(client, headers, body)
