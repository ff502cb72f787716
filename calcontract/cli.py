"""
Checks a receiver of Cal.com webhooks against the contract, clause by clause.

Exit codes: 0 conforms in its scope, 1 violates, 2 used wrongly, 3 target unreachable or set-up
failed, 4 a MUST of the scope could not be verified, 5 the suite itself failed, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from calcontract import catalogue, reference, settings, several
from calcontract.errors import CalcontractError, Exit, UsageError
from calcontract.fuzz import EXAMPLES, SECONDS
from calcontract.layers import SECRET_SOURCES
from calcontract.process import Process
from calcontract.report import letters
from mock_calcom.interrupts import loading
from mock_calcom.options import a_number
from mock_calcom.terminal import written
from mock_calcom.versions import version_of

#: Settings that say something of a receiver that is named.
_OF_A_RECEIVER = (*SECRET_SOURCES, "probe", "states", "start", "log")

application = typer.Typer(
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# --- options that several commands share ---------------------------------------------------------

Url = Annotated[
    str | None, typer.Argument(help="The receiver's URL; without it the reference receiver.")
]
SecretEnv = Annotated[
    str | None, typer.Option(help="Environment variable that holds the shared secret.")
]
SecretFile = Annotated[Path | None, typer.Option(help="File that holds the shared secret.")]
Secret = Annotated[
    str | None, typer.Option(help="The secret itself; other users of the machine can read it.")
]
Budget = Annotated[
    float | None, typer.Option(help="Seconds to acknowledge a delivery.  [default: 30]")
]
Seed = Annotated[int | None, typer.Option(help="Of order and people; a random one by default.")]
MayTest = Annotated[
    str | None, typer.Option(help="The host, if it is another machine that you may test.")
]
CaFile = Annotated[Path | None, typer.Option(help="Authority to trust, as certificates.")]
InsecureHttp = Annotated[
    bool | None, typer.Option("--insecure-http", help="Allow plain http to another machine.")
]


def _settings(given: Mapping[str, Any], *, without: Collection[str] = ()) -> dict[str, Any]:
    """The settings among the arguments *given* to a command, those *without* left to it."""
    named = settings.Settings.model_fields.keys() - set(without)
    return {"target": given["url"], **{name: given[name] for name in named if name in given}}


@contextlib.contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn an error of ours into one sentence and its exit code."""
    try:
        yield
    except CalcontractError as error:
        typer.echo(f"calcontract: {error}", err=True)
        raise typer.Exit(int(error.exit_code)) from None
    except KeyboardInterrupt:
        typer.echo(
            "calcontract: the run was interrupted; nothing is said of the receiver", err=True
        )
        raise typer.Exit(int(Exit.INTERRUPTED)) from None


@contextlib.contextmanager
def _target(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """*options* with a target: the one that was named, or the reference receiver."""
    with _receiver(options) as (complete, _):
        yield complete


@contextlib.contextmanager
def _receiver(options: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Process | None]]:
    """
    *options* with a target, and the receiver's process if we have started it.

    The target is the one that was named, or the reference receiver, started for us.

    Raises:
        UsageError: if a secret is given for a receiver that brings its own.
        SetupError: if the receiver does not start.
    """
    named = settings.load(**options)
    if named.secret and options.get("secret"):
        typer.echo(
            "calcontract: --secret shows the secret to every user of this machine; "
            "prefer --secret-env",
            err=True,
        )
    if named.target:
        named.permit()
    elif any(getattr(named, name) for name in _OF_A_RECEIVER):
        raise UsageError(
            "a secret, probe, states or command are given but no receiver",
            hint="name its URL as the first argument",
        )
    with reference.named_or_own(named) as (placed, started):
        yield {**options, **placed}, started


@application.callback(help=__doc__)
def _version(*, _asked: Annotated[bool, version_of("calcontract")] = False) -> None:
    """Carry the option that belongs to no command."""


