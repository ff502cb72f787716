"""The webhook id: the same for the same bytes, another for others, and in order of time."""

import hashlib

import pytest

from reference_impl.identity import webhook_id


def body(created='"2026-01-02T03:04:05.678Z"', more=b"{}"):
    return b'{"triggerEvent":"PING","createdAt":%b,"payload":%b}' % (created.encode(), more)


def test_the_time_comes_first_and_the_hash_after_it():
    told = body()
    assert webhook_id(told) == "20260102030405678-" + hashlib.sha256(told).hexdigest()[:46]


def test_later_deliveries_are_sorted_after_earlier_ones():
    times = ("2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z")
    ids = [webhook_id(body(f'"{time}"')) for time in times]
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    "created",
    ["null", '"yesterday"', '"2026-01-02"', "1767323045", '["2026-01-02T03:04:05Z"]', '""'],
)
def test_without_a_time_it_is_the_hash(created):
    told = body(created)
    assert webhook_id(told) == hashlib.sha256(told).hexdigest()


def test_whoever_sends_other_bytes_at_one_time_sends_another_delivery():
    assert webhook_id(body(more=b"{}")) != webhook_id(body(more=b"{ }"))


def test_line_ends_at_the_end_do_not_count():
    assert len({webhook_id(body() + end) for end in (b"", b"\n", b"\r\n\r\n")}) == 1


@pytest.mark.parametrize("created", ['"2026-01-02T03:04:05Z"', '"2026-01-02T03:04:05.678901234Z"'])
def test_it_is_as_long_whatever_the_time_is_told_to(created):
    assert len(webhook_id(body(created))) == 64


def test_the_first_time_in_the_text_counts_wherever_it_stands():
    told = (
        b'{"payload":{"createdAt" : "2026-01-02T03:04:05.678Z"},"createdAt":"2027-01-01T00:00:00Z"}'
    )
    assert webhook_id(told).startswith("20260102030405678-")
