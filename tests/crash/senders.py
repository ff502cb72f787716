"""
Load: threads that play lives of bookings and deliver each body until it is acknowledged.

A redelivery is identical bytes.  Some lives arrive in another order than they happened; some
deliveries come again after they were acknowledged, or to two processes at one instant; and the last
delivery of some lives is torn off and given up, so that it may be there or not.
"""

import dataclasses
import threading
import time
import traceback
from collections import deque
from random import Random

from mock_calcom.sender import Sender
from tests.crash.lives import Lives

#: Seconds of an attempt whose answer nobody waits for: about as long as an answer takes.
_TORN_SECONDS = 0.006


class Senders:
    """
    So many threads that send to *urls* until they are stopped.

    Args:
        seed: what all choices follow from.
        urls: where the receiver listens; each attempt goes to any of them.
        secret: what deliveries are signed with.
        history: what is told of all this.
        threads: how many send at the same time.
        first: the number of the first of them, by which lives of several loads are told apart.
        pause: the longest a thread rests between two lives, in seconds.
        timeout: the seconds of one attempt.
        torn: how many of the last deliveries of a life are torn off, from 0 to 1.
    """

    def __init__(
        self, seed, urls, secret, history, *, threads=4, first=0, pause=0.05, timeout=10.0, torn=0.1
    ):
        self._urls = urls
        self._history = history
        self._pause = pause
        self._share_torn = torn
        self._sender = Sender(timeout)
        self._torn = Sender(_TORN_SECONDS)
        self._stop = threading.Event()
        self._taken = deque(maxlen=2000)
        self._troubles = []
        self._threads = [
            threading.Thread(
                target=self._run, args=(Random(f"{seed} sender {number}"), lives), daemon=True
            )
            for number, lives in enumerate(
                Lives(seed, first + number, secret) for number in range(threads)
            )
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, patience=60.0):
        """Begin no other life, and wait until every delivery of those begun is acknowledged."""
        self._stop.set()
        self._deadline = time.monotonic() + patience
        for thread in self._threads:
            thread.join(patience + 20.0)
        assert not self._troubles, self._troubles[0]

    def again(self, chance, amount=50):
        """Send *amount* deliveries once more that were acknowledged in this run."""
        steps = list(self._taken)
        for step in chance.sample(steps, min(amount, len(steps))):
            self._until_acknowledged(chance, step)

    # --- one thread -------------------------------------------------------------------------

    _deadline = float("inf")

    def _run(self, chance, lives):
        try:
            while not self._stop.is_set():
                self._live(chance, lives.play())
                self._stop.wait(chance.random() * self._pause)
        except Exception:  # noqa: BLE001 - told by whoever waits for the thread
            self._troubles.append(traceback.format_exc())

    def _live(self, chance, steps):
        """Deliver the *steps* of one life."""
        for step in steps:
            self._history.tell("happened", **step.record)
        last = steps[-1]
        gives_up = chance.random() < self._share_torn
        if chance.random() < 0.3:
            steps = chance.sample(steps, len(steps))
        for step in steps:
            if step is last and gives_up:
                self._attempt(chance, step, self._torn)
                self._history.tell("given up", digest=step.digest)
                continue
            if chance.random() < 0.05:
                self._volley(step)
            self._until_acknowledged(chance, step)
            self._taken.append(step)
            if chance.random() < 0.1:
                self._attempt(chance, chance.choice(self._taken), self._sender)

    def _until_acknowledged(self, chance, step):
        while not self._attempt(chance, step, self._sender):
            if time.monotonic() > self._deadline:
                return
            time.sleep(0.02 + chance.random() * 0.1)

    def _attempt(self, chance, step, sender):
        """Whether one attempt was acknowledged."""
        url = chance.choice(self._urls)
        self._history.tell("sent", digest=step.digest)
        made = sender.attempt(dataclasses.replace(step.delivery, url=url))
        self._tell(step, made)
        return made.acknowledged

    def _volley(self, step):
        """The same bytes to every process at one instant."""
        deliveries = [dataclasses.replace(step.delivery, url=url) for url in self._urls * 2]
        for _ in deliveries:
            self._history.tell("sent", digest=step.digest)
        for made in self._sender.volley(deliveries):
            self._tell(step, made)

    def _tell(self, step, made):
        self._history.tell(
            "answered",
            digest=step.digest,
            status=made.status,
            problem=made.problem,
            seconds=round(made.seconds, 4),
            retry_after=made.answer and made.answer.headers.get("retry-after"),
        )
