"""
The load generator: many kept-alive connections on one core, each with one attempt under way.

`saturate` is a closed model, every connection sending as soon as it was answered: how much a
receiver can take.  `press` is an open model, attempts being due at a fixed rate whatever the
receiver does, and latency counts from when an attempt was due: how long a sender waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import time
from array import array
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop

from bench.receiving import figures
from bench.receiving.deliveries import Attempts

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

#: How long the answers of the last attempts are waited for, in seconds.
_PATIENCE = 15.0


@dataclass
class Outcome:
    """What came of the load; latencies are in seconds."""

    #: How long was measured, in seconds.
    seconds: float
    latencies: array[float] = field(default_factory=lambda: array("d"))
    #: Attempts that were answered 202, measured or not.
    confirmed: int = 0
    #: What else became of attempts.
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def failed(self) -> str:
        """Why these figures count for nothing; empty when they do count."""
        return ", ".join(f"{count} x {what}" for what, count in sorted(self.failures.items()))


class _Line(asyncio.Protocol):
    """A connection: sends an attempt, reads its answer to the end."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._read = b""
        #: From when the latency of the attempt under way counts.
        self.since = 0.0
        self.is_busy = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def send(self, request: bytes, since: float) -> None:
        self.since, self.is_busy = since, True
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._read:
            data = self._read + data
        end = data.find(b"\r\n\r\n")
        length = _LENGTH.search(data, 0, end + 2)
        if end < 0 or length is None or len(data) < end + 4 + int(length[1]):
            self._read = data
            return
        self._read = b""
        self.is_busy = False
        self._load.answered(self, data[9:12])

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._load.lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Load:
    """Both models: what is due is sent on a free connection, or waits for one."""

    def __init__(self, attempts: Attempts, outcome: Outcome) -> None:
        self._attempts = attempts
        self._outcome = outcome
        self._idle: deque[_Line] = deque()
        self._waiting: deque[float] = deque()
        self._lines: list[_Line] = []
        #: Whether an answer brings the next attempt, and between when and when answers count.
        self._is_closed_model = False
        self._from, self._until = 0.0, float("inf")
        self._is_ending = False
        #: Set when nothing is under way any more.
        self._rest = asyncio.Event()

    async def connect(self, host: str, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, line = await loop.create_connection(lambda: _Line(self), host, port)
            self._lines.append(line)
            self._idle.append(line)

    async def saturate(self, warm: float, seconds: float) -> None:
        self._from = time.perf_counter() + warm
        self._until = self._from + seconds
        self._is_closed_model = True
        while self._idle:
            self._send(time.perf_counter())
        with contextlib.suppress(TimeoutError):
            # Earlier only if every connection is lost.
            await asyncio.wait_for(self._rest.wait(), warm + seconds)
        self._is_closed_model = False

    async def press(self, rate: float, seconds: float, *, exactly: bool) -> None:
        began = time.perf_counter()
        for due in figures.due(rate, seconds):
            while (left := began + due - time.perf_counter()) > 0:  # noqa: ASYNC110 - see below
                # Turns instead of sleeps: a timer is late by a millisecond.
                await asyncio.sleep(0 if exactly else left)
            if not self._lines:
                return
            if self._idle:
                self._send(began + due)
            else:
                self._waiting.append(began + due)

    async def end(self) -> None:
        """Wait for the last answers; who has none by then failed."""
        if self._busy():
            self._rest.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rest.wait(), _PATIENCE)
        self._is_ending = True
        if unanswered := len(self._waiting) + self._busy():
            self._outcome.failures["unanswered"] += unanswered
        for line in self._lines:
            line.close()

    def _busy(self) -> int:
        return sum(line.is_busy for line in self._lines)

    def _send(self, since: float) -> None:
        self._idle.popleft().send(self._attempts.next(), since)

    def answered(self, line: _Line, status: bytes) -> None:
        now = time.perf_counter()
        if status == b"202":
            self._outcome.confirmed += 1
            if self._from <= now < self._until:
                self._outcome.latencies.append(now - line.since)
        else:
            self._outcome.failures[f"status {status.decode('latin-1')}"] += 1
        self._idle.append(line)
        if self._is_closed_model:
            self._send(now)
        elif self._waiting:
            self._send(self._waiting.popleft())
        elif len(self._idle) == len(self._lines):
            self._rest.set()

    def lost(self, line: _Line) -> None:
        if self._is_ending:
            return
        self._outcome.failures["connection lost"] += 1
        self._lines.remove(line)
        with contextlib.suppress(ValueError):
            self._idle.remove(line)
        if not self._lines:
            self._rest.set()


@dataclass(frozen=True)
class Pressure:
    """Where load goes, and over how many connections."""

    url: str
    attempts: Attempts
    connections: int

    def saturate(self, *, warm: float, seconds: float) -> Outcome:
        """Send as fast as answers come: measured for *seconds* after a *warm* up."""
        return self._run(Outcome(seconds), lambda load: load.saturate(warm, seconds))

    def press(self, *, rate: float, seconds: float, exactly: bool = True) -> Outcome:
        """
        Send at *rate* for *seconds*, however long the answers take.

        To be on time *exactly* takes a whole core; else latencies hold up to a millisecond of ours.
        """
        return self._run(Outcome(seconds), lambda load: load.press(rate, seconds, exactly=exactly))

    def _run(self, outcome: Outcome, act: Callable[[_Load], Awaitable[None]]) -> Outcome:
        url = urlsplit(self.url)
        assert url.hostname is not None
        assert url.port is not None
        host, port = url.hostname, url.port

        async def run() -> None:
            load = _Load(self.attempts, outcome)
            await load.connect(host, port, self.connections)
            await act(load)
            await load.end()

        with _without_collections():
            uvloop.run(run())
        return outcome


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """No garbage is collected meanwhile: a pause of ours would pass for one of the receiver's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
