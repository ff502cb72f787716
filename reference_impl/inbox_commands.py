"""The commands about what the store holds: replaying, discarding, pruning, counting, migrating."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from reference_impl import instants, logs
from reference_impl.clock import Clock
from reference_impl.counts import NUMBERS, counted
from reference_impl.pruning import Pruning
from reference_impl.sentences import UsageError, one_sentence
from reference_impl.settings import Settings
from reference_impl.store import Store, open_store
from reference_impl.upkeep import CannotReplayError, Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DAY = 86_400_000_000

#: The widest column, in characters.
_WIDEST = 40

#: Days within which a redelivery is recognised, whatever `prune` is told.
_RECOGNISED_DAYS = 30
_MOST_DAYS = 36_500

#: Days for which a payload is not removed unless a person says so: it may have to be replayed yet.
_FRESH_DAYS = 7


@click.command()
@click.option("--id", "id_", help="One delivery: the row's id, or the webhook id.")
@click.option("--since", help="All received since then, as 2026-07-14 or 2026-07-14T09:00:00Z.")
@click.option("--failed", is_flag=True, help="All dead letters.")
@click.option("--dry-run", is_flag=True, help="Only say which.")
def replay_webhook(*, id_: str | None, since: str | None, failed: bool, dry_run: bool) -> None:
    """Process deliveries once more; what took effect before has no second effect."""
    with one_sentence(CannotReplayError):
        if (id_ is None) == (since is None and not failed):
            raise UsageError("give either --id, or --since, --failed or both")
        after = None if since is None else _instant(since)
        settings = Settings.from_environment()
        with _store(settings) as store:
            upkeep = Upkeep(settings, store, _now(store))
            if id_ is not None:
                webhook_id = upkeep.replay(id_, dry_run=dry_run)
                click.echo(f"delivery {webhook_id} {_would('waits', dry_run)} to be processed")
                return
            replayed = upkeep.replay_all(
                since=after, failed=failed, instead=_show if dry_run else None
            )
        verb = "waits" if replayed.again == 1 else "wait"
        click.echo(f"{_deliveries(replayed.again)} {_would(verb, dry_run)} to be processed")
        if replayed.pruned:
            click.echo(f"{_deliveries(replayed.pruned)} left alone: pruned")


@click.command()
@click.option("--id", "id_", required=True, help="The row's id, or the webhook id.")
def discard_webhook(id_: str) -> None:
    """Give up a dead letter: it is not replayed with --failed any more, and may be pruned."""
    with one_sentence(CannotReplayError):
        settings = Settings.from_environment()
        with _store(settings) as store:
            webhook_id = Upkeep(settings, store, _now(store)).discard(id_)
        click.echo(f"dead letter {webhook_id} is discarded")


@click.command()
@click.option(
    "--older-than",
    type=click.IntRange(0, _MOST_DAYS),
    required=True,
    metavar="DAYS",
    help="Days since they were over.",
)
@click.option(
    "--forget-after",
    type=click.IntRange(_RECOGNISED_DAYS, _MOST_DAYS),
    metavar="DAYS",
    help="Days since they were over after which the rows without payload go as well.",
)
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@click.option("--yes", is_flag=True, help=f"Do not ask about the last {_FRESH_DAYS} days.")
def prune(*, older_than: int, forget_after: int | None, dry_run: bool, yes: bool) -> None:
    """Forget the payloads of deliveries that are long over; redeliveries are still recognised."""
    with one_sentence():
        settings = Settings.from_environment()
        with _store(settings) as store:
            now = _now(store)
            pruning = Pruning(store)
            before, fresh = now - older_than * _DAY, now - _FRESH_DAYS * _DAY
            if not (dry_run or yes):
                _ask_about(pruning.payloads(fresh, before))
            pruned = pruning.prune(
                before=before,
                forget_before=None if forget_after is None else now - forget_after * _DAY,
                dry_run=dry_run,
            )
        told = f"payloads of {_deliveries(pruned.deliveries)} and {pruned.notices} notices"
        click.echo(f"{told} {'would be' if dry_run else 'were'} removed")
        if forget_after is not None:
            verb = "would be" if dry_run else "was"
            click.echo(f"of {_deliveries(pruned.forgotten)} everything {verb} removed")


def _now(store: Store) -> int:
    """The present instant, by the clock of those who share *store*."""
    clock = Clock()
    store.set_clock(clock)
    return clock.now()


def _instant(text: str) -> int:
    """
    The instant that *text* spells, a day being its start in UTC.

    Raises:
        UsageError: if it spells none.
    """
    instant = instants.parse(text)
    if instant is None:
        instant = instants.parse(f"{text}T00:00:00Z")
    if instant is None:
        raise UsageError("--since takes a day or an RFC 3339 time, as 2026-07-14T09:00:00Z")
    return instant


def _show(row: Mapping[str, Any]) -> None:
    """One line about the delivery of *row*, whose trigger may be anybody's words."""
    click.echo(f"{row['id']:>10}  {row['webhook_id']}  {logs.plain(row['event_type'])}")


