"""
The load test from the command line: locust in a process of its own.

Importing locust patches the standard library, so it is never imported here; it is started with its
settings in the environment, and what it measured is read from the file it leaves.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from calcontract import resources, smoke
from calcontract.errors import CalcontractError, Exit, UsageError
from calcontract.report.folder import unwritable
from calcontract.settings import Settings
from calcontract.target import Target

#: The variable in which the secret is handed over: never in an argument list.
_SECRET = "CALCONTRACT_LOAD_SECRET"  # noqa: S105 - a name, no secret

#: What locust may take besides the test itself, in seconds.
_START_AND_STOP = 60.0

#: What locust leaves behind.
_DOCUMENT = "load.json"


def run(told: Settings, *, rate: float, duration: float, shares: Mapping[str, float]) -> Exit:
    """
    One load test on the receiver of *told*; prints what was measured.

    Args:
        told: the settings; a folder for reports receives `load.json`.
        rate: arrivals per second.
        duration: in seconds.
        shares: of `redeliveries`, `reschedules` and `cancellations`, from 0 to 1.

    Raises:
        UsageError: if that receiver may not be tested, or the settings make no sense.
        SetupError: if it does not take an ordinary delivery.
        CalcontractError: if locust fails.
    """
    told.permit()
    seed = told.seed if told.seed is not None else secrets.randbelow(10**6)
    target = Target(told, seed=seed)
    smoke.look(target)
    with tempfile.TemporaryDirectory(prefix="calcontract-") as folder:
        environment = _environment(target, rate, duration, shares) | {"CALCONTRACT_REPORT": folder}
        command = (
            *(sys.executable, "-m", "locust", "-f", str(resources.room("load") / "locustfile.py")),
            *("--headless", "--only-summary", "--loglevel", "ERROR"),
        )
        try:
            ended = subprocess.run(  # noqa: S603 - our own command
                command,
                env=environment,
                # Away from a locust.conf that is not meant for us.
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=duration + told.budget + _START_AND_STOP,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CalcontractError(
                "the load test did not come to its end", hint="ask for less"
            ) from None
        document = Path(folder) / _DOCUMENT
        if not document.is_file():
            raise _failure(ended)
        measured: dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))
        _keep(document, told.report)
    for line in measured["lines"]:
        typer.echo(line)
    return Exit(measured["exitCode"])


def _environment(
    target: Target, rate: float, duration: float, shares: Mapping[str, float]
) -> dict[str, str]:
    """Our environment without anybody's settings of locust, with those of the test."""
    told = target.settings
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return kept | {
        "CALCONTRACT_TARGET": target.url,
        "CALCONTRACT_SECRET_ENV": _SECRET,
        _SECRET: target.secret,
        "CALCONTRACT_PROFILE": told.profile,
        "CALCONTRACT_BUDGET": str(told.budget),
        "CALCONTRACT_SEED": str(target.seed),
        "CALCONTRACT_I_MAY_TEST": told.i_may_test or "",
        "CALCONTRACT_INSECURE_HTTP": str(told.insecure_http),
        "CALCONTRACT_LOAD_RATE": str(rate),
        "CALCONTRACT_LOAD_DURATION": str(duration),
        **{f"CALCONTRACT_LOAD_{name.upper()}": str(share) for name, share in shares.items()},
    }


def _failure(ended: subprocess.CompletedProcess[str]) -> CalcontractError:
    words = [line for line in ended.stderr.splitlines() if line.strip()] or ["it said nothing"]
    if ended.returncode == Exit.USAGE and words[-1].startswith("load: "):
        return UsageError(words[-1].removeprefix("load: "))
    return CalcontractError(f"locust failed: {words[-1]}", hint="report this")


def _keep(document: Path, folder: Path | None) -> None:
    """
    Copy *document* into the *folder* for reports, if there is one.

    Raises:
        UsageError: if it cannot be written.
    """
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(document, folder / _DOCUMENT)
    except OSError as error:
        raise unwritable(folder, error) from None
