"""Known violations go on failing for the same reason, or the run fails."""

from __future__ import annotations

import datetime as dt

import pytest

from calcontract.errors import Exit, UsageError
from calcontract.known import Known, KnownViolations
from calcontract.report import summary
from calcontract.verdicts import Conclusion, Outcome
from tests.unit.calcontract.makers import CONTRACT, a_check, a_run

TODAY = dt.date(2027, 1, 15)


def an_entry(**overrides):
    values = {
        "id": "idm-001",
        "reason": "effect-repeated",
        "link": "https://tracker.example/7",
        "expires": dt.date(2027, 1, 31),
    }
    return Known(**{**values, **overrides})


def failing(reason="effect-repeated"):
    return a_check("idm-001", Outcome.FAIL, reason=reason)


def concluded(run, *entries):
    known = KnownViolations(entries, today=TODAY)
    run.stale = known.stale(run)
    run.conclude(known)
    return run


PASSING = a_check("sig-001")


def test_a_known_violation_does_not_fail_the_run_and_is_not_called_verified():
    run = concluded(a_run(PASSING, failing(), a_check("idm-001")), an_entry())
    assert run.exit_code is Exit.CONFORMS
    assert run.outcome("idm-001") is Outcome.KNOWN
    assert (run.verdict.must_verified, run.verdict.must_in_scope) == (1, 1)
    assert summary.headline(run).endswith("1 of 1 MUST verified, known to violate idm-001")


def test_what_a_known_violation_keeps_from_being_judged_does_not_decide_either():
    blocked = a_check("idm-001", Outcome.BLOCKED, reason="twin-not-acknowledged")
    run = concluded(a_run(PASSING, failing(), blocked), an_entry())
    assert run.exit_code is Exit.CONFORMS
    assert run.outcome("idm-001") is Outcome.KNOWN
    alone = concluded(a_run(PASSING, blocked), an_entry())
    assert alone.exit_code is Exit.NOT_VERIFIED


def test_a_list_does_not_make_up_for_having_verified_nothing():
    assert concluded(a_run(failing()), an_entry()).exit_code is Exit.NOT_VERIFIED


def test_another_reason_is_another_violation():
    run = concluded(a_run(PASSING, failing("status-500")), an_entry())
    assert run.exit_code is Exit.VIOLATES
    assert run.verdict.conclusion is Conclusion.VIOLATES
    (stale,) = run.stale
    assert "another reason" in stale.why
    assert "status-500" in stale.why


def test_a_second_reason_beside_the_known_one_still_violates():
    run = concluded(a_run(PASSING, failing(), failing("status-500")), an_entry())
    assert run.exit_code is Exit.VIOLATES
    assert run.stale == []


def test_an_entry_of_another_clause_excuses_nothing():
    run = concluded(a_run(PASSING, failing()), an_entry(id="idm-003"))
    assert run.exit_code is Exit.VIOLATES


def test_an_entry_that_conforms_by_now_fails_the_run():
    run = concluded(a_run(PASSING, a_check("idm-001")), an_entry())
    assert run.exit_code is Exit.VIOLATES
    assert run.verdict.conclusion is Conclusion.OUT_OF_DATE
    assert summary.headline(run).startswith("known violations out of date (wire), ")
    (stale,) = run.stale
    assert stale.why == "conforms by now"
    assert "take it off the list (https://tracker.example/7)" in "\n".join(
        summary.lines(run, CONTRACT)
    )


def test_an_entry_that_conforms_by_now_fails_a_run_in_which_no_must_was_verified():
    run = concluded(a_run(a_check("idm-004")), an_entry(id="idm-004"))
    assert run.exit_code is Exit.VIOLATES
    assert run.verdict.conclusion is Conclusion.OUT_OF_DATE


def test_what_violates_beside_a_list_out_of_date_is_called_so():
    run = concluded(a_run(a_check("idm-001"), a_check("idm-003", Outcome.FAIL)), an_entry())
    assert run.exit_code is Exit.VIOLATES
    assert run.verdict.conclusion is Conclusion.VIOLATES


@pytest.mark.parametrize(("days", "code"), [(-1, Exit.VIOLATES), (0, Exit.CONFORMS)])
def test_an_entry_holds_until_the_day_on_which_it_expires(days, code):
    entry = an_entry(expires=TODAY + dt.timedelta(days=days))
    run = concluded(a_run(PASSING, failing()), entry)
    assert run.exit_code is code
    assert [stale.why for stale in run.stale] == ["expired on 2027-01-14"] * (days < 0)
    advice = "expired on 2027-01-14: mend the receiver, or give it another day ("
    assert (advice in "\n".join(summary.lines(run, CONTRACT))) == (days < 0)


@pytest.mark.parametrize("outcome", [Outcome.BLOCKED, Outcome.INCONCLUSIVE, Outcome.NOT_VERIFIED])
def test_what_could_not_be_verified_is_not_excused(outcome):
    run = concluded(
        a_run(PASSING, a_check("idm-001", outcome, reason="effect-repeated")), an_entry()
    )
    assert run.exit_code is Exit.NOT_VERIFIED
    assert run.stale == []


@pytest.mark.parametrize(
    "run", [a_run(PASSING), a_run(PASSING, a_check("idm-001", Outcome.OUTSIDE_SCOPE))]
)
def test_an_entry_about_what_was_not_run_is_left_alone(run):
    assert concluded(run, an_entry()).exit_code is Exit.CONFORMS


# --- the file -------------------------------------------------------------------------------------

ENTRY = """[[violation]]
id = "idm-001"
reason = "effect-repeated"
link = "https://tracker.example/7"
expires = 2099-01-31
"""


def load(tmp_path, text):
    path = tmp_path / "known.toml"
    path.write_text(text)
    return KnownViolations.load(path, CONTRACT)


def test_a_file_is_read(tmp_path):
    known = load(tmp_path, ENTRY + ENTRY.replace("idm-001", "idm-003"))
    run = a_run(PASSING, failing())
    run.conclude(known)
    assert run.exit_code is Exit.CONFORMS


def test_no_file_knows_nothing():
    run = a_run(PASSING, failing())
    run.conclude(KnownViolations.load(None, CONTRACT))
    assert run.exit_code is Exit.VIOLATES


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[violation", "cannot be read"),
        (ENTRY.replace("2099-01-31", '"2099-01-31"'), "needs id, reason, link, expires"),
        (ENTRY.replace("2099-01-31", "2099-01-31T00:00:00Z"), "needs id, reason, link, expires"),
        (ENTRY.replace('"idm-001"', "1"), "needs id, reason, link, expires"),
        (ENTRY.replace("link", "url"), "needs id, reason, link, expires"),
        (ENTRY + "note = 'x'\n", "needs id, reason, link, expires"),
        (ENTRY.replace("idm-001", "idm-0001"), "there is no clause 'idm-0001'; did you mean"),
        (ENTRY.replace("[[violation]]", "[[violations]]"), "something else"),
        (ENTRY.replace("[[violation]]", "[violation]"), "something else"),
        ("violation = [1]\n", "needs id, reason, link, expires"),
        ("violation = 1\n", "something else"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, text, words):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        KnownViolations.load(tmp_path / "nowhere.toml", CONTRACT)
