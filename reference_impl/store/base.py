"""What every store can do, whatever its database."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from reference_impl import logs
from reference_impl.store import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from reference_impl.clock import Clock


class Store(ABC):
    """
    Transactions on one database.

    Of the two engines the *durable* one returns from a commit when it is on disk; after a commit
    of the *hasty* one a power failure may undo it until the next durable one.
    """

    #: Batches of the worker that are worth having under way at the same time.
    writers = 1

    #: Whether an UPDATE may look something up for each row that it returns.
    looks_up: bool

    #: Deliveries of a batch that suit it: more share the pages that each would change, and hold up
    #: for longer whoever needs one of them.
    batch: int

    def __init__(self, durable: Engine, hasty: Engine, owner: str) -> None:
        self._durable = durable
        self._hasty = hasty
        #: What this process is known as to those who share the store.
        self.owner = owner

    # --- transactions -----------------------------------------------------------------------

    @contextlib.contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """
        A transaction that may write; committed to disk at its end, undone by an exception.

        One that is not *durable* survives the death of this process, but a power failure may undo
        it until the next durable one; that spares it the wait for the disk.

        Raises:
            OperationalError: if the store is busy for too long or cannot write.
        """
        with (self._durable if durable else self._hasty).begin() as connection:
            yield connection

    @abstractmethod
    def read(self) -> contextlib.AbstractContextManager[Connection]:
        """A consistent look that neither waits for a writer nor holds one up."""

    def close(self) -> None:
        """Close every connection."""
        self._durable.dispose()
        self._hasty.dispose()

    # --- tables -----------------------------------------------------------------------------

    def is_current(self) -> bool:
        """
        Whether somebody made this store, which then has to be as this code needs it.

        Raises:
            ForeignStoreError: if what is there is something else's.
            NewerStoreError: if a later version made it.
            OlderStoreError: if an earlier one did.
        """
        with self.read() as connection:
            return schema.is_current(connection)

    def create(self) -> schema.Change:
        """
        Bring the tables to where this code needs them: made, adopted, migrated or left alone.

        Raises:
            ForeignStoreError: if what is there is something else's.
            NewerStoreError: if a later version made them.
            OperationalError: if the database cannot be opened or written.
        """
        with self.read() as connection:
            if schema.revision(connection) == schema.HEAD:
                return schema.Change(schema.HEAD, schema.HEAD)
        with self.write() as connection:
            self.stand_alone(connection)
            began = time.monotonic()
            change = schema.bring_up(connection)
        if change.before not in {None, change.after}:
            seconds = round(time.monotonic() - began, 1)
            told = {"before": change.before, "after": change.after, "seconds": seconds}
            logs.logger().info("Store was migrated", **told)
        return change

    @abstractmethod
    def stand_alone(self, connection: Connection) -> None:
        """Wait until no other process changes tables, and keep them from it until the end."""

    # --- the processes that share it --------------------------------------------------------

    @abstractmethod
    def attend(self, clock: Clock, queue: str, wake: Callable[[int], None] | None) -> None:
        """
        Take part in what the processes that share this store tell each other.

        Args:
            clock: is kept at the time that they share.
            queue: whose deliveries are of interest.
            wake: is told how many deliveries another process accepted.

        Raises:
            OperationalError: if the database cannot be reached.
        """

    @abstractmethod
    def tell(self, connection: Connection, queue: str, deliveries: int) -> None:
        """Wake the workers of *queue* in other processes once *connection* has committed."""

    @abstractmethod
    def set_clock(self, clock: Clock) -> None:
        """Set *clock* to the time that the processes share; by default the machine's."""

    @abstractmethod
    def walk_indexes(self, connection: Connection) -> None:
        """Have the transaction of *connection* use indexes whose rows come and go as it should."""

    @abstractmethod
    def lives(self, connection: Connection, owner: str) -> bool:
        """Whether the process known as *owner* may still run."""
