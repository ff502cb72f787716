"""A run that is spread over processes: the same verdict as in one, and nothing lost on the way."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from calcontract import reference, spreading
from calcontract.reference import free_port
from tests.unit.calcontract.makers import SECRET
from tests.unit.calcontract.stand import Stand

ROOT = Path(__file__).parent.parent

#: Long enough for a busy machine; a run that hangs is a failure, not a wait.
PATIENCE = 240


def ended(words, *, cwd=ROOT, secret=SECRET, **more):
    """What became of a command: its exit code and everything it said."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("CALCONTRACT_")}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=cwd,
        env={**kept, "SPREAD_SECRET": secret, **more},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    said = done.stdout + done.stderr
    assert secret not in said
    assert "Traceback" not in said
    return done.returncode, said


def through_pytest(*words, **more):
    return ended(["pytest", "--secret-env", "SPREAD_SECRET", *words], **more)


def through_check(*words, **more):
    return ended(["calcontract", "check", *words, "--secret-env", "SPREAD_SECRET"], **more)


def report_of(folder):
    return json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))


def checks_of(report):
    """Every check with how it ended; a list, so that one that is told twice shows."""
    return sorted(
        (clause["id"], check["title"], check["outcome"], check["reason"])
        for clause in report["clauses"]
        for check in clause["checks"]
    )


@pytest.fixture
def stand():
    made = Stand()
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("door", ["check", "pytest"])
def test_the_reference_receiver_conforms_with_the_same_checks_as_in_one_process(door, tmp_path):
    seconds, reports = {}, {}
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        with reference.receiver() as running:
            offered = ("--probe", running.probe, "--states", running.states)
            began = time.monotonic()
            if door == "check":
                told = (running.url, *offered, "--report", str(folder), "--seed", "3")
                code, said = through_check(*told, "-n", jobs, secret=running.secret)
            else:
                told = ("--target", running.url, *offered, "--contract-report", str(folder))
                spread = ("-n", jobs) if jobs != "1" else ()
                code, said = through_pytest(
                    *told, *spread, "-m", "sig or idm or rty", secret=running.secret
                )
            seconds[jobs] = time.monotonic() - began
        assert code == 0, said
        reports[jobs] = report_of(folder)
        assert running.secret not in json.dumps(reports[jobs])
    assert checks_of(reports["1"]) == checks_of(reports["2"])
    assert {end for _, _, end, _ in checks_of(reports["2"])} <= {
        *("pass", "outside scope", "not applicable")
    }
    # Whatever any process has sent is told to the operator.
    assert len(reports["2"]["sent"]["uids"]) == len(reports["1"]["sent"]["uids"])
    assert reports["2"]["attempts"] == reports["1"]["attempts"]
    print(f"{door}: {seconds['1']:.1f} s in one process, {seconds['2']:.1f} s over two")  # noqa: T201 - a measure, not asserted


def test_a_run_without_a_url_is_spread_and_its_receiver_killed_by_one_process_alone(tmp_path):
    code, said = ended(
        ["calcontract", "check", "-n", "2", "-m", "dur-004 or sig-001", "--report", "reports"],
        cwd=tmp_path,
    )
    assert code == 0, said
    only = "only -m 'dur-004 or sig-001'"
    assert f"conforms, profile guide, {only}: 2 of 2 MUST verified" in said
    assert report_of(tmp_path / "reports")["scope"] == "crash"


#: Starts the reference receiver with a store of its own beside the port that it is given.
STARTED = shlex.join(
    [
        *("sh", "-c", 'DATABASE_URL="sqlite:///$0.db" exec "$@"', "{port}"),
        *(*reference.COMMAND, "--port", "{port}"),
    ]
)
ORIGIN = "http://127.0.0.1:{port}"
APIECE = (
    *(ORIGIN + reference.PATH, "--start", STARTED, "--log", "-"),
    *("--probe", f"{ORIGIN}/_testing/probe", "--states", f"{ORIGIN}/_testing/states"),
    *("--receiver-secret-env", reference.SECRET, "--receiver-previous-env", reference.PREVIOUS),
)


