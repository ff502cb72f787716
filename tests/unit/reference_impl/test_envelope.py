import json

import pytest

from reference_impl.envelope import InvalidPayloadError, read

CREATED = b'{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"u"}}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"false",
        b"null",
        b"1",
        b'"text"',
        b"[]",
        b"{}",
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + CREATED,
        b'{"triggerEvent":"X","payload":{"n":NaN}}',
        b'{"triggerEvent":"X","payload":{"n":1e999}}',
        b'{"triggerEvent":"X","payload":{"n":' + b"9" * 400 + b"}}",
        b'{"triggerEvent":"X","payload":{"s":"\\ud800"}}',
        b'{"triggerEvent":"X","payload":{"s":"\xed\xa0\x80"}}',
        b'{"triggerEvent":"X","payload":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
        b'{"triggerEvent":"BOOKING_CREATED"}',
        b'{"triggerEvent":"BOOKING_CREATED","payload":{}}',
        b'{"triggerEvent":"BOOKING_CREATED","payload":null}',
        b'{"triggerEvent":"BOOKING_CREATED","payload":[{}]}',
        b'{"triggerEvent":"BOOKING_CREATED","payload":"uid"}',
        b'{"triggerEvent":"","payload":{"uid":"u"}}',
        b'{"triggerEvent":5,"payload":{"uid":"u"}}',
        b'{"triggerEvent":null,"payload":{"uid":"u"}}',
        b'{"payload":{"uid":"u"}}',
        b'{"triggerEvent":"MEETING_ENDED","title":"no uid"}',
        b'{"triggerEvent":"MEETING_ENDED","uid":"u","payload":{}}',
        b'{"triggerEvent":"BOOKING_CREATED","uid":"u"}',
    ],
)
def test_what_is_no_envelope_is_refused_and_not_quoted(body):
    with pytest.raises(InvalidPayloadError) as refused:
        read(body)
    assert "9999" not in str(refused.value)


@pytest.mark.parametrize("trigger", ["BOOKING_CREATED", "PING", "SOMETHING_NEW", "MEETING_ENDED"])
def test_any_trigger_with_a_payload_is_an_envelope(trigger):
    assert read(CREATED.replace(b"BOOKING_CREATED", trigger.encode())).trigger == trigger


@pytest.mark.parametrize("trigger", ["MEETING_STARTED", "MEETING_ENDED"])
def test_a_flat_meeting_event_is_an_envelope_without_a_date(trigger):
    root = {"triggerEvent": trigger, "id": 5, "uid": "u", "createdAt": "2026-01-01T00:00:00.000Z"}
    envelope = read(json.dumps(root).encode(), "its id")
    assert (envelope.uid, envelope.booking_id, envelope.created_at) == ("u", 5, None)
    assert envelope.webhook_id == "its id"


def test_of_repeated_names_the_last_one_counts():
    body = b'{"triggerEvent":"A","triggerEvent":"B","payload":{"uid":"x","uid":"y"}}'
    assert (read(body).trigger, read(body).uid) == ("B", "y")


@pytest.mark.parametrize("number", [2**31, 2**53, 2**53 + 1, 2**63, 2**64 - 1])
def test_booking_ids_are_exact(number):
    body = b'{"triggerEvent":"A","payload":{"bookingId":%d}}' % number
    assert read(body).booking_id == number


@pytest.mark.parametrize(
    ("spelled", "number"),
    [
        ("5.0", 5),
        ("9007199254740992.0", 2**53),
        ('"5"', 5),
        ('"' + "9" * 18 + '"', 10**18 - 1),
        # What names no number, or more than one, or one that no store holds.
        ("5.5", None),
        ("9007199254740994.0", None),
        ("-9007199254740994.0", None),
        ('"1' + "0" * 18 + '"', None),
        ('"-5"', None),
        ('" 5"', None),
        ('"\N{ARABIC-INDIC DIGIT FIVE}"', None),
        ('"\N{SUPERSCRIPT TWO}"', None),
        ("true", None),
        ("[5]", None),
    ],
)
def test_a_booking_id_is_the_one_number_that_its_spelling_names(spelled, number):
    for name in ("bookingId", "calcomBookingId"):
        body = f'{{"triggerEvent":"A","payload":{{"{name}":{spelled}}}}}'
        assert read(body.encode()).booking_id == number


@pytest.mark.parametrize(
    ("payload", "uid"),
    [
        ({"uid": "u", "bookingUid": "b"}, "u"),
        ({"bookingUid": "b"}, "b"),
        ({"uid": "", "bookingUid": "b"}, "b"),
        ({"uid": 5, "bookingUid": "b"}, "b"),
        ({"uid": {"a": 1}}, None),
        ({"uid": ""}, None),
    ],
)
def test_a_uid_is_a_text_wherever_it_stands(payload, uid):
    assert read(json.dumps({"triggerEvent": "A", "payload": payload}).encode()).uid == uid


@pytest.mark.parametrize(
    ("fields", "dialect"),
    [
        (["calcomBookingId"], "guide"),
        (["bookingId"], "calcom"),
        (["formId"], "calcom"),
        # The guide's own name is in no payload of Cal.com's.
        (["bookingId", "calcomBookingId"], "guide"),
        (["title"], "guide"),
    ],
)
def test_the_dialect_is_told_by_the_fields(fields, dialect):
    body = json.dumps({"triggerEvent": "A", "payload": dict.fromkeys(fields, 1)})
    assert read(body.encode()).dialect == dialect


@pytest.mark.parametrize("created_at", ["null", '"yesterday"', "5", '"2026-01-01"'])
def test_an_illegible_date_is_no_date(created_at):
    body = f'{{"triggerEvent":"A","createdAt":{created_at},"payload":{{"a":1}}}}'
    assert read(body.encode()).created_at is None
