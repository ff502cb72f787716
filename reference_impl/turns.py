"""Turns: few threads at a time do what is quick; whoever is slow stands in nobody's way."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """As many turns at a time as the *number* says."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._change = threading.Condition()
        self._begun: dict[object, float] = {}

    @contextlib.contextmanager
    def taken(self, seconds: float) -> Iterator[None]:
        """A turn, once there is one; those that have lasted so many *seconds* do not count."""
        turn = object()
        with self._change:
            while self._count(seconds) >= self._number:
                self._change.wait(min(seconds, threading.TIMEOUT_MAX))
            self._begun[turn] = time.monotonic()
        try:
            yield
        finally:
            with self._change:
                del self._begun[turn]
                self._change.notify()

    def _count(self, seconds: float) -> int:
        now = time.monotonic()
        return sum(now - begun < seconds for begun in self._begun.values())
