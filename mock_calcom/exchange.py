"""
One conversation over a socket of our own: raw bytes out, an answer in.

What is sent is not h11's business, because it may be odd on purpose; h11 reads what comes back.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
from typing import TYPE_CHECKING, NoReturn

import h11

from mock_calcom import attempts, headers
from mock_calcom.attempts import Answer, Attempt
from mock_calcom.deadlines import Deadline, DeadlineExceededError, within

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from mock_calcom.delivery import Delivery

_PIECE = 65536


class AbandonedError(ConnectionError):
    """We went away on purpose."""


class Exchange:
    """An open connection on which one attempt is made."""

    def __init__(self, sock: socket.socket, deadline: Deadline, method: str) -> None:
        self._sock = sock
        self._deadline = deadline
        self._sent_at = deadline.passed()
        self._head: h11.Response | None = None
        self._head_after = 0.0
        self._heard_anything = False
        #: Whether the receiver has said that the body may come (100).
        self._may_go_on = False
        self._parser = h11.Connection(h11.CLIENT)
        self._expect_answer(method)

    @classmethod
    def open(
        cls,
        delivery: Delivery,
        deadline: Deadline,
        *,
        method: str = "POST",
        verify: bool | str = True,
    ) -> Self:
        """
        A connection to the receiver of *delivery*; the answer to *method* decides where it ends.

        Raises:
            ValueError: if its URL cannot be posted to.
            OSError: if no connection comes about, in time or at all.
        """
        url = headers.split(delivery.url)
        name = url.hostname or ""
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        sock = within(
            deadline, lambda: socket.create_connection((name, port), timeout=deadline.left())
        )
        try:
            # Each piece leaves when it is written: torn and slow bodies depend on it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if url.scheme == "https":
                sock.settimeout(deadline.left())
                sock = tls_context(verify).wrap_socket(sock, server_hostname=name)
        except OSError:
            sock.close()
            raise
        return cls(sock, deadline, method)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sock.close()

    def send(self, data: bytes) -> None:
        """
        Sends *data*, or stops when the receiver has answered or hung up before the end of it.

        Raises:
            DeadlineExceededError: if the receiver takes too long to read.
        """
        rest = memoryview(data)
        while rest and self._head is None:
            if not self._writable():
                continue
            self._sock.settimeout(self._deadline.left())
            try:
                rest = rest[self._sock.send(rest[:_PIECE]) :]
            except ConnectionError:
                # It may have answered before it hung up; `answer` will tell.
                return

    def send_now(self, data: bytes) -> None:
        """
        Sends a few bytes without looking first whether the receiver has answered.

        Raises:
            DeadlineExceededError: if the time of the attempt is over.
            TimeoutError: if the receiver takes too long to read.
        """
        self._sock.settimeout(self._deadline.left())
        with contextlib.suppress(ConnectionError):
            # As in `send`: it may have answered before it hung up.
            self._sock.sendall(data)

    def pause(self, seconds: float) -> None:
        """
        Waits, unless the receiver answers meanwhile.

        Raises:
            DeadlineExceededError: if the time of the attempt ends first.
        """
        end = self._deadline.passed() + seconds
        while self._head is None and (left := end - self._deadline.passed()) > 0:
            ready = self._ready(selectors.EVENT_READ, min(left, self._deadline.left()))
            if ready and not self._hear(wait=False):
                return

    def has_ended(self, seconds: float) -> bool:
        """Whether the receiver answers or hangs up within so many seconds."""
        self._sock.settimeout(max(seconds, 0.001))
        try:
            self._sock.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def cut(self) -> None:
        """Ends the connection under whoever waits for something to come over it."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def finish_sending(self) -> None:
        """Says that nothing more will be sent, although the receiver may still wait for it."""
        self._sock.shutdown(socket.SHUT_WR)

    def abandon(self, *, reset: bool) -> NoReturn:
        """
        Goes away without reading an answer, by a *reset* or by closing.

        Raises:
            AbandonedError: always; nothing can follow.
        """
        if reset:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise AbandonedError

    def answer(self) -> Answer:
        """
        The answer, as far as it came in time; only its head is indispensable.

        Raises:
            DeadlineExceededError: if not even its head came in time.
            ConnectionError: if the receiver hung up before that.
            h11.RemoteProtocolError: if what came is not HTTP.
        """
        while self._head is None:
            if not self._hear() and self._head is None:
                self._close_parser()
        body = bytearray()
        # Cal.com has acted on the status by then; what happens to the rest is all one to it.
        with contextlib.suppress(OSError, h11.RemoteProtocolError):
            self._read_body(body)
        names: dict[str, str] = {}
        for raw_name, raw_value in self._head.headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            names[name] = f"{names[name]}, {value}" if name in names else value
        return Answer(
            self._head.status_code,
            names,
            bytes(body[: attempts.ANSWER_LIMIT]),
            self._head_after - self._sent_at,
        )

    def next_request(self, method: str = "POST") -> bool:
        """
        Makes ready for another request after the answer; false if the connection has to end.

        What has already come of its answer is kept.
        """
        try:
            self._parser.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        self._head, self._heard_anything, self._may_go_on = None, False, False
        self._expect_answer(method)
        self.start_the_clock()
        # The answer to a request that was sent without waiting may be here already.
        self._take_head()
        return True

    def await_go_ahead(self, seconds: float) -> None:
        """
        Waits so long for the receiver to say that the body may come, or to answer without it.

        Raises:
            DeadlineExceededError: if the time of the attempt ends first.
        """
        end = self._deadline.passed() + seconds
        while not self._may_go_on and self._head is None:
            left = end - self._deadline.passed()
            if left <= 0:
                return
            ready = self._ready(selectors.EVENT_READ, min(left, self._deadline.left()))
            if ready and not self._hear(wait=False):
                return

    def start_the_clock(self) -> None:
        """Counts the answer's seconds from now on rather than from the opening."""
        self._sent_at = self._deadline.passed()

    # --- how it is done --------------------------------------------------------------------------

    def _expect_answer(self, method: str) -> None:
        # h11 reads an answer only after it has seen a request; its bytes go nowhere.
        self._parser.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        self._parser.send(h11.EndOfMessage())

    def _writable(self) -> bool:
        """Whether there is room to send; takes in an early answer while there is none."""
        if isinstance(self._sock, ssl.SSLSocket):
            # TLS reads in order to write, so the socket alone cannot tell.
            return True
        either = selectors.EVENT_READ | selectors.EVENT_WRITE
        ready = self._ready(either, self._deadline.left())
        if ready & selectors.EVENT_READ and not self._hear(wait=False):
            # It has hung up; sending on shows whether it still listens.
            return True
        return bool(ready & selectors.EVENT_WRITE) and self._head is None

    def _ready(self, wanted: int, seconds: float) -> int:
        """Which of the wanted events the socket is ready for within so many seconds."""
        # Not `select.select`, which cannot look at more than 1024 descriptors of a process.
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, wanted)
            return sum(event for _, event in selector.select(seconds))

    def _hear(self, *, wait: bool = True) -> bool:
        """Reads once; false when the receiver has closed its side."""
        self._sock.settimeout(self._deadline.left() if wait else 0)
        try:
            data = self._sock.recv(_PIECE)
        except TimeoutError as error:
            raise DeadlineExceededError from error
        except (BlockingIOError, ssl.SSLWantReadError):
            # Readable, yet nothing for us: a session ticket of TLS, for one.
            return True
        if not data:
            return False
        self._heard_anything = True
        self._parser.receive_data(data)
        self._take_head()
        return True

    def _take_head(self) -> None:
        while self._head is None:
            event = self._parser.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            if isinstance(event, h11.Response):
                self._head = event
                self._head_after = self._deadline.passed()
            elif isinstance(event, h11.InformationalResponse):
                self._may_go_on |= event.status_code == 100

    def _close_parser(self) -> None:
        """Ends a conversation without an answer by the error that fits it."""
        if not self._heard_anything:
            raise ConnectionResetError("the receiver closed the connection without an answer")
        raise h11.RemoteProtocolError("the receiver closed the connection within its answer")

    def _read_body(self, body: bytearray) -> None:
        while len(body) < attempts.ANSWER_LIMIT:
            event = self._parser.next_event()
            if isinstance(event, h11.Data):
                body += event.data
            elif event is h11.NEED_DATA:
                self._sock.settimeout(self._deadline.left())
                self._parser.receive_data(self._sock.recv(_PIECE))
            else:
                return


