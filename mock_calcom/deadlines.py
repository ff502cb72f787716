"""
The end of an attempt's time, whatever the other side does.

A time limit per read is none: a receiver that sends one byte a second would hold us for ever.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

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
            result = work()
        except BaseException as error:  # noqa: BLE001 -- handed to whoever waits
            _idle.append(hand)
            outcome.set_exception(error)
        else:
            _idle.append(hand)
            outcome.set_result(result)

    hand = _hand()
    hand.put(run)
    try:
        # Not `result`: a timeout of its own could not be told from one of the work.
        outcome.exception(deadline.left())
    except TimeoutError:
        raise DeadlineExceededError from None
    return outcome.result()


#: What is put here is done at once, by a thread that has nothing else to do.
_Hand = queue.SimpleQueue[Callable[[], None]]

#: The hands that are free.  One that is held up comes back when it is done, if ever.
_idle: list[_Hand] = []
# A fork has none of our threads.
os.register_at_fork(after_in_child=_idle.clear)


def _hand() -> _Hand:
    """A free hand; starting a thread costs more than most of what it is started for."""
    with contextlib.suppress(IndexError):
        return _idle.pop()
    hand: _Hand = queue.SimpleQueue()
    # A daemon: a name look-up that hangs must not keep the process alive.
    threading.Thread(target=_work, args=(hand,), daemon=True).start()
    return hand


def _work(hand: _Hand) -> None:
    while True:
        hand.get()()
