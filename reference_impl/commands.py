"""
The commands of the receiver, named after the guide's (`calcom:replay-webhook` and so on).

Whatever is wrong is said in one sentence: with exit code 2 where a person has to mend it, and with
75 where it may pass, so that whoever supervises the process starts it again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from sqlalchemy.exc import SQLAlchemyError

from reference_impl import instants, logs, signature, spelling, terminal
from reference_impl.clock import Clock
from reference_impl.counts import NUMBERS, counted
from reference_impl.listening import CannotListenError, CannotStartError
from reference_impl.settings import BadSettingsError, Settings
from reference_impl.store import Store, open_store
from reference_impl.store.schema import NewerStoreError
from reference_impl.upkeep import CannotReplayError, Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.group()
def application() -> None:
    """The reference receiver of Cal.com webhooks."""
    logs.configure()


_DAY = 86_400_000_000

#: Exit codes: of trouble that may pass, of store, address or files (EX_TEMPFAIL); and interrupted.
_MAY_PASS, _INTERRUPTED = 75, 130

#: The widest column, in characters.
_WIDEST = 40

#: Days within which a redelivery is recognised, whatever `prune` is told.
_RECOGNISED_DAYS = 30
_MOST_DAYS = 36_500

#: What every delivery of Cal.com carries beside its signature.
_VERSION = "2021-10-20"


class UsageError(Exception):
    """The command was used wrongly; the message is one sentence."""


@contextlib.contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn trouble that is not ours into one sentence and its exit code."""
    try:
        yield
    except KeyboardInterrupt:
        _end("interrupted", _INTERRUPTED)
    except (BadSettingsError, CannotReplayError, NewerStoreError, UsageError) as problem:
        _end(str(problem))
    except SQLAlchemyError as problem:
        cause = getattr(problem, "orig", None)
        if getattr(cause, "sqlite_errorname", None) == "SQLITE_NOTADB":
            _end("DATABASE_URL names a file that is no SQLite database")
        # A server's reasons are several lines, of which those that say DETAIL quote values.
        reason = str(cause or "see DATABASE_URL").partition("DETAIL:")[0]
        _end(f"the store cannot be used: {' '.join(reason.split())}", _MAY_PASS)
    except (CannotListenError, CannotStartError) as problem:
        _end(str(problem), _MAY_PASS)
    except OSError as problem:
        if not problem.filename:
            # Our output, then, which `main` sees to: what is held still would fail once more.
            raise
        _end(_trouble(problem), _MAY_PASS)


def _trouble(problem: OSError) -> str:
    reason = (problem.strerror or type(problem).__name__).lower()
    return f"cannot use {problem.filename!r}: {reason}" if problem.filename else reason


def _end(sentence: str, code: int = 2) -> NoReturn:
    click.echo(f"reference-receiver: {sentence}", err=True)
    raise click.exceptions.Exit(code)


@application.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port; 0 is a free one.",
)
@click.option(
    "--worker/--no-worker",
    default=True,
    show_default=True,
    help="Process deliveries in this process too.",
)
@click.option("--certfile", help="Certificate to show, with its chain, in PEM.")
@click.option("--keyfile", help="The certificate's key, in PEM.")
@click.option("--testing", is_flag=True, help="Offer the probe and the provider states.")
def serve(
    *,
    host: str,
    port: int,
    worker: bool,
    certfile: str | None,
    keyfile: str | None,
    testing: bool,
) -> None:
    """Receive deliveries."""
    from reference_impl import serving  # noqa: PLC0415 - the other commands need no server

    with _one_sentence():
        settings = _settings_to_run_with()
        if certfile is not None or keyfile is not None:
            settings = dataclasses.replace(settings, certfile=certfile or "", keyfile=keyfile or "")
        serving.serve(settings, host=host, port=port, worker=worker, testing=testing)


@application.command()
def worker() -> None:
    """Process deliveries that other processes accept."""
    from reference_impl import serving  # noqa: PLC0415 - the other commands need no server

    with _one_sentence():
        serving.work(_settings_to_run_with())


def _settings_to_run_with() -> Settings:
    """The settings of a process that is to run, and a word in its log about what is none."""
    spelling.warn(os.environ)
    return Settings.from_environment()


@application.command("test-webhook-signature")
@click.option("--payload", help="The body, as text.")
@click.option("--file", type=click.Path(path_type=Path), help="A file that holds the body.")
def show_signature(payload: str | None, file: Path | None) -> None:
    """Print the headers that a delivery of a body would carry."""
    with _one_sentence():
        settings = Settings.from_environment()
        if (payload is None) == (file is None):
            raise UsageError("give the body by either --payload or --file")
        if not settings.secret:
            raise UsageError("CALCOM_WEBHOOK_SECRET is not set: there is nothing to sign with")
        body = _content(file) if file is not None else os.fsencode(payload or "")
        click.echo("Content-Type: application/json")
        click.echo(f"X-Cal-Signature-256: {signature.digest(body, settings.secret).decode()}")
        click.echo(f"X-Cal-Webhook-Version: {_VERSION}")


