"""A killed receiver is waited for: until nothing of it listens, and until its heir answers."""

from __future__ import annotations

import sys

from calcontract.process import Process
from tests.unit.calcontract.stand import stand


def test_a_kill_lasts_until_nothing_listens_any_more(monkeypatch, tmp_path):
    # Not yet, then it does; killed, a child of it holds the socket for two more looks.
    looks = iter([False, True, True, True, False])
    monkeypatch.setattr(Process, "_listens", lambda _: next(looks))
    process = Process(
        f"{sys.executable} -c 'import time; time.sleep(60)'",
        "http://127.0.0.1:9/",
        log=tmp_path / "log",
    )
    process.start()
    process.kill()
    assert not process.is_as_usual
    assert next(looks, "none left") == "none left"


def test_a_kill_does_not_wait_for_ever_for_somebody_elses_socket(monkeypatch, tmp_path):
    looks = iter([False])
    monkeypatch.setattr(Process, "_listens", lambda _: next(looks, True))
    monkeypatch.setattr("calcontract.process._STOP", 0.0)
    process = Process(
        f"{sys.executable} -c 'import time; time.sleep(60)'",
        "http://127.0.0.1:9/",
        log=tmp_path / "log",
    )
    process.start()
    process.kill()
    assert not process.is_as_usual


def test_a_receiver_that_was_started_again_knows_the_time_and_has_answered():
    class Restarted:
        advanced = 61.0
        starts = 0

        def start(self):
            self.starts += 1

    with stand() as receiver:
        target = receiver.target(capabilities=("probe", "states"))
        target.process = Restarted()
        target.restart()
        # Or a kill that follows could meet a socket that nobody serves yet.
        assert (target.process.starts, receiver.looks) == (1, ["/probe"])
        assert receiver.states == [{"state": "clock advances", "params": {"seconds": 61.0}}]
