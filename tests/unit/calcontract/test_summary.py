"""The verdict of a run in words."""

from __future__ import annotations

import pytest

from calcontract import verdicts
from calcontract.catalogue import CAPABILITIES
from calcontract.errors import Exit, SetupError
from calcontract.known import Known, KnownViolations
from calcontract.records import NOT_RUN
from calcontract.report import deaths, letters, summary
from calcontract.report.document import report
from calcontract.verdicts import Level, Outcome
from calcontract.vigil import Check, Death
from tests.unit.calcontract.makers import CONTRACT, NOON, a_check, a_run, concluded

FAILED = Outcome.FAIL


@pytest.mark.parametrize(
    ("records", "options", "line"),
    [
        ([a_check()], {}, "conforms (wire), profile guide: 1 of 1 MUST verified"),
        (
            [a_check()],
            {"scope": "crash", "capabilities": CAPABILITIES},
            "conforms, profile guide: 1 of 1 MUST verified",
        ),
        (
            [a_check(outcome=FAILED), a_check("sig-002")],
            {"scope": "effects", "profile": "calcom"},
            "violates (effects), profile calcom: 1 of 2 MUST verified, violates sig-001",
        ),
        (
            [a_check(), a_check("tol-007", FAILED)],
            {},
            "conforms (wire), profile guide: 1 of 1 MUST verified, deviates from tol-007",
        ),
        (
            [a_check(), a_check("sig-002", Outcome.BLOCKED)],
            {},
            "not verified (wire), profile guide: 1 of 2 MUST verified",
        ),
        ([a_check(outcome=Outcome.ERROR)], {}, "suite failed (wire), profile guide: 0 of 1 MUST"),
    ],
)
def test_the_verdict_is_one_line(records, options, line):
    assert summary.headline(concluded(*records, **options)).startswith(line)


def test_a_verdict_over_much_that_is_violated_names_the_first_and_counts_the_rest():
    names = [clause.id for clause in CONTRACT.clauses() if clause.level is Level.MUST][:20]
    said = summary.headline(concluded(*(a_check(name, FAILED) for name in names)))
    assert said.endswith(f"0 of 20 MUST verified, violates {', '.join(names[:8])} and 12 more")


def test_a_verdict_names_the_hardening_that_decided_it():
    (name, *_) = [c.id for c in CONTRACT.clauses() if c.level is Level.HARDENING]
    records = [a_check(), a_check(name, FAILED)]
    assert "violates" not in summary.headline(concluded(*records))
    assert summary.headline(concluded(*records, hardened=True)).endswith(f", violates {name}")


def test_conforms_alone_is_said_of_those_who_offer_everything():
    for scope in ("wire", "effects", "states"):
        assert summary.headline(concluded(a_check(), scope=scope)).startswith(f"conforms ({scope})")


def test_who_was_hardly_built_by_the_guide_is_told_of_the_other_profile():
    own = ["ack-003", "eff-002", "env-002", "sig-011"]
    hint = "start    with the profile: ack-003, eff-002, env-002, sig-011 are the"
    shared = a_check("idm-001", FAILED)
    told = concluded(*(a_check(name, FAILED) for name in own), shared)
    assert any(line.startswith(hint) for line in summary.lines(told, CONTRACT))
    built = concluded(*(a_check(name, FAILED) for name in own[1:]), shared)
    assert not any("the profile" in line for line in summary.lines(built, CONTRACT))


def test_a_verdict_of_some_of_the_contract_says_of_which():
    run = concluded(a_check(), selection="-m sig-001")
    assert summary.headline(run).startswith("conforms (wire), profile guide, only -m sig-001: 1 of")


# Whether there is TLS is told by the target's URL: nobody withholds it.
@pytest.mark.parametrize("withheld", sorted({*CAPABILITIES} - {"tls"}))
def test_what_is_not_offered_is_named_and_keeps_the_scope_in_the_verdict(withheld):
    offered = tuple(name for name in CAPABILITIES if name not in {withheld, "tls"})
    run = concluded(a_check(), scope="crash", capabilities=offered)
    assert summary.headline(run).startswith("conforms (crash), ")
    scope = next(summary.lines(run, CONTRACT))
    assert scope.startswith("scope    crash: states and killing the process")
    assert scope.endswith(f"; without {withheld}")


