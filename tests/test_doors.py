"""Both doors, used as anybody would: what they end with, and what they say then."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from calcontract import cli, reference, validation
from calcontract.reference import free_port
from tests.unit.calcontract.makers import SECRET
from tests.unit.calcontract.stand import Stand, sound

ROOT = Path(__file__).parent.parent
NAIVE = ROOT / "tests" / "naive" / "receiver.py"

#: Long enough for a busy machine; a run that hangs is a failure, not a wait.
PATIENCE = 120


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("CALCONTRACT_")}
    return {**kept, "DOOR_SECRET": SECRET, **more}


class Ended:
    """A command that has ended: its exit code and what it said."""

    def __init__(self, words, *, cwd, **more):
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=cwd,
            env=environment(**more),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.text = done.stdout + done.stderr
        # Whatever happens, nobody is shown our stack or the secret.
        assert "Traceback" not in self.text
        assert "INTERNALERROR" not in self.text
        assert SECRET not in self.text

    @property
    def sentence(self):
        """The one sentence of a run that could not start."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("calcontract: ")]
        return line.removeprefix("calcontract: ")


@pytest.fixture
def check(tmp_path):
    def run(*words, cwd=None, secret=True, **more):
        given = ["--secret-env", "DOOR_SECRET"] if secret else []
        return Ended(["calcontract", "check", *words, *given], cwd=cwd or tmp_path, **more)

    return run


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """The sentence with which `calcontract check` refuses to start; told without a process."""

    def run(*words, secret=True):
        for name in set(os.environ) - set(environment()):
            monkeypatch.delenv(name)
        monkeypatch.setenv("DOOR_SECRET", SECRET)
        monkeypatch.chdir(tmp_path)
        given = ["--secret-env", "DOOR_SECRET"] if secret else []
        result = CliRunner().invoke(cli.application, ["check", *words, *given])
        assert result.exit_code == 2, result.output
        assert isinstance(result.exception, SystemExit)
        assert SECRET not in result.output
        (line,) = result.stderr.splitlines()
        assert line.startswith("calcontract: ")
        return line

    return run


@pytest.fixture
def stand():
    with contextlib.closing(Stand()) as made:
        yield made