def converse(
    delivery: Delivery,
    script: Callable[[Exchange], None],
    *,
    timeout: float,
    method: str = "POST",
    verify: bool | str = True,
) -> Attempt:
    """
    The attempt that *script* makes over a fresh connection.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    deadline = Deadline(timeout)
    try:
        exchange = Exchange.open(delivery, deadline, method=method, verify=verify)
    except OSError as error:
        return failed(delivery, opening_problem(error), deadline)
    with exchange:
        try:
            script(exchange)
            answer = exchange.answer()
        except (OSError, h11.RemoteProtocolError) as error:
            return failed(delivery, problem(error), deadline)
        return Attempt(delivery, answer, None, deadline.passed())


def failed(delivery: Delivery, why: str, deadline: Deadline) -> Attempt:
    """An attempt that got no answer."""
    return Attempt(delivery, None, why, deadline.passed())


def opening_problem(error: OSError) -> str:
    """What stood in the way of a connection."""
    if isinstance(error, ssl.SSLError):
        return attempts.TLS
    return attempts.TIMEOUT if isinstance(error, TimeoutError) else attempts.CONNECTION


def problem(error: Exception) -> str:
    """What broke a conversation that had begun."""
    if isinstance(error, AbandonedError):
        return attempts.ABANDONED
    if isinstance(error, TimeoutError):
        return attempts.TIMEOUT
    return attempts.GARBAGE if isinstance(error, h11.RemoteProtocolError) else attempts.RESET


def tls_context(verify: bool | str) -> ssl.SSLContext:
    """Trusts the authorities in the file *verify*; `True` is the system's, `False` anybody."""
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
