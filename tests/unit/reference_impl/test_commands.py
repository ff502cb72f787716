import contextlib
import json
import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from reference_impl import doubts
from reference_impl.app import Machine
from reference_impl.commands import application
from reference_impl.settings import Settings
from tests.unit.reference_impl.bodies import SECRET, a_body, sign
from tests.unit.reference_impl.machines import claim
from tests.unit.reference_impl.process import Process, command, environment

SIGN = "test-webhook-signature"
TLS = ("serve", "--port", "0", "--certfile")

#: A database that nobody serves.
NOBODY = "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"


@pytest.fixture
def run(settings, monkeypatch):
    monkeypatch.setenv("CALCOM_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("DATABASE_URL", settings.database_url)

    def invoke(*arguments):
        return CliRunner().invoke(application, arguments)

    return invoke


def deliver(machine, body):
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    machine.worker.step()


def test_the_signature_of_a_payload_is_shown_and_the_secret_is_not(run):
    payload = '{"test":true}'
    outcome = run(SIGN, "--payload", payload)
    assert outcome.exit_code == 0
    assert f"X-Cal-Signature-256: {sign(payload.encode())}" in outcome.output.splitlines()
    assert SECRET not in outcome.output


def test_the_signature_of_a_file_is_of_its_bytes(run, tmp_path):
    (tmp_path / "body").write_bytes(b"\xff\r\n")
    assert sign(b"\xff\r\n") in run(SIGN, "--file", str(tmp_path / "body")).output


@pytest.mark.parametrize("by", ["row", "webhook id"])
def test_a_replayed_delivery_is_processed_again_and_has_its_effect_once(run, machine, by):
    deliver(machine, a_body())
    id_ = machine.receiver.identify(a_body())
    outcome = run("replay-webhook", "--id", "1" if by == "row" else id_)
    assert outcome.exit_code == 0
    assert id_ in outcome.output
    machine.clock.advance(10**9)
    assert machine.worker.step()
    with machine.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM effects").scalar() == 1


@pytest.mark.parametrize("id_", ["2", "9" * 40, "nonsense", ""])
def test_an_unknown_delivery_cannot_be_replayed(run, machine, id_):
    outcome = run("replay-webhook", "--id", id_)
    assert outcome.exit_code == 2
    assert "there is no delivery" in outcome.output


def test_a_delivery_under_way_is_not_replayed(run, machine):
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(a_body()), a_body())])
    claim(machine)
    assert run("replay-webhook", "--id", "1").exit_code == 2


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_stats_count_per_trigger_and_in_total(run, machine):
    deliver(machine, a_body())
    deliver(machine, a_body())
    deliver(machine, a_body("BOOKING_CANCELLED", startTime="soon"))
    rows = [line.split() for line in run("stats").output.splitlines()]
    assert rows[0][:4] == ["trigger", "received", "duplicates", "done"]
    assert ["BOOKING_CREATED", "2", "1", "1", "0", "0"] in [row[:6] for row in rows]
    assert ["BOOKING_CANCELLED", "1", "0", "0", "0", "1"] in [row[:6] for row in rows]
    assert ["total", "3", "1", "1", "0", "1"] in [row[:6] for row in rows]


def test_stats_count_tries_and_say_so(run, machine):
    deliver(machine, a_body())
    assert run("replay-webhook", "--id", "1").exit_code == 0
    machine.clock.advance(10**9)
    assert machine.worker.step()
    rows = [line.split() for line in run("stats").output.splitlines()]
    assert ["BOOKING_CREATED", "1", "0", "2", "0", "0"] in [row[:6] for row in rows]
    assert "a replay is a try more" in " ".join(run("stats", "--help").output.split())


def test_what_a_sender_chose_steers_no_terminal(run, machine):
    deliver(machine, a_body("X\x1b[2J\u2028" + "Y" * 500))
    line = next(line for line in run("stats").output.splitlines() if line.startswith("X"))
    assert line.startswith("X?[2J?YYY")
    assert len(line) < 120


