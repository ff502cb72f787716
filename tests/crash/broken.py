"""
Receivers that do not survive a kill, and one whose clock stands in a file.

`python tests/crash/broken.py NAME serve --port N`, or `NAME worker`: the receiver's own commands
with the part called NAME in place of its own.
"""

import asyncio
import dataclasses
import functools
import os
import sys
from pathlib import Path

from reference_impl import commands, logs, serving
from reference_impl.app import Parts
from reference_impl.clock import Clock
from reference_impl.inbox import Inbox
from reference_impl.worker import Worker


class AcknowledgesBeforeTheCommit(Inbox):
    """Answers first and writes as soon as it can."""

    _under_way: frozenset = frozenset()

    async def accept(self, entry):
        self._under_way |= {asyncio.ensure_future(super().accept(entry))}
        return True


class Apart(Worker):
    """Lets the effect and the mark that it is done be two transactions."""

    def effect(self, job):
        fact = self.prepare(job)
        if fact is not None:
            with self.store.write() as connection:
                self.handlers.apply(connection, [self.known_as(fact, job)])

    def known_as(self, fact, _job):
        return fact

    def mark(self, job):
        with self.store.write() as connection:
            self.finish(connection, [job], 0.0)

    def steps(self):
        raise NotImplementedError

    def process(self, jobs):
        for job in jobs:
            try:
                for step in self.steps():
                    step(job)
            except Exception as problem:  # noqa: BLE001 - as in the receiver that it is made of
                self.failed(job, logs.describe(problem))


class MarksBeforeTheEffect(Apart):
    """Marks a delivery as done, and then lets it take effect."""

    def steps(self):
        return self.mark, self.effect


class MarksAfterTheEffect(Apart):
    """Lets a delivery take effect and then marks it, and knows an effect by the try it came of."""

    def steps(self):
        return self.effect, self.mark

    def known_as(self, fact, job):
        # The first try is the plain one, as long as nothing interrupted it.
        key = f"{fact.key} {job.interruptions}" if job.interruptions else fact.key
        return dataclasses.replace(fact, key=key)


class ClockInAFile(Clock):
    """A clock that every process reads alike, and that can be put forward and back."""

    def now(self):
        return super().now() + int(Path(os.environ["CRASH_CLOCK"]).read_text() or "0") * 1_000_000


PARTS = {
    "AcknowledgesBeforeTheCommit": Parts(inbox=AcknowledgesBeforeTheCommit),
    "MarksBeforeTheEffect": Parts(worker=MarksBeforeTheEffect),
    "MarksAfterTheEffect": Parts(worker=MarksAfterTheEffect),
    "ClockInAFile": Parts(clock=ClockInAFile),
}


def main():
    """Run the command that follows the name."""
    parts = PARTS[sys.argv.pop(1)]
    serving.serve = functools.partial(serving.serve, parts=parts)
    serving.work = functools.partial(serving.work, parts=parts)
    commands.main()


if __name__ == "__main__":
    main()
