"""
The reference receiver as a process of its own: what a run without a URL is pointed at.

It is started as anyone would start it, by its command, and never imported: agreement between two
programs that share code is no evidence.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calcontract import process
from calcontract.process import Process, free_port
from calcontract.settings import PRINTED, Settings

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

    @property
    def settings(self) -> dict[str, str]:
        """What a run is told of it: every capability, and the secret."""
        return {
            "target": self.url,
            "secret": self.secret,
            "probe": self.probe,
            "states": self.states,
            "receiver_secret_env": SECRET,
            "receiver_previous_env": PREVIOUS,
            "log": PRINTED,
        }


@contextlib.contextmanager
def named_or_own(told: Settings) -> Iterator[tuple[dict[str, str], Process | None]]:
    """
    The receiver of a run that was *told* this, started if that is ours to do.

    Without a target it is the reference receiver.

    Returns:
        The settings that only whoever starts it can know, and its process if it is ours.

    Raises:
        UsageError: if it is on another machine, or its command cannot be read.
        SetupError: if it does not start.
    """
    if told.target is None:
        with receiver() as running:
            yield running.settings, running.process
    else:
        with process.of(told) as named:
            yield named


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
        started = Process(
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
        with started.running():
            yield Running(
                url=f"{origin}{PATH}",
                probe=f"{origin}/_testing/probe",
                states=f"{origin}/_testing/states",
                process=started,
                secret=secret,
            )
