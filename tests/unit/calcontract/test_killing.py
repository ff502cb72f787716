"""A killed receiver is waited for: what its children still hold is let go of before we go on."""

from __future__ import annotations

import sys

from calcontract.process import Process


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
