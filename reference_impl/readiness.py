"""The word to a service manager that the process is ready, as sd_notify(3) says it."""

from __future__ import annotations

import contextlib
import os
import socket


def tell() -> None:
    """Say that the process is ready to whoever started it and waits for that, if anybody does."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        # A name that is no file's.
        address = "\0" + address[1:]
    # Where nobody listens, nobody waits: the variable is inherited by all that a service starts.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.send(b"READY=1")
