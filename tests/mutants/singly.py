"""Parts that take what comes one by one, for the mutants that spoil a single step of it."""

from __future__ import annotations

from reference_impl.book import Book
from reference_impl.handlers import Handlers
from reference_impl.worker import Worker


class SingleBook(Book):
    """Is told one fact after another; heirs spoil how it takes one."""

    def record(self, connection, told, at):
        return [self.take(connection, fact, kind, at) for fact, kind in told]

    def take(self, connection, fact, kind, at):
        (new,) = super().record(connection, [(fact, kind)], at)
        return new


class SingleHandlers(Handlers):
    """Lets one fact after another take effect; heirs spoil how one does."""

    def apply(self, connection, facts):
        for fact in facts:
            self.act(connection, fact)
        # What the log says of it is nobody's matter here.
        return [True] * len(facts)

    def act(self, connection, fact):
        super().apply(connection, [fact])


class SingleWorker(Worker):
    """Works on one delivery after another; heirs spoil how it works on one, and marks it done."""

    def process(self, jobs):
        for job in jobs:
            self.work(job)

    def work(self, job):
        super().process([job])

    def finish(self, connection, jobs, seconds):
        for job in jobs:
            self.mark(connection, job, seconds)

    def mark(self, connection, job, seconds):
        super().finish(connection, [job], seconds)
