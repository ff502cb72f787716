"""
Identifiers in the shapes Cal.com uses, drawn from a source of chance that the caller owns.

Pure: the same source in the same state gives the same ids.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

#: The alphabet of `short-uuid` (flickrBase58), in which Cal.com writes booking uids.
ALPHABET = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"

#: A UUID in base 58 has this many digits.
UID_LENGTH = 22


class Chance(Protocol):
    """What is needed of `random.Random`; named here so that the core imports no randomness."""

    def random(self) -> float:
        """A number from 0 up to 1."""

    def getrandbits(self, k: int, /) -> int:
        """An integer of *k* random bits."""

    def randrange(self, start: int, stop: int, /) -> int:
        """An integer from *start* up to *stop*."""

    def choice(self, seq: Sequence[T], /) -> T:
        """One of the elements of *seq*."""


class Ids:
    """Draws uids, booking ids and UUIDs; booking ids grow, as a database's do."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self._last = chance.randrange(1_000_000, 90_000_000)

    def uid(self) -> str:
        """A booking uid: 22 characters of `ALPHABET`."""
        return self.token(UID_LENGTH)

    def token(self, length: int) -> str:
        """*length* characters of `ALPHABET`."""
        return "".join(self.chance.choice(ALPHABET) for _ in range(length))

    def booking_id(self) -> int:
        """The id of a new row, larger than any before it."""
        self._last += self.chance.randrange(1, 40)
        return self._last

    def uuid(self) -> str:
        """A random UUID (version 4)."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
