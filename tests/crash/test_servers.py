"""A PostgreSQL server that goes down in the middle of everything, and comes back."""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests import postgresql
from tests.crash.run import endure
from tests.crash.troubles import Trouble


class Down(Trouble):
    """The server was stopped at once, as if it had crashed."""

    def __init__(self, url):
        self._url = make_url(url).set(drivername="postgresql")
        self._home = Path(self._url.query["host"])
        data = self._home / "data"
        self._command = shlex.split((data / "postmaster.opts").read_text())
        self._number = int((data / "postmaster.pid").read_text().split()[0])
        self._process = None

    def __enter__(self):
        # "Immediate": every connection is cut, and the next start recovers from the log.
        os.kill(self._number, signal.SIGQUIT)
        if self._process is not None:
            self._process.wait(timeout=30)
        while (self._home / "data" / "postmaster.pid").exists():
            time.sleep(0.01)

    def __exit__(self, *_):
        user = postgresql.unprivileged()
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                user=user and user.pw_uid,
                group=user and user.pw_gid,
                extra_groups=user and [],
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._number = self._process.pid
        postgresql.wait_for(self._url, self._process, self._home / "log")

    def end(self):
        """Stop the server that was started last."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)


@pytest.fixture
def server():
    """A server of the test's own, and how it goes down."""
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql.server())
        except postgresql.NoServerError as problem:
            pytest.skip(str(problem))
        down = Down(url)
        stack.callback(down.end)
        yield url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False), down


@pytest.mark.slow
def test_a_server_that_crashes_and_comes_back_loses_nothing(server, deploy):
    url, down = server
    deployment = deploy(on=url, webs=2, workers=2, RECEIVER_STORE_SECONDS="1")
    troubles = [down] * 3
    outcome = endure("PostgreSQL, server down", deployment, *troubles, timeout=10.0, torn=0.0)
    assert outcome.findings == ()
