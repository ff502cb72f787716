"""
The gate.

Every mutant is caught by the clauses it names, for the reasons it names, and by no others; every
MUST clause is named by a mutant; the correct receiver is never accused.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from calcontract import catalogue, reference
from calcontract.catalogue import PROFILES
from calcontract.process import Process

MUTANTS = Path(__file__).parent / "mutants"
sys.path[:0] = [str(MUTANTS), str(Path(__file__).parent)]

import certificates  # noqa: E402 - found beside this file
import gallery  # noqa: E402 - found beside this file
import zygote  # noqa: E402 - likewise

GALLERY = gallery.load()
CONTRACT = catalogue.load()

#: Answers that come later than this are too late in these runs, in seconds.
BUDGET = "2"

#: A mutant that never comes to rest is waited for this long, in seconds.
PATIENCE = "4"

#: A race is caught by what it does at times.
CAUGHT = {"fail", "flaky"}
BAD = {"blocked", "inconclusive", "not verified", "suite error"}


#: Whether every check is run on every mutant.
THOROUGH = os.environ.get("MUTANTS") == "thorough"

#: Otherwise one in so many of the checks of clauses that a mutant does not name: others for each
#: mutant and in each profile.
PART = 8

#: A run, and the beginning and the end of a mutant, may take so long, in seconds.
RUN, START, STOP = 600, 30, 15


@pytest.fixture(scope="module")
def checks():
    """What forks processes of `calcontract`."""
    with contextlib.closing(zygote.Zygote("check")) as forking:
        yield forking


@pytest.fixture(scope="module")
def receivers():
    """What forks processes of mutants."""
    with contextlib.closing(zygote.Zygote("serve")) as forking:
        yield forking


@pytest.fixture
def folder():
    """A folder in memory, where there is one: stores that sync to a disk wait for each other."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@contextlib.contextmanager
def served(receivers, mutant, folder, environment):
    """The *mutant* as a process of its own: where it listens."""
    log = folder / "log"
    reading, writing = os.pipe()
    with os.fdopen(reading) as said, os.fdopen(writing, "w") as output, log.open("w") as errors:
        process = receivers.fork(["serve.py", mutant.name], environment, output, errors)
        try:
            # Else the pipe would stay open when the mutant has ended.
            output.close()
            assert select.select([said], [], [], START)[0], log.read_text()
            line = said.readline()
            assert line, log.read_text()
            yield line.split()[-1]
        finally:
            os.kill(process, signal.SIGTERM)
            receivers.wait(process, STOP)


def judged(check, url, profile, folder, *, secret, arguments=(), states=True):
    """What *check*, a process of `calcontract check`, says of the receiver at *url*."""
    origin, report = url.removesuffix(reference.PATH), folder / "report"
    with (folder / "output").open("w+") as output:
        code = check(
            [
                *("check", url, "--secret-env", "GATE_SECRET", "--profile", profile, "--seed", "7"),
                *("--probe", f"{origin}/_testing/probe"),
                *(("--states", f"{origin}/_testing/states") if states else ()),
                *("--budget", BUDGET, "--report", str(report), *arguments),
            ],
            os.environ | {"GATE_SECRET": secret, "CALCONTRACT_PATIENCE": PATIENCE},
            output,
        )
        output.seek(0)
        printed = output.read()
    assert secret not in printed
    written = report / "verdicts.json"
    assert written.is_file(), printed
    text = written.read_text()
    assert secret not in text
    assert secret not in (report / "junit.xml").read_text()
    verdicts = json.loads(text)
    assert verdicts["exitCode"] == code
    return verdicts


def failures(verdicts, outcomes):
    return {
        clause["id"]: {
            check["reason"] for check in clause["checks"] if check["outcome"] in outcomes
        }
        for clause in verdicts["clauses"]
        if clause["outcome"] in outcomes
    }


def runs():
    """Each mutant with each profile; what is declared of a receiver has no place in the guide's."""
    for name, mutant in GALLERY.items():
        yield from ((name, one) for one in PROFILES if not (mutant.told and one == "guide"))


def every_capability(words):
    """The arguments of a run that starts the receiver by the command *words*."""
    return (
        *("--start", shlex.join(words), "--log", "-"),
        *("--receiver-secret-env", reference.SECRET),
        *("--receiver-previous-env", reference.PREVIOUS),
    )


def sample(salt, named):
    """What lets a run leave out most checks of the clauses that are not *named*."""
    if THOROUGH:
        return {}
    return {"GATE_SAMPLE": json.dumps({"named": sorted(named), "salt": salt, "part": PART})}


def stand_in(receivers, name, port):
    """The words of a command that serves the mutant *name* at *port*, forked by *receivers*."""
    # Without what a stand-in has no use for: a run may start it thirty times.
    python = (sys.executable, "-I", "-S", str(MUTANTS / "stand_in.py"))
    return (*python, receivers.address, "serve.py", name, "--port", port)


