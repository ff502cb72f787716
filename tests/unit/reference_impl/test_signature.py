import hashlib
import hmac
import itertools
import os

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reference_impl import signature
from reference_impl.answers import Refusal
from tests.unit.reference_impl.bodies import SECRET, sign, signed

BODY = b'{"triggerEvent":"PING","payload":{"type":"Test"}}'


def test_the_digest_is_the_one_that_node_and_openssl_make():
    body = (
        '{"triggerEvent":"BOOKING_CREATED","createdAt":"2024-01-01T00:00:00.000Z","payload":'
        '{"uid":"bFJeNb2uX8ANpT3JL5EfXw","title":"30min between Zoë and O\'Hara"}}'
    ).encode()
    expected = b"632caf10d1efd7717ed2444b732c1b7777f62cd9fca31e54c82d3c6991661dc2"
    assert signature.digest(body, "whsec_test_secret") == expected


@pytest.mark.parametrize("prefix", ["", "sha256="])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n\r"])
@pytest.mark.parametrize("trimmed", [True, False])
def test_all_four_forms_of_the_guide_are_accepted(machine, prefix, end, trimmed):
    body = BODY + end
    value = prefix + sign(BODY if trimmed else body)
    headers = [(b"x-cal-signature-256", value.encode())]
    assert machine.receiver.authenticate(headers, body) is None


@pytest.mark.parametrize("end", [b" ", b"\t\n", b"\x00", b"\x0b", b"\n ", b"}"])
def test_no_other_end_is_cut_off(machine, end):
    assert machine.receiver.authenticate(signed(BODY), BODY + end) is not None


def test_a_secret_of_any_bytes_is_the_key_as_it_was_typed():
    typed = b"caf\xe9"
    expected = hmac.new(typed, BODY, hashlib.sha256).hexdigest().encode()
    # As an environment variable with such a byte is read.
    assert signature.digest(BODY, os.fsdecode(typed)) == expected


@pytest.mark.parametrize("name", signature.HEADERS)
def test_each_of_the_four_headers_is_read(machine, name):
    assert machine.receiver.authenticate([(name, sign(BODY).encode())], BODY) is None


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(range(4), 2)])
def test_the_first_header_present_decides_whatever_order_they_came_in(machine, first, second):
    good, bad = sign(BODY).encode(), b"0" * 64
    headers = [(signature.HEADERS[second], bad), (signature.HEADERS[first], good)]
    refusal = machine.receiver.authenticate(headers, BODY)
    assert (refusal is None) == (first < second)


@pytest.mark.parametrize("value", [b"", b"  ", b"\t"])
def test_an_empty_header_counts_as_missing_and_later_ones_are_not_asked(machine, value):
    headers = [(b"x-cal-signature-256", value), (b"cal-signature", sign(BODY).encode())]
    assert machine.receiver.authenticate(headers, BODY).message == "Missing signature"


def test_no_header_is_a_missing_signature(machine):
    assert machine.receiver.authenticate([], BODY).message == "Missing signature"


@pytest.mark.parametrize("order", [1, -1])
def test_a_repeated_header_with_different_values_is_refused(machine, order):
    values = [sign(BODY).encode(), b"0" * 64][::order]
    headers = [(b"x-cal-signature-256", value) for value in values]
    assert isinstance(machine.receiver.authenticate(headers, BODY), Refusal)


def test_a_header_repeated_with_the_same_value_is_one_header(machine):
    assert machine.receiver.authenticate(signed(BODY) * 2, BODY) is None


@pytest.mark.parametrize(
    "value",
    [
        sign(BODY).upper(),
        sign(BODY) + "zz",
        sign(BODY)[:-1],
        sign(BODY)[:8],
        "sha256=" + sign(BODY).upper(),
        "SHA256=" + sign(BODY),
        "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
        sign(BODY, ""),
        sign(BODY, "None"),
        sign(BODY, SECRET + "\n"),
        sign(BODY) + "," + sign(BODY),
        SECRET,
        "no-secret-provided",
        "z" * 64,
        "é" * 64,
        "x" * 10_000,
    ],
)
def test_nothing_else_is_accepted(machine, value):
    headers = [(b"x-cal-signature-256", value.encode())]
    assert machine.receiver.authenticate(headers, BODY).message == "Invalid signature"


@given(value=st.binary(max_size=100))
def test_any_bytes_are_a_plain_answer(value):
    assert not signature.equals_one_of(value, signature.forms(BODY, SECRET))


@given(body=st.binary(min_size=1, max_size=200), place=st.data(), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed(body, place, bit):
    other = bytearray(body)
    other[place.draw(st.integers(0, len(body) - 1))] ^= 1 << bit
    # Of the line ends after it one is as good as another.
    assume(signature.trimmed(bytes(other)) != signature.trimmed(body))
    given_signature = signature.digest(body, SECRET)
    assert not signature.equals_one_of(given_signature, signature.forms(bytes(other), SECRET))


def test_the_secret_before_a_rotation_is_accepted_while_it_is_set(assemble, settings):
    import dataclasses

    rotated = dataclasses.replace(settings, previous_secret="the-old-one")
    receiver = assemble(rotated).receiver
    assert receiver.authenticate(signed(BODY, "the-old-one"), BODY) is None
    assert receiver.authenticate(signed(BODY), BODY) is None
    receiver = assemble(settings).receiver
    assert receiver.authenticate(signed(BODY, "the-old-one"), BODY) is not None
