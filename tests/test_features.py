"""The contract as text: how it is written, and that every sentence of it is bound to one step."""

from __future__ import annotations

import importlib
import itertools
import re

import pytest
from pytest_bdd.parser import FeatureParser
from pytest_bdd.steps import step_function_context_registry
from typer.testing import CliRunner

from calcontract import catalogue, cli, steps
from calcontract.catalogue import CAPABILITIES, MANNERS, PROFILES
from calcontract.resources import room
from calcontract.verdicts import Level

CONTRACT = catalogue.load()
CLAUSES = {clause.id: clause for clause in CONTRACT.clauses()}
FEATURES = [
    FeatureParser(str(path.parent), path.name).parse()
    for path in sorted(room("features").glob("*.feature"))
]
TEMPLATES = [template for feature in FEATURES for template in feature.scenarios.values()]

#: Then-sentences that a receiver fails which refuses everything, or takes it and does nothing.
GOES_THROUGH = re.compile(
    r"the receiver acknowledges (it|each of them)"
    r"|the answer is 202 with .*"
    r"|.+ (has|have) its effect once|everybody who sits there has had an effect"
    r"|.+ has its effect once, as the guide asks"
    r"|.+ (has|have) taken effect"
    r"|.+ has its effect meanwhile"
    r"|there is one appointment"
    r"|the booking is (live once at the time of \".+\"|cancelled|rejected)"
    r"|each of its events had its effect once"
    r"|each booking is (live once (at the time of \".+\"|while somebody sits in it)|cancelled)"
    r"|each slot (is live once while somebody sits in it|lists those who sit in it), and .*"
    r"|the second of them is over and each of the others is live"
    r"|our appointment is confirmed .*"
    r"|its appointment carries that booking id"
    r"|the cancellation's reason is .*"
    r"|the receiver keeps one record of it"
    r"|each that was acknowledged has its effect once"
    r"|the new secret alone counts|the old secret and the new one count"
    r"|the new secret counts with its line feed or without"
    r"|the log (names|has|speaks|tells) .*"
    r"|the receiver acknowledges it or (asks for its length|declines to be asked)"
    r"|each of them is answered as it is signed|each of the burst has got through"
)

#: Then-sentences that say how fast, or with which words, something goes through.
GOES_THROUGH_SO = re.compile(
    r"the receiver acknowledges it (within the budget|before the processing is over)"
)

#: Then-sentences that a receiver fails which takes everything and acts on it.
HOLDS_BACK = re.compile(
    r"the receiver refuses it( within the budget)?"
    r"|the receiver answers (without failing|as it answers a wrong signature)"
    r"|the answer is (not )?[345]\d\d( with .*)?"
    r"|the answer is no redirect"
    r"|the answer says .*"
    r"|the answer gives away neither .*"
    r"|no booking has two appointments|there is one appointment at the most"
    r"|it has no effect|nothing changes at all|no appointment is made"
    r"|nobody is told of it again|as many notices tell of each of them"
    r"|(the|each) booking is not (live|confirmed)"
    r"|each slot is live once while somebody sits in it, and then no more"
    r"|the appointment stands as it stood before the redelivery"
    r"|the other booking is untouched|our appointment still waits"
    r"|the redelivery changed nothing at all"
    r"|no booking of this run has had more effects than .*"
    r"|the receiver has taken none of them|such a booking is made in silence"
    r"|the log (of the whole run )?(gives away neither|does not show|holds nothing) .*"
    r"|no line of the log begins with these words"
    r"|the time it takes to refuse it does not tell .*"
    r"|the receiver gets over it within the budget|the receiver turns it away or hangs up"
    r"|the receiver does not acknowledge it( without acting on it| where its own .*)?"
    r"|the receiver gives the strangers up .*"
    r"|the answer (shows nothing of|does not show|is word for word|tells no|sets no) .*"
    r"|its appointment (shows nothing that was evaluated|carries that title)"
    r"|nobody asks for our address|none of them is throttled|no request of a stranger has failed"
    r"|the receiver's certificate can be trusted|each 429 says when to come again"
    r"|nothing that was throttled has had an effect"
    r"|the answer is no page for people|it has one effect at the most"
    r"|it has no effect, or it is live once at the time of .*"
    r"|the next try comes after .*|the receiver has given it up .*|nobody is told of it"
)

#: Clauses about what a receiver has to do: doing it is the control and doing it wrongly the
#: violation, because what goes through is compared with what was sent.
COMPARED = re.compile(
    r".+ has its effect once|there is one appointment|(the|each) booking is .*"
    r"|its appointment carries .*"
    r"|the receiver keeps one record of it|the cancellation's reason is .*|our appointment .*"
    r"|each that was acknowledged has its effect once|.+ has its effect meanwhile"
    r"|the second of them is over and each of the others is live"
    r"|each of its events had its effect once"
    r"|the receiver acknowledges (it|each of them)( (within|before) .*)?"
    r"|the answer is 202 with .*"
)