@pytest.fixture
def naive():
    """The address of a receiver that works in the demo."""
    with subprocess.Popen(
        [sys.executable, str(NAIVE), "0"],
        env=environment(NAIVE_SECRET=SECRET),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield process.stdout.readline().split()[-1]
        process.kill()


def report_of(folder):
    document = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    assert validation.problems(document, "report") == []
    assert SECRET not in json.dumps(document)
    assert SECRET not in (folder / "junit.xml").read_text(encoding="utf-8")
    return document


def outcomes_of(report):
    return {clause["id"]: clause["outcome"] for clause in report["clauses"]}


def reasons_of(report, clause_id):
    (clause,) = [clause for clause in report["clauses"] if clause["id"] == clause_id]
    return {check["reason"] for check in clause["checks"] if check["outcome"] == "fail"}


def cases_of(folder):
    root = ET.parse(folder / "junit.xml").getroot()
    return {name: int(root.get(name)) for name in ("tests", "failures", "errors", "skipped")}


# --- 0: conforms ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_without_a_receiver_the_reference_receiver_is_checked_and_conforms(check, tmp_path):
    ended = check("--report", "reports", secret=False)
    assert ended.code == 0, ended.text
    assert ended.out.splitlines()[-1].startswith("verdict  conforms, profile guide: ")
    report = report_of(tmp_path / "reports")
    assert (report["verdict"], report["scope"]) == ("conforms", "crash")
    assert report["must"]["verified"] == report["must"]["inScope"]
    outcomes = outcomes_of(report)
    # What is said of https alone does not apply to plain http.
    assert {outcomes.pop(name) for name in ("net-015", "net-016")} == {"not applicable"}
    assert set(outcomes.values()) == {"pass"}
    counts = cases_of(tmp_path / "reports")
    assert counts["tests"] == sum(len(clause["checks"]) for clause in report["clauses"])
    ends = [check["outcome"] for clause in report["clauses"] for check in clause["checks"]]
    assert (counts["failures"], counts["errors"]) == (0, 0)
    assert counts["skipped"] == ends.count("not applicable")
    # What an operator of a real target would have to clean up.
    assert len(report["sent"]["uids"]) > 100


def test_a_selection_conforms_in_the_scope_that_was_open(check, stand, tmp_path):
    ended = check(stand.url, "-m", "sig-001 or sig-003", "--report", "reports")
    assert ended.code == 0, ended.text
    only = "-m 'sig-001 or sig-003'"
    assert f"verdict  conforms (wire), profile guide, only {only}: 2 of 2 MUST" in ended.out
    report = report_of(tmp_path / "reports")
    assert outcomes_of(report) == {"sig-001": "pass", "sig-003": "pass"}
    assert report["selection"] == only


def test_a_level_is_selected_as_it_is_printed_and_selections_add_up(check, stand, tmp_path):
    ended = check(
        stand.url, "-m", "SIG-001 and MUST", "-m", "sig-003", "-m", "Ack-006", "--report", "reports"
    )
    assert ended.code == 0, ended.text
    assert set(outcomes_of(report_of(tmp_path / "reports"))) == {"sig-001", "sig-003", "ack-006"}


def test_a_setting_may_come_from_the_environment_or_the_file(check, stand, tmp_path):
    (tmp_path / "calcontract.toml").write_text(f'target = "{stand.url}"\nprofile = "calcom"\n')
    ended = check("-m", "sig-001", CALCONTRACT_SEED="77")
    assert ended.code == 0, ended.text
    assert "profile calcom" in ended.out
    assert "seed 77" in ended.out


# --- 1: violates ----------------------------------------------------------------------------------

#: How the naive receiver is wrong, by the clause that says so and the reason it gives.
WRONGS = {
    "sig-001": "status-200",  # believes what carries no signature
    "sig-010": "status-401",  # verifies what a JSON library makes of the body
    "env-001": "status-500",  # fails on what does not parse
    "idm-001": "effect-repeated",  # books each delivery anew
    "idm-003": "effect-repeated",
    "ack-003": "status-200",  # says 200 where the guide says 202
}


@pytest.mark.slow
def test_a_typical_public_receiver_violates_and_is_told_how(check, naive, tmp_path):
    probe = naive.replace("/webhook", "/probe")
    ended = check(naive, "--probe", probe, "--seed", "5", "--report", "reports")
    assert ended.code == 1
    assert "verdict  violates (effects), profile guide: " in ended.out
    report = report_of(tmp_path / "reports")
    assert (report["verdict"], report["scope"], report["exitCode"]) == ("violates", "effects", 1)
    for clause_id, reason in WRONGS.items():
        assert reason in reasons_of(report, clause_id)
    found = outcomes_of(report)
    # It does verify something, and is not accused of what it does right.
    assert [found[name] for name in ("sig-003", "sig-004", "sig-005", "ack-008")] == ["pass"] * 4
    assert found["rty-001"] == "outside scope"
    assert "suite error" not in found.values()
    counts = cases_of(tmp_path / "reports")
    failed = [
        check
        for clause in report["clauses"]
        for check in clause["checks"]
        if check["outcome"] == "fail" and clause["level"] == "must"
    ]
    assert counts["failures"] == len(failed)
    assert ended.out.count("  repeat    calcontract check ") >= len(WRONGS)
    assert "by hand   curl" in ended.out
    assert "lost for ever" in ended.out


def test_the_real_sender_gives_a_reschedule_a_new_uid_and_loses_a_receiver_that_looks_it_up(
    check, naive, tmp_path
):
    probe = naive.replace("/webhook", "/probe")
    told = (naive, "--probe", probe, "-m", "eff-004")
    # The guide's reschedule keeps its uid, so the mistake cannot be seen there.
    assert check(*told, "--profile", "guide").code == 0
    assert check(*told, "--profile", "calcom", "--report", "reports").code == 1
    assert reasons_of(report_of(tmp_path / "reports"), "eff-004") == {"other-time"}


def test_the_command_that_a_failure_names_repeats_it(check, naive, tmp_path):
    probe = naive.replace("/webhook", "/probe")
    ended = check(naive, "--probe", probe, "-m", "idm-001 or sig-003", "--seed", "5")
    assert ended.code == 1
    (line,) = {line for line in ended.out.splitlines() if " repeat    " in line}
    words = shlex.split(line.partition("repeat    ")[2])
    assert words[:2] == ["calcontract", "check"]
    again = Ended(words, cwd=tmp_path)
    assert again.code == 1
    assert "idm-001 MUST" in again.out
    assert "effect-repeated" in again.out
    assert "sig-003" not in again.out


def test_the_command_by_hand_really_does_it(check, naive, tmp_path):
    check(naive, "-m", "sig-001", "--report", "reports")
    report = report_of(tmp_path / "reports")
    exchanges = [
        check["exchange"]
        for clause in report["clauses"]
        for check in clause["checks"]
        if check["exchange"]
    ]
    assert exchanges
    if not shutil.which("curl"):
        pytest.fail("this machine has no curl to try the command with")
    for exchange in exchanges:
        done = subprocess.run(
            ["bash", "-c", exchange["curl"]],
            env=environment(NO_PROXY="127.0.0.1"),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert re.match(rf"HTTP/1\.[01] {exchange['status']} ", done.stdout)


def dropping(which):
    """A sound receiver that hangs up on the requests whose numbers are *which*."""
    numbers = itertools.count()

    def answer(headers, body):
        return None if which(next(numbers)) else sound(headers, body)

    return answer


def test_what_fails_at_times_violates_and_says_how_often(check, stand, tmp_path):
    # The first request is the look before the run.
    stand.answer = dropping(lambda number: number % 2 == 1)
    ended = check(stand.url, "-m", "ack-001", "--seed", "1", "--report", "reports")
    assert ended.code == 1, ended.text
    assert "violated at times (no-answer-reset)" in ended.out
    assert re.search(r"\(in [2-4] of 5 tries\)", ended.out)
    report = report_of(tmp_path / "reports")
    assert outcomes_of(report) == {"ack-001": "flaky"}
    ends = [check["outcome"] for clause in report["clauses"] for check in clause["checks"]]
    assert cases_of(tmp_path / "reports")["failures"] == ends.count("flaky") > 0


def test_one_lost_connection_accuses_nobody(check, stand, tmp_path):
    stand.answer = dropping(lambda number: number == 3)
    ended = check(stand.url, "-m", "ack-001 or ack-006 or ack-008", "--seed", "1")
    assert ended.code == 0, ended.text


def test_a_receiver_that_hangs_up_is_told_so_by_the_clause_that_asks_for_an_answer(
    check, stand, tmp_path
):
    def answer(headers, body):
        hangs_up = b"PING" in body or b"BOOKING_GONE" in body
        return None if hangs_up else sound(headers, body)

    stand.answer = answer
    ended = check(
        stand.url, "-m", "ack-006 or ack-008 or evt-005", "--report", "reports", "--seed", "1"
    )
    found = outcomes_of(report_of(tmp_path / "reports"))
    assert ended.code == 1, ended.text
    assert (found["ack-006"], found["ack-008"]) == ("inconclusive", "inconclusive")
    assert "fail" in found.values()


@pytest.mark.parametrize("written_again", [False, True])
def test_the_look_alone_tells_who_does_not_verify_bytes(written_again, stand, tmp_path):
    def answer(headers, body):
        if written_again:
            body = json.dumps(json.loads(body), separators=(",", ":")).encode()
        return sound(headers, body)

    stand.answer = answer
    ended = Ended(["calcontract", "smoke", stand.url, "--secret-env", "DOOR_SECRET"], cwd=tmp_path)
    assert ended.code == written_again, ended.text
    first, second = ended.out.splitlines()
    assert first == f"{stand.url} acknowledges an ordinary signed delivery; scope: wire"
    assert ("(sig-010)" in second) == written_again
    assert ("none under another secret" in second) != written_again


def test_strictness_makes_a_deviation_fatal(check, stand):
    stand.answer = lambda headers, body: (
        415 if headers["Content-Type"] != "application/json" else sound(headers, body)
    )
    mild = check(stand.url, "-m", "tol-007 or sig-001")
    assert mild.code == 0, mild.text
    assert "deviates from tol-007" in mild.out
    assert check(stand.url, "-m", "tol-007 or sig-001", "--strict").code == 1


def test_a_stale_known_violation_fails_the_run(check, stand, tmp_path):
    (tmp_path / "known.toml").write_text(
        '[[violation]]\nid = "sig-001"\nreason = "status-200"\nlink = "x"\nexpires = 2099-01-01\n'
    )
    ended = check(stand.url, "-m", "sig-001", "--known-violations", "known.toml")
    assert ended.code == 1
    assert "sig-001 conforms by now: take it off the list" in ended.out


# --- what nobody is shown ------------------------------------------------------------------------

#: In a URL it is spelt otherwise, and in a shell it needs quotes.
ZEBRA = "s3cret zebra/+=9"
TOLD = ("zebra", "p4ssw0rd", "t0ken-of-the-probe")


def secretly(stand):
    """The words that tell a run of *stand* by URLs with secrets in them."""
    return [
        f"{stand.url}?key={quote(ZEBRA, safe='')}",
        *("--secret-env", "ZEBRA", "--profile", "calcom"),
        *("--probe", f"http://u:p4ssw0rd@{stand.origin[7:]}/probe?token=t0ken-of-the-probe"),
    ]


def shown(*texts):
    return [told for told in TOLD for text in texts if told in text]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_no_report_shows_what_is_secret_in_an_address(stand, tmp_path, jobs):
    words = ["calcontract", "check", *secretly(stand), "-n", jobs]
    stand.answer = lambda headers, body: 500 if b"PING" in body else 202
    ended = Ended(
        [*words, "-m", "sig-003 or ack-006 or sec-003", "--report", "reports", "--verbose"],
        cwd=tmp_path,
        ZEBRA=ZEBRA,
    )
    assert ended.code == 1, ended.text
    reports = [file.read_text() for file in (tmp_path / "reports").iterdir()]
    assert len(reports) == 2
    assert shown(ended.text, *reports) == []
    document = report_of(tmp_path / "reports")
    assert document["target"] == f"{stand.url}?key=***"
    assert f"repeat    calcontract check '{stand.url}?key=***' --secret-env ZEBRA" in ended.out
    assert "--probe 'http://u:***@" in ended.out


def test_pytests_door_does_not_show_it_either(stand, tmp_path):
    stand.answer = lambda headers, body: 202
    reports = tmp_path / "reports"
    words = [*secretly(stand), "-m", "sig-003", "-rA", "--contract-report", str(reports)]
    words[words.index("--profile")] = "--contract-profile"
    ended = Ended(["pytest", "--target", *words], cwd=ROOT, ZEBRA=ZEBRA)
    assert ended.code == 1, ended.text
    assert f"'{stand.url}?key=***'" in ended.out
    assert shown(ended.text, *(file.read_text() for file in reports.iterdir())) == []


@pytest.mark.parametrize("command", ["smoke", "fuzz", "load"])
@pytest.mark.parametrize("status", [202, 400])
def test_no_command_shows_it(stand, tmp_path, command, status):
    stand.answer = lambda headers, body: status
    few = {
        "smoke": [],
        "fuzz": ["--examples", "5", "--seed", "1"],
        "load": ["--rate", "5", "--duration", "0.2", "--report", "reports"],
    }
    words = secretly(stand)
    if command == "load":
        del words[words.index("--probe") :]
    ended = Ended(["calcontract", command, *words, *few[command]], cwd=tmp_path, ZEBRA=ZEBRA)
    assert ended.code in {0, 1, 3, 4}, ended.text
    assert shown(ended.text, *(file.read_text() for file in tmp_path.rglob("*.json"))) == []
    if status == 400:
        assert ended.code == 3
        assert f"{stand.url}?key=*** answers an ordinary signed delivery with 400" in ended.err
        assert "the secret is another one" in ended.err


def test_the_last_words_of_a_receiver_are_repeated_without_its_secrets(tmp_path):
    script = "echo was given $ZEBRA, $MINE and mysql://u:p4ssw0rd@db/x; exit 1"
    words = [nowhere(), "--start", shlex.join(["sh", "-c", script])]
    ended = Ended(
        [
            *("calcontract", "check", *words, "--secret-env", "ZEBRA"),
            "--receiver-secret-env",
            "MINE",
        ],
        cwd=tmp_path,
        ZEBRA=ZEBRA,
        MINE="zebra-of-the-receiver",
    )
    assert ended.code == 3, ended.text
    assert "exit code 1: was given ***, *** and mysql://u:***@db/x; " in ended.sentence
    assert shown(ended.text) == []


def test_what_is_to_be_repeated_has_the_variable_in_place_of_the_secret(tmp_path):
    port = free_port()
    start = f"env 'NAIVE_SECRET={ZEBRA}' API_TOKEN=zebra {sys.executable} {NAIVE} {port}"
    words = [f"http://127.0.0.1:{port}/webhook", "--secret-env", "ZEBRA", "--start", start]
    more = ["--profile", "calcom", "-m", "sig-001", "--report", "reports"]
    ended = Ended(["calcontract", "check", *words, *more], cwd=tmp_path, ZEBRA=ZEBRA)
    assert ended.code == 1, ended.text
    line = next(line for line in ended.out.splitlines() if " repeat " in line)
    typed = [
        "bash",
        "-c",
        f"calcontract() {{ printf '%s\\0' \"$@\"; }}\n{line.split(' repeat ')[1]}",
    ]
    again = subprocess.run(typed, env={"ZEBRA": ZEBRA}, capture_output=True, text=True, check=True)
    repeated = again.stdout.split("\0")
    assert start.replace("=zebra", "=***") in repeated
    assert shown(ended.text, (tmp_path / "reports" / "junit.xml").read_text()) == []


# --- 2: used wrongly ------------------------------------------------------------------------------


def nowhere():
    return f"http://127.0.0.1:{free_port()}/hook"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["localhost:8000/hook"], "'localhost:8000/hook' is no http or https URL"),
        (["ftp://127.0.0.1/"], "is no http or https URL"),
        (["https://hooks.example/x"], "say --i-may-test hooks.example"),
        ([nowhere(), "--profile", "laravel"], "choose guide or calcom"),
        ([nowhere(), "--budget", "0"], "budget: it is to be more than 0"),
        ([nowhere(), "-m", "sig-999"], "there is no clause, chapter or level 'sig-999'; did you"),
        ([nowhere(), "-m", "sog"], "did you mean 'sig'?"),
        ([nowhere(), "--known-violations", "nowhere.toml"], "cannot be read"),
        ([nowhere(), "--report", "taken/reports"], "cannot be written to 'taken/reports'"),
    ],
)
def test_a_wrong_use_is_one_sentence_with_what_to_do(refused, words, sentence, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    assert sentence in refused(*words)


COMMANDS = ("check", "smoke", "load", "fuzz")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://u:p4ssw0rd@127.0.0.1:1/x", "Cal.com cannot send to a URL with a login"),
        ("http://127.0.0.1:1/x\n", "holds white space or a control character"),
    ],
)
def test_an_address_that_cal_com_cannot_send_to_is_refused_by_every_command(
    monkeypatch, command, url, sentence
):
    monkeypatch.setenv("DOOR_SECRET", SECRET)
    ended = CliRunner().invoke(cli.application, [command, url, "--secret-env", "DOOR_SECRET"])
    assert ended.exit_code == 2, ended.output
    (line,) = ended.stderr.splitlines()
    assert sentence in line
    assert "p4ssw0rd" not in line


