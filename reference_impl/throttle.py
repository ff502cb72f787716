"""
The throttle of the guide's route (`throttle:webhook`): so many attempts a minute and client.

A client is an address of IPv4, or a network of IPv6: whoever has one address of the latter has all
of its /64, and would be a new client with each of them.
"""

from __future__ import annotations

import ipaddress
import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter


#: Bits of an address of IPv6 that name a client; the others are the client's own to choose.
_NETWORK_BITS = 64


class Throttle:
    """Counts attempts per client over a moving minute; a limit of 0 counts nothing."""

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
        key = whose(client)
        if self._limiter.hit(self._limit, key):
            return None
        reset_at = self._limiter.get_window_stats(self._limit, key).reset_time
        return max(1, math.ceil(reset_at - time.time()))


def whose(address: str) -> str:
    """Who an attempt from *address* is counted as: one spelling of one address or network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        # No address: a socket's path, or what a proxy made of it.
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, _NETWORK_BITS), strict=False))
