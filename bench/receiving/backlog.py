"""The drain: how fast one `worker` process works off what a receiver has accepted."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy

from bench.receiving.candidates import RECEIVER, Candidate, variables
from bench.receiving.rounds import Bench, MeasurementError, sound

_TOTAL = sqlalchemy.text("SELECT coalesce(sum(done), 0) FROM webhook_stats")

#: How long the worker may take for its first delivery, and how often we look, in seconds.
_START = 20.0
_LOOK = 0.1


def drained_a_second(bench: Bench, candidate: Candidate) -> float:
    """
    Deliveries processed a second, over a backlog that lasts as long as a measurement.

    Raises:
        MeasurementError: if the backlog cannot be made, or nothing of it is processed.
        SetupError: if the receiver does not start.
    """
    with bench.empty("backlog") as folder, candidate.running(folder, bench.cores) as server:
        # Two measurements long: a worker may be as fast as the receiver.
        load = bench.pressure(server).saturate(warm=0, seconds=2 * bench.seconds)
        waiting = sound(load, server).confirmed
        with _worker(bench, server.database, folder / "worker.log"):
            return _watched(server.database, waiting, bench.seconds)


@contextlib.contextmanager
def _worker(bench: Bench, database: str, said: Path) -> Iterator[None]:
    with bench.cores.serving(), said.open("wb") as log:
        worker = subprocess.Popen(  # noqa: S603 - our own command
            [*RECEIVER, "worker"],
            env=os.environ | variables(database),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        worker.terminate()
        try:
            worker.wait(15)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _watched(database: str, waiting: int, seconds: float) -> float:
    """
    The pace from the first look that finds something done, for so many *seconds* at most.

    Raises:
        MeasurementError: if nothing was done, or all of it between two looks.
    """
    engine = sqlalchemy.create_engine(database, poolclass=sqlalchemy.NullPool)
    looks: list[tuple[float, int]] = []
    deadline = time.perf_counter() + _START
    while time.perf_counter() < deadline:
        with engine.connect() as connection:
            done = int(connection.scalar(_TOTAL) or 0)
        if done and not looks:
            deadline = time.perf_counter() + seconds
        if done:
            looks.append((time.perf_counter(), done))
        if done >= waiting:
            break
        time.sleep(_LOOK)
    if len(looks) < 2:
        raise MeasurementError("the worker did not get far enough to be measured")
    (began, first), (ended, last) = looks[0], looks[-1]
    return (last - first) / (ended - began)
