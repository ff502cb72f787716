"""A log, read as its operator would, and what may stand in it."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from calcontract.errors import CapabilityError, Inconclusive, Violation
from calcontract.judges import logs as judges
from calcontract.logs import Log

SECRET = "s3cret-of-the-tests"
DIGEST = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "receiver.log"
    made.write_text("before the run\n")
    return made


def write(file, text):
    with file.open("a", encoding="utf-8") as log:
        log.write(text)


def test_what_stood_there_before_is_no_part_of_the_run(file):
    log = Log(file)
    write(file, "one\n\ntwo\n")
    assert log.lines_since(log.begin) == ["one", "two"]
    assert Log(file, whole=True).lines_since(0)[0] == "before the run"


def test_a_log_is_read_from_a_place_on(file):
    log = Log(file)
    write(file, "one\n")
    place = log.place()
    write(file, "two\n")
    assert log.lines_since(place) == ["two"]


def test_a_log_that_was_begun_anew_is_read_whole(file):
    log = Log(file)
    file.write_text("new\n")
    assert log.lines_since(log.begin) == ["new"]


def test_bytes_that_are_no_text_are_shown(file):
    file.write_bytes(b"\xff one\n")
    assert Log(file, whole=True).lines_since(0) == ["\\xff one"]


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds

    def spent(self, log, **options):
        before = self.seconds
        log.wait_for(lambda lines: "wanted" in lines, place=log.begin, seconds=10, **options)
        return self.seconds - before


def test_a_log_that_never_said_anything_is_waited_for_once_and_shortly_from_then_on(
    file, monkeypatch
):
    clock = Clock()
    monkeypatch.setattr("calcontract.logs.time", clock)
    log = Log(file)
    assert clock.spent(log) >= 10
    assert clock.spent(log) < 2
    # It does log after all, late: the next line is given the time that lines are given.
    write(file, "something\n")
    assert clock.spent(log) >= 10
    assert clock.spent(log) >= 10


def test_a_line_is_waited_for_no_longer_than_allowed(file):
    log = Log(file, whole=True)
    assert log.wait_for(bool, place=0, seconds=60) == ["before the run"]
    assert log.wait_for(lambda lines: len(lines) > 1, place=0, seconds=0) == ["before the run"]


def test_a_log_that_cannot_be_read_is_said_to_be_so(tmp_path):
    with pytest.raises(CapabilityError, match="nowhere"):
        Log(tmp_path / "nowhere").require()


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ('{"uid": "kT8vWq2Z"}', True),
        ("booking 555001 created", True),
        ('{"bookingId":555001}', True),
        ("booking 5550012 created", False),
        ("at 1555001 ms", False),
        ("created", False),
    ],
)
def test_a_line_names_a_booking_by_uid_or_number(line, there):
    assert judges.names(line, uid="kT8vWq2Z", booking_id=555001) is there


def test_a_booking_without_a_number_is_named_by_its_uid():
    assert judges.names("kT8vWq2Z", uid="kT8vWq2Z", booking_id=None)
    assert not judges.names("None", uid="kT8vWq2Z", booking_id=None)


FAILURES = ["ERROR: it broke", '{"level":"error"}', "processing failed", "CRITICAL", "gave up"]
DUPLICATES = ["Duplicate webhook ignored", '{"event":"redelivered"}', "uid ALREADY known"]
NEITHER = ["", "created", '{"level":"info","event":"webhook received"}']


@pytest.mark.parametrize("line", [*FAILURES, *DUPLICATES, *NEITHER])
def test_a_failure_and_a_duplicate_are_told_in_any_format_and_from_each_other(line):
    assert judges.tells_of_failure(line) is (line in FAILURES)
    assert judges.tells_of_duplicate(line) is (line in DUPLICATES)


@pytest.mark.parametrize("lines", [[], ["something else"]])
def test_what_was_not_said_is_missed(lines):
    with pytest.raises(Violation) as caught:
        judges.said(lines, "a word", found=False)
    assert caught.value.reason == "log-silent"
    judges.said(lines, "a word", found=True)


# --- what it keeps to itself ----------------------------------------------------------------------


def test_a_log_that_was_never_written_to_proves_nothing():
    with pytest.raises(Inconclusive):
        judges.spoken(b" \n")
    judges.spoken(b"a line\n")


@pytest.mark.parametrize("text", [SECRET, DIGEST, DIGEST[:20].upper(), SECRET.encode().hex()])
def test_a_secret_in_a_log_is_found_and_not_told(text):
    with pytest.raises(Violation) as caught:
        judges.discreet(f"expected {text}".encode(), secret=SECRET, signatures=[DIGEST])
    assert caught.value.reason == "log-leak"
    assert text not in caught.value.sentence


def test_a_discreet_log_is_left_alone():
    judges.discreet(b"signature refused", secret=SECRET, signatures=[DIGEST])


@pytest.mark.parametrize(
    "written", [b"Ada\nwords wrote", b"Ada\r\nwords", b"Ada\rwords", b"words", b"\x1b[2Kwords"]
)
def test_a_line_that_begins_with_words_of_a_stranger_is_found(written):
    with pytest.raises(Violation) as caught:
        judges.unforged(written, "words")
    assert caught.value.reason == "log-forged"


@pytest.mark.parametrize(
    "written",
    [b"Ada words", b'"Ada\\nwords"', b"  words", b"Ada\\u001b[2Kwords", b"\x1b[2KAda", b""],
)
def test_escaped_words_are_no_line(written):
    judges.unforged(written, "words")


def test_what_is_known_of_a_guest_is_found():
    with pytest.raises(Violation) as caught:
        judges.impersonal(["to ada@client.example"], ["ada@client.example", "Ada King"])
    assert caught.value.reason == "log-personal"
    assert "ada" not in caught.value.sentence
    judges.impersonal(["uid kT8vWq2Z"], ["ada@client.example"])
