"""
The reference receiver as a process of its own: what a run without a URL is pointed at.

It is started as anyone would start it, by its command, and never imported: agreement between two
programs that share code is no evidence.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calcontract.process import Process

#: Where it takes deliveries.
PATH = "/api/webhooks/calcom"

#: What starts it for testing.
COMMAND = (sys.executable, "-m", "reference_impl", "serve", "--testing")

#: The variables from which it has its secret, and the one that is being retired.
SECRET = "CALCOM_WEBHOOK_SECRET"  # noqa: S105 - a name
PREVIOUS = "CALCOM_WEBHOOK_SECRET_PREVIOUS"

#: A receiver that is started for a run gives up on strangers soon, for the run to see it, in s.
IMPATIENT = {"RECEIVER_HEAD_SECONDS": "1", "RECEIVER_BODY_SECONDS": "1"}


@dataclass(frozen=True)
class Running:
    """A receiver that listens: where, with which secret, and what it offers."""

    url: str
    probe: str
    states: str
    process: Process
    secret: str = field(repr=False)


def free_port() -> int:
    """A port of this machine that nobody listens on right now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def receiver(
    command: Sequence[str] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    scheme: str = "http",
) -> Iterator[Running]:
    """
    A receiver on a free port of this machine, with a store of its own that is removed afterwards.

    Args:
        command: what starts it, the reference receiver for testing by default; `--port N` is added
            to it, and it has to offer what the reference receiver offers.
        environment: variables for it on top of our own.
        scheme: what it speaks; for https they have to name its certificate.

    Raises:
        SetupError: if it does not listen in time; the message ends with its last words.
    """
    secret = secrets.token_hex(16)
    port = free_port()
    origin = f"{scheme}://{'localhost' if scheme == 'https' else '127.0.0.1'}:{port}"
    words = command or COMMAND
    with tempfile.TemporaryDirectory(prefix="calcontract-") as folder:
        process = Process(
            shlex.join([*words, "--port", str(port)]),
            f"{origin}{PATH}",
            log=Path(folder) / "receiver.log",
            environment={
                SECRET: secret,
                "DATABASE_URL": f"sqlite:///{folder}/receiver.db",
                **IMPATIENT,
                **(environment or {}),
            },
        )
        with process.running():
            yield Running(
                url=f"{origin}{PATH}",
                probe=f"{origin}/_testing/probe",
                states=f"{origin}/_testing/states",
                process=process,
                secret=secret,
            )
