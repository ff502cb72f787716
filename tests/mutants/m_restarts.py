"""Mutants that a restart makes forget, or repeat, more than what they were working on."""

from __future__ import annotations

from again import FORGET_OCCURRENCES
from gallery import breaks
from sqlalchemy import text

from reference_impl.worker import Worker


class AtStart(Worker):
    """Changes its store when it starts."""

    statements = ()

    def start(self):
        with self.store.write() as connection:
            for statement in self.statements:
                connection.execute(text(statement))
        super().start()


@breaks("dur-006", part="worker", reasons={"effect-missing"}, process=True)
class TwoDeathsAreEnough(AtStart):
    """Takes every start of its process for a try of what waits, and gives up at the second."""

    statements = (
        (
            "UPDATE webhook_events SET interruptions = interruptions + 1"
            " WHERE state = 'waiting' AND tries > 0"
        ),
        (
            "UPDATE webhook_events SET state = 'done'"
            " WHERE state = 'waiting' AND tries > 0 AND interruptions > 1"
        ),
    )

    def start(self):
        super().start()


@breaks("dur-007", part="worker", reasons={"still-live"}, perhaps={"dur-009"}, process=True)
class RemembersTheUnknownInMemory(AtStart):
    """Keeps a cancellation that came before its booking in memory until the booking comes."""

    statements = (
        (
            "UPDATE effects SET fact ="
            " CAST(replace(CAST(fact AS TEXT), 'BOOKING_CANCELLED', 'FORGOTTEN') AS BLOB)"
            " WHERE kind = 'cancelled' AND uid NOT IN (SELECT uid"
            " FROM effects WHERE uid IS NOT NULL AND kind <> 'cancelled')"
        ),
    )

    def start(self):
        super().start()


@breaks("dur-008", part="worker", reasons={"effect-repeated"}, process=True)
class RecognisesBytesAfterARestart(AtStart):
    """Knows deliveries by their bytes after a restart, and occurrences by memory alone."""

    statements = (FORGET_OCCURRENCES,)

    def start(self):
        super().start()


@breaks("dur-009", "idm-010", part="worker", reasons={"effect-repeated"}, process=True)
class ForgetsReschedulesOnRestart(AtStart):
    """Recognises a redelivered reschedule by memory, which is empty after a restart."""

    statements = (
        (
            "UPDATE webhook_events SET webhook_id = substr(webhook_id, 9) || hex(randomblob(4))"
            " WHERE event_type = 'BOOKING_RESCHEDULED'"
        ),
        f"{FORGET_OCCURRENCES} WHERE kind = 'rescheduled'",
    )

    def start(self):
        super().start()


@breaks(guide={"dur-010"}, part="worker", reasons={"not-given-up"}, process=True)
class RevivesTheDeadAtStart(AtStart):
    """Works through its dead letters again whenever it starts."""

    statements = ("UPDATE webhook_events SET state = 'waiting', tries = 0 WHERE state = 'dead'",)

    def start(self):
        super().start()


@breaks(guide={"dur-010"}, part="worker", reasons={"notice"}, process=True)
class TellsAgainAtStart(AtStart):
    """Tells of every dead letter again whenever it starts."""

    statements = (
        (
            "INSERT INTO notices (webhook_id, event_type, uid, reason, at)"
            " SELECT webhook_id, event_type, uid, reason, at FROM notices"
            " WHERE id IN (SELECT MIN(id) FROM notices GROUP BY webhook_id)"
        ),
    )

    def start(self):
        super().start()
