"""Mutants of authenticity: which signatures are taken for right."""

from __future__ import annotations

import hashlib
import hmac
import json
import re

from gallery import breaks

from reference_impl import signature
from reference_impl.answers import Answer, Refusal
from reference_impl.receiver import Receiver

_MISSING = Refusal("Missing signature", "missing signature")


@breaks(
    "sig-001",
    "sig-017",
    "ack-004",
    "ack-005",
    part="receiver",
    reasons={"status-202", "effect-unexpected", "body"},
)
class VerifiesOnlyIfHeaderPresent(Receiver):
    """Verifies the signature that is there, and lets a delivery without one pass."""

    def authenticate(self, headers, body):
        if not signature.present(headers, signature.HEADERS):
            return None
        return super().authenticate(headers, body)


@breaks("sig-001", guide={"sig-021"}, part="receiver", reasons={"status-202"})
class AcceptsAnEmptySignature(Receiver):
    """Asks whether the header is there, and skips the comparison when it is empty."""

    def authenticate(self, headers, body):
        if signature.present(headers, signature.HEADERS) == [b""]:
            return None
        return super().authenticate(headers, body)


@breaks(
    "sig-002",
    "sig-017",
    "ack-004",
    part="receiver",
    reasons={"status-202", "effect-unexpected"},
)
class FailsOpenOnLiteral(Receiver):
    """Takes `no-secret-provided` for a subscription that needs no verification."""

    def matches(self, given, accepted):
        return given == b"no-secret-provided" or super().matches(given, accepted)


@breaks("sig-001", "sig-016", part="receiver", reasons={"status-200"})
class AnswersEmptyBodiesUnverified(Receiver):
    """Takes an unsigned body without any event for somebody's test of the connection."""

    async def judge(self, client, headers, body):
        if self.authenticate(headers, body) is not None and self.holds_nothing(body):
            return Answer(200, b'{"status":"ok"}')
        return await super().judge(client, headers, body)

    def holds_nothing(self, body):
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return False
        return document in ({}, [], {"events": []})


@breaks("sig-003", part="receiver", reasons={"status-202"})
class EmptyKeyAccepted(Receiver):
    """Falls back to the empty key when the secret does not fit, as an unset setting does."""

    def secrets(self):
        return (*super().secrets(), "")


@breaks("sig-003", part="receiver", reasons={"status-202"})
class StringifiesTheMissingSecret(Receiver):
    """Keeps the texts that a missing second secret turns into among its keys."""

    def secrets(self):
        return (*super().secrets(), "undefined", "null", "None")


@breaks("sig-003", part="receiver", reasons={"status-202"})
class SampleKeyAccepted(Receiver):
    """Still accepts the key that the guide prints."""

    def secrets(self):
        return (*super().secrets(), "your-generated-secret-here")


@breaks("sig-003", part="receiver", reasons={"status-202"})
class ToleratesALineFeedInTheSecret(Receiver):
    """Tries the secret with a line feed as well, since some deployments have it in a file."""

    def secrets(self):
        return tuple(form for secret in super().secrets() for form in (secret, f"{secret}\n"))


@breaks("sig-004", part="receiver", reasons={"status-202"})
class AcceptsAPlainHash(Receiver):
    """Also accepts the SHA-256 of the body, for which nobody needs the secret."""

    def accepted_signatures(self, body):
        return [*super().accepted_signatures(body), hashlib.sha256(body).hexdigest().encode()]


@breaks("sig-005", part="receiver", reasons={"status-202"})
class SecretComparedDirectly(Receiver):
    """Also lets in whoever sends the secret itself, bare or as a bearer token."""

    def matches(self, given, accepted):
        keys = [secret.encode() for secret in self.secrets()]
        bearers = [b"Bearer " + key for key in keys]
        return super().matches(given, [*accepted, *keys, *bearers])


@breaks("sig-006", "sig-007", part="receiver", reasons={"status-202"})
class ComparesPrefix(Receiver):
    """Asks whether the right signature starts with the one that came."""

    def matches(self, given, accepted):
        return any(form.startswith(given) for form in accepted)


@breaks(
    "sig-006",
    "sig-017",
    "sig-020",
    guide={"sig-014"},
    part="receiver",
    reasons={"status-202", "effect-unexpected"},
)
class DecodesHexLeniently(Receiver):
    """Decodes the digits like `Buffer.from(text, "hex")`, which stops silently at the first bad."""

    def matches(self, given, accepted):
        pairs = re.match(rb"(?:[0-9a-fA-F]{2})*", given.removeprefix(signature.PREFIX))
        return super().matches(pairs[0].lower(), accepted)


@breaks(
    "sig-006",
    "sig-008",
    "sig-017",
    "sig-020",
    guide={"sig-014"},
    part="receiver",
    reasons={"status-202", "effect-unexpected"},
)
class FindsTheDigestAnywhere(Receiver):
    """Asks whether the header contains the right signature."""

    def matches(self, given, accepted):
        return any(form in given for form in accepted)


@breaks("sig-007", "ack-004", part="receiver", reasons={"status-500"})
class ComparesTextThrows500(Receiver):
    """Compares text in constant time, which raises on anything outside ASCII."""

    def matches(self, given, accepted):
        text = given.decode("latin-1")
        return any(hmac.compare_digest(text, form.decode()) for form in accepted)


@breaks(
    "sig-002",
    "sig-005",
    "sig-006",
    "sig-007",
    "sig-008",
    "sig-020",
    "sec-004",
    guide={"ack-004", "sig-014"},
    part="receiver",
    reasons={"status-500"},
)
class ThrowsOnAnotherLength(Receiver):
    """Compares like `timingSafeEqual`, which throws when the lengths differ."""

    def matches(self, given, accepted):
        fitting = [form for form in accepted if len(form) == len(given)]
        if not fitting:
            raise ValueError("input buffers must have the same byte length")
        return super().matches(given, fitting)


@breaks("sig-007", "ack-004", part="receiver", reasons={"status-202"})
class SwallowsErrorsOfTheComparison(Receiver):
    """Catches what the comparison raises, and goes on as if it had succeeded."""

    def matches(self, given, accepted):
        try:
            text = given.decode("ascii")
        except UnicodeDecodeError:
            return True
        return super().matches(text.encode(), accepted)


@breaks(
    *("sig-007", "sig-008", "sig-014", "sec-004"),
    part="receiver",
    reasons={"status-202", "status-500"},
)
class AlgorithmFromHeader(Receiver):
    """Computes the HMAC with whatever algorithm the signature says it was made with."""

    def matches(self, given, accepted):
        name, separator, digest = given.partition(b"=")
        if not re.fullmatch(rb"[a-z0-9]+", name) or not separator or name == b"sha256":
            return super().matches(given, accepted)
        made = [hmac.new(secret.encode(), self.judged, name.decode()) for secret in self.secrets()]
        return any(hmac.compare_digest(digest, one.hexdigest().encode()) for one in made)

    def accepted_signatures(self, body):
        self.judged = body
        return super().accepted_signatures(body)
