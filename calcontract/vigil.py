"""
Who was with the receiver when it died.

A process may end a moment after what ended it: in a timer, or in a worker of its own.  By then
another check, or several, may have come, so that a death has suspects and no culprit, until one of
them is seen to bring it about again.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: The reason of a check during which the receiver died, or which met it dead.
DIED = "receiver-died"

#: A receiver may die so long after what has killed it, in seconds.
DELAY = 2.0

#: More suspects than these, the last ones before the death, are not kept.
_SUSPECTS = 64


@dataclass(frozen=True)
class Check:
    """A check as it is suspected: its clause, and pytest's name for it."""

    clause: str
    node: str


@dataclass(frozen=True)
class Death:
    """
    One death of the receiver that nobody meant.

    Args:
        suspects: the checks that were with it, the last one first.
        words: what it printed last, if the suite has started it.
        ending: how its process ended, as far as that is known.
    """

    suspects: Sequence[Check]
    words: Sequence[str] = ()
    ending: str = ""

    @property
    def clauses(self) -> Sequence[str]:
        """The clauses of the suspects, each once."""
        return tuple(dict.fromkeys(check.clause for check in self.suspects))

    @property
    def voice(self) -> Sequence[str]:
        """Its last words without times, lines and numbers: who dies so again dies of the same."""
        return tuple(re.sub(r"\d+", "#", line) for line in self.words)

    def packed(self) -> dict[str, Any]:
        """It as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def unpacked(cls, values: Mapping[str, Any]) -> Death:
        """The death that was `packed` into *values*."""
        suspects = tuple(Check(**check) for check in values["suspects"])
        return cls(suspects, tuple(values["words"]), values["ending"])


class Vigil:
    """
    Keeps account of the checks that are with one receiver.

    Args:
        clock: the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: The check under way.
        self.current: Check | None = None
        #: When each check was with this life of the receiver last, in the order of that.
        self._with: dict[Check, float] = {}
        self.deaths: list[Death] = []

    def begins(self, check: Check) -> None:
        """A check begins: what it meets dead, it has not killed."""
        self.current = check

    def heard(self) -> None:
        """The receiver takes something from the check under way."""
        if self.current is not None:
            self._with.pop(self.current, None)
            self._with[self.current] = self._clock()

    def lives_anew(self) -> None:
        """The receiver was started: whoever was with it before has nothing to do with this life."""
        self._with.clear()

    def died(self, words: Sequence[str] = (), ending: str = "") -> None:
        """The receiver is found dead."""
        since = self._clock() - DELAY
        last = list(reversed(self._with.items()))[:_SUSPECTS]
        # However long ago: nobody was with it since.
        suspects = [check for check, at in last if at >= since or check == last[0][0]]
        self.deaths.append(Death(tuple(suspects), tuple(words), ending))

    @property
    def is_met_dead(self) -> bool:
        """Whether the check under way was never with this life of the receiver."""
        return self.current is not None and self.current not in self._with

    @property
    def is_shared(self) -> bool:
        """Whether the last death may be the doing of another clause than the one under way."""
        current = self.current
        return current is not None and any(
            clause != current.clause for clause in self.deaths[-1].clauses
        )

    def handed_over(self) -> list[dict[str, Any]]:
        """The deaths as plain values, and forgotten here."""
        deaths, self.deaths = self.deaths, []
        return [death.packed() for death in deaths]

    def take_over(self, values: Sequence[Mapping[str, Any]]) -> None:
        """Add what another process has `handed_over`."""
        self.deaths += [Death.unpacked(death) for death in values]
