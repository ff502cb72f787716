"""
How a delivery is signed, and how a signature is judged.

Pure: bytes in, bytes out.  From the guide, "Signature Verification"; Cal.com itself sends only the
bare hexadecimal form in the first header (`sendPayload.ts`, `createWebhookSignature`).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Where a signature may be, in the guide's order; the first one present decides.
HEADERS = (b"x-cal-signature-256", b"cal-signature-256", b"x-cal-signature", b"cal-signature")

#: The guide's tolerated prefix.
PREFIX = b"sha256="


def digest(body: bytes, secret: str) -> bytes:
    """The lower-case hexadecimal HMAC-SHA256 of *body* under *secret*."""
    # surrogateescape: an environment variable may hold any bytes, and they are the key as typed.
    key = secret.encode("utf-8", "surrogateescape")
    return hmac.digest(key, body, hashlib.sha256).hex().encode()


def trimmed(body: bytes) -> bytes:
    r"""*body* without the carriage returns and newlines at its end (the guide's `rtrim`)."""
    return body.rstrip(b"\r\n")


def forms(body: bytes, secret: str) -> tuple[bytes, ...]:
    """Every spelling of the signature of *body* that the guide accepts."""
    digests = [digest(body, secret)]
    if trimmed(body) != body:
        digests.append(digest(trimmed(body), secret))
    return (*digests, *(PREFIX + value for value in digests))


def present(headers: Iterable[tuple[bytes, bytes]], names: Sequence[bytes]) -> list[bytes]:
    """The values of the first of *names* that occurs in *headers*; empty when none does."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in names:
            found.setdefault(name, []).append(value.strip(b" \t"))
    return next((found[name] for name in names if name in found), [])


def equals_one_of(given: bytes, accepted: Iterable[bytes]) -> bool:
    """
    Whether *given* is one of *accepted*, in a time that does not tell which or how nearly.

    Compared as bytes: `compare_digest` refuses text outside ASCII, and a header is whatever a
    stranger sent.  All are compared, so that an early match takes no less time.
    """
    matched = False
    for form in accepted:
        matched |= hmac.compare_digest(given, form)
    return matched
