"""
Requests of strangers that never become whole: at a crawl, or stopped for good.

They are unsigned, so that no receiver has to do anything about them but give them up.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from mock_calcom import headers
from mock_calcom.deadlines import Deadline
from mock_calcom.exchange import Exchange
from mock_calcom.signature import HEADER

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from mock_calcom.delivery import Delivery

#: How long a stranger lives at the most, in seconds: nobody waits for one for longer.
_LIFE = 600.0


class Strangers:
    """
    Some connections on which a request was begun.

    Args:
        delivery: the delivery whose unsigned form they begin to send.
        count: how many of them there are.
        within: the part in which they are slow: `headers` or `body`.
        pace: the seconds between two bytes; nothing for strangers that stop for good.
        verify: whether certificates are checked, or the file of an authority to trust.

    Raises:
        OSError: if a connection does not come about.
    """

    def __init__(
        self,
        delivery: Delivery,
        count: int,
        *,
        within: str,
        pace: float | None = None,
        verify: bool | str = True,
    ) -> None:
        unsigned = delivery.without_header(HEADER)
        head = headers.head(unsigned)
        sent = len(head) // 2 if within == "headers" else len(head) + 1
        self._request = head + unsigned.body
        self._pace = pace
        self._over = threading.Event()
        self._lines: list[Exchange] = []
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                line = Exchange.open(unsigned, Deadline(_LIFE), verify=verify)
                self._lines.append(stack.enter_context(line))
                line.send(self._request[:sent])
            self._stack = stack.pop_all()
        self._crawler = threading.Thread(target=self._crawl, args=(sent,), daemon=True)
        self._crawler.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._crawler.join()
        self._stack.close()

    def left(self, seconds: float) -> int:
        """How many are neither answered nor hung up on after so many seconds at the most."""
        end = time.monotonic() + seconds
        return sum(not line.has_ended(max(end - time.monotonic(), 0.0)) for line in self._lines)

    def _crawl(self, sent: int) -> None:
        """Sends a byte on every connection now and then; never the last one."""
        if self._pace is None:
            return
        for at in range(sent, len(self._request) - 1):
            if self._over.wait(self._pace):
                return
            for line in self._lines:
                # One that was hung up on has nothing more to say.
                with contextlib.suppress(OSError):
                    line.send_now(self._request[at : at + 1])
