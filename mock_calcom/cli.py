"""
The command line of the mock: send an occurrence, sign a body, list the triggers.

Exit codes: 0 acknowledged or done, 1 not acknowledged, 2 used wrongly, 3 target unreachable,
4 output cannot be written.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import random
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mock_calcom import attempts, delivery, faults, signature, triggers, wire
from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.numbers import LARGEST_SEED, LONGEST
from mock_calcom.options import a_number
from mock_calcom.people import People
from mock_calcom.profiles import DEFAULT, PROFILES
from mock_calcom.secrecy import MASK
from mock_calcom.sender import Attempt, Sender
from mock_calcom.terminal import written
from mock_calcom.versions import version_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_calcom.delivery import Delivery
    from mock_calcom.occurrences import Occurrence
    from mock_calcom.profiles import Profile

ACKNOWLEDGED = 0
NOT_ACKNOWLEDGED = 1
MISUSED = 2
UNREACHABLE = 3
UNWRITTEN = 4

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # A traceback would show local variables, and the secret is one.
    pretty_exceptions_enable=False,
    help="Plays Cal.com: sends its webhooks exactly as it would.",
    epilog="Exit codes: 0 acknowledged or done, 1 not acknowledged, 2 used wrongly, "
    "3 target unreachable, 4 output cannot be written.",
)

#: The faults of the transport, beside those of `faults.FAULTS`.
_TRANSPORTS: dict[str, Callable[[Delivery, float], Attempt]] = {
    "torn": lambda d, timeout: wire.torn(d, len(d.body) // 2, timeout=timeout),
    "slow": lambda d, timeout: wire.slow(d, timeout=timeout),
    "chunked": lambda d, timeout: wire.chunked(d, timeout=timeout),
    "truncated": lambda d, timeout: wire.truncated(d, len(d.body) // 2, timeout=timeout),
    "abandoned": lambda d, timeout: wire.abandoned(d, timeout=timeout),
}

#: The faults that lie in how often and when it is sent.
_REPETITIONS = ("duplicated", "at-once")

_FAULTS = ", ".join(sorted((*faults.FAULTS, *_TRANSPORTS, *_REPETITIONS)))

SecretEnv = Annotated[
    str | None, typer.Option(metavar="NAME", help="The environment variable with the secret.")
]
SecretFile = Annotated[Path | None, typer.Option(metavar="FILE", help="The file with the secret.")]


@app.callback()
def _version(*, _asked: Annotated[bool, version_of("mock-calcom")] = False) -> None:
    """Carry the option that belongs to no command."""


@app.command()
def send(
    trigger: Annotated[str, typer.Argument(help="The trigger, such as BOOKING_CREATED.")],
    to: Annotated[str, typer.Option(metavar="URL", help="The receiver's subscriber URL.")],
    *,
    secret_env: SecretEnv = None,
    secret_file: SecretFile = None,
    profile: Annotated[
        str, typer.Option(help=f"Which sender to be, of {', '.join(PROFILES)}.")
    ] = DEFAULT.name,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_SEED, help="Makes people and ids repeatable."),
    ] = None,
    times: Annotated[
        int, typer.Option(min=1, max=1000, help="How often to send the same bytes.")
    ] = 1,
    fault: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"What to disturb, of {_FAULTS}.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, max=LONGEST, callback=a_number, help="Seconds per attempt.")
    ] = wire.BUDGET,
) -> None:
    """Send one occurrence of TRIGGER, signed, and say what the receiver answered."""
    sender = _profile(profile)
    secret = _secret(secret_env, secret_file)
    MASK.learn_url(to)
    subscription = delivery.Subscription(to, secret, profile=sender)
    occurrence = _occurrence(trigger, sender, seed)
    if secret is None:
        typer.echo(f"no secret given: signed as {signature.UNSIGNED!r}", err=True)
    try:
        made = _made(occurrence, subscription, fault, times, timeout)
    except ValueError as error:
        _misuse(str(error))
    for attempt in made:
        typer.echo(_told(attempt))
    # Within the retries of one delivery Cal.com heeds the last answer; otherwise each one counts.
    retried = fault is None and times == 1
    raise typer.Exit(_exit_code(made[-1:] if retried else made))


@app.command()
def sign(
    file: Annotated[str, typer.Argument(help="The body to sign; - is standard input.")],
    secret_env: SecretEnv = None,
    secret_file: SecretFile = None,
) -> None:
    """Print the signature that Cal.com sends with the bytes of FILE."""
    secret = _secret(secret_env, secret_file)
    if secret is None:
        _misuse("signing needs a secret: name it with --secret-env or --secret-file")
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        _misuse(f"cannot read {file!r}: {error.strerror}")
    typer.echo(signature.sign(body, secret))


@app.command(name="triggers")
def list_triggers(
    profile: Annotated[str, typer.Option(help="Which sender's.")] = DEFAULT.name,
) -> None:
    """List the triggers that a sender knows."""
    for name in (*_profile(profile).triggers, triggers.PING):
        typer.echo(name)


def main() -> None:
    """Run the command line."""
    with written("mock-calcom", UNWRITTEN):
        app(prog_name="mock-calcom")


# --- reading what was asked for ------------------------------------------------------------------


def _misuse(sentence: str) -> NoReturn:
    typer.echo(f"mock-calcom: {sentence}", err=True)
    raise typer.Exit(MISUSED)


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        _misuse(f"unknown profile {name!r}; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def _secret(env: str | None, file: Path | None) -> str | None:
    secret = _read(env, file)
    MASK.learn(secret)
    return secret


def _read(env: str | None, file: Path | None) -> str | None:
    if env and file:
        _misuse("give the secret by --secret-env or by --secret-file, not by both")
    if env:
        secret = os.environ.get(env, "")
        if not secret:
            # What does not look like a name may be the secret itself, given by mistake.
            shown = repr(env) if re.fullmatch("[A-Z_][A-Z0-9_]*", env) else "that you name"
            _misuse(
                f"the environment variable {shown} is not set or empty; "
                "--secret-env takes the name of a variable, not the secret"
            )
        if any(0xD800 <= ord(letter) <= 0xDFFF for letter in secret):
            _misuse(f"the environment variable {env!r} is not UTF-8 text")
        return secret
    if file is None:
        return None
    try:
        secret = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        _misuse(f"cannot read the secret from {str(file)!r}: {reason}")
    if not secret:
        _misuse(f"the file {str(file)!r} holds no secret")
    return secret


def _occurrence(trigger: str, profile: Profile, seed: int | None) -> Occurrence:
    chance = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 -- made-up ids
    number = chance.getrandbits(32) if seed is None else seed
    calendar = Calendar(People(number), Ids(chance), profile)
    try:
        return calendar.any_of(trigger, dt.datetime.now(dt.UTC))
    except ValueError as error:
        near = difflib.get_close_matches(trigger.upper(), (*profile.triggers, triggers.PING), n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        _misuse(f"{error}; {meant}`mock-calcom triggers --profile {profile.name}` lists them")


# --- sending -------------------------------------------------------------------------------------


def _made(
    occurrence: Occurrence,
    subscription: delivery.Subscription,
    fault: str | None,
    times: int,
    timeout: float,
) -> list[Attempt]:
    """
    The attempts that were asked for.

    Raises:
        ValueError: if the fault is unknown or does not fit, or the URL cannot be posted to.
    """
    honest = delivery.compose(occurrence, subscription)
    sender = Sender(timeout)
    if fault == "at-once":
        return sender.volley(faults.redelivered(honest, max(times, 2)))
    if fault in _TRANSPORTS:
        return [_TRANSPORTS[fault](honest, timeout) for _ in range(times)]
    if fault == "duplicated":
        twins = (honest, faults.duplicate(occurrence, subscription))
        return [sender.attempt(twin) for _ in range(times) for twin in twins]
    if fault is None and times == 1:
        return sender.deliver(honest, subscription.profile)
    if fault is None:
        return [sender.attempt(honest) for _ in range(times)]
    if fault not in faults.FAULTS:
        raise ValueError(f"unknown fault {fault!r}; there are {_FAULTS}")
    spoiled = faults.FAULTS[fault](honest)
    return [sender.attempt(spoiled) for _ in range(times)]


#: What the name of a problem leaves open.
_WHY = {
    attempts.CONNECTION: "connection: nobody listens there, or no such host is known",
    attempts.TLS: "tls: the certificate or the handshake was refused",
}


def _told(attempt: Attempt) -> str:
    """One line about an attempt."""
    sent = attempt.delivery
    what = f"{sent.trigger} {sent.uid or ''}".rstrip()
    if attempt.answer is None:
        why = _WHY.get(attempt.problem or "", attempt.problem)
        return f"{what}: no answer ({why}) after {attempt.seconds:.3f} s"
    verdict = "acknowledged" if attempt.acknowledged else "refused" if attempt.refused else "failed"
    return f"{what}: {attempt.answer.status} ({verdict}) after {attempt.answer.seconds:.3f} s"


def _exit_code(made: list[Attempt]) -> int:
    if any(attempt.problem in {attempts.CONNECTION, attempts.TLS} for attempt in made):
        return UNREACHABLE
    everywhere = all(attempt.acknowledged for attempt in made)
    return ACKNOWLEDGED if everywhere else NOT_ACKNOWLEDGED
