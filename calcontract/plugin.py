"""
The door through pytest: options, and nothing else until a target is named.

This module is imported in every pytest run of an environment that has calcontract installed, so it
imports only pytest and the standard library at the top.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from calcontract.session import Session
    from calcontract.settings import Settings

#: The name under which the running session is registered with pytest.
SESSION = "calcontract-session"

#: The settings of a run that names the fuzzing; such a run has no session.
FUZZED: pytest.StashKey[Settings] = pytest.StashKey()

_OPTIONS: dict[str, dict[str, str]] = {
    "--target": {"help": "URL of the receiver whose contract is checked"},
    "--secret-env": {"help": "environment variable that holds the receiver's secret"},
    "--secret-file": {"help": "file that holds the receiver's secret"},
    "--contract-profile": {"help": "guide (default) or calcom"},
    "--probe": {"help": "URL of the receiver's probe"},
    "--states": {"help": "URL of the receiver's provider states"},
    "--ca-file": {"help": "certificates of the authority to trust, in place of the system's"},
    "--start": {"help": "command that starts the receiver, so that it may be killed"},
    "--receiver-secret-env": {"help": "variable from which the started receiver has its secret"},
    "--receiver-previous-env": {"help": "variable with the secret that it is retiring"},
    "--receiver-log": {"help": "the receiver's log file; - is what the started one prints"},
    "--budget": {"help": "seconds to acknowledge a delivery (default 30)"},
    "--contract-seed": {"help": "seed of order and people"},
    "--contract-report": {"help": "folder for verdicts.json and junit.xml"},
}

#: The option that sets a setting of another name.
_RENAMED = {
    "contract_profile": "profile",
    "contract_seed": "seed",
    "contract_report": "report",
    "receiver_log": "log",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; every other setting comes from the environment or `calcontract.toml`."""
    group = parser.getgroup("calcontract", "conformance of receivers of Cal.com webhooks")
    for name, arguments in _OPTIONS.items():
        group.addoption(name, default=None, **arguments)
    group.addoption(
        "--strict-contract",
        action="store_true",
        default=None,
        help="a SHOULD that fails violates too",
    )
    group.addoption("--fuzz-examples", type=int, default=200, help="bodies that test_fuzz tries")
    group.addoption("--fuzz-seconds", type=float, default=60, help="what test_fuzz may take")


def _names_fuzzing(config: pytest.Config) -> bool:
    """
    Whether the run is of `suite/test_fuzz.py`, by path or by package.

    Raises:
        pytest.UsageError: if it is of other tests as well.
    """
    named = [bool(re.search(r"(^|[./\\])test_fuzz(\.py)?(::|$)", str(a))) for a in config.args]
    if any(named) and not all(named):
        raise pytest.UsageError("fuzzing is a run of its own; name test_fuzz alone, or not at all")
    return any(named)


def pytest_configure(config: pytest.Config) -> None:
    """
    Start a session when a target is named; without paths, run the contract and not our tests.

    What cannot start ends pytest with the exit code of `calcontract`.
    """
    told = getattr(config, "workerinput", {}).get("calcontract")
    if told is None and not config.getoption("--target"):
        return
    # Heavy, and of no use to a run without a target.
    from calcontract import interrupts  # noqa: PLC0415 - see above
    from calcontract.errors import CalcontractError  # noqa: PLC0415 - see above
    from calcontract.spreading import Worker  # noqa: PLC0415 - see above

    leaving = contextlib.ExitStack()
    config.add_cleanup(leaving.close)
    if told is None:
        leaving.enter_context(interrupts.also_by_sigterm())
    try:
        checks = _prepared(config, leaving) if told is None else Worker.of(told, leaving)
    except CalcontractError as error:
        pytest.exit(str(error), returncode=int(error.exit_code))
    if checks is None:
        return
    with _uncaptured(config):
        leaving.enter_context(checks.watched())
    config.pluginmanager.register(checks, SESSION)
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(Path(__file__).parent / "suite")]


def _uncaptured(config: pytest.Config) -> contextlib.AbstractContextManager[None]:
    """Standard error is whoever's it was before pytest kept it to itself."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    return manager.global_and_fixture_disabled() if manager else contextlib.nullcontext()


def _prepared(config: pytest.Config, leaving: contextlib.ExitStack) -> Session | None:
    """
    The session of a run that names a target; none if that run is of the fuzzing.

    What is started for it ends with *leaving*.

    Raises:
        CalcontractError: if it cannot start.
    """
    from calcontract import process, settings  # noqa: PLC0415 - heavy, see above
    from calcontract.session import Session  # noqa: PLC0415 - heavy, see above
    from calcontract.spreading import Spread  # noqa: PLC0415 - heavy, see above

    options = {
        _RENAMED.get(name, name): config.getoption(name)
        for name in (option.lstrip("-").replace("-", "_") for option in _OPTIONS)
    }
    options["strict"] = config.getoption("strict_contract")
    workers = bool(config.getoption("tx", None))
    fuzzes = _names_fuzzing(config)
    if workers:
        _bear_workers(config, fuzzes=fuzzes)
    if fuzzes:
        _bear_fuzzing(config)
    named = settings.load(**options)
    placed, running = leaving.enter_context(process.of(named))
    complete = options | placed
    if fuzzes:
        config.stash[FUZZED] = settings.load(**complete)
        return None
    kind = Spread if workers else Session
    session = kind.of(complete, process=running)
    given = config.option
    given.markexpr = session.chosen(given.markexpr, words=given.keyword)
    session.know(named)
    if workers and not config.option.collectonly:
        session.look()
        if session.run.setup_problem is not None:
            # Nothing is to be run, and so nothing to be spread.
            config.option.dist, config.option.tx = "no", []
    return session


def _bear_fuzzing(config: pytest.Config) -> None:
    """
    Refuse to fuzz with nothing, or for ever.

    Raises:
        UsageError: if too few or too many bodies are asked for, or too little or too much time.
    """
    from calcontract import fuzz  # noqa: PLC0415 - of use to few runs
    from calcontract.errors import UsageError  # noqa: PLC0415 - heavy, see above

    bounds = {"--fuzz-examples": fuzz.EXAMPLES, "--fuzz-seconds": fuzz.SECONDS}
    for option, (least, most) in bounds.items():
        # Nothing is so of "nan".
        if not least <= config.getoption(option) <= most:
            raise UsageError(f"{option} is to be from {least} to {most}")


def _bear_workers(config: pytest.Config, *, fuzzes: bool) -> None:
    """
    Refuse ways of spreading that a run does not bear.

    Raises:
        UsageError: if the run is spread in such a way.
    """
    from calcontract.errors import UsageError  # noqa: PLC0415 - heavy, see above

    if fuzzes:
        raise UsageError("fuzzing is one process", hint="leave -n out")
    if config.getoption("dist") == "each":
        raise UsageError("each check is run once", hint="leave --dist each out")
    if not all(str(spec).split("*")[-1].startswith("popen") for spec in config.getoption("tx")):
        raise UsageError("a run is spread over processes of this machine only", hint="use -n")
    # A worker that was lost is a fault of ours; another one would hide it.
    config.option.maxworkerrestart = "0"
