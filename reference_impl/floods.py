"""
Floods of log lines: whoever is turned away may come again as often as they like.

A line for each would fill the disk for the price of an unsigned request.  So many of a kind are
written at once, and so many a second from then on; how many were left out is said in one line.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Lines of a kind that are written at once, and those a second that are written after them.
BURST = 300
PER_SECOND = 5

#: Seconds between two lines about what was left out.
_TOLD_SECONDS = 10.0


class Floods:
    """Decides which lines are written; *tell* is told how many of a kind were not."""

    def __init__(
        self,
        tell: Callable[[str, int], None],
        *,
        now: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], threading.Timer] = threading.Timer,
    ) -> None:
        self._tell = tell
        self._now = now
        self._new_timer = timer
        self._lock = threading.Lock()
        #: Lines of each kind that may be written still, and when that was reckoned.
        self._left: dict[str, tuple[float, float]] = {}
        self._kept_back: Counter[str] = Counter()
        self._timer: threading.Timer | None = None

    def admits(self, kind: str) -> bool:
        """Whether one more line of *kind*, one of a few fixed ones, is to be written."""
        with self._lock:
            now = self._now()
            left, reckoned = self._left.get(kind, (BURST, now))
            left = min(BURST, left + (now - reckoned) * PER_SECOND)
            admitted = left >= 1
            self._left[kind] = (left - admitted, now)
            if not admitted:
                self._kept_back[kind] += 1
                self._tell_later()
            return admitted

    def tell(self) -> None:
        """Say now how many lines were left out, if any were."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            kept_back, self._kept_back = self._kept_back, Counter()
        for kind, lines in kept_back.items():
            self._tell(kind, lines)

    def _tell_later(self) -> None:
        if self._timer is None:
            self._timer = self._new_timer(_TOLD_SECONDS, self.tell)
            self._timer.daemon = True
            self._timer.start()
