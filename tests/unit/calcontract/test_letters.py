"""What is told to people, and that its commands do what they say."""

from __future__ import annotations

import base64
import dataclasses
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from calcontract import records
from calcontract.records import SIGNED, exchange_of
from calcontract.report import letters
from calcontract.verdicts import Outcome
from tests.unit.calcontract.makers import (
    BODY,
    CONTRACT,
    SECRET,
    URL,
    a_check,
    a_delivery,
    a_run,
    an_attempt,
    concluded,
    digest,
)

FAILED = Outcome.FAIL


#: Signs what `mock-calcom sign - --secret-env SECRET` signs, and starts sooner.
SIGNER = """
import hashlib, hmac, os, sys
print(hmac.new(os.environb[b"SECRET"], sys.stdin.buffer.read(), hashlib.sha256).hexdigest())
"""


def run_by_hand(command, *, signer=True):
    """The words that curl would get when *command* is typed into a shell."""
    instead = f"mock-calcom() {{ {shlex.join([sys.executable, '-ISc', SIGNER])}; }}\n"
    result = subprocess.run(
        ["bash", "-c", f"curl() {{ printf '%s\\0' \"$@\"; }}\n{instead * signer}{command}"],
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "SECRET": SECRET,
        },
        capture_output=True,
        check=True,
    )
    assert result.stderr == b""
    return result.stdout.split(b"\0")[:-1]


def sent_by_hand(command):
    """The method, the address, the header lines and the body that *command* sends."""
    words = run_by_hand(command)
    headers = [words[at + 1] for at, word in enumerate(words) if word == b"-H"]
    method = words[words.index(b"-X") + 1].decode()
    return method, words[words.index(b"-X") + 2].decode(), headers, words[-1]


def an_exchange(delivery, **options):
    return exchange_of(an_attempt(401, delivery=delivery), SECRET, **options)


BODIES = [
    BODY,
    b"",
    b"plain text, 100 % of it",
    '{"name":"Zoë \N{PARTY POPPER}","note":"it\'s \\"quoted\\" $HOME `id` \\\\ \\u00eb"}'.encode(),
    b'{"a":"\xff\xfe"}',
    b"line\nline\r\n\ttab",
    b"'; echo broken #",
    b"@/etc/hostname",
    b"-d x",
]


@pytest.mark.parametrize("body", BODIES)
def test_a_command_sends_the_same_bytes_under_a_right_signature(body):
    command = letters.curl(an_exchange(a_delivery(body)))
    method, url, headers, sent = sent_by_hand(command)
    assert (method, url, sent) == ("POST", URL, body)
    assert headers == [
        b"Content-Type: application/json",
        b"X-Cal-Signature-256: " + digest(body).encode(),
    ]
    assert SECRET not in command
    assert digest(body) not in command


def test_the_signature_in_a_command_is_made_by_the_mock_itself():
    command = letters.curl(an_exchange(a_delivery()))
    words = run_by_hand(command, signer=False)
    assert words == run_by_hand(command)
    assert b"X-Cal-Signature-256: " + digest().encode() in words


@pytest.mark.parametrize(
    ("signature", "sent"),
    [
        (f"sha256={digest()}", f"sha256={digest()}".encode()),
        (f'"{digest()}"', f'"{digest()}"'.encode()),
        (digest() * 2, digest().encode() * 2),
        (SECRET, SECRET.encode()),
        (base64.b64encode(SECRET.encode()).decode(), base64.b64encode(SECRET.encode())),
        ("0" * 64, b"0" * 64),
        ("\xe9\xff", b"\xe9\xff"),
        ("$(id) `id` 'x' \\", b"$(id) `id` 'x' \\"),
    ],
)
def test_a_command_sends_the_same_header(signature, sent):
    command = letters.curl(an_exchange(a_delivery(signature=signature)))
    *_, headers, _ = sent_by_hand(command)
    assert headers[1] == b"X-Cal-Signature-256: " + sent
    assert SECRET not in command


@pytest.mark.parametrize("value", ["", " "])
def test_a_header_without_a_value_is_written_as_curl_wants_it(value):
    *_, headers, _ = sent_by_hand(letters.curl(an_exchange(a_delivery(signature=value))))
    assert headers[1] == b"X-Cal-Signature-256;"


