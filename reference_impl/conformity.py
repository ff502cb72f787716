"""
Whether a body is what its sender's schema says (`schemas/`), for the log only.

A deviation is worth a line, since it announces that the sender changed, and never a refusal: what
a handler does not read may be anything (`needs` decides about the rest).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from calcontract.resources import RoomMissingError, schema

if TYPE_CHECKING:
    from reference_impl.envelope import Envelope

#: What the `$id` of every schema starts with.
_BASE = "https://calcontract.example/schemas/"


@functools.cache
def _validator(name: str) -> jsonschema_rs.Validator | None:
    try:
        document = schema(name)
    except RoomMissingError:
        return None
    return jsonschema_rs.validator_for(document, retriever=_retrieve)


def _retrieve(uri: str) -> dict[str, Any]:
    """The schema that another one refers to; nothing is ever fetched from a network."""
    return schema(uri.removeprefix(_BASE).removesuffix(".json"))


def deviation(envelope: Envelope) -> str | None:
    """Where the body of *envelope* differs from its schema first, or `None`; quotes no value."""
    validator = _validator(f"{envelope.dialect}/{envelope.trigger}")
    if validator is None or validator.is_valid(envelope.root):
        return None
    problem = next(iter(validator.iter_errors(envelope.root)))
    place = ".".join(str(step) for step in problem.instance_path) or "the body"
    rule = next((step for step in reversed(problem.schema_path) if isinstance(step, str)), "")
    return f"{place} breaks {rule!r} of its schema"
