"""Mutants whose log says too little, too much, or what a stranger wants it to say."""

from __future__ import annotations

import logging
import sys

from gallery import breaks
from singly import SingleWorker

from reference_impl import logs, signature
from reference_impl.answers import ACCEPTED, INVALID_PAYLOAD, unauthorised
from reference_impl.handlers import HANDLED, Handlers
from reference_impl.receiver import Receiver
from reference_impl.worker import Worker

_SILENT = {"log-silent"}


class _Mute:
    """A log that takes everything and keeps nothing."""

    def info(self, *words, **values):
        """Keep nothing."""

    warning = error = info


class _MuteWorker(Worker):
    """Works without a word."""

    def start(self):
        self.log = _Mute()
        super().start()


class _MuteHandlers(Handlers):
    """Handles without a word."""

    def prepare(self, envelope, received_at):
        self.log = _Mute()
        return super().prepare(envelope, received_at)


@breaks(
    *("obs-001", "obs-002", "obs-003", "obs-004", "obs-005", "obs-006", "obs-011"),
    part="receiver",
    beside={"worker": _MuteWorker, "handlers": _MuteHandlers},
    reasons=_SILENT,
    # Of a log that was never written to nobody can say what it would keep to itself.
    unverified={"obs-007", "obs-008", "obs-009", "obs-010"},
)
class LogsNothing(Receiver):
    """Writes no line about any delivery."""

    async def judge(self, client, headers, body):
        self.log = _Mute()
        # What the server says of requests that make no sense included.
        logging.disable()
        return await super().judge(client, headers, body)


@breaks(
    "obs-002",
    "obs-005",
    part="receiver",
    beside={"worker": _MuteWorker, "handlers": _MuteHandlers},
    reasons=_SILENT,
    guide={"obs-006", "obs-011"},
    calcom={"obs-006"},
)
class LogsBookingsWithoutTheirTriggers(Receiver):
    """Logs which booking a delivery is about, and not what happened to it."""

    def received(self, entry, parsed):
        self.log.info("Cal.com webhook received", uid=entry.uid)

    def duplicate(self, entry):
        self.log.info("Duplicate webhook ignored", uid=entry.uid)
        return ACCEPTED


@breaks("obs-003", part="receiver", reasons=_SILENT)
class SilentAboutRefusals(Receiver):
    """Refuses without a word."""

    def refused(self, refusal):
        return unauthorised(refusal)

    def invalid(self, problem):
        return INVALID_PAYLOAD


@breaks("obs-004", part="receiver", reasons=_SILENT)
class SilentAboutDuplicates(Receiver):
    """Acknowledges a duplicate as if it were the first."""

    def duplicate(self, entry):
        return ACCEPTED


class _NamesOnlyWhatItHandles(SingleWorker):
    """Says nothing about deliveries that no handler takes."""

    def work(self, job):
        kept = self.log
        self.log = kept if job.trigger in HANDLED else _Mute()
        try:
            super().work(job)
        finally:
            self.log = kept


@breaks(
    "obs-005",
    part="receiver",
    beside={"worker": _NamesOnlyWhatItHandles, "handlers": _MuteHandlers},
    reasons=_SILENT,
)
class SilentAboutWhatItDoesNotHandle(Receiver):
    """Drops a trigger event without a handler, and does not say so."""

    def received(self, entry, parsed):
        if entry.trigger in HANDLED:
            super().received(entry, parsed)


@breaks("obs-006", part="worker", reasons=_SILENT)
class SilentAboutFailures(Worker):
    """Fails, tries again and gives up, and nobody learns of it."""

    def failed(self, job, reason):
        self._quietly(super().failed, job, reason)

    def bury(self, job, reason):
        self._quietly(super().bury, job, reason)

    def _quietly(self, act, job, reason):
        kept, self.log = self.log, _Mute()
        try:
            act(job, reason)
        finally:
            self.log = kept


@breaks("obs-011", part="worker", reasons=_SILENT)
class LogsTheReceiptAlone(SingleWorker):
    """Has no word about work that went well."""

    def work(self, job):
        class Troubles:
            def info(self, *words, **values):
                """Nothing is wrong."""

            warning = staticmethod(logs.logger().warning)
            error = staticmethod(logs.logger().error)

        self.log = Troubles()
        super().work(job)


@breaks("obs-007", part="receiver", reasons={"log-leak"})
class LogsTheExpectedSignature(Receiver):
    """Logs beside a wrong signature the right one, as the guide's sample does."""

    def authenticate(self, headers, body):
        refusal = super().authenticate(headers, body)
        if refusal is not None:
            expected = signature.digest(body, self.settings.secret).decode()
            self.log.error("Cal.com webhook signature verification failed", expected=expected)
        return refusal


@breaks("obs-007", part="receiver", reasons={"log-leak"})
class LogsTheHeadersOfWhatItTakes(Receiver):
    """Logs each delivery with its headers, to be able to find out what had come."""

    def accepted(self, entry):
        self.log.info("Cal.com webhook accepted", headers=self.headers)
        return super().accepted(entry)

    def authenticate(self, headers, body):
        self.headers = {name.decode(): value.decode("latin-1") for name, value in headers}
        return super().authenticate(headers, body)


@breaks(
    "obs-007",
    part="receiver",
    reasons={"log-leak"},
    process=True,
    arguments=("-m", "obs or dur-004"),
)
class LogsItsSettings(Receiver):
    """Says on start what it was configured with, the secret included."""

    def __init__(self, settings, *parts):
        super().__init__(settings, *parts)
        self.log.info("Receiver configured", secret=settings.secret)


@breaks("obs-008", part="receiver", reasons={"log-forged"})
class LogsNotesAsTheyAre(Receiver):
    """Writes lines of plain text, with what a guest has typed in the middle of them."""

    def received(self, entry, parsed):
        super().received(entry, parsed)
        payload = parsed.payload if isinstance(parsed.payload, dict) else {}
        sys.stderr.write(f"webhook received, notes: {payload.get('additionalNotes')}\n")


@breaks("obs-009", part="receiver", reasons={"log-forged"})
class LogsTriggersAsTheyAre(Receiver):
    """Writes lines of plain text that name trigger event and uid unescaped."""

    def received(self, entry, parsed):
        super().received(entry, parsed)
        sys.stderr.write(f"webhook received: {entry.trigger} {entry.uid}\n")


@breaks("obs-010", "tol-008", part="receiver", reasons={"log-personal", "status-500"})
class LogsPayloads(Receiver):
    """Logs whole payloads although nobody has asked for them, and fails where one is too deep."""

    def received(self, entry, parsed):
        self.log.info("Cal.com webhook received", **entry.named(), payload=parsed.payload)
