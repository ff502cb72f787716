"""
Attempts that an ordinary HTTP client cannot make: exact, torn, slow, chunked, broken off.

Every one of them ends within its *timeout*, and none raises for trouble on the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_calcom import headers
from mock_calcom.exchange import converse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_calcom.attempts import Attempt
    from mock_calcom.delivery import Delivery
    from mock_calcom.exchange import Exchange
    from mock_calcom.headers import Line

#: How long an attempt may take unless told otherwise; the guide's figure.
BUDGET = 30.0


def exact(
    delivery: Delivery,
    *,
    lines: Sequence[Line] | None = None,
    method: str = "POST",
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    An attempt whose header block is sent byte for byte as given.

    Args:
        delivery: what to send; its headers may be repeated or hold bytes that no client allows.
        lines: the whole header block; undici's around the delivery's own if not given.
        method: the verb of the request; Cal.com always posts.
        timeout: the seconds after which the attempt is over.
        verify: whether certificates are checked, or the file of an authority to trust.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    head = headers.head(delivery, lines, method=method)
    return converse(
        delivery,
        lambda line: line.send(head + delivery.body),
        method=method,
        timeout=timeout,
        verify=verify,
    )


def torn(
    delivery: Delivery,
    cut: int,
    pause: float = 0.05,
    *,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    The body in two segments: *cut* bytes, a pause, the rest; a character may lie across the cut.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    head = headers.head(delivery)

    def script(line: Exchange) -> None:
        line.send(head + delivery.body[:cut])
        line.pause(pause)
        line.send(delivery.body[cut:])

    return converse(delivery, script, timeout=timeout, verify=verify)


def slow(
    delivery: Delivery,
    step: int = 64,
    pause: float = 0.01,
    *,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    The body in pieces of *step* bytes with a pause after each.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to, or *step* is not positive.
    """
    if step < 1:
        raise ValueError("a piece of a slow body holds at least one byte")
    head = headers.head(delivery)

    def script(line: Exchange) -> None:
        line.send(head)
        for start in range(0, len(delivery.body), step):
            line.send(delivery.body[start : start + step])
            line.pause(pause)

    return converse(delivery, script, timeout=timeout, verify=verify)


def chunked(
    delivery: Delivery,
    piece: int = 512,
    *,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    The body in chunks, without a length: a proxy may do so, Cal.com itself never does.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to, or *piece* is not positive.
    """
    if piece < 1:
        raise ValueError("a chunk holds at least one byte")
    lines = [line for line in headers.block(delivery) if line[0].lower() != "content-length"]
    head = headers.head(delivery, [*lines, ("transfer-encoding", "chunked")])
    pieces = [delivery.body[at : at + piece] for at in range(0, len(delivery.body), piece)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in pieces)
    return converse(
        delivery,
        lambda line: line.send(head + chunks + b"0\r\n\r\n"),
        timeout=timeout,
        verify=verify,
    )


def truncated(
    delivery: Delivery,
    cut: int,
    *,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    Only *cut* bytes of the announced body, then the sending side closes and waits.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    head = headers.head(delivery)

    def script(line: Exchange) -> None:
        line.send(head + delivery.body[:cut])
        line.finish_sending()

    return converse(delivery, script, timeout=timeout, verify=verify)


def overstated(
    delivery: Delivery,
    excess: int,
    *,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    The whole body under a length that is *excess* bytes too large, then the sending side closes.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    lines = [line for line in headers.block(delivery) if line[0].lower() != "content-length"]
    length = str(len(delivery.body) + excess)
    head = headers.head(delivery, [*lines, ("content-length", length)])

    def script(line: Exchange) -> None:
        line.send(head + delivery.body)
        line.finish_sending()

    return converse(delivery, script, timeout=timeout, verify=verify)


def asking(
    delivery: Delivery,
    patience: float = 1.0,
    *,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    The header block with `Expect: 100-continue`, and the body once it may come.

    As curl does it: after *patience* seconds without a word the body is sent all the same.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    head = headers.head(delivery, [*headers.block(delivery), ("expect", "100-continue")])

    def script(line: Exchange) -> None:
        line.send(head)
        line.await_go_ahead(patience)
        line.send(delivery.body)

    return converse(delivery, script, timeout=timeout, verify=verify)


def broken_off(
    delivery: Delivery,
    cut: int,
    *,
    linger: float = 0.05,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    Only the first *cut* bytes of the whole request, then the connection is reset.

    Args:
        delivery: what is begun to be sent.
        cut: how many bytes of header block and body together leave.
        linger: how long the receiver has to take them in, in seconds.
        timeout: the seconds after which the attempt is over.
        verify: whether certificates are checked, or the file of an authority to trust.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    request = headers.head(delivery) + delivery.body

    def script(line: Exchange) -> None:
        line.send(request[:cut])
        line.pause(linger)
        line.abandon(reset=True)

    return converse(delivery, script, timeout=timeout, verify=verify)


def headers_only(
    delivery: Delivery, *, timeout: float = BUDGET, verify: bool | str = True
) -> Attempt:
    """
    The header block, and then nothing: the body that it announces never comes.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    head = headers.head(delivery)
    return converse(delivery, lambda line: line.send(head), timeout=timeout, verify=verify)


def abandoned(
    delivery: Delivery,
    *,
    linger: float = 0.0,
    reset: bool = False,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> Attempt:
    """
    The whole delivery, and then the client is gone before the answer.

    Args:
        delivery: what to send.
        linger: how many seconds the client waits first; an answer in that time is not read.
        reset: whether it leaves by a reset (a crash) rather than by closing (a proxy's limit).
        timeout: the seconds after which the attempt is over.
        verify: whether certificates are checked, or the file of an authority to trust.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    head = headers.head(delivery)

    def script(line: Exchange) -> None:
        line.send(head + delivery.body)
        line.pause(linger)
        line.abandon(reset=reset)

    return converse(delivery, script, timeout=timeout, verify=verify)
