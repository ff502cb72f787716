"""A real receiver: a process on a socket, for the tests that start and kill one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.unit.reference_impl.bodies import SECRET, sign

#: How long an effect may take before a test says that it never came.
PATIENCE = 10.0

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def environment(folder, **changes):
    """The environment of a receiver whose inbox lies in *folder*."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CALCOM_", "RECEIVER_", "DATABASE_"))
    }
    url = f"sqlite:///{folder}/receiver.db"
    return {**inherited, "CALCOM_WEBHOOK_SECRET": SECRET, "DATABASE_URL": url, **changes}


def command(folder, *arguments, **changes):
    """The outcome of one command of the receiver."""
    return subprocess.run(
        [sys.executable, "-m", "reference_impl", *arguments],
        env=environment(folder, **changes),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


class Process:
    """One `serve`."""

    def __init__(self, folder, *arguments, **changes):
        self.log = folder / "receiver.log"
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "reference_impl", "serve", "--port", "0", *arguments],
                env=environment(folder, **changes),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.line = self.popen.stdout.readline().strip()
        self.url = self.line.rpartition(" ")[2]
        self.origin = self.url.removesuffix("/api/webhooks/calcom")

    def request(self, url, body=None, headers=()):
        request = urllib.request.Request(url, data=body, headers=dict(headers))
        try:
            with _OPENER.open(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read()

    def deliver(self, body):
        """The status a signed delivery is answered with."""
        return self.request(self.url, body, {"X-Cal-Signature-256": sign(body)})[0]

    def state(self, name, **params):
        document = json.dumps({"state": name, "params": params}).encode()
        status, answer = self.request(f"{self.origin}/_testing/states", document)
        assert status == 200, answer

    def probe(self, *uids):
        query = urllib.parse.urlencode([("uid", uid) for uid in uids])
        return json.loads(self.request(f"{self.origin}/_testing/probe?{query}")[1])

    def settled(self, *uids):
        """The probe once nothing is pending any more."""
        deadline = time.monotonic() + PATIENCE
        while (seen := self.probe(*uids))["pending"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert seen["pending"] == 0
        return seen

    def end(self, number=signal.SIGTERM):
        """The exit code after the signal *number*."""
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(number)
        code = self.popen.wait(timeout=20)
        self.popen.stdout.close()
        return code


def worker(folder, **changes):
    """The process of one `worker`, which works on what other processes accept; it has begun."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False) as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "reference_impl", "worker"],
            env=environment(folder, **changes),
            stderr=log,
        )
    while "Worker started" not in Path(log.name).read_text(encoding="utf-8"):
        assert process.poll() is None
        time.sleep(0.01)
    return process


def ended(process):
    """The exit code of *process* after SIGTERM."""
    process.terminate()
    return process.wait(timeout=20)
