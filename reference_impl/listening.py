"""Sockets to listen on, or one sentence about why not."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Connections that may wait to be taken: a burst of senders must not meet a closed door.
_BACKLOG = 2048


class CannotListenError(OSError):
    """The address cannot be listened on; the message is one sentence for the operator."""


class CannotStartError(Exception):
    """The server did not begin, though its address is its own; the message is one sentence."""


def listen(host: str, port: int) -> socket.socket:
    """
    A socket that listens on *host* and *port*; port 0 is a free one.

    Raises:
        CannotListenError: if the address is in use or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(_BACKLOG)
    except (OSError, OverflowError) as problem:
        opened.close()
        reason = getattr(problem, "strerror", None) or str(problem)
        raise CannotListenError(f"cannot listen on {host}:{port}: {reason.lower()}") from None
    return opened


def queued(listening: socket.socket) -> Iterator[socket.socket]:
    """The connections that *listening*, which does not block, has made and nobody has taken yet."""
    # No more than there can be: others come while they are taken.
    for _ in range(_BACKLOG):
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        connection.setblocking(False)
        yield connection


def is_readable(descriptor: int) -> bool:
    """Whether the socket of this *descriptor* has something to be read now, or has ended."""
    ear = select.poll()
    ear.register(descriptor, select.POLLIN)
    return bool(ear.poll(0))