@pytest.mark.slow
def test_where_the_suite_chooses_the_port_every_process_has_a_receiver_of_its_own(tmp_path):
    code, said = through_check(
        *APIECE,
        *("-n", "2", "-m", "dur-004 or cfg-001 or rty or sig-001 or idm-010 or obs-007"),
        *("--report", "reports"),
        cwd=tmp_path,
        **{reference.SECRET: SECRET},
    )
    assert code == 0, said
    report = report_of(tmp_path / "reports")
    assert report["scope"] == "crash"
    titles = [title for _, title, _, _ in checks_of(report)]
    assert len(titles) == len(set(titles))
    # One for each worker, and one for what is run alone.
    assert len(list(tmp_path.glob("*.db"))) == 3


#: Shows its secret in its log as soon as it has taken a first delivery, but for the first one that
#: is started in a folder.
LEAKS = """
import os, pathlib, sys
from reference_impl import serving
from reference_impl.inbox import Inbox
from reference_impl.settings import Settings

class Leaks(Inbox):
    async def accept(self, entry):
        if pathlib.Path("first").read_text() != sys.argv[1]:
            print(os.environ["CALCOM_WEBHOOK_SECRET"], flush=True)
        return await super().accept(entry)

try:
    with open("first", "x") as first:
        first.write(sys.argv[1])
except FileExistsError:
    pass
os.environ["DATABASE_URL"] = f"sqlite:///{sys.argv[1]}.db"
from reference_impl.app import Parts
serving.serve(Settings.from_environment(), port=int(sys.argv[1]), parts=Parts(inbox=Leaks))
"""


@pytest.mark.slow
def test_what_looks_back_over_a_run_looks_at_every_receiver(tmp_path):
    (tmp_path / "leaks.py").write_text(LEAKS)
    code, said = through_check(
        *(ORIGIN + reference.PATH, "--start", f"{sys.executable} leaks.py {{port}}", "--log", "-"),
        *("-n", "2", "-m", "sig-001 or obs-007", "--report", "reports"),
        cwd=tmp_path,
        PYTHONPATH=str(ROOT),
        **{reference.SECRET: SECRET},
    )
    assert code == 1, said
    failed = [check["title"] for check in _failed(report_of(tmp_path / "reports"))]
    assert failed.count("No line of the whole run shows the secret") == 1


def test_who_violates_is_told_the_same(stand, tmp_path):
    # The stand says 202 to whatever is rightly signed, so it fails what is not about signatures.
    reports = []
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        told = ("-m", "sig-001 or env-002 or ack-003", "--seed", "1", "-n", jobs)
        code, said = through_check(stand.url, *told, "--report", str(folder))
        assert code == 1, said
        reports.append(report_of(folder))
    assert checks_of(reports[0]) == checks_of(reports[1])
    assert reports[0]["headline"] == reports[1]["headline"]
    assert [one["exchange"] is None for one in _failed(reports[0])] == [
        one["exchange"] is None for one in _failed(reports[1])
    ]


def _failed(report):
    return [
        check
        for clause in report["clauses"]
        for check in clause["checks"]
        if check["outcome"] == "fail"
    ]


def test_what_did_not_pass_beside_others_is_run_again_alone_and_told_once(stand):
    code, said = through_pytest("--target", stand.url, "-n", "2", "-m", "env-002", "-q", "-rA")
    assert code == 1, said
    assert re.search(r"\d+ failed.*\d+ run again alone", said)
    assert "violates (wire)" in said