def scenarios():
    """Every example and every row of every outline, with the steps as they are run."""
    for template in TEMPLATES:
        rows = [row for table in template.examples for row in table.as_contexts()] or [{}]
        for row in rows:
            yield template, template.render(row)


SCENARIOS = list(scenarios())


def clause_of(template):
    return next(tag for tag in template.rule.tags if tag in CLAUSES)


def thens(scenario):
    return [step.name for step in scenario.steps if step.type == "then"]


def bindings():
    """Every step function with its kind and its parser, as pytest-bdd has registered it."""
    modules = {importlib.import_module(name) for name in steps.MODULES}
    return [
        context
        for context in step_function_context_registry.values()
        if any(context.step_func.__module__ == module.__name__ for module in modules)
    ]


BINDINGS = bindings()


def bound(step):
    return [
        context
        for context in BINDINGS
        if context.type in {None, step.type} and context.parser.is_matching(step.name)
    ]


# --- how it is written ----------------------------------------------------------------------------


def test_the_contract_holds_at_least_ninety_clauses():
    assert len(CLAUSES) >= 90


def test_pytest_bdd_sees_every_check_that_the_catalogue_counts():
    # It keeps scenarios by title and drops the first of two that share one.
    checks = [check for clause in CLAUSES.values() for check in clause.checks]
    assert {template.name for template in TEMPLATES} == {check.title for check in checks}
    assert len(SCENARIOS) == sum(check.rows for check in checks)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_title_says_what_happens(template):
    forbidden = r"\b(should|must|may|shall|tests?|tested|verif(y|ies|ied)|checks?|checked)\b"
    assert not re.search(forbidden, template.name, re.IGNORECASE)
    assert not template.name.endswith(".")
    # The first word may be a parameter.
    assert template.name[0].isupper() or template.name[0] == "<"


