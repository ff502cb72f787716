"""
The receiver as a process that the suite may start and kill.

Durability cannot be judged from outside a process that never dies.  The receiver is started by its
own command, in a process group of its own, and killed with SIGKILL: no handler runs, no buffer is
flushed, as when a machine loses its power but not its disk.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from calcontract import interrupts
from calcontract.errors import SetupError, UsageError
from calcontract.settings import PRINTED, Settings
from calcontract.waiting import waiting

#: How long the receiver may take to listen, and to end when asked to, in seconds.
_START = 30.0
_STOP = 15.0

_PAUSE = 0.02

#: Last words are looked for in so many bytes at the end of what was printed.
_TAIL = 65536


class NotListeningError(SetupError):
    """A receiver was started and does not accept connections."""


class Process:
    """
    A receiver's process: started, killed and started again.

    Args:
        command: what starts the receiver in the foreground, as one would type it.
        url: where it listens then.
        log: a file that takes what it prints.
        environment: variables on top of our own.

    Raises:
        UsageError: if the command cannot be read as one.
    """

    def __init__(
        self, command: str, url: str, *, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise UsageError(
                f"the command that starts the receiver cannot be read: {error}",
                hint="quote it as for a shell",
            ) from None
        if not self._words:
            raise UsageError("the command that starts the receiver is empty", hint="name one")
        self._url = url
        #: What it prints, over all its lives.
        self.log = log
        self._environment = dict(environment or {})
        self._child: subprocess.Popen[bytes] | None = None
        self._is_usual = True
        #: Whether its present life, if it is over, was ended by us.
        self.is_ended = False
        #: Where in the log its present life begins.
        self._born = 0
        #: By how much its clock was moved, over all its lives, in seconds.
        self.advanced = 0.0

    def start(self, changes: Mapping[str, str | None] | None = None) -> None:
        """
        Start the receiver and wait until it accepts connections.

        Args:
            changes: variables that are others in this life alone; None takes one away.

        Raises:
            NotListeningError: if the receiver does not listen in time; the message ends with its
                last words.
            SetupError: if something else listens there already, or the command cannot be run.
        """
        self._is_usual = not changes
        self.is_ended = False
        if self._listens():
            raise SetupError(
                f"something listens at {self._url} already",
                hint="stop it: the suite starts the receiver itself",
            )
        # A process that was started is known here, whoever asks to stop meanwhile.
        with self.log.open("ab") as log, interrupts.held():
            self._born = log.tell()
            try:
                self._child = subprocess.Popen(  # noqa: S603 - the operator's own command
                    self._words,
                    env=self._variables(changes or {}),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # A group of its own, so that the children die with the parent.
                    start_new_session=True,
                )
            except OSError as error:
                raise SetupError(
                    f"the receiver cannot be started: {error.strerror}",
                    hint=f"look at the command {self._words[0]!r}",
                ) from None
        with waiting("the receiver to listen", _START):
            self._await_its_listening(self._child)

    def _await_its_listening(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START
        while not self._listens():
            if child.poll() is not None or time.monotonic() > deadline:
                ended = f" and ended {self.ending}" if self.ending else ""
                self.kill()
                raise NotListeningError(
                    f"the receiver did not start to listen{ended}: {self._last_words()}",
                    hint="start it by hand to see more",
                )
            time.sleep(_PAUSE)

    def _variables(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        variables = os.environ | self._environment
        for name, value in changes.items():
            variables.pop(name, None)
            if value is not None:
                variables[name] = value
        return variables

    def kill(self) -> None:
        """Kill the receiver and all its children with SIGKILL; nothing of it runs any more."""
        self.is_ended = True
        self._signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()
        # Only the parent can be waited for; its children may hold the socket a moment longer.
        deadline = time.monotonic() + _STOP
        while self._child is not None and self._listens() and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    @property
    def is_as_usual(self) -> bool:
        """Whether it runs, with its own variables and no others."""
        return self._is_usual and self._runs

    @property
    def has_died(self) -> bool:
        """Whether it has ended although nobody has asked it to."""
        return not self.is_ended and self._child is not None and not self._runs

    @property
    def _runs(self) -> bool:
        """Whether it runs; so does what a command that has ended left in the background."""
        child = self._child
        if child is None or child.poll() is None:
            return child is not None
        # Of one that we have ended, whoever listens there is somebody else.
        return not self.is_ended and self._listens()

    @property
    def ending(self) -> str:
        """How its process has ended; empty while it runs."""
        code = None if self._child is None else self._child.poll()
        if code is None:
            return ""
        with contextlib.suppress(ValueError):
            # Python's way to tell of a signal; some have no name.
            return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return f"by signal {-code}"

    def stop(self) -> None:
        """End the receiver as its operator would, and kill what is left of it."""
        if self._child is None:
            return
        self._signal(signal.SIGTERM)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(0 if interrupts.insisted() else _STOP)
        finally:
            self.kill()
            self._child = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """The receiver, started and in the end stopped."""
        try:
            self.start()
            yield
        finally:
            self.stop()

    def _signal(self, number: int) -> None:
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)

    def _listens(self) -> bool:
        return listens(self._url)

    def _last_words(self) -> str:
        return (self.last_words(1) or ["it said nothing"])[-1]

    def last_words(self, count: int) -> list[str]:
        """The last lines that it has printed in its present life, *count* of them at the most."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._born, size - _TAIL))
            text = log.read().decode("utf-8", "replace")
        return [line for line in text.splitlines() if line.strip()][-count:]


def listens(url: str) -> bool:
    """Whether connections to *url* are accepted."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port of this machine that nobody listens on right now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def of(told: Settings) -> Iterator[tuple[dict[str, str], Process | None]]:
    """
    The process of the target that a run was *told* of, started, if it was told how to start it.

    Beside it the settings that name its port, if the suite has chosen it.

    Raises:
        UsageError: if it is on another machine, or its command cannot be read.
        SetupError: if it does not start.
    """
    if not told.start:
        _need_no_process(told)
        yield {}, None
        return
    if not told.is_local:
        raise UsageError(
            "only a receiver on this machine can be started and killed",
            hint="leave --start out, or run the suite beside the receiver",
        )
    placed = told.at(free_port())
    command, url = placed.get("start", told.start), placed.get("target", told.target or "")
    with tempfile.TemporaryDirectory(prefix="calcontract-") as folder:
        process = Process(command, url, log=Path(folder) / "receiver.log")
        with process.running():
            yield placed, process


def _need_no_process(settings: Settings) -> None:
    """
    Refuse settings that speak of a process which nobody has told us how to start.

    Raises:
        UsageError: if there is one.
    """
    asking = {
        "--receiver-secret-env": settings.receiver_secret_env,
        "--log -": settings.log == PRINTED,
    }
    for option, given in asking.items():
        if given:
            raise UsageError(
                f"{option} is of use only where the suite starts the receiver",
                hint="say how with --start COMMAND",
            )
