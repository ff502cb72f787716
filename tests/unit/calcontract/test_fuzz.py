import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calcontract import cli, fuzz, settings
from calcontract.errors import Exit, SetupError
from calcontract.fuzz import shapes, spoiled, words
from calcontract.fuzz.hunt import Hunt
from calcontract.fuzz.results import Finding, Result, Tally
from calcontract.records import exchange_of
from calcontract.target import Target
from mock_calcom.signature import sign
from tests.unit.calcontract.broken import SECRET, receiver, sound
from tests.unit.calcontract.makers import an_attempt

SUITE = "calcontract/suite"

QUICK = (fuzz.FORGED, fuzz.NONSENSE, fuzz.SPOILED)


def hunted(url, *, examples=60, seconds=30, seed=1, budget=30.0, kinds=QUICK, probe=None):
    """A hunt; strategies out of the schemas take seconds to build, so few tests ask for them."""
    told = settings.load(target=url, secret=SECRET, budget=budget, probe=probe)
    hunt = Hunt(Target(told, seed=seed), examples=examples, seconds=seconds)
    hunt.look()
    for kind in kinds:
        hunt.try_kind(kind)
    hunt.conclude()
    return hunt.result


def sorts(result):
    return set(result.findings)


def test_quotas_add_up_and_leave_no_kind_out():
    assert sum(fuzz.quotas(200).values()) == 200
    assert sum(fuzz.quotas(203).values()) == 203
    assert set(fuzz.quotas(5).values()) == {1}


def test_kinds_without_effect_come_before_the_others():
    inert = [kind.inert for kind in fuzz.KINDS]
    assert inert == sorted(inert, reverse=True)


def test_every_schema_of_a_trigger_is_in_one_document_without_names_to_look_up():
    text = json.dumps(shapes.document())
    assert "calcontract.example" not in text
    references = re.findall(r'"\$ref": "([^"]*)"', text)
    assert references
    assert all(reference.startswith("#/") for reference in references)
    assert all(f"/{name}" in shapes.document()["paths"] for name in shapes.trigger_schemas())
    assert len(shapes.trigger_schemas()) == 37


def test_generating_bodies_asks_nobody_on_the_network(monkeypatch):
    asked = []

    def refuse(*arguments, **_):
        asked.append(arguments)
        raise OSError

    with receiver() as server:
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *more, **named: (
                real(host, *more, **named) if host == "127.0.0.1" else refuse(host)
            ),
        )
        assert not hunted(server.url, examples=40, kinds=(fuzz.ENVELOPES, fuzz.PAYLOADS)).findings
    assert asked == []


@pytest.mark.parametrize(
    ("body", "inert"),
    [
        (b"", True),
        (b"[1]", True),
        (b'{"triggerEvent":"UNHEARD_OF","payload":{"uid":"a"}}', True),
        (b'{"triggerEvent":"BOOKING_CREATED"}', False),
        (b'{"triggerEvent":"booking_created', False),
        (b'{"triggerEvent":"BOOKING\\u005fCREATED"}', False),
        ("BOOKING_CREATED".encode("utf-16"), False),
        (b'{"triggerEvent":"BOOKING_CREATED","payload":1}', True),
        (b'{"triggerEvent":"BOOKING_CREATED","payload":null}', True),
        (b'{"triggerEvent":"BOOKING_CREATED","payload":"{}"}', False),
        (b'{"triggerEvent":"BOOKING_CREATED","payload":1,"uid":"a"}', False),
        (b'{"triggerEvent":"BOOKING_CREATED","payload":{},"payload":1}', False),
    ],
)
def test_a_body_is_inert_only_if_it_cannot_name_a_trigger(body, inert):
    assert spoiled.is_inert(body) is inert


def test_a_sound_receiver_is_not_accused():
    with receiver() as server:
        result = hunted(server.url, examples=100, kinds=fuzz.KINDS)
    assert result.findings == {}
    assert result.exit_code is Exit.CONFORMS
    assert result.examples == 100


