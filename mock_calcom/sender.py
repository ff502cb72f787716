"""
Ordinary attempts over HTTP, as Cal.com makes them.

Redirects are not followed, proxies of the environment are ignored, certificates are checked, and an
attempt never outlasts its timeout.  Source: Cal.com `sendPayload.ts` (`redirect: "manual"`).
"""

from __future__ import annotations

import contextlib
import contextvars
import http.client
import random
import socket
import time
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from mock_calcom import attempts, headers, volley, wire
from mock_calcom.attempts import Answer, Attempt
from mock_calcom.deadlines import Deadline, DeadlineExceededError, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import BufferedIOBase

    from mock_calcom.delivery import Delivery
    from mock_calcom.ids import Chance
    from mock_calcom.profiles import Profile

__all__ = ["Answer", "Attempt", "Sender"]

_PIECE = 65536

#: The sockets that the running attempt has opened, so that its deadline can cut them off.
_opened: contextvars.ContextVar[list[socket.socket]] = contextvars.ContextVar("_opened")


class Sender:
    """
    Sends deliveries and says what became of each attempt.

    Args:
        timeout: the seconds after which an attempt is over, whatever the receiver does.
        verify: whether certificates are checked, or the file of an authority to trust.
        sleep: waits between the attempts of `deliver`.
        chance: spreads those waits.
    """

    def __init__(
        self,
        timeout: float = wire.BUDGET,
        *,
        verify: bool | str = True,
        sleep: Callable[[float], None] = time.sleep,
        chance: Chance | None = None,
    ) -> None:
        self.timeout = timeout
        self.verify = verify
        self._sleep = sleep
        self._chance = chance or random.SystemRandom()

    def attempt(self, delivery: Delivery) -> Attempt:
        """
        One attempt at *delivery*; trouble on the network is part of the result.

        Headers that an ordinary client cannot send (repeated, not Latin-1) go over a raw socket.

        Raises:
            ValueError: if the URL of the delivery cannot be posted to.
        """
        block = headers.block(delivery)
        if not headers.is_ordinary(delivery):
            return wire.exact(delivery, timeout=self.timeout, verify=self.verify)
        deadline = Deadline(self.timeout)
        reception = _Reception()
        try:
            within(deadline, lambda: self._ask(delivery, block, deadline, reception))
        except DeadlineExceededError:
            # The answer as it stands now: what the cut itself brings about is none of it.
            answer = reception.answer()
            reception.cut()
            problem = None if answer else attempts.TIMEOUT
            return Attempt(delivery, answer, problem, deadline.passed())
        except requests.exceptions.InvalidURL as error:
            shown = headers.redacted(delivery.url)
            raise ValueError(f"not a URL that can be posted to: {shown!r}") from error
        except requests.RequestException as error:
            return Attempt(delivery, None, _problem(error), deadline.passed())
        return Attempt(delivery, reception.answer(), None, deadline.passed())

    def deliver(self, delivery: Delivery, profile: Profile) -> list[Attempt]:
        """
        As many attempts at *delivery* as a sender of that profile makes, with its waits.

        The bytes are the same each time.  After 410 nothing more is sent; what becomes of the
        subscription is `Subscription.after`'s to say.

        Raises:
            ValueError: if the URL of the delivery cannot be posted to.
        """
        made = [self.attempt(delivery)]
        while not made[-1].acknowledged and profile.sends_again(made[-1].status, len(made)):
            self._sleep(profile.delay(len(made), self._chance))
            made.append(self.attempt(delivery))
        return made

    def volley(self, deliveries: Sequence[Delivery]) -> list[Attempt]:
        """
        One attempt for each delivery, all at the same instant.

        Raises:
            ValueError: if the URL of a delivery cannot be posted to.
        """
        return volley.fire(deliveries, timeout=self.timeout, verify=self.verify)

    def _ask(
        self,
        delivery: Delivery,
        block: tuple[tuple[str, str], ...],
        deadline: Deadline,
        reception: _Reception,
    ) -> None:
        _opened.set(reception.sockets)
        request = requests.Request("POST", delivery.url, data=delivery.body).prepare()
        # In place of the block that requests would send.
        request.headers = CaseInsensitiveDict(block)
        # A connection kept from an earlier attempt may be dead without our knowing, and its reset
        # would be blamed on the receiver: a new adapter for each.  A session would add cookies,
        # proxies and redirects, none of which are wanted here.
        with contextlib.closing(_Adapter()) as adapter:
            response = adapter.send(
                request, stream=True, timeout=deadline.left(), verify=self.verify
            )
            with contextlib.closing(response):
                reception.take(response, deadline)