@pytest.mark.parametrize(
    "words",
    [
        *(
            [name, "--budget", much]
            for name in ("check", "load", "fuzz")
            for much in ("inf", "1e10")
        ),
        *(["load", option, "nan"] for option in ("--rate", "--duration", "--redeliveries")),
        *(["load", option, "inf"] for option in ("--reschedules", "--cancellations", "--rate")),
        *(["fuzz", "--seconds", much] for much in ("nan", "inf", "1e10", "-1")),
        *(["fuzz", "--examples", many] for many in ("0", "1000000000")),
        *([name, "--seed", "-1"] for name in ("check", "load", "fuzz")),
        *(["check", "--jobs", many] for many in ("0", "-1", "1000")),
    ],
    ids=" ".join,
)
def test_a_number_beyond_all_bounds_is_a_wrong_use(monkeypatch, words):
    monkeypatch.setenv("DOOR_SECRET", SECRET)
    command, *options = words
    given = [command, nowhere(), "--secret-env", "DOOR_SECRET", *options]
    ended = CliRunner().invoke(cli.application, given)
    assert ended.exit_code == 2, ended.output
    assert isinstance(ended.exception, SystemExit)
    assert options[0].lstrip("-") in ended.stderr


def test_a_number_beyond_all_bounds_is_a_wrong_use_of_pytests_door_too(tmp_path):
    base = ["pytest", "--target", nowhere(), "--secret-env", "DOOR_SECRET", "--pyargs"]
    for words in (["--budget", "inf"], ["--fuzz-seconds", "nan"], ["--fuzz-examples", "0"]):
        ended = Ended([*base, "calcontract.suite.test_fuzz", *words], cwd=tmp_path)
        assert ended.code == 2, ended.text
        assert f"{words[0].lstrip('-')}" in ended.text


