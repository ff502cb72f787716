"""
What stands around a body: headers, encodings and addresses that are not the usual ones.

Pure: deliveries in, deliveries out.
"""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Callable, Mapping
from random import Random
from urllib.parse import urlsplit

from calcontract.stimuli import named
from mock_calcom.delivery import Delivery

#: What a bomb unfolds to, in bytes; a thousand times what is sent.
_UNFOLDED = 16 * 1024 * 1024


def _many(delivery: Delivery) -> Delivery:
    more = tuple((f"x-padding-{number:05d}", "p" * 40) for number in range(20_000))
    return dataclasses.replace(delivery, headers=(*delivery.headers, *more))


def _site(delivery: Delivery) -> str:
    parts = urlsplit(delivery.url)
    return f"{parts.scheme}://{parts.netloc}"


_HEADERS: Mapping[str, Callable[[Delivery], Delivery]] = {
    "a header of 6 kB": lambda one: one.with_header("x-padding", "p" * 6 * 1024),
    "a header of 1 MB": lambda one: one.with_header("x-padding", "p" * 1024 * 1024),
    "20000 headers of 60 bytes": _many,
    "no user agent": lambda one: one.with_header("user-agent", ""),
    "the user agent of a library": lambda one: one.with_header(
        "user-agent", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"
    ),
    "the origin of another site": lambda one: one.with_header("origin", "https://cal.example"),
    "the origin of the receiver": lambda one: one.with_header("origin", _site(one)),
    "a referrer of another site": lambda one: one.with_header(
        "referer", "https://cal.example/bookings/upcoming"
    ),
    "a stale session cookie": lambda one: one.with_header(
        "cookie", "session=c2Vzc2lvbi1vZi15ZXN0ZXJkYXk; XSRF-TOKEN=eyJpdiI6IjAifQ"
    ),
}

#: Header blocks that have to be turned away; the others are lawful.
EXCESSIVE = frozenset({"a header of 1 MB", "20000 headers of 60 bytes"})


def carrying(word: str, delivery: Delivery) -> Delivery:
    """*delivery* with the headers that a feature file calls *word*."""
    return named(_HEADERS, word, "set of headers")(delivery)


def _compressed(delivery: Delivery, body: bytes) -> Delivery:
    packed = gzip.compress(body, compresslevel=9, mtime=0)
    return delivery.with_body(packed).with_header("content-encoding", "gzip")


#: The signature stays that of the plain body, which is wrong for every compressed one.
_ENCODINGS: Mapping[str, Callable[[Delivery], Delivery]] = {
    "compressed, with a wrong signature": lambda one: _compressed(one, one.body),
    "as a bomb, with a wrong signature": lambda one: _compressed(
        one, one.body[:-1] + b" " * _UNFOLDED + b"}"
    ),
    "said to be compressed, which it is not": lambda one: one.with_header(
        "content-encoding", "gzip"
    ),
    "in an encoding that nobody knows": lambda one: one.with_header("content-encoding", "x-folded"),
}


def encoded(word: str, delivery: Delivery) -> Delivery:
    """*delivery* in the content encoding that a feature file calls *word*."""
    return named(_ENCODINGS, word, "content encoding")(delivery)


_ADDRESSES: Mapping[str, Callable[[str, Random], str]] = {
    "an address that nobody registered": lambda _, chance: f"/{chance.getrandbits(64):016x}",
    "its address with a letter missing": lambda path, _: path[:-1],
}


def addressed(word: str, delivery: Delivery, chance: Random) -> Delivery:
    """*delivery* at another path of the same host, which a feature file calls *word*."""
    parts = urlsplit(delivery.url)
    path = named(_ADDRESSES, word, "address")(parts.path, chance)
    return dataclasses.replace(delivery, url=parts._replace(path=path).geturl())
