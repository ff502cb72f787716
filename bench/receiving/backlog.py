"""The drain: how fast one `worker` process works off what a receiver has accepted."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import sqlalchemy

from bench.receiving.candidates import RECEIVER, Candidate, variables
from bench.receiving.figures import Cpu, Drain, Pace
from bench.receiving.rounds import Bench, MeasurementError, sound
from bench.receiving.servers import Server

_TOTAL = sqlalchemy.text("SELECT coalesce(sum(done), 0) FROM webhook_stats")

#: How long the worker may take for its first delivery, and how often we look, in seconds.
_START = 20.0
_LOOK = 0.1


def drained(bench: Bench, candidate: Candidate) -> Drain:
    """
    One round, over a backlog that lasts as long as a measurement.

    Raises:
        MeasurementError: if the backlog cannot be made, or nothing of it is processed.
        SetupError: if the receiver does not start.
    """
    with bench.empty("backlog") as folder, candidate.running(folder, bench.cores) as server:
        before = server.cpu()
        # Two measurements long: a worker may be as fast as the receiver.
        load = bench.pressure(server).saturate(warm=0, seconds=2 * bench.seconds)
        waiting = sound(load, server).confirmed
        accepted = Pace(load.rate, server.cpu().each(before, waiting))
        with _worker(bench, server.database, folder / "worker.log") as worker:
            # An idle receiver is part of the price.
            whole = dataclasses.replace(server, started=(*server.started, worker))
            return Drain(accepted, _watched(whole, waiting, bench.seconds))


@contextlib.contextmanager
def _worker(bench: Bench, database: str, said: Path) -> Iterator[psutil.Process]:
    with bench.cores.serving(), said.open("wb") as log:
        worker = subprocess.Popen(  # noqa: S603 - our own command
            [*RECEIVER, "worker"],
            env=os.environ | variables(database),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield psutil.Process(worker.pid)
    finally:
        worker.terminate()
        try:
            worker.wait(15)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _watched(server: Server, waiting: int, seconds: float) -> Pace:
    """
    The pace from the first look that finds something done, for so many *seconds* at most.

    Raises:
        MeasurementError: if nothing was done, or all of it between two looks.
    """
    engine = sqlalchemy.create_engine(server.database, poolclass=sqlalchemy.NullPool)
    looks: list[tuple[float, int, Cpu]] = []
    deadline = time.perf_counter() + _START
    # One connection for all looks: a new one costs the database's processor milliseconds.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while time.perf_counter() < deadline:
            done = int(connection.scalar(_TOTAL) or 0)
            if done and not looks:
                deadline = time.perf_counter() + seconds
            if done:
                looks.append((time.perf_counter(), done, server.cpu()))
            if done >= waiting:
                break
            time.sleep(_LOOK)
    if len(looks) < 2 or looks[0][1] == looks[-1][1]:
        raise MeasurementError("the worker did not get far enough to be measured")
    (began, first, before), (ended, last, after) = looks[0], looks[-1]
    return Pace((last - first) / (ended - began), after.each(before, last - first))
