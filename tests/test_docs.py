"""The generated pages say what the contract and the gallery say, and nothing is forgotten."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from calcontract import catalogue, sources
from calcontract.errors import CatalogueError
from calcontract.report import contract as contract_page
from calcontract.resources import room
from calcontract.sources import Entry, Sources
from tests.unit.calcontract.stand import Stand, rightly_signed

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "mutants"))

import gallery  # noqa: E402 - found beside the mutants
import matrix  # noqa: E402 - found beside the mutants

CONTRACT = catalogue.load()
SOURCES = sources.load()

#: How many ways to go wrong there are, by the letter of their kind.
WAYS = {"A": 18, "B": 22, "C": 14, "D": 19, "E": 16, "F": 9, "G": 7, "H": 5}

#: How many sections each source has, its points included.
SECTIONS = {"guide": 56, "calcom": 55}


def test_the_page_of_the_contract_is_fresh():
    page = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    assert page == contract_page.page(CONTRACT, SOURCES), "run make docs"


def test_the_kill_matrix_is_fresh():
    page = (ROOT / "docs" / "kill-matrix.md").read_text(encoding="utf-8")
    assert page == matrix.page(gallery.load(), CONTRACT, matrix.independent()), "run make docs"


def test_the_mistakes_of_independent_receivers_stand_beside_the_mutants():
    class Fault:
        receiver, name, says = "lua", "forgets", "Forgets | everything."

        def broken_in(self, profile):
            return frozenset({"idm-001"} if profile == "guide" else {"idm-001", "idm-012"})

    page = matrix.page({}, CONTRACT, [Fault()])
    assert "| idm-001 | must | lua: forgets | lua: forgets |" in page
    assert (
        "| lua | forgets | Forgets \\| everything. | guide: idm-001; calcom: idm-001, idm-012 |"
        in page
    )
    assert "independent" not in matrix.page({}, CONTRACT)


def test_every_clause_stands_on_both_pages():
    pages = [(ROOT / "docs" / name).read_text() for name in ("contract.md", "kill-matrix.md")]
    for clause in CONTRACT.clauses():
        assert all(clause.id in page for page in pages), clause.id


def test_every_section_and_every_way_to_go_wrong_names_its_clauses_or_says_why_not():
    SOURCES.require(CONTRACT)


@pytest.mark.parametrize(("source", "count"), SECTIONS.items())
def test_every_section_of_a_source_is_there_once(source, count):
    names = [entry.name for entry in getattr(SOURCES, source)]
    assert len(names) == len(set(names)) == count


def test_every_way_to_go_wrong_is_there_once():
    expected = [f"{kind}{number}" for kind, count in WAYS.items() for number in range(1, count + 1)]
    assert [entry.name for entry in SOURCES.failures] == expected
    assert sum(WAYS.values()) == 110


def test_every_clause_comes_from_some_section_or_guards_against_some_failure():
    covered = {name for entry in SOURCES.entries() for name in entry.clauses}
    assert {clause.id for clause in CONTRACT.clauses()} - covered == set()


@pytest.mark.parametrize("entry", list(SOURCES.entries()), ids=lambda entry: entry.name)
def test_an_entry_is_written_as_sentences(entry):
    for text in (entry.text, entry.remark):
        assert not text or (text[0].isupper() or text[0] == "`")
        assert not text or text.endswith(".")
    assert len(set(entry.clauses)) == len(entry.clauses)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry("Overview", "", ("sig-999",), ""), "names sig-999"),
        (Entry("Overview", "", (), ""), "does not say why"),
    ],
)
def test_an_entry_that_leads_nowhere_is_refused(entry, words):
    with pytest.raises(CatalogueError, match=words):
        Sources((entry,), (), ()).require(CONTRACT)


def test_a_file_that_cannot_be_read_is_our_own_fault(monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "room", lambda _: tmp_path)
    with pytest.raises(CatalogueError, match="cannot be read"):
        sources.load()
    (tmp_path / sources.FILE).write_text("guide = [['too short']]")
    with pytest.raises(CatalogueError, match="cannot be read"):
        sources.load()


def test_the_data_lies_beside_the_features():
    assert (room("features") / sources.FILE).is_file()


def test_the_new_check_of_the_guide_for_contributors_has_the_next_free_id():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    made_up = set(re.findall(r"\bidm-\d{3}\b", text))
    taken = [clause.id for clause in CONTRACT.clauses() if clause.id.startswith("idm-")]
    assert made_up == {f"idm-{int(max(taken)[-3:]) + 1:03d}"}
    assert re.search(r"^   class (\w+)\(", text, re.MULTILINE)[1] not in gallery.load()


def test_what_the_guide_for_contributors_points_at_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [clause] = re.findall(r"`calcontract check -m ([a-z]{3}-\d{3})`", text)
    # The command has the profile that is the default.
    assert "guide" in CONTRACT.clause(clause).profiles
    [mutant] = re.findall(r"`pytest tests/test_mutants.py -k (\w+)` show", text)
    assert clause in gallery.load()[mutant].broken_in("guide")


def test_the_python_of_the_readme_books_and_delivers(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    stand = Stand()
    try:
        told = example.replace("http://127.0.0.1:8000/api/webhooks/calcom", stand.url)
        exec(compile(told, "README.md", "exec"), {})
    finally:
        stand.close()
    [(headers, body)] = stand.received
    assert rightly_signed(headers, body, secret="the-shared-secret")
    assert json.loads(body)["triggerEvent"] == "BOOKING_CREATED"
    said = capsys.readouterr().out.split()
    # Its secret is another one than the stand's.
    assert said == ["BOOKING_CREATED", json.loads(body)["payload"]["uid"], "401"]
