import json
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

from mock_calcom import cli, faults
from mock_calcom.options import a_number
from mock_calcom.profiles import PROFILES
from mock_calcom.signature import sign
from tests.unit.mock_calcom.loopback import answers

SECRET = "whsec_never_to_be_printed"


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)

    def invoke(*arguments, stdin=None):
        result = CliRunner().invoke(cli.app, [str(each) for each in arguments], input=stdin)
        assert SECRET not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def send(run, url, *more):
    return run("send", "BOOKING_CREATED", "--to", url, "--secret-env", "WEBHOOK_SECRET", *more)


def signature_of(head):
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return lines[b"X-Cal-Signature-256"].decode()


def test_the_version_is_the_packages(run):
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"mock-calcom {version('calcontract')}\n")


def test_sending_says_what_was_answered(run, receiver):
    listening = receiver(answers())
    result = send(run, listening.url)
    head, body = listening.received[0]
    assert result.exit_code == 0
    assert "202 (acknowledged)" in result.stdout
    assert json.loads(body)["payload"]["uid"] in result.stdout
    assert signature_of(head) == sign(body, SECRET)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_sender_can_be_chosen(run, receiver, profile):
    listening = receiver(answers())
    result = send(run, listening.url, "--profile", profile, "--seed", 3)
    assert result.exit_code == 0
    assert json.loads(listening.received[0][1])["triggerEvent"] == "BOOKING_CREATED"


def test_a_seed_repeats_the_people_and_ids(run, receiver):
    listening = receiver(answers())
    uids = []
    for _ in range(2):
        send(run, listening.url, "--seed", 3)
        uids.append(json.loads(listening.received[-1][1])["payload"]["uid"])
    assert len(set(uids)) == 1


def test_sending_several_times_sends_the_same_bytes(run, receiver):
    listening = receiver(answers())
    result = send(run, listening.url, "--times", 3)
    assert result.exit_code == 0
    assert len(listening.received) == 3
    assert len({body for _, body in listening.received}) == 1


@pytest.mark.parametrize(
    ("status", "word"),
    [(b"401 Unauthorized", "refused"), (b"503 No", "failed"), (b"302 Found", "failed")],
)
def test_no_acknowledgement_is_exit_code_1(run, receiver, status, word):
    result = send(run, receiver(answers(status)).url)
    assert result.exit_code == 1
    assert word in result.stdout


def test_nobody_there_is_exit_code_3(run):
    result = send(run, "http://127.0.0.1:9/")
    assert result.exit_code == 3
    assert "connection" in result.stdout


@pytest.mark.parametrize(
    "fault", [*faults.FAULTS, "torn", "slow", "chunked", "truncated", "duplicated", "at-once"]
)
def test_every_fault_reaches_the_receiver(run, receiver, fault):
    listening = receiver(answers())
    result = send(run, listening.url, "--fault", fault)
    assert result.exit_code == 0
    assert len(listening.received) == (2 if fault in {"duplicated", "at-once"} else 1)


def test_the_help_names_every_sender_and_every_fault(run):
    # Wherever its lines are broken.
    told = "".join(run("send", "--help").stdout.split())
    assert all(name in told for name in (*PROFILES, *faults.FAULTS, "torn", "at-once"))


def test_who_abandons_a_delivery_has_no_acknowledgement(run, receiver):
    assert send(run, receiver(answers()).url, "--fault", "abandoned").exit_code == 1


def test_without_a_secret_the_literal_is_sent_and_said(run, receiver):
    listening = receiver(answers())
    result = run("send", "PING", "--to", listening.url)
    assert result.exit_code == 0
    assert "no-secret-provided" in result.stderr
    assert signature_of(listening.received[0][0]) == "no-secret-provided"


