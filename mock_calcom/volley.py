"""
Several deliveries at the same instant.

Every connection is open and all but the last byte is sent before the last bytes are released
together, so the receiver sees complete deliveries within microseconds of each other.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
from typing import TYPE_CHECKING

import h11

from mock_calcom import headers
from mock_calcom.attempts import Attempt
from mock_calcom.deadlines import Deadline
from mock_calcom.exchange import Exchange, failed, opening_problem, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_calcom.delivery import Delivery


def fire(
    deliveries: Sequence[Delivery], *, timeout: float, verify: bool | str = True
) -> list[Attempt]:
    """
    One attempt for each delivery, all at once, in the order given.

    Raises:
        ValueError: if the URL of a delivery cannot be posted to.
    """
    if not deliveries:
        return []
    deadline = Deadline(timeout)
    with contextlib.ExitStack() as stack:
        shots = [_aimed(delivery, deadline, stack, verify) for delivery in deliveries]
        for shot in shots:
            shot.release()
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(shots)) as pool:
            try:
                return list(pool.map(_Shot.attempt, shots))
            except BaseException:
                # Whoever is interrupted waits for no answer, and the pool for each of its threads.
                for shot in shots:
                    shot.cut()
                raise


class _Shot:
    """One delivery on an open connection, its last byte held back."""

    def __init__(self, delivery: Delivery, deadline: Deadline) -> None:
        self._message = headers.head(delivery) + delivery.body
        self._delivery = delivery
        self._deadline = deadline
        self._exchange: Exchange | None = None
        self._problem: str | None = None

    def aim(self, stack: contextlib.ExitStack, verify: bool | str) -> None:
        """Opens the connection and sends all but the last byte."""
        try:
            exchange = Exchange.open(self._delivery, self._deadline, verify=verify)
        except OSError as error:
            self._problem = opening_problem(error)
            return
        self._exchange = stack.enter_context(exchange)
        self._try(lambda: exchange.send(self._message[:-1]))

    def release(self) -> None:
        """Sends the last byte."""
        exchange = self._exchange
        if exchange and not self._problem:
            exchange.start_the_clock()
            self._try(lambda: exchange.send_now(self._message[-1:]))

    def cut(self) -> None:
        """Gives it up while its answer is waited for."""
        if self._exchange is not None:
            self._exchange.cut()

    def attempt(self) -> Attempt:
        """What became of it."""
        if self._exchange is None or self._problem:
            return failed(self._delivery, self._problem or "", self._deadline)
        try:
            answer = self._exchange.answer()
        except (OSError, h11.RemoteProtocolError) as error:
            return failed(self._delivery, problem(error), self._deadline)
        return Attempt(self._delivery, answer, None, answer.seconds)

    def _try(self, send: Callable[[], None]) -> None:
        try:
            send()
        except (OSError, h11.RemoteProtocolError) as error:
            self._problem = problem(error)


def _aimed(
    delivery: Delivery, deadline: Deadline, stack: contextlib.ExitStack, verify: bool | str
) -> _Shot:
    shot = _Shot(delivery, deadline)
    shot.aim(stack, verify)
    return shot
