"""
`/healthz` and `/readyz`: whether the process lives, and whether it can be sent deliveries.

They say yes or no and never why: anybody may ask.  The reason is in the log.  Beside the deliveries
they are served where the metrics are, which is where a process is asked that only works.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.routing import Route

from reference_impl import backlog, logs
from reference_impl.store import insert_new, schema
from reference_impl.tables import heartbeats

if TYPE_CHECKING:
    from starlette.requests import Request

    from reference_impl.clock import Clock
    from reference_impl.settings import Settings
    from reference_impl.store import Store

LIVE_PATH = "/healthz"
READY_PATH = "/readyz"

MEDIA_TYPE = "application/json"
HEADERS = (("cache-control", "no-store"),)


class Said(NamedTuple):
    """An answer of these addresses."""

    status: int
    body: bytes


LIVES = Said(200, b'{"status":"ok"}')
READY = Said(200, b'{"status":"ready"}')
NOT_READY = Said(503, b'{"status":"not ready"}')

#: Seconds an answer of `/readyz` is given again: whoever asks all the time makes no writes.
_FRESH_SECONDS = 1.0


class Health:
    """Judges the process it runs in."""

    #: Whether this process works on deliveries.  One that only accepts does so however many wait:
    #: taken out of service for them, it would accept no more, and Cal.com does not send again.
    working = True
    #: Seconds that a look may take: whose store does not answer by then is not ready.
    patience = 5.0

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._limit = settings.backlog_seconds
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._ready = False
        self._looking: threading.Thread | None = None

    def routes(self) -> list[Route]:
        """The two addresses."""
        return [Route(LIVE_PATH, self.live), Route(READY_PATH, self.ready)]

    async def live(self, _: Request) -> Response:
        """Answer 200: whoever gets an answer knows that the process lives."""
        return _response(LIVES)

    async def ready(self, _: Request) -> Response:
        """Answer 200 if this process can do its work, else 503."""
        return _response(await asyncio.to_thread(self.readiness))

    def readiness(self) -> Said:
        """What `/readyz` says."""
        return READY if self.is_ready() else NOT_READY

    def is_ready(self) -> bool:
        """Whether this process can do its work; looked at once a second."""
        with self._lock:
            if self._asked_at is not None and time.monotonic() - self._asked_at < _FRESH_SECONDS:
                return self._ready
            if self._looking is None or not self._looking.is_alive():
                # By itself: a store that hangs would hold whoever asks.
                self._looking = threading.Thread(target=self._look, name="health", daemon=True)
                self._looking.start()
            looking = self._looking
        looking.join(self.patience)
        return self._ready and not looking.is_alive()

    def _look(self) -> None:
        self._ready = self.look()
        self._asked_at = time.monotonic()

    def look(self) -> bool:
        """Whether the store can be written and what this process works on is young, seen now."""
        now = self._clock.now()
        try:
            # A real commit: a full disk or a read-only file shows at nothing less.
            with self._store.write(durable=False) as connection:
                connection.execute(insert_new(heartbeats), {"id": 1, "at": now})
                connection.execute(update(heartbeats).values(at=now))
            with self._store.read() as connection:
                found = schema.revision(connection)
                waited = backlog.oldest_seconds(connection, now) if self.working else 0.0
        except SQLAlchemyError as problem:
            reason = logs.describe(problem)
            logs.logger().error("Not ready: store", reason=reason)
            return False
        if found != schema.HEAD:
            logs.logger().error("Not ready: revision", found=found, needed=schema.HEAD)
            return False
        if self._limit and waited > self._limit:
            logs.logger().error("Not ready: backlog", seconds=round(waited), limit=self._limit)
            return False
        return True


def _response(said: Said) -> Response:
    return Response(said.body, said.status, dict(HEADERS), media_type=MEDIA_TYPE)