def test_a_wrong_use_ends_the_command_with_two(check):
    ended = check(nowhere(), "-m", "sig-999")
    assert ended.code == 2
    assert "there is no clause, chapter or level 'sig-999'; did you mean" in ended.sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([nowhere()], "no secret is given; name the environment variable"),
        ([nowhere(), "--secret-env", "NOT_SET"], "NOT_SET holds no secret"),
        ([nowhere(), "--secret-file", "nowhere"], "'nowhere' cannot be read"),
        (["--probe", nowhere()], "name its URL as the first argument"),
        (["--states", nowhere()], "of no use without a probe; give --probe as well"),
        (["--secret-env", "DOOR_SECRET"], "name its URL as the first argument"),
    ],
)
def test_a_wrong_use_of_secret_or_probe_is_one_sentence(refused, words, sentence):
    assert sentence in refused(*words, secret=False)


def test_an_empty_selection_is_an_error_and_not_a_success(check, stand):
    ended = check(stand.url, "-m", "sig-001 and ack-001")
    assert ended.code == 2
    assert "this selection holds no check of the profile 'guide'" in ended.sentence
    assert stand.received == []


def test_a_selection_that_is_no_expression_is_an_error(check, stand):
    ended = check(stand.url, "-m", "sig-001 or")
    assert ended.code == 2
    assert "are not joined to one selection; write 'sig or ack'" in ended.sentence
    assert ended.out == ""
    assert stand.received == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profile = ", "calcontract.toml cannot be read: "),
        ("colour = 'red'\n", "no setting is called colour; "),
        ("probee = 'http://127.0.0.1/'\n", "no setting is called probee, did you mean probe?"),
        ("budget = 'soon'\n", "budget: "),
        ("[appointments]\nkept = 'yes'\n", "appointments.kept: "),
        (
            "[appointments]\nkep = true\n",
            "no setting is called appointments.kep, did you mean kept?",
        ),
    ],
)
def test_a_bad_configuration_file_is_one_sentence(refused, tmp_path, text, said):
    (tmp_path / "calcontract.toml").write_text(text)
    sentence = refused(nowhere())
    assert sentence.removeprefix("calcontract: ").startswith(said)
    assert "calcontract.toml" in sentence