def test_the_same_seed_sends_the_same_bodies():
    def bodies(seed):
        with receiver() as server:
            hunted(server.url, seed=seed, examples=30, kinds=fuzz.KINDS)
        # The ordinary deliveries before and after are new in every run.
        return server.bodies[1:-1]

    first = bodies(3)
    assert bodies(3) == first
    assert bodies(4) != first


def failing_on(condition, status=500):
    def answer(signed, body):
        return status if signed and condition(body) else sound(signed, body)

    return answer


def is_no_object(body):
    try:
        return not isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def has_odd_start(body):
    """Fails on an envelope whose startTime is not text, as a handler without care would."""
    if sound(True, body) != 202:
        return False
    start = json.loads(body)["payload"].get("startTime", "")
    return not isinstance(start, str)


def test_a_500_on_json_that_is_no_object_is_found_and_made_small():
    with receiver(failing_on(is_no_object)) as server:
        result = hunted(server.url)
    finding = result.findings["nonsense", "status-500"]
    assert "500" in finding.sentence
    assert len(finding.exchange.body) <= 4
    assert result.exit_code is Exit.VIOLATES


def test_a_500_in_the_depths_of_an_envelope_is_found():
    with receiver(failing_on(has_odd_start)) as server:
        result = hunted(server.url, examples=300, kinds=(fuzz.SPOILED,))
    assert sorts(result) == {("spoiled", "status-500")}
    assert not isinstance(
        json.loads(result.findings["spoiled", "status-500"].exchange.body)["payload"]["startTime"],
        str,
    )


def test_the_same_seed_makes_the_same_findings():
    def found():
        with receiver(failing_on(is_no_object)) as server:
            result = hunted(server.url, seed=5, budget=30.0, kinds=fuzz.KINDS)
        return {sort: finding.exchange.body for sort, finding in result.findings.items()}

    first = found()
    assert first
    assert found() == first


def test_a_receiver_that_takes_unsigned_deliveries_is_found():
    with receiver(lambda _, body: sound(True, body)) as server:
        result = hunted(server.url)
    finding = result.findings["forged", "status-202"]
    assert finding.expected == "a refusal (4xx)"


def test_an_effect_of_a_forged_delivery_is_found_and_laid_at_the_right_door():
    acted = []

    def acting(signed, body):
        if not signed and b"BOOKING" in body:
            acted.append(body)
        return sound(signed, body)

    with receiver(acting) as server:
        server.appointments = acted
        result = hunted(server.url, probe=server.url, kinds=(fuzz.FORGED, fuzz.NONSENSE))
    assert sorts(result) == {("forged", "effect-appointments")}
    assert b"BOOKING" in result.findings["forged", "effect-appointments"].exchange.body


def test_an_effect_of_what_was_wrongly_acknowledged_accuses_no_other_body():
    acted = []

    def open_for_all(signed, body):
        if not signed and sound(True, body) == 202:
            acted.append(body)
        return sound(True, body)

    with receiver(open_for_all) as server:
        server.appointments = acted
        result = hunted(server.url, probe=server.url, kinds=(fuzz.FORGED,))
    assert sorts(result) == {("forged", "status-202")}


def test_several_sorts_of_one_kind_are_all_found():
    def answer(signed, body):
        if signed and is_no_object(body):
            return 500
        # What examples are made of depends on the modules that are loaded: any other will do.
        return 503 if signed and sound(signed, body) == 400 else sound(signed, body)

    with receiver(answer) as server:
        result = hunted(server.url, examples=200, kinds=(fuzz.NONSENSE,))
    assert sorts(result) == {("nonsense", "status-500"), ("nonsense", "status-503")}
    assert result.examples == 50


def test_a_redirect_is_found():
    with receiver(lambda signed, body: 302 if sound(signed, body) == 400 else 202) as server:
        assert ("nonsense", "status-302") in sorts(hunted(server.url))


def test_a_hang_is_found_within_the_time():
    began = time.monotonic()
    with receiver(
        lambda signed, body: (400, 60) if is_no_object(body) else sound(signed, body)
    ) as (server):
        result = hunted(server.url, seconds=6, budget=1.0)
    assert ("nonsense", "no-answer-timeout") in sorts(result)
    # No answer was waited for to its end.
    assert time.monotonic() - began < 60


