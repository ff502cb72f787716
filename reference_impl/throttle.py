"""The throttle of the guide's route (`throttle:webhook`): so many attempts a minute and client."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter


class Throttle:
    """Counts attempts per client address over a moving minute; a limit of 0 counts nothing."""

    def __init__(self, per_minute: int) -> None:
        self._limiter: MovingWindowRateLimiter | None = None
        self._limit: RateLimitItem | None = None
        if per_minute:
            # Loaded only when asked for: it takes a fifth of the start-up time.
            from limits import RateLimitItemPerMinute  # noqa: PLC0415
            from limits.storage import MemoryStorage  # noqa: PLC0415
            from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

            self._limiter = MovingWindowRateLimiter(MemoryStorage())
            self._limit = RateLimitItemPerMinute(per_minute)

    def wait(self, client: str) -> int | None:
        """The whole seconds *client* has to wait, or `None` when this attempt may go on."""
        if self._limiter is None or self._limit is None:
            return None
        if self._limiter.hit(self._limit, client):
            return None
        reset_at = self._limiter.get_window_stats(self._limit, client).reset_time
        return max(1, math.ceil(reset_at - time.time()))
