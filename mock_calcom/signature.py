"""
How Cal.com signs a delivery.

Pure: bytes in, text out.  Source: Cal.com `packages/features/webhooks/lib/sendPayload.ts`.
"""

from __future__ import annotations

import hashlib
import hmac

#: The header that carries the signature.
HEADER = "X-Cal-Signature-256"

#: What Cal.com puts in `HEADER` when the subscription has no secret.
UNSIGNED = "no-secret-provided"


def sign(body: bytes, secret: str | None) -> str:
    """
    The signature Cal.com sends with *body*: bare lower-case hex, without a prefix.

    An absent or empty secret is not an error: Cal.com then sends `UNSIGNED` in place of a digest.
    """
    if not secret:
        return UNSIGNED
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