def _content(file: Path) -> bytes:
    """
    What is in *file*.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as problem:
        raise UsageError(_trouble(problem)) from None


@application.command()
@click.option("--id", "id_", help="One delivery: the row's id, or the webhook id.")
@click.option("--since", help="All received since then, as 2026-07-14 or 2026-07-14T09:00:00Z.")
@click.option("--failed", is_flag=True, help="All dead letters.")
@click.option("--dry-run", is_flag=True, help="Only say which.")
def replay_webhook(*, id_: str | None, since: str | None, failed: bool, dry_run: bool) -> None:
    """Process deliveries once more; what took effect before has no second effect."""
    with _one_sentence():
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
            replayed = upkeep.replay_all(since=after, failed=failed, dry_run=dry_run)
        verb = "waits" if replayed.again == 1 else "wait"
        click.echo(f"{_deliveries(replayed.again)} {_would(verb, dry_run)} to be processed")
        if replayed.pruned:
            click.echo(f"{_deliveries(replayed.pruned)} left alone: pruned")


@application.command()
@click.option("--id", "id_", required=True, help="The row's id, or the webhook id.")
def discard_webhook(id_: str) -> None:
    """Give up a dead letter: it is not replayed with --failed any more, and may be pruned."""
    with _one_sentence():
        settings = Settings.from_environment()
        with _store(settings) as store:
            webhook_id = Upkeep(settings, store, _now(store)).discard(id_)
        click.echo(f"dead letter {webhook_id} is discarded")


@application.command()
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
def prune(*, older_than: int, forget_after: int | None, dry_run: bool) -> None:
    """Forget the payloads of deliveries that are long over; redeliveries are still recognised."""
    with _one_sentence():
        settings = Settings.from_environment()
        with _store(settings) as store:
            now = _now(store)
            pruned = Upkeep(settings, store, now).prune(
                before=now - older_than * _DAY,
                forget_before=None if forget_after is None else now - forget_after * _DAY,
                dry_run=dry_run,
            )
        told = f"payloads of {_deliveries(pruned.deliveries)} and {pruned.notices} notices"
        click.echo(f"{told} {'would be' if dry_run else 'were'} removed")
        if forget_after is not None:
            verb = "would be" if dry_run else "was"
            click.echo(f"of {_deliveries(pruned.forgotten)} everything {verb} removed")


@application.command()
@click.option("--url", help="The URL that Cal.com is to deliver to; else RECEIVER_PUBLIC_URL.")
@click.option(
    "--event-type",
    type=click.IntRange(1),
    help="Look at the subscriptions of this event type.",
)
@click.option("--team", type=click.IntRange(1), help="The event type's team.")
@click.option(
    "--organization",
    type=click.IntRange(1),
    help="Look at the subscriptions of this organization.",
)
def verify_webhooks(
    url: str | None, event_type: int | None, team: int | None, organization: int | None
) -> None:
    """Ask Cal.com's API whether the subscription is as this receiver needs it."""
    from reference_impl import calcom_api, subscriptions  # noqa: PLC0415 - others need no client

    with _one_sentence():
        settings = Settings.from_environment()
        wanted = url or settings.public_url
        if not wanted:
            raise UsageError(
                "give --url or set RECEIVER_PUBLIC_URL: which URL is to be looked for?"
            )
        if subscriptions.address(wanted) is None:
            raise UsageError("the URL to look for must be one, as https://receiver.example/path")
        if not settings.api_key.strip():
            raise UsageError("CALCOM_API_KEY is not set: make a key in Cal.com's settings")
        if not settings.secret:
            raise UsageError("CALCOM_WEBHOOK_SECRET is not set: there is nothing to compare with")
        if (event_type and organization) or (team and not event_type):
            raise UsageError("give --event-type, with --team if it is a team's, or --organization")
        scope = calcom_api.Scope(event_type, team, organization)
        try:
            api = calcom_api.CalcomApi(settings.api_url, settings.api_key.strip())
            found = api.subscriptions(scope)
        except calcom_api.UnsafeApiUrlError as problem:
            raise UsageError(str(problem)) from None
        except calcom_api.ApiError as problem:
            _end(str(problem), 3)
    findings = subscriptions.judge(found, wanted, settings.secret, settings.previous_secret)
    for finding in findings:
        click.echo(f"{finding.grade.value:<6} {finding.sentence}")
    if any(finding.grade is subscriptions.Grade.WRONG for finding in findings):
        raise click.exceptions.Exit(1)


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


def _would(verb: str, dry_run: bool) -> str:
    return f"would {verb.removesuffix('s')}" if dry_run else verb


def _deliveries(count: int) -> str:
    return f"{count} {'delivery' if count == 1 else 'deliveries'}"


@application.command()
def stats() -> None:
    """Show counts and durations per trigger, of attempts and of tries: a replay is a try more."""
    with _one_sentence(), _store(Settings.from_environment()) as store:
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


@application.command()
def migrate() -> None:
    """Bring the store to where this program needs it; `serve` and `worker` do so by themselves."""
    with _one_sentence():
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

    Raises:
        UsageError: if there is none yet.
    """
    store = open_store(settings.database_url, seconds=settings.store_seconds)
    try:
        if not store.exists():
            raise UsageError("there is no inbox yet where DATABASE_URL points")
        store.create()
        yield store
    finally:
        store.close()


def main() -> None:
    """Run the command that the process was started with."""
    try:
        with terminal.unread():
            application()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except OSError as problem:
        terminal.drop()
        click.echo(f"reference-receiver: {_trouble(problem)}", err=True)
        sys.exit(_MAY_PASS)