def test_no_sort_of_finding_is_told_twice():
    with receiver(
        lambda signed, body: 500 if sound(signed, body) == 400 else sound(signed, body)
    ) as (server):
        result = hunted(server.url)
    assert len(result.findings) <= len(fuzz.KINDS)
    assert {reason for _, reason in result.findings} == {"status-500"}


def test_a_receiver_that_takes_nothing_any_more_is_found():
    taken = []

    def answer(signed, body):
        taken.append(body)
        return 503 if len(taken) > 30 and sound(signed, body) == 202 else sound(signed, body)

    with receiver(answer) as server:
        result = hunted(server.url, examples=60)
    assert any(reason in {"harmed", "status-503"} for _, reason in result.findings)


def test_a_receiver_that_throttles_for_good_is_not_green():
    taken = []

    def answer(signed, body):
        taken.append(body)
        return 429 if len(taken) > 5 else sound(signed, body)

    with receiver(answer) as server:
        result = hunted(server.url, seconds=3)
    assert result.exit_code is Exit.NOT_VERIFIED
    assert "throttles" in result.stopped
    assert result.untried == [fuzz.NONSENSE, fuzz.SPOILED]


def test_a_target_that_is_no_receiver_is_not_hunted():
    with (
        receiver(lambda *_: 404) as server,
        pytest.raises(SetupError, match="404"),
    ):
        hunted(server.url)
    assert len(server.bodies) == 1


def test_nothing_that_is_said_holds_the_secret_or_a_right_signature():
    with receiver(failing_on(lambda _: True, 500)) as server:
        told = settings.load(target=server.url, secret=SECRET)
        server.answer = sound
        hunt = Hunt(Target(told, seed=1), examples=40, seconds=20)
        hunt.look()
        server.answer = failing_on(lambda _: True, 500)
        for kind in fuzz.KINDS:
            hunt.try_kind(kind)
        hunt.conclude()
    said = "\n".join(
        words.letter(finding, hunt.result, hunt.target.settings)
        for finding in hunt.result.findings.values()
    )
    assert "mock-calcom sign" in said
    assert SECRET not in said
    assert not any(sign(body, SECRET) in said for body in server.bodies)


@pytest.mark.parametrize(
    ("kind", "reason", "status", "said"),
    [
        (fuzz.NONSENSE, "status-500", 500, "Sent directly, the event is lost for ever"),
        (fuzz.NONSENSE, "no-answer-reset", None, "Cal.com gets no answer"),
        # It was answered, and that it came late is what follows from.
        (fuzz.SPOILED, "too-late", 202, "Cal.com waits for the answer"),
        # It was taken, and has an effect that it should not have.
        (fuzz.NONSENSE, "effect-effects", 202, "sends nothing that puts this right"),
        (fuzz.NONSENSE, "effect-appointments", 400, None),
        (fuzz.FORGED, "status-202", 202, None),
    ],
)
def test_a_letter_says_what_follows_from_the_finding(kind, reason, status, said):
    exchange = exchange_of(an_attempt(status), SECRET)
    finding = Finding(kind, reason, "it is so", "it to be otherwise", exchange)
    told = settings.load(target="http://127.0.0.1:9/hook", secret=SECRET)
    lines = words.letter(finding, Result(seed=1, asked=10), told).splitlines()
    following = [line for line in lines if line.split()[0] == "next"]
    assert len(following) == (said is not None)
    assert all(said in line for line in following)


def test_what_was_not_tried_is_said_and_is_not_green():
    result = Result(seed=1, asked=100, tallies={kind: Tally() for kind in fuzz.KINDS})
    result.tallies[fuzz.FORGED].examples = 15
    text = "\n".join(words.summary(result))
    assert "not tried: nonsense, envelopes, payloads, spoiled" in text
    assert result.exit_code is Exit.NOT_VERIFIED


