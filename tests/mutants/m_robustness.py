"""Mutants of what a receiver does because of a delivery that makes little sense, or after it."""

from __future__ import annotations

import codecs
import dataclasses

from again import copy_of
from gallery import breaks

from reference_impl import answers
from reference_impl.facts import UnusablePayloadError
from reference_impl.receiver import Receiver
from reference_impl.worker import Worker


@breaks("tol-009", part="receiver", reasons={"status-413"})
class TakesHalfAMegabyteAtMost(Receiver):
    """Takes bodies of up to 500 kB."""

    def body_limit(self):
        return 500_000


@breaks("tol-010", part="receiver", reasons={"status-500"})
class FailsAtLargeBodies(Receiver):
    """Runs out of memory on a body beyond its limit."""

    def too_large(self):
        super().too_large()
        return answers.FAILED


@breaks("tol-011", "sig-024", part="receiver", reasons={"status-500"})
class FailsAtMarksOfOrder(Receiver):
    """Parses with a library that raises on a byte order mark something that nobody catches."""

    def read(self, body):
        if body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16)):
            raise RuntimeError("unexpected byte order mark")
        return super().read(body)


@breaks("sig-010", "tol-011", part="receiver", reasons={"status-400"})
class WantsABraceFirst(Receiver):
    """Takes a body that does not begin with a brace for a form."""

    def read(self, body):
        return super().read(body if body.startswith(b"{") else b"")


@breaks("tol-012", part="receiver", reasons={"effect-repeated"})
class TakesBothForGranted(Receiver):
    """Makes a delivery of each trigger that a body names."""

    async def accept(self, entry):
        new = await super().accept(entry)
        if entry.body.count(b'"triggerEvent"') > 1:
            end = entry.body.rindex(b',"triggerEvent"')
            first = dataclasses.replace(
                copy_of(entry), trigger="BOOKING_CREATED", body=entry.body[:end] + b"}"
            )
            await super().accept(first)
        return new


@breaks(
    "tol-013",
    part="worker",
    reasons={"held-up"},
    arguments=("-m", "tol-013"),
)
class PoisonStopsTheQueue(Worker):
    """Stops when it meets a payload that it can make nothing of."""

    def prepare(self, job):
        try:
            return super().prepare(job)
        except UnusablePayloadError:
            self.paused = True
            raise
