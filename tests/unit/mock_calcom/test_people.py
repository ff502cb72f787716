import random
import re

from mock_calcom.ids import ALPHABET, Ids
from mock_calcom.people import People


def test_nobody_is_met_twice():
    people = People(1)
    emails = [people.guest().email for _ in range(300)] + [people.host().email for _ in range(50)]
    assert len(set(emails)) == 350


def test_every_address_leads_nowhere():
    people = People(2)
    pattern = re.compile(r"[a-z0-9.]+@[a-z0-9]+\.example")
    assert all(pattern.fullmatch(people.guest().email) for _ in range(200))


def test_the_seed_decides_who_is_met_even_when_two_meet_at_once():
    alone = People(3)
    met = [alone.guest(), alone.host(), alone.guest()]
    left, right = People(3), People(4)
    interleaved = []
    for kind in ("guest", "host", "guest"):
        interleaved.append(getattr(left, kind)())
        right.guest()
    assert interleaved == met


def test_people_come_from_many_places():
    people = People(5)
    guests = [people.guest() for _ in range(120)]
    assert len({guest.locale for guest in guests}) >= 6
    assert len({guest.time_zone for guest in guests}) >= 8
    assert any(not guest.name.isascii() for guest in guests)


def test_a_host_has_an_account_and_a_guest_has_none():
    people = People(6)
    host, guest = people.host(), people.guest()
    assert isinstance(host.id, int)
    assert host.username
    assert guest.id is None


def test_uids_have_the_length_and_alphabet_of_cal_com():
    ids = Ids(random.Random(7))
    uids = [ids.uid() for _ in range(200)]
    assert len(set(uids)) == 200
    assert all(len(uid) == 22 and set(uid) <= set(ALPHABET) for uid in uids)


def test_booking_ids_grow():
    ids = Ids(random.Random(8))
    drawn = [ids.booking_id() for _ in range(100)]
    assert drawn == sorted(set(drawn))


def test_uuids_are_random_ones():
    uuid = Ids(random.Random(9)).uuid()
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuid
    )
