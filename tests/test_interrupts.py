"""Interrupts: a run says at once that it ends, ends soon, and tells what it has found by then."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from calcontract import reference, validation
from calcontract.reference import free_port
from tests.unit.calcontract.makers import SECRET
from tests.unit.calcontract.stand import Stand, sound

ROOT = Path(__file__).parent.parent

#: Long enough for a busy machine; a run that hangs is a failure, not a wait.
PATIENCE = 60

#: What a receiver that never answers keeps a check for, in seconds: longer than the test may take.
BUDGET = "600"


@pytest.fixture
def stand():
    made = Stand()
    yield made
    made.close()


class Run:
    """A command in a process group of its own, as a shell starts it."""

    def __init__(self, *words, cwd, **more):
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("CALCONTRACT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", *words],
            cwd=cwd,
            env={**kept, "THE_SECRET": SECRET, "PYTHONPATH": str(ROOT), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        #: What it has said to standard error, line by line.
        self.lines = []
        self._more = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self):
        for line in self.process.stderr:
            with self._more:
                self.lines.append(line)
                self._more.notify_all()
        with self._more:
            self._more.notify_all()

    def until_said(self, words):
        """Wait until it says *words* to standard error."""
        with self._more:
            assert self._more.wait_for(
                lambda: (
                    any(words in line for line in self.lines) or self.process.poll() is not None
                ),
                PATIENCE,
            )
            assert any(words in line for line in self.lines), self.lines

    def interrupted_by_the_terminal(self):
        """Ctrl-C reaches everybody in the group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def interrupted(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._listener.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def ended(self):
        """What it has said to standard output, and to standard error."""
        code = self.process.wait(PATIENCE)
        said = self.process.stdout.read()
        self._listener.join(PATIENCE)
        assert code == 130, (said, self.lines)
        errors = "".join(self.lines)
        assert "Traceback" not in said + errors
        assert SECRET not in said + errors
        return said, errors


@pytest.fixture
def run(tmp_path):
    """Runs a command, which is no more when the test is over."""
    with contextlib.ExitStack() as stack:

        def start(*words, **more):
            return stack.enter_context(contextlib.closing(Run(*words, cwd=tmp_path, **more)))

        yield start


@pytest.fixture
def check(run):
    return lambda *words, **more: run(
        "calcontract", "check", *words, "--secret-env", "THE_SECRET", **more
    )


def until(true):
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def report_of(folder):
    report = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    assert validation.problems(report, "report") == []
    return report


def hangs_at_the(number):
    """An answer that never comes to the *number*th delivery."""
    came = []

    def answer(headers, body):
        came.append(body)
        if len(came) == number:
            time.sleep(2 * PATIENCE)
        return sound(headers, body)

    answer.came = came
    return answer


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("by", ["terminal", "signal"])
def test_a_check_that_waits_is_cut_short_and_what_was_found_is_told(
    jobs, by, stand, check, tmp_path
):
    stand.answer = hangs_at_the(20)
    started = check(
        *(stand.url, "-n", jobs, "--budget", BUDGET, "-m", "env or sig-001", "--seed", "1"),
        *("--report", "reports"),
    )
    until(lambda: len(stand.answer.came) >= 20 + (jobs == "2"))
    started.interrupted_by_the_terminal() if by == "terminal" else started.interrupted()
    said, errors = started.ended()
    assert errors.count("interrupted; finishing up") == 1
    assert re.search(r"verdict  incomplete \(wire\), .*interrupted after \d+ of \d+ checks", said)
    assert "conforms" not in said

    report = report_of(tmp_path / "reports")
    assert report["verdict"] == "incomplete"
    assert report["exitCode"] == 130
    ends = [check["outcome"] for clause in report["clauses"] for check in clause["checks"]]
    assert "pass" in ends
    assert "not verified" in ends
    cases = ET.parse(tmp_path / "reports" / "junit.xml").getroot()
    assert "the run comes to its end" in {case.get("name") for case in cases.iter("testcase")}


@pytest.mark.parametrize("spread", [(), ("-n", "2")])
def test_an_interrupt_through_pytest_tells_what_was_found_by_then(spread, stand, run, tmp_path):
    stand.answer = hangs_at_the(20)
    started = run(
        *("pytest", "--target", stand.url, "--secret-env", "THE_SECRET", "--budget", BUDGET),
        *("--pyargs", "calcontract.suite", "-p", "calcontract.plugin", *spread),
        *("-m", "env or sig-001", "--contract-seed", "1", "--contract-report", "reports"),
    )
    until(lambda: len(stand.answer.came) >= 20 + bool(spread))
    started.interrupted_by_the_terminal()
    said, _ = started.ended()
    assert "verdict  incomplete (wire)" in said
    assert report_of(tmp_path / "reports")["verdict"] == "incomplete"


def test_what_violates_is_named_although_the_run_came_to_no_end(stand, tmp_path, check):
    # The stand says 202 to whatever is rightly signed, so it fails what is not about signatures.
    stand.answer = hangs_at_the(40)
    started = check(stand.url, "--budget", BUDGET, "-m", "env", "--seed", "1")
    until(lambda: len(stand.answer.came) >= 40)
    started.interrupted()
    said, _ = started.ended()
    assert re.search(r"verdict  incomplete .*violates env-\d+", said)
    assert re.search(r"not run  \d+ of \d+ checks", said)
    # What was not run is counted, and not told of one by one.
    assert "it was not run" not in said


def test_what_did_not_pass_beside_others_is_told_although_it_was_not_tried_alone(stand, check):
    # What the stand is accused of beside others is to be seen again alone, which it never is.
    stand.answer = hangs_at_the(30)
    started = check(stand.url, "-n", "2", "--budget", BUDGET, "-m", "env", "--seed", "1")
    until(lambda: len(stand.answer.came) >= 30)
    started.interrupted()
    said, _ = started.ended()
    assert re.search(r"verdict +not verified \(not-tried-alone\)", said)
    assert re.search(r"but +beside others .*, and it was not tried alone", said)


def test_no_profile_is_checked_after_the_one_that_was_interrupted(stand, tmp_path, check):
    stand.answer = hangs_at_the(20)
    started = check(
        *(stand.url, "--budget", BUDGET, "-m", "env", "--seed", "1"),
        *("--profile", "guide", "--profile", "calcom"),
    )
    until(lambda: len(stand.answer.came) >= 20)
    started.interrupted()
    said, _ = started.ended()
    assert "profile calcom" not in said
    assert said.splitlines()[-1] == "exit     130, the worst of guide 130; not begun: calcom"


def test_what_was_told_of_one_profile_stands_if_there_is_nothing_to_tell_of_the_next(stand, check):
    selected = (stand.url, "--budget", BUDGET, "-m", "sig-003", "--seed", "1")
    alone = check(*selected)
    assert alone.process.wait(PATIENCE) == 0
    asked = len(stand.received)
    # The look before the second run is the first that is not answered.
    stand.answer = hangs_at_the(asked + 1)
    started = check(*selected, "--profile", "guide", "--profile", "calcom")
    until(lambda: len(stand.answer.came) > asked)
    started.interrupted()
    said, errors = started.ended()
    assert "verdict  conforms (wire), profile guide, only -m " in said
    assert ": 1 of 1 MUST verified" in said
    assert said.splitlines()[-1] == "exit     130, the worst of guide 0, calcom 130"
    assert "nothing is said of the receiver" not in errors


class Undone(list):
    """What a receiver was told, which never answers to what undoes something."""

    begun = undone = False

    def append(self, told):
        super().append(told)
        self.begun |= told["params"].get("times", 0) > 0
        # Before the run it is asked whether it knows the state, with as much.
        self.undone |= self.begun and told["params"].get("times") == 0
        if self.undone:
            time.sleep(2 * PATIENCE)


def test_a_second_interrupt_ends_a_run_that_has_not_come_to_its_end(stand, check):
    # What a check has changed is undone when it is over: here that takes for ever.
    states = stand.states = Undone()

    def answer(headers, body):
        if states.begun:
            time.sleep(2 * PATIENCE)
        return sound(headers, body)

    stand.answer = answer
    origin = stand.origin
    started = check(
        *(stand.url, "--probe", f"{origin}/probe", "--states", f"{origin}/states"),
        *("--budget", BUDGET, "-m", "rty-001"),
    )
    until(lambda: states.begun)
    started.interrupted()
    until(lambda: states.undone)
    started.interrupted()
    started.ended()


def _listens(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


#: Never answers what is begun, and takes a minute to end.
RELUCTANT = """
import signal, sys, time
from http.server import ThreadingHTTPServer, BaseHTTPRequestHandler
signal.signal(signal.SIGTERM, lambda *_: None)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), BaseHTTPRequestHandler).serve_forever()
"""


def test_a_second_interrupt_kills_what_does_not_want_to_end(tmp_path, check):
    (tmp_path / "reluctant.py").write_text(RELUCTANT)
    port = free_port()
    started = check(
        *(f"http://127.0.0.1:{port}/hook", "--start", f"{sys.executable} reluctant.py {port}"),
    )
    until(lambda: _listens(port))
    started.interrupted()
    time.sleep(0.1)
    started.interrupted()
    started.ended()
    assert not _listens(port)


#: Starts the reference receiver with a store of its own beside the port that it is given.
STARTED = shlex.join(
    [
        *("sh", "-c", 'DATABASE_URL="sqlite:///$0.db" exec "$@"', "{port}"),
        *(*reference.COMMAND, "--port", "{port}"),
    ]
)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_whatever_was_started_is_ended(jobs, tmp_path, check):
    origin = "http://127.0.0.1:{port}"
    started = check(
        *(origin + reference.PATH, "--start", STARTED, "-n", jobs, "-m", "net-002 or cfg"),
        *("--probe", f"{origin}/_testing/probe", "--states", f"{origin}/_testing/states"),
        *("--receiver-secret-env", reference.SECRET),
        **{reference.SECRET: SECRET},
    )
    processes = 1 if jobs == "1" else 3
    until(lambda: len(list(tmp_path.glob("*.db"))) == processes)
    started.interrupted_by_the_terminal()
    started.ended()
    assert [path.stem for path in tmp_path.glob("*.db") if _listens(int(path.stem))] == []


#: Believes whoever is signed at all, writes down its first deliveries, and then answers no more.
HANGING = """
import pathlib, sys, time
from http.server import ThreadingHTTPServer, BaseHTTPRequestHandler
came = []
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        came.append(self.path)
        if len(came) > 20:
            pathlib.Path(sys.argv[1] + ".hangs").touch()
            time.sleep(600)
        self.send_response(202 if self.headers.get("X-Cal-Signature-256") else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.mark.parametrize("spread", [(), ("-n", "2")])
def test_through_pytest_a_signal_ends_what_was_started_and_tells_what_was_found(
    spread, tmp_path, run
):
    (tmp_path / "hanging.py").write_text(HANGING)
    port = free_port()
    started = run(
        *("pytest", "--target", f"http://127.0.0.1:{port}/hook", "--secret-env", "THE_SECRET"),
        *("--start", f"{sys.executable} hanging.py {port}", "--budget", BUDGET, *spread),
        *("--contract-report", "reports", "--pyargs", "calcontract.suite"),
        *("-p", "calcontract.plugin", "-m", "env"),
    )
    until((tmp_path / f"{port}.hangs").exists)
    started.interrupted(signal.SIGTERM)
    said, _ = started.ended()
    assert "verdict  incomplete" in said
    assert report_of(tmp_path / "reports")["exitCode"] == 130
    assert not _listens(port)


@pytest.mark.parametrize("module", ["mock_calcom", "calcontract", "reference_impl"])
def test_little_is_loaded_before_an_interrupt_ends_quietly(module):
    # An interrupt before that is Python's own: each module more is time in which it may come.
    names = subprocess.run(
        [
            *(sys.executable, "-S", "-c"),
            f"import sys, {module}.__main__; print(*sys.modules)",
        ],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert f"{module}.__main__" in names
    assert not {"typing", "logging", "pathlib", "typer"} & set(names)


@pytest.mark.parametrize("module", ["mock_calcom", "calcontract"])
@pytest.mark.parametrize("heavy", ["typer", "requests"])
def test_an_interrupt_while_modules_are_loaded_ends_quietly(module, heavy, tmp_path, run):
    (tmp_path / f"{heavy}.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise ImportError\n"
    )
    words = {"mock_calcom": ("triggers",), "calcontract": ("smoke", "http://127.0.0.1:9/")}[module]
    started = run(module, *words, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert started.ended() == ("", "")


@pytest.mark.parametrize(
    ("command", "heavy"),
    [("check", "pytest"), ("smoke", "requests"), ("fuzz", "schemathesis"), ("load", "requests")],
)
def test_an_interrupt_while_a_command_is_loaded_ends_quietly(command, heavy, tmp_path, run):
    (tmp_path / f"{heavy}.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise ImportError\n"
    )
    started = run(*("calcontract", command, "http://127.0.0.1:9/"), PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert started.ended() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_says_what_it_waits_for_while_it_waits(jobs, stand, check):
    # Strangers are never given up, and nothing else is checked.
    started = check(stand.url, "--budget", BUDGET, "-m", "net-002", "-n", jobs)
    started.until_said("net-002: waiting for the receiver to give up on requests")
    started.interrupted()
    started.process.wait(PATIENCE)


def test_a_hunt_that_is_interrupted_tells_what_it_has_found(stand, run):
    stand.answer = hangs_at_the(30)
    started = run(
        *("calcontract", "fuzz", stand.url, "--secret-env", "THE_SECRET", "--seed", "1"),
        *("--budget", BUDGET),
    )
    until(lambda: len(stand.answer.came) >= 30)
    started.interrupted_by_the_terminal()
    said, _ = started.ended()
    assert "stopped   somebody has interrupted the hunt" in said
    assert re.search(r"fuzz      .* examples of \d kinds", said)
