"""
The receiver's idea of now.

Nothing else in this room reads a clock, so retry schedules and leases are data in tests and a
provider state may move time forward.  Processes of several machines follow one clock, that of the
store they share: what one of them sets a time for is due at the same instant for all.
"""

from __future__ import annotations

import time

#: By so much the clocks of processes may differ without one of them having been put back, in
#: microseconds.
SKEW = 1_000_000


class Clock:
    """The time of the machine or of the clock it follows, moved forward by `advance`."""

    def __init__(self) -> None:
        self._offset = 0
        self._ahead = 0

    def now(self) -> int:
        """The present instant, in microseconds since 1970."""
        return time.time_ns() // 1000 + self._ahead + self._offset

    def follow(self, now: int) -> None:
        """Go by another clock, which tells *now*."""
        self._ahead = now - time.time_ns() // 1000

    def advance(self, seconds: float) -> None:
        """Move now forward by *seconds*."""
        self._offset += round(seconds * 1_000_000)

    def reset(self) -> None:
        """Take back what `advance` was told."""
        self._offset = 0
