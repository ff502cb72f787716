"""
Whether the receiver lives, and how a check ends that finds it dead.

Whoever finds a receiver dead has not killed it for that: it may have been dead before the check, or
have died of an earlier one.  Where it can be started again, the check is repeated; where it cannot,
a clause is accused only if no other one was checked just before.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from calcontract.errors import CapabilityError, CheckStop, Inconclusive, NotVerified, Violation
from calcontract.process import Process, listens
from calcontract.records import named
from calcontract.vigil import DIED, Check, Vigil
from calcontract.waiting import waiting
from mock_calcom.attempts import CONNECTION, RESET, Attempt

#: A connection that failed may have failed by accident: so long later it does no more, in seconds.
_ACCIDENT = 0.2

#: A receiver that has died so often is not started again.
LIVES = 12

#: What is shown of the last words of one that died: lines, and characters of each.
_LINES = 6
_LINE = 200

_GONE = "the receiver no longer accepts connections"


class Life:
    """
    The life of one receiver in one run.

    Args:
        url: where it listens.
        secret: what must not be shown of its last words.
        process: the receiver's process, if we may start it again.
    """

    def __init__(self, url: str, secret: str, process: Process | None) -> None:
        self._url = url
        self._secret = secret
        self._process = process
        #: Why the receiver cannot be judged, as long as that is so.
        self.gone: str | None = None
        #: Whether the end of this life is in the account.
        self._is_noted = False
        #: The check that has found it dead, and how that one ends.
        self._found_by: Check | None = None
        self._found: CheckStop | None = None
        self.vigil = Vigil()

    @property
    def can_begin_anew(self) -> bool:
        """Whether it is started again if it ends; not for ever."""
        return self._process is not None and len(self.vigil.deaths) < LIVES

    def begins_anew(self) -> None:
        """The receiver was started."""
        self.gone = self._found = None
        self._is_noted = False
        self.vigil.lives_anew()

    def is_over(self) -> bool:
        """Whether the receiver has died, or its process does not run as usual."""
        process = self._process
        if process is not None and process.has_died:
            self.note_end()
        return self.gone is not None or (process is not None and not process.is_as_usual)

    def give_up(self) -> None:
        """Do not start the receiver any more."""
        self._found = None
        self.gone = f"the receiver has died {len(self.vigil.deaths)} times, and was left dead"

    def require(self) -> None:
        """
        Refuse to go on with a receiver that has died.

        Raises:
            Violation: if it has died under the check.
            NotVerified: if it has died otherwise.
        """
        if self._found is not None and self._found_by == self.vigil.current is not None:
            raise self._found
        if self.gone:
            raise NotVerified(self.gone, reason=DIED)

    def heard(self, attempts: Sequence[Attempt]) -> None:
        """Know what became of *attempts*: whether the receiver took anything from the check."""
        if any(attempt.problem != CONNECTION for attempt in attempts):
            self.vigil.heard()

    def look(self, attempts: Sequence[Attempt]) -> None:
        """
        Tell connections that failed by accident from a receiver that is no more.

        Raises:
            Violation: if it has died under the check.
            NotVerified: if it has died, and perhaps of another check.
        """
        self.heard(attempts)
        problems = {attempt.problem for attempt in attempts}
        if CONNECTION in problems:
            self._require_listening()
        elif RESET in problems and self._process is not None and self._is_dead():
            # What the check makes of the reset is its own matter; the death is one all the same.
            self._found_dead()

    @contextlib.contextmanager
    def required_inside(self) -> Iterator[None]:
        """
        Tell a receiver that has died from one that works in part only, or says nothing.

        Raises:
            Violation: if it has died under the check.
            NotVerified: if it has died, and perhaps of another check.
        """
        try:
            yield
        except (CapabilityError, Inconclusive):
            self._require_listening()
            raise

    def linger(self, seconds: float) -> None:
        """
        See whether the receiver dies within so many seconds.

        Raises:
            Violation: if it does.
        """
        with waiting("the receiver to die of what was sent to it", seconds):
            time.sleep(seconds)
        self._require_listening()

    def require_unharmed(self) -> None:
        """
        See that the process, which is to be killed, has not died by itself.

        Raises:
            Violation: if it has died under the check.
            NotVerified: if it has died, and perhaps of another check.
        """
        if self._process is not None and self._process.has_died:
            raise self._found_dead()

    def _require_listening(self) -> None:
        if self._is_dead():
            raise self._found_dead()

    def _is_dead(self) -> bool:
        if self._process is not None and self._process.is_ended:
            # It was we, or it was told to start in a way in which it does not want to.
            return False
        time.sleep(_ACCIDENT)
        return not listens(self._url)

    def _found_dead(self) -> CheckStop:
        """How a check ends that has found the receiver dead."""
        is_met_dead = self.vigil.is_met_dead
        self.note_end()
        self.gone = _GONE
        self._found_by, self._found = self.vigil.current, self._judged(is_met_dead)
        return self._found

    def _judged(self, is_met_dead: bool) -> CheckStop:
        if is_met_dead:
            return NotVerified(f"{_GONE}; it was dead before this check", reason=DIED)
        if self.vigil.is_shared and self._process is None:
            # Nobody can see which of them it dies of.
            clauses = ", ".join(self.vigil.deaths[-1].clauses)
            return NotVerified(f"{_GONE}; it has died of a check of one of {clauses}", reason=DIED)
        return Violation(_GONE, expected="a receiver that goes on", reason=DIED)

    def note_end(self) -> None:
        """Keep account of a death, once, for the report."""
        if not self._is_noted:
            self._is_noted = True
            ending = "" if self._process is None else self._process.ending
            self.vigil.died(self._last_words(), ending)

    def _last_words(self) -> list[str]:
        """What the receiver printed last, as it may be shown."""
        if self._process is None:
            return []
        lines = self._process.last_words(_LINES)
        return [_shown(named(line, self._secret))[:_LINE] for line in lines]


def _shown(line: str) -> str:
    """*line* without what a terminal would obey."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in line)