# --- 3: the target cannot be judged ---------------------------------------------------------------


def not_judged(ended):
    assert ended.code == 3, ended.text
    last = ended.out.splitlines()[-1]
    assert last.startswith("verdict  not judged: ")
    return last


def test_whoever_reads_no_further_gets_the_exit_code_all_the_same(naive):
    words = [sys.executable, "-m", "calcontract", "check", naive, "--secret-env", "DOOR_SECRET"]
    with subprocess.Popen(
        [*words, "--profile", "calcom", "-m", "evt-005"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("calcontract", "clauses"), 3),
        (("calcontract", "check", "-m", "evt-001", "--profile", "guide"), 3),
        (("mock_calcom", "triggers"), 4),
    ],
)
def test_an_output_that_cannot_be_written_is_no_verdict(words, code):
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=120,
            text=True,
            check=False,
        )
    assert ended.returncode == code
    assert ended.stderr.splitlines()[-1].endswith(
        "nothing more can be written: No space left on device"
    )
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "words", ["calcontract clauses", "mock_calcom triggers", "calcontract --help"]
)
@pytest.mark.parametrize("shell", ["{} | true; exit ${{PIPESTATUS[0]}}", "{} >&-"])
def test_an_output_that_nobody_reads_changes_nothing(words, shell):
    command = shell.format(f"{shlex.quote(sys.executable)} -m {words}")
    ended = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        env=environment(),
        timeout=60,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_several_profiles_end_with_the_worst_of_their_codes(check, naive):
    # Which profile is spoken of first does not matter.
    ended = check(naive, "--profile", "calcom", "--profile", "guide", "-m", "evt-005 or env-002")
    assert (ended.code, ended.out.splitlines()[-1]) == (
        1,
        "exit     1, the worst of calcom 0, guide 1",
    )


