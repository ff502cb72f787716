"""An address of ours on this machine that notices whoever asks for it."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from types import TracebackType
from typing import Self

#: How much of a request is read to see which path it asks for, in bytes.
_ENOUGH = 4096


class Listener:
    """Listens until it is left, and remembers whether its own path was asked for."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=8)
        self._token = secrets.token_hex(8)
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address: its token stands nowhere else, so only a reader of it can ask."""
        port = self._socket.getsockname()[1]
        return f"http://127.0.0.1:{port}/{self._token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Closing alone leaves the thread in its call.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(1)

    def was_asked(self, seconds: float) -> bool:
        """Whether somebody has asked for the address, or does so within so many seconds."""
        return self._asked.wait(seconds)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, contextlib.suppress(OSError):
                    self._hear(connection)

    def _hear(self, connection: socket.socket) -> None:
        deadline = time.monotonic() + 1
        heard = b""
        while b"\n" not in heard and len(heard) < _ENOUGH:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            piece = connection.recv(_ENOUGH)
            if not piece:
                break
            heard += piece
        if self._token.encode() in heard:
            self._asked.set()
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