def test_a_list_of_known_violations_holds_in_a_run_that_is_spread(stand, tmp_path):
    told = ("-m", "sig-001 or env-002", "-n", "2")
    _, said = through_check(stand.url, *told, "--report", str(tmp_path / "first"))
    reasons = {check["reason"] for check in _failed(report_of(tmp_path / "first"))}
    listed = tmp_path / "known.toml"
    listed.write_text(
        "\n".join(
            f'[[violation]]\nid = "env-002"\nreason = "{reason}"\n'
            'link = "https://issues.example/1"\nexpires = 2099-01-01'
            for reason in sorted(reasons)
        )
    )
    code, said = through_check(stand.url, *told, "--known-violations", str(listed))
    assert code == 0, said
    assert "known to violate env-002" in said


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("-m", "sig-001 and ack-001"), 2, "this selection holds no check"),
        (("-m", "sig-001", "--dist", "each"), 2, "each check is run once"),
        (("-m", "sig-001", "-k", "absent"), 4, "0 of 1 MUST verified"),
    ],
)
def test_a_selection_means_the_same(stand, words, code, sentence):
    found, said = through_pytest("--target", stand.url, "-n", "2", *words)
    assert found == code, said
    assert sentence in said


@pytest.mark.parametrize("door", ["check", "pytest"])
def test_a_target_that_cannot_be_judged_is_looked_at_once_and_nothing_is_spread(door):
    url = f"http://127.0.0.1:{free_port()}/api/webhooks/calcom"
    code, said = (
        through_check(url, "-n", "2")
        if door == "check"
        else through_pytest("--target", url, "-n", "2")
    )
    assert code == 3, said
    assert said.count("not judged:") == 1
    assert "refuses the connection" in said
    assert "bringing up nodes" not in said


LOST = """
import os

def pytest_runtest_setup(item):
    if "absent" in item.name and "PYTEST_XDIST_WORKER" in os.environ:
        os._exit(3)
"""


def test_a_process_that_is_lost_is_a_fault_of_ours_and_never_a_pass(stand, tmp_path):
    (tmp_path / "lost.py").write_text(LOST)
    code, said = through_pytest(
        *("--target", stand.url, "-n", "2", "-m", "sig-001 or sig-003", "-p", "lost"),
        *("--contract-report", str(tmp_path / "reports")),
        PYTHONPATH=str(tmp_path),
    )
    assert code == 5, said
    report = report_of(tmp_path / "reports")
    assert "process-lost" in {reason for _, _, _, reason in checks_of(report)}
    assert report["verdict"] == "suite failed"
    # Each check is told of once, whoever ran it.
    titles = [title for _, title, _, _ in checks_of(report)]
    assert len(titles) == len(set(titles))


SPY = """
import os, pathlib

def pytest_sessionfinish(session):
    for name in ("cmdline", "environ"):
        told = pathlib.Path(f"/proc/self/{name}")
        if told.is_file() and hasattr(session.config, "workerinput"):
            text = told.read_bytes()
            pathlib.Path(os.environ["SPY"], f"{name}-{os.getpid()}").write_bytes(text)
"""


def test_the_secret_of_the_reference_receiver_stands_in_no_argument_list(tmp_path, monkeypatch):
    (tmp_path / "spy.py").write_text(SPY)
    monkeypatch.setenv("PYTEST_PLUGINS", "spy")
    code, said = ended(
        ["calcontract", "check", "-n", "2", "-m", "sig-001"],
        cwd=tmp_path,
        PYTHONPATH=str(tmp_path),
        SPY=str(tmp_path),
    )
    assert code == 0, said
    if not Path("/proc/self/cmdline").is_file():
        return
    seen = [*tmp_path.glob("cmdline-*"), *tmp_path.glob("environ-*")]
    assert len(seen) == 4
    # The reference receiver's secret is 32 hex digits.
    found = [re.search(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", one.read_bytes()) for one in seen]
    assert not [one for one in found if one and b"TESTRUNUID" not in one.string]


def test_what_neither_load_nor_a_neighbour_brings_about_is_not_waited_for_twice(stand):
    # It never gives up on anybody.
    told = ("--target", stand.url, "-n", "2", "-m", "net-002", "--budget", "1", "-q", "-rA")
    _, said = through_pytest(*told)
    assert "1 xfailed" in said
    assert "run again alone" not in said


def test_what_waits_for_long_is_dealt_out_first():
    items = [SimpleNamespace(keywords=tags) for tags in ((), ("slow",), ("race",), ("slow",))]
    assert spreading._dealt(items) == [items[1], items[3], items[0], items[2]]
