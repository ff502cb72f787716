"""
Upkeep of the inbox: replaying deliveries, discarding dead letters, forgetting old payloads.

Everything happens in batches, each in a transaction of its own, so that whoever accepts deliveries
meanwhile waits for a few hundred rows at most.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, select, true, update

from reference_impl import chronicle, tables
from reference_impl.inbox import Inbox
from reference_impl.store import rows
from reference_impl.tables import notices, webhook_bodies, webhook_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from reference_impl.settings import Settings
    from reference_impl.store import Store

_events = webhook_events.c

#: The state of a dead letter that somebody looked at and gave up.
DISCARDED = "discarded"

#: What a delivery that is over can be.
_FINISHED = ("done", "dead", DISCARDED)

_kept = webhook_bodies.alias("kept").c

#: Whether a delivery has its payload still.
_WHOLE = exists(_kept.id).where(_kept.id == _events.id)

#: An id that is all hash, and what is left of that after a time.
_HASH = re.compile("[0-9a-fA-F]{64}")
_HASH_DIGITS = 46

_BATCH = 500

#: Seconds between two batches: writers of other processes look for their turn every few of these.
_PAUSE_SECONDS = 0.02


class CannotReplayError(Exception):
    """The delivery cannot be replayed or discarded; the message is one sentence."""


class DoneAlreadyError(Exception):
    """What was asked for was done since it was offered."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to."""

    #: Deliveries that wait to be processed again.
    again: int
    #: Deliveries that match and have no payload any more.
    pruned: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning came to."""

    #: Deliveries that lost their payload, and notices about them.
    deliveries: int
    notices: int
    #: Deliveries that were forgotten altogether.
    forgotten: int = 0


class Upkeep:
    """Mends the inbox in *store* at the instant *now*, in microseconds since 1970."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        now: int,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._inbox = Inbox(settings, store, lambda _: None)
        self._store = store
        self._now = now
        self._pause = pause

    # --- one delivery -----------------------------------------------------------------------

    def find(self, given: str) -> dict[str, Any]:
        """
        The row that *given* names: its number in the inbox, or its webhook id.

        Raises:
            CannotReplayError: if there is none.
        """
        # 18 digits: any longer number is no row's.
        is_row = given.isascii() and given.isdigit() and len(given) <= 18
        matches = _events.id == int(given) if is_row else _events.webhook_id == given.lower()
        query = select(webhook_events, _WHOLE.label("whole"))
        with self._store.read() as connection:
            found = rows(connection, query.where(matches))
            if not found and _HASH.fullmatch(given):
                # The id of before revision 0006, as old logs have it: what follows the time now.
                ending = f"-{given.lower()[:_HASH_DIGITS]}"
                found = rows(connection, query.where(_events.webhook_id.endswith(ending)))
        if not found:
            raise CannotReplayError(f"there is no delivery {given!r} in the inbox")
        return found[0]

    def replay(self, given: str, *, dry_run: bool = False, seen: int | None = None) -> str:
        """
        Let the delivery that *given* names be processed once more: its webhook id.

        Args:
            given: names it.
            dry_run: only see whether that can be done.
            seen: what had been done to it last when this was offered, as `chronicle` numbers it.

        Raises:
            CannotReplayError: if there is none, it is being processed, it was pruned, or something
                else was done to it since it was *seen*.
            DoneAlreadyError: if it was replayed since it was *seen*.
        """
        row = self.find(given)
        if not row["whole"]:
            raise CannotReplayError(f"delivery {given!r} was pruned: its payload is gone")
        idle = row["state"] != "processing"
        if idle and not dry_run:
            with self._store.write() as connection:
                _see(connection, row, chronicle.REPLAYED, seen)
                idle = bool(self._let_wait(connection, [row], "waiting"))
        if not idle:
            raise CannotReplayError(f"delivery {given!r} is being processed; nothing to replay")
        return str(row["webhook_id"])

    def discard(self, given: str, *, seen: int | None = None) -> str:
        """
        Give up the dead letter that *given* names, so that it may be pruned: its webhook id.

        Args:
            given: names it.
            seen: what had been done to it last when this was offered, as `chronicle` numbers it.

        Raises:
            CannotReplayError: if there is none, it is no dead letter, or something else was done to
                it since it was *seen*.
            DoneAlreadyError: if it was discarded since it was *seen*.
        """
        row = self.find(given)
        letter = (_events.id == row["id"]) & (_events.state == "dead")
        with self._store.write() as connection:
            _see(connection, row, chronicle.DISCARDED, seen)
            given_up = {"state": DISCARDED, "finished_at": self._now}
            gone = connection.execute(update(webhook_events).where(letter).values(given_up))
            if gone.rowcount == 1:
                chronicle.acted(connection, chronicle.DISCARDED, [row["webhook_id"]], self._now)
        if gone.rowcount != 1:
            raise CannotReplayError(f"delivery {given!r} is no dead letter")
        return str(row["webhook_id"])

    # --- many -------------------------------------------------------------------------------

    def replay_all(self, *, since: int | None, failed: bool, dry_run: bool = False) -> Replayed:
        """
        Let deliveries that are over be processed once more.

        Args:
            since: only those received at this instant or later.
            failed: only dead letters.
            dry_run: only count them.
        """
        states = _events.state == "dead" if failed else _events.state.in_(("done", "dead"))
        matches = states & (true() if since is None else _events.received_at >= since)
        again = pruned = 0
        for batch in self._batches(matches):
            whole = [row for row in batch if row["whole"]]
            pruned += len(batch) - len(whole)
            again += len(whole) if dry_run else self._again(whole)
        return Replayed(again, pruned)

    def prune(
        self, *, before: int, forget_before: int | None = None, dry_run: bool = False
    ) -> Pruned:
        """
        Forget the payloads of deliveries that were over before the instant *before*.

        The rows stay, without payload: they are how a redelivery is recognised.  Only those that
        were over before *forget_before* too go altogether.  Dead letters stay whole until they are
        replayed or discarded.
        """
        forgotten = 0 if forget_before is None else self._forget(forget_before, dry_run=dry_run)
        over = _over(before)
        deliveries = dropped = 0
        for batch in self._batches(over, whole=True):
            told = notices.c.webhook_id.in_([row["webhook_id"] for row in batch])
            if dry_run:
                deliveries += len(batch)
                with self._store.read() as connection:
                    dropped += connection.scalar(select(func.count()).where(told)) or 0
                continue
            # Looked at again: a replay may have begun since the batch was read.
            mine = over & _events.id.in_([row["id"] for row in batch])
            with self._store.write() as connection:
                held = _held(connection, mine)
                ids = list(held.values())
                bodies = webhook_bodies.c.id.in_(list(held))
                deliveries += connection.execute(delete(webhook_bodies).where(bodies)).rowcount
                theirs = notices.c.webhook_id.in_(ids)
                dropped += connection.execute(delete(notices).where(theirs)).rowcount
                past = tables.chronicle.c.webhook_id.in_(ids)
                connection.execute(delete(tables.chronicle).where(past))
            self._pause(_PAUSE_SECONDS)
        return Pruned(deliveries, dropped, forgotten)

    def payloads(self, since: int, before: int) -> int:
        """How many payloads `prune` would forget of what was over at *since* or later."""
        query = select(func.count()).where(_events.id == webhook_bodies.c.id, _over(before))
        with self._store.read() as connection:
            return connection.scalar(query.where(_events.finished_at >= since)) or 0

    def _forget(self, before: int, *, dry_run: bool) -> int:
        """
        Remove rows that lost their payload and were over before *before*: how many.

        What took effect is kept elsewhere, by occurrence: a redelivery that is not recognised any
        more is processed once more, and has no second effect.
        """
        over = _over(before)
        forgotten = 0
        for batch in self._batches(over, whole=False):
            forgotten += len(batch)
            if dry_run:
                continue
            mine = over & _events.id.in_([row["id"] for row in batch])
            with self._store.write() as connection:
                connection.execute(delete(webhook_events).where(mine))
            self._pause(_PAUSE_SECONDS)
        return forgotten

    def _batches(
        self, matches: ColumnElement[bool], *, whole: bool | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """
        The rows that meet *matches*, by number; none that comes while they are read.

        With *whole* those that have their payload still, without those that have not.
        """
        columns = (_events.id, _events.webhook_id, _events.event_type, _events.state)
        query = select(*columns, _WHOLE.label("whole")).where(matches)
        number: ColumnElement[int] = _events.id
        if whole:
            # By the bodies: most rows may have lost theirs long ago, and need not be looked at.
            number = webhook_bodies.c.id
            query = query.join(webhook_bodies, number == _events.id)
        elif whole is not None:
            query = query.where(~_WHOLE)
        with self._store.read() as connection:
            newest = connection.scalar(select(func.max(_events.id))) or 0
        last = 0
        while True:
            following = query.where(number > last, number <= newest)
            with self._store.read() as connection:
                batch = rows(connection, following.order_by(number).limit(_BATCH))
            if not batch:
                return
            last = batch[-1]["id"]
            yield batch

    def _again(self, batch: list[dict[str, Any]]) -> int:
        """Let those of *batch* that are over wait, and give way to others: how many."""
        with self._store.write() as connection:
            again = self._let_wait(connection, batch)
        if batch:
            self._pause(_PAUSE_SECONDS)
        return again

    def _let_wait(
        self, connection: Connection, batch: list[dict[str, Any]], *more_states: str
    ) -> int:
        """Let those of *batch* that are over, or in one of *more_states*, wait: how many."""
        over = _events.state.in_((*_FINISHED, *more_states))
        changed = update(webhook_events).where(_events.id == bindparam("row"), over, _WHOLE)
        statement = changed.values(
            state="waiting",
            tries=0,
            interruptions=0,
            due_at=self._now,
            rank=bindparam("new_rank"),
            reason=None,
            finished_at=None,
        )
        # Held first, so that whether they are whole is asked when nobody prunes them any more.
        _held(connection, over & _events.id.in_([row["id"] for row in batch]))
        again = []
        for row in batch:
            rank = self._inbox.rank(row["event_type"], self._now)
            if connection.execute(statement, {"row": row["id"], "new_rank": rank}).rowcount:
                again.append(row["webhook_id"])
        chronicle.acted(connection, chronicle.REPLAYED, again, self._now)
        return len(again)


def _see(connection: Connection, row: dict[str, Any], kind: str, seen: int | None) -> None:
    """
    See that nothing was done to the delivery *row* since it was *seen*, before *kind* is.

    Raises:
        CannotReplayError: if something else was.
        DoneAlreadyError: if just that was.
    """
    if seen is None:
        return
    # Held first: of two that ask at once the second one looks when the first has done it.
    _held(connection, _events.id == row["id"])
    number, last = chronicle.last_action(connection, row["webhook_id"])
    if number > seen:
        if last == kind:
            raise DoneAlreadyError
        raise CannotReplayError(f"delivery {row['id']} was {last} meanwhile")


def _over(before: int) -> ColumnElement[bool]:
    """Whether a delivery has been over since before *before*, and nobody has to look at it."""
    return _events.state.in_(("done", DISCARDED)) & (_events.finished_at < before)


def _held(connection: Connection, mine: ColumnElement[bool]) -> dict[int, str]:
    """Keep others from the deliveries that meet *mine* until the transaction ends: their ids."""
    columns = (_events.id, _events.webhook_id)
    query = select(*columns).where(mine).order_by(_events.id).with_for_update()
    return dict(map(tuple, connection.execute(query)))