def test_no_two_checks_are_called_alike_even_when_their_rows_are_filled_in():
    names = [scenario.name for _, scenario in SCENARIOS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_check_is_short_and_comes_in_order(template):
    kinds = [step.type for step in template.steps]
    assert len(kinds) <= 8
    assert kinds[0] == "given"
    assert kinds == sorted(kinds, key=["given", "when", "then"].index)
    assert "then" in kinds


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_chapter_says_what_it_is_about_in_a_sentence(feature):
    assert len(feature.description.strip()) > 20
    assert feature.background is None


@pytest.mark.parametrize("clause", list(CLAUSES.values()), ids=list(CLAUSES))
def test_a_clause_is_one_sentence_about_a_receiver(clause):
    assert clause.text.startswith("A receiver ")
    assert clause.text.endswith(".")
    assert ". " not in clause.text


@pytest.mark.parametrize("clause", list(CLAUSES.values()), ids=list(CLAUSES))
def test_a_clause_has_a_source_a_why_and_a_fix_worth_reading(clause):
    assert re.search(r"guide|Cal\.com|RFC", clause.source)
    for note in (clause.why, clause.fix):
        assert len(note) > 15
        assert note.endswith(".")


@pytest.mark.parametrize("clause", list(CLAUSES.values()), ids=list(CLAUSES))
def test_a_clause_carries_the_tags_of_its_kind(clause):
    assert clause.id.startswith(f"{clause.chapter}-")
    assert clause.level in tuple(Level)
    assert clause.profiles <= set(PROFILES)
    assert clause.profiles
    for check in clause.checks:
        assert check.capabilities <= set(CAPABILITIES)
        assert check.manners <= set(MANNERS)
        # What is prepared inside the receiver is of no use unseen.
        if check.capabilities & {"states", "process"}:
            assert "probe" in check.capabilities, check.title


@pytest.mark.parametrize("chapter", CONTRACT.chapters, ids=lambda chapter: chapter.name)
def test_ids_of_a_chapter_go_up(chapter):
    ids = [clause.id for clause in chapter.clauses]
    assert ids == sorted(ids)


# --- a control and something to fail --------------------------------------------------------------


#: What a target may offer or not, each by itself; the last one is leave to disturb it.
OFFERS = (*CAPABILITIES, "disruptive")


def groups():
    """The checks of every clause in every scope in which the clause is spoken of at all."""
    scopes = itertools.product((False, True), repeat=len(OFFERS))
    offered = [frozenset(itertools.compress(OFFERS, scope)) for scope in scopes]
    for clause in CLAUSES.values():
        needs = {k.title: k.capabilities | (k.manners & {"disruptive"}) for k in clause.checks}
        seen = {frozenset(t for t, need in needs.items() if need <= scope) for scope in offered}
        for visible in sorted(seen - {frozenset()}, key=sorted):
            lacking = sorted(
                frozenset().union(*needs.values()) - frozenset().union(*(needs[t] for t in visible))
            )
            yield pytest.param(clause, visible, id="-".join([clause.id, *lacking]))


@pytest.mark.parametrize(("clause", "titles"), list(groups()))
def test_in_every_scope_a_clause_has_a_control_and_a_check_that_a_wrong_receiver_fails(
    clause, titles
):
    endings = [thens(scenario) for template, scenario in SCENARIOS if template.name in titles]
    said = [sentence for ending in endings for sentence in ending]
    assert any(GOES_THROUGH.fullmatch(x) or GOES_THROUGH_SO.fullmatch(x) for x in said), "control"
    if " NOT " in clause.text:
        assert any(
            HOLDS_BACK.fullmatch(x) or (COMPARED.fullmatch(x) and "acknowledges" not in x)
            for x in said
        ), "what the clause forbids cannot be seen in this scope"


#: Clauses of which a smaller scope shows one check alone, and that check can refute them there.
ONE_IS_ENOUGH = {
    "cfg-005": "what is made again under a new secret was not known",
    "env-008": "what is refused for want of a field was not coped with",
    "env-009": "what is refused for want of createdAt was not accepted",
    "evt-010": "what is refused of a sender was not handled",
    "net-004": "what is refused because its first attempt was torn was not taken",
    "thr-001": "what is never acknowledged of a burst was not taken",
    "tol-001": "what is refused for a field it does not know was not tolerated",
    "tol-002": "what is refused for its text was not taken",
}


@pytest.mark.parametrize(("clause", "titles"), list(groups()))
def test_a_clause_is_not_called_verified_by_its_control_alone(clause, titles):
    # A scope in which only the lawful twin can be seen must not show the clause at all.
    if len(titles) == 1 and len(clause.checks) > 1:
        assert ONE_IS_ENOUGH.get(clause.id)


def test_every_ending_is_known_to_hold_back_or_to_go_through():
    said = {sentence for _, scenario in SCENARIOS for sentence in thens(scenario)}
    kinds = (GOES_THROUGH, GOES_THROUGH_SO, HOLDS_BACK)
    assert [x for x in sorted(said) if not any(kind.fullmatch(x) for kind in kinds)] == []


#: What other checks change as well.
TOTALS = frozenset({"nothing changes at all", "no appointment is made"})


@pytest.mark.parametrize(("template", "scenario"), SCENARIOS, ids=[x.name for _, x in SCENARIOS])
def test_what_others_could_disturb_or_chance_decide_is_tagged_so(template, scenario):
    said = [step.name for step in scenario.steps]
    if not TOTALS.isdisjoint(said):
        assert "alone" in template.tags
    copies = any(re.search(r"\d+ times at the same instant$", sentence) for sentence in said)
    assert copies == ("race" in template.tags)


# --- steps ----------------------------------------------------------------------------------------


def test_every_sentence_is_bound_to_exactly_one_step():
    sentences = {(step.type, step.name): step for _, x in SCENARIOS for step in x.steps}
    wrong = {
        f"{kind} {name}": [context.step_func.__name__ for context in bound(step)]
        for (kind, name), step in sentences.items()
        if len({context.step_func for context in bound(step)}) != 1
    }
    assert wrong == {}


def test_no_step_is_written_for_nobody():
    used = {
        id(context)
        for step in {(s.type, s.name): s for _, x in SCENARIOS for s in x.steps}.values()
        for context in bound(step)
    }
    idle = [f"{c.type} {c.parser.name}" for c in BINDINGS if id(c) not in used]
    assert idle == []


def test_the_steps_are_few():
    # Not to be raised lightly: a new sentence is read by everybody, an old one in a table by few.
    assert len({context.step_func for context in BINDINGS}) <= 191


# --- the command that lists it --------------------------------------------------------------------


def test_the_command_lists_every_clause():
    result = CliRunner().invoke(cli.application, ["clauses"])
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.splitlines()[:-1]]
    assert listed == list(CLAUSES)
    assert result.stdout.splitlines()[-1] == f"{len(CLAUSES)} clauses, {len(SCENARIOS)} checks"


@pytest.mark.parametrize(
    "clause", [chapter.clauses[-1] for chapter in CONTRACT.chapters], ids=lambda clause: clause.id
)
def test_the_command_shows_a_clause_in_full(clause):
    result = CliRunner().invoke(cli.application, ["clauses", clause.id])
    assert result.exit_code == 0
    for part in (clause.text, clause.source, clause.why, clause.fix, clause.file):
        assert part in result.stdout
