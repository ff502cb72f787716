"""
How Cal.com spells an instant.

One slot arrives in three spellings within one booking's life, which is why receivers must compare
instants and never strings.  Source: Cal.com's `dayjs` calls per handler.  Pure: an aware datetime
in, text out.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

UTC = dt.UTC


def utc(instant: dt.datetime) -> dt.datetime:
    """
    The same instant in UTC.

    Raises:
        ValueError: if *instant* has no time zone; its meaning would depend on this machine.
    """
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {instant.isoformat()}")
    return instant.astimezone(UTC)


def iso(instant: dt.datetime) -> str:
    """JavaScript's `toISOString()`: `2026-07-14T13:00:00.000Z`."""
    return utc(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(instant: dt.datetime) -> str:
    """`dayjs().utc().format()`, also the guide's spelling: `2026-07-14T13:00:00Z`."""
    return utc(instant).isoformat(timespec="seconds").replace("+00:00", "Z")


def local(instant: dt.datetime, zone: str) -> dt.datetime:
    """The same instant on the wall clock of *zone*."""
    return utc(instant).astimezone(ZoneInfo(zone))


def midnight(day: dt.date, zone: str) -> dt.datetime:
    """The beginning of *day* on the wall clock of *zone*."""
    return dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo(zone))


def zoned(instant: dt.datetime, zone: str) -> str:
    """`dayjs().format()` on a server that lives in *zone*: `2026-07-14T13:00:00+00:00`."""
    return local(instant, zone).isoformat(timespec="seconds")


def spaced(instant: dt.datetime) -> str:
    """The spelling inside a no-show message: `2026-07-14 13:05:00 +00:00`."""
    return utc(instant).strftime("%Y-%m-%d %H:%M:%S +00:00")


def parse(text: object) -> dt.datetime | None:
    """The instant that *text* spells in any of the forms above, or nothing."""
    if not isinstance(text, str):
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def offset_minutes(instant: dt.datetime, zone: str) -> int:
    """How many minutes *zone* is ahead of UTC at that instant, daylight saving included."""
    ahead = local(instant, zone).utcoffset()
    return int(ahead.total_seconds() // 60) if ahead else 0