@application.command()
def check(  # noqa: PLR0917 - typer makes an option of each
    url: Url = None,
    secret_env: SecretEnv = None,
    secret_file: SecretFile = None,
    secret: Secret = None,
    profile: Annotated[
        list[str] | None, typer.Option(help="guide or calcom; may be repeated.  [default: guide]")
    ] = None,
    probe: Annotated[str | None, typer.Option(help="URL of the receiver's probe.")] = None,
    states: Annotated[
        str | None, typer.Option(help="URL of the receiver's provider states.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Command that starts the receiver; the suite starts and kills it."),
    ] = None,
    receiver_secret_env: Annotated[
        str | None, typer.Option(help="Variable from which the started receiver has its secret.")
    ] = None,
    receiver_previous_env: Annotated[
        str | None, typer.Option(help="Variable from which it has the secret being retired.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="Its log file, or - for what it prints.")] = None,
    budget: Budget = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="A SHOULD that fails violates too.")
    ] = None,
    hardened: Annotated[
        bool | None, typer.Option("--hardened", help="A hardening clause that fails violates too.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for verdicts.json and junit.xml.")
    ] = None,
    known_violations: Annotated[
        Path | None, typer.Option(help="TOML file of violations that are known.")
    ] = None,
    seed: Seed = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            *("-m", "--select"),
            help="Clauses, chapters or levels: 'sig-010', 'sig or ack', 'MUST'; may be repeated.",
        ),
    ] = None,
    ca_file: CaFile = None,
    i_may_test: MayTest = None,
    insecure_http: InsecureHttp = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            *("-n", "--jobs"),
            min=1,
            max=64,
            help="Processes that run checks.  [default: one per core where each can have a "
            "receiver of its own, else 1]",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print every failure.")] = False,
) -> None:
    """Check a receiver against the contract, and print a verdict per clause."""
    with loading():
        from calcontract import runner  # noqa: PLC0415 - pytest is heavy; other commands need none

    options = _settings(locals(), without={"profile"})
    console = Console()
    with _one_sentence():
        if any(not words.strip() for words in select or ()):
            raise UsageError("-m selects nothing", hint="leave it out to check the whole contract")
        named = settings.load(**options)
        profiles = tuple(dict.fromkeys(profile or [named.profile]))
        for name in profiles:
            settings.load(**options, profile=name)
        with _receiver(options) as (complete, started):

            def run(name: str) -> Exit:
                told = {**complete, "profile": name}
                folder = settings.load(**told).report
                if folder and len(profiles) > 1:
                    told["report"] = folder / name
                return runner.run(
                    told,
                    select=select or (),
                    console=console,
                    verbose=verbose,
                    process=started,
                    jobs=jobs or (runner.cores() if named.is_apiece else 1),
                    named=settings.load(**options, profile=name),
                )

            codes = several.in_turn(profiles, run)
    if len(profiles) > 1:
        line = f"exit     {several.told(codes, profiles)}"
        console.print(line, highlight=False, soft_wrap=True)
    raise typer.Exit(int(several.worst(codes)))


@application.command()
def clauses(
    profile: Annotated[str | None, typer.Option(help="Only those of guide or calcom.")] = None,
    chapter: Annotated[str | None, typer.Option(help="Only those of one chapter.")] = None,
    show: Annotated[str | None, typer.Argument(help="One clause, in full.")] = None,
) -> None:
    """List the contract: every clause with its level, without touching any network."""
    with _one_sentence():
        contract = catalogue.load()
        if show:
            typer.echo(letters.in_full(contract.clause(show)))
            return
        if profile and profile not in catalogue.PROFILES:
            raise UsageError(
                f"there is no profile {profile!r}",
                hint=f"choose {' or '.join(catalogue.PROFILES)}",
            )
        if chapter and chapter not in {known.name for known in contract.chapters}:
            raise UsageError(
                f"there is no chapter {chapter!r}",
                hint=f"choose one of {', '.join(known.name for known in contract.chapters)}",
            )
        chosen = [
            clause
            for clause in contract.clauses()
            if (not profile or profile in clause.profiles)
            and (not chapter or clause.chapter == chapter)
        ]
        for clause in chosen:
            checks = sum(known.rows for known in clause.checks)
            typer.echo(f"{clause.id}  {clause.level.upper():<9} {checks:>3}  {clause.text}")
        total = sum(known.rows for clause in chosen for known in clause.checks)
        typer.echo(f"{len(chosen)} clauses, {total} checks")


