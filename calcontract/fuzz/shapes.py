"""
Bodies inside and just outside the schemas, made by schemathesis.

The schemas are put into one document first: their `$id`s are names, and schemathesis would look
them up on the network.  Each body is signed as the prepared request, so that the signature is over
the bytes on the wire; the signature is a security scheme of the document, because schemathesis
removes a header parameter to see what happens.
"""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Mapping
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from calcontract import resources
from mock_calcom.delivery import Delivery, Subscription
from mock_calcom.signature import HEADER, sign

#: The headers that say what a body is; the rest of requests' block is not Cal.com's.
_KEPT = frozenset({"content-type", "x-cal-webhook-version", HEADER.lower()})

_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


class _Signed(AuthBase):
    """Signs the bytes of a prepared request as Cal.com does."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers[HEADER] = sign(_bytes(prepared), self._secret)
        return prepared


def _bytes(prepared: requests.PreparedRequest) -> bytes:
    body = prepared.body or b""
    return body if isinstance(body, bytes) else str(body).encode()


def trigger_schemas() -> tuple[str, ...]:
    """The names of the schemas of whole bodies, both dialects."""
    room = resources.room("schemas")
    return tuple(
        f"{dialect}/{path.stem}"
        for dialect in ("guide", "calcom")
        for path in sorted((room / dialect).glob("*.json"))
    )


@functools.cache
def document() -> dict[str, Any]:
    """
    An OpenAPI document without references to other files.

    It holds the receiver's own operation and one for each schema of `trigger_schemas`, whose path
    is the schema's name.
    """
    receiver = resources.schema("receiver.openapi")
    (operation,) = (path["post"] for path in receiver["paths"].values())
    parts: dict[str, Any] = {}
    paths = {"/envelope": {"post": operation}}
    for name in trigger_schemas():
        content = {"application/json": {"schema": _inlined({"$ref": f"{name}.json"}, "", parts)}}
        paths[f"/{name}"] = {
            "post": {
                "security": operation["security"],
                "requestBody": {"required": True, "content": content},
                "responses": operation["responses"],
            }
        }
    schemas = {**receiver["components"]["schemas"], **parts}
    return {
        **{key: receiver[key] for key in ("openapi", "info", "security")},
        "paths": paths,
        "components": {**receiver["components"], "schemas": schemas},
    }


def _inlined(node: Any, folder: str, parts: dict[str, Any]) -> Any:
    """*node* with its references to files led to *parts*, which receives what they name."""
    if isinstance(node, list):
        return [_inlined(item, folder, parts) for item in node]
    if not isinstance(node, dict):
        return node
    moved = {key: _inlined(value, folder, parts) for key, value in node.items()}
    reference = node.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        path = posixpath.normpath(posixpath.join(folder, reference)).removesuffix(".json")
        name = path.replace("/", ".")
        if name not in parts:
            parts[name] = {}  # before its own references, which may lead back
            schema = {
                key: value
                for key, value in resources.schema(path).items()
                if key not in {"$id", "$schema"}
            }
            parts[name] = _inlined(schema, posixpath.dirname(path), parts)
        moved["$ref"] = f"#/components/schemas/{name}"
    return moved


class Shapes:
    """
    Deliveries whose bodies follow the schemas, or just do not.

    Args:
        subscription: where to and with which secret.
    """

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        # A configuration file of the folder we are started in is not meant for us.
        self._schema = schemathesis.openapi.from_dict(document(), config=SchemathesisConfig())
        self._schema.auth.set_from_requests(_Signed(subscription.secret or ""))

    def envelopes(self) -> st.SearchStrategy[Delivery]:
        """Envelopes of any trigger, and what is nearly one."""
        return st.one_of(*(self._deliveries("envelope", mode) for mode in _MODES))

    def payloads(self) -> st.SearchStrategy[Delivery]:
        """Bodies of one trigger, and what is nearly one."""
        # Only the schemas that are drawn are built: all of them take seconds.
        return st.tuples(st.sampled_from(trigger_schemas()), st.sampled_from(_MODES)).flatmap(
            lambda drawn: self._deliveries(*drawn)
        )

    @functools.cache  # noqa: B019 - lives as long as one run
    def _deliveries(self, name: str, mode: GenerationMode) -> st.SearchStrategy[Delivery]:
        operation = self._schema[f"/{name}"]["POST"]
        return operation.as_strategy(generation_mode=mode).map(self._delivery)

    def _delivery(self, case: schemathesis.Case[Any]) -> Delivery:
        told: Mapping[str, Any] = case.as_transport_kwargs(base_url="http://receiver.example")
        prepared = requests.Request(**told).prepare()
        headers = tuple(
            (name, value if isinstance(value, str) else value.decode("latin-1"))
            for name, value in prepared.headers.items()
            if name.lower() in _KEPT
        )
        return Delivery(self._subscription.url, headers, _bytes(prepared))
