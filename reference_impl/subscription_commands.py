"""The commands about the subscription in Cal.com: is it right, and what would it send?"""

from __future__ import annotations

import os
from pathlib import Path

import click

from reference_impl import signature
from reference_impl.sentences import UsageError, end, one_sentence, trouble
from reference_impl.settings import Settings

#: What every delivery of Cal.com carries beside its signature.
_VERSION = "2021-10-20"


@click.command("test-webhook-signature")
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


@click.command()
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
        except calcom_api.UnusableSettingError as problem:
            raise UsageError(str(problem)) from None
        except calcom_api.ApiError as problem:
            end(str(problem), 3)
    findings = subscriptions.judge(found, wanted, settings.secret, settings.previous_secret)
    for finding in findings:
        click.echo(f"{finding.grade.value:<6} {finding.sentence}")
    if any(finding.grade is subscriptions.Grade.WRONG for finding in findings):
        raise click.exceptions.Exit(1)


#: All of them.
COMMANDS = (show_signature, verify_webhooks)
