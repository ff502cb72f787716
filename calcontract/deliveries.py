"""What a check keeps of each delivery that it tells of."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from calcontract.errors import CatalogueError, Violation
from mock_calcom.bookings import Booking
from mock_calcom.delivery import Delivery
from mock_calcom.occurrences import Occurrence
from mock_calcom.sender import Attempt


@dataclasses.dataclass(eq=False)
class Item:
    """
    One delivery of a story.

    Args:
        name: what the feature file calls it.
        occurrence: what it tells of; nothing for a body that was written by hand.
        lawful: the delivery without any fault.
        delivery: the delivery as it is sent.
    """

    name: str
    occurrence: Occurrence | None
    lawful: Delivery
    delivery: Delivery
    attempts: list[Attempt] = dataclasses.field(default_factory=list)
    method: str = "POST"
    #: Whether its refusal was asserted, so that the lawful twin has to go through afterwards.
    denied: bool = False

    @property
    def trigger(self) -> str:
        """The trigger of the occurrence it tells of."""
        return self.occurrence.trigger if self.occurrence else (self.delivery.trigger or "")

    @property
    def uid(self) -> str:
        """
        The uid of the booking it tells of.

        Raises:
            CatalogueError: if it tells of none.
        """
        if not self.delivery.uid:
            raise CatalogueError(f"the delivery {self.name!r} carries no uid to look for")
        return self.delivery.uid

    @property
    def booking(self) -> Booking:
        """
        The booking as it is after the occurrence.

        Raises:
            CatalogueError: if the occurrence is not about a booking.
        """
        if self.occurrence is None or self.occurrence.booking is None:
            raise CatalogueError(f"the delivery {self.name!r} is not about a booking")
        return self.occurrence.booking

    @property
    def last(self) -> Attempt:
        """
        The latest attempt.

        Raises:
            CatalogueError: if there was none yet.
        """
        if not self.attempts:
            raise CatalogueError(f"the delivery {self.name!r} was never sent")
        return self.attempts[-1]

    @contextlib.contextmanager
    def accused(self) -> Iterator[None]:
        """
        Let a violation that is found inside be seen at this delivery, and not at the last one sent.

        Of its attempts at the one that was acknowledged, where there is one: that counts.
        """
        try:
            yield
        except Violation as violation:
            if violation.attempt is None and self.attempts:
                taken = (attempt for attempt in self.attempts if attempt.acknowledged)
                violation.attempt = next(taken, self.last)
            raise