@application.command()
def smoke(  # noqa: PLR0917 - typer makes an option of each
    url: Url = None,
    secret_env: SecretEnv = None,
    secret_file: SecretFile = None,
    secret: Secret = None,
    profile: Annotated[
        str | None, typer.Option(help="Whose deliveries to send: guide or calcom.")
    ] = None,
    probe: Annotated[str | None, typer.Option(help="URL of the receiver's probe.")] = None,
    states: Annotated[
        str | None, typer.Option(help="URL of the receiver's provider states.")
    ] = None,
    ca_file: CaFile = None,
    i_may_test: MayTest = None,
    insecure_http: InsecureHttp = None,
) -> None:
    """Send three deliveries and look whether a run would make sense; 1 if it would tell of harm."""
    with loading():
        from calcontract import smoke as look  # noqa: PLC0415 - shares its name with this command
        from calcontract.target import Target  # noqa: PLC0415 - heavy; other commands need none

    options = _settings(locals())
    with _one_sentence(), _target(options) as complete:
        told = settings.load(**complete)
        told.permit()
        target = Target(told, seed=0)
        target.examine_certificate()
        look.look(target)
        typer.echo(f"{target.url} acknowledges an ordinary signed delivery; scope: {target.scope}")
        doubts = look.doubts(target)
    for doubt in doubts:
        typer.echo(doubt)
    if doubts:
        raise typer.Exit(int(Exit.VIOLATES))
    typer.echo("it takes one with white space in its JSON, and none under another secret")


@application.command()
def fuzz(  # noqa: PLR0917 - typer makes an option of each
    url: Url = None,
    secret_env: SecretEnv = None,
    secret_file: SecretFile = None,
    secret: Secret = None,
    profile: Annotated[
        str | None, typer.Option(help="Whose deliveries to spoil: guide or calcom.")
    ] = None,
    probe: Annotated[str | None, typer.Option(help="URL of the receiver's probe.")] = None,
    examples: Annotated[
        int, typer.Option(min=EXAMPLES[0], max=EXAMPLES[1], help="Bodies to try.")
    ] = 200,
    seconds: Annotated[
        float,
        typer.Option(
            min=SECONDS[0], max=SECONDS[1], callback=a_number, help="To take at the most."
        ),
    ] = 60,
    budget: Budget = None,
    seed: Seed = None,
    ca_file: CaFile = None,
    i_may_test: MayTest = None,
    insecure_http: InsecureHttp = None,
) -> None:
    """Send bodies that nobody thought of; 1 if one is answered wrongly, 4 if some were not sent."""
    with loading():
        from calcontract.fuzz import command  # noqa: PLC0415 - schemathesis is heavy

    options = _settings(locals())
    with _one_sentence(), _target(options) as complete:
        code = command.run(settings.load(**complete), examples=examples, seconds=seconds)
    raise typer.Exit(int(code))


@application.command()
def load(  # noqa: PLR0917 - typer makes an option of each
    url: Url = None,
    secret_env: SecretEnv = None,
    secret_file: SecretFile = None,
    secret: Secret = None,
    profile: Annotated[
        str | None, typer.Option(help="Whose deliveries to send: guide or calcom.")
    ] = None,
    rate: Annotated[
        float, typer.Option(min=0.1, max=2000, callback=a_number, help="Arrivals per second.")
    ] = 20,
    duration: Annotated[
        float, typer.Option(min=0.1, max=600, callback=a_number, help="In seconds.")
    ] = 10,
    redeliveries: Annotated[
        float,
        typer.Option(
            min=0, max=1, callback=a_number, help="Share of arrivals that repeat earlier bytes."
        ),
    ] = 0.1,
    reschedules: Annotated[
        float,
        typer.Option(min=0, max=1, callback=a_number, help="Share that reschedule a booking."),
    ] = 0.2,
    cancellations: Annotated[
        float, typer.Option(min=0, max=1, callback=a_number, help="Share that cancel a booking.")
    ] = 0.1,
    budget: Budget = None,
    report: Annotated[Path | None, typer.Option(help="Folder for load.json.")] = None,
    seed: Seed = None,
    i_may_test: MayTest = None,
    insecure_http: InsecureHttp = None,
) -> None:
    """Send deliveries at a steady rate; 1 if one fails or is late, 4 if we could not keep up."""
    with loading():
        from calcontract import loading as ramp  # noqa: PLC0415 - heavy; other commands need none

    options = _settings(locals(), without={"rate"})
    shares = {
        "redeliveries": redeliveries,
        "reschedules": reschedules,
        "cancellations": cancellations,
    }
    with _one_sentence(), _target(options) as complete:
        told = settings.load(**complete)
        code = ramp.run(told, rate=rate, duration=duration, shares=shares)
    raise typer.Exit(int(code))


def main() -> None:
    """Run the command line."""
    # Whoever ends us must not leave a receiver behind that we have started.
    signal.signal(signal.SIGTERM, _interrupt)
    with written("calcontract", Exit.SETUP):
        application()


def _interrupt(_number: int, _frame: object) -> NoReturn:
    # pytest swallows SystemExit; an interrupt ends it, and with it what we have started.
    raise KeyboardInterrupt
