"""
The senders the mock can be: one profile per generation of Cal.com, and the guide's.

Source: `sendPayload.ts` (direct), `tasker/trigger/deliver-webhook.ts` (task), the API reference
for version 2026-07-27, and the guide.  Pure.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from mock_calcom import triggers

if TYPE_CHECKING:
    from mock_calcom.ids import Chance

#: What the task path tries again: everything else is lost, and 410 ends the subscription.
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """One kind of sender: its dialect, headers, spellings of time and attempts."""

    name: str
    #: Whose payloads: Cal.com's own or the guide's.
    dialect: Literal["calcom", "guide"] = "calcom"
    #: The value of `X-Cal-Webhook-Version`, or nothing where that header is not sent.
    version: str | None = "2021-10-20"
    #: Which payload builders: the handler's own event object, or the task that reads it again.
    path: Literal["direct", "task"] = "direct"
    #: Whether the keys that Cal.com added in 2025 and 2026 are present.
    recent: bool = True
    #: The time zone the server lives in; it shows in CANCELLED only.
    server_zone: str = "UTC"
    #: How often one delivery is sent at most.
    max_attempts: int = 1
    #: The statuses after which the same bytes are sent again.
    retried: frozenset[int] = frozenset()
    #: Whether the answer 410 switches the subscription off.
    gone_deactivates: bool = False
    #: The smallest difference that two `createdAt` of this sender can show.
    resolution_ms: int = 1

    @property
    def triggers(self) -> tuple[str, ...]:
        """Every trigger this sender knows, without PING."""
        return triggers.GUIDE_TRIGGERS if self.dialect == "guide" else triggers.TRIGGERS

    def sends_again(self, status: int | None, attempts: int) -> bool:
        """
        Whether a delivery that was sent *attempts* times and last got *status* is sent again.

        A *status* of nothing means that no answer came.
        """
        return attempts < self.max_attempts and (status is None or status in self.retried)

    def delay(self, attempts: int, chance: Chance) -> float:
        """
        The seconds this sender waits after *attempts* attempts before the next one.

        The first retry comes at once; then Trigger.dev's `min(600, (1 + rand) * 10 * 1.5^(n-1))`.
        """
        if attempts < 2:
            return 0.0
        return float(min(600.0, (1 + chance.random()) * 10.0 * 1.5 ** (attempts - 2)))


def _profiles(*profiles: Profile) -> dict[str, Profile]:
    return {profile.name: profile for profile in profiles}


#: Every sender by name; `DEFAULT` is what today's Cal.com does.
PROFILES: dict[str, Profile] = _profiles(
    Profile("direct-2026"),
    Profile("direct-2025", version=None, recent=False),
    Profile("task-2026", path="task", max_attempts=4, retried=_TRANSIENT, gone_deactivates=True),
    Profile("v2026-07-27", version="2026-07-27"),
    Profile("selfhosted-tz", server_zone="Europe/Berlin"),
    Profile("guide", dialect="guide", version=None, resolution_ms=1000),
)

DEFAULT = PROFILES["direct-2026"]
