"""What several mutants share: letting a delivery in once more, and taking effect once more."""

from __future__ import annotations

import dataclasses
import secrets

from sqlalchemy import text

from reference_impl.worker import Worker

#: Sets the webhook id of a copy apart from the id of the delivery it is a copy of.
MARK = "~"


def copy_of(entry):
    """*entry* under an id of its own."""
    unique = f"{entry.webhook_id}{MARK}{secrets.token_hex(8)}"
    return dataclasses.replace(entry, webhook_id=unique)


#: Lets a store recognise no occurrence: both the row and the fact in it have another key.
FORGET_OCCURRENCES = (
    "UPDATE effects SET occurrence = occurrence || hex(randomblob(4)), fact ="
    """ CAST(replace(CAST(fact AS TEXT), '"key":"', '"key":"forgotten ') AS BLOB)"""
)


def know_nothing(store):
    """Let *store* recognise nothing that it holds: what it knows it by becomes another."""
    with store.write() as connection:
        connection.execute(
            text("UPDATE webhook_events SET webhook_id = webhook_id || hex(randomblob(4))")
        )
        connection.execute(text(FORGET_OCCURRENCES))


class Again(Worker):
    """Lets a copy that the inbox took have an effect of its own."""

    def prepare(self, job):
        fact = super().prepare(job)
        if fact is None or MARK not in job.webhook_id:
            return fact
        return dataclasses.replace(fact, key=f"{fact.key} {job.webhook_id}")