def _would(verb: str, dry_run: bool) -> str:
    return f"would {verb.removesuffix('s')}" if dry_run else verb


def _deliveries(count: int) -> str:
    return f"{count} {'delivery' if count == 1 else 'deliveries'}"


def _ask_about(fresh: int) -> None:
    """
    Go on only if somebody wants so many *fresh* payloads removed.

    Raises:
        Abort: if whoever was asked does not.
        UsageError: if there is nobody to be asked.
    """
    if not fresh:
        return
    which = f"payloads of {_deliveries(fresh)} that were over in the last {_FRESH_DAYS} days"
    if not sys.stdin.isatty():
        raise UsageError(f"{which} would be removed: say --yes if that is meant")
    loss = f"{which} will be removed, and can never be replayed"
    click.confirm(f"{loss[0].upper()}{loss[1:]}. Go on?", abort=True, err=True)


@click.command()
def stats() -> None:
    """Show counts and durations per trigger, of attempts and of tries: a replay is a try more."""
    with one_sentence(), _store(Settings.from_environment()) as store:
        with store.read() as connection:
            found = counted(connection)
        total: dict[str, Any] = {name: sum(row[name] for row in found) for name in NUMBERS}
        seconds = sum(row["seconds_total"] for row in found)
        total |= {"event_type": "total", "seconds_total": seconds}
        named = [(_column(row["event_type"]), row) for row in [*found, total]]
        width = max(len(name) for name, _ in named)
        click.echo("  ".join(["trigger".ljust(width), *NUMBERS, "mean ms", "last ms"]))
        for name, row in named:
            cells = [name.ljust(width)]
            cells += [str(row[name]).rjust(len(name)) for name in NUMBERS]
            mean = row["seconds_total"] / row["done"] if row["done"] else 0.0
            cells.append(f"{mean * 1000:.1f}".rjust(7))
            # Nothing is the last of all triggers together.
            if "seconds_last" in row:
                cells.append(f"{row['seconds_last'] * 1000:.1f}".rjust(7))
            click.echo("  ".join(cells))


def _column(trigger: str) -> str:
    """*trigger* as a column shows it: a sender chose it, and may have chosen to steer terminals."""
    shown = logs.plain(trigger)
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 3]}..."


@click.command()
def migrate() -> None:
    """Bring the store to where this program needs it; `serve` and `worker` do so by themselves."""
    with one_sentence():
        settings = Settings.from_environment()
        store = open_store(settings.database_url, seconds=settings.store_seconds)
        try:
            change = store.create()
        finally:
            store.close()
        if change.before is None:
            click.echo(f"the store was made, at revision {change.after}")
        elif change.before == change.after:
            click.echo(f"the store is at revision {change.after} already")
        else:
            click.echo(f"the store was migrated from revision {change.before} to {change.after}")


@contextlib.contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    """
    The store of *settings*, which must exist.

    It is not migrated: whoever looks has stopped nothing, and saved nothing, before.

    Raises:
        ForeignStoreError: if what is there is something else's.
        NewerStoreError: if a later version made it.
        OlderStoreError: if an earlier one did.
        UsageError: if there is none yet.
    """
    store = open_store(settings.database_url, seconds=settings.store_seconds)
    try:
        if not store.is_current():
            raise UsageError("there is no inbox yet where DATABASE_URL points")
        yield store
    finally:
        store.close()


#: All of them, in no order: help lists commands by name.
COMMANDS = (replay_webhook, discard_webhook, prune, stats, migrate)
