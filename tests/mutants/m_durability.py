"""Mutants that do not survive their own death."""

from __future__ import annotations

import dataclasses

import again
from gallery import breaks
from sqlalchemy import text

from reference_impl.leases import Leases
from reference_impl.worker import Worker

_LOST = {"effect-missing"}


@breaks(
    *("dur-001", "dur-002", "dur-003", "dur-005", "dur-006", "cfg-005"),
    part="worker",
    perhaps={"dur-009"},
    reasons={*_LOST, "still-live", "appointments-missing"},
    process=True,
)
class ForgetsTheQueueOnRestart(Worker):
    """Keeps what it has not processed yet in memory only: a restart forgets it."""

    def start(self):
        with self.store.write() as connection:
            connection.execute(
                text(
                    "UPDATE webhook_events SET state = 'done'"
                    " WHERE state IN ('waiting', 'processing')"
                )
            )
        super().start()


@breaks("dur-001", part="worker", reasons=_LOST, process=True)
class TidiesItsQueueAwayWhenItEnds(Worker):
    """Survives being killed, and closes what it has not processed when it is told to end."""

    def stop(self, *arguments):
        super().stop(*arguments)
        with self.store.write() as connection:
            connection.execute(
                text("UPDATE webhook_events SET state = 'done' WHERE state = 'waiting'")
            )


@breaks("dur-006", "dur-005", part="worker", reasons=_LOST, process=True)
class ForgetsWaitingTriesOnRestart(Worker):
    """Sleeps until the next try in a timer of the process, which dies with it."""

    def start(self):
        with self.store.write() as connection:
            connection.execute(
                text(
                    "UPDATE webhook_events SET state = 'done' WHERE state = 'waiting' AND tries > 0"
                )
            )
        super().start()


@breaks(
    *("dur-003", "dur-004", "dur-008", "dur-009", "idm-010", "cfg-005"),
    part="worker",
    reasons={"effect-repeated"},
    process=True,
)
class ForgetsDeliveriesOnRestart(Worker):
    """Recognises redeliveries by a set in memory, which is empty after a restart."""

    def start(self):
        again.know_nothing(self.store)
        super().start()


@breaks(
    "dur-002",
    part="leases",
    reasons={"stuck-after-restart"},
    perhaps={"dur-009", "dur-001", "dur-003"},
    process=True,
    # What is stuck keeps the whole receiver from coming to rest, and looks at all of it waiting.
    arguments=("-m", "dur"),
)
class NeverTakesOver(Leases):
    """Leaves alone what a dead worker was working on: it is 'processing' for ever."""

    def take_over(self):
        """Nobody looks after the dead."""

    def claim(self, limit=1):
        with self.store.write() as connection:
            connection.execute(
                text(
                    "UPDATE webhook_events SET lease_until = 9000000000000000"
                    " WHERE state = 'processing'"
                )
            )
        return super().claim(limit)


@breaks(
    "dur-002", part="worker", reasons=_LOST, perhaps={"dur-009", "dur-001", "dur-003"}, process=True
)
class TakesWorkBegunForDone(Worker):
    """Marks a delivery when it begins: what a dead worker had begun is done on paper only."""

    def start(self):
        with self.store.write() as connection:
            connection.execute(
                text("UPDATE webhook_events SET state = 'done' WHERE state = 'processing'")
            )
        super().start()


@breaks(
    "dur-002",
    part="worker",
    reasons={"effect-repeated"},
    perhaps={"dur-001", "dur-003", "dur-004", "dur-009"},
    process=True,
    # What fails leaves an effect behind as well, which is another mistake.
    arguments=("-m", "dur"),
)
class CommitsTheEffectBeforeItsMark(Worker):
    """Commits the effect when it begins and the mark when it ends; in between it has no memory."""

    def prepare(self, job):
        fact = super().prepare(job)
        if fact is not None:
            again = dataclasses.replace(fact, key=f"{fact.key} {job.interruptions}")
            with self.store.write() as connection:
                self.handlers.apply(connection, [again])
