"""Short runs of the real thing, locust in its own process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calcontract import cli
from tests.unit.calcontract.broken import SECRET, receiver, sound

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("THE_SECRET", SECRET)


def load(*arguments):
    return CliRunner().invoke(cli.application, ["load", *arguments])


def test_the_reference_receiver_takes_fifty_a_second(tmp_path):
    ran = load("--rate", "50", "--duration", "3", "--report", str(tmp_path))
    # A machine that is busy with other things may not keep the schedule; it must say so then.
    assert ran.exit_code in {0, 4}, ran.output
    document = json.loads((tmp_path / "load.json").read_text())
    assert document["exitCode"] == ran.exit_code
    assert document["acknowledged"] == document["sent"]
    assert document["failures"] == {}
    if ran.exit_code == 0:
        assert document["sent"] == document["withinBudget"] == 150
    assert ran.stdout.splitlines() == document["lines"]


def test_bodies_are_signed_and_redeliveries_have_the_same_bytes():
    with receiver() as server:
        ran = load(
            *(server.url, "--secret-env", "THE_SECRET", "--rate", "40", "--duration", "1"),
            *("--redeliveries", "0.5", "--seed", "3"),
        )
        bodies = server.bodies
    assert ran.exit_code in {0, 4}, ran.output
    assert "failed" not in ran.stdout
    # One more: the look before the test.
    assert len(bodies) <= 41
    assert len(set(bodies)) < 0.75 * len(bodies)
    assert SECRET not in ran.output


def test_a_slow_receiver_breaks_the_budget():
    def slow(signed, body):
        return sound(signed, body), 0.6

    with receiver(slow) as server:
        ran = load(
            *(server.url, "--secret-env", "THE_SECRET", "--rate", "10", "--duration", "1"),
            *("--budget", "0.3"),
        )
    assert ran.exit_code == 1, ran.output
    assert "10 were acknowledged after the budget of 0.3 s" in ran.stdout
    assert "budget    0.00%" in ran.stdout


def test_failures_are_told_by_reason():
    taken = []

    def failing(signed, body):
        taken.append(body)
        return 503 if len(taken) > 6 else sound(signed, body)

    with receiver(failing) as server:
        ran = load(server.url, "--secret-env", "THE_SECRET", "--rate", "20", "--duration", "1")
    assert ran.exit_code == 1, ran.output
    assert "failed    15: answer 503" in ran.stdout


def test_a_hang_ends_with_the_budget():
    taken = []

    def hanging(signed, body):
        taken.append(body)
        return sound(signed, body), 20 if len(taken) == 4 else 0

    with receiver(hanging) as server:
        ran = load(
            *(server.url, "--secret-env", "THE_SECRET", "--rate", "10", "--duration", "1"),
            *("--budget", "0.3"),
        )
    assert ran.exit_code == 1, ran.output
    assert "failed    1: no answer in time" in ran.stdout


def test_nobody_there_is_one_sentence():
    ran = load("http://127.0.0.1:9/", "--secret-env", "THE_SECRET")
    assert ran.exit_code == 3
    assert len(ran.stderr.splitlines()) == 1


def test_shares_that_make_no_sense_are_one_sentence():
    with receiver() as server:
        ran = load(
            *(server.url, "--secret-env", "THE_SECRET"),
            *("--redeliveries", "0.9", "--reschedules", "0.9"),
        )
    assert ran.exit_code == 2
    assert "together at most 1" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_another_machine_is_not_loaded_by_mistake():
    ran = load("https://hooks.example/", "--secret-env", "THE_SECRET")
    assert ran.exit_code == 2
    assert "--i-may-test hooks.example" in ran.stderr


def plain_locust(*arguments, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", "load/locustfile.py", "--headless", *arguments],
        cwd=ROOT,
        env={**kept, "CALCONTRACT_SECRET_ENV": "THE_SECRET", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_locust_alone_takes_its_settings_from_the_environment():
    with receiver() as server:
        ran = plain_locust("--host", server.url, CALCONTRACT_LOAD_DURATION="0.5")
    assert ran.returncode in {0, 4}, ran.stderr
    assert "asked     20/s for 0.5 s: 10 arrivals" in ran.stdout
    assert ran.stdout.rstrip().splitlines()[-1].startswith("verdict")


def test_locust_alone_says_what_is_missing():
    ran = plain_locust(CALCONTRACT_TARGET="")
    assert ran.returncode == 2
    assert "no receiver is named" in ran.stderr