def test_a_state_that_is_not_known_is_named_as_well():
    offered = tuple(name for name in CAPABILITIES if name != "tls")
    unknown = [
        a_check(
            "dur-005", Outcome.NOT_APPLICABLE, reason="state-unknown", needs_states=True, node="a"
        ),
        # A control that could be tried proves nothing without its negative.
        a_check("dur-005", needs_states=True, node="b"),
    ]
    run = concluded(
        *(a_check(), *unknown, a_check("idm-009", Outcome.NOT_APPLICABLE, reason="not-handled")),
        scope="crash",
        capabilities=offered,
        unknown_states=("processing fails",),
    )
    text = "\n".join(summary.lines(run, CONTRACT))
    assert summary.headline(run).startswith("conforms (crash), ")
    assert "; without the state 'processing fails'\n" in text
    assert "outside  1 MUST need more than this target offers: dur-005\n" in text


def test_whoever_knows_some_states_is_verified_where_others_are_who_offer_none():
    ten_minutes = {"node": "after ten minutes", "needs_states": True}
    unknown = a_check("idm-007", Outcome.NOT_APPLICABLE, reason="state-unknown", **ten_minutes)
    withheld = a_check("idm-007", Outcome.OUTSIDE_SCOPE, **ten_minutes)
    for later in (unknown, withheld):
        run = concluded(a_check("idm-007", node="after forty others"), later)
        assert run.outcome("idm-007") is Outcome.PASS
        assert not run.is_outside("idm-007")


def test_what_the_scope_hides_is_named():
    run = concluded(a_check(), a_check("idm-001", Outcome.OUTSIDE_SCOPE))
    text = "\n".join(summary.lines(run, CONTRACT))
    assert "1 MUST need more than this target offers: idm-001" in text
    assert "scope    wire: URL and secret only; without probe, states, process" in text


@pytest.mark.parametrize(
    ("checks", "attempts", "told"),
    [(1, 0, "1 check, 0 attempts"), (1, 1, "1 check, 1 attempt"), (2, 2, "2 checks, 2 attempts")],
)
def test_an_ordinary_run_is_three_lines(checks, attempts, told):
    run = concluded(*[a_check()] * checks, seconds=1.26, attempts=attempts)
    scope, *others = summary.lines(run, CONTRACT)
    assert scope.startswith("scope    wire")
    assert others == [
        f"run      {told} in 1.3 s, seed 41",
        f"verdict  {summary.headline(run)}",
    ]


def test_what_is_known_to_be_violated_is_listed():
    entry = Known("sig-002", "status-202", "https://tracker.example/7", NOON.date())
    run = a_run(a_check(), a_check("sig-002", FAILED))
    run.conclude(KnownViolations((entry,), today=NOON.date()))
    assert "known    sig-002" in list(summary.lines(run, CONTRACT))


def test_what_is_open_is_named():
    run = concluded(a_check(), a_check("sig-002", Outcome.INCONCLUSIVE))
    assert "open     not verified: sig-002" in "\n".join(summary.lines(run, CONTRACT))


@pytest.mark.parametrize(
    ("interrupted", "opened"), [(False, "sig-002, sig-003, sig-004"), (True, "sig-003, sig-004")]
)
def test_what_was_not_begun_is_open_only_of_a_run_that_came_to_its_end(interrupted, opened):
    unrun = {"outcome": Outcome.NOT_VERIFIED, "reason": NOT_RUN, "ran": False}
    run = concluded(
        *(a_check("sig-002"), a_check("sig-002", title="Another", **unrun)),
        a_check("sig-003", Outcome.INCONCLUSIVE),
        # One of them was begun, and could not tell.
        *(a_check("sig-004", Outcome.BLOCKED), a_check("sig-004", title="Another", **unrun)),
        interrupted=interrupted,
    )
    lines = list(summary.lines(run, CONTRACT))
    assert f"open     not verified: {opened}" in lines
    assert ("not run  2 of 5 checks: the run was interrupted" in lines) is interrupted


