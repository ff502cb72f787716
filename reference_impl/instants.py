"""
Instants: points in time as whole microseconds since 1970, UTC.

Pure.  Cal.com spells one instant as `Z`, `.000Z` and `+00:00` in three consecutive events of a
booking, so instants are compared and strings never are.
"""

from __future__ import annotations

import contextlib
import functools
import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: RFC 3339, section 5.6; the fraction may have any number of digits.
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)

#: How JavaScript spells it, which is how nearly all are spelled: the library reads that.
_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z", re.ASCII)

#: The longest spelling that anybody would use, with nanoseconds; nothing longer is kept.
_USUAL = 40


def from_datetime(moment: datetime) -> int:
    """The instant of an aware *moment*."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(instant: int) -> datetime:
    """
    The aware datetime of *instant*.

    Raises:
        OverflowError: if it lies outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(microseconds=instant)


def parse(text: object) -> int | None:
    """
    The instant that *text* spells in RFC 3339, or `None` when it does not spell one.

    A leap second is the instant that follows it.
    """
    if not isinstance(text, str):
        return None
    return _read(text) if len(text) <= _USUAL else _parse(text)


def _parse(text: str) -> int | None:
    if _PLAIN.fullmatch(text):
        # A leap second, which the library does not know, is read below.
        with contextlib.suppress(ValueError):
            return from_datetime(datetime.fromisoformat(text))
    found = _RFC3339.fullmatch(text)
    if found is None:
        return None
    day, minute, second, fraction, sign, zone_hours, zone_minutes = found.groups()
    leap = second == "60"
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}{'59' if leap else second}+00:00")
        instant = from_datetime(moment) + leap * 1_000_000
        if fraction:
            instant += int(fraction[:6].ljust(6, "0"))
        if sign:
            if int(zone_hours) > 23 or int(zone_minutes) > 59:
                return None
            offset = (int(zone_hours) * 60 + int(zone_minutes)) * 60_000_000
            instant += offset if sign == "-" else -offset
        if sign or leap:
            to_datetime(instant)
    except (ValueError, OverflowError):
        return None
    return instant


#: One instant is read up to four times while its delivery is processed: once will do.
_read = functools.lru_cache(1024)(_parse)


def spell(instant: int | None) -> str | None:
    """How the probe and the logs spell *instant*: RFC 3339 with `Z`."""
    if instant is None:
        return None
    return to_datetime(instant).isoformat().replace("+00:00", "Z")
