"""
What a process waits for, and until when at the latest: told to whoever watches if it takes long.

A check may wait for the whole budget of a delivery.  A run that says nothing meanwhile looks as if
it hung.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: A wait that may take so long is told of once it has taken so long, in seconds.
_LONG = 5.0
_SOON = 3.0

#: A check that has taken so long, in seconds, is told of as well, whatever it does.
_UNDER_WAY = 10.0

#: How often the watch looks, in seconds.
_PAUSE = 0.5


@dataclass(frozen=True, eq=False)
class Wait:
    """Something that is waited for, from one instant until another one at the latest."""

    what: str
    since: float
    until: float


#: What is waited for, one within the other.
_waits: list[Wait] = []


@contextlib.contextmanager
def waiting(what: str, seconds: float) -> Iterator[None]:
    """Say that what is inside waits for *what*, for so many seconds at the most."""
    now = time.monotonic()
    _waits.append(Wait(what, now, now + seconds))
    try:
        yield
    finally:
        _waits.pop()


class Watch:
    """
    Tells of each long wait once, and of each long check.

    Args:
        tell: takes a line.
    """

    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell
        self._told: Wait | None = None
        self._over = threading.Event()
        #: The clause that is being checked, and since when that is not told of.
        self._clause = ""
        self._since: float | None = None

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Watch from a thread of its own as long as one is inside."""
        thread = threading.Thread(target=self._keep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _keep(self) -> None:
        while not self._over.wait(_PAUSE):
            self.look(time.monotonic())

    @contextlib.contextmanager
    def checking(self, clause: str) -> Iterator[None]:
        """Know that what is inside is a check of *clause*."""
        self._clause, self._since = clause, time.monotonic()
        try:
            yield
        finally:
            self._since = None

    def look(self, now: float) -> None:
        """Tell of what is waited for *now*, if that takes long and is not told of yet."""
        wait = next(iter(_waits[-1:]), None)
        if wait is None:
            self._look_at_the_check(now)
            return
        if wait is self._told:
            return
        if now - wait.since < _SOON or wait.until - wait.since < _LONG:
            return
        self._told = wait
        end = dt.datetime.now().astimezone() + dt.timedelta(seconds=wait.until - now)
        self._tell(
            f"{self._clause or 'run'}: waiting for {wait.what}, "
            f"until {end:%H:%M:%S} at the latest ({wait.until - wait.since:.0f} s in all)".encode()
        )

    def _look_at_the_check(self, now: float) -> None:
        since = self._since
        if since is not None and now - since >= _UNDER_WAY:
            self._since = None
            self._tell(f"{self._clause}: under way for {now - since:.0f} s".encode())
