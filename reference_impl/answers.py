"""
The answers of the receiver, to the letter of the guide.

Pure.  The guide's statuses and bodies are in "Signature Verification" and "Controller
Implementation"; those it does not mention follow RFC 9110.
"""

from __future__ import annotations

from dataclasses import dataclass

_JSON = b"application/json"
_TEXT = b"text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back for an attempt."""

    status: int
    body: bytes
    content_type: bytes = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an attempt is not authentic: what the sender reads, what the log says."""

    message: str
    reason: str


ACCEPTED = Answer(202, b'{"status":"accepted"}')
INVALID_PAYLOAD = Answer(400, b'{"error":"Invalid payload"}')
TOO_LARGE = Answer(413, b'{"error":"Payload too large"}', headers=((b"connection", b"close"),))
TOO_SLOW = Answer(408, b'{"error":"Request timeout"}', headers=((b"connection", b"close"),))
FAILED = Answer(500, b'{"error":"Server error"}')


def unauthorised(refusal: Refusal) -> Answer:
    """401 with the guide's text: `Missing signature` or `Invalid signature`."""
    return Answer(401, refusal.message.encode(), _TEXT)


def method_not_allowed(methods: tuple[str, ...]) -> Answer:
    """405, naming the allowed *methods* (RFC 9110, section 15.5.6)."""
    allow = ", ".join(methods).encode()
    return Answer(405, b'{"error":"Method not allowed"}', headers=((b"allow", allow),))


def throttled(seconds: int) -> Answer:
    """429, to be tried again in *seconds*."""
    again = ((b"retry-after", str(seconds).encode()),)
    return Answer(429, b'{"error":"Too many requests"}', headers=again)


def unavailable(seconds: int) -> Answer:
    """503: nothing was stored, the sender is to try again in *seconds*."""
    again = ((b"retry-after", str(seconds).encode()),)
    return Answer(503, b'{"error":"Service unavailable"}', headers=again)