def test_a_kind_of_which_nothing_was_taken_is_said_to_have_reached_little():
    def tally(acknowledged):
        return Tally(examples=40, attempts=40, acknowledged=acknowledged, refused=40 - acknowledged)

    result = Result(seed=1, asked=200, tallies={kind: tally(0) for kind in fuzz.KINDS})
    result.tallies[fuzz.SPOILED] = tally(3)
    (line,) = [line for line in words.summary(result) if line.startswith("shallow")]
    # Of what is forged, or no envelope, nothing should be.
    assert line.endswith("of: envelopes, payloads; what lies behind was not reached")
    # A few examples say nothing.
    for few in result.tallies.values():
        few.examples = 5
    assert result.shallow == []


def test_a_long_or_odd_body_is_shown_escaped_and_cut():
    assert words.escaped(b"\x00\\a") == "\\x00\\x5ca"
    assert words.escaped(b"x" * 700).endswith("... (700 bytes)")
    assert words.escaped(b"") == "(no bytes)"


def test_the_command_says_what_it_found_and_ends_with_1(monkeypatch):
    monkeypatch.setenv("THE_SECRET", SECRET)
    with receiver(failing_on(is_no_object)) as server:
        ran = CliRunner().invoke(
            cli.application,
            ["fuzz", server.url, "--secret-env", "THE_SECRET", "--examples", "40", "--seed", "1"],
        )
    assert ran.exit_code == 1
    assert "answer 500" in ran.stdout
    assert re.search(r"fuzz +1 finding; 40 examples of 5 kinds in [\d.]+ s, seed 1", ran.stdout)


def test_the_command_leaves_nothing_where_it_was_started(tmp_path):
    with receiver() as server:
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "calcontract", "fuzz", server.url),
                *("--secret-env", "THE_SECRET", "--examples", "5"),
            ],
            cwd=tmp_path,
            env={**os.environ, "THE_SECRET": SECRET},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_ours_is_no_finding(monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setenv("THE_SECRET", SECRET)
    monkeypatch.setattr(spoiled.Spoiled, "forged", broken)
    with receiver() as server:
        ran = CliRunner().invoke(
            cli.application, ["fuzz", server.url, "--secret-env", "THE_SECRET", "--seed", "1"]
        )
    assert ran.exit_code == 5
    assert "the hunt itself failed (RuntimeError)" in ran.stderr


def test_the_command_says_that_nobody_is_there_and_ends_with_3(monkeypatch):
    monkeypatch.setenv("THE_SECRET", SECRET)
    ran = CliRunner().invoke(
        cli.application, ["fuzz", "http://127.0.0.1:9/", "--secret-env", "THE_SECRET"]
    )
    assert ran.exit_code == 3
    assert len(ran.stderr.splitlines()) == 1


def test_the_reference_receiver_has_no_finding_and_no_effect_of_nonsense():
    ran = CliRunner().invoke(cli.application, ["fuzz", "--examples", "60", "--seed", "11"])
    assert ran.exit_code == 0, ran.stdout
    assert "no finding; 60 examples" in ran.stdout


def pytest_run(*arguments, secret=SECRET):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "THE_SECRET": secret},
    )


def target(server):
    return ("--target", server.url, "--secret-env", "THE_SECRET")


def test_pytest_fuzzes_when_the_fuzzing_is_named_by_path():
    with receiver(failing_on(is_no_object)) as server:
        ran = pytest_run(
            *target(server),
            "--fuzz-examples",
            "30",
            "--contract-seed",
            "1",
            SUITE + "/test_fuzz.py",
        )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 failed, 4 passed" in ran.stdout
    assert "answer 500" in ran.stdout


def test_pytest_fuzzes_when_the_fuzzing_is_named_by_package():
    with receiver() as server:
        ran = pytest_run(
            *target(server), "--fuzz-examples", "10", "--pyargs", "calcontract.suite.test_fuzz"
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout


@pytest.mark.parametrize("paths", [(), (SUITE,)])
def test_pytest_does_not_fuzz_unless_told(paths):
    with receiver() as server:
        ran = pytest_run(*target(server), "--collect-only", *paths)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "test_scenarios" in ran.stdout
    assert "test_fuzz" not in ran.stdout


def test_pytest_does_not_mix_fuzzing_with_the_contract():
    with receiver() as server:
        ran = pytest_run(*target(server), SUITE + "/test_scenarios.py", SUITE + "/test_fuzz.py")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "a run of its own" in ran.stderr
