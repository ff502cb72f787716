"""
The commands of the receiver, named after the guide's (`calcom:replay-webhook` and so on).

Here are those that run it and that ask whether it is set up right; `inbox_commands` has the rest.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import click

from reference_impl import logs, signature, spelling, terminal
from reference_impl.sentences import (
    MAY_PASS,
    UsageError,
    end,
    one_sentence,
    trouble,
)
from reference_impl.settings import Settings


class _Commands(click.Group):
    """All commands; those about the inbox are loaded only for whoever asks for one of them."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in self.commands:
            self._load()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all."""
        self._load()
        return super().list_commands(ctx)

    def _load(self) -> None:
        from reference_impl import inbox_commands  # noqa: PLC0415 - what serves needs none of them

        for command in inbox_commands.COMMANDS:
            self.add_command(command)


@click.group(cls=_Commands)
@click.version_option(
    package_name="calcontract", prog_name="reference-receiver", message="%(prog)s %(version)s"
)
def application() -> None:
    """The reference receiver of Cal.com webhooks."""
    logs.configure()


#: What every delivery of Cal.com carries beside its signature.
_VERSION = "2021-10-20"


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

    with one_sentence():
        settings = _settings_to_run_with()
        if certfile is not None or keyfile is not None:
            settings = dataclasses.replace(settings, certfile=certfile or "", keyfile=keyfile or "")
        serving.serve(settings, host=host, port=port, worker=worker, testing=testing)


@application.command()
def worker() -> None:
    """Process deliveries that other processes accept."""
    from reference_impl import serving  # noqa: PLC0415 - the other commands need no server

    with one_sentence():
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
    with one_sentence():
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
        raise UsageError(trouble(problem)) from None


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

    with one_sentence():
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
            end(str(problem), 3)
    findings = subscriptions.judge(found, wanted, settings.secret, settings.previous_secret)
    for finding in findings:
        click.echo(f"{finding.grade.value:<6} {finding.sentence}")
    if any(finding.grade is subscriptions.Grade.WRONG for finding in findings):
        raise click.exceptions.Exit(1)


def main() -> None:
    """Run the command that the process was started with."""
    try:
        with terminal.unread():
            application()
    except OSError as problem:
        terminal.drop()
        click.echo(f"reference-receiver: {trouble(problem)}", err=True)
        sys.exit(MAY_PASS)
