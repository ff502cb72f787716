"""
The commands of the receiver, named after the guide's (`calcom:replay-webhook` and so on).

Here are those that run it; `inbox_commands` and `subscription_commands` have the others.
"""

from __future__ import annotations

import dataclasses
import os
import sys

import click

from reference_impl import logs, spelling, terminal
from reference_impl.sentences import (
    MAY_PASS,
    one_sentence,
    trouble,
)
from reference_impl.settings import Settings


class _Commands(click.Group):
    """All commands; those that do not run the receiver are loaded only when one is asked for."""

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
        # What serves needs none of them.
        from reference_impl import inbox_commands, subscription_commands  # noqa: PLC0415

        for command in (*inbox_commands.COMMANDS, *subscription_commands.COMMANDS):
            self.add_command(command)


@click.group(cls=_Commands)
@click.version_option(
    package_name="calcontract", prog_name="reference-receiver", message="%(prog)s %(version)s"
)
def application() -> None:
    """The reference receiver of Cal.com webhooks."""
    logs.configure()


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


def main() -> None:
    """Run the command that the process was started with."""
    # What it makes holds what guests have written: others on the machine have no business with it.
    os.umask(os.umask(0) | 0o007)
    try:
        with terminal.unread():
            application()
    except OSError as problem:
        terminal.drop()
        click.echo(f"reference-receiver: {trouble(problem)}", err=True)
        sys.exit(MAY_PASS)