def test_a_changed_body_is_sent_under_the_signature_of_the_one_before():
    delivery = a_delivery(b"changed", signature=digest())
    *_, headers, body = sent_by_hand(letters.curl(an_exchange(delivery, lawful=[BODY])))
    assert headers[1].endswith(digest().encode())
    assert body == b"changed"


def test_no_content_type_is_sent_where_there_was_none():
    delivery = a_delivery().without_header("Content-Type")
    *_, headers, _ = sent_by_hand(letters.curl(an_exchange(delivery)))
    assert headers[-1] == b"Content-Type:"


def test_another_method_is_kept():
    method, *_ = sent_by_hand(letters.curl(an_exchange(a_delivery(), method="DELETE")))
    assert method == "DELETE"


@pytest.mark.parametrize(
    "delivery", [a_delivery(b"x" * 4000), a_delivery(b"\0"), a_delivery(signature=digest()[:63])]
)
def test_there_is_no_command_for_what_cannot_be_typed_or_told(delivery):
    assert letters.curl(an_exchange(delivery)) == ""


# --- the letter -----------------------------------------------------------------------------------


def a_letter(record, **run):
    return letters.letter(record, CONTRACT.clause(record.clause), a_run(record, **run))


def test_a_letter_says_all_there_is_to_say():
    clause = CONTRACT.clause("sig-001")
    record = a_check(outcome=FAILED, exchange=an_exchange(a_delivery()))
    text = a_letter(record)
    for part in (
        *(clause.id, clause.text, clause.why, clause.fix, clause.source),
        *("violated (status-202)", "a refusal (4xx)", "answer 202", record.title),
        *("lost for ever", "repeat    calcontract check", "by hand   ", "curl "),
    ):
        assert part in text


def test_what_was_not_verified_is_no_accusation():
    record = a_check(outcome=Outcome.BLOCKED, sentence="it was refused", reason="twin")
    text = a_letter(record)
    assert "because   it was refused" in text
    assert "blocked (twin)" in text
    assert CONTRACT.clause("sig-001").fix not in text


def test_a_known_violation_is_called_known():
    assert "violated (status-202), as is known" in a_letter(a_check(outcome=FAILED, known=True))


def test_the_repetition_says_what_the_run_was_told():
    words = (
        URL,
        "--secret-env",
        "MY_SECRET",
        "--profile",
        "calcom",
        "--probe",
        "http://x/?a=1&b=2",
    )
    record = a_check(outcome=FAILED)
    line = letters.repeat(record, a_run(record, words=words))
    assert shlex.split(line) == ["calcontract", "check", *words, "--seed", "41", "-m", "sig-001"]


@pytest.mark.parametrize(
    ("source", "made"),
    [
        (["--secret-env", "MINE"], '"$MINE"'),
        (["--secret-file", "my file"], "\"$(cat 'my file')\""),
    ],
)
def test_the_repetition_has_the_secret_put_in_where_it_was_left_out(source, made):
    words = (f"{URL}?key={records.SECRET}", *source, "--start", f"env A={records.SECRET} serve")
    record = a_check(outcome=FAILED)
    line = letters.repeat(record, a_run(record, words=words))
    assert f"'{URL}?key='{made} " in line
    assert f" --start 'env A='{made}' serve' " in line


def test_a_command_by_hand_has_the_secret_of_the_url_put_in_by_the_shell():
    url = f"{URL}?key={SECRET}"
    exchange = an_exchange(dataclasses.replace(a_delivery(), url=url))
    assert SECRET not in exchange.url
    assert sent_by_hand(letters.curl(exchange))[1] == url


def test_every_outcome_has_a_sign():
    assert all(letters.mark(outcome) for outcome in Outcome)
    assert len({letters.mark(outcome) for outcome in (Outcome.PASS, FAILED, Outcome.BLOCKED)}) == 3


