"""
The process: a socket, a server, and a graceful end.

`serve` is what the commands call and what anybody with parts of their own calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import os
import signal
import ssl
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn

from reference_impl import doubts, logs, notices, protocol, readiness
from reference_impl.app import Machine, Parts, build_app
from reference_impl.listening import CannotListenError, CannotStartError, listen, queued

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from types import FrameType

    from reference_impl.settings import Settings


#: How long a thread may keep the interpreter when another one wants it.  A thread that writes wants
#: it back after each statement, and would wait for the loop each time by default for 5 ms.
_SWITCH_SECONDS = 0.0005


#: So many objects are made before the youngest are looked through.  By default 700, which a burst
#: of attempts has at any moment: all of them would be looked through again and again.
_YOUNG_OBJECTS = 50_000


#: How long those may take to agree on a secret who were let in last.
_HANDSHAKE_SECONDS = 1.0


def _end_at_last(settings: Settings) -> None:
    """
    End the process hard if it has not ended by itself when all its time is over.

    That is the limit for what is under way, one transaction that waits for the store, and a moment.
    A store that hangs holds threads that nobody can end.  Nothing acknowledged is lost by that.
    """

    def end() -> None:
        logs.logger().error("Receiver ended with work under way")
        os._exit(1)

    timer = threading.Timer(settings.stop_seconds + settings.store_seconds + 2, end)
    timer.daemon = True
    timer.start()


def _leave_in_peace() -> None:
    """Have less time spent on the search for garbage, of which there is hardly any."""
    # What is there by now stays.
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


class _Server(uvicorn.Server):
    """Uvicorn, saying where it listens once it does, and ending by itself on SIGTERM."""

    def __init__(self, config: uvicorn.Config, address: str, machine: Machine) -> None:
        super().__init__(config)
        self._address = address
        self._machine = machine

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Uvicorn logs what failed, and ends with a code that has another meaning here.
        with contextlib.suppress(SystemExit):
            await super().startup(sockets)
        if self.lifespan.should_exit:
            raise CannotStartError("the receiver could not start: its log says why")
        if not self.should_exit:
            _leave_in_peace()
            # The one line on stdout: whoever started us reads it.
            print(f"listening on {self._address}", flush=True)  # noqa: T201
            readiness.tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        _end_at_last(self._machine.settings)
        # Attempts and deliveries under way end side by side, within one limit for both.
        await asyncio.to_thread(self._machine.halt)
        await self._close_door(sockets or [])
        await super().shutdown()

    async def _close_door(self, sockets: list[socket.socket]) -> None:
        """
        Stop listening, and let in who has been waiting outside.

        For them the connection was made, and most have sent their delivery: the system would reset
        all of them when a socket closes that nobody takes them from.
        """
        waiting = [one for sock in sockets for one in queued(sock)]
        for server in self.servers:
            server.close()
        for sock in sockets:
            sock.close()
        loop = asyncio.get_running_loop()
        secure = self.config.ssl
        entering = [
            loop.connect_accepted_socket(
                self._protocol,
                one,
                ssl=secure,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if secure else None,
            )
            for one in waiting
        ]
        # Whoever breaks off meanwhile has got no answer, and expects none.
        await asyncio.gather(*entering, return_exceptions=True)

    def _protocol(self) -> asyncio.Protocol:
        """The server's half of a connection, as uvicorn makes it."""
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Uvicorn's own raises the signal again at the end, and a graceful end would look killed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield


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
        CannotStartError: if the store was lost between its opening and the first attempt.
        OperationalError: if the store cannot be opened.
    """
    logs.configure()
    sys.setswitchinterval(_SWITCH_SECONDS)
    application = build_app(settings, parts=parts, working=worker, testing=testing)
    notices.check_services(settings.notify)
    # Tried before the server hides the reason behind a failed start.
    application.state.machine.open()
    opened = listen(host, port)
    doubts.warn(settings)
    if testing:
        logs.logger().warning("Anybody may look into the store and empty it", option="--testing")
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.certfile else "http"
    address = f"{scheme}://{shown}:{opened.getsockname()[1]}{settings.path}"
    proxies = settings.trusted_proxies
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=protocol.bounded(settings, application.state.machine.receiver.meter),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        # Only a proxy the operator named may say who its client is, else the throttle is moot.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        # The server counts whole seconds; what it leaves of the limit is for the last commits.
        timeout_graceful_shutdown=max(1, math.floor(settings.stop_seconds * 0.8)),
        ssl_certfile=settings.certfile or None,
        ssl_keyfile=settings.keyfile or None,
    )
    with opened:
        if settings.certfile:
            _load(config, settings)
        _Server(config, address, application.state.machine).run(sockets=[opened])
    logs.logger().info("Receiver stopped")


def _load(config: uvicorn.Config, settings: Settings) -> None:
    """
    Read the certificate now, while it can still be said what is wrong with it.

    Raises:
        CannotListenError: if it cannot be used.
    """
    files = f"{settings.certfile!r} and {settings.keyfile!r}"
    try:
        config.load()
    except ssl.SSLError:
        reason = "are not a certificate and its key, in PEM"
    except OSError as problem:
        # The library does not say which of the two.
        reason = f"cannot both be read: {(problem.strerror or 'unreadable').lower()}"
    else:
        return
    raise CannotListenError(f"the certificate cannot be used: {files} {reason}")


def work(settings: Settings, parts: Parts | None = None) -> None:
    """
    Process deliveries that other processes accept, until SIGTERM or SIGINT.

    Raises:
        OperationalError: if the store cannot be opened.
    """
    logs.configure()
    settings.check_metrics()
    notices.check_services(settings.notify)
    machine = Machine(settings, parts or Parts())
    machine.open()
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    machine.start(inbox=False)
    _leave_in_peace()
    logs.logger().info("Worker started", queue=settings.queue)
    readiness.tell()
    stop.wait()
    _end_at_last(settings)
    machine.stop()
    logs.logger().info("Worker stopped")