def test_an_interrupted_run_has_not_come_to_what_it_died_of():
    run = a_run(a_check("sig-001"), interrupted=True)
    run.deaths = [Death((Check("sig-001", "test_x"),))]
    run.conclude(KnownViolations((), today=NOON.date()))
    assert "of what no clause explains" not in summary.headline(run)
    told = "not run  the search for what it has died of: the run was interrupted"
    assert told in list(summary.lines(run, CONTRACT))


def test_a_target_that_could_not_be_judged_is_not_judged():
    run = a_run(setup_problem=SetupError("it is a teapot", hint="use a kettle"))
    run.conclude(KnownViolations((), today=NOON.date()))
    assert summary.headline(run) == "not judged: it is a teapot; use a kettle"
    assert run.exit_code == 3


@pytest.mark.parametrize(("outcome", "said"), [(FAILED, True), (Outcome.PASS, False)])
def test_who_refuses_honest_bytes_is_told_where_to_start(outcome, said):
    honest = a_check("sig-010", outcome, expected="an acknowledgement (2xx)", reason="status-401")
    run = concluded(honest, a_check("sig-001", FAILED))
    assert ("start    with sig-010" in "\n".join(summary.lines(run, CONTRACT))) is said


@pytest.mark.parametrize(("outcome", "said"), [(FAILED, True), (Outcome.PASS, False)])
def test_who_verifies_nothing_is_not_taken_for_somebody_who_refuses_honest_bytes(outcome, said):
    forged = [
        a_check(clause, outcome, expected="a refusal (4xx)", reason="status-200")
        for clause in ("sig-003", "sig-010")
    ]
    said_of_it = "\n".join(summary.lines(concluded(*forged), CONTRACT))
    assert ("start    with sig-003: who verifies nothing" in said_of_it) is said
    assert "start    with sig-010" not in said_of_it


def test_who_takes_what_is_not_signed_at_all_may_verify_the_rest():
    unsigned = a_check("sig-001", FAILED, expected="a refusal (4xx)", reason="status-200")
    said_of_it = "\n".join(summary.lines(concluded(unsigned), CONTRACT))
    assert "verifies nothing" not in said_of_it


def test_a_receiver_that_died_is_told_of_once_and_blamed_on_no_clause():
    died = a_check("idm-007", FAILED, reason="receiver-died", sentence="it is gone")
    after = a_check("sig-001", Outcome.NOT_VERIFIED, reason="receiver-died", sentence="it is gone")
    run = concluded(died, after)
    run.deaths = [Death((Check("idm-007", "test_x"), Check("ord-001", "test_y")), ("goodbye",))]
    said = "\n".join(summary.lines(run, CONTRACT))
    assert "died     once, in idm-007: look at that first; what came after it is not v" in said
    assert "it said   goodbye" in said
    letter = letters.letter(died, CONTRACT.clause("idm-007"), run)
    assert "fix       find out why its process ended" in letter
    assert CONTRACT.clause("idm-007").fix not in letter


def test_a_death_that_no_check_explains_is_beside_all_that_were_with_it():
    run = a_run(a_check("sig-001"), a_check("tol-008"))
    run.deaths = [Death((Check("sig-001", "test_x"), Check("tol-008", "test_y")))]
    run.conclude(KnownViolations((), today=NOON.date()))
    said = "\n".join(summary.lines(run, CONTRACT))
    assert "died     once, in, or soon after, one of sig-001, tol-008: look at that first" in said
    assert "; -m with each of them tells which it is, and so does --start" in said
    # Whoever dies and nobody knows of what does not conform.
    assert run.exit_code is Exit.NOT_VERIFIED
    assert said.endswith(
        "verdict  not verified (wire), profile guide: 1 of 1 MUST verified, "
        "and it died of what no clause explains"
    )


