"""What a run has sent, added up over the processes that it is spread over."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass
class Sent:
    """What was sent in this run, so that the target's operator can find it and clean up."""

    uids: set[str] = dataclasses.field(default_factory=set)
    #: The SHA-256 of the bodies sent, by trigger and uid; refused deliveries count as well.
    bodies: dict[tuple[str, str], set[bytes]] = dataclasses.field(default_factory=dict)
    attempts: int = 0

    def told(self, trigger: str, uid: str, body: bytes) -> None:
        """Remember that *body* tells of *trigger* and the booking *uid*."""
        self.bodies.setdefault((trigger, uid), set()).add(hashlib.sha256(body).digest())

    def handed_over(self) -> dict[str, Any]:
        """All of it as plain values, and forgotten here."""
        values = {
            "uids": sorted(self.uids),
            "bodies": [(*key, sorted(told)) for key, told in self.bodies.items()],
            "attempts": self.attempts,
        }
        self.uids, self.bodies, self.attempts = set(), {}, 0
        return values

    def take_over(self, values: Mapping[str, Any]) -> None:
        """Add what another process has `handed_over`."""
        self.uids.update(values["uids"])
        for trigger, uid, told in values["bodies"]:
            self.bodies.setdefault((trigger, uid), set()).update(told)
        self.attempts += values["attempts"]
