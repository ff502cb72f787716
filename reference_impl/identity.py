"""
The webhook id.

Pure.  The guide's idempotency table needs one and Cal.com sends none, so it is derived from the
body: a redelivery has identical bytes.
"""

from __future__ import annotations

import hashlib

from reference_impl.signature import trimmed


def webhook_id(body: bytes) -> str:
    """The SHA-256 of *body* without line ends at its end, which the signature ignores too."""
    return hashlib.sha256(trimmed(body)).hexdigest()