def run(mutant, profile, folder, checks, receivers):
    """What is said of *mutant*, and whether its broken code ran."""
    secret = secrets.token_hex(16)
    hit = folder / "hit"
    receiver = {
        **mutant.environment,
        "MUTANT_HIT": str(hit),
        reference.SECRET: secret,
        "DATABASE_URL": f"sqlite:///{folder}/store.db",
        **reference.IMPATIENT,
    }
    trust = ()
    if mutant.tls:
        shown = certificates.make(mutant.tls, folder)
        receiver |= shown.environment
        trust = ("--ca-file", str(shown.authority))

    def check(arguments, environment, output):
        environment |= mutant.told | (receiver if mutant.process else {})
        named = mutant.broken_in(profile) | mutant.perhaps | mutant.unverified
        environment |= sample(f"{mutant.name} {profile}", named)
        process = checks.fork(["calcontract", *arguments], environment, output, output)
        return checks.wait(process, RUN)

    with contextlib.ExitStack() as stack:
        if mutant.process:
            # The suite starts it, so that it may kill it.
            port = str(reference.free_port())
            words = stand_in(receivers, mutant.name, port)
            arguments = (*mutant.arguments, *every_capability(words))
            url = f"http://127.0.0.1:{port}{reference.PATH}"
        else:
            arguments = (*mutant.arguments, *trust, "--log", str(folder / "log"))
            url = stack.enter_context(served(receivers, mutant, folder, os.environ | receiver))
            # A certificate is made for a name.
            url = url.replace("127.0.0.1", "localhost") if mutant.tls else url
        verdicts = judged(check, url, profile, folder, secret=secret, arguments=arguments)
    return verdicts, hit.exists()


def disagreement(mutant, profile, verdicts):
    """How the *verdicts* on *mutant* differ from what it says of itself; empty if they do not."""
    if mutant.stops:
        ended = (verdicts["verdict"], verdicts["exitCode"])
        return "" if ended == ("not judged", 3) else f"the run was not stopped but ended {ended}"
    spoken_of = {clause.id for clause in CONTRACT.clauses() if profile in clause.profiles}
    caught = failures(verdicts, CAUGHT)
    expected = mutant.broken_in(profile) & spoken_of
    other = {clause_id: why - mutant.reasons for clause_id, why in caught.items()}
    found = {
        "survived": sorted(expected - set(caught)),
        "caught as well": {name: caught[name] for name in set(caught) - expected - mutant.perhaps},
        "for another reason": {name: why for name, why in other.items() if why},
        "open": {
            name: why
            for name, why in failures(verdicts, BAD).items()
            if name not in mutant.unverified
        },
        "not open": sorted(mutant.unverified & spoken_of - set(failures(verdicts, BAD))),
    }
    return "; ".join(f"{what}: {which}" for what, which in found.items() if which)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_mutant_ends_as_its_stand_in_does(end, folder, receivers):
    port = reference.free_port()
    process = Process(
        shlex.join(stand_in(receivers, "AcceptsAPlainHash", str(port))),
        f"http://127.0.0.1:{port}/",
        log=folder / "log",
        environment={
            reference.SECRET: secrets.token_hex(16),
            "DATABASE_URL": f"sqlite:///{folder}/store.db",
        },
    )
    process.start()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=START):
        getattr(process, end)()
    # Only who is asked to end has the time to say so.
    assert ("Receiver stopped" in process.log.read_text()) == (end == "stop")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "profile"), list(runs()))
def test_a_mutant_is_caught_by_the_clauses_it_names_and_by_no_others(
    name, profile, folder, checks, receivers
):
    mutant = GALLERY[name]
    found = []
    # Some mutants are races, and the machine may be busy: what disagrees has to do so every time.
    for number in ("first", "second", "third"):
        place = folder / number
        place.mkdir()
        verdicts, ran = run(mutant, profile, place, checks, receivers)
        # In a profile that does not speak of it, nothing need ever reach it.
        reached = ran or not mutant.broken_in(profile)
        found.append(
            disagreement(mutant, profile, verdicts) if reached else "the broken code never ran"
        )
        if not found[-1]:
            return
    pytest.fail(f"{found[-1]} (before: {' and '.join(found[:-1])})")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, folder):
    """Where the store of the reference receiver is."""
    if request.param == "sqlite":
        yield f"sqlite:///{folder}/store.db"
    else:
        with request.getfixturevalue("postgresql").empty() as url:
            yield url


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_the_reference_receiver_is_never_accused(profile, store, folder):
    secret, port = secrets.token_hex(16), str(reference.free_port())
    url = f"http://127.0.0.1:{port}{reference.PATH}"
    receiver = {
        reference.SECRET: secret,
        "DATABASE_URL": store,
        **reference.IMPATIENT,
    }

    def check(arguments, environment, output):
        command = [sys.executable, "-m", "calcontract", *arguments]
        return subprocess.run(
            command,
            env=environment | receiver,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=RUN,
            check=False,
        ).returncode

    arguments = every_capability((*reference.COMMAND, "--port", port))
    verdicts = judged(check, url, profile, folder, secret=secret, arguments=arguments)
    assert failures(verdicts, {*CAUGHT, *BAD}) == {}
    assert verdicts["verdict"] == "conforms"
    assert verdicts["exitCode"] == 0


@pytest.mark.parametrize(
    ("clause", "profile"),
    [
        (clause.id, profile)
        for clause in CONTRACT.clauses()
        if clause.level == "must"
        for profile in sorted(clause.profiles)
    ],
)
def test_every_must_clause_has_a_mutant_in_each_of_its_profiles(clause, profile):
    assert [name for name, mutant in GALLERY.items() if clause in mutant.broken_in(profile)]


def test_mutants_name_clauses_that_exist():
    known = {clause.id for clause in CONTRACT.clauses()}
    for mutant in GALLERY.values():
        named = mutant.broken_in("guide") | mutant.broken_in("calcom") | mutant.unverified
        assert named <= known, mutant.name
