"""The receiver as a process: with which variables it lives, and when it lives as usual."""

from __future__ import annotations

import os
import shlex
import signal
import sys

import pytest

from calcontract import process, settings
from calcontract.errors import UsageError
from calcontract.process import NotListeningError, Process
from calcontract.reference import free_port

#: Listens if it has a secret, in the background if that is asked for, and prints what it was given.
RECEIVER = """
import os, signal, socket, sys
print("secret", os.environ.get("SECRET_OF_IT"), flush=True)
if not os.environ.get("SECRET_OF_IT"):
    sys.exit("no secret, no service")
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    if os.environ.get("FORKS") and os.fork():
        os._exit(0)
    signal.pause()
"""


@pytest.fixture
def receiver(tmp_path):
    """A process that was not started yet; it has ended after the test."""
    script = tmp_path / "receiver.py"
    script.write_text(RECEIVER)
    port = free_port()
    made = Process(
        shlex.join([sys.executable, str(script), str(port)]),
        f"http://127.0.0.1:{port}/",
        log=tmp_path / "log",
        environment={"SECRET_OF_IT": "its own"},
    )
    yield made
    made.stop()


def said(receiver):
    return receiver.log.read_text().splitlines()


def test_a_life_has_variables_of_its_own_and_the_next_one_has_the_usual(receiver):
    receiver.start({"SECRET_OF_IT": "another"})
    assert not receiver.is_as_usual
    receiver.stop()
    assert not receiver.is_as_usual
    receiver.start()
    assert receiver.is_as_usual
    assert said(receiver) == ["secret another", "secret its own"]


@pytest.mark.parametrize(("value", "shown"), [(None, "None"), ("", "")])
def test_a_receiver_that_does_not_listen_says_why(receiver, value, shown):
    with pytest.raises(NotListeningError, match="ended with exit code 1: no secret, no service"):
        receiver.start({"SECRET_OF_IT": value})
    assert not receiver.is_as_usual
    assert said(receiver)[0].strip() == f"secret {shown}".strip()


def test_a_killed_receiver_does_not_live_as_usual(receiver):
    receiver.start()
    receiver.kill()
    assert not receiver.is_as_usual


def test_a_death_is_told_from_an_end_that_was_meant(receiver):
    receiver.start()
    assert not receiver.has_died
    assert receiver.ending == ""
    os.kill(receiver._child.pid, signal.SIGKILL)
    receiver._child.wait()
    assert receiver.has_died
    assert receiver.ending == "by SIGKILL"
    receiver.kill()
    assert not receiver.has_died
    receiver.start()
    assert not receiver.has_died


def test_who_went_on_in_the_background_has_not_died(receiver):
    receiver.start({"FORKS": "yes"})
    receiver._child.wait()
    assert not receiver.has_died
    receiver.stop()
    assert not receiver._listens()


def test_last_words_are_those_of_the_present_life(receiver):
    receiver.start({"SECRET_OF_IT": "another"})
    receiver.kill()
    receiver.start()
    assert receiver.last_words(9) == ["secret its own"]


@pytest.mark.parametrize(
    ("options", "named"),
    [({"receiver_secret_env": "A"}, "--receiver-secret-env"), ({"log": "-"}, "--log -")],
)
def test_what_needs_a_process_needs_a_command(options, named):
    told = settings.load(target="http://127.0.0.1:9/", secret="s3cret", **options)
    with pytest.raises(UsageError, match=named), process.of(told):
        pass
