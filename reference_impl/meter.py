"""
The meter: what the process tells whoever counts.

Counts nothing itself; `reference_impl.metrics` does where the operator asked for metrics.
"""

from __future__ import annotations

#: Every reason for which an attempt is not taken.
REFUSALS = (
    "throttled",
    "missing signature",
    "invalid signature",
    "contradictory signatures",
    "invalid payload",
    "method not allowed",
    "malformed request",
    "too many at once",
    "head too large",
    "head too slow",
    "body too large",
    "body too slow",
    "not stored",
    "failed",
)

#: How a try ends.
OUTCOMES = ("done", "failed", "unusable", "lost")

#: Which secret a signature was made with.
SECRETS = ("current", "previous")


class Meter:
    """Is told of each attempt and each try, and forgets them."""

    def accepted(self, trigger: str) -> None:
        """A delivery of *trigger* was new, and is on disk."""

    def duplicate(self, trigger: str) -> None:
        """A delivery of *trigger* was on disk before."""

    def refused(self, reason: str) -> None:
        """An attempt was not taken; *reason* is one of `REFUSALS`."""

    def answered(self, status: int, seconds: float) -> None:
        """An attempt was answered *status*, so many *seconds* after its head had come."""

    def verified(self, secret: str) -> None:
        """A signature was made with the `current` or the `previous` *secret*."""

    def tried(self, trigger: str, outcome: str, seconds: float) -> None:
        """A try at *trigger* took *seconds*, and is `done`, `failed`, `unusable` or `lost`."""

    def buried(self, trigger: str) -> None:
        """A delivery of *trigger* became a dead letter."""
