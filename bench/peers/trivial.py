"""
The least a server can do: read a request to its end and answer 202.

    python bench/peers/trivial.py PORT

No signature, no JSON, no store.  What the load generator gets out of it is what the load generator
can do, and no figure of a receiver can be higher.
"""

from __future__ import annotations

import asyncio
import re
import sys

import uvloop

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = (
    b"HTTP/1.1 202 Accepted\r\n"
    b"content-type: application/json\r\n"
    b"content-length: 21\r\n"
    b"\r\n"
    b'{"status":"accepted"}'
)


class _Answering(asyncio.Protocol):
    """Answers each request as soon as it is whole; the sender sends one at a time."""

    def __init__(self) -> None:
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        length = _LENGTH.search(self._read)
        if end < 0 or length is None or len(self._read) < end + 4 + int(length[1]):
            return
        self._read = b""
        assert self._transport is not None
        self._transport.write(_ANSWER)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
