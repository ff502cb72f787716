"""
Whether a receiver's certificate can be trusted, by a handshake of our own.

Cal.com sends with Node's `fetch`, which verifies certificates: where that fails nothing is
delivered at all.  A run tells of it once, as a violation of its own clause, and then goes on
without verification, so that the rest of the receiver is judged as well.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Flaw:
    """
    Why a certificate cannot be trusted.

    Args:
        reason: a short, stable code.
        sentence: the same in words.
    """

    reason: str
    sentence: str


#: What OpenSSL's codes mean to somebody who has to mend it (openssl-verification-options(1)).
_FLAWS: Mapping[int, Flaw] = {
    9: Flaw("not-yet-valid", "the certificate is not valid yet"),
    10: Flaw("expired", "the certificate has expired"),
    18: Flaw("self-signed", "the certificate is signed by itself"),
    19: Flaw("unknown-authority", "nobody knows the authority that has signed the certificate"),
    20: Flaw(
        "unknown-authority",
        "nobody knows the authority that has signed the certificate, or the chain to it is cut",
    ),
    21: Flaw("unknown-authority", "the certificates between it and its authority are missing"),
    62: Flaw("wrong-host", "the certificate is made out to another host"),
    64: Flaw("wrong-host", "the certificate is not made out to this address"),
}


def flaw_of(url: str, *, authority: Path | None, timeout: float) -> Flaw | None:
    """
    What is wrong with the certificate at *url*; nothing for a good one, or for plain http.

    What keeps a handshake from coming about for other reasons is no flaw of a certificate: whoever
    sends there meets it anyway.

    Args:
        url: the receiver's address.
        authority: the file of an authority to trust, in place of those the system knows.
        timeout: the seconds that the handshake may take.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    host = parts.hostname or ""
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    try:
        with (
            socket.create_connection((host, parts.port or 443), timeout=timeout) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        other = Flaw("untrusted", f"the certificate cannot be trusted: {error.verify_message}")
        return _FLAWS.get(error.verify_code, other)
    except OSError:
        return None
