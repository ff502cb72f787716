"""The first invariant, and what else must hold whatever the checks of a run came to."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calcontract.errors import Exit
from calcontract.verdicts import (
    ACCUSING,
    SCOPES,
    UNCOUNTED,
    UNVERIFIED,
    ClauseOutcomes,
    Conclusion,
    Level,
    Outcome,
    judge,
    scope_of,
)

outcomes = st.sampled_from(Outcome)
clauses = st.lists(
    st.builds(
        ClauseOutcomes,
        id=st.sampled_from(["sig-001", "sig-002", "ack-001", "idm-001"]),
        level=st.sampled_from(Level),
        outcomes=st.lists(outcomes, max_size=4),
    ),
    max_size=8,
)
flags = st.fixed_dictionaries({"strict": st.booleans(), "hardened": st.booleans()})

#: From the best end of a run to the worst.
EXITS = [Exit.CONFORMS, Exit.NOT_VERIFIED, Exit.VIOLATES, Exit.SUITE_FAILED]


def a_clause(*ends, level=Level.MUST, name="sig-001"):
    return ClauseOutcomes(name, level, ends)


def verdict(*judged, **options):
    return judge(judged, scope="wire", **options)


# --- the first invariant --------------------------------------------------------------------------


@given(clauses, flags)
def test_no_mix_of_outcomes_conforms_without_every_must_of_the_scope_verified(judged, options):
    found = judge(judged, scope="wire", **options)
    musts = [clause for clause in judged if clause.level is Level.MUST]
    in_scope = [clause for clause in musts if clause.outcome not in UNCOUNTED]
    if found.exit_code is Exit.CONFORMS:
        assert in_scope
        assert all(clause.outcomes for clause in in_scope)
        # Not one check of a MUST ended in anything but a pass, or was left out by its scope.
        ends = {end for clause in in_scope for end in clause.outcomes}
        assert ends <= {Outcome.PASS} | UNCOUNTED
        assert Outcome.PASS in ends
        assert found.must_verified == found.must_in_scope == len(in_scope)


@given(clauses, flags)
def test_what_conforms_holds_no_accusation_that_binds(judged, options):
    found = judge(judged, scope="wire", **options)
    binding = {Level.MUST}
    binding |= {Level.SHOULD} if options["strict"] else set()
    binding |= {Level.HARDENING} if options["hardened"] else set()
    if found.exit_code is Exit.CONFORMS:
        for clause in judged:
            assert Outcome.ERROR not in clause.outcomes
            assert clause.level not in binding or not ACCUSING & set(clause.outcomes)


@pytest.mark.parametrize("nothing", [(), (a_clause(),), (a_clause(Outcome.OUTSIDE_SCOPE),)])
def test_a_run_in_which_nothing_ran_is_not_verified(nothing):
    assert verdict(*nothing).exit_code is Exit.NOT_VERIFIED


@pytest.mark.parametrize("level", [Level.SHOULD, Level.MAY, Level.HARDENING])
def test_a_run_without_a_must_is_not_verified(level):
    assert verdict(a_clause(Outcome.PASS, level=level)).exit_code is Exit.NOT_VERIFIED


@pytest.mark.parametrize("end", sorted(UNVERIFIED))
def test_one_must_that_could_not_be_verified_is_enough(end):
    found = verdict(a_clause(Outcome.PASS), a_clause(Outcome.PASS, end, name="sig-002"))
    assert (found.conclusion, found.exit_code) == (Conclusion.NOT_VERIFIED, Exit.NOT_VERIFIED)


def test_a_must_that_is_known_to_be_violated_is_not_a_verified_one():
    assert verdict(a_clause(Outcome.KNOWN)).exit_code is Exit.NOT_VERIFIED
    found = verdict(a_clause(Outcome.PASS), a_clause(Outcome.PASS, Outcome.KNOWN, name="sig-002"))
    assert found.exit_code is Exit.CONFORMS
    assert (found.must_verified, found.must_in_scope) == (1, 1)


# --- it only gets worse ---------------------------------------------------------------------------


@given(clauses, flags, st.data())
def test_making_an_outcome_worse_never_makes_the_end_better(judged, options, data):
    # What was left out of the count gains a place in it when it is run, which may well be better.
    places = [
        (row, column)
        for row, clause in enumerate(judged)
        for column, end in enumerate(clause.outcomes)
        if end not in UNCOUNTED
    ]
    assume(places)
    row, column = data.draw(st.sampled_from(places))
    old = judged[row].outcomes[column]
    new = data.draw(
        st.sampled_from(
            [end for end in Outcome if end.badness >= old.badness and end not in UNCOUNTED]
        )
    )
    ends = [*judged[row].outcomes[:column], new, *judged[row].outcomes[column + 1 :]]
    worse = [*judged[:row], ClauseOutcomes(judged[row].id, judged[row].level, ends)]
    worse += judged[row + 1 :]
    before, after = (judge(x, scope="wire", **options).exit_code for x in (judged, worse))
    assert EXITS.index(after) >= EXITS.index(before)


@given(clauses, flags, st.sampled_from(Level), outcomes)
def test_one_more_check_never_turns_a_violation_into_anything_better(judged, options, level, end):
    found = judge(judged, scope="wire", **options).exit_code
    assume(found in {Exit.VIOLATES, Exit.SUITE_FAILED})
    more = [*judged, ClauseOutcomes("new-001", level, [end])]
    assert EXITS.index(judge(more, scope="wire", **options).exit_code) >= EXITS.index(found)


@given(clauses, flags, st.sampled_from(Level), outcomes)
def test_one_more_check_never_makes_a_run_better_that_has_verified_anything(
    judged, options, level, end
):
    verified = [*judged, a_clause(Outcome.PASS, name="yes-001")]
    found = judge(verified, scope="wire", **options)
    more = judge([*verified, ClauseOutcomes("new-001", level, [end])], scope="wire", **options)
    assert EXITS.index(more.exit_code) >= EXITS.index(found.exit_code)


@given(clauses, flags, outcomes, st.data())
def test_one_more_outcome_never_makes_the_end_of_a_clause_better(judged, options, end, data):
    # What is not counted yet gains a place in the count, which may well be better than nothing.
    counted = [row for row, clause in enumerate(judged) if set(clause.outcomes) - UNCOUNTED]
    assume(counted)
    row = data.draw(st.sampled_from(counted))
    old = judged[row]
    new = ClauseOutcomes(old.id, old.level, [*old.outcomes, end])
    assert new.outcome.badness >= old.outcome.badness
    before = judge(judged, scope="wire", **options).exit_code
    after = judge([*judged[:row], new, *judged[row + 1 :]], scope="wire", **options).exit_code
    assert EXITS.index(after) >= EXITS.index(before)


@given(clauses, flags)
def test_what_ends_with_0_holds_no_must_that_is_flaky_or_open(judged, options):
    spoilt = ACCUSING | UNVERIFIED
    if any(c.level is Level.MUST and (spoilt & {c.outcome} or not c.outcomes) for c in judged):
        assert judge(judged, scope="wire", **options).exit_code is not Exit.CONFORMS


@given(clauses, flags, st.randoms())
def test_the_order_of_clauses_and_checks_says_nothing(judged, options, chance):
    shuffled = [
        ClauseOutcomes(c.id, c.level, chance.sample(c.outcomes, len(c.outcomes))) for c in judged
    ]
    chance.shuffle(shuffled)
    one, other = (judge(x, scope="wire", **options) for x in (judged, shuffled))
    assert (one.exit_code, one.must) == (other.exit_code, other.must)
    assert sorted(one.deviations) == sorted(other.deviations)


@given(clauses)
def test_to_be_strict_or_hardened_never_makes_the_end_better(judged):
    mild = judge(judged, scope="wire").exit_code
    for strict, hardened in itertools.product([False, True], repeat=2):
        firm = judge(judged, scope="wire", strict=strict, hardened=hardened).exit_code
        assert EXITS.index(firm) >= EXITS.index(mild)


@given(st.lists(outcomes, min_size=1))
def test_a_clause_takes_the_worst_outcome_of_its_checks(ends):
    assert a_clause(*ends).outcome.badness == max(end.badness for end in ends)


def test_from_best_to_worst():
    ranks = [
        *(Outcome.NOT_APPLICABLE, Outcome.OUTSIDE_SCOPE, Outcome.PASS, Outcome.KNOWN),
        *(Outcome.INCONCLUSIVE, Outcome.BLOCKED, Outcome.NOT_VERIFIED),
        *(Outcome.FLAKY, Outcome.FAIL, Outcome.ERROR),
    ]
    assert sorted(Outcome, key=lambda outcome: outcome.badness) == ranks


def test_a_clause_of_which_nothing_was_run_is_not_verified():
    assert a_clause().outcome is Outcome.NOT_VERIFIED


def test_what_fails_at_times_violates_as_what_always_fails_does():
    found = verdict(a_clause(Outcome.PASS), a_clause(Outcome.PASS, Outcome.FLAKY, name="sig-002"))
    assert (found.conclusion, found.exit_code) == (Conclusion.VIOLATES, Exit.VIOLATES)
    assert found.must == {Outcome.PASS: 1, Outcome.FLAKY: 1}


# --- levels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", sorted(ACCUSING))
@pytest.mark.parametrize(
    ("level", "options", "code"),
    [
        (Level.MUST, {}, Exit.VIOLATES),
        (Level.SHOULD, {}, Exit.CONFORMS),
        (Level.SHOULD, {"strict": True}, Exit.VIOLATES),
        (Level.SHOULD, {"hardened": True}, Exit.CONFORMS),
        (Level.HARDENING, {}, Exit.CONFORMS),
        (Level.HARDENING, {"hardened": True}, Exit.VIOLATES),
        (Level.HARDENING, {"strict": True}, Exit.CONFORMS),
        (Level.MAY, {"strict": True, "hardened": True}, Exit.CONFORMS),
    ],
)
def test_what_fails_matters_as_its_level_asks(level, options, code, end):
    found = verdict(a_clause(Outcome.PASS), a_clause(end, level=level, name="x"), **options)
    assert found.exit_code is code
    assert found.deviations == (("x",) if level is Level.SHOULD else ())


@pytest.mark.parametrize("level", [Level.SHOULD, Level.MAY, Level.HARDENING])
@pytest.mark.parametrize("end", sorted(UNVERIFIED))
def test_only_a_must_has_to_be_verified(level, end):
    assert verdict(a_clause(Outcome.PASS), a_clause(end, level=level)).exit_code is Exit.CONFORMS


@pytest.mark.parametrize("level", list(Level))
def test_a_fault_of_the_suite_counts_at_every_level(level):
    found = verdict(
        a_clause(Outcome.PASS), a_clause(Outcome.FAIL), a_clause(Outcome.ERROR, level=level)
    )
    assert (found.conclusion, found.exit_code) == (Conclusion.SUITE_FAILED, Exit.SUITE_FAILED)


def test_musts_are_counted_in_and_out_of_scope():
    found = verdict(
        a_clause(Outcome.PASS),
        a_clause(Outcome.PASS, Outcome.OUTSIDE_SCOPE),
        a_clause(Outcome.OUTSIDE_SCOPE),
        a_clause(Outcome.NOT_APPLICABLE),
        a_clause(Outcome.BLOCKED),
    )
    assert (found.must_verified, found.must_in_scope) == (2, 3)


# --- scope ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capabilities", "scope"),
    [
        ((), "wire"),
        (("states",), "wire"),
        (("process",), "wire"),
        (("states", "process"), "wire"),
        (("probe",), "effects"),
        (("probe", "process"), "effects"),
        (("probe", "states"), "states"),
        (("probe", "states", "process"), "crash"),
    ],
)
def test_a_scope_is_named_after_what_can_be_seen(capabilities, scope):
    assert scope_of(capabilities) == scope
    assert scope in SCOPES


@given(clauses, st.sampled_from(list(SCOPES)))
def test_a_verdict_names_its_scope(judged, scope):
    assert judge(judged, scope=scope).scope == scope
