"""
What is wrong with a document, in words, according to the schemas.

For messages and tests: jsonschema explains well and is slow.  Hot paths use jsonschema-rs on the
same files.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import referencing
from jsonschema import Draft202012Validator
from jsonschema.exceptions import relevance

from calcontract import resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema.exceptions import ValidationError

#: What a problem with the document itself, not with a member of it, is said of.
WHOLE = "the document"

#: Longer messages are cut: jsonschema repeats the offending value in full, and a whole payload
#: in a sentence helps nobody.
_MESSAGE_LIMIT = 200


@functools.cache
def registry() -> referencing.Registry[Any]:
    """
    Every JSON Schema of the room, by its `$id`, so that references resolve without a network.

    The OpenAPI documents are left out: nothing refers into them, and they have no `$id`.

    Raises:
        RoomMissingError: if this installation has no schemas.
    """
    folder = resources.room("schemas")
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json"))
    schemas = (resources.schema(name) for name in names if not name.endswith(".openapi"))
    return referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in schemas
    )


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    """
    The validator of the schema called *name*, dates and other formats included.

    Raises:
        RoomMissingError: if there is no such schema.
    """
    return Draft202012Validator(
        resources.schema(name),
        registry=registry(),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def problems(instance: Any, name: str) -> list[str]:
    """
    What is wrong with *instance* by the schema *name*, a sentence each, sorted by path.

    An empty list means that it is valid.  Where one of several shapes would do, the sentences are
    about the shape that comes nearest.

    Args:
        instance: a parsed JSON document.
        name: the path below `schemas/` without its ending, such as `calcom/BOOKING_CREATED`.

    Raises:
        RoomMissingError: if there is no such schema.
    """
    errors = sorted(_leaves(_validator(name).iter_errors(instance)), key=_sort_key)
    # A bad date violates its format and its pattern; only the former can be read.
    named = {error.json_path for error in errors if error.validator == "format"}
    told = (e for e in errors if e.validator != "pattern" or e.json_path not in named)
    return list(dict.fromkeys(_sentence(error) for error in told))


def _leaves(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """The errors, each "not valid under any of the given schemas" replaced by why it is not."""
    for error in errors:
        if error.context:
            nearest = min(error.context, key=relevance).schema_path[0]
            yield from _leaves(e for e in error.context if e.schema_path[0] == nearest)
        else:
            yield error


def _sort_key(error: ValidationError) -> tuple[list[tuple[bool, str | int]], str]:
    # An index and a name cannot be compared, and items are to be in the order of their index.
    return [(isinstance(part, str), part) for part in error.absolute_path], error.message


def _sentence(error: ValidationError) -> str:
    """The error as "payload.attendees[0].email: 5 is not of type 'string'"."""
    place = error.json_path.removeprefix("$").removeprefix(".") or WHOLE
    message = error.message
    if len(message) > _MESSAGE_LIMIT:
        half = _MESSAGE_LIMIT // 2
        message = f"{message[:half]} ... {message[-half:]}"
    return f"{place}: {message}"
