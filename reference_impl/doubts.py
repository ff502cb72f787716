"""
Secrets that somebody may want to look at again.

Cal.com takes whatever a person types, so nothing is refused; but of a secret that is found by
trying, or that the quotation marks of a file have got into, people had better hear at the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_impl import logs

if TYPE_CHECKING:
    from reference_impl.settings import Settings

#: As many as SHA-256 gives: RFC 2104, section 3, strongly discourages shorter keys.  Whoever has
#: seen one signed delivery, in a log or on a proxy, can try secrets at home.
_BYTES = 32

#: Of 32 random hexadecimal digits hardly ever fewer are different ones.
_DIFFERENT = 8


def warn(settings: Settings) -> None:
    """Log the names of those settings whose secrets are doubtful, and why."""
    if not settings.verify_signature:
        return
    for name, secret in (
        ("CALCOM_WEBHOOK_SECRET", settings.secret),
        ("CALCOM_WEBHOOK_SECRET_PREVIOUS", settings.previous_secret),
    ):
        reason = doubt(secret) if secret else None
        if reason is not None:
            logs.logger().warning("Doubtful secret", name=name, reason=reason)


def doubt(secret: str) -> str | None:
    """What is doubtful about *secret*, in words that do not give it away; `None` if nothing is."""
    if secret != secret.strip():
        return "white space around it"
    if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "\"'":
        return "quotation marks around it"
    if len(secret.encode("utf-8", "surrogateescape")) < _BYTES:
        return "shorter than 32 bytes"
    if len(set(secret)) < _DIFFERENT:
        return "few different characters"
    return None
