"""The reports for machines: their shape, and that their numbers are those of the verdict."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcontract import validation
from calcontract.errors import CapabilityError
from calcontract.known import Known, KnownViolations
from calcontract.records import exchange_of
from calcontract.report import document, junit
from calcontract.verdicts import Outcome
from tests.unit.calcontract.makers import (
    CONTRACT,
    NOON,
    SECRET,
    a_check,
    a_delivery,
    a_run,
    an_attempt,
    digest,
)

IDS = ["sig-001", "sig-010", "idm-004", "tol-008", "ack-005"]


def concluded(run, *entries):
    known = KnownViolations(entries, today=NOON.date())
    run.stale = known.stale(run)
    run.conclude(known)
    return run


def a_failure(clause="sig-001", body=b'{"a":"\xff\x01\xed\xa0\x80"}', **more):
    attempt = an_attempt(202, b"\x00\x1b[31m<&]]>", delivery=a_delivery(body))
    return a_check(clause, Outcome.FAIL, exchange=exchange_of(attempt, SECRET), **more)


ENTRY = Known("sig-001", "status-202", "https://tracker.example/1", NOON.date())

RUNS = {
    "conforms": a_run(a_check(), a_check("idm-001", Outcome.OUTSIDE_SCOPE)),
    "violates": a_run(a_failure(), a_check("ack-005", Outcome.FAIL), uids=["u1", "u2"]),
    "without an answer": a_run(
        a_check(
            outcome=Outcome.FAIL,
            exchange=exchange_of(an_attempt(None), SECRET, lawful=[b"x"], method="PUT"),
        )
    ),
    "under another signature": a_run(
        a_check(
            outcome=Outcome.FAIL,
            exchange=exchange_of(
                an_attempt(delivery=a_delivery(b"changed", signature=digest())),
                SECRET,
                lawful=[a_delivery().body],
            ),
        )
    ),
    "not verified": a_run(
        a_check(outcome=Outcome.BLOCKED, sentence="x", reason="y"), scope="crash"
    ),
    "suite failed": a_run(a_check(outcome=Outcome.ERROR, sentence="x", reason="KeyError")),
    "nothing ran": a_run(clauses=["sig-001"]),
    "not judged": a_run(
        clauses=["sig-001"], setup_problem=CapabilityError("the probe is out", hint="mend it")
    ),
    "known": a_run(a_failure(), a_check("sig-002"), capabilities=("probe",), profile="calcom"),
    "stale": a_run(a_check(), a_check("sig-002"), strict=True, hardened=True),
}


def judged(name):
    return concluded(RUNS[name], *([ENTRY] if name in {"known", "stale"} else []))


@pytest.mark.parametrize("name", list(RUNS))
def test_a_report_has_the_shape_of_its_schema(name, tmp_path):
    document.write(tmp_path / "verdicts.json", judged(name), CONTRACT)
    written = json.loads((tmp_path / "verdicts.json").read_text(encoding="utf-8"))
    assert validation.problems(written, "report") == []


def spoilings():
    yield "another member", lambda report: report.update(more=1)
    yield "a member less", lambda report: report.pop("seed")
    yield "another verdict", lambda report: report.update(verdict="fine")
    yield "a verdict and another exit code", lambda report: report.update(exitCode=0)
    yield "a check with another member", lambda r: r["clauses"][0]["checks"][0].update(more=1)
    yield "a failure without a reason", lambda r: r["clauses"][0]["checks"][0].update(reason="")
    yield "a clause without its level", lambda r: r["clauses"][0].pop("level")
    yield (
        "an exchange with another member",
        lambda report: report["clauses"][0]["checks"][0]["exchange"].update(secret="x"),
    )


@pytest.mark.parametrize("spoil", [pytest.param(s, id=name) for name, s in spoilings()])
def test_the_schema_is_strict(spoil):
    report = json.loads(json.dumps(document.report(judged("violates"), CONTRACT)))
    assert validation.problems(report, "report") == []
    spoil(report)
    assert validation.problems(report, "report")


def test_the_report_names_what_an_operator_needs_to_clean_up():
    assert document.report(judged("violates"), CONTRACT)["sent"] == {"uids": ["u1", "u2"]}


@pytest.mark.parametrize("name", list(RUNS))
def test_no_report_holds_a_secret(name, tmp_path):
    document.write(tmp_path / "verdicts.json", judged(name), CONTRACT)
    junit.write(tmp_path / "junit.xml", judged(name), CONTRACT)
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        assert SECRET not in text
        assert digest() not in text


# --- JUnit ----------------------------------------------------------------------------------------

KINDS = ("failure", "error", "skipped")
COUNTS = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def xml_of(run, tmp_path):
    junit.write(tmp_path / "junit.xml", run, CONTRACT)
    return ET.parse(tmp_path / "junit.xml").getroot()


def counted(element):
    cases = list(element.iter("testcase"))
    kinds = {kind: sum(case.find(kind) is not None for case in cases) for kind in KINDS}
    return {"tests": len(cases), **{COUNTS[kind]: count for kind, count in kinds.items()}}


def claimed(element):
    return {name: int(element.get(name)) for name in ("tests", *COUNTS.values())}


@pytest.mark.parametrize("name", list(RUNS))
def test_the_counts_of_junit_are_those_of_its_cases(name, tmp_path):
    root = xml_of(judged(name), tmp_path)
    assert claimed(root) == counted(root)
    for suite in root.iter("testsuite"):
        assert claimed(suite) == counted(suite)


@pytest.mark.parametrize("name", list(RUNS))
def test_junit_is_green_exactly_when_the_run_conforms(name, tmp_path):
    run = judged(name)
    found = counted(xml_of(run, tmp_path))
    # What was never run has no case; the exit code says it.
    if name != "nothing ran":
        assert (found["failures"] + found["errors"] == 0) == (run.exit_code == 0)


records = st.lists(
    st.builds(
        a_check,
        st.sampled_from(IDS),
        st.sampled_from([outcome for outcome in Outcome if outcome is not Outcome.KNOWN]),
    ),
    min_size=1,
    max_size=6,
)


@given(records, st.booleans(), st.booleans())
def test_junit_agrees_with_the_verdict_whatever_happened(tmp_path_factory, found, strict, hardened):
    run = concluded(a_run(*found, strict=strict, hardened=hardened))
    counts = counted(xml_of(run, tmp_path_factory.mktemp("x")))
    assert counts["tests"] == len(found)
    if run.exit_code == 1:
        assert counts["failures"]
    if run.exit_code == 5:
        assert counts["errors"]
    if not counts["failures"] and not counts["errors"]:
        # Nothing is red: then it conforms, or not one MUST was seen to hold.
        assert run.exit_code == 0 or run.verdict.must_verified == 0


def test_a_deviation_is_no_failure_unless_it_is_fatal(tmp_path):
    deviation = a_check("ack-005", Outcome.FAIL)
    for strict, kind in ((False, "skipped"), (True, "failure")):
        root = xml_of(concluded(a_run(a_check(), deviation, strict=strict)), tmp_path)
        (case,) = root.findall(".//testcase[@classname='ack.ack-005']")
        assert [child.tag for child in case] == [kind]


def test_a_failure_says_why_in_letters(tmp_path):
    root = xml_of(judged("violates"), tmp_path)
    failure = root.find(".//failure")
    assert failure.get("type") == "status-202"
    assert failure.get("message") == "fail: answer 202"
    assert CONTRACT.clause("sig-001").fix in failure.text


def test_what_xml_cannot_hold_is_replaced(tmp_path):
    record = a_check(outcome=Outcome.FAIL, sentence="a\x00b\x1bc\ud800d\ufffee")
    (failure,) = xml_of(concluded(a_run(record)), tmp_path).iter("failure")
    assert failure.get("message") == "fail: a\ufffdb\ufffdc\ufffdd\ufffde"


def test_a_set_up_that_failed_is_an_error(tmp_path):
    root = xml_of(judged("not judged"), tmp_path)
    assert root.find(".//error").get("message") == "the probe is out; mend it"


def test_a_stale_entry_is_a_failure(tmp_path):
    root = xml_of(judged("stale"), tmp_path)
    assert "conforms by now" in root.find(".//failure").get("message")
