"""
A worker that stands still past its lease: another takes the delivery, and the first leaves nothing.
"""

import signal
from random import Random

import pytest
import requests

from tests.crash import state
from tests.crash.run import SEED, THOROUGH, Run
from tests.unit.reference_impl.bodies import a_body, sign

#: How often a worker stands still under load.
STALLS = 30 if THOROUGH else 4

#: Seconds of a lease under load.
_LEASE = 1.0

ROW = "SELECT state, tries, interruptions FROM webhook_events"


def provide(deployment, name, **params):
    """Set up a provider state in the first web process."""
    document = {"state": name, "params": params}
    answer = requests.post(f"{deployment.addresses[0]}/_testing/states", json=document, timeout=10)
    assert answer.status_code == 200, answer.text


def deliver(deployment, body):
    """Deliver *body* to the first web process."""
    headers = {"X-Cal-Signature-256": sign(body)}
    answer = requests.post(deployment.urls[0], data=body, headers=headers, timeout=10)
    assert answer.status_code == 202, answer.text


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_a_worker_that_stalls_past_its_lease_commits_nothing(deploy):
    lease = {"RECEIVER_LEASE": "3"}
    receiver = deploy(arguments=("--testing",), **lease)
    provide(receiver, "processing is slow", uid="uid-1", seconds=2.5)
    deliver(receiver, a_body(uid="uid-1"))
    stalled = receiver["web-0"]
    assert state.becomes(receiver.url, ROW, [("processing", 1, 0)])
    stalled.popen.send_signal(signal.SIGSTOP)
    other = deploy(webs=0, workers=1, **lease)
    assert state.settled(receiver.url)
    before = state.read(receiver.url)
    stalled.popen.send_signal(signal.SIGCONT)
    stalled.wait(b"Lease lost, nothing done")
    assert state.read(receiver.url) == before
    assert before.effects == (("created", "uid-1"),)
    # The interrupted try counts as none.
    assert state.query(receiver.url, ROW) == [("done", 1, 1)]
    assert other["worker-0"].said(b"Processed Cal.com webhook")


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_workers_that_stall_at_random_under_load_double_nothing(deploy):
    deployment = deploy(workers=2, RECEIVER_LEASE=str(_LEASE))
    run = Run(f"{deployment.database}, stalled workers", deployment)
    chance = Random(f"{SEED} stalls")
    with run.load() as senders:
        for _ in range(STALLS):
            assert run.comes_through()
            chance.choice(deployment.processes[1:]).stop_and_go(_LEASE * chance.uniform(0.5, 2.0))
    run.judge(senders)
    assert run.outcome().findings == ()
