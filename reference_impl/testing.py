"""
Provider states: preconditions that a conformance run sets up in a receiver started for testing.

Pact's idea: a POST names a state and its parameters.  In normal operation none of these routes
exists.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import delete
from starlette.responses import Response
from starlette.routing import Route

from reference_impl import instants, probe
from reference_impl.appointments import Own
from reference_impl.store.locks import lock_all
from reference_impl.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from reference_impl.app import Machine
    from reference_impl.claims import Job

PROBE_PATH = "/_testing/probe"
STATES_PATH = "/_testing/states"

#: The longest a state may slow a delivery down or move the clock.
_LONGEST_SECONDS = 366 * 24 * 3600.0

#: A process that was started again goes by the true time until it is told how far its run has moved
#: on.  So long, in seconds, it takes nothing of what an earlier one planned for a clock put back.
_SETTLING = 10.0


class BadParametersError(ValueError):
    """The parameters of a provider state cannot be used; the message says which and why."""


class ProvokedError(Exception):
    """A failure that a provider state asked for."""


class Faults:
    """What was asked to go wrong, by the uid of the delivery's payload."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, int] = {}
        self._seconds: dict[str, float] = {}

    def fail(self, uid: str, times: int) -> None:
        """Let so many tries at deliveries of *uid* fail; -1 is all of them."""
        with self._lock:
            self._failures[uid] = times

    def slow(self, uid: str, seconds: float) -> None:
        """Let each try at a delivery of *uid* take *seconds* longer."""
        with self._lock:
            self._seconds[uid] = seconds

    def clear(self) -> None:
        """Let nothing go wrong."""
        with self._lock:
            self._failures.clear()
            self._seconds.clear()

    def concern(self, job: Job) -> bool:
        """Whether anything is to go wrong with *job*, which shares its try with no other then."""
        with self._lock:
            return job.uid in self._failures or job.uid in self._seconds

    def interfere(self, moment: str, job: Job) -> None:
        """
        Disturb the processing of *job*, if that was asked for.

        Slowness comes before the transaction, where it holds nobody else up.  The failure comes
        inside it and after the effect, so that a receiver that does not undo the effect is caught.

        Raises:
            ProvokedError: if this try is to fail.
        """
        if job.uid is None:
            return
        if moment == "before":
            with self._lock:
                seconds = self._seconds.get(job.uid, 0.0)
            if seconds:
                time.sleep(seconds)
        elif self._fails(job.uid):
            raise ProvokedError

    def _fails(self, uid: str) -> bool:
        with self._lock:
            times = self._failures.get(uid, 0)
            if times > 0:
                self._failures[uid] = times - 1
        return times != 0


class ProviderStates:
    """The routes of a receiver started for testing."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.faults = Faults()
        machine.worker.interfere = self.faults.interfere  # type: ignore[method-assign]
        machine.worker.alone = self.faults.concern  # type: ignore[method-assign]
        self._settled = time.monotonic() + _SETTLING
        self._catch_up = machine.leases.catch_up
        machine.leases.catch_up = self.catch_up  # type: ignore[method-assign]
        self._states: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "appointment exists": self._appointment_exists,
            "processing fails": self._processing_fails,
            "processing is slow": self._processing_is_slow,
            "clock advances": self._clock_advances,
            "worker pauses": self._worker_pauses,
            "worker resumes": self._worker_resumes,
            "reset": self._reset,
        }

    def routes(self) -> list[Route]:
        """The routes of the probe and the provider states."""
        return [
            Route(PROBE_PATH, self.probe, methods=["GET"]),
            Route(STATES_PATH, self.state, methods=["POST"]),
        ]

    def catch_up(self) -> None:
        """See to what a clock that was put back left behind, once we know what time it is."""
        if time.monotonic() >= self._settled:
            self._catch_up()

    async def probe(self, request: Request) -> Response:
        """Answer a look at what there is about some bookings and appointments."""
        uids = request.query_params.getlist("uid")
        ids = request.query_params.getlist("appointment")
        return _json(200, await asyncio.to_thread(self._look, set(uids), set(ids)))

    def _look(self, uids: set[str], ids: set[str]) -> dict[str, Any]:
        with self.machine.store.read() as connection:
            return probe.look(connection, uids, ids, self.machine.clock.now())

    async def state(self, request: Request) -> Response:
        """Set up the provider state that the body names."""
        try:
            document = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            document = None
        params = document.get("params") or {} if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(params, dict):
            return _json(400, {"error": 'expected {"state": NAME, "params": {...}}'})
        name = document.get("state")
        act = self._states.get(name) if isinstance(name, str) else None
        if act is None:
            return _json(404, {"error": f"there is no provider state {name!r}"})
        try:
            await asyncio.to_thread(act, params)
        except BadParametersError as problem:
            return _json(400, {"error": str(problem)})
        return _json(200, {"ok": True})

    # --- the states -------------------------------------------------------------------------

    def _appointment_exists(self, params: Mapping[str, Any]) -> None:
        own = Own(_text(params, "id"), _instant(params, "startTime"), _instant(params, "endTime"))
        with self.machine.store.write() as connection:
            self.machine.book.register(connection, own, self.machine.clock.now())

    def _processing_fails(self, params: Mapping[str, Any]) -> None:
        times = params.get("times", 1)
        if not isinstance(times, int) or isinstance(times, bool) or times < -1:
            raise BadParametersError("times must be a whole number, -1 for always")
        self.faults.fail(_text(params, "uid"), times)

    def _processing_is_slow(self, params: Mapping[str, Any]) -> None:
        self.faults.slow(_text(params, "uid"), _seconds(params))

    def _clock_advances(self, params: Mapping[str, Any]) -> None:
        self.machine.clock.advance(_seconds(params))
        self.machine.worker.wake(self.machine.settings.workers)

    def _worker_pauses(self, _: Mapping[str, Any]) -> None:
        self.machine.worker.pause()

    def _worker_resumes(self, _: Mapping[str, Any]) -> None:
        self.machine.worker.paused = False
        self.machine.worker.wake(self.machine.settings.workers)

    def _reset(self, _: Mapping[str, Any]) -> None:
        self.faults.clear()
        with self.machine.store.write() as connection:
            # No effect is half-way from here on.
            lock_all(connection)
            # In the order in which everybody else writes to them.
            for table in metadata.tables.values():
                connection.execute(delete(table))
        self.machine.clock.reset()
        self._worker_resumes({})


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise BadParametersError(f"{name} must be a text that is not empty")
    return value


def _seconds(params: Mapping[str, Any]) -> float:
    value = params.get("seconds")
    if not isinstance(value, int | float) or not 0 <= value <= _LONGEST_SECONDS:
        raise BadParametersError("seconds must be a number from 0 to one year")
    return float(value)


def _instant(params: Mapping[str, Any], name: str) -> int | None:
    if params.get(name) is None:
        return None
    instant = instants.parse(params[name])
    if instant is None:
        raise BadParametersError(f"{name} must be an RFC 3339 date-time")
    return instant


def _json(status: int, document: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
