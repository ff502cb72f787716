"""
The server's half of a connection, with bounds: on the header block, and on the time of a body.

Uvicorn bounds neither, and the door sees a request only after its headers: a stranger who never
ends them would hold a connection, and memory, for nothing.  So would one who never ends a body that
nobody reads, since it was answered without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from reference_impl.listening import is_readable
from reference_impl.meter import Meter
from reference_impl.writing import OneWriteATurn

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport

    from reference_impl.settings import Settings


#: Seconds a body has beyond those of the door, which answers before it is hung up on.
_GRACE_SECONDS = 3.0

#: So many requests may wait on one connection for the one before them.  Cal.com has one under way
#: at a time; each that waits is memory that a stranger has for a few bytes.
_PIPELINED = 64

#: Where an answer would be taken for one to an earlier request.
_NO_ANSWER = 0

#: How long a connection without an attempt is listened to when the server stops, and how many times
#: more where an attempt is expected: one may have been sent that nobody has read yet.
_MOMENT_SECONDS = 0.1
_MOMENTS = 7

#: Why it is given up on, by what is answered.
_REASONS = {408: "head too slow", 431: "head too large"}


class BoundExceededError(ValueError):
    """A connection asks for too much; raised through the parser, which then stops."""


class Protocol(HttpToolsProtocol):
    """Uvicorn's own protocol, giving up on what is too slow, and on header blocks too large."""

    #: The largest header block taken, in bytes, and how long it may take, in seconds.
    head_bytes = 64 * 1024
    head_seconds = 10.0
    #: How long a body may take after them, in seconds.
    body_seconds = 10.0
    #: Is told of what never gets as far as the door.
    meter = Meter()

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._in_head = True
        #: What has come of the block: as raw bytes, and as the fields that are whole.
        self._raw = 0
        self._parsed = 0
        #: How the connection is refused, once it is.
        self._refusal: int | None = None
        #: Runs out when a client does not read.
        self._unread: TimerHandle | None = None
        #: How many requests have come to their end.
        self._whole = 0
        self._timer: TimerHandle | None = None
        #: Whether the server stops, and the next answer is the last one.
        self._ending = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the clock: who connects has something to say."""
        super().connection_made(cast("Transport", OneWriteATurn(transport, self.loop)))
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._rest()
        self._read_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand *data* on, and give up when a header block has grown too large in pieces."""
        whole = self._whole
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._in_head:
            self._watch_body()
            return
        # What ended a request was not, or not only, a piece of a block.
        if self._whole != whole:
            return
        self._raw += len(data)
        if self._raw > self.head_bytes:
            self._give_up(431)
        elif self._timer is None:
            self._watch()

    def on_message_begin(self) -> None:
        """Count from nothing."""
        super().on_message_begin()
        self._raw = self._parsed = 0

    def on_url(self, url: bytes) -> None:
        """Count the target as part of the block."""
        self._parsed += len(url)
        if self._parsed > self.head_bytes:
            self._stop()
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a field as part of the block."""
        self._parsed += len(name) + len(value) + 4
        if self._parsed > self.head_bytes:
            self._stop()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Leave the rest to the door, which has limits of its own."""
        if len(self.pipeline) >= _PIPELINED:
            self._stop(_NO_ANSWER)
        self._in_head = False
        self._rest()
        super().on_headers_complete()
        if self._ending:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Wait for the next request; the clock starts with its first byte."""
        super().on_message_complete()
        self._rest()
        self._in_head, self._raw = True, 0
        self._whole += 1

    def send_400_response(self, msg: str) -> None:
        """Say what was wrong, if it was too much."""
        if self._refusal == _NO_ANSWER:
            self.meter.refused("too many at once")
            self._hang_up()
        elif self._refusal is not None:
            self._give_up(self._refusal)
        else:
            self.meter.refused("malformed request")
            super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """Read on when nothing waits any more, and not already after each answer."""
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()

    def shutdown(self) -> None:
        """Close with the answer to what is under way, or has been sent by now."""
        self._ending = True
        if self._is_idle():
            self.loop.call_later(_MOMENT_SECONDS, self._leave, _MOMENTS)
        else:
            super().shutdown()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _leave(self, left: int) -> None:
        """Close when there is nothing to be heard; at last when *left* more moments are over."""
        if self.transport.is_closing() or not self._is_idle():
            return
        if left and self._is_expected():
            self.loop.call_later(_MOMENT_SECONDS, self._leave, left - 1)
        else:
            self.transport.close()

    def _is_expected(self) -> bool:
        """Whether an attempt is on its way: who connects has something to say."""
        if self.cycle is None or self._raw:
            return True
        # Closing on what nobody has read resets the connection.
        return is_readable(self.transport.get_extra_info("socket").fileno())

    def pause_writing(self) -> None:
        """Give up on a client that does not read its answers."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.body_seconds, self._abort)

    def resume_writing(self) -> None:
        """Go on: it reads."""
        super().resume_writing()
        self._read_on()

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _abort(self) -> None:
        # Closing would wait for the client to read the rest.
        self.transport.abort()

    def _stop(self, status: int = 431) -> None:
        self._refusal = status
        raise BoundExceededError

    def _watch(self) -> None:
        self._timer = self.loop.call_later(self.head_seconds, self._give_up, 408)

    def _watch_body(self) -> None:
        # Most bodies come with their head, and are never watched.
        if self._timer is None:
            seconds = self.body_seconds + _GRACE_SECONDS
            self._timer = self.loop.call_later(seconds, self._hang_up)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        """Close on a body that does not come to its end; it was answered, or never will be."""
        self._rest()
        self.transport.close()

    def _give_up(self, status: int) -> None:
        """Answer *status* without a body, and close."""
        self._rest()
        if self.transport.is_closing():
            return
        self.meter.refused(_REASONS[status])
        lines = (STATUS_LINE[status], b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.write(b"".join(lines))
        self.transport.close()


def bounded(settings: Settings, meter: Meter) -> type[Protocol]:
    """The protocol with the bounds of *settings*, which tells *meter* whom it turns away."""
    bounds: dict[str, Any] = {
        "head_bytes": settings.head_bytes,
        "head_seconds": settings.head_seconds,
        "body_seconds": settings.body_seconds,
        "meter": meter,
    }
    return type("BoundedProtocol", (Protocol,), bounds)
