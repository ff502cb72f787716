"""
Migrations of the store, by Alembic.

A revision is a module in `versions`, written by hand and never changed once it was released; the
newest one is `schema.HEAD`.  A test says what is missing when `tables` and the revisions disagree.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from reference_impl import logs
from reference_impl.store.schema import HEAD, NewerStoreError, revision_table

if TYPE_CHECKING:
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
        raise NewerStoreError(
            f"the store is newer than this program: it is at revision {before}, and this program "
            f"knows those up to {HEAD}"
        )
    logs.logger().warning("Store is migrated", before=before, after=HEAD)
    config = configuration(connection)
    if before is not None and not revision_table(connection):
        command.stamp(config, before)
    command.upgrade(config, "head")
