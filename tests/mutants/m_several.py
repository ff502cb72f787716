"""Mutants of authenticity: several signatures, marks before the body, and near forms."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re

from gallery import breaks

from reference_impl import signature
from reference_impl.answers import Refusal
from reference_impl.receiver import Receiver
from reference_impl.worker import Worker


@breaks("sig-019", "sig-020", part="receiver", reasons={"status-500"})
class FailsOnARepeatedHeader(Receiver):
    """Expects one text where a repeated header gives a list."""

    def signature_in(self, headers):
        if len(signature.present(headers, signature.HEADERS)) > 1:
            raise TypeError("expected string or buffer, got list")
        return super().signature_in(headers)


@breaks("sig-020", part="receiver", reasons={"status-202"})
class TakesTheLastOfSeveral(Receiver):
    """Reads the headers into a dictionary, where the last of several is left."""

    def signature_in(self, headers):
        values = signature.present(headers, signature.HEADERS)
        if not values or not values[-1]:
            return Refusal("Missing signature", "missing signature")
        return values[-1]


@breaks("sig-020", guide={"sig-014"}, part="receiver", reasons={"status-202"})
class SplitsAtCommas(Receiver):
    """Takes the header for a list in which one right signature is enough."""

    def matches(self, given, accepted):
        several = [part.strip() for part in given.split(b",") if part.strip()]
        if len(several) != 2 or several[0] == several[1]:
            return super().matches(given, accepted)
        return any(super(SplitsAtCommas, self).matches(part, accepted) for part in several)


@breaks(guide={"sig-021"}, part="receiver", reasons={"status-202"})
class FallsThroughEmptyHeaders(Receiver):
    """Looks in the next header when the first one is empty."""

    def signature_in(self, headers):
        named = [line for line in headers if line[0] in signature.HEADERS and line[1].strip()]
        return super().signature_in(named)


@breaks(guide={"sig-022"}, part="receiver", reasons={"status-401"})
class PrefixInTheFirstHeaderOnly(Receiver):
    """Knows the prefix in X-Cal-Signature-256 and nowhere else."""

    def signature_in(self, headers):
        given = super().signature_in(headers)
        first = signature.present(headers, signature.HEADERS[:1])
        if not first and not isinstance(given, Refusal) and given.startswith(signature.PREFIX):
            return Refusal("Invalid signature", "invalid signature")
        return given


@breaks("idm-004", "sig-023", part="worker", reasons={"effect-repeated"})
class AnOccurrencePerBody(Worker):
    """Recognises an occurrence by the bytes that told of it."""

    def prepare(self, job):
        fact = super().prepare(job)
        return fact and dataclasses.replace(fact, key=f"{fact.key} {job.webhook_id}")


@breaks("sig-024", "tol-011", part="receiver", reasons={"status-500"})
class FailsOnAByteOrderMark(Receiver):
    """Decodes the body with a codec that throws on a byte order mark."""

    def read(self, body):
        if body.startswith(b"\xef\xbb\xbf"):
            raise ValueError("Unexpected UTF-8 BOM (decode using utf-8-sig)")
        return super().read(body)


@breaks("sig-004", part="receiver", reasons={"status-202"})
class AcceptsAnythingMadeWithTheSecret(Receiver):
    """Also accepts the SHA-256 of the secret and the body, which can be lengthened (RFC 2104)."""

    def accepted_signatures(self, body):
        hashes = [
            hashlib.sha256(secret.encode() + body).hexdigest().encode() for secret in self.secrets()
        ]
        return [*super().accepted_signatures(body), *hashes]


@breaks(
    *("sig-006", "sig-025", "sec-004"),
    part="receiver",
    reasons={"status-202", "forgeries-told-apart"},
)
class ComparesHalf(Receiver):
    """Keeps half of each digest in a column that is too short, and compares the halves."""

    def matches(self, given, accepted):
        if len(given) != 64:
            return super().matches(given, accepted)
        return any(hmac.compare_digest(given[:32], form[:32]) for form in accepted)


@breaks("sig-008", part="receiver", reasons={"status-202"})
class AnyDigestOfThatLength(Receiver):
    """Tries every algorithm whose digests are as long as the signature."""

    def accepted_signatures(self, body):
        made = [
            hmac.new(secret.encode(), body, name).hexdigest().encode()
            for secret in self.secrets()
            for name in ("sha3_256", "blake2s")
        ]
        return [*super().accepted_signatures(body), *made]


@breaks("sig-009", part="receiver", reasons={"status-202"})
class ForgivesWhatStandsBeforeTheBody(Receiver):
    """Verifies from the first brace on, whatever stands before it."""

    def accepted_signatures(self, body):
        inner = body[body.find(b"{") :] if b"{" in body else body
        return super().accepted_signatures(body) + super().accepted_signatures(inner)


@breaks(guide={"sig-014"}, part="receiver", reasons={"status-202"})
class ReadsTheStripeForm(Receiver):
    """Finds v1= in a list of pairs, as another sender's library does."""

    def matches(self, given, accepted):
        found = re.fullmatch(rb"t=\d+,v1=([0-9a-f]{64})", given)
        return super().matches(found[1] if found else given, accepted)
