"""How the commands of this distribution tell which one it is."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import typer


def version_of(command: str) -> Any:
    """The option `--version` of *command*: it says which one it is, and ends it."""

    def show(asked: bool) -> None:
        if asked:
            typer.echo(f"{command} {metadata.version('calcontract')}")
            raise typer.Exit

    return typer.Option(
        "--version", is_eager=True, callback=show, help="Show the version and exit."
    )
