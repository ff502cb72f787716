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


def know_nothing(store):
    """Let *store* recognise nothing that it holds: what it knows it by becomes another."""
    with store.write() as connection:
        for table, key in (
            ("webhook_events", "webhook_id"),
            ("effects", "occurrence"),
        ):
            connection.execute(text(f"UPDATE {table} SET {key} = {key} || hex(randomblob(4))"))


class Again(Worker):
    """Lets a copy that the inbox took have an effect of its own."""

    def prepare(self, job):
        fact = super().prepare(job)
        if fact is None or MARK not in job.webhook_id:
            return fact
        return dataclasses.replace(fact, key=f"{fact.key} {job.webhook_id}")
