"""
The end of an attempt's time, whatever the other side does.

A time limit per read is none: a receiver that sends one byte a second would hold us for ever.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class DeadlineExceededError(TimeoutError):
    """The time of the attempt is over."""


class Deadline:
    """A point in time, some seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._begun = time.monotonic()
        self._end = self._begun + seconds

    def left(self) -> float:
        """
        The seconds that are left, more than none.

        Raises:
            DeadlineExceededError: if none are left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise DeadlineExceededError
        return left

    def passed(self) -> float:
        """The seconds since it was set."""
        return time.monotonic() - self._begun


class _Work(Generic[T]):
    """A call in a thread of its own, which nobody waits for longer than they like."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None
        # A daemon: a name look-up that hangs must not keep the process alive.
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 -- handed to whoever waits
            self._error = error
        finally:
            self._done.set()

    def wait(self, seconds: float) -> T:
        if not self._done.wait(seconds):
            raise DeadlineExceededError
        if self._error:
            raise self._error
        return self._result  # type: ignore[return-value]


def within(deadline: Deadline, work: Callable[[], T]) -> T:
    """
    What *work* returns or raises, if it does so in time; else it is left to itself.

    Raises:
        DeadlineExceededError: if the time is over first.
    """
    return _Work(work).wait(deadline.left())
