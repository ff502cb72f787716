"""
How long a run of the contract takes, and what of it is the suite's own doing.

    python bench/run_time.py [guide|calcom ...]

Runs the contract with every capability against the reference receiver, once per profile, and
measures the suite's process and the receiver's apart.  The baseline is as many bare attempts, one
after another over `http.client`, each on a connection of its own, at a receiver of the same kind:
no contract, no judgement, no look at effects.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from calcontract import cli, reference
from calcontract.catalogue import PROFILES
from mock_calcom import profiles
from mock_calcom.delivery import Delivery, Subscription, compose
from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.people import People


@dataclass(frozen=True)
class Cost:
    """What something took, in seconds: by the clock, of our CPU, and of the receiver's."""

    wall: float
    ours: float
    receiver: float


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _run(profile: str, folder: str, result: Connection) -> None:
    """One run in this process, which is new: what it costs, and its exit code."""
    began = time.perf_counter()
    sys.argv = ["calcontract", "check", "-n", "1", "--profile", profile, "--report", folder]
    sys.argv += ["--seed", "1"]
    code: object = None
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nothing,
        contextlib.redirect_stdout(nothing),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
    wall = time.perf_counter() - began
    # The only children of a run are the lives of the receiver.
    cost = Cost(wall, _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_CHILDREN))
    result.send((cost, code))


def _measured_run(profile: str) -> tuple[Cost, int, int]:
    """
    What a run in *profile* costs, and how many checks and attempts it makes.

    Raises:
        RuntimeError: if the reference receiver does not conform, for then nothing was measured.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(prefix="calcontract-") as folder:
        process = multiprocessing.get_context("spawn").Process(
            target=_run, args=(profile, folder, there)
        )
        process.start()
        # Else nobody would notice its end.
        there.close()
        cost, code = here.recv()
        process.join()
        if code:
            raise RuntimeError(f"the run in profile {profile} ended with exit code {code}")
        document = json.loads((Path(folder) / "verdicts.json").read_text(encoding="utf-8"))
    checks = sum(len(clause["checks"]) for clause in document["clauses"])
    return cost, checks, document["attempts"]


def _deliveries(count: int, subscription: Subscription) -> list[Delivery]:
    chance = Random(1)  # noqa: S311 - test data
    calendar = Calendar(People(1), Ids(chance), subscription.profile)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return [compose(calendar.book(now)[0], subscription) for _ in range(count)]


def _bare_attempts(count: int, profile: str) -> Cost:
    """
    What *count* bare attempts cost, one after another.

    Raises:
        RuntimeError: if one is not acknowledged.
    """
    dialect = profiles.PROFILES["guide"] if profile == "guide" else profiles.DEFAULT
    before = _cpu(resource.RUSAGE_CHILDREN)
    with reference.receiver() as running:
        url = urlsplit(running.url)
        deliveries = _deliveries(count, Subscription(running.url, running.secret, profile=dialect))
        began, ours = time.perf_counter(), _cpu(resource.RUSAGE_SELF)
        for delivery in deliveries:
            connection = http.client.HTTPConnection(url.netloc)
            connection.request("POST", url.path, delivery.body, dict(delivery.headers))
            answer = connection.getresponse()
            answer.read()
            connection.close()
            if answer.status != 202:
                raise RuntimeError(f"a bare attempt was answered with {answer.status}")
        wall, ours = time.perf_counter() - began, _cpu(resource.RUSAGE_SELF) - ours
    # Known once it has ended and was waited for.
    return Cost(wall, ours, _cpu(resource.RUSAGE_CHILDREN) - before)


def _lines(profile: str) -> list[str]:
    run, checks, attempts = _measured_run(profile)
    bare = _bare_attempts(attempts, profile)
    return [
        f"profile {profile}: {checks} checks, {attempts} attempts, every capability",
        f"  the run        {run.wall:6.1f} s",
        f"  the suite      {run.ours:6.1f} s of CPU, {run.ours / checks * 1000:.1f} ms per check",
        f"  the receiver   {run.receiver:6.1f} s of CPU, all its lives together",
        f"  bare attempts  {bare.wall:6.1f} s, {bare.ours:.1f} s of CPU",
        f"  the receiver   {bare.receiver:6.1f} s of CPU for them",
        f"  the run takes {run.wall / bare.wall:.1f} times the time of the bare attempts",
    ]


def main() -> None:
    """Measure the profiles that the command line names, or all."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    for profile in sys.argv[1:] or PROFILES:
        print(*_lines(profile), sep="\n", flush=True)


if __name__ == "__main__":
    main()
