"""
What the receiver decides about an attempt, from bytes to answer.

The parts of the reference receiver and their seams.  Each part is a small class; `Parts` in
`reference_impl.app` says which class plays which part, and whatever one part decides is a method
that an heir may decide otherwise.  `serve(settings, Parts(receiver=MyReceiver))` runs it,
`build_app(settings, receiver=MyReceiver)` makes an ASGI application of it, and
`Machine(settings, Parts(...))` puts it together without a server.

`Receiver` (here, its answers in `replies`)
    `methods`, `body_limit`, `throttled`, `authenticate` (of `signature_in`, `secrets`,
    `accepted_signatures`, `matches`), `read`, `identify`, `entry`, `accept` (returns after the
    commit), `judge` (the order), `rotation` (which secret signed), and the answers `accepted`,
    `duplicate`, `refused`, `invalid`, `not_allowed`, `too_large`, `too_slow`, `throttled_answer`,
    `unavailable`, `failed`.
`Inbox` (`inbox`, its group commit in `gathering`)
    `accept`, `write` (one group commit), `insert` (dedupe), `priority`, `rank`.
`Leases` (`leases`, its claims in `claims`)
    `claim` (order, one at a time per booking), `release` (guard of the leases), `put_back`,
    `take_over`.
`Worker` (`worker`, its tries in `tries`)
    `alone` (what shares its try with nothing), `process` (what was claimed together), `prepare`,
    `finish` (done with the effects), `failed`, `delay` (the retry schedule), `bury` (the dead
    letter), `notice`, `interfere` (where provider states disturb).
`Handlers` (`handlers`)
    `prepare` (payload to fact), `apply` (facts to state and effects), `kind` (of the effect).
`Reader` (`facts`)
    `read`, `instant` (dates), `previous_uid`, `appointment_id`, `occurrence_key` (sameness).
`Fold` (`appointments`, its rules per trigger in `standings`)
    a method per trigger, `order`, `final`, `may_link`, `head`, `aliases`, `bind`.
`Book` (`book`, its appointments in `ledger`)
    `record`, `related`, `settle`, `effect`.
`Notifier` (`notices`)
    `tell`, `send` (when it is time), `deliver`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reference_impl import envelope, logs, signature
from reference_impl.answers import Answer, Refusal
from reference_impl.envelope import Envelope, InvalidPayloadError
from reference_impl.gathering import StoreUnavailableError
from reference_impl.identity import webhook_id
from reference_impl.inbox import Entry, Inbox
from reference_impl.replies import Replies

if TYPE_CHECKING:
    from reference_impl.clock import Clock
    from reference_impl.settings import Settings
    from reference_impl.throttle import Throttle

#: Header fields as ASGI gives them: names in lower case.
Headers = Sequence[tuple[bytes, bytes]]

_MISSING = Refusal("Missing signature", "missing signature")
_INVALID = Refusal("Invalid signature", "invalid signature")
_CONTRADICTORY = Refusal("Invalid signature", "contradictory signatures")


class Receiver(Replies):
    """Judges attempts in a fixed order: throttle, signature, envelope, inbox."""

    def __init__(self, settings: Settings, inbox: Inbox, throttle: Throttle, clock: Clock) -> None:
        super().__init__()
        self.settings = settings
        self.inbox = inbox
        self.throttle = throttle
        self.clock = clock

    # --- the order of judgement -------------------------------------------------------------

    async def judge(self, client: str, headers: Headers, body: bytes) -> Answer:
        """The answer to an attempt whose method and size were right."""
        seconds = self.throttled(client)
        if seconds is not None:
            self.meter.refused("throttled")
            if self.floods.admits("throttled"):
                self.log.warning("Cal.com webhook throttled", retryAfter=seconds)
            return self.throttled_answer(seconds)
        refusal = self.authenticate(headers, body)
        if refusal is not None:
            return self.refused(refusal)
        try:
            parsed = self.read(body)
        except InvalidPayloadError as problem:
            return self.invalid(problem)
        entry = self.entry(parsed, body)
        self.received(entry, parsed)
        self.rotation(headers, entry)
        # It is the most of what an attempt holds, and not needed while it waits for the disk.
        del parsed
        try:
            new = await self.accept(entry)
        except StoreUnavailableError as problem:
            return self.unavailable(problem)
        return self.accepted(entry) if new else self.duplicate(entry)

    def throttled(self, client: str) -> int | None:
        """The seconds *client* has to wait, or `None`."""
        return self.throttle.wait(client)

    def body_limit(self) -> int:
        """The largest body taken, in bytes."""
        return self.settings.body_limit

    # --- authenticity -----------------------------------------------------------------------

    def authenticate(self, headers: Headers, body: bytes) -> Refusal | None:
        """Why this attempt is not authentic, or `None` when it is; *body* is raw."""
        if not self.settings.verify_signature:
            return None
        given = self.signature_in(headers)
        if isinstance(given, Refusal):
            return given
        return None if self.matches(given, self.accepted_signatures(body)) else _INVALID

    def signature_in(self, headers: Headers) -> bytes | Refusal:
        """
        The signature in the first header present, in the guide's order.

        An empty one counts as missing and later headers are not asked.  A header repeated with
        different values is refused: taking the first or the last would accept a forgery by luck.
        """
        values = signature.present(headers, signature.HEADERS)
        if len(set(values)) > 1:
            return _CONTRADICTORY
        return values[0] if values and values[0] else _MISSING

    def secrets(self) -> tuple[str, ...]:
        """The secrets a signature may have been made with."""
        return self.settings.secrets

    def accepted_signatures(self, body: bytes) -> list[bytes]:
        """Every signature that would be right for *body*.  Never logged."""
        return [form for secret in self.secrets() for form in signature.forms(body, secret)]

    def matches(self, given: bytes, accepted: Sequence[bytes]) -> bool:
        """Whether *given* is one of *accepted*, compared in constant time."""
        return signature.equals_one_of(given, accepted)

    # --- content and identity ---------------------------------------------------------------

    def read(self, body: bytes) -> Envelope:
        """
        The envelope in *body*.  Its content type is not judged: templates are form-encoded.

        Raises:
            InvalidPayloadError: if it is not an envelope.
        """
        return envelope.read(body)

    def identify(self, body: bytes) -> str:
        """The webhook id: what makes two deliveries the same delivery."""
        return webhook_id(body)

    def entry(self, parsed: Envelope, body: bytes) -> Entry:
        """What the inbox keeps of a delivery."""
        return Entry(
            webhook_id=self.identify(body),
            trigger=parsed.trigger,
            uid=parsed.uid,
            booking_id=parsed.booking_id,
            body=body,
            received_at=self.clock.now(),
        )

    async def accept(self, entry: Entry) -> bool:
        """
        Store *entry*; returns after the commit.  `True` when it was not there yet.

        Raises:
            StoreUnavailableError: if it could not be stored.
        """
        return await self.inbox.accept(entry)

    # --- what is logged of a delivery -------------------------------------------------------

    def received(self, entry: Entry, parsed: Envelope) -> None:
        """Log the receipt (guide, "Log webhook receipt")."""
        extra = {"payload": logs.redacted(parsed.payload)} if self.settings.log_payloads else {}
        self.log.info("Cal.com webhook received", **entry.named(), **extra)

    def rotation(self, headers: Headers, entry: Entry) -> None:
        """Log which secret signed, while there are two: the operator waits for the last of one."""
        if not self.settings.previous_secret or not self.settings.verify_signature:
            return
        given = signature.present(headers, signature.HEADERS)
        current = signature.forms(entry.body, self.settings.secret)
        by_current = bool(given) and signature.equals_one_of(given[0], current)
        secret = "current" if by_current else "previous"
        self.meter.verified(secret)
        self.log.info("Cal.com webhook secret", secret=secret, webhookId=entry.webhook_id)
