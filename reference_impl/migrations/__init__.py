"""
Migrations of the store, by Alembic.

A revision is a module in `versions`, written by hand and never changed once it was released; the
newest one is `schema.HEAD`.  A test says what is missing when `tables` and the revisions disagree.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from reference_impl import logs
from reference_impl.store.schema import NewerStoreError, revision_table
from reference_impl.tables import webhook_events

if TYPE_CHECKING:
    from alembic.script import Script
    from sqlalchemy import Connection

FOLDER = Path(__file__).parent


def configuration(connection: Connection) -> Config:
    """What Alembic has to know to work in the transaction of *connection*."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def revisions() -> list[str]:
    """All revisions, the newest first."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    return [script.revision for script in scripts.walk_revisions()]


def upgrade(connection: Connection, before: str | None) -> None:
    """
    Bring the tables from the revision *before* to the newest, in the transaction of *connection*.

    Raises:
        NewerStoreError: if *before* is not known here.
    """
    if before is not None and before not in revisions():
        raise NewerStoreError(before)
    config = configuration(connection)
    if before is not None and not revision_table(connection):
        command.stamp(config, before)
    for script in _steps(config, before):
        told: dict[str, Any] = {"before": script.down_revision, "after": script.revision}
        if script.down_revision is not None:
            # How long it takes depends on them, and nobody else can write meanwhile.
            told["deliveries"] = _deliveries(connection)
        logs.logger().warning("Store is migrated", **told, doing=script.doc)
        command.upgrade(config, script.revision)


def _steps(config: Config, before: str | None) -> list[Script]:
    """The revisions that follow *before*, in order."""
    scripts = ScriptDirectory.from_config(config)
    return [*scripts.iterate_revisions("head", before or "base")][::-1]


def _deliveries(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(webhook_events)) or 0
