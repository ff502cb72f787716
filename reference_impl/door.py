"""
The webhook route: a plain ASGI application around `Receiver`.

Reads the body as bytes however it is framed, within a size and a time.  A client that goes away
before its body is whole leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from reference_impl.gathering import StoreUnavailableError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from reference_impl.answers import Answer
    from reference_impl.receiver import Headers, Receiver

#: How much of a refused body is read and thrown away, so that the sender gets to read its answer:
#: closing on a sender that still writes would reset the connection and lose the 413.
_DRAIN_BYTES = 16 * 1024 * 1024
_DRAIN_SECONDS = 2.0

#: No more than this is held of bodies that are not whole yet: anybody may begin one, unsigned.
_HELD_BYTES = 64 * 1024 * 1024


class _ClientGoneError(Exception):
    """The client closed the connection before the body was whole."""


class _TooMuchAtOnceError(Exception):
    """More bodies have begun than there is memory to wait for their ends."""


class _TooLargeError(Exception):
    """The body is larger than the limit; `more` is whether some of it is still to come."""

    def __init__(self, *, more: bool) -> None:
        super().__init__()
        self.more = more


class Door:
    """Hands each attempt to the receiver and sends its answer."""

    def __init__(self, receiver: Receiver, *, seconds: float) -> None:
        self._receiver = receiver
        self._seconds = seconds
        #: Bytes of bodies that are not whole yet, over all connections.
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one attempt, unless its client is gone."""
        began = time.perf_counter()
        try:
            answer = await self._answer(scope, receive)
        except _ClientGoneError:
            return
        except Exception as problem:  # noqa: BLE001 - whatever it is, the sender gets an answer
            answer = self._receiver.failed(problem)
        await _send(answer, send)
        self._receiver.meter.answered(answer.status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        receiver = self._receiver
        if scope["method"] not in receiver.methods:
            return receiver.not_allowed(scope["method"])
        headers: Headers = scope["headers"]
        limit = receiver.body_limit()
        try:
            if _declared_length(headers) > limit:
                await _drain(headers, receive)
                return receiver.too_large()
            async with asyncio.timeout(self._seconds):
                body = await self._body(receive, limit)
        except _TooLargeError as problem:
            if problem.more:
                await _drain(headers, receive)
            return receiver.too_large()
        except TimeoutError:
            return receiver.too_slow()
        except _TooMuchAtOnceError:
            return receiver.unavailable(StoreUnavailableError("too many bodies are under way"))
        client = scope.get("client")
        return await receiver.judge(client[0] if client else "", headers, body)

    async def _body(self, receive: Receive, limit: int) -> bytes:
        """
        The whole body.

        Raises:
            _TooLargeError: as soon as more than *limit* bytes came.
            _TooMuchAtOnceError: if it is not whole, and all that are not hold too much.
            _ClientGoneError: if the client went away before its end.
        """
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _ClientGoneError
                chunk, more = message.get("body", b""), message.get("more_body", False)
                size += len(chunk)
                self._held += len(chunk)
                if size > limit:
                    raise _TooLargeError(more=more)
                if more and self._held > _HELD_BYTES:
                    raise _TooMuchAtOnceError
                chunks.append(chunk)
                if not more:
                    return b"".join(chunks)
        finally:
            self._held -= size


def _declared_length(headers: Headers) -> int:
    """The Content-Length, or 0 for a body that is framed otherwise."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value[:19])
    return 0


async def _drain(headers: Headers, receive: Receive) -> None:
    """Read on for a while without keeping anything; not if the client waits for a go-ahead."""
    if any(name == b"expect" for name, _ in headers):
        return
    left = _DRAIN_BYTES
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return


async def _send(answer: Answer, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