def test_a_placeholder_never_looks_like_a_signature():
    assert SIGNED.startswith("<")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["--secret-env", "SECRET"], "signature=$("),
        (["--secret-env", "MINE"], 'export SECRET="$MINE"; signature=$('),
        (["--secret-file", "my file"], "export SECRET=\"$(cat 'my file')\"; signature=$("),
    ],
)
def test_a_command_by_hand_takes_the_secret_from_where_the_run_took_it(words, first):
    run = a_run(words=[URL, *words])
    assert letters._by_hand(an_exchange(a_delivery(signature=digest())), run).startswith(first)


def test_what_no_command_can_show_is_said_to_be_in_the_report():
    assert "verdicts.json" in letters._by_hand(an_exchange(a_delivery(b"\0")), a_run())


def refused(clause, outcome=FAILED, reason="status-401"):
    """A check that saw an honest delivery refused."""
    return a_check(clause, outcome, expected="an acknowledgement (2xx)", reason=reason)


def test_a_command_that_is_too_long_for_a_screen_is_described():
    record = a_check(outcome=FAILED, exchange=an_exchange(a_delivery(signature="")))
    clause, run = CONTRACT.clause(record.clause), a_run(record)
    whole = letters.letter(record, clause, run)
    [command] = [line for line in whole.splitlines() if "by hand" in line]
    brief = letters.letter(record, clause, run, longest=20)
    assert "curl" in command
    assert "curl" not in brief
    assert "characters: --verbose prints them" in brief
    assert letters.letter(record, clause, run, longest=len(command)) == whole


@pytest.mark.parametrize(
    ("root", "first"), [(FAILED, True), (Outcome.FLAKY, True), (Outcome.PASS, False)]
)
def test_who_refuses_honest_deliveries_is_sent_to_the_root_first(root, first):
    for name in ("tol-001", "net-004"):
        record, clause = refused(name), CONTRACT.clause(name)
        letter = letters.letter(record, clause, concluded(refused("sig-010", root), record))
        assert ("fix       sig-010 first: " in letter) is first
        assert clause.fix in letter


def test_a_refusal_of_another_kind_has_another_root():
    record, clause = refused("net-006", reason="status-411"), CONTRACT.clause("net-006")
    letter = letters.letter(record, clause, concluded(refused("sig-010"), record))
    assert "sig-010 first" not in letter


@pytest.mark.parametrize(
    "seen",
    [
        {"expected": "a refusal (4xx)", "reason": "status-202"},
        {"expected": "an acknowledgement (2xx)", "reason": "status-503"},
        {"expected": "one effect", "reason": "effects"},
    ],
)
def test_other_failures_are_their_own_clauses_matter(seen):
    check = a_check("idm-001", FAILED, **seen)
    run = concluded(a_check("sig-010", FAILED), check)
    assert "first:" not in letters.letter(check, CONTRACT.clause("idm-001"), run)


def test_how_a_body_travels_is_not_mended_at_the_root():
    refused = a_check("net-006", FAILED, expected="an acknowledgement (2xx)", reason="status-401")
    run = concluded(a_check("sig-010", FAILED), refused)
    clause = CONTRACT.clause("net-006")
    assert f"fix       {clause.fix}" in letters.letter(refused, clause, run)


@pytest.mark.parametrize(("signature", "said"), [(digest(), True), ("0" * 64, False), ("", False)])
def test_what_becomes_of_a_delivery_is_said_of_genuine_ones(signature, said):
    record = a_check("ack-001", FAILED, exchange=an_exchange(a_delivery(signature=signature)))
    text = letters.letter(record, CONTRACT.clause("ack-001"), a_run(record))
    assert ("  next " in text) is said


@pytest.mark.parametrize(
    ("clause", "about", "seen"),
    [
        # A body, an address or a method that Cal.com would not send.
        ("env-002", {"spoiled": True}, {}),
        ("net-010", {"method": "PUT"}, {}),
        # Traffic that it never sends.
        ("net-003", {}, {}),
        # A secret that it has no more.
        ("cfg-002", {}, {"reason": "old-secret-taken"}),
    ],
)
def test_nothing_becomes_of_what_cal_com_does_not_send(clause, about, seen):
    record = a_check(clause, FAILED, exchange=an_exchange(a_delivery(), **about), **seen)
    assert "  next " not in letters.letter(record, CONTRACT.clause(clause), a_run(record))