def test_a_receiver_that_is_not_there_is_not_judged(check, tmp_path):
    ended = check(nowhere(), "--report", "reports")
    assert "refuses the connection; start the receiver, or correct the URL" in not_judged(ended)
    assert "run      no checks, 1 attempt in " in ended.out
    report = report_of(tmp_path / "reports")
    assert (report["verdict"], report["exitCode"]) == ("not judged", 3)
    assert cases_of(tmp_path / "reports")["errors"] == 1


def test_a_receiver_with_another_secret_is_not_judged(stand, tmp_path):
    ended = Ended(
        ["calcontract", "check", stand.url, "--secret-env", "ANOTHER"],
        cwd=tmp_path,
        ANOTHER="some-other-secret",
    )
    assert "the secret is another one" in not_judged(ended)


def test_what_is_no_receiver_is_not_judged(check, stand):
    stand.answer = lambda headers, body: 404
    assert "the path is another one" in not_judged(check(stand.url))


@pytest.mark.parametrize("answer", [(404, b"{}"), (200, b"<html>")])
def test_a_probe_that_does_not_work_is_not_quietly_left_out(check, stand, answer):
    stand.probe_answer = answer
    ended = check(stand.url, "--probe", f"{stand.origin}/probe")
    assert "see schemas/probe.openapi.json" in not_judged(ended)


