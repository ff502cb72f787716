"""A contract that breaks one of its house rules cannot be run."""

from __future__ import annotations

import pytest

from calcontract import catalogue
from calcontract.errors import CatalogueError, Exit, UsageError
from calcontract.verdicts import Level
from tests.unit.calcontract.makers import CONTRACT

RULE = """
  @{id} @{level} {profiles}
  Rule: {text}

    Source: {source}
    Why: {why}
    Fix: {fix}
{checks}
"""

CHECK = """
    {tags}
    Example: {title}
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
"""


def a_check(title="An ordinary delivery goes through", tags=""):
    return CHECK.format(title=title, tags=tags)


def a_rule(**overrides):
    values = {
        "id": "abc-001",
        "level": "must",
        "profiles": "@guide @calcom",
        "text": "A receiver MUST listen.",
        "source": 'guide, "A section"',
        "why": "it is deaf otherwise.",
        "fix": "listen.",
        "checks": a_check(),
    }
    return RULE.format(**{**values, **overrides})


def a_feature(*rules, tag="@abc"):
    return f"{tag}\nFeature: A chapter\n\n  What it is about.\n{''.join(rules or [a_rule()])}"


@pytest.fixture
def load(tmp_path):
    def read(*texts):
        for number, text in enumerate(texts):
            (tmp_path / f"{number:02d}_abc.feature").write_text(text, encoding="utf-8")
        return catalogue.load(tmp_path)

    return read


def test_a_contract_is_read(load):
    contract = load(a_feature(a_rule(checks=a_check("One", "@needs-probe @slow") + a_check("Two"))))
    (clause,) = contract.clauses()
    assert (clause.id, clause.level, clause.chapter) == ("abc-001", Level.MUST, "abc")
    assert clause.profiles == {"guide", "calcom"}
    assert clause.text == "A receiver MUST listen."
    assert (clause.source, clause.why) == ('guide, "A section"', "it is deaf otherwise.")
    one, two = clause.checks
    assert (one.title, one.capabilities, one.manners) == ("One", {"probe"}, {"slow"})
    assert (two.title, two.capabilities, two.rows) == ("Two", set(), 1)


def test_notes_may_go_on_on_the_next_line(load):
    (clause,) = load(a_feature(a_rule(why="it is deaf\n      otherwise: so."))).clauses()
    assert clause.why == "it is deaf otherwise: so."


def test_a_row_of_an_outline_is_a_check(load):
    outline = """
    Scenario Outline: A <colour> delivery goes through
      Given a BOOKING_CREATED delivery
      Then the receiver acknowledges it

      Examples:
        | colour |
        | red    |
        | green  |
        | blue   |
    """
    (clause,) = load(a_feature(a_rule(checks=outline))).clauses()
    assert clause.checks[0].rows == 3


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ("", "holds no Feature"),
        ("Nothing of the kind", "not valid Gherkin"),
        (a_feature(tag=""), "exactly one tag"),
        (a_feature(tag="@abc @xyz"), "exactly one tag"),
        (a_feature(tag="@xyz"), "abc-001 stands in chapter xyz"),
        (a_feature(a_check("Homeless")), "stands under a Rule"),
        (a_feature(a_rule(id="abc-1")), "one id"),
        (a_feature(a_rule(id="abc-001 @abc-002")), "one id"),
        (a_feature(a_rule(level="must @should")), "one level"),
        (a_feature(a_rule(level="might")), "one level"),
        (a_feature(a_rule(profiles="")), "its profiles"),
        (a_feature(a_rule(profiles="@laravel")), "its profiles"),
        (a_feature(a_rule(profiles="@guide @slow")), "no other tag"),
        (a_feature(a_rule(level="should")), "tagged @should but its text says {'MUST'}"),
        (a_feature(a_rule(text="A receiver listens.")), "but its text says set()"),
        (a_feature(a_rule(text="A receiver MUST listen and SHOULD nod.")), "its text says"),
        (a_feature(a_rule(level="hardening")), "its text says"),
        (a_feature(a_rule().replace("Source: ", "From: ")), "does not say its Source"),
        (a_feature(a_rule().replace("Why: ", "Because: ")), "does not say its Why"),
        (a_feature(a_rule().replace("Fix: ", "How: ")), "does not say its Fix"),
        (a_feature(a_rule(source="")), "does not say its Source"),
        (a_feature(a_rule(checks="")), "holds no check"),
        (a_feature(a_rule(checks=a_check(tags="@needs-money"))), "unknown tag"),
        (a_feature(a_rule(checks=a_check(tags="@wip"))), "unknown tag"),
        (a_feature(a_rule(checks=a_check(tags="@must"))), "unknown tag"),
        # A capability is needed, never merely named.
        (a_feature(a_rule(checks=a_check(tags="@probe"))), "unknown tag"),
        (a_feature(a_rule(), a_rule(checks=a_check("Another"))), "clause id used twice"),
        (a_feature(a_rule(checks=a_check() + a_check())), "check title used twice"),
        (a_feature(a_rule(), a_rule(id="abc-002")), "check title used twice"),
    ],
)
def test_a_broken_house_rule_is_named(load, feature, words):
    with pytest.raises(CatalogueError) as caught:
        load(feature)
    assert words in str(caught.value)
    assert caught.value.exit_code is Exit.SUITE_FAILED


