"""Mutants of throttling: what is kept out, with which words, and for how long."""

from __future__ import annotations

import collections
import time

from gallery import breaks

from reference_impl import answers
from reference_impl.answers import Answer
from reference_impl.receiver import Receiver


class Counting(Receiver):
    """
    Counts the attempts of the last second.

    Each of its heirs is judged by the clause it breaks alone: how many attempts of other clauses
    fall into a second depends on the machine.
    """

    most = 25

    def crowded(self):
        """Whether this attempt is one too many."""
        now = time.monotonic()
        times = self.__dict__.setdefault("times", collections.deque())
        while times and times[0] < now - 1:
            times.popleft()
        if len(times) >= self.most:
            return True
        times.append(now)
        return False

    async def judge(self, client, headers, body):
        if self.crowded():
            return await self.too_many(client, headers, body)
        return await super().judge(client, headers, body)

    async def too_many(self, client, headers, body):
        return answers.throttled(1)


@breaks("thr-001", part="receiver", reasons={"status-500"}, arguments=("-m", "thr-001"))
class FailsInABurst(Counting):
    """Runs out of connections to its store in a burst."""

    async def too_many(self, client, headers, body):
        return answers.FAILED


@breaks("thr-001", part="receiver", reasons={"status-403"}, arguments=("-m", "thr-001"))
class TakesABurstForAnAttack(Counting):
    """Refuses for good what comes in a burst."""

    async def too_many(self, client, headers, body):
        return Answer(403, b'{"error":"Forbidden"}')


@breaks("thr-002", part="receiver", reasons={"no-retry-after"}, arguments=("-m", "thr-002"))
class ThrottlesWithoutAWord(Counting):
    """Throttles, and does not say until when."""

    async def too_many(self, client, headers, body):
        return Answer(429, b'{"error":"Too many requests"}')


class Locking(Receiver):
    """Counts what it refuses, and keeps everybody out after fifty of it."""

    refusals = 0

    def refused(self, refusal):
        self.refusals += 1
        return super().refused(refusal)

    async def judge(self, client, headers, body):
        if self.refusals >= 50:
            return self.locked()
        return await super().judge(client, headers, body)


@breaks(
    "thr-003",
    part="receiver",
    reasons={"locked-out"},
    arguments=("-m", "thr-003"),
)
class SharesItsBucket(Locking):
    """Counts strangers and Cal.com together, and forgets after an hour."""

    def locked(self):
        return answers.throttled(3600)


@breaks("thr-003", part="receiver", reasons={"status-403"}, arguments=("-m", "thr-003"))
class BansAfterAFlood(Locking):
    """Bans an address for good after fifty refusals."""

    def locked(self):
        return Answer(403, b'{"error":"Banned"}')


@breaks("thr-003", part="receiver", reasons={"status-500"}, arguments=("-m", "thr-003"))
class BreaksInAFlood(Locking):
    """Breaks down after fifty refusals."""

    def locked(self):
        return answers.FAILED


@breaks("thr-004", part="receiver", reasons={"effect-unexpected"}, arguments=("-m", "thr-004"))
class StoresBeforeItThrottles(Counting):
    """Takes a delivery first, and counts afterwards."""

    async def too_many(self, client, headers, body):
        await super(Counting, self).judge(client, headers, body)
        return answers.throttled(1)


@breaks("thr-005", part="receiver", reasons={"status-429"}, arguments=("-m", "thr-005"))
class ThrottlesTheLeastHurry(Counting):
    """Allows eight attempts a second."""

    most = 8

    async def too_many(self, client, headers, body):
        return answers.throttled(1)
