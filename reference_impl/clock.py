"""
The receiver's idea of now.

Nothing else in this room reads a clock, so retry schedules and leases are data in tests and a
provider state may move time forward.
"""

from __future__ import annotations

import time


class Clock:
    """The time of the machine, moved forward by whatever `advance` was told."""

    def __init__(self) -> None:
        self._offset = 0

    def now(self) -> int:
        """The present instant, in microseconds since 1970."""
        return time.time_ns() // 1000 + self._offset

    def advance(self, seconds: float) -> None:
        """Move now forward by *seconds*."""
        self._offset += round(seconds * 1_000_000)

    def reset(self) -> None:
        """Return to the time of the machine."""
        self._offset = 0
