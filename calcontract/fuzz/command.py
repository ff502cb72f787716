"""The hunt from the command line: progress is silence, the outcome is text."""

from __future__ import annotations

import secrets

import typer

from calcontract.errors import Exit
from calcontract.fuzz import words
from calcontract.fuzz.hunt import Hunt
from calcontract.settings import Settings
from calcontract.target import Target


def run(told: Settings, *, examples: int, seconds: float) -> Exit:
    """
    One hunt on the receiver of *told*; prints what was found.

    Raises:
        UsageError: if that receiver may not be tested, or no secret is given.
        SetupError: if it does not take an ordinary delivery.
    """
    told.permit()
    seed = told.seed if told.seed is not None else secrets.randbelow(10**6)
    target = Target(told, seed=seed)
    result = Hunt(target, examples=examples, seconds=seconds).run()
    for finding in result.findings.values():
        typer.echo(words.letter(finding, result, target.url))
        typer.echo()
    for line in words.summary(result):
        typer.echo(line)
    return result.exit_code
