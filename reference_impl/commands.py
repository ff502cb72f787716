"""
The commands of the receiver, named after the guide's (`calcom:replay-webhook` and so on).

Whatever is wrong with how a command was used is said in one sentence, with exit code 2.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from reference_impl import signature
from reference_impl.clock import Clock
from reference_impl.inbox import Inbox
from reference_impl.settings import BadSettingsError, Settings
from reference_impl.store import Store, rows
from reference_impl.tables import webhook_events, webhook_stats

if TYPE_CHECKING:
    from collections.abc import Iterator

application = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The reference receiver of Cal.com webhooks.",
)

#: What every delivery of Cal.com carries beside its signature.
_VERSION = "2021-10-20"


class UsageError(Exception):
    """The command was used wrongly; the message is one sentence."""


@contextlib.contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn what the operator can mend into one sentence and exit code 2."""
    try:
        yield
    except (BadSettingsError, UsageError) as problem:
        _end(str(problem))
    except SQLAlchemyError as problem:
        _end(f"the store cannot be used: {getattr(problem, 'orig', None) or 'see DATABASE_URL'}")
    except OSError as problem:
        _end(str(problem))


def _end(sentence: str) -> None:
    typer.echo(f"reference-receiver: {sentence}", err=True)
    raise typer.Exit(2)


@application.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 is a free one.")] = 8000,
    worker: Annotated[bool, typer.Option(help="Process deliveries in this process too.")] = True,
    testing: Annotated[
        bool, typer.Option("--testing", help="Offer the probe and the provider states.")
    ] = False,
) -> None:
    """Receive deliveries."""
    from reference_impl import serving  # noqa: PLC0415 - the other commands need no server

    with _one_sentence():
        settings = Settings.from_environment()
        serving.serve(settings, host=host, port=port, worker=worker, testing=testing)


@application.command()
def worker() -> None:
    """Process deliveries that other processes accept."""
    from reference_impl import serving  # noqa: PLC0415 - the other commands need no server

    with _one_sentence():
        serving.work(Settings.from_environment())


@application.command("test-webhook-signature")
def show_signature(
    payload: Annotated[str | None, typer.Option(help="The body, as text.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file that holds the body.")] = None,
) -> None:
    """Print the headers that a delivery of a body would carry."""
    with _one_sentence():
        settings = Settings.from_environment()
        if (payload is None) == (file is None):
            raise UsageError("give the body by either --payload or --file")
        if not settings.secret:
            raise UsageError("CALCOM_WEBHOOK_SECRET is not set: there is nothing to sign with")
        body = file.read_bytes() if file is not None else os.fsencode(payload or "")
        typer.echo("Content-Type: application/json")
        typer.echo(f"X-Cal-Signature-256: {signature.digest(body, settings.secret).decode()}")
        typer.echo(f"X-Cal-Webhook-Version: {_VERSION}")


@application.command()
def replay_webhook(
    id_: Annotated[str, typer.Option("--id", help="The row's id, or the webhook id.")],
) -> None:
    """Process a delivery once more; what took effect before has no second effect."""
    with _one_sentence():
        settings = Settings.from_environment()
        with _store(settings) as store:
            webhook_id = _replay(settings, store, id_)
        typer.echo(f"delivery {webhook_id} waits to be processed")


def _replay(settings: Settings, store: Store, given: str) -> str:
    columns = webhook_events.c
    # 18 digits: any longer number is no row's.
    is_row = given.isascii() and given.isdigit() and len(given) <= 18
    matches = columns.id == int(given) if is_row else columns.webhook_id == given.lower()
    now = Clock().now()
    with store.write() as connection:
        row = connection.execute(select(webhook_events).where(matches)).mappings().first()
        if row is None:
            raise UsageError(f"there is no delivery {given!r} in the inbox")
        if row["state"] == "processing":
            raise UsageError(f"delivery {given!r} is being processed; nothing to replay")
        inbox = Inbox(settings, store, lambda _: None)
        connection.execute(
            update(webhook_events)
            .where(columns.id == row["id"])
            .values(
                state="waiting",
                tries=0,
                interruptions=0,
                due_at=now,
                rank=inbox.rank(row["event_type"], now),
                reason=None,
                finished_at=None,
            )
        )
    return str(row["webhook_id"])


@application.command()
def stats() -> None:
    """Show counts and durations per trigger."""
    with _one_sentence(), _store(Settings.from_environment()) as store:
        with store.read() as connection:
            counted = rows(connection, select(webhook_stats).order_by(webhook_stats.c.event_type))
        names = ("received", "duplicates", "done", "failed", "dead")
        total: dict[str, Any] = {name: sum(row[name] for row in counted) for name in names}
        seconds = sum(row["seconds_total"] for row in counted)
        total |= {"event_type": "total", "seconds_total": seconds, "seconds_last": 0.0}
        width = max(len(row["event_type"]) for row in [*counted, total])
        typer.echo("  ".join(["trigger".ljust(width), *names, "mean ms", "last ms"]))
        for row in [*counted, total]:
            cells = [str(row["event_type"]).ljust(width)]
            cells += [str(row[name]).rjust(len(name)) for name in names]
            mean = row["seconds_total"] / row["done"] if row["done"] else 0.0
            cells += [f"{mean * 1000:.1f}".rjust(7), f"{row['seconds_last'] * 1000:.1f}".rjust(7)]
            typer.echo("  ".join(cells))


@contextlib.contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    """
    The store of *settings*, which must exist.

    Raises:
        UsageError: if there is none yet.
    """
    path = settings.database_url.removeprefix("sqlite:///")
    if not Path(path).is_file():
        raise UsageError("there is no inbox yet: the file that DATABASE_URL names does not exist")
    store = Store(settings.database_url, seconds=settings.store_seconds)
    try:
        store.create()
        yield store
    finally:
        store.close()


def main() -> None:
    """Run the command that the process was started with."""
    try:
        application()
    except KeyboardInterrupt:
        sys.exit(130)
