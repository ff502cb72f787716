"""
What the tests of the schemas share: the documented triggers, valid bodies, and how to spoil one.

The lists are written out here rather than read from the schemas, because they are what the schemas
are compared with.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import jsonschema_rs
from jsonschema import Draft202012Validator
from referencing.jsonschema import DRAFT202012

from calcontract import resources, validation

VECTORS = Path(__file__).parent / "vectors"
SCHEMAS = resources.room("schemas")

#: The 28 triggers of Cal.com's API v2 reference, "create a webhook", in its order.
CALCOM_TRIGGERS = (
    "BOOKING_CREATED",
    "BOOKING_PAYMENT_INITIATED",
    "BOOKING_PAID",
    "BOOKING_RESCHEDULED",
    "BOOKING_REQUESTED",
    "BOOKING_CANCELLED",
    "BOOKING_REJECTED",
    "BOOKING_NO_SHOW_UPDATED",
    "BOOKING_LOCATION_UPDATED",
    "BOOKING_REASSIGNED",
    "FORM_SUBMITTED",
    "FORM_SUBMITTED_NO_EVENT",
    "ROUTING_FORM_FALLBACK_HIT",
    "MEETING_STARTED",
    "MEETING_ENDED",
    "RECORDING_READY",
    "RECORDING_TRANSCRIPTION_GENERATED",
    "INSTANT_MEETING",
    "INSTANT_MEETING_ACCEPTED",
    "OOO_CREATED",
    "AFTER_HOSTS_CAL_VIDEO_NO_SHOW",
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW",
    "WRONG_ASSIGNMENT_REPORT",
    "DELEGATION_CREDENTIAL_ERROR",
    "DELEGATION_CREDENTIAL_SECRET_ROTATED",
    "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED",
    "DELEGATION_CREDENTIAL_ROTATION_REQUIRED",
    "CALENDAR_ENTRY_REJECTED",
)
#: The guide's table "Supported Events".
GUIDE_TRIGGERS = (
    "BOOKING_CREATED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_CONFIRMED",
    "BOOKING_REJECTED",
    "BOOKING_REQUESTED",
    "BOOKING_PAYMENT_INITIATED",
    "FORM_SUBMITTED",
)
MEETINGS = ("MEETING_STARTED", "MEETING_ENDED")
CALCOM_SCHEMAS = tuple(f"calcom/{trigger}" for trigger in (*CALCOM_TRIGGERS, "PING"))
GUIDE_SCHEMAS = tuple(f"guide/{trigger}" for trigger in GUIDE_TRIGGERS)
ROOTS = ("envelope", "templated", "delivery")

#: Every JSON Schema, parts included; the OpenAPI documents are not JSON Schemas.
ALL_SCHEMAS = tuple(
    sorted(
        path.relative_to(SCHEMAS).with_suffix("").as_posix()
        for path in SCHEMAS.rglob("*.json")
        if not path.name.endswith(".openapi.json")
    )
)

BASE = "https://calcontract.example/schemas/"
OPENAPI_DOCUMENTS = ("receiver.openapi", "probe.openapi")

#: Take the member away instead of giving it another value.
REMOVED = object()


def read(path):
    return json.loads((VECTORS / path).read_text(encoding="utf-8"))


def manifest():
    return read("calcom/manifest.json")


@functools.cache
def validator(name):
    return Draft202012Validator(
        resources.schema(name),
        registry=validation.registry(),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


@functools.cache
def fast_validator(name):
    """The same schema in jsonschema-rs, which a receiver uses on its hot path."""
    registry = jsonschema_rs.Registry(
        [(schema["$id"], schema) for schema in map(resources.schema, ALL_SCHEMAS)]
    )
    return jsonschema_rs.validator_for(
        resources.schema(name), registry=registry, validate_formats=True
    )


def accepts(name, instance):
    """Whether the schema takes the instance; both validators have to agree."""
    slow, fast = validator(name).is_valid(instance), fast_validator(name).is_valid(instance)
    assert slow == fast, f"jsonschema says {slow}, jsonschema-rs {fast}: {name}, {instance!r}"
    return slow


def complaints(name, instance):
    """The places the schema complains about, as JSON paths."""
    return {error.json_path for error in validator(name).iter_errors(instance)}


def fast_complaints(name, instance):
    """The same by the fast validator."""
    errors = fast_validator(name).iter_errors(instance)
    return {json_path("/".join(map(str, error.instance_path))) for error in errors}


def json_path(path):
    steps = (f"[{step}]" if step.isdigit() else f".{step}" for step in path.split("/") if step)
    return "$" + "".join(steps)


def spoil(instance, path, value):
    """A copy of *instance* with another value at *path*, such as `payload/attendees/0/email`."""
    if not path:
        return value
    # Not deepcopy, which would keep one object that stands in two places one object.
    spoiled = json.loads(json.dumps(instance))
    *parents, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    place = spoiled
    for step in parents:
        place = place[step]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return spoiled


def complaint_path(path, value):
    """Where a validator has to complain: a missing member is its parent's fault."""
    return json_path(path.rpartition("/")[0] if value is REMOVED else path)


