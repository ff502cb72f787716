"""
Does a comparison of signatures tell by its time how much of a forgery is right?

Two forgeries are sent in turn over one connection: one that agrees with the right signature in all
digits but the last, and one that agrees in none.  The order within each pair is drawn by lot, so
under the hypothesis of no leak every difference is as likely positive as negative, whatever the
machine does meanwhile: the signed-rank test (Wilcoxon 1945) then has the false-alarm rate it
promises, without assuming anything about the noise.  Only a difference in the direction of a leak,
in every one of several independent blocks, accuses.

What it can see is measured by `bench/timing_power.py` and written down in `docs/timing.md`.
"""

from __future__ import annotations

import contextlib
import enum
import http.client
import math
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Self

from calcontract.errors import Inconclusive
from mock_calcom import headers
from mock_calcom.delivery import Delivery
from mock_calcom.exchange import tls_context

#: Independent samples, all of which have to agree, and pairs in each of them.
BLOCKS = 4
PAIRS = 90

#: Attempts before the first that counts, while caches and branch predictors settle.
_WARM_UP = 10

#: How many attempts one judgement takes.
ATTEMPTS = 2 * (_WARM_UP + BLOCKS * PAIRS)

#: One block is significant above this score: one in forty by chance, and so four in 2.6 million.
SIGNIFICANT = 1.96

#: A block finds a leak of this many standard errors 99 times in 100.
_SURE = SIGNIFICANT + 2.33

#: Where even a leak of this size could hide, nothing can be said, in seconds.
_HOPELESS = 20e-3

#: From the median absolute deviation to the standard deviation of a normal distribution, and the
#: loss of the signed ranks against the mean there.
_TO_DEVIATION = 1.4826
_LOSS = math.sqrt(math.pi / 3)


class Verdict(enum.Enum):
    """What the times say."""

    LEAK = "leak"
    NO_LEAK = "no leak"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """
    A verdict with its numbers.

    Args:
        verdict: what the times say.
        leak: the median difference, in seconds.
        floor: the smallest leak that would have been found 99 times in 100, in seconds.
        scores: the score of each block, in standard deviations.
    """

    verdict: Verdict
    leak: float
    floor: float
    scores: tuple[float, ...]


def score(differences: Sequence[float]) -> float:
    """
    The signed-rank score of *differences*: how far above zero they lie, in standard deviations.

    Ties share their ranks; differences of nothing count for neither side.
    """
    ordered = sorted((value for value in differences if value), key=abs)
    total = spread = 0.0
    place = 0
    while place < len(ordered):
        end = place
        while end < len(ordered) and abs(ordered[end]) == abs(ordered[place]):
            end += 1
        rank = (place + 1 + end) / 2
        for value in ordered[place:end]:
            total += math.copysign(rank, value)
            spread += rank * rank
        place = end
    return total / math.sqrt(spread) if spread else 0.0


def judge(blocks: Sequence[Sequence[float]]) -> Finding:
    """What *blocks* of differences, near minus far, say of the receiver that they come from."""
    scores = tuple(score(block) for block in blocks)
    floor = max(_floor(block) for block in blocks)
    leak = statistics.median(statistics.median(block) for block in blocks)
    if all(found > SIGNIFICANT for found in scores) and leak > 0:
        verdict = Verdict.LEAK
    elif floor > _HOPELESS:
        verdict = Verdict.INCONCLUSIVE
    else:
        verdict = Verdict.NO_LEAK
    return Finding(verdict, leak, floor, scores)


def _floor(block: Sequence[float]) -> float:
    middle = statistics.median(block)
    deviation = _TO_DEVIATION * statistics.median(abs(value - middle) for value in block)
    return _SURE * _LOSS * deviation / math.sqrt(len(block))


def sampled(
    near: Callable[[], float],
    far: Callable[[], float],
    chance: Random,
    *,
    blocks: int = BLOCKS,
    pairs: int = PAIRS,
) -> list[list[float]]:
    """
    Blocks of differences between the times of *near* and of *far*, each asked in turn.

    Args:
        near: asks with the forgery that is nearly right; the seconds it took.
        far: asks with the one in which nothing is right.
        chance: draws which of the two comes first.
        blocks: the number of independent samples.
        pairs: the number of differences in each.
    """
    for _ in range(_WARM_UP):
        near()
        far()
    return [[_difference(near, far, chance) for _ in range(pairs)] for _ in range(blocks)]


def _difference(near: Callable[[], float], far: Callable[[], float], chance: Random) -> float:
    if chance.random() < 0.5:
        first = near()
        return first - far()
    first = far()
    return near() - first


def _acknowledge(sock: socket.socket) -> None:
    """
    Tell the other end at once that what it has sent by now has come.

    Who writes head and body apart, as Python's http.server does, has the body wait for that (RFC
    896), and systems put it off for 40 ms (RFC 1122, 4.2.3.2): half a minute over all attempts.
    """
    if hasattr(socket, "TCP_QUICKACK"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class Line:
    """
    One connection that is kept alive, as long as the receiver keeps it.

    Args:
        delivery: where it leads.
        timeout: how long an answer may take, in seconds.
        verify: whether certificates are verified, or the file of the authorities to trust.
    """

    def __init__(self, delivery: Delivery, timeout: float, *, verify: bool | str = True) -> None:
        self._url = headers.split(delivery.url)
        self._timeout = timeout
        self._verify = verify
        self._sock: socket.socket | None = None
        #: The statuses of the answers to each delivery.
        self.statuses: dict[Delivery, set[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def ask(self, delivery: Delivery) -> float:
        """
        The seconds from the last byte of *delivery* to the head of the answer.

        Raises:
            Inconclusive: if there is no answer, or the receiver throttles.
        """
        message = headers.head(delivery) + delivery.body
        kept = self._sock is not None
        try:
            seconds, status = self._asked(message)
        except (OSError, http.client.HTTPException) as error:
            self._hang_up()
            if kept:
                # A receiver may close a kept connection whenever it likes.
                return self.ask(delivery)
            raise Inconclusive(
                f"the receiver gives no answer to a forgery ({type(error).__name__})",
                reason="no-answer",
            ) from None
        if status == 429:
            raise Inconclusive("the receiver throttles us (429)", reason="throttled")
        self.statuses.setdefault(delivery, set()).add(status)
        return seconds

    def _asked(self, message: bytes) -> tuple[float, int]:
        sock = self._sock or self._connect()
        began = time.perf_counter()
        sock.sendall(message)
        # What reads the answer holds the socket as well, also where none comes.
        with contextlib.closing(http.client.HTTPResponse(sock, method="POST")) as answer:
            answer.begin()
            seconds = time.perf_counter() - began
            _acknowledge(sock)
            answer.read()
        if answer.will_close:
            self._hang_up()
        return seconds, answer.status

    def _connect(self) -> socket.socket:
        port = self._url.port or {"http": 80, "https": 443}[self._url.scheme]
        name = self._url.hostname or ""
        sock = socket.create_connection((name, port), timeout=self._timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._url.scheme == "https":
                sock = tls_context(self._verify).wrap_socket(sock, server_hostname=name)
        except OSError:
            sock.close()
            raise
        self._sock = sock
        return sock

    def _hang_up(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None
