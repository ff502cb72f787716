"""The receiver's OpenAPI document says what the guide says, and what Cal.com sends."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from calcontract import resources
from tests.schema_tools import (
    BASE,
    CALCOM_TRIGGERS,
    GUIDE_TRIGGERS,
    MEETINGS,
    component,
    example,
    references,
    registry,
)


def answer(status):
    document = resources.schema("receiver.openapi")
    responses = document["paths"]["/api/webhooks/calcom"]["post"]["responses"]
    return (
        registry()
        .resolver(f"{BASE}receiver.openapi.json")
        .lookup(responses[status]["$ref"])
        .contents
    )


def test_the_signature_is_a_security_scheme_and_not_a_parameter():
    document = resources.schema("receiver.openapi")
    scheme = document["components"]["securitySchemes"]["signature"]
    assert (scheme["type"], scheme["in"]) == ("apiKey", "header")
    assert scheme["name"] == "X-Cal-Signature-256"
    assert document["paths"]["/api/webhooks/calcom"]["post"]["security"] == [{"signature": []}]
    parameters = document["components"]["parameters"].values()
    assert "X-Cal-Signature-256" not in {parameter["name"] for parameter in parameters}


def test_every_status_a_receiver_answers_is_documented():
    document = resources.schema("receiver.openapi")
    responses = document["paths"]["/api/webhooks/calcom"]["post"]["responses"]
    assert set(responses) == {"202", "400", "401", "405", "413", "429", "503"}


@pytest.mark.parametrize(
    ("status", "media", "right", "wrong"),
    [
        ("202", "application/json", {"status": "accepted"}, {"status": "ok"}),
        ("202", "application/json", {"status": "accepted"}, {"status": "accepted", "id": 1}),
        ("400", "application/json", {"error": "Invalid payload"}, {"error": "invalid payload"}),
        ("400", "application/json", {"error": "Invalid payload"}, {}),
        ("401", "text/plain", "Missing signature", "Unauthorized"),
        ("401", "text/html", "Invalid signature", "Invalid signature\n"),
    ],
)
def test_an_answer_has_exactly_the_body_of_the_guide(status, media, right, wrong):
    schema = Draft202012Validator(answer(status)["content"][media]["schema"])
    assert schema.is_valid(right)
    assert not schema.is_valid(wrong)


@pytest.mark.parametrize("status", ["429", "503"])
def test_an_answer_that_puts_off_says_for_how_long(status):
    resolver = registry().resolver(f"{BASE}receiver.openapi.json")
    header = resolver.lookup(answer(status)["headers"]["Retry-After"]["$ref"]).contents
    assert header["required"] is True
    schema = Draft202012Validator(header["schema"])
    assert schema.is_valid(60)
    assert schema.is_valid("Tue, 14 Jul 2026 13:00:00 GMT")
    assert not schema.is_valid(-1)
    assert not schema.is_valid("soon")


def test_the_body_a_receiver_takes_is_an_envelope_with_something_in_it():
    envelope = component("receiver.openapi", "Envelope")
    for trigger in GUIDE_TRIGGERS:
        assert envelope.is_valid(example(f"guide/{trigger}"))
    for trigger in set(CALCOM_TRIGGERS) - set(MEETINGS):
        assert envelope.is_valid(example(f"calcom/{trigger}"))
    for wrong in (
        {},
        [],
        {"triggerEvent": "PING"},
        {"triggerEvent": "PING", "payload": {}},
        {"triggerEvent": "", "payload": {"a": 1}},
        {"triggerEvent": None, "payload": {"a": 1}},
        {"triggerEvent": "PING", "payload": [1]},
        {"payload": {"a": 1}},
    ):
        assert not envelope.is_valid(wrong), wrong


def test_the_operation_needs_no_other_file_to_be_tested_against():
    document = resources.schema("receiver.openapi")
    inside = {key: part for key, part in document.items() if key != "webhooks"}
    assert all(reference.startswith("#/") for reference in references(inside))


def test_there_is_a_webhook_for_each_trigger_with_the_schemas_of_its_dialects():
    webhooks = resources.schema("receiver.openapi")["webhooks"]
    assert set(webhooks) == {*CALCOM_TRIGGERS, "PING", *GUIDE_TRIGGERS}
    for trigger, item in webhooks.items():
        body = item["post"]["requestBody"]["content"]["application/json"]["schema"]
        expected = {f"calcom/{trigger}.json"} if trigger != "BOOKING_CONFIRMED" else set()
        expected |= {f"guide/{trigger}.json"} if trigger in GUIDE_TRIGGERS else set()
        assert set(references(body)) == expected