def members(instance, path=""):
    """The path of every object member in *instance*, however deep."""
    if isinstance(instance, dict):
        for key, value in instance.items():
            yield (here := f"{path}/{key}".removeprefix("/"))
            yield from members(value, here)
    elif isinstance(instance, list):
        for index, value in enumerate(instance):
            yield from members(value, f"{path}/{index}")


def _guide_example(trigger):
    """A body of a trigger that the guide names without an example: its CREATED, renamed."""
    return {**read("guide/BOOKING_CREATED.json"), "triggerEvent": trigger}


#: Schema name to its valid bodies by name; the first is the one that is spoiled.
EXAMPLES = {name: {} for name in (*CALCOM_SCHEMAS, *GUIDE_SCHEMAS)}
for _vector in manifest()["vectors"]:
    EXAMPLES[f"calcom/{_vector['triggerEvent']}"][_vector["name"]] = read(
        f"calcom/{_vector['file']}"
    )
for _trigger in ("BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED"):
    EXAMPLES[f"guide/{_trigger}"][f"guide {_trigger}"] = read(f"guide/{_trigger}.json")
for _trigger in set(GUIDE_TRIGGERS) - {
    "BOOKING_CREATED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "FORM_SUBMITTED",
}:
    EXAMPLES[f"guide/{_trigger}"][f"composed {_trigger}"] = _guide_example(_trigger)
EXAMPLES["guide/FORM_SUBMITTED"]["composed FORM_SUBMITTED"] = {
    "triggerEvent": "FORM_SUBMITTED",
    "createdAt": "2025-01-15T10:00:00Z",
    "payload": {"metadata": {"source": "phone_ai"}, "title": "Intake"},
}
EXAMPLES["guide/BOOKING_CREATED"]["guide unit test"] = {
    "triggerEvent": "BOOKING_CREATED",
    "payload": {
        "calcomBookingId": 12345,
        "uid": "test-uid",
        "startTime": "2025-01-20T14:00:00Z",
        "metadata": {"askproai_appointment_id": "999"},
    },
}
EXAMPLES["calcom/CALENDAR_ENTRY_REJECTED"]["composed CALENDAR_ENTRY_REJECTED"] = {
    "triggerEvent": "CALENDAR_ENTRY_REJECTED",
    "createdAt": "2026-07-14T06:00:00.000Z",
    "payload": {"bookingUid": "kT8vWq2ZbN5yRd7mXc3LpA", "reason": None},
}
for _trigger in MEETINGS:
    _flat = EXAMPLES[f"calcom/{_trigger}"][_trigger]
    EXAMPLES[f"calcom/{_trigger}"][f"{_trigger} wrapped"] = {
        "triggerEvent": _trigger,
        "createdAt": "2026-07-14T13:00:01.000Z",
        "payload": {key: value for key, value in _flat.items() if key != "triggerEvent"},
    }


def example(name):
    return next(iter(EXAMPLES[name].values()))


def registry():
    """Every JSON Schema, and the OpenAPI documents as if they had an id."""
    documents = (
        (f"{BASE}{name}.json", DRAFT202012.create_resource(resources.schema(name)))
        for name in OPENAPI_DOCUMENTS
    )
    return validation.registry().with_resources(documents)


def references(node):
    """Every `$ref` inside a document."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def component(name, title):
    """A validator of one schema of a document, references into the document included."""
    reference = f"{BASE}{name}.json#/components/schemas/{title}"
    return Draft202012Validator(
        {"$ref": reference},
        registry=registry(),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
