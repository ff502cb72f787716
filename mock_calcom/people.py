"""
The people who book and are booked: made up, diverse, and reachable nowhere.

Every address ends in `.example` (RFC 2606).  Pure: the seed decides who appears.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import unicodedata

from faker import Faker

#: Faker's locale, the language Cal.com shows, and time zones where its speakers live.
_REGIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("en_US", "en", ("America/New_York", "America/Los_Angeles", "America/Phoenix")),
    ("en_GB", "en", ("Europe/London",)),
    ("de_DE", "de", ("Europe/Berlin", "Europe/Zurich")),
    ("es_ES", "es", ("Europe/Madrid", "Atlantic/Canary")),
    ("fr_FR", "fr", ("Europe/Paris", "Indian/Reunion")),
    ("pl_PL", "pl", ("Europe/Warsaw",)),
    ("pt_BR", "pt-BR", ("America/Sao_Paulo", "America/Manaus")),
    ("tr_TR", "tr", ("Europe/Istanbul",)),
    ("ja_JP", "ja", ("Asia/Tokyo",)),
    ("en_IN", "en", ("Asia/Kolkata",)),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an address; hosts have an account, guests may have no name."""

    name: str
    email: str
    time_zone: str | None
    locale: str = "en"
    first_name: str = ""
    last_name: str = ""
    phone: str | None = None
    #: The id, login and clock of an account; guests have none.
    id: int | None = None
    username: str | None = None
    username_in_org: str | None = None
    time_format: str = "HH:mm"


@functools.cache
def _faker(locale: str) -> Faker:
    # Building one costs milliseconds, and more of them for every provider.  It is seeded anew for
    # each person, so that two `People` never disturb each other.
    return Faker(locale, providers=["faker.providers.person"])


def _ascii(text: str) -> str:
    """*text* in the letters an address may have, or nothing if none of them is Latin."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "", plain.lower())


class People:
    """Everybody that one run meets; no address appears twice."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._met = 0

    def guest(self) -> Person:
        """Somebody who books, with a name and no account."""
        person, _ = self._meet()
        return person

    def host(self) -> Person:
        """Somebody with an account at Cal.com, who can be booked."""
        person, number = self._meet()
        username = person.email.partition("@")[0]
        return dataclasses.replace(
            person,
            id=1000 + number % 9_000_000,
            username=username,
            username_in_org=username,
            time_format="h:mma" if number % 3 == 0 else "HH:mm",
        )

    def _meet(self) -> tuple[Person, int]:
        """The next person and a number drawn for them."""
        self._met += 1
        # A large odd stride keeps neighbouring seeds from meeting the same people.
        moment = self._seed * 1_000_003 + self._met
        chooser = _faker("en_US")
        chooser.seed_instance(moment)
        locale, language, zones = chooser.random.choice(_REGIONS)
        zone: str = chooser.random.choice(zones)
        number: int = chooser.random.getrandbits(32)
        domain = _ascii(chooser.last_name())
        fake = _faker(locale)
        fake.seed_instance(moment)
        first, last = fake.first_name(), fake.last_name()
        local = ".".join(part for part in (_ascii(first), _ascii(last)) if part) or "guest"
        return Person(
            name=f"{first} {last}",
            email=f"{local}.{number % 10_000:04}{self._met}@{domain}.example",
            time_zone=zone,
            locale=language,
            first_name=first,
            last_name=last,
        ), number


class OneGuest(People):
    """
    People among whom every guest is the same person.

    Args:
        people: whom the hosts come from.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._guest = people.guest()

    def guest(self) -> Person:
        """The one guest there is."""
        return self._guest

    def host(self) -> Person:
        """A host, as ever."""
        return self._people.host()
