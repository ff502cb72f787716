"""
The process: a socket, a server, and a graceful end.

`serve` is what the commands call and what anybody with parts of their own calls.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from reference_impl import logs
from reference_impl.app import Machine, Parts, build_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from reference_impl.settings import Settings

#: Connections that may wait to be taken: a burst of senders must not meet a closed door.
_BACKLOG = 2048

#: Seconds that attempts under way have to end after SIGTERM.
_GRACE_SECONDS = 10


class CannotListenError(OSError):
    """The address cannot be listened on; the message is one sentence for the operator."""


class _Server(uvicorn.Server):
    """Uvicorn, saying where it listens once it does, and ending by itself on SIGTERM."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            # The one line on stdout: whoever started us reads it.
            print(f"listening on {self._address}", flush=True)  # noqa: T201

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Uvicorn's own raises the signal again at the end, and a graceful end would look killed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield


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


def serve(
    settings: Settings,
    parts: Parts | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    worker: bool = True,
    testing: bool = False,
) -> None:
    """
    Receive deliveries until SIGTERM or SIGINT.

    Raises:
        BadSettingsError: if the settings are not safe to serve with.
        CannotListenError: if the address cannot be listened on.
        OperationalError: if the store cannot be opened.
    """
    logs.configure()
    application = build_app(settings, parts=parts, working=worker, testing=testing)
    # Tried before the server hides the reason behind a failed start.
    application.state.machine.store.create()
    opened = listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{opened.getsockname()[1]}{settings.path}"
    proxies = settings.trusted_proxies
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        # Only a proxy the operator named may say who its client is, else the throttle is moot.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    with opened:
        _Server(config, address).run(sockets=[opened])
    logs.logger().info("Receiver stopped")


def work(settings: Settings, parts: Parts | None = None) -> None:
    """
    Process deliveries that other processes accept, until SIGTERM or SIGINT.

    Raises:
        OperationalError: if the store cannot be opened.
    """
    logs.configure()
    machine = Machine(settings, parts or Parts())
    machine.store.create()
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    machine.worker.start()
    logs.logger().info("Worker started", queue=settings.queue)
    stop.wait()
    machine.worker.stop()
    machine.store.close()
