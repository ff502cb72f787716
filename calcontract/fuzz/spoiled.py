"""
Ordinary deliveries with something spoiled, and bodies that are no envelope at all.

A real delivery passes the signature and the shape that a receiver looks at first, so what is wrong
in its depths arrives where it hurts.  Every strategy shrinks towards fewer keys and smaller values.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

from mock_calcom import delivery, javascript, triggers
from mock_calcom.delivery import Delivery, Subscription
from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.people import People
from mock_calcom.signature import HEADER, UNSIGNED, sign

#: A fixed day: the same seed makes the same bytes, whenever it is used.
_DAY = dt.datetime(2030, 1, 7, 9, tzinfo=dt.UTC)

#: The triggers that any receiver may handle, as they would be named in a body.
_NAMES = tuple(name.casefold() for name in {*triggers.TRIGGERS, *triggers.GUIDE_TRIGGERS})

#: Values that a parser takes and a handler stumbles over.
HOSTILE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    10**40,
    0.5,
    1e308,
    "",
    " ",
    "0",
    "null",
    "\x00",
    "\ud800",
    "a\r\nb: c",
    "'; --",
    "%s%n",
    "2030-13-45T25:61:61Z",
    "2030-01-07",
    "0000-00-00T00:00:00Z",
    "99999-01-01T00:00:00Z",
    "2030-01-07T09:00:00+99:00",
    "x" * 5000,
    [],
    [None],
    [[]],
    {},
    {"": None},
    {"0": "a"},
    {"__proto__": {"a": 1}},
)

#: Texts that stand where JSON is due.
NO_JSON: tuple[bytes, ...] = (
    b"",
    b" ",
    b"\x00",
    b"{",
    b"[",
    b'"',
    b"{}{}",
    b"nul",
    b"NaN",
    b"[Infinity]",
    b"'a'",
    b'{"a":1,}',
    b'{"a":\x80}',
    b'"\xed\xa0\x80"',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b"a=1&b=2",
    b"<a/>",
    b"[" * 2000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b"1" * 5000,
    b"1e999999",
)

_BYTES: Sequence[bytes] = (
    b"\x00",
    b"\xff",
    b"\xc3",
    b'"',
    b"{",
    b"}",
    b",",
    b"\\",
    b"\n",
    b"9" * 400,
)

_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
_JSON: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_ANY = st.sampled_from(HOSTILE) | _JSON


def is_inert(body: bytes) -> bool:
    """
    Whether *body* cannot name a trigger that anybody handles, however it is read.

    Only of such a body may we be sure that it has no effect; and of an envelope whose payload is no
    more than a number or the like.
    """
    if _has_scalar_payload(body):
        return True
    # A backslash could spell a letter; UTF-16 puts zeros between them.
    text = body.replace(b"\x00", b"").decode("utf-8", "replace").casefold()
    return "\\u" not in text and not any(name in text for name in _NAMES)


def _has_scalar_payload(body: bytes) -> bool:
    """Whether *body* is an envelope, nothing beside it, with a payload in which nothing can be."""
    keys: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        keys.extend(key for key, _ in members)
        return dict(members)

    try:
        envelope = json.loads(body, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(envelope, dict)
        and "payload" in envelope
        and isinstance(envelope["payload"], int | float | None)
        # A key that is there twice is read in two ways, and members at the root may be a flat body.
        and sorted(keys) in (["payload", "triggerEvent"], ["createdAt", "payload", "triggerEvent"])
    )


class Spoiled:
    """
    Strategies for deliveries to one receiver.

    Args:
        subscription: where to, with which secret, in which dialect.
        seed: of people, ids and times.
    """

    def __init__(self, subscription: Subscription, seed: int) -> None:
        self._subscription = subscription
        calendar = Calendar(
            People(seed),
            Ids(Random(seed)),  # noqa: S311 - test data
            subscription.profile,
        )
        self._ordinary = {
            trigger: json.loads(delivery.compose(calendar.any_of(trigger, _DAY), subscription).body)
            for trigger in (*subscription.profile.triggers, triggers.PING)
        }

    def deliveries(self) -> st.SearchStrategy[Delivery]:
        """Signed: an ordinary delivery with something spoiled, in its tree or in its bytes."""
        return self._bodies().map(self._signed)

    def nonsense(self) -> st.SearchStrategy[Delivery]:
        """Signed: any JSON, or none, that names no trigger anybody handles."""
        return self._nonsense().filter(is_inert).map(self._signed)

    def forged(self) -> st.SearchStrategy[Delivery]:
        """Ordinary, spoiled or nonsense, and certainly not signed with the secret."""
        ordinary = st.sampled_from([javascript.stringify(one) for one in self._ordinary.values()])
        # What is refused for its shape says nothing about its signature: mostly ordinary, so.
        bodies = st.integers(0, 3).flatmap(
            lambda drawn: ordinary if drawn else st.one_of(self._nonsense(), self._bodies())
        )
        return st.tuples(bodies, _signatures()).map(self._forged)

    def _signed(self, body: bytes) -> Delivery:
        return delivery.from_body(body, self._subscription)

    def _forged(self, drawn: tuple[bytes, Callable[[bytes], str | None]]) -> Delivery:
        body, forge = drawn
        unsigned = dataclasses.replace(self._subscription, secret=None)
        plain = delivery.from_body(body, unsigned)
        value = forge(body)
        return plain.without_header(HEADER) if value is None else plain.with_header(HEADER, value)

    def _nonsense(self) -> st.SearchStrategy[bytes]:
        unknown = st.fixed_dictionaries(
            {}, optional={"triggerEvent": _ANY, "createdAt": _ANY, "payload": _ANY}
        )
        hollow = st.fixed_dictionaries(
            {
                "triggerEvent": st.sampled_from(sorted(self._ordinary)),
                "payload": st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
            }
        )
        return st.one_of(
            st.one_of(_ANY, unknown, hollow).map(javascript.stringify),
            st.sampled_from(NO_JSON),
            st.binary(max_size=60),
        )

    def _bodies(self) -> st.SearchStrategy[bytes]:
        return _spoiled(self._ordinary)


@st.composite
def _spoiled(draw: st.DrawFn, ordinary: dict[str, Any]) -> bytes:
    """One of the *ordinary* envelopes with some of its keys, and one or two values spoiled."""
    envelope = json.loads(json.dumps(ordinary[draw(st.sampled_from(sorted(ordinary)))]))
    payload = envelope.get("payload", envelope)
    if not draw(st.booleans()):
        # Shrinking tries this first: a short finding is worth more than a real-looking one.
        kept = draw(st.lists(st.sampled_from(sorted(payload)), unique=True))
        for key in set(payload) - {*kept, "triggerEvent"}:
            del payload[key]
    for _ in range(draw(st.integers(1, 2))):
        # Most of what is wrong in an envelope itself is seen at once; a payload has depths.
        inside = isinstance(envelope.get("payload"), dict) and draw(st.integers(0, 3)) > 0
        _spoil(draw, envelope["payload"] if inside else envelope)
    body = javascript.stringify(envelope)
    return draw(_scratched(body)) if draw(st.integers(0, 4)) == 4 else body


def _spoil(draw: st.DrawFn, tree: dict[str, Any]) -> None:
    """Replace, remove or wrap one value somewhere in *tree*."""
    node: Any = tree
    while True:
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        inner = node[key]
        # Half of the time, stop here; else go deeper where there is a depth.
        if not (isinstance(inner, dict | list) and inner and draw(st.booleans())):
            break
        node = inner
    match draw(st.sampled_from(("replace", "remove", "wrap"))):
        case "replace":
            node[key] = draw(_ANY)
        case "remove":
            del node[key]
        case "wrap":
            node[key] = [inner]


@st.composite
def _scratched(draw: st.DrawFn, body: bytes) -> bytes:
    """*body* cut off, or with some bytes put into it."""
    place = draw(st.integers(0, len(body)))
    if draw(st.booleans()):
        return body[:place]
    return body[:place] + draw(st.sampled_from(_BYTES)) + body[place:]


def _signatures() -> st.SearchStrategy[Callable[[bytes], str | None]]:
    """
    Ways to make a signature that is none.

    None of them is made with the secret: a report may show them.
    """

    def fixed(value: str | None) -> Callable[[bytes], str | None]:
        return lambda _: value

    def other(form: str) -> Callable[[bytes], str | None]:
        return lambda body: form.format(sign(body, "another secret"))

    visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
    return st.one_of(
        st.sampled_from((None, UNSIGNED, "")).map(fixed),
        st.sampled_from(("0", "0" * 64, "sha256=", "null")).map(fixed),
        st.sampled_from(("{}", "sha256={}", "v1={}", "{0},{0}")).map(other),
        visible.map(fixed),
    )
