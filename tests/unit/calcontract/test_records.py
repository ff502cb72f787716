"""No secret, and nothing that a right signature could be made of, gets into a record."""

from __future__ import annotations

import base64
import random

import pytest

from calcontract.records import SECRET as SECRET_WORDS
from calcontract.records import SECRET_BASE64, SIGNED, WITHHELD, exchange_of
from calcontract.stimuli import signatures
from mock_calcom.secrecy import MASK
from tests.unit.calcontract.makers import BODY, SECRET, a_delivery, an_attempt, digest

RIGHT = digest()


def shown(signature=None, *, body=BODY, lawful=(), answer=b"", headers=None):
    delivery = a_delivery(body, signature)
    attempt = an_attempt(401, answer, delivery=delivery, headers=headers)
    return exchange_of(attempt, SECRET, lawful=lawful)


def told(exchange):
    """Everything that an exchange says, in one text."""
    headers = [*exchange.headers, *exchange.answer_headers]
    texts = [*(value for _, value in headers), exchange.answer_body, exchange.url]
    return "\n".join([*texts, exchange.body.decode("latin-1"), repr(exchange)])


def test_other_secrets_of_the_run_get_into_no_exchange_either():
    MASK.learn("another-secret")
    exchange = shown(
        body=b'{"url":"http://u:p@x/?key=another-secret"}',
        answer=b"expected another-secret",
        headers={"x-debug": "another-secret"},
    )
    assert "another-secret" not in told(exchange)
    assert exchange.body == b'{"url":"http://u:p@x/?key=***"}'


def value(exchange):
    return dict(exchange.headers)["X-Cal-Signature-256"]


@pytest.mark.parametrize(
    ("signature", "kept"),
    [
        (RIGHT, SIGNED),
        (f"sha256={RIGHT}", f"sha256={SIGNED}"),
        (f"{RIGHT}zz", f"{SIGNED}zz"),
        (RIGHT * 2, SIGNED * 2),
        (SECRET, SECRET_WORDS),
        (f"Bearer {SECRET}", f"Bearer {SECRET_WORDS}"),
        (base64.b64encode(SECRET.encode()).decode(), SECRET_BASE64),
        (RIGHT[::-1], WITHHELD),
        (RIGHT.upper(), WITHHELD),
        (RIGHT[:63], WITHHELD),
        (RIGHT[:32], WITHHELD),
        (RIGHT[1:], WITHHELD),
        (base64.b64encode(bytes.fromhex(RIGHT)).decode(), WITHHELD),
        (RIGHT[:8], RIGHT[:8]),
        ("0" * 64, "0" * 64),
        ("", ""),
        ("no-secret-provided", "no-secret-provided"),
        (digest(b"another body"), digest(b"another body")),
    ],
)
def test_a_signature_is_kept_where_nothing_can_be_made_of_it(signature, kept):
    assert value(shown(signature)) == kept


def test_every_signature_of_the_contract_is_told_without_giving_a_right_one_away():
    material = signatures.Material(BODY, SECRET, random.Random(1))
    for word in signatures._VALUES:
        made = signatures.value(word, material)
        exchange = shown("" if made is None else made.decode("latin-1"))
        text = told(exchange).lower()
        assert SECRET not in text, word
        assert base64.b64encode(SECRET.encode()).decode().lower() not in text, word
        for piece in (RIGHT[:16], RIGHT[-16:], RIGHT[::-1][:16]):
            assert piece not in text, word


def test_the_signature_of_the_body_before_it_was_changed_is_not_told():
    changed = BODY.replace(b"}}", b"} }")
    exchange = shown(RIGHT, body=changed, lawful=[BODY])
    assert RIGHT not in told(exchange)
    assert value(exchange) == SIGNED
    # What it was made from is kept instead, so that the attempt can be repeated.
    assert (exchange.body, exchange.signed) == (changed, BODY)


def test_an_ordinary_signature_belongs_to_the_body_that_was_sent():
    exchange = shown(lawful=[b"another"])
    assert exchange.signed == exchange.body == BODY


def test_an_answer_that_echoes_gives_nothing_away():
    echo = f"got {RIGHT}, wanted {SECRET}".encode()
    exchange = shown("0" * 64, answer=echo, headers={"x-expected": f"sha256={RIGHT}"})
    assert RIGHT not in told(exchange)
    assert SECRET not in told(exchange)
    assert exchange.answer_headers == (("x-expected", f"sha256={SIGNED}"),)


def test_a_long_answer_is_cut():
    assert len(shown(answer=b"x" * 10_000).answer_body) == 2000


def test_a_secret_in_a_body_is_not_told():
    exchange = shown(body=b'{"key":"%s"}' % SECRET.encode())
    assert SECRET not in told(exchange)


def test_an_attempt_without_an_answer_is_told_too():
    exchange = exchange_of(an_attempt(None), SECRET, method="PUT")
    assert (exchange.status, exchange.problem, exchange.method) == (None, "timeout", "PUT")
    assert exchange.answer_body == ""
