"""
One HTTP request that carried a delivery, and what became of it.

Pure data, shared by everything that sends.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_calcom.delivery import Delivery

#: No more than this of an answer's body is kept: a receiver may send anything, for ever.
ANSWER_LIMIT = 1024 * 1024

#: Why there may be no answer.
TIMEOUT = "timeout"  # none within the time of the attempt
CONNECTION = "connection"  # nobody listens there, or the name is unknown
RESET = "reset"  # the connection broke while it was in use
TLS = "tls"  # the certificate or the handshake was refused
GARBAGE = "garbage"  # what came is not HTTP
ABANDONED = "abandoned"  # we went away on purpose


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body that the receiver gave, and how long that took."""

    status: int
    #: By lower-cased name; the values of a repeated header are joined with ", ".
    headers: Mapping[str, str]
    body: bytes
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a delivery: either its answer or the problem that stood in its way."""

    delivery: Delivery
    answer: Answer | None
    problem: str | None
    seconds: float

    @property
    def status(self) -> int | None:
        """The status of the answer, if one came."""
        return self.answer.status if self.answer else None

    @property
    def acknowledged(self) -> bool:
        """Whether the receiver took the delivery: any 2xx."""
        return self.answer is not None and 200 <= self.answer.status < 300

    @property
    def refused(self) -> bool:
        """Whether the receiver turned the delivery down for good: 4xx, save 429 (come later)."""
        return (
            self.answer is not None
            and 400 <= self.answer.status < 500
            and self.answer.status != 429
        )

    @property
    def failed(self) -> bool:
        """Whether it was neither: no answer, 5xx, 429, or a redirect, which is never followed."""
        return not self.acknowledged and not self.refused