def test_tags_on_a_table_of_examples_are_refused_because_they_would_be_lost(load):
    outline = """
    Scenario Outline: A <colour> delivery goes through
      Given a BOOKING_CREATED delivery

      @slow
      Examples:
        | colour |
        | red    |
    """
    with pytest.raises(CatalogueError, match="no tags on the Examples"):
        load(a_feature(a_rule(checks=outline)))


def test_an_outline_without_a_row_is_refused_because_nothing_would_be_run(load):
    outline = """
    Scenario Outline: A <colour> delivery goes through
      Given a BOOKING_CREATED delivery

      Examples:
        | colour |
    """
    with pytest.raises(CatalogueError, match="no row"):
        load(a_feature(a_rule(checks=outline)))


def test_a_title_is_unique_across_chapters(load):
    other = a_feature(a_rule(id="xyz-001"), tag="@xyz")
    with pytest.raises(CatalogueError, match="check title used twice"):
        load(a_feature(), other)


def test_a_chapter_is_told_once(load):
    with pytest.raises(CatalogueError, match="chapter used twice"):
        load(a_feature(), a_feature(a_rule(id="abc-002", checks=a_check("Another"))))


def test_a_folder_without_chapters_is_no_contract(load):
    with pytest.raises(CatalogueError, match="no feature files"):
        load()


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "01.feature").write_bytes(b"@abc\nFeature: \xff\n")
    with pytest.raises(CatalogueError, match="not valid Gherkin"):
        catalogue.load(tmp_path)


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("should", "A receiver SHOULD NOT nod."),
        ("hardening", "A receiver SHOULD survive."),
        ("may", "A receiver MAY nod."),
    ],
)
def test_the_level_is_the_word_of_the_text(load, level, text):
    (clause,) = load(a_feature(a_rule(level=level, text=text))).clauses()
    assert clause.level == level


# --- looking things up ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sig-010", "SIG-010"])
def test_a_clause_is_found_by_its_id(name):
    assert CONTRACT.clause(name).id == "sig-010"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sig-0010", "did you mean 'sig-010'?"),
        ("zzz", "calcontract clauses"),
        ("sig", "a chapter and no clause; list it with `calcontract clauses --chapter sig`"),
    ],
)
def test_an_unknown_clause_is_named_with_its_nearest(name, hint):
    with pytest.raises(UsageError) as caught:
        CONTRACT.clause(name)
    assert repr(name) in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "select",
    ["", "sig-010", "sig or ack", "not slow and (must or should)", "needs-probe", "calcom and evt"],
)
def test_a_selection_by_words_of_the_contract_is_taken(select):
    assert CONTRACT.selection(select) == select


@pytest.mark.parametrize(
    ("given", "expression"),
    [
        (["MUST"], "must"),
        (["SIG-010 OR Ack"], "sig-010 or ack"),
        (["not True"], "not True"),
        ([], ""),
        (["sig", "idm and MUST"], "(sig) or (idm and must)"),
        (["", "sig"], "sig"),
        (["(sig\n  or (ack))"], "(sig or (ack))"),
    ],
)
def test_a_selection_may_be_given_in_any_case_and_in_several_parts(given, expression):
    assert CONTRACT.selection(*given) == expression


@pytest.mark.parametrize(
    ("select", "words"),
    [
        ("sig-999", "'sig-999'; did you mean 'sig-0"),
        ("sig or akc", "'akc'; did you mean 'ack'?"),
        ("must and skow", "'skow'; did you mean 'slow'?"),
        ("SIG-01", "'SIG-01'; did you mean 'sig-001'?"),
        ("sig-01", "'sig-01'; did you mean 'sig-001'?"),
        ("idm_3", "'idm_3'; did you mean 'idm-003'?"),
        ("net10", "'net10'; did you mean 'net-010'?"),
        ("qqqqqq", "list them with `calcontract clauses`"),
        ("sig and (", "the words of 'sig and (' are not joined to one selection"),
        ("sig or", "are not joined"),
        ("sig ack", "are not joined"),
        ("sig (ack)", "are not joined"),
        ("sig and ()", "are not joined"),
        ("not", "are not joined"),
        (" ", "are not joined"),
        ("(" * 5000, "are not joined"),
        ("sig,ack", "',' joins no clauses, chapters or levels; write 'sig or ack'"),
    ],
)
def test_a_selection_by_another_word_is_refused(select, words):
    with pytest.raises(UsageError) as caught:
        CONTRACT.selection(select)
    assert words in str(caught.value)


def test_every_tag_of_the_contract_is_a_marker():
    markers = dict(CONTRACT.markers())
    tags = {"must", "should", "may", "hardening", "guide", "calcom", "slow", "disruptive", "last"}
    tags |= {"race", "alone"}
    tags |= {f"needs-{capability}" for capability in catalogue.CAPABILITIES}
    tags |= {chapter.name for chapter in CONTRACT.chapters}
    tags |= {clause.id for clause in CONTRACT.clauses()}
    assert set(markers) == tags
    assert all(markers.values())
