"""The application: the parts put together, and the ASGI application around them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from reference_impl import logs
from reference_impl.appointments import Fold
from reference_impl.book import Book
from reference_impl.clock import Clock
from reference_impl.door import Door
from reference_impl.facts import Reader
from reference_impl.handlers import Handlers
from reference_impl.health import Health
from reference_impl.inbox import Inbox
from reference_impl.leases import Leases
from reference_impl.notices import Notifier
from reference_impl.receiver import Receiver
from reference_impl.store import Store, open_store
from reference_impl.testing import ProviderStates
from reference_impl.throttle import Throttle
from reference_impl.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reference_impl.exporter import Exporter
    from reference_impl.settings import Settings


@dataclass(frozen=True)
class Parts:
    """
    Which class plays which part; see `reference_impl.receiver` for what each of them decides.

    Each is called as the class here is, so an heir, or any callable with its signature, will do.
    """

    receiver: Callable[..., Receiver] = Receiver
    throttle: Callable[..., Throttle] = Throttle
    inbox: Callable[..., Inbox] = Inbox
    leases: Callable[..., Leases] = Leases
    worker: Callable[..., Worker] = Worker
    handlers: Callable[..., Handlers] = Handlers
    reader: Callable[..., Reader] = Reader
    fold: Callable[..., Fold] = Fold
    book: Callable[..., Book] = Book
    notifier: Callable[..., Notifier] = Notifier
    store: Callable[..., Store] = open_store
    clock: Callable[..., Clock] = Clock
    door: Callable[..., Door] = Door
    states: Callable[..., ProviderStates] = ProviderStates


@dataclass
class Machine:
    """One receiver put together: `start` it, `stop` it."""

    settings: Settings
    parts: Parts = field(default_factory=Parts)

    def __post_init__(self) -> None:
        settings, parts = self.settings, self.parts
        self._stop_by: float | None = None
        self.clock = parts.clock()
        self.store = parts.store(settings.database_url, seconds=settings.store_seconds)
        self.inbox = parts.inbox(settings, self.store, self._committed)
        self.book = parts.book(parts.fold())
        self.handlers = parts.handlers(parts.reader(), self.book, self.clock)
        self.notifier = parts.notifier(settings, self.store, self.clock)
        self.leases = parts.leases(settings, self.store, self.clock)
        self.worker = parts.worker(
            settings,
            self.store,
            self.inbox,
            self.leases,
            self.handlers,
            self.notifier,
            self.clock,
        )
        self.receiver = parts.receiver(
            settings, self.inbox, parts.throttle(settings.throttle), self.clock
        )
        self.health = Health(settings, self.store, self.clock)
        self.exporter = self._measure() if settings.metrics else None

    def _measure(self) -> Exporter:
        """Have attempts and tries counted, for an exporter."""
        # Loaded only when asked for: it takes a tenth of a second.
        from reference_impl.exporter import Exporter  # noqa: PLC0415
        from reference_impl.metrics import Metrics  # noqa: PLC0415

        metrics = Metrics(self.store, self.clock, telling=bool(self.settings.notify))
        self.receiver.meter = self.worker.meter = metrics
        host, port = self.settings.metrics_address
        token = self.settings.metrics_token
        return Exporter(metrics.registry, host, port, token, self.health)

    def _committed(self, deliveries: int) -> None:
        self.worker.wake(deliveries)

    def open(self) -> None:
        """
        Open the store and the address of the metrics.

        Raises:
            CannotListenError: if that address cannot be listened on.
            NewerStoreError: if a later version made the store.
            OperationalError: if the store cannot be opened.
        """
        self.store.create()
        self.store.set_clock(self.clock)
        if self.exporter is not None:
            self.exporter.open()

    def start(self, *, inbox: bool = True, worker: bool = True) -> None:
        """
        Open what is not open yet, and start the threads of *inbox* and *worker*.

        Raises:
            CannotListenError: if the address of the metrics cannot be listened on.
            NewerStoreError: if a later version made the store.
            OperationalError: if the store cannot be opened.
        """
        self.open()
        self.health.working = worker
        wake = self.worker.wake if worker else None
        self.store.attend(self.clock, self.settings.queue, wake)
        if inbox:
            self.inbox.start()
        if worker:
            self.worker.start()
        if self.exporter is not None:
            self.exporter.start()

    def halt(self) -> None:
        """Begin to stop: from here on the time of `stop` runs, and no more work is begun."""
        self._stop_by = time.monotonic() + self.settings.stop_seconds
        self.worker.halt()

    def stop(self) -> None:
        """
        Store what has arrived, finish what is being worked on, close the store.

        All of it within `RECEIVER_STOP_SECONDS` of `halt`; what is not finished is given back.
        """
        if self._stop_by is None:
            self.halt()
        self.inbox.stop(self._left())
        self.worker.stop(self._left())
        self.notifier.stop(self._left())
        if self.exporter is not None:
            self.exporter.stop()
        self.store.close()
        self.receiver.floods.tell()
        self._stop_by = None

    def _left(self) -> float:
        """Seconds left to stop in."""
        return 0.0 if self._stop_by is None else max(0.0, self._stop_by - time.monotonic())


class _Application(Starlette):
    """Starlette, with a short way to the door: attempts need no middleware and no routing."""

    def __init__(self, path: str, door: ASGIApp, **more: Any) -> None:
        super().__init__(**more)
        self._path = path
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead an attempt to the door, and everybody else through the house."""
        if scope["type"] == "http" and scope["path"] == self._path:
            await self._door(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build_app(
    settings: Settings,
    *,
    working: bool = True,
    testing: bool = False,
    parts: Parts | None = None,
    **classes: Any,
) -> Starlette:
    """
    The receiver as an ASGI application.

    Args:
        settings: what the operator decided.
        working: whether deliveries are processed in this process too.
        testing: whether the probe and the provider states are reachable.
        parts: who plays which part; or name single ones, as `receiver=MyReceiver`.
        classes: fields of `Parts`.

    Raises:
        BadSettingsError: if the settings are not safe to serve with.
    """
    machine = Machine(settings.check(), parts or Parts(**classes))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(machine.start, worker=working)
        with logs.together(asyncio.get_running_loop()):
            try:
                yield
            finally:
                await asyncio.to_thread(machine.stop)

    door = machine.parts.door(machine.receiver, seconds=settings.body_seconds)
    routes = machine.health.routes()
    if settings.admin_password:
        # Loaded only when asked for, as its templates are.
        from reference_impl.dashboard import Dashboard  # noqa: PLC0415

        routes += Dashboard(settings, machine.store, machine.clock).routes()
    if testing:
        routes += machine.parts.states(machine).routes()
    application = _Application(settings.path, door, routes=routes, lifespan=lifespan)
    # A redirect would turn the sender's POST away: Cal.com does not follow any.
    application.router.redirect_slashes = False
    application.state.machine = machine
    return application
