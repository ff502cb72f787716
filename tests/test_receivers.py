"""
Receivers that were not made from the reference receiver.

Agreement with our own receiver could be agreement with its structure.  Those of `receivers/` are
written in three languages and three structures, and conform; each can be told to make mistakes, and
one more is as one finds them, and every mistake is noticed by the clauses that it is named with.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from calcontract import catalogue
from calcontract.catalogue import PROFILES

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS), str(TESTS / "receivers")]

import faults  # noqa: E402 - found in the folder of receivers
from test_mutants import BAD, failures, judged  # noqa: E402 - judged as the mutants are

CONTRACT = catalogue.load()


def command(receiver):
    """What starts *receiver*; a machine without its interpreter cannot judge it."""
    words = faults.COMMANDS[receiver]
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} on this machine to run the receiver with")
    return list(words)


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("receiver", faults.CORRECT)
def test_a_correct_receiver_of_another_make_conforms(receiver, profile, tmp_path):
    verdicts = judged(
        command(receiver),
        profile,
        tmp_path,
        environment={"STORE": str(tmp_path / "store")},
        process=True,
    )
    assert failures(verdicts, {"fail", *BAD}) == {}
    assert verdicts["verdict"] == "conforms"
    assert verdicts["exitCode"] == 0


def disagreement(fault, profile, folder):
    """How the run of *fault* differs from what it says of itself; empty if it does not."""
    folder.mkdir()
    hit = folder / "hit"
    verdicts = judged(
        command(fault.receiver),
        profile,
        folder,
        environment={"STORE": str(folder / "store"), "FAULT": fault.name, "MUTANT_HIT": str(hit)},
        offers_states=fault.receiver in faults.CORRECT,
        process=fault.process,
    )
    if not hit.exists():
        return "the broken code never ran"
    caught = failures(verdicts, {"fail"})
    expected = fault.broken_in(profile)
    other = {name: why - fault.reasons for name, why in caught.items()}
    found = {
        "survived": sorted(expected - set(caught)),
        "caught as well": {name: caught[name] for name in set(caught) - expected - fault.perhaps},
        "for another reason": {name: why for name, why in other.items() if why},
        "open": {
            name: why
            for name, why in failures(verdicts, BAD).items()
            if name not in fault.unverified
        },
    }
    return "; ".join(f"{what}: {which}" for what, which in found.items() if which)


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
def test_a_mistake_is_caught_by_the_clauses_it_names_and_by_no_others(fault, profile, tmp_path):
    first = disagreement(fault, profile, tmp_path / "first")
    if first:
        # Some mistakes are races, and the machine may be busy: what disagrees has to do so twice.
        second = disagreement(fault, profile, tmp_path / "second")
        assert not second, f"{second} (the first time: {first})"


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
