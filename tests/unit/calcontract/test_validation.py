"""Problems are sentences that name the place, in order, and never a page of JSON."""

from __future__ import annotations

import pytest

from calcontract import validation
from calcontract.resources import RoomMissingError
from tests.schema_tools import ALL_SCHEMAS, example, spoil


def test_a_valid_document_has_no_problems():
    assert validation.problems(example("calcom/BOOKING_CREATED"), "calcom/BOOKING_CREATED") == []


def test_a_problem_names_its_place_and_the_value():
    body = spoil(example("calcom/BOOKING_CREATED"), "payload/attendees/0/email", 5)
    assert validation.problems(body, "calcom/BOOKING_CREATED") == [
        "payload.attendees[0].email: 5 is not of type 'string'"
    ]


def test_a_problem_with_the_whole_names_the_document():
    assert validation.problems({"payload": {}}, "envelope") == [
        "the document: 'triggerEvent' is a required property"
    ]


def test_problems_are_sorted_by_place_and_items_by_their_index():
    body = spoil(example("calcom/BOOKING_CREATED"), "payload/attendees", [5] * 11)
    body["createdAt"] = "tomorrow"
    places = [p.partition(":")[0] for p in validation.problems(body, "calcom/BOOKING_CREATED")]
    assert places == ["createdAt", *(f"payload.attendees[{index}]" for index in range(11))]


def test_a_bad_date_is_one_problem_and_no_regular_expression():
    body = spoil(example("calcom/BOOKING_CREATED"), "payload/startTime", "tomorrow")
    assert validation.problems(body, "calcom/BOOKING_CREATED") == [
        "payload.startTime: 'tomorrow' is not a 'date-time'"
    ]


def test_where_one_of_several_shapes_would_do_the_nearest_is_spoken_of():
    body = spoil(example("calcom/BOOKING_CANCELLED"), "payload/startTime", "tomorrow")
    found = validation.problems(body, "calcom/BOOKING_CANCELLED")
    assert found == ["payload.startTime: 'tomorrow' is not a 'date-time'"]


def test_a_long_value_is_cut_in_the_middle():
    body = spoil(example("calcom/BOOKING_CREATED"), "payload/price", "9" * 5000)
    (problem,) = validation.problems(body, "calcom/BOOKING_CREATED")
    assert len(problem) < 250
    assert problem.startswith("payload.price: '999")
    assert problem.endswith("is not of type 'integer', 'null'")


def test_the_registry_holds_every_schema_by_its_id_and_is_built_once():
    ids = {f"https://calcontract.example/schemas/{name}.json" for name in ALL_SCHEMAS}
    assert set(validation.registry()) == ids
    assert validation.registry() is validation.registry()


def test_a_schema_that_does_not_exist_is_named():
    with pytest.raises(RoomMissingError, match="calcom/BOOKING_COMPLETED"):
        validation.problems({}, "calcom/BOOKING_COMPLETED")
