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
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from calcontract import catalogue, reference
from calcontract.catalogue import PROFILES

MUTANTS = Path(__file__).parent / "mutants"
sys.path.insert(0, str(MUTANTS))

import gallery  # noqa: E402 - found beside this file

GALLERY = gallery.load()
CONTRACT = catalogue.load()

#: Answers that come later than this are too late in these runs, in seconds.
BUDGET = "2"

#: A mutant that never comes to rest is waited for this long, in seconds.
PATIENCE = "4"

#: A race is caught by what it does at times.
CAUGHT = {"fail", "flaky"}
BAD = {"blocked", "inconclusive", "not verified", "suite error"}


def judged(command, profile, folder, environment=None, arguments=(), *, process=False, told=None):
    """What `calcontract check` says of the receiver that *command* starts."""
    report = folder / profile
    with contextlib.ExitStack() as stack:
        if process:
            # The suite starts it, so that it may kill it.
            port = reference.free_port()
            origin, secret = f"http://127.0.0.1:{port}", secrets.token_hex(16)
            arguments = (*arguments, "--start", shlex.join([*command, "--port", str(port)]))
            environment = {
                **(environment or {}),
                "CALCOM_WEBHOOK_SECRET": secret,
                "DATABASE_URL": f"sqlite:///{folder}/{profile}.db",
            }
            url = f"{origin}/api/webhooks/calcom"
            probe, states = f"{origin}/_testing/probe", f"{origin}/_testing/states"
        else:
            running = stack.enter_context(reference.receiver(command, environment=environment))
            url, probe, states = running.url, running.probe, running.states
            secret, environment = running.secret, {}
        result = subprocess.run(
            [
                *(sys.executable, "-m", "calcontract", "check", url),
                *("--secret-env", "GATE_SECRET", "--profile", profile, "--seed", "7"),
                *("--probe", probe, "--states", states),
                *("--budget", BUDGET, "--report", str(report), *arguments),
            ],
            env=os.environ
            | environment
            | (told or {})
            | {"GATE_SECRET": secret, "CALCONTRACT_PATIENCE": PATIENCE},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert secret not in result.stdout + result.stderr
    written = report / "verdicts.json"
    assert written.is_file(), result.stdout + result.stderr
    text = written.read_text()
    assert secret not in text
    assert secret not in (report / "junit.xml").read_text()
    verdicts = json.loads(text)
    assert verdicts["exitCode"] == result.returncode
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
    """
    Each mutant with the profiles it is run in.

    Every clause that it names is seen in one of them.  With MUTANTS=thorough in the environment
    each is run in both, which takes twice as long.
    """
    for name, mutant in GALLERY.items():
        needed = {profile for profile in PROFILES if _only_in(mutant, profile)} or {PROFILES[0]}
        if os.environ.get("MUTANTS") == "thorough":
            needed = set(PROFILES)
        yield from ((name, profile) for profile in sorted(needed))


def _only_in(mutant, profile):
    """Whether *mutant* names a clause that it breaks in no other profile."""
    others = {
        clause_id
        for other in PROFILES
        if other != profile
        for clause_id in mutant.broken_in(other)
        if other in CONTRACT.clause(clause_id).profiles
    }
    return bool(mutant.broken_in(profile) - others)


def disagreement(mutant, profile, folder):
    """How the run of *mutant* differs from what it says of itself; empty if it does not."""
    folder.mkdir()
    hit = folder / "hit"
    verdicts = judged(
        [sys.executable, str(MUTANTS / "serve.py"), mutant.name],
        profile,
        folder,
        environment={**mutant.environment, "MUTANT_HIT": str(hit)},
        arguments=mutant.arguments,
        process=mutant.process,
        told=mutant.told,
    )
    if not hit.exists():
        return "the broken code never ran"
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


@pytest.mark.slow
@pytest.mark.parametrize(("name", "profile"), list(runs()))
def test_a_mutant_is_caught_by_the_clauses_it_names_and_by_no_others(name, profile, tmp_path):
    mutant = GALLERY[name]
    first = disagreement(mutant, profile, tmp_path / "first")
    if first:
        # Some mutants are races, and the machine may be busy: what disagrees has to do so twice.
        second = disagreement(mutant, profile, tmp_path / "second")
        assert not second, f"{second} (the first time: {first})"


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_the_reference_receiver_is_never_accused(profile, tmp_path):
    verdicts = judged(None, profile, tmp_path)
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