class _Reception:
    """What has come of an answer so far, kept outside the thread that may never end."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self._head: tuple[int, dict[str, str], float] | None = None
        self._body = bytearray()

    def take(self, response: requests.Response, deadline: Deadline) -> None:
        """Takes the head, then the body as far as it comes and is wanted."""
        names = {name.lower(): value for name, value in response.headers.items()}
        self._head = (response.status_code, names, deadline.passed())
        # Cal.com has acted on the status by then; what happens to the rest is all one to it.
        with contextlib.suppress(requests.RequestException):
            for piece in response.iter_content(_PIECE):
                self._body += piece
                if len(self._body) >= attempts.ANSWER_LIMIT:
                    return

    def answer(self) -> Answer | None:
        """The answer, if at least its head came."""
        if self._head is None:
            return None
        status, names, seconds = self._head
        return Answer(status, names, bytes(self._body[: attempts.ANSWER_LIMIT]), seconds)

    def cut(self) -> None:
        """Breaks the connection, which ends the thread that reads from it."""
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Lines:
    """The lines of a head, in which the end of the connection is an error."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self.stream = stream
        self._begun = False

    def readline(self, limit: int = -1) -> bytes:
        line = self.stream.readline(limit)
        if not line and self._begun:
            # http.client would take it for the end of the headers, and the answer for whole.
            raise http.client.IncompleteRead(b"")
        self._begun = True
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Response(http.client.HTTPResponse):
    """An answer whose head has to be whole."""

    def begin(self) -> None:
        lines = _Lines(self.fp)
        self.fp = lines  # type: ignore[assignment]  # a stream in all but its type
        try:
            super().begin()
        finally:
            # Nothing is there any more when `begin` has given up.
            self.fp = lines.stream if self.fp else self.fp  # type: ignore[assignment]


class _Tracked:
    """A connection that reports its socket and reads an answer given before the body's end."""

    # A mixin: only the classes below know what `super()` is.

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        _opened.get([]).append(self.sock)  # type: ignore[attr-defined]

    def send(self, data: Any) -> None:
        try:
            super().send(data)  # type: ignore[misc]
        except ConnectionResetError as error:
            # urllib3 goes on to read the answer after a broken pipe, and only then.
            raise BrokenPipeError from error


class _HTTPConnection(_Tracked, HTTPConnection):
    response_class = _Response


class _HTTPSConnection(_Tracked, HTTPSConnection):
    response_class = _Response


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection

    def _validate_conn(self, conn: Any) -> None:
        # urllib3's own warns of every connection that is not verified: the caller asked for it.
        if conn.is_closed:
            conn.connect()


class _Adapter(HTTPAdapter):
    """requests' own adapter over connections that can be cut off."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


def _problem(error: requests.RequestException) -> str:
    """Which of the problems an error of requests stands for."""
    if isinstance(error, requests.Timeout):
        return attempts.TIMEOUT
    if isinstance(error, requests.exceptions.SSLError):
        return attempts.TLS
    causes = list(_causes(error))
    if any(isinstance(cause, ConnectionResetError | BrokenPipeError) for cause in causes):
        return attempts.RESET
    if any(isinstance(cause, http.client.HTTPException) for cause in causes):
        return attempts.GARBAGE
    return attempts.CONNECTION


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it wraps, which requests and urllib3 keep in their arguments."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _causes(inner)