# --- 4: not verified ------------------------------------------------------------------------------


def test_a_receiver_that_only_throttles_is_not_verified(check, stand):
    stand.answer = lambda headers, body: (
        sound(headers, body) if len(stand.received) == 1 else (429, {"Retry-After": "0"})
    )
    ended = check(stand.url, "-m", "sig-001")
    assert ended.code == 4, ended.text
    verdict = "not verified (wire), profile guide, only -m sig-001: 0 of 1 MUST verified"
    assert f"verdict  {verdict}" in ended.out
    assert "open     not verified: sig-001" in ended.out


def test_a_selection_without_a_must_verifies_nothing(check, stand):
    ended = check(stand.url, "-m", "tol-007")
    assert ended.code == 4
    assert "0 of 0 MUST verified" in ended.out


def test_what_the_target_does_not_let_us_see_is_named_and_not_passed(check, stand):
    ended = check(stand.url, "-m", "rty")
    assert ended.code == 4
    assert re.search(r"outside  \d+ MUST need more than this target offers: rty-001, ", ended.out)


# --- 5: the suite itself --------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path):
    """A copy of the product that a test may break."""
    for room in ("calcontract", "mock_calcom", "features", "schemas"):
        shutil.copytree(
            ROOT / room, tmp_path / "house" / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path / "house"


def broken(house, old, new):
    path = house / "features" / "01_sig.feature"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def in_the(house, stand, *words):
    return Ended(
        ["calcontract", "check", stand.url, "--secret-env", "DOOR_SECRET", *words],
        cwd=house,
        PYTHONPATH=str(house),
    )


def test_a_contract_that_breaks_its_own_rules_is_a_failure_of_the_suite(house, stand):
    broken(house, "Why: an endpoint", "Because: an endpoint")
    ended = in_the(house, stand, "-m", "sig-001")
    assert ended.code == 5
    assert "sig-001 does not say its Why" in ended.sentence


def test_a_sentence_without_a_step_is_a_failure_of_the_suite(house, stand):
    broken(house, "      Then the receiver refuses it", "      Then the receiver frowns")
    ended = in_the(house, stand, "-m", "sig-001")
    assert ended.code == 5
    assert "verdict  suite failed (wire)" in ended.out
    assert "the receiver frowns" in ended.out


def test_a_step_that_fails_by_our_own_fault_is_a_failure_of_the_suite(house, stand):
    path = house / "calcontract" / "judges" / "answers.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace(
            '    expected = f"a refusal (',
            '    raise KeyError(f"{attempt.delivery.headers}")\n    expected = f"a refusal (',
        )
    )
    ended = in_the(house, stand, "-m", "sig-001 or sig-005")
    assert ended.code == 5
    assert "suite failed" in ended.out


# --- the door through pytest ----------------------------------------------------------------------


@pytest.fixture
def through_pytest():
    def run(*words, cwd=ROOT, **more):
        return Ended(["pytest", *words, "--secret-env", "DOOR_SECRET"], cwd=cwd, **more)

    return run


def test_both_doors_say_the_same(check, through_pytest, naive, tmp_path):
    probe = naive.replace("/webhook", "/probe")
    told = (naive, "--probe", probe, "-m", "sig or ack or idm-001")
    one = check(*told, "--seed", "11", "--report", str(tmp_path / "one"))
    other = through_pytest(
        *("--target", *told, "-q", "--contract-seed", "11"),
        *("--contract-report", str(tmp_path / "other")),
    )
    assert one.code == other.code == 1
    reports = [report_of(tmp_path / name) for name in ("one", "other")]
    assert outcomes_of(reports[0]) == outcomes_of(reports[1])
    assert reports[0]["headline"] == reports[1]["headline"]
    assert f"verdict  {reports[1]['headline']}" in other.out
    # Our own tests say nothing about a stranger's receiver.
    assert "tests/" not in other.out.replace("tests/naive", "")


def test_pytest_collects_the_contract_and_not_our_tests(through_pytest, stand):
    ended = through_pytest("--target", stand.url, "--collect-only", "-q")
    assert ended.code == 0
    collected = [line for line in ended.out.splitlines() if "::" in line]
    assert len(collected) > 100
    assert {line.partition("::")[0] for line in collected} == {
        "calcontract/suite/test_scenarios.py"
    }
    assert stand.received == []


