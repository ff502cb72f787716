"""And, But: how a delivery is written otherwise, and what about it is spoiled."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from pytest_bdd import given, parsers, when

from calcontract.deliveries import Item
from calcontract.errors import CatalogueError
from calcontract.stimuli import bodies, envelopes, named, signatures
from calcontract.story import Story
from mock_calcom import delivery as deliveries
from mock_calcom.delivery import Delivery
from mock_calcom.signature import HEADER


def _with_signature(delivery: Delivery, value: bytes | None, name: str = HEADER) -> Delivery:
    if value is None:
        return delivery.without_header(name)
    # Latin-1 is how arbitrary bytes travel in a header (RFC 9110 section 5.5).
    return delivery.with_header(name, value.decode("latin-1"))


# --- signatures ----------------------------------------------------------------------------------


@given(parsers.re(r"its signature is (?P<signature>.+)$"))
@when(parsers.re(r"its signature is (?P<signature>.+)$"))
def _the_signature(story: Story, signature: str) -> None:
    value = signatures.value(signature, story.material(story.it))
    story.it.delivery = _with_signature(story.it.delivery, value)
    if signature in signatures.LAWFUL:
        story.it.lawful = story.it.delivery


@given(parsers.re(r"it is signed with (?P<key>.+)$"))
def _signed_with(story: Story, key: str) -> None:
    value = signatures.signed_with(key, story.material(story.it))
    story.it.delivery = _with_signature(story.it.delivery, value)


@given("it is signed over the compact form of its body")
def _signed_over_another_form(story: Story) -> None:
    item = story.it
    compact = bodies.compact(json.loads(item.delivery.body))
    if compact == item.delivery.body:
        raise CatalogueError("the body is compact already: nothing is spoiled")
    signature = story.material(item).digest(body=compact)
    item.delivery = item.delivery.with_header(HEADER, signature)


@given(parsers.re(r"its signature stands in the header (?P<name>\S+) alone$"))
def _in_another_header(story: Story, name: str) -> None:
    item = story.it
    item.delivery = _moved(item.delivery, name)
    item.lawful = _moved(item.lawful, name)


@given(parsers.re(r"the name of its signature header is written (?P<name>\S+)$"))
def _header_written(story: Story, name: str) -> None:
    _in_another_header(story, name)


def _moved(delivery: Delivery, name: str) -> Delivery:
    value = delivery.header(HEADER) or ""
    return delivery.without_header(HEADER).with_header(name, value)


@given(
    parsers.re(
        r"it carries a (?P<one>wrong|right) (?P<first>\S+) and a (?P<two>wrong|right) "
        r"(?P<second>\S+)$"
    )
)
def _two_signatures(story: Story, one: str, first: str, two: str, second: str) -> None:
    item = story.it
    material = story.material(item)
    values = {"right": material.digest(), "wrong": material.other()}
    bare = item.delivery.without_header(HEADER)
    item.delivery = bare.with_header(first, values[one]).with_header(second, values[two])
    item.lawful = bare.with_header(first, values["right"]).with_header(second, values[two])


# --- the body after signing ----------------------------------------------------------------------


@given(parsers.re(r"in its body (?P<change>.+) after signing$"))
@when(parsers.re(r"in its body (?P<change>.+) after signing$"))
def _changed_after_signing(story: Story, change: str) -> None:
    item = story.it
    other = deliveries.compose(
        story.calendar.any_of("BOOKING_CREATED", story.now()), story.subscription
    )
    body = bodies.changed(change, item.delivery.body, uid=item.delivery.uid, other=other.body)
    item.delivery = item.delivery.with_body(body)


# --- other spellings, signed as they are ---------------------------------------------------------


@given(parsers.re(r"its body is written (?P<spelling>.+)$"))
def _spelled(story: Story, spelling: str) -> None:
    story.resign(story.it, bodies.spelled(spelling, story.it.delivery.body))


@given(parsers.re(r"its body ends in (?P<tail>.+)$"))
def _with_tail(story: Story, tail: str) -> None:
    story.resign(story.it, bodies.with_tail(tail, story.it.delivery.body))


@given(parsers.re(r"its body is (?P<size>\d+) kB long$"), converters={"size": int})
def _long(story: Story, size: int) -> None:
    story.resign(story.it, bodies.padded(story.it.delivery.body, size * 1024))


@given(parsers.re(r"its slot is written (?P<spelling>.+)$"))
def _slot_written(story: Story, spelling: str) -> None:
    def write(envelope: dict[str, Any]) -> dict[str, Any]:
        payload = envelope["payload"]
        for field in ("startTime", "endTime"):
            payload[field] = bodies.shifted(payload[field], spelling)
        return envelope

    story.rewrite(story.it, write, lawful=True)


@given(parsers.re(r"its payload has (?P<oddity>(?!a member called ).+)$"))
def _payload_has(story: Story, oddity: str) -> None:
    # What a sound receiver copes with is lawful; what makes no sense is a fault.
    lawful = oddity.startswith(("no ", "null "))
    story.rewrite(story.it, lambda envelope: envelopes.odd(oddity, envelope), lawful=lawful)


@given(parsers.re(r"it has an unknown field (?P<where>.+)$"))
def _unknown_field(story: Story, where: str) -> None:
    story.rewrite(story.it, lambda envelope: envelopes.extended(where, envelope), lawful=True)


@given(parsers.re(r"its names and notes hold (?P<text>.+)$"))
def _texts(story: Story, text: str) -> None:
    story.rewrite(story.it, lambda envelope: envelopes.worded(text, envelope), lawful=True)


@given(parsers.re(r"its trigger event is called (?P<name>.+)$"))
def _called(story: Story, name: str) -> None:
    def rename(envelope: dict[str, Any]) -> dict[str, Any]:
        return {**envelope, "triggerEvent": name}

    story.rewrite(story.it, rename, lawful=True)


@given(parsers.re(r"its booking id is (?P<number>\d+)$"), converters={"number": int})
def _booking_id(story: Story, number: int) -> None:
    item = story.it
    occurrence = item.occurrence
    if occurrence is None:
        raise CatalogueError("only a booking has a booking id")
    booking = dataclasses.replace(item.booking, id=number)
    field = "calcomBookingId" if "calcomBookingId" in occurrence.payload else "bookingId"

    def renumber(envelope: dict[str, Any]) -> dict[str, Any]:
        envelope["payload"][field] = number
        return envelope

    item.occurrence = dataclasses.replace(occurrence, booking=booking)
    story.rewrite(item, renumber, lawful=True)


_AGES: Mapping[str, dt.timedelta] = {
    "ten minutes ago": dt.timedelta(minutes=-10),
    "two hours ago": dt.timedelta(hours=-2),
    "three days ago": dt.timedelta(days=-3),
    "a month ago": dt.timedelta(days=-30),
    "a second from now": dt.timedelta(seconds=1),
    "four minutes from now": dt.timedelta(minutes=4),
    "a year from now": dt.timedelta(days=365),
}


@given(parsers.re(r"it happened (?P<age>.+)$"))
def _happened(story: Story, age: str) -> None:
    item = story.it
    if item.occurrence is None:
        raise CatalogueError("only an occurrence happens at a time")
    at = dt.datetime.now(dt.UTC) + named(_AGES, age, "age")
    story.tell(item.name, item.occurrence, created_at=at)


@given(parsers.re(r"its content type is (?P<kind>.+)$"))
def _content_type(story: Story, kind: str) -> None:
    item = story.it
    bare = item.delivery.without_header("Content-Type")
    item.delivery = bare if kind == "absent" else item.delivery.with_header("Content-Type", kind)
    item.lawful = item.delivery


# --- nonsense, signed as it is -------------------------------------------------------------------


@given(parsers.re(r"its envelope has (?P<fault>.+)$"))
def _envelope_has(story: Story, fault: str) -> None:
    lawful = fault == "no createdAt"
    story.rewrite(story.it, lambda envelope: envelopes.spoiled(fault, envelope), lawful=lawful)


_NONSENSE = (
    r"its body is (?P<nonsense>(?!written |\d+ kB )(?:cut in the middle|empty|plain text|in single"
    r"|followed by|two objects|bytes that|an? |the |\d+ nested|NaN).*)$"
)


@given(parsers.re(_NONSENSE))
def _nonsense(story: Story, nonsense: str) -> None:
    story.spoil(story.it, bodies.nonsense(nonsense, story.it.delivery.body))


# --- other shapes that Cal.com really sends ------------------------------------------------------


@given(parsers.re(r"it is sent (?P<form>flat|wrapped)$"))
def _shape(story: Story, form: str) -> None:
    item = story.it
    act = (
        story.calendar.start_meeting
        if item.trigger == "MEETING_STARTED"
        else story.calendar.end_meeting
    )
    occurrence = act(item.booking, story.now(), wrapped=form == "wrapped")[0]
    story.tell(item.name, occurrence)


_TEMPLATES: Mapping[str, str] = {
    "without a trigger event": '{"title":"{{title}}","when":"{{startTime}}"}',
    # Not JSON before it is rendered, so Cal.com declares it a form (sendPayload.ts).
    "that is sent as a form": '{"event":"{{triggerEvent}}","id": {{eventTypeId}} }',
    # A quotation mark in the value breaks the rendered JSON: the body becomes `false`.
    "that renders to false": '{"note":"{{{additionalNotes}}}"}',
    "that escapes its values": '{"who":"{{attendees.0.name}}","what":"{{title}}"}',
    "that is one word": "booked",
}


@given(parsers.re(r"its subscription has a template (?P<template>.+)$"))
def _template(story: Story, template: str) -> None:
    item = story.it
    text = named(_TEMPLATES, template, "template")
    occurrence = story.calendar.book(story.now(), notes='He said "yes"')[0]
    templated = dataclasses.replace(story.subscription, template=text)
    composed = deliveries.compose(occurrence, templated)
    item.occurrence = occurrence
    item.delivery = composed
    item.lawful = deliveries.compose(occurrence, story.subscription)


@given(parsers.re(r"the form has an answer called (?P<key>.+)$"))
def _form_answer(story: Story, key: str) -> None:
    def answer(envelope: dict[str, Any]) -> dict[str, Any]:
        envelope["payload"]["responses"][key] = {"value": "51-200", "response": "51-200"}
        # The generic sender spreads the answers at the root, before the envelope's own keys.
        return {key: "51-200", **envelope}

    story.rewrite(story.it, answer, lawful=True)


@given(parsers.re(r"it is sent with the method (?P<method>[A-Z]+)$"))
def _method(story: Story, method: str) -> None:
    item: Item = story.it
    item.method = method
