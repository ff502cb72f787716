"""Mutants of authenticity: what is signed, where the signature stands, and when it is looked at."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import orjson
from gallery import breaks

from reference_impl import signature
from reference_impl.answers import Refusal
from reference_impl.envelope import InvalidPayloadError
from reference_impl.receiver import Receiver


def compact(body):
    """*body* as a JSON library writes it again, or as it is when it is no JSON."""
    try:
        value = json.loads(body)
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return body


def decoded(body):
    """*body* after it was text, as `await request.text()` makes it."""
    return body.decode("utf-8", "replace").encode()


@breaks(
    "sig-009",
    "sig-010",
    "tol-011",
    guide={"evt-002", "sig-013"},
    part="receiver",
    reasons={"status-401", "status-202"},
)
class VerifiesReserialisedJson(Receiver):
    """Signs what a JSON library makes of the body, not the body."""

    def accepted_signatures(self, body):
        return super().accepted_signatures(compact(body))


@breaks("sig-009", "sig-010", part="receiver", reasons={"status-202"})
class VerifiesEitherSpelling(Receiver):
    """Tries the body as it is, and then what a JSON library makes of it."""

    def accepted_signatures(self, body):
        return super().accepted_signatures(body) + super().accepted_signatures(compact(body))


@breaks("sig-009", part="receiver", reasons={"status-202"})
class TrimsBodyBeforeVerify(Receiver):
    """Strips white space from the body before it computes the HMAC."""

    def accepted_signatures(self, body):
        return super().accepted_signatures(body) + super().accepted_signatures(body.strip())


@breaks(
    "sig-009",
    part="receiver",
    reasons={"status-202"},
    # Where a genuine delivery has brought the signature that is tried with another body there.
    perhaps={"sig-004"},
)
class RemembersSignatures(Receiver):
    """Trusts a signature that was right once, whatever body it comes with."""

    def authenticate(self, headers, body):
        known = self.__dict__.setdefault("known", set())
        given = self.signature_in(headers)
        if not isinstance(given, Refusal) and given in known:
            return None
        refusal = super().authenticate(headers, body)
        if refusal is None:
            known.add(given)
        return refusal


@breaks("sig-010", part="receiver", guide={"env-002"}, reasons={"status-202", "status-401"})
class VerifiesDecodedText(Receiver):
    """Reads the body as text, with U+FFFD for what is none, and never looks at its bytes again."""

    def accepted_signatures(self, body):
        return super().accepted_signatures(decoded(body))

    def read(self, body):
        return super().read(decoded(body))


@breaks("sig-010", part="receiver", reasons={"status-401"})
class NormalisesLineEnds(Receiver):
    """Reads the body as text, and so with LF for CRLF, before it computes the HMAC."""

    def accepted_signatures(self, body):
        return super().accepted_signatures(body.replace(b"\r\n", b"\n"))


@breaks(
    *("sig-010", "sec-002", "tol-002", "tol-004"),
    part="receiver",
    calcom={"evt-003"},
    reasons={"status-401", "effect-missing"},
)
class LosesTextBeyondTheBmp(Receiver):
    """Passes the body through a column of three-byte UTF-8 before it computes the HMAC."""

    def accepted_signatures(self, body):
        text = body.decode("utf-8", "surrogateescape")
        kept = "".join("?" if character > "\uffff" else character for character in text)
        return super().accepted_signatures(kept.encode("utf-8", "surrogateescape"))


@breaks(
    "sig-020",
    guide={"sig-011", "sig-012", "sig-022"},
    part="receiver",
    reasons={"status-401", "status-202"},
)
class KnowsOneHeader(Receiver):
    """Looks for X-Cal-Signature-256 and for no other spelling of the guide."""

    def signature_in(self, headers):
        values = signature.present(headers, signature.HEADERS[:1])
        return values[0] if values else Refusal("Missing signature", "missing signature")


@breaks(part="receiver", stops=True)
class ReadsAnotherHeader(Receiver):
    """Reads the signature from X-Webhook-Signature, which Cal.com never sends."""

    def signature_in(self, headers):
        values = signature.present(headers, [b"x-webhook-signature"])
        return values[0] if values else Refusal("Missing signature", "missing signature")


@breaks("sig-020", guide={"sig-012", "sig-021"}, part="receiver", reasons={"status-202"})
class FallsThroughHeaders(Receiver):
    """Is content when any of the four headers holds a right signature."""

    def authenticate(self, headers, body):
        refusals = [
            super(FallsThroughHeaders, self).authenticate([header], body) for header in headers
        ]
        return None if None in refusals else super().authenticate(headers, body)


@breaks(guide={"sig-013", "sig-022"}, part="receiver", reasons={"status-401"})
class KnowsTheBareFormOnly(Receiver):
    """Accepts the bare digest of the body as it is, and no other form."""

    def accepted_signatures(self, body):
        return [signature.digest(body, secret) for secret in self.secrets()]


@breaks(part="receiver", stops=True)
class RequiresSha256Prefix(Receiver):
    """Insists on `sha256=` before the digest."""

    def accepted_signatures(self, body):
        forms = super().accepted_signatures(body)
        return [form for form in forms if form.startswith(signature.PREFIX)]


@breaks(guide={"sig-014"}, part="receiver", reasons={"status-202"})
class IgnoresTheCaseOfSignatures(Receiver):
    """Accepts the digest and its prefix in upper case as well."""

    def matches(self, given, accepted):
        return super().matches(given.lower(), accepted)


def _keep_spelling():
    """Let the server hand on how header names are written, which ASGI hides."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    plain = HttpToolsProtocol.on_header

    def on_header(self, name, value):
        plain(self, name, value)
        if b"signature" in name.lower():
            self.headers.append((b"x-spelled", name))

    HttpToolsProtocol.on_header = on_header


