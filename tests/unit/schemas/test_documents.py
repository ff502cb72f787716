"""The schemas as documents: well-formed, complete, findable, open."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from calcontract import resources, validation
from tests.schema_tools import (
    ALL_SCHEMAS,
    CALCOM_TRIGGERS,
    GUIDE_TRIGGERS,
    SCHEMAS,
    references,
)

every_schema = pytest.mark.parametrize("name", ALL_SCHEMAS)


def nodes(schema):
    """Every object inside a schema, itself included."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


def test_there_is_a_calcom_schema_for_each_documented_trigger_and_for_ping():
    assert {path.stem for path in (SCHEMAS / "calcom").iterdir()} == {*CALCOM_TRIGGERS, "PING"}
    assert len(CALCOM_TRIGGERS) == 28


def test_there_is_a_guide_schema_for_each_event_of_the_guide():
    assert {path.stem for path in (SCHEMAS / "guide").iterdir()} == set(GUIDE_TRIGGERS)
    assert len(GUIDE_TRIGGERS) == 8


@every_schema
def test_a_schema_is_valid_by_its_metaschema(name):
    schema = resources.schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@every_schema
def test_an_id_names_the_path_of_its_file(name):
    assert resources.schema(name)["$id"] == f"https://calcontract.example/schemas/{name}.json"


@every_schema
def test_every_reference_of_a_schema_resolves(name):
    schema = resources.schema(name)
    resolver = validation.registry().resolver(base_uri=schema["$id"])
    for reference in references(schema):
        assert resolver.lookup(reference).contents


@every_schema
def test_references_between_schemas_are_relative(name):
    assert not [ref for ref in references(resources.schema(name)) if "://" in ref]


@pytest.mark.parametrize("name", [name for name in ALL_SCHEMAS if name != "report"])
def test_a_schema_says_what_it_describes_and_where_that_is_known_from(name):
    schema = resources.schema(name)
    assert schema["title"]
    assert "Source: " in schema["description"]
    assert schema["description"].endswith(".")


@pytest.mark.parametrize("name", [n for n in ALL_SCHEMAS if n.startswith(("calcom/", "guide/"))])
def test_the_schema_of_a_trigger_says_when_it_is_sent(name):
    schema = resources.schema(name)
    assert "sent" in schema["description"].lower()
    assert schema["properties"]["triggerEvent"]["const"] == name.partition("/")[2]


@pytest.mark.parametrize("name", [name for name in ALL_SCHEMAS if name != "report"])
def test_no_schema_closes_an_object_because_cal_com_may_add_members_anywhere(name):
    closing = {"additionalProperties", "unevaluatedProperties", "propertyNames"}
    closed = [
        n for n in nodes(resources.schema(name)) if any(n.get(key) is False for key in closing)
    ]
    assert not closed


def test_every_part_is_used():
    used = {
        reference.rpartition("/")[2].removesuffix(".json")
        for name in ALL_SCHEMAS
        for reference in references(resources.schema(name))
    }
    parts = {name.removeprefix("parts/") for name in ALL_SCHEMAS if name.startswith("parts/")}
    assert parts <= used


def test_an_instant_and_one_that_may_be_null_share_their_pattern():
    instant, optional = (resources.schema(f"parts/{n}") for n in ("instant", "optional-instant"))
    assert instant["pattern"] == optional["pattern"]


@pytest.mark.parametrize("path", sorted(SCHEMAS.rglob("*.json")), ids=lambda path: path.name)
def test_a_file_is_indented_by_two_and_ends_in_a_newline(path):
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