def test_a_secret_may_come_from_a_file(run, receiver, tmp_path):
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    listening = receiver(answers())
    run("send", "PING", "--to", listening.url, "--secret-file", tmp_path / "secret")
    head, body = listening.received[0]
    assert signature_of(head) == sign(body, SECRET)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["send", "BOOKING_CONFIRMED", "--to", "http://x.example"], "knows no trigger"),
        (["send", "PING", "--to", "ftp://x.example"], "not an http or https URL"),
        (["send", "PING", "--to", "http://127.0.0.1:99999/"], "not an http or https URL"),
        (["send", "PING", "--to", "http://[::1"], "not an http or https URL"),
        (["send", "PING", "--to", "http://x.example", "--profile", "p"], "unknown profile 'p'"),
        (["send", "PING", "--to", "http://x.example", "--fault", "f"], "unknown fault 'f'"),
        (["send", "PING", "--to", "http://u:hunter2@x.example"], "login"),
        (["send", "PING", "--to", "http://x.example", "--secret-env", "NOPE"], "'NOPE' is not set"),
        (
            ["send", "PING", "--to", "http://x.example", "--fault", "number"],
            "unknown fault 'number'",
        ),
        (["sign", "/nowhere", "--secret-env", "WEBHOOK_SECRET"], "cannot read"),
        (["sign", "-"], "needs a secret"),
        (["sign", "-", "--secret-file", "/nowhere"], "cannot read the secret"),
        (["sign", "-", "--secret-env", "A", "--secret-file", "b"], "not by both"),
        (["triggers", "--profile", "p"], "unknown profile"),
        (["send", "PING"], "--to"),
        (["send", "PING", "--to", "http://x.example", "--times", "0"], "--times"),
        (["send", "PING", "--to", "http://x.example", "--seed=-1"], "--seed"),
        (["send", "PING", "--to", "http://x.example", "--seed", str(2**53)], "--seed"),
        (["send", "PING", "--to", "http://x.example", "--timeout", "nan"], "--timeout"),
        (["send", "PING", "--to", "http://x.example", "--timeout", "inf"], "--timeout"),
        (["send", "PING", "--to", "http://x.example", "--timeout=-1"], "--timeout"),
        (["send", "PING", "--to", " http://x.example"], "white space or a control character"),
        (["send", "PING", "--to", "http://x.example/\n"], "white space or a control character"),
        (["send", "PING", "--to", "http://u:hunter2/3@x.example"], "not an http or https URL"),
        (["send", "PING", "--to", "ftp://x.example/?key=hunter2"], "not an http or https URL"),
    ],
)
def test_wrong_use_gets_one_sentence_and_exit_code_2(run, arguments, sentence):
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert "hunter2" not in result.output


def test_an_empty_secret_file_is_wrong_use(run, tmp_path):
    (tmp_path / "secret").write_text("\n")
    result = run("sign", "-", "--secret-file", tmp_path / "secret")
    assert result.exit_code == 2
    assert "holds no secret" in result.stderr


def test_a_secret_file_of_bytes_is_wrong_use(run, tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    result = run("sign", "-", "--secret-file", tmp_path / "secret")
    assert (result.exit_code, "not UTF-8" in result.stderr) == (2, True)


def test_signing_prints_the_digest_alone(run, tmp_path):
    (tmp_path / "body.json").write_bytes(b'{"a":1}\n')
    result = run("sign", tmp_path / "body.json", "--secret-env", "WEBHOOK_SECRET")
    assert result.stdout == sign(b'{"a":1}\n', SECRET) + "\n"
    assert result.exit_code == 0


def test_standard_input_is_signed_byte_for_byte(run):
    result = run("sign", "-", "--secret-env", "WEBHOOK_SECRET", stdin=b"\xff\r\n")
    assert result.stdout.strip() == sign(b"\xff\r\n", SECRET)


def test_the_triggers_of_each_sender_are_listed(run):
    assert len(run("triggers").stdout.split()) == 29
    assert "BOOKING_CONFIRMED" in run("triggers", "--profile", "guide").stdout.split()


def test_nan_is_no_number_whatever_the_bounds_of_an_option_make_of_it():
    assert a_number(0.5) == 0.5
    with pytest.raises(typer.BadParameter, match="no number"):
        a_number(float("nan"))


def test_the_command_writes_no_secret_to_either_stream():
    script = (
        "import sys\n"
        "from mock_calcom.secrecy import MASK\n"
        "from mock_calcom.terminal import written\n"
        f"MASK.learn({SECRET!r})\n"
        "with written('any', 4):\n"
        f"    print('out', {SECRET!r})\n"
        f"    print('err', {SECRET!r}, file=sys.stderr)\n"
        f"    raise RuntimeError({SECRET!r})\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.stdout == "out ***\n"
    assert run.stderr.startswith("err ***\n")
    assert run.stderr.endswith("RuntimeError: ***\n")
    assert SECRET not in run.stdout


def test_the_module_is_the_command():
    run = subprocess.run(
        [sys.executable, "-m", "mock_calcom", "triggers"], capture_output=True, check=False
    )
    assert run.returncode == 0
    assert run.stdout.split()[0] == b"BOOKING_CREATED"