@breaks("sig-015", part="receiver", reasons={"status-401"})
class CaseSensitiveHeader(Receiver):
    """Looks the header up by its exact spelling."""

    def __init__(self, *args):
        super().__init__(*args)
        _keep_spelling()

    def signature_in(self, headers):
        found = super().signature_in(headers)
        spelled = [value for name, value in headers if name == b"x-spelled"]
        exact = {b"X-Cal-Signature-256", b"Cal-Signature-256", b"X-Cal-Signature", b"Cal-Signature"}
        if spelled and not exact & set(spelled):
            return Refusal("Missing signature", "missing signature")
        return found


@breaks("sig-016", part="receiver", reasons={"status-400"})
class ParsesBeforeVerifying(Receiver):
    """Judges the envelope first and the signature afterwards."""

    async def judge(self, client, headers, body):
        try:
            self.read(body)
        except InvalidPayloadError as problem:
            return self.invalid(problem)
        return await super().judge(client, headers, body)


@breaks("sig-001", "sig-009", "sig-016", "net-012", part="receiver", reasons={"status-500"})
class ParsesWhatItRefuses(Receiver):
    """Parses the body of a forgery to log its trigger, and fails when that is no JSON."""

    def authenticate(self, headers, body):
        refusal = super().authenticate(headers, body)
        if refusal is not None:
            orjson.loads(body)
        return refusal


@breaks("sig-016", part="receiver", reasons={"status-400"})
class SkipsVerificationOfEmptyBodies(Receiver):
    """Sees nothing to verify in an empty body."""

    def authenticate(self, headers, body):
        return super().authenticate(headers, body) if body else None


@breaks("sig-017", "eff-001", part="receiver", reasons={"effect-unexpected", "live-0"})
class ActsBeforeVerifying(Receiver):
    """Stores every delivery for its workers and looks at the signature for the answer only."""

    async def judge(self, client, headers, body):
        with contextlib.suppress(InvalidPayloadError):
            await self.accept(self.entry(self.read(body), body))
        return await super().judge(client, headers, body)


@breaks("sig-018", part="receiver", reasons={"leak"})
class LeaksExpectedSignature(Receiver):
    """Says in its refusal which signature it expected."""

    def authenticate(self, headers, body):
        refusal = super().authenticate(headers, body)
        if refusal is None:
            return None
        expected = self.accepted_signatures(body)[0].decode()
        return Refusal(f"{refusal.message}, expected {expected}", refusal.reason)


@breaks("sig-018", part="receiver", reasons={"leak"})
class LeaksTheSecretInAHeader(Receiver):
    """Leaves the configured secret in a header for debugging."""

    def refused(self, refusal):
        answer = super().refused(refusal)
        debug = (b"x-debug-key", self.secrets()[0].encode())
        return dataclasses.replace(answer, headers=(*answer.headers, debug))