@pytest.mark.parametrize(
    ("suspects", "capabilities", "told"),
    [
        (("sig-001", "tol-008"), (), True),
        # Whoever can be started again has been, to see of which.
        (("sig-001", "tol-008"), ("process",), False),
        (("sig-001",), (), False),
    ],
)
def test_how_to_tell_suspects_apart_is_told_where_there_are_several(suspects, capabilities, told):
    run = a_run(*map(a_check, suspects), capabilities=capabilities)
    run.deaths = [Death(tuple(Check(clause, clause) for clause in suspects))]
    (line,) = deaths.told(run)
    assert ("-m with each of them tells which it is" in line) is told
    assert "what came after it is not verified" not in line


def test_of_several_deaths_the_last_one_speaks():
    run = a_run(a_check("sig-001", FAILED, reason="receiver-died"))
    suspects = (Check("sig-001", "test_x"),)
    run.deaths = [Death(suspects, ("first",), "by SIGHUP"), Death(suspects, ("last",), "with 7")]
    said = list(deaths.told(run))
    # A check that saw it die says so itself.
    assert said[0] == "died     2 times, in sig-001: look at that first"
    assert said[1:] == ["         it ended  with 7", "         it said   last"]


def test_how_its_process_ended_is_told():
    run = a_run(a_check("sig-001"))
    run.deaths = [Death((Check("sig-001", "test_x"),), ending="by SIGKILL")]
    run.conclude(KnownViolations((), today=NOON.date()))
    said = "\n".join(summary.lines(run, CONTRACT))
    assert "died     once, in, or soon after, sig-001: look at that first" in said
    assert "it ended  by SIGKILL" in said
    assert report(run, CONTRACT)["deaths"][0]["ending"] == "by SIGKILL"


def test_a_death_just_like_one_that_is_explained_is_explained():
    run = a_run(a_check("tol-008", FAILED, reason="receiver-died"), a_check("sig-001"))
    run.deaths = [
        Death((Check("tol-008", "test_x"),), ("stack overflow at 12:01",)),
        Death((Check("sig-001", "test_y"),), ("stack overflow at 12:02",)),
    ]
    run.conclude(KnownViolations((), today=NOON.date()))
    assert "died     2 times, in tol-008: look" in "\n".join(summary.lines(run, CONTRACT))
    assert run.exit_code is Exit.CONFORMS


@pytest.mark.parametrize(
    ("reason", "handled", "said"),
    [
        ("effect-missing", None, True),
        ("effect-repeated", None, False),
        ("effect-missing", ("BOOKING_CREATED", "BOOKING_PAID"), False),
    ],
)
def test_whoever_declared_no_triggers_is_told_which_had_no_effect(reason, handled, said):
    missing = a_check("evt-011", FAILED, "A handled BOOKING_PAID has its effect", reason=reason)
    kept = a_check("evt-011", Outcome.PASS, "A handled BOOKING_CREATED has its effect")
    run = concluded(missing, kept, profile="calcom", handled=handled)
    text = "\n".join(summary.lines(run, CONTRACT))
    assert ("no effect of BOOKING_PAID was seen; " in text) is said


def test_who_acts_on_no_booking_at_all_is_told_to_look_at_what_is_shown():
    missing = [
        a_check("evt-011", FAILED, f"A handled {trigger} has its effect", reason="effect-missing")
        for trigger in ("BOOKING_CREATED", "BOOKING_PAID")
    ]
    text = "\n".join(summary.lines(concluded(*missing, profile="calcom"), CONTRACT))
    assert "start    with the probe: BOOKING_CREATED was acknowledged and had no effect" in text
    assert "what it is to handle" not in text


@pytest.mark.parametrize(
    ("capabilities", "said"),
    [
        ((), "wire: URL and secret only; without probe, states, process, secrets, rotation, log"),
        (("tls",), "wire: URL and secret only; without probe"),
        (
            ("process", "secrets", "log"),
            "wire: URL and secret, with process, secrets, log; without",
        ),
        (("probe", "log"), "effects: the wire and a probe, with log; without states, process"),
        (("probe", "states", "process"), "crash: states and killing the process; without secrets"),
    ],
)
def test_the_scope_names_whatever_was_given(capabilities, said):
    run = concluded(
        a_check(), scope=verdicts.scope_of(capabilities), capabilities=sorted(capabilities)
    )
    assert f"scope    {said}" in "\n".join(summary.lines(run, CONTRACT))
