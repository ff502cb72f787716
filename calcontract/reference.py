"""
The reference receiver as a process of its own: what a run without a URL is pointed at.

It is started as anyone would start it, by its command, and never imported: agreement between two
programs that share code is no evidence.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

from calcontract.errors import SetupError

#: How long the receiver may take to listen, and to end, in seconds.
_START = 30.0
_STOP = 15.0

_READY = "listening on "


@dataclass(frozen=True)
class Running:
    """A receiver that listens: where, with which secret, and what it offers."""

    url: str
    probe: str
    states: str
    secret: str = field(repr=False)


def _first_line(process: subprocess.Popen[str]) -> str:
    """The first line the process prints, or nothing if none comes in time."""
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    stream = process.stdout
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    try:
        return lines.get(timeout=_START)
    except Empty:
        return ""


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextlib.contextmanager
def receiver(command: Sequence[str] | None = None) -> Iterator[Running]:
    """
    A receiver on a free port of this machine, with a store of its own that is removed afterwards.

    Args:
        command: what starts it; the reference receiver for testing by default.  It has to print
            `listening on URL` first, and to offer what the reference receiver offers.

    Raises:
        SetupError: if it does not listen in time; the message ends with its last words.
    """
    secret = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="calcontract-") as folder:
        errors = Path(folder) / "stderr.log"
        environment = os.environ | {
            "CALCOM_WEBHOOK_SECRET": secret,
            "DATABASE_URL": f"sqlite:///{folder}/receiver.db",
        }
        arguments = command or (
            *(sys.executable, "-m", "reference_impl", "serve"),
            *("--port", "0", "--testing"),
        )
        with errors.open("w") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own command
                arguments, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        try:
            line = _first_line(process)
            if not line.startswith(_READY):
                words = errors.read_text(errors="replace").strip().splitlines()
                raise SetupError(
                    f"the receiver did not start: {(words or ['it said nothing'])[-1]}",
                    hint="start it by hand to see more",
                )
            url = line.removeprefix(_READY).strip()
            origin = url[: url.index("/", len("http://"))]
            yield Running(
                url=url,
                probe=f"{origin}/_testing/probe",
                states=f"{origin}/_testing/states",
                secret=secret,
            )
        finally:
            _stop(process)
