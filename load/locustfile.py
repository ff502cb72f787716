"""
The load test as locust runs it: `locust -f load/locustfile.py --headless`.

Importing locust patches the standard library, so nothing else imports this file; it takes its
settings from the environment (`README.md`) and is a process of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
from bodies import Bodies
from gevent.pool import Pool
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError
from locust import User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from plan import Arrival, Plan, arrivals
from summary import Sample, Summary

from mock_calcom import headers
from mock_calcom.secrecy import MASK

#: So many attempts may wait for their answers at once; one more is not sent, and counted as such.
_CONNECTIONS = 1000
#: The first arrival is due this long after the start, when everything is in place, in seconds.
_LEAD = 0.5
#: An attempt is given up this long after its budget: enough to see that it is late, in seconds.
_GRACE = 2.0

_STEPS = ("created", "rescheduled", "cancelled")


def _leave(sentence: str) -> None:
    """End with one sentence: used wrongly."""
    print(MASK.hidden(f"load: {sentence}"), file=sys.stderr)  # noqa: T201 - a command's output
    sys.exit(2)


@events.init.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    """Read the settings, and make everything that costs time before the first attempt is due."""
    if isinstance(environment.runner, MasterRunner | WorkerRunner):
        # `fixed_count` counts over all workers, so all but one of them would do nothing.
        _leave("this test runs in one process; start it without --master, --worker or --processes")
    try:
        plan = Plan.of(os.environ, environment.host)
    except ValueError as error:
        _leave(str(error))
    Driver.plan = plan
    Driver.bodies = Bodies(plan.url, plan.secret, profile=plan.profile, seed=plan.seed)
    Driver.due = arrivals(plan)


@events.quit.add_listener
def tell(**_: Any) -> None:
    """Print the summary below locust's own tables."""
    summary = Driver.summary
    if summary is None:
        return
    for line in summary.lines():
        print(line)  # noqa: T201 - a command's output
    if folder := os.environ.get("CALCONTRACT_REPORT"):
        path = Path(folder) / "load.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(summary.document(), indent=2) + "\n", encoding="utf-8")


class Driver(User):
    """The one user: a clock that sends what is due, and never waits for an answer."""

    # Counted over the whole cluster, not per worker.
    fixed_count = 1

    plan: Plan
    bodies: Bodies
    due: list[Arrival]
    summary: Summary | None = None

    @task
    def drive(self) -> None:
        """Send every arrival when it is due, wait for the last answers, and end the run."""
        plan = self.plan
        url = urlsplit(plan.url)
        self._path = headers.target(url)
        self._samples: list[Sample] = []
        self._client = HTTPClient.from_url(
            plan.url,
            concurrency=_CONNECTIONS,
            connection_timeout=plan.budget + _GRACE,
            network_timeout=plan.budget + _GRACE,
        )
        pool = Pool(_CONNECTIONS)
        self._start = time.perf_counter() + _LEAD
        for arrival in self.due:
            # Even when it is overdue: the attempts before it get their turn only here.
            gevent.sleep(max(self._start + arrival.due - time.perf_counter(), 0))
            if pool.free_count() > 0:
                pool.spawn(self._send, arrival)
        pool.join(plan.budget + 2 * _GRACE)
        pool.kill(block=False)
        Driver.summary = Summary.of(
            self._samples,
            rate=plan.rate,
            duration=plan.duration,
            budget=plan.budget,
            seed=plan.seed,
            arrivals=len(self.due),
        )
        self.environment.process_exit_code = Driver.summary.exit_code
        # Not from here: quitting ends this user, and would wait for itself.
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(_LEAD)

    def _send(self, arrival: Arrival) -> None:
        body = self.bodies.body(arrival.life, arrival.step, moved=arrival.moved)
        told = self.bodies.headers(body)
        started = time.perf_counter() - self._start
        outcome = _Outcome()
        with _caught(outcome, self.plan.budget + _GRACE):
            response = self._client.request("POST", self._path, body=body, headers=told)
            response.read()
            outcome.status(response.status_code)
        ended = time.perf_counter() - self._start
        self._samples.append(Sample(arrival.due, started, ended, outcome.failure))
        self.environment.events.request.fire(
            request_type="POST",
            name="redelivered" if arrival.again else _STEPS[arrival.step],
            response_time=(ended - arrival.due) * 1000,
            response_length=0,
            exception=RuntimeError(outcome.failure) if outcome.failure else None,
            context={},
        )


class _Outcome:
    """What became of one attempt."""

    def __init__(self) -> None:
        self.failure = "no answer"

    def status(self, code: int) -> None:
        """An answer came."""
        self.failure = "" if 200 <= code < 300 else f"answer {code}"


@contextlib.contextmanager
def _caught(outcome: _Outcome, seconds: float) -> Iterator[None]:
    """Turn trouble on the network into an outcome, and end the attempt after *seconds*."""
    limit = gevent.Timeout(seconds)
    limit.start()
    try:
        yield
    except gevent.Timeout:
        outcome.failure = "no answer in time"
    except TimeoutError:
        outcome.failure = "no answer in time"
    except ConnectionRefusedError:
        outcome.failure = "nobody listens"
    except HTTPParseError:
        outcome.failure = "the connection was closed without an answer"
    except OSError as error:
        outcome.failure = f"the connection broke ({type(error).__name__})"
    finally:
        limit.close()