@pytest.mark.parametrize(
    ("shell", "code"),
    [("{} | true; exit ${{PIPESTATUS[0]}}", 0), ("{} >&-", 0), ("{} >/dev/full", 75)],
)
@pytest.mark.parametrize("words", ["stats", "--help"])
def test_whoever_reads_nothing_changes_nothing(tmp_path, machine, words, shell, code):
    deliver(machine, a_body())
    command = shell.format(f"{shlex.quote(sys.executable)} -m reference_impl {words}")
    outcome = subprocess.run(
        ["bash", "-c", command],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    said = "reference-receiver: no space left on device\n" if code else ""
    assert (outcome.returncode, outcome.stderr) == (code, said)


@pytest.mark.parametrize("arguments", [("stats",), ("replay-webhook", "--id", "1")])
def test_without_an_inbox_there_is_nothing_to_see(run, arguments):
    outcome = run(*arguments)
    assert outcome.exit_code == 2
    assert "there is no inbox yet" in outcome.output


@pytest.mark.parametrize("arguments", [(SIGN,), (SIGN, "--payload", "a", "--file", "b")])
def test_one_body_is_signed_at_a_time(run, arguments):
    assert run(*arguments).exit_code == 2


#: The commands that need a store and make it.
RUN = (["serve"], ["worker"], ["migrate"])

#: Trouble that may pass: of the store, of an address, of files.
MAY_PASS = [
    *(
        (name, {"DATABASE_URL": "sqlite:////no/folder/r.db"}, "no folder '/no/folder'")
        for name in RUN
    ),
    (["serve"], {"DATABASE_URL": NOBODY}, "the store cannot be used"),
    (["worker"], {"DATABASE_URL": NOBODY}, "the store cannot be used"),
    (["stats"], {"DATABASE_URL": NOBODY}, "the store cannot be used"),
    (["migrate"], {"DATABASE_URL": NOBODY}, "the store cannot be used"),
    ([*TLS, "/no/c", "--keyfile", "/no/k"], {}, "cannot both be read: no such file"),
    ([*TLS, __file__, "--keyfile", __file__], {}, "are not a certificate and its key"),
    (["serve", "--host", "192.0.2.1"], {}, "cannot listen on 192.0.2.1:8000"),
]

#: What stays wrong until a person mends it.
STAYS = [
    (["serve"], {"DATABASE_URL": f"sqlite:///{__file__}"}, "a file that is no SQLite database"),
    *((name, {"DATABASE_URL": "sqlite:///."}, "DATABASE_URL names a folder") for name in RUN),
    (["stats"], {"DATABASE_URL": "sqlite:///."}, "DATABASE_URL names a folder"),
    (
        ["serve"],
        {"DATABASE_URL": "sqlite:////dev/null"},
        "DATABASE_URL names what is no regular file",
    ),
    (["serve"], {"DATABASE_URL": "sqlite:///r.db?mode=ro"}, "takes no options after a ?"),
    (["serve"], {"CALCOM_WEBHOOK_SECRET": ""}, "CALCOM_WEBHOOK_SECRET is not set"),
    (["serve"], {"CALCOM_WEBHOOK_SECRET_PREVIOUS": " "}, "CALCOM_WEBHOOK_SECRET_PREVIOUS is blank"),
    (["serve"], {"CALCOM_WEBHOOK_VERIFY_SIGNATURE": "false"}, "RECEIVER_ENVIRONMENT=local"),
    (["serve"], {"RECEIVER_LEASE": "soon"}, "RECEIVER_LEASE"),
    (["worker"], {"RECEIVER_LEASE": "1e300"}, "a year (31536000) at most"),
    (["serve"], {"RECEIVER_WORKERS": "100000"}, "a whole number from 1 to 64"),
    (["serve"], {"DATABASE_URL": "mysql://u:hunter2@h/x"}, "DATABASE_URL must name"),
    (["worker"], {"DATABASE_URL": "nonsense"}, "DATABASE_URL must name"),
    (["stats"], {"DATABASE_URL": "receiver.db"}, "DATABASE_URL must name"),
    (["serve"], {"RECEIVER_TRUSTED_PROXIES": "10.0.0.1, proxy"}, "addresses or networks"),
    (["serve"], {"RECEIVER_TRUSTED_PROXIES": "*"}, "addresses or networks"),
    (["serve"], {"RECEIVER_METRICS": "http://127.0.0.1:9464"}, "RECEIVER_METRICS must be HOST"),
    (["worker"], {"DATABASE_URL": f"{NOBODY}?hunter=2"}, "DATABASE_URL cannot be used: invalid"),
    (["serve"], {"RECEIVER_NOTIFY": "admin@mail.example"}, "RECEIVER_NOTIFY"),
    ([SIGN, "--file", "/no/body"], {}, "cannot use '/no/body': no such file or directory"),
    ([SIGN, "--file", "/"], {}, "cannot use '/': is a directory"),
    (["serve", "--port", "70000"], {}, "--port"),
    (["no-such-command"], {}, "no-such-command"),
]


def sentence(run, monkeypatch, arguments, changes):
    """The exit code of a command that failed, and the one sentence it said."""
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    outcome = run(*arguments)
    assert "Traceback" not in outcome.stderr
    assert "hunter2" not in outcome.stderr
    assert outcome.stdout == ""
    return outcome.exit_code, outcome.stderr


@pytest.mark.parametrize(("arguments", "changes", "words"), STAYS)
def test_what_the_operator_can_mend_is_one_sentence(run, monkeypatch, arguments, changes, words):
    code, said = sentence(run, monkeypatch, arguments, changes)
    assert code == 2
    assert words in said


@pytest.mark.parametrize(("arguments", "changes", "words"), MAY_PASS)
def test_what_may_pass_has_an_exit_code_of_its_own(run, monkeypatch, arguments, changes, words):
    code, said = sentence(run, monkeypatch, arguments, changes)
    assert code == 75
    assert words in said


@pytest.mark.parametrize("name", ["serve", "worker", "migrate", "stats"])
def test_what_is_no_file_gets_no_company(tmp_path, name):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    outcome = command(tmp_path, name, DATABASE_URL=f"sqlite:///{pipe}")
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_port_in_use_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = command(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert outcome.returncode == 75
    assert "address already in use" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize("name", ["serve", "worker"])
def test_a_locked_file_may_be_free_again(tmp_path, name):
    command(tmp_path, "migrate")
    holder = sqlite3.connect(tmp_path / "receiver.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    outcome = command(tmp_path, name, RECEIVER_STORE_SECONDS="0.1")
    holder.close()
    assert outcome.returncode == 75
    assert "the store cannot be used: database is locked" in outcome.stderr


def test_a_store_that_is_lost_while_it_starts_is_no_success(tmp_path, monkeypatch):
    def lose(*_arguments, **_more):
        raise OperationalError("BEGIN", None, TimeoutError("gone"))

    monkeypatch.setattr(Machine, "start", lose)
    monkeypatch.setenv("CALCOM_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/receiver.db")
    outcome = CliRunner().invoke(application, ["serve", "--port", "0"])
    assert (outcome.exit_code, outcome.stdout) == (75, "")
    assert "could not start" in outcome.stderr


def test_a_misspelt_setting_is_named_in_the_log_without_its_value(tmp_path):
    misspelt = {
        "RECEIVER_ADMIN_PASWORD": "hunter2",
        "CALCOM_WEBHOOK_SECRET_PREVIOS": "hunter2",
        "RECEIVER_COFFEE": "black",
    }
    receiver = Process(tmp_path, **misspelt)
    assert receiver.end() == 0
    lines = [json.loads(line) for line in receiver.log.read_text().splitlines()]
    told = {line["name"]: line.get("meant") for line in lines if line["event"] == "Unknown setting"}
    assert told == {
        "RECEIVER_ADMIN_PASWORD": "RECEIVER_ADMIN_PASSWORD",
        "CALCOM_WEBHOOK_SECRET_PREVIOS": "CALCOM_WEBHOOK_SECRET_PREVIOUS",
        "RECEIVER_COFFEE": None,
    }
    assert "hunter2" not in receiver.log.read_text()


def test_where_every_setting_is_one_nothing_is_said(tmp_path):
    receiver = Process(tmp_path)
    assert receiver.end() == 0
    assert "Unknown setting" not in receiver.log.read_text()


SECRETS = ("CALCOM_WEBHOOK_SECRET", "CALCOM_WEBHOOK_SECRET_PREVIOUS")


STRONG = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("secrets", "reasons"),
    [
        ((STRONG, STRONG), (None, None)),
        (("hunter2", STRONG), ("shorter than 32 bytes", None)),
        ((STRONG, "hunter2" * 9), (None, "few different characters")),
        (("a" * 31, ""), ("shorter than 32 bytes", None)),
        ((f"{STRONG}\n", f"'{STRONG}'"), ("white space around it", "quotation marks around it")),
        # Few characters, and as many bytes as a key should have.
        (("ключи-от-всех-дверей", ""), (None, None)),
    ],
)
def test_a_doubtful_secret_is_named_once(tmp_path, secrets, reasons):
    receiver = Process(tmp_path, **dict(zip(SECRETS, secrets, strict=True)))
    assert receiver.end() == 0
    lines = [json.loads(line) for line in receiver.log.read_text().splitlines()]
    told = [line for line in lines if line["event"] == "Doubtful secret"]
    expected = [pair for pair in zip(SECRETS, reasons, strict=True) if pair[1]]
    assert [(line["name"], line["reason"]) for line in told] == expected
    assert all(secret not in receiver.log.read_text() for secret in filter(None, secrets))


def test_what_verifies_nothing_needs_no_strong_secret(log_lines):
    doubts.warn(Settings(secret="short", verify_signature=False, environment="local"))
    assert log_lines.getvalue() == ""


#: A module that is loaded in the place of another one, and is interrupted meanwhile.
INTERRUPTED = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise SystemExit(7)\n"


@pytest.fixture
def interrupted(tmp_path):
    """Run a command that is interrupted while it loads a module."""
    store = tmp_path / "store"
    store.mkdir()

    def run(loading, *arguments, **more):
        (tmp_path / f"{loading}.py").write_text(INTERRUPTED)
        return subprocess.run(
            [sys.executable, "-m", "reference_impl", *arguments],
            env=environment(store, PYTHONPATH=str(tmp_path)),
            capture_output=True,
            text=True,
            check=False,
            **more,
        )

    run.store = store / "receiver.db"
    return run


@pytest.mark.parametrize(
    ("loading", "arguments"),
    [("click", ["stats"]), ("uvicorn", ["serve", "--port", "0"]), ("uvicorn", ["worker"])],
)
def test_a_command_that_is_interrupted_while_it_loads_says_so(interrupted, loading, arguments):
    outcome = interrupted(loading, *arguments)
    assert (outcome.returncode, outcome.stderr) == (130, "reference-receiver: interrupted\n")
    assert outcome.stdout == ""


def test_interrupts_that_a_shell_ignores_are_ignored(interrupted):
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    assert interrupted("click", "stats", preexec_fn=ignore).returncode == 7


def test_a_migration_that_is_interrupted_changes_nothing(interrupted):
    before = (Path(__file__).parent / "before_revisions.sql").read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(interrupted.store)) as store:
        store.executescript(before)
        made = store.execute("SELECT sql FROM sqlite_master").fetchall()
        outcome = interrupted("alembic", "migrate")
        assert outcome.returncode == 130
        assert store.execute("SELECT sql FROM sqlite_master").fetchall() == made


def test_the_version_is_the_packages():
    outcome = CliRunner().invoke(application, ["--version"])
    version = metadata.version("calcontract")
    assert (outcome.exit_code, outcome.stdout) == (0, f"reference-receiver {version}\n")
