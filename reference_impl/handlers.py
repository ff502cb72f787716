"""
The handlers: what a trigger does once its delivery is processed.

The guide's `CalcomWebhookHandler`.  All eight triggers of the guide and BOOKING_PAID have one
effect per occurrence; what differs between them is how appointments are folded
(`appointments.Fold`).  Every other trigger, known or not, is accepted and has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_impl import conformity, logs
from reference_impl.needs import HANDLED
from reference_impl.triggers import PING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reference_impl.book import Book
    from reference_impl.clock import Clock
    from reference_impl.envelope import Envelope
    from reference_impl.facts import Fact, Reader

#: What the effect of each trigger is called.
KINDS = {
    "BOOKING_CREATED": "created",
    "BOOKING_CONFIRMED": "confirmed",
    "BOOKING_REQUESTED": "requested",
    "BOOKING_RESCHEDULED": "rescheduled",
    "BOOKING_CANCELLED": "cancelled",
    "BOOKING_REJECTED": "rejected",
    "BOOKING_PAYMENT_INITIATED": "payment_initiated",
    "BOOKING_PAID": "paid",
    "FORM_SUBMITTED": "form_submitted",
}


class Handlers:
    """Processes envelopes in two steps: one that may take its time, one inside a transaction."""

    def __init__(self, reader: Reader, book: Book, clock: Clock) -> None:
        self.reader = reader
        self.book = book
        self.clock = clock
        self.log = logs.logger()

    def handles(self, trigger: str) -> bool:
        """Whether *trigger* has a handler."""
        return trigger in HANDLED

    def kind(self, trigger: str) -> str:
        """What the effect of *trigger* is called."""
        return KINDS[trigger]

    def prepare(self, envelope: Envelope, received_at: int) -> Fact | None:
        """
        The fact that *envelope* tells; `None` for a trigger without a handler.

        Raises:
            UnusablePayloadError: if the payload lacks what the handler needs.
        """
        if not self.handles(envelope.trigger):
            if envelope.trigger == PING:
                self.log.info("Cal.com ping received", **_named(envelope))
            else:
                self.log.warning("Unhandled Cal.com webhook event", **_named(envelope))
            return None
        deviation = conformity.deviation(envelope)
        if deviation is not None:
            self.log.info(
                "Cal.com webhook deviates from its schema", reason=deviation, **_named(envelope)
            )
        return self.reader.read(envelope, received_at)

    def apply(self, connection: Connection, facts: Sequence[Fact]) -> list[bool]:
        """
        Let each of *facts* take effect, once, inside the transaction of *connection*.

        For each, whether it had one: not if it tells of what has happened already.
        """
        told = [(fact, self.kind(fact.trigger)) for fact in facts]
        return self.book.record(connection, told, self.clock.now())


def _named(envelope: Envelope) -> dict[str, Any]:
    """How the log names *envelope* and what it is about."""
    return logs.delivery(envelope.trigger, envelope.booking_id, envelope.uid, envelope.webhook_id)
