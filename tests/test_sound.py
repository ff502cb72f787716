"""No false accusation: receivers that are sound in another way than the reference receiver."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from calcontract import reference

MUTANTS = Path(__file__).parent / "mutants"
sys.path.insert(0, str(MUTANTS))

import sound  # noqa: E402 - found beside the mutants

#: Answers that come later than this are too late in these runs, in seconds.
BUDGET = "5"


def judged(name, folder):
    """What `calcontract check` says of the sound receiver called *name*."""
    command = [sys.executable, str(MUTANTS / "serve.py"), name]
    if sound.SOUND[name].process:
        return judged_as_it_is_started(name, command, folder)
    with reference.receiver(command) as running:
        return verdicts_of(
            name,
            folder,
            *(running.url, "--probe", running.probe, "--states", running.states),
            *("--log", str(running.process.log)),
            SOUND_SECRET=running.secret,
        )


def judged_as_it_is_started(name, command, folder):
    port, secret = reference.free_port(), secrets.token_hex(16)
    origin = f"http://127.0.0.1:{port}"
    return verdicts_of(
        name,
        folder,
        *(f"{origin}/api/webhooks/calcom", "-m", "cfg or dur-001 or dur-004"),
        *("--probe", f"{origin}/_testing/probe", "--states", f"{origin}/_testing/states"),
        *("--start", shlex.join([*command, "--port", str(port)])),
        *("--receiver-secret-env", reference.SECRET, "--receiver-previous-env", reference.PREVIOUS),
        SOUND_SECRET=secret,
        CALCOM_WEBHOOK_SECRET=secret,
        DATABASE_URL=f"sqlite:///{folder}/receiver.db",
    )


def verdicts_of(name, folder, *arguments, **variables):
    result = subprocess.run(
        [
            *(sys.executable, "-m", "calcontract", "check", *arguments),
            *("--secret-env", "SOUND_SECRET", "--profile", "calcom", "--seed", "7"),
            *("--budget", BUDGET, "--report", str(folder)),
        ],
        env={**os.environ, **sound.SOUND[name].told, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    written = folder / "verdicts.json"
    assert written.is_file(), result.stdout + result.stderr
    return json.loads(written.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", sound.SOUND)
def test_a_sound_receiver_is_never_accused(name, tmp_path):
    verdicts = judged(name, tmp_path)
    accused = {
        f"{clause['id']}: {check['title']}": check["sentence"]
        for clause in verdicts["clauses"]
        for check in clause["checks"]
        if check["outcome"] not in {"pass", "not applicable", "outside scope"}
        and clause["id"] not in sound.SOUND[name].deviates
    }
    assert accused == {}
    assert (verdicts["verdict"], verdicts["exitCode"]) == ("conforms", 0)
    assert set(verdicts["deviations"]) == sound.SOUND[name].deviates


def outcomes_in(verdicts):
    return {clause["id"]: clause["outcome"] for clause in verdicts["clauses"]}


def test_what_a_pause_would_only_sharpen_is_verified_without(tmp_path):
    verdicts = judged("HasNoWorkerToPauseWhenItIsKilled", tmp_path)
    outcomes = outcomes_in(verdicts)
    assert outcomes["dur-001"] == outcomes["cfg-005"] == "pass"
    # The verdict says what it had to do without.
    assert verdicts["unknownStates"] == ["clock advances", "worker pauses"]
    assert verdicts["headline"].startswith("conforms (crash), ")


def test_what_was_declared_stands_in_the_report(tmp_path):
    verdicts = judged("ActsOnTwoTriggers", tmp_path)
    assert verdicts["handles"] == ["BOOKING_CANCELLED", "BOOKING_CREATED"]
    outcomes = outcomes_in(verdicts)
    # The reschedules fall away, and with them the clause: its control alone proves nothing.
    assert outcomes["eff-004"] == "not applicable"
    assert outcomes["eff-001"] == outcomes["evt-011"] == "pass"
