"""The application: the parts put together, and the ASGI application around them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Route

from reference_impl.appointments import Fold
from reference_impl.book import Book
from reference_impl.clock import Clock
from reference_impl.door import Door
from reference_impl.facts import Reader
from reference_impl.handlers import Handlers
from reference_impl.inbox import Inbox
from reference_impl.leases import Leases
from reference_impl.notices import Notifier
from reference_impl.receiver import Receiver
from reference_impl.store import Store
from reference_impl.testing import ProviderStates
from reference_impl.throttle import Throttle
from reference_impl.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
    store: Callable[..., Store] = Store
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

    def _committed(self, deliveries: int) -> None:
        self.worker.wake(deliveries)

    def start(self, *, worker: bool = True) -> None:
        """
        Open the store and start the threads; without *worker* only those of the inbox.

        Raises:
            OperationalError: if the store cannot be opened.
        """
        self.store.create()
        self.inbox.start()
        if worker:
            self.worker.start()

    def stop(self) -> None:
        """Store what has arrived, finish what is being worked on, close the store."""
        self.inbox.stop()
        self.worker.stop()
        self.store.close()


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
        try:
            yield
        finally:
            await asyncio.to_thread(machine.stop)

    door = machine.parts.door(machine.receiver, seconds=settings.body_seconds)
    routes = [Route(settings.path, door)]
    if testing:
        routes += machine.parts.states(machine).routes()
    application = Starlette(routes=routes, lifespan=lifespan)
    # A redirect would turn the sender's POST away: Cal.com does not follow any.
    application.router.redirect_slashes = False
    application.state.machine = machine
    return application
