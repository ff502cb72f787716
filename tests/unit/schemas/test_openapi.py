"""What holds for both OpenAPI documents: they are valid, resolvable, described and usable."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, seed, settings
from jsonschema import Draft202012Validator

from calcontract import resources
from tests.schema_tools import BASE, OPENAPI_DOCUMENTS, SCHEMAS, component, references, registry

each_document = pytest.mark.parametrize("name", OPENAPI_DOCUMENTS)


@each_document
def test_a_document_is_openapi_3_1(name):
    # The published metaschema, of which schemathesis brings a copy.
    from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

    OPENAPI_31_VALIDATOR.validate(resources.schema(name))
    assert resources.schema(name)["openapi"] == "3.1.0"


@each_document
def test_every_reference_of_a_document_resolves(name):
    resolver = registry().resolver(f"{BASE}{name}.json")
    for reference in references(resources.schema(name)):
        assert resolver.lookup(reference).contents is not None


@each_document
def test_a_reference_to_another_file_is_the_path_of_a_file(name):
    outside = {ref for ref in references(resources.schema(name)) if not ref.startswith("#")}
    assert all((SCHEMAS / reference).is_file() for reference in outside)


@each_document
def test_every_component_is_used(name):
    document = resources.schema(name)
    used = set(references(document))
    for section in ("schemas", "responses", "headers", "parameters"):
        for title in document["components"].get(section, {}):
            assert f"#/components/{section}/{title}" in used


@each_document
def test_every_operation_and_answer_is_described(name):
    document = resources.schema(name)
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"]
            assert operation["description"]
            assert all(
                "$ref" in response or response["description"]
                for response in operation["responses"].values()
            )


@each_document
def test_operation_ids_are_unique(name):
    document = resources.schema(name)
    items = [*document["paths"].values(), *document.get("webhooks", {}).values()]
    ids = [operation["operationId"] for item in items for operation in item.values()]
    assert len(set(ids)) == len(ids)


@each_document
def test_schemas_of_a_document_are_valid_by_the_metaschema(name):
    for schema in resources.schema(name)["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@each_document
def test_the_examples_of_a_document_are_valid_by_their_schemas(name):
    checked = 0
    for item in resources.schema(name)["paths"].values():
        for operation in item.values():
            for content in contents(operation):
                for value in examples(content):
                    schema = component(name, content["schema"]["$ref"].rpartition("/")[2])
                    assert not list(schema.iter_errors(value))
                    checked += 1
    for title, schema in resources.schema(name)["components"]["schemas"].items():
        for value in schema.get("examples", ()):
            assert not list(component(name, title).iter_errors(value))
            checked += 1
    assert checked


def contents(operation):
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from response.get("content", {}).values()


def examples(content):
    if "example" in content:
        yield content["example"]
    for named in content.get("examples", {}).values():
        yield named["value"]


def generated_from(operation):
    """A few cases of an operation, the same ones in every run."""
    cases = []

    @seed(1)
    @settings(max_examples=5, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy())
    def generate(case):
        cases.append(case)

    generate()
    return cases


@each_document
def test_schemathesis_generates_cases_from_the_file_and_from_the_parsed_document(name):
    import schemathesis

    for loaded in (
        schemathesis.openapi.from_dict(resources.schema(name)),
        schemathesis.openapi.from_path(str(SCHEMAS / f"{name}.json")),
    ):
        operations = [result.ok() for result in loaded.get_all_operations()]
        assert {operation.path for operation in operations} == set(resources.schema(name)["paths"])
        assert all(generated_from(operation) for operation in operations)