def test_pytest_finds_the_contract_from_anywhere_by_its_package(through_pytest, stand, tmp_path):
    ended = through_pytest(
        *("--pyargs", "calcontract.suite", "--target", stand.url, "-m", "sig-001"), cwd=tmp_path
    )
    assert ended.code == 0, ended.text
    assert "conforms (wire), profile guide, only -m sig-001: 1 of 1 MUST" in ended.out


def test_words_of_titles_are_told_with_what_was_selected(through_pytest, stand):
    ended = through_pytest("--target", stand.url, "-m", "sig-001", "-k", "absent or empty")
    # Checks of it were left out.
    assert ended.code == 4, ended.text
    assert "profile guide, only -m sig-001 -k 'absent or empty': 0 of 1 MUST" in ended.out


def test_pytest_takes_a_level_as_it_is_printed(through_pytest, stand):
    ended = through_pytest("--target", stand.url, "-m", "MUST and sig-001")
    assert ended.code == 0, ended.text
    only = "only -m 'must and sig-001'"
    assert f"conforms (wire), profile guide, {only}: 1 of 1 MUST verified" in ended.out


def test_the_contract_is_not_run_against_nothing(tmp_path):
    ended = Ended(["pytest", "--pyargs", "calcontract.suite"], cwd=tmp_path)
    assert ended.code == 2
    assert "the contract needs a receiver; name one with --target" in ended.text


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--target", "localhost"], 2, "is no http or https URL"),
        (["--target", "https://hooks.example/x"], 2, "say --i-may-test hooks.example"),
        (["--target", nowhere(), "-m", "sig-999"], 2, "did you mean 'sig-"),
        (["--target", nowhere()], 3, "refuses the connection"),
    ],
)
def test_pytest_ends_with_the_codes_of_the_command(through_pytest, words, code, sentence):
    ended = through_pytest(*words)
    assert ended.code == code, ended.text
    assert sentence in ended.text


def test_an_empty_selection_through_pytest_is_an_error(through_pytest, stand):
    ended = through_pytest("--target", stand.url, "-m", "sig-001 and ack-001")
    assert ended.code == 2
    assert "this selection holds no check" in ended.text


def test_a_clause_that_was_selected_in_part_is_not_verified(through_pytest, stand):
    ended = through_pytest("--target", stand.url, "-m", "sig-001", "-k", "absent")
    assert ended.code == 4, ended.text
    assert "0 of 1 MUST verified" in ended.out


SKIPPER = """
import pytest

def pytest_runtest_setup(item):
    if "absent" in item.name:
        pytest.skip("not today")
"""


def test_a_check_that_somebody_skips_is_not_verified(through_pytest, stand, tmp_path):
    (tmp_path / "skipper.py").write_text(SKIPPER)
    ended = through_pytest(
        *("--target", stand.url, "-m", "sig-001", "-p", "skipper"), PYTHONPATH=str(tmp_path)
    )
    assert ended.code == 4, ended.text
    assert "not verified: sig-001" in ended.out


@pytest.mark.slow
def test_the_reference_receiver_conforms_through_pytest_too(tmp_path):
    with reference.receiver() as running:
        ended = Ended(
            [
                *("pytest", "--target", running.url, "--secret-env", "THE_SECRET", "-q"),
                *("--probe", running.probe, "--states", running.states),
                *("--contract-report", str(tmp_path), "-m", "sig or eff or rty"),
            ],
            cwd=ROOT,
            THE_SECRET=running.secret,
        )
        assert ended.code == 0, ended.text
        assert running.secret not in ended.text
        assert running.secret not in (tmp_path / "verdicts.json").read_text()
    assert report_of(tmp_path)["verdict"] == "conforms"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130_and_says_nothing_of_the_receiver(number, tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-u", "-m", "calcontract", "check", "--report", "reports"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The rule is printed when the receiver listens and the checks are about to run.
    assert "profile guide" in run.stdout.readline()
    run.send_signal(number)
    rest, errors = run.communicate(timeout=60)

    assert run.returncode == 130
    assert "nothing is said of the receiver" in errors
    assert "verdict" not in rest
    # Neither a report nor the empty folder of one.
    assert not list(tmp_path.iterdir())


def test_the_command_tells_its_version():
    done = subprocess.run(
        [sys.executable, "-m", "calcontract", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"calcontract {metadata.version('calcontract')}\n"
