"""
The end of an attempt's time, whatever the other side does.

A time limit per read is none: a receiver that sends one byte a second would hold us for ever.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from typing import TYPE_CHECKING, TypeVar

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


def within(deadline: Deadline, work: Callable[[], T]) -> T:
    """
    What *work* returns or raises, if it does so in time; else it is left to itself.

    Raises:
        DeadlineExceededError: if the time is over first.
    """
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 -- handed to whoever waits
            outcome.set_exception(error)

    # A daemon: a name look-up that hangs must not keep the process alive.
    threading.Thread(target=run, daemon=True).start()
    # Not `result(timeout)`, whose own error cannot be told from one of the work.
    done, _ = concurrent.futures.wait([outcome], deadline.left())
    if not done:
        raise DeadlineExceededError
    return outcome.result()
