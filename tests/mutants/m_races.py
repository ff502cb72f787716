"""Mutants that lose a race, and how narrow a gap is still found."""

from __future__ import annotations

import asyncio

from again import Again, copy_of
from gallery import breaks

from reference_impl.inbox import Inbox

#: From the look to the insert, in seconds: no database is faster.
GAP = 0.001


@breaks(
    *("idm-003", "idm-008", "idm-010"),
    part="inbox",
    beside={"worker": Again},
    reasons={"effect-repeated", "records-doubled"},
)
class ChecksThenInsertsAMillisecondLater(Inbox):
    """Looks whether a delivery is known and remembers it one millisecond later."""

    def __init__(self, *args):
        super().__init__(*args)
        self.known = set()

    async def accept(self, entry):
        if entry.webhook_id in self.known:
            return False
        await asyncio.sleep(GAP)
        self.known.add(entry.webhook_id)
        return await super().accept(entry) or await super().accept(copy_of(entry))
