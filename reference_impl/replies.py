"""What an attempt is answered, and what is counted and logged of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_impl import answers, logs
from reference_impl.floods import Floods
from reference_impl.meter import Meter

if TYPE_CHECKING:
    from reference_impl.answers import Answer, Refusal
    from reference_impl.envelope import InvalidPayloadError
    from reference_impl.gathering import StoreUnavailableError
    from reference_impl.inbox import Entry


class Replies:
    """The answers that an attempt can get; heirs may give single ones otherwise."""

    #: The methods the webhook route answers.
    methods: tuple[str, ...] = ("POST",)
    #: What `Retry-After` says when the store cannot write.
    retry_after = 5

    def __init__(self) -> None:
        self.meter = Meter()
        self.log = logs.logger()
        self.floods = Floods(logs.left_out)

    def accepted(self, entry: Entry) -> Answer:
        """The answer to a delivery that is on disk."""
        self.meter.accepted(entry.trigger)
        return answers.ACCEPTED

    def duplicate(self, entry: Entry) -> Answer:
        """The answer to a delivery that was on disk before."""
        self.meter.duplicate(entry.trigger)
        self.log.info("Duplicate webhook ignored", **entry.named())
        return answers.ACCEPTED

    def refused(self, refusal: Refusal) -> Answer:
        """The answer to an attempt that is not authentic."""
        self._turned_away(401, refusal.reason)
        return answers.unauthorised(refusal)

    def invalid(self, problem: InvalidPayloadError) -> Answer:
        """The answer to an authentic body that is not an envelope."""
        self.meter.refused("invalid payload")
        self.log.error("Invalid Cal.com webhook payload", status=400, reason=str(problem))
        return answers.INVALID_PAYLOAD

    def not_allowed(self, method: str) -> Answer:
        """The answer to another method than POST."""
        self._turned_away(405, "method not allowed", logs.short(method))
        return answers.method_not_allowed(self.methods)

    def too_large(self) -> Answer:
        """The answer to a body beyond the limit."""
        self._turned_away(413, "body too large")
        return answers.TOO_LARGE

    def too_slow(self) -> Answer:
        """The answer to a body that did not arrive in time."""
        self._turned_away(408, "body too slow")
        return answers.TOO_SLOW

    def throttled_answer(self, seconds: int) -> Answer:
        """The answer to one attempt too many."""
        return answers.throttled(seconds)

    def unavailable(self, problem: StoreUnavailableError) -> Answer:
        """The answer when the delivery could not be stored."""
        self.meter.refused("not stored")
        # Of bodies that are not whole, which anybody may send, there may be too many as well.
        if self.floods.admits("not stored"):
            self.log.error("Cal.com webhook not stored", status=503, reason=str(problem))
        return answers.unavailable(self.retry_after)

    def failed(self, problem: Exception) -> Answer:
        """The answer to an error of ours."""
        self.meter.refused("failed")
        self.log.error("Cal.com webhook failed", status=500, reason=logs.describe(problem))
        return answers.FAILED

    def _turned_away(self, status: int, reason: str, shown: str | None = None) -> None:
        """Count an attempt of somebody unknown, and log it unless they flood the log."""
        self.meter.refused(reason)
        if self.floods.admits(reason):
            self.log.warning("Cal.com webhook refused", status=status, reason=shown or reason)
