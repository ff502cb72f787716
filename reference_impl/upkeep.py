"""Upkeep of the inbox: replaying deliveries, and discarding dead letters."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, true, update

from reference_impl import chronicle, instants
from reference_impl.batches import DISCARDED, PAUSE_SECONDS, WHOLE, batches, held
from reference_impl.inbox import Inbox
from reference_impl.store import rows
from reference_impl.tables import webhook_events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from reference_impl.settings import Settings
    from reference_impl.store import Store

_events = webhook_events.c

#: What a delivery that is over can be.
_FINISHED = ("done", "dead", DISCARDED)

#: An id that is all hash, and what is left of that after a time.
_HASH = re.compile("[0-9a-fA-F]{64}")
_HASH_DIGITS = 46


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


def why_not_again(row: dict[str, Any]) -> str:
    """Why the delivery of *row* cannot be replayed, whose payload was pruned."""
    over = f"delivery {row['id']} was over on {instants.to_datetime(row['finished_at']):%Y-%m-%d}"
    return f"{over} and its payload was pruned since, so it cannot be replayed"


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
        query = select(webhook_events, WHOLE.label("whole"))
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
            raise CannotReplayError(why_not_again(row))
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

    def replay_all(
        self,
        *,
        since: int | None,
        failed: bool,
        instead: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Replayed:
        """
        Let deliveries that are over be processed once more.

        Args:
            since: only those received at this instant or later.
            failed: only dead letters.
            instead: is only told of each of them, which is left as it is.
        """
        states = _events.state == "dead" if failed else _events.state.in_(("done", "dead"))
        matches = states & (true() if since is None else _events.received_at >= since)
        again = pruned = 0
        for batch in batches(self._store, matches):
            whole = [row for row in batch if row["whole"]]
            pruned += len(batch) - len(whole)
            if instead is None:
                again += self._again(whole)
                continue
            for row in whole:
                instead(row)
            again += len(whole)
        return Replayed(again, pruned)

    def _again(self, batch: list[dict[str, Any]]) -> int:
        """Let those of *batch* that are over wait, and give way to others: how many."""
        with self._store.write() as connection:
            again = self._let_wait(connection, batch)
        if batch:
            self._pause(PAUSE_SECONDS)
        return again

    def _let_wait(
        self, connection: Connection, batch: list[dict[str, Any]], *more_states: str
    ) -> int:
        """Let those of *batch* that are over, or in one of *more_states*, wait: how many."""
        over = _events.state.in_((*_FINISHED, *more_states))
        changed = update(webhook_events).where(_events.id == bindparam("row"), over, WHOLE)
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
        held(connection, over & _events.id.in_([row["id"] for row in batch]))
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
    held(connection, _events.id == row["id"])
    number, last = chronicle.last_action(connection, row["webhook_id"])
    if number > seen:
        if last == kind:
            raise DoneAlreadyError
        raise CannotReplayError(f"delivery {row['id']} was {last} meanwhile")
