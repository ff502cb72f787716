"""
The receiver's log, read as its operator would: lines of a file, from some place on.

Nothing is asked of its format.  JSON and plain text alike are searched for the uids, numbers and
words that were sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from calcontract.errors import CapabilityError

#: A log that took no line for so long is quiet, and one that never is counts as quiet after a
#: while, in seconds.
_QUIET = 0.1
_RESTLESS = 3.0

#: A log that has said nothing at all in all the time it was given is given no more than this from
#: then on, in seconds: nobody waits minutes for a receiver that does not log.
_MUTE = 1.0

_PAUSE = 0.02


class Log:
    """
    A file that a receiver writes lines to.

    Args:
        path: where it is.
        whole: whether what stands there already belongs to the run, as a started receiver's does.
    """

    def __init__(self, path: Path, *, whole: bool = False) -> None:
        self.path = path
        #: Where that begins which counts as written in this run.
        self.begin = 0 if whole else self._size()
        self._was_mute = False

    def require(self) -> None:
        """
        Make sure that it can be read.

        Raises:
            CapabilityError: if it cannot.
        """
        self.since(self._size())

    def place(self) -> int:
        """Where the next line will begin, once the log is quiet."""
        deadline = time.monotonic() + _RESTLESS
        place, since = self._size(), time.monotonic()
        while time.monotonic() < min(since + _QUIET, deadline):
            time.sleep(_PAUSE)
            if (now := self._size()) != place:
                place, since = now, time.monotonic()
        return place

    def since(self, place: int) -> bytes:
        """
        What was written since *place*; all there is if the file was begun anew in between.

        Raises:
            CapabilityError: if it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(place if place <= self._size() else 0)
                return file.read()
        except OSError as error:
            raise CapabilityError(
                f"the log {str(self.path)!r} cannot be read ({error.strerror})",
                hint="name a file that the receiver writes and you may read with --log",
            ) from None

    def lines_since(self, place: int) -> list[str]:
        """The lines written since *place*; bytes that are no UTF-8 are shown as such."""
        text = self.since(place).decode("utf-8", "backslashreplace")
        return [line for line in text.split("\n") if line.strip()]

    def wait_for(
        self, wanted: Callable[[list[str]], bool], *, place: int, seconds: float
    ) -> list[str]:
        """
        The lines since *place*, as soon as they are *wanted*, or those of *seconds* later.

        A log that was waited for in vain before, and has not had a line since, is waited for
        shortly.
        """
        patience = min(seconds, _MUTE) if self._was_mute and self._is_mute() else seconds
        deadline = time.monotonic() + patience
        while not wanted(lines := self.lines_since(place)) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        self._was_mute = self._is_mute()
        return lines

    def _is_mute(self) -> bool:
        """Whether nothing was written in this run."""
        return not self.since(self.begin).strip()

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0
