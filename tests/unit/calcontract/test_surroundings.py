"""What stands around a body, what stands in hostile text, and who asks for an address of ours."""

from __future__ import annotations

import gzip
import json
import random
import socket
from urllib.parse import urlsplit

import pytest

from calcontract.listener import Listener
from calcontract.stimuli import hostile, surroundings
from mock_calcom.signature import HEADER
from tests.unit.calcontract.makers import URL, a_delivery
from tests.unit.calcontract.test_stimuli import TEXT

TABLES = (
    surroundings._HEADERS,
    surroundings._ENCODINGS,
    surroundings._ADDRESSES,
    hostile._TEXTS,
    hostile._PLACES,
)


@pytest.mark.parametrize("word", [word for table in TABLES for word in table])
def test_a_word_is_said_by_the_contract(word):
    assert word in TEXT


def test_headers_that_have_to_be_turned_away_are_large_and_the_others_are_not():
    for word in surroundings._HEADERS:
        made = surroundings.carrying(word, a_delivery())
        size = sum(len(name) + len(value) for name, value in made.headers)
        assert (size > 900_000) == (word in surroundings.EXCESSIVE)
        assert made.body == a_delivery().body


def test_a_compressed_body_keeps_the_signature_of_the_plain_one():
    plain = a_delivery()
    for word in ("compressed, with a wrong signature", "as a bomb, with a wrong signature"):
        made = surroundings.encoded(word, plain)
        assert made.header(HEADER) == plain.header(HEADER)
        assert made.header("content-encoding") == "gzip"
        assert json.loads(gzip.decompress(made.body)) == json.loads(plain.body)
    assert len(gzip.decompress(made.body)) > 500 * len(made.body)


def test_another_address_is_on_the_same_host():
    for word in surroundings._ADDRESSES:
        made = surroundings.addressed(word, a_delivery(), random.Random(1))
        assert urlsplit(made.url).netloc == urlsplit(URL).netloc
        assert urlsplit(made.url).path != urlsplit(URL).path
        assert urlsplit(made.url).path.startswith("/")


@pytest.mark.parametrize("word", hostile._TEXTS)
def test_a_hostile_text_stands_between_marks_and_does_not_hold_its_result(word):
    text = hostile.text(word, a_delivery())
    assert text.startswith(hostile.mark(a_delivery()))
    assert text.endswith(hostile.mark(a_delivery()))
    assert hostile.RESULT not in text


@pytest.mark.parametrize("place", hostile._PLACES)
def test_markup_stands_where_it_is_said_to(place):
    made = hostile.marked(place, a_delivery())
    where = f"{made.url} {made.header(HEADER)}".encode() + made.body.replace(b'\\"', b'"')
    assert hostile.markup(a_delivery()).partition("(")[0].encode().replace(b" ", b"") in (
        where.replace(b"%20", b"").replace(b" ", b"").replace(b"%3D", b"=")
    )


def ask(url, path):
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as asking:
        asking.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return asking.recv(1000)


def test_a_listener_notices_who_asks_for_its_own_address():
    with Listener() as listener:
        assert not listener.was_asked(0)
        assert ask(listener.url, urlsplit(listener.url).path).startswith(b"HTTP/1.1 204")
        assert listener.was_asked(5)


def test_a_listener_does_not_care_who_knocks():
    with Listener() as listener:
        ask(listener.url, "/favicon.ico")
        with socket.create_connection(
            (urlsplit(listener.url).hostname, urlsplit(listener.url).port)
        ):
            pass
        ask(listener.url, "/robots.txt")
        assert not listener.was_asked(0)
