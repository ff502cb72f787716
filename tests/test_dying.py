"""A receiver that dies: whom that accuses, and what becomes of the rest of the run."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calcontract import life, validation
from calcontract.process import listens
from calcontract.reference import free_port
from tests.unit.calcontract.makers import SECRET

ROOT = Path(__file__).parent.parent

#: Long enough for a busy machine; a run that hangs is a failure, not a wait.
PATIENCE = 240

#: Sound, but for what its second argument says that it dies of.
MORTAL = """
import hashlib, hmac, os, sys, threading
from http.server import ThreadingHTTPServer, BaseHTTPRequestHandler
secret = os.environ["THE_SECRET"]
def die():
    print(f"dying with {secret}", flush=True)
    os._exit(7)
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.headers.get("X-Cal-Signature-256") or ""
        right = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if sys.argv[2] == "text" and given == right and body[:1] != b"{":
            die()
        if sys.argv[2] == "forgeries" and given != right:
            die()
        if sys.argv[2] == "depth, later" and body.count(b"[") > 1000:
            threading.Timer(0.3, die).start()
        self.send_response(202 if given == right else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *arguments):
        pass
class Server(ThreadingHTTPServer):
    request_queue_size = 64
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Mortal:
    """A receiver that dies of something, and a run over it."""

    def __init__(self, folder, of):
        (folder / "mortal.py").write_text(MORTAL)
        self._folder = folder
        self._port = free_port()
        self.words = [sys.executable, "mortal.py", str(self._port), of]
        self.url = f"http://127.0.0.1:{self._port}/hook"
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("CALCONTRACT_")}
        self._environment = {**kept, "THE_SECRET": SECRET, "PYTHONPATH": str(ROOT)}

    @contextlib.contextmanager
    def running(self):
        with subprocess.Popen(
            self.words, cwd=self._folder, env=self._environment, stdout=subprocess.DEVNULL
        ) as process:
            try:
                deadline = time.monotonic() + PATIENCE
                while not listens(self.url) and time.monotonic() < deadline:
                    time.sleep(0.02)
                yield self
            finally:
                process.kill()

    def judged(self, select, *words):
        """The exit code of a run over it, what that said, and its report."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "calcontract", "check", self.url, "-m", select),
                *(
                    "--secret-env",
                    "THE_SECRET",
                    "--profile",
                    "calcom",
                    "--report",
                    "reports",
                    "--seed",
                    "1",
                    *words,
                ),
            ],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        text = done.stdout + done.stderr
        assert "Traceback" not in text
        assert SECRET not in text
        written = (self._folder / "reports" / "verdicts.json").read_text(encoding="utf-8")
        assert SECRET not in written
        report = json.loads(written)
        assert validation.problems(report, "report") == []
        return done.returncode, done.stdout, report

    def judged_and_started(self, select, *words):
        command = shlex.join(self.words)
        return self.judged(select, "--start", command, *words)


def accused(report):
    return {
        clause["id"]: {
            check["reason"]
            for check in clause["checks"]
            if check["outcome"] in {"fail", "flaky", "suite error"}
        }
        for clause in report["clauses"]
        if clause["outcome"] in {"fail", "flaky", "suite error"}
    }


def outcomes(report):
    return {clause["id"]: clause["outcome"] for clause in report["clauses"]}


def test_who_alone_was_checked_when_it_died_is_accused(tmp_path):
    with Mortal(tmp_path, "text").running() as mortal:
        code, said, report = mortal.judged("env-001 or ack-009")
    assert code == 1
    assert accused(report) == {"env-001": {"receiver-died"}}
    # It comes last, and has met the dead receiver.
    assert outcomes(report)["ack-009"] == "not verified"
    assert "died     once, in env-001: look at that first" in said
    assert report["deaths"] == [
        {"clauses": ["env-001"], "explained": True, "lastWords": [], "ending": ""}
    ]
    # A port that nobody listens at any more is no try.
    assert "tries" not in said


def test_whom_it_may_have_died_of_is_told_where_nobody_can_tell(tmp_path):
    with Mortal(tmp_path, "text").running() as mortal:
        code, said, report = mortal.judged("sig or env or idm or ack")
    assert code == 4
    assert accused(report) == {}
    (death,) = report["deaths"]
    assert "env-001" in death["clauses"] or "env-005" in death["clauses"]
    assert len(death["clauses"]) > 1
    assert "died     once, in, or soon after, one of " in said
    assert "what came after it is not verified" in said


def test_who_dies_after_the_last_check_is_found_out_all_the_same(tmp_path):
    mortal = Mortal(tmp_path, "depth, later")
    _, said, report = mortal.judged_and_started("tol-008")
    assert accused(report) == {"tol-008": {"receiver-died"}}
    assert "it ended  with exit code 7" in said


@pytest.mark.slow
def test_a_receiver_that_dies_with_a_delay_is_started_again_and_the_culprit_found(tmp_path):
    mortal = Mortal(tmp_path, "depth, later")
    code, said, report = mortal.judged_and_started("tol-008 or sig or ack-009")
    assert code == 0, said
    # It takes the first of two signatures, which is another matter.
    assert accused(report) == {"tol-008": {"receiver-died"}, "sig-020": {"status-202"}}
    assert outcomes(report)["sig-001"] == outcomes(report)["ack-009"] == "pass"
    assert report["deaths"]
    assert all(death["explained"] for death in report["deaths"])
    assert "it said   dying with <the secret>" in said
    assert report["deaths"][0]["lastWords"] == ["dying with <the secret>"]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_receiver_that_dies_again_and_again_is_given_up(jobs, tmp_path):
    mortal = Mortal(tmp_path, "forgeries")
    code, said, report = mortal.judged_and_started("sig", "-n", jobs)
    assert code == 1
    assert set.union(*accused(report).values()) <= {"no-answer-reset", "receiver-died"}
    assert len(report["deaths"]) >= life.LIVES
    assert f"died     {len(report['deaths'])} times, in sig-" in said
    left = {check["sentence"] for clause in report["clauses"] for check in clause["checks"]}
    assert any("times, and was left dead" in sentence for sentence in left)
