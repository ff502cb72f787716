"""
`JSON.stringify`, byte for byte.

Cal.com signs the text that JavaScript makes.  Python's `json` differs in numbers, key order and
lone surrogates, so the mock speaks JavaScript's dialect itself.  Source: ECMA-262, "JSON.stringify"
and "Number::toString".  Pure: a value in, bytes out.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, Final

from mock_calcom import times

#: The largest array index of JavaScript; larger integer-like keys keep their place.
_LAST_INDEX = 2**32 - 2

#: Integers up to here are exact in a double; beyond it JavaScript rounds.
_LAST_EXACT = 2**53

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Undefined:
    """The type of `UNDEFINED`."""

    def __repr__(self) -> str:
        return "UNDEFINED"

    def __bool__(self) -> bool:
        return False


#: JavaScript's `undefined`: a member that has it vanishes, an element becomes `null`.
UNDEFINED: Final = _Undefined()


def stringify(value: Any) -> bytes:
    """
    The bytes of `JSON.stringify(value)` in UTF-8: compact, unescaped, no newline at the end.

    Integer-like keys come first in numeric order, members that are `UNDEFINED` vanish, a date is
    its `toISOString()`, `NaN` is `null`, and a lone surrogate is written as an escape.

    Raises:
        TypeError: if *value* holds something JavaScript has no literal for, or is `UNDEFINED`.
    """
    if value is UNDEFINED:
        raise TypeError("JSON.stringify(undefined) is not a text")
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode("utf-8")


def number(value: float) -> str:
    """The text of a number as JavaScript prints it, `null` where it has no finite value."""
    if isinstance(value, int):
        if -_LAST_EXACT <= value <= _LAST_EXACT:
            return str(value)
        try:
            value = float(value)
        except OverflowError:
            return "null"
    if not math.isfinite(value):
        return "null"
    if value == 0:
        return "0"  # also for -0, which JavaScript prints without its sign
    sign = "-" if value < 0 else ""
    digits, point = _digits(abs(value))
    return sign + _place(digits, point)


def _digits(value: float) -> tuple[str, int]:
    """The shortest digits of *value* and where its decimal point lies in them."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + ("" if fraction == "0" else fraction)
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    return stripped.rstrip("0"), point


def _place(digits: str, point: int) -> str:
    """ECMA-262's Number::toString for radix 10: plain up to 21 digits, else with an exponent."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    exponent = point - 1
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if exponent > 0 else '-'}{abs(exponent)}"


def _text(value: str) -> str:
    """A string literal: only quotes, backslashes, controls and lone surrogates are escaped."""
    quoted = encode_basestring(value)
    if not _SURROGATE.search(quoted):
        return quoted
    # JavaScript sees code units, so two halves that stand together are one character.
    whole = quoted.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _SURROGATE.sub(lambda half: f"\\u{ord(half.group()):x}", whole)


def _ordered(members: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The members in the order JavaScript keeps them: array indices first, by number."""
    indices: list[tuple[str, Any]] = []
    others: list[tuple[str, Any]] = []
    for key, value in members.items():
        if not isinstance(key, str):
            raise TypeError(f"a JavaScript object has no key {key!r}")
        is_index = _INDEX.fullmatch(key) is not None and int(key) <= _LAST_INDEX
        (indices if is_index else others).append((key, value))
    indices.sort(key=lambda member: int(member[0]))
    return indices + others


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(_text(value))
    elif value is None or value is UNDEFINED:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, int | float):
        parts.append(number(value))
    elif isinstance(value, Mapping):
        _write_object(value, parts)
    elif isinstance(value, list | tuple):
        _write_array(value, parts)
    elif isinstance(value, dt.datetime):
        parts.append(_text(times.iso(value)))
    else:
        raise TypeError(f"JavaScript has no literal for {type(value).__name__}")


def _write_object(members: Mapping[str, Any], parts: list[str]) -> None:
    parts.append("{")
    first = True
    for key, value in _ordered(members):
        if value is UNDEFINED:
            continue
        if not first:
            parts.append(",")
        first = False
        parts.append(_text(key))
        parts.append(":")
        _write(value, parts)
    parts.append("}")


def _write_array(elements: list[Any] | tuple[Any, ...], parts: list[str]) -> None:
    parts.append("[")
    for index, element in enumerate(elements):
        if index:
            parts.append(",")
        _write(element, parts)
    parts.append("]")
