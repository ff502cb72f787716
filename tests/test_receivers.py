"""
Receivers that were not made from the reference receiver.

Agreement with our own receiver could be agreement with its structure.  Those of `receivers/` are
written in three languages and three structures, and conform; each can be told to make mistakes, and
one more is as one finds them, and every mistake is noticed by the clauses that it names and by no
others.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from calcontract import catalogue, reference
from calcontract.catalogue import PROFILES
from calcontract.process import Process

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS), str(TESTS / "receivers")]

import faults  # noqa: E402 - found in the folder of receivers
from test_mutants import (  # noqa: E402 - judged as the mutants are
    BAD,
    CAUGHT,
    RUN,
    checks,  # noqa: F401 - a fixture
    every_capability,
    failures,
    folder,  # noqa: F401 - a fixture
    judged,
    sample,
)

CONTRACT = catalogue.load()


def command(receiver):
    """What starts *receiver*; a machine without its interpreter cannot judge it."""
    words = faults.COMMANDS[receiver]
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} on this machine to run the receiver with")
    return list(words)


def verdicts_on(words, profile, place, forking, environment, *, process, states=True, sampled=None):
    """What a run says of the receiver that *words* start, in *environment*."""
    secret, port = secrets.token_hex(16), str(reference.free_port())
    words = [*words, "--port", port]
    url = f"http://127.0.0.1:{port}{reference.PATH}"
    receiver = {**environment, reference.SECRET: secret, "STORE": str(place / "store")}

    def check(arguments, told, output):
        told |= receiver if process else {}
        told |= {} if sampled is None else sample(*sampled)
        return forking.wait(forking.fork(["calcontract", *arguments], told, output, output), RUN)

    with contextlib.ExitStack() as stack:
        arguments = every_capability(words) if process else ()
        if not process:
            log = place / "log"
            started = Process(shlex.join(words), url, log=log, environment=receiver)
            stack.enter_context(started.running())
        return judged(check, url, profile, place, secret=secret, arguments=arguments, states=states)


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("receiver", faults.CORRECT)
def test_a_correct_receiver_of_another_make_conforms(receiver, profile, folder, checks):  # noqa: F811 - fixtures
    verdicts = verdicts_on(command(receiver), profile, folder, checks, {}, process=True)
    must = {clause["id"] for clause in verdicts["clauses"] if clause["level"] == "must"}
    # What nobody sends, and what a language's server decides, may be otherwise.
    unverified = failures(verdicts, {*CAUGHT, *BAD})
    assert {name: why for name, why in unverified.items() if name in must} == {}
    assert sorted(failures(verdicts, CAUGHT).keys() - faults.DEVIATIONS[receiver]) == []
    assert verdicts["verdict"] == "conforms"
    assert verdicts["exitCode"] == 0


def disagreement(fault, profile, place, forking):
    """How what is said of *fault* differs from what it says of itself; nothing if it does not."""
    place.mkdir()
    hit = place / "hit"
    named = fault.broken_in(profile) | fault.perhaps | fault.unverified
    verdicts = verdicts_on(
        command(fault.receiver),
        profile,
        place,
        forking,
        {"FAULT": fault.name, "MUTANT_HIT": str(hit)},
        process=fault.process,
        states=fault.receiver in faults.CORRECT,
        sampled=(f"{fault.name} {profile}", named),
    )
    if not hit.exists():
        return {"never ran": [fault.name]}
    caught, expected = failures(verdicts, CAUGHT), fault.broken_in(profile)
    found = {
        "survived": sorted(name for name in expected if not caught.get(name, set()) & fault.reasons)
    }
    if fault.receiver in faults.CORRECT:
        # One as it was found breaks more than the mistake it is there for.
        known = expected | fault.perhaps | faults.DEVIATIONS[fault.receiver]
        found["caught as well"] = sorted(caught.keys() - known)
    return {what: names for what, names in found.items() if names}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "profile"),
    [
        pytest.param(fault, profile, id=f"{fault.receiver}-{fault.name}-{profile}")
        for fault in faults.FAULTS
        for profile in PROFILES
        if fault.runs_in(profile)
    ],
)
def test_a_mistake_is_noticed_by_the_clauses_that_it_names_and_by_no_others(
    fault,
    profile,
    folder,  # noqa: F811 - a fixture
    checks,  # noqa: F811 - a fixture
):
    found = []
    # Some mistakes are races, and the machine may be busy: what disagrees has to do so every time.
    for number in ("first", "second", "third"):
        found.append(disagreement(fault, profile, folder / number, checks))
        if not found[-1]:
            return
    pytest.fail(f"{found[-1]} (before: {found[:-1]})")


def test_mistakes_name_clauses_of_the_profiles_they_are_run_in():
    for fault in faults.FAULTS:
        for profile in PROFILES:
            spoken_of = {clause.id for clause in CONTRACT.clauses() if profile in clause.profiles}
            assert fault.only(profile) <= spoken_of, fault.name
        assert fault.breaks <= {
            clause.id for clause in CONTRACT.clauses() if clause.profiles >= set(PROFILES)
        }, fault.name


def test_mistakes_are_made_where_they_are_named():
    for fault in faults.FAULTS:
        if fault.receiver in faults.CORRECT:
            files = [faults.HERE / name for name in faults.SOURCES[fault.receiver]]
            assert any(fault.name in path.read_text() for path in files), fault.name
