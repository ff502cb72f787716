"""
Secrets that might be found by trying.

Whoever sees one signed delivery, in a log or on a proxy, can try secrets at home, as many as a
computer bears.  Cal.com takes whatever a person types, so it is said and not refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_impl import logs

if TYPE_CHECKING:
    from reference_impl.settings import Settings

#: As many as SHA-256 gives: RFC 2104, section 3, discourages shorter keys strongly.
_BYTES = 32

#: Of 32 random hexadecimal digits hardly ever fewer are different ones.
_DIFFERENT = 8


def warn(settings: Settings) -> None:
    """Log the names of those settings whose secrets might be found by trying."""
    if not settings.verify_signature:
        return
    for name, secret in (
        ("CALCOM_WEBHOOK_SECRET", settings.secret),
        ("CALCOM_WEBHOOK_SECRET_PREVIOUS", settings.previous_secret),
    ):
        if secret and is_weak(secret):
            logs.logger().warning("Weak secret", name=name)


def is_weak(secret: str) -> bool:
    """Whether *secret* is shorter than a key should be, or little but repetition."""
    short = len(secret.encode("utf-8", "surrogateescape")) < _BYTES
    return short or len(set(secret)) < _DIFFERENT
