"""The hunt from the command line: progress is silence, the outcome is text."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator

import typer
from hypothesis import configuration

from calcontract.errors import CalcontractError, Exit
from calcontract.fuzz import words
from calcontract.fuzz.hunt import Hunt
from calcontract.settings import Settings
from calcontract.target import Target


@contextlib.contextmanager
def _no_traces() -> Iterator[None]:
    """Keep hypothesis from leaving a folder where the command was started."""
    with tempfile.TemporaryDirectory(prefix="calcontract-") as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(None)


def run(told: Settings, *, examples: int, seconds: float) -> Exit:
    """
    One hunt on the receiver of *told*; prints what was found.

    Raises:
        UsageError: if that receiver may not be tested, or no secret is given.
        SetupError: if it does not take an ordinary delivery.
        CalcontractError: if something is wrong with us.
    """
    told.permit()
    seed = told.seed if told.seed is not None else secrets.randbelow(10**6)
    target = Target(told, seed=seed)
    try:
        with _no_traces():
            result = Hunt(target, examples=examples, seconds=seconds).run()
    except CalcontractError:
        raise
    except Exception as error:
        # It would end with 1 otherwise, and be taken for a finding.
        raise CalcontractError(
            f"the hunt itself failed ({type(error).__name__})",
            hint=f"report this with the seed {seed}",
        ) from error
    for finding in result.findings.values():
        typer.echo(words.letter(finding, result, told))
        typer.echo()
    for line in words.summary(result):
        typer.echo(line)
    return result.exit_code
