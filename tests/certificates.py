"""Certificates of every kind, good and bad, made on the spot by authorities of our own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import trustme

HOST = "localhost"


@dataclass(frozen=True)
class Shown:
    """The files of a certificate that a receiver shows, and of the authority to trust."""

    certificate: Path
    key: Path
    authority: Path

    @property
    def environment(self):
        """What tells the reference receiver to show it."""
        return {"RECEIVER_CERTFILE": str(self.certificate), "RECEIVER_KEYFILE": str(self.key)}


def make(kind, folder):
    """A certificate of that *kind* for this machine, in *folder*, and the authority to trust."""
    ours = trustme.CA()
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    if kind == "self-signed":
        # An authority vouches for itself.
        other = trustme.CA()
        chain, key = [other.cert_pem], other.private_key_pem
    else:
        makes = {
            "trusted": lambda: ours.issue_cert(HOST),
            "unknown-authority": lambda: trustme.CA().issue_cert(HOST),
            "wrong-host": lambda: ours.issue_cert("elsewhere.example"),
            "expired": lambda: ours.issue_cert(HOST, not_before=now - 9 * day, not_after=now - day),
            "not-yet-valid": lambda: ours.issue_cert(
                HOST, not_before=now + day, not_after=now + 9 * day
            ),
        }
        issued = makes[kind]()
        chain, key = issued.cert_chain_pems, issued.private_key_pem
    shown = Shown(folder / f"{kind}.pem", folder / f"{kind}.key", folder / "authority.pem")
    shown.certificate.write_bytes(b"".join(pem.bytes() for pem in chain))
    key.write_to_path(shown.key)
    ours.cert_pem.write_to_path(shown.authority)
    return shown
