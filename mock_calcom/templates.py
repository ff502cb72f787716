"""
Custom payload templates, in the part of Handlebars that substitution needs.

Imitated: `{{path}}` with HTML escaping, `{{{path}}}` and `{{&path}}` without, comments, paths with
numbers, `[segments]` and `length`, and every way in which Cal.com makes of the result a body.  Not
imitated: blocks, helpers, partials, `~` and backslashes before `{{`; such a template is refused
with `UnsupportedTemplateError` instead of being rendered wrongly.  Source: Cal.com
`sendPayload.ts`, `applyTemplate`; Handlebars 4.7.  Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from mock_calcom import javascript

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

#: What Cal.com sends when a rendered JSON template is no JSON: a swallowed error.
BROKEN = b"false"

_TAG = re.compile(r"\{\{\{(?P<raw>.*?)\}\}\}|\{\{(?P<escaped>.*?)\}\}", re.DOTALL)
_COMMENT = re.compile(r"\{\{!--.*?--\}\}|\{\{![^-].*?\}\}|\{\{!\}\}", re.DOTALL)
_PATH = re.compile(r"[^\s{}~#/^>!&@=|()'\"`;,<*%+\[\]]+|(?:[\w.$-]*\[[^\]{}]+\][\w.$-]*)+")
_SEGMENT = re.compile(r"\[([^\]]+)\]|([^.\[\]]+)")
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#x27;",
    "`": "&#x60;",
    "=": "&#x3D;",
}
_ESCAPED = re.compile("[&<>\"'`=]")


class TemplateError(ValueError):
    """Handlebars refuses the template: Cal.com sends nothing at all."""


class UnsupportedTemplateError(ValueError):
    """The template uses a part of Handlebars that the mock does not imitate."""


def content_type(template: str | None) -> str:
    """The `Content-Type` of a delivery: JSON unless the bare template is no truthy JSON."""
    if template is None:
        return JSON
    try:
        value = parse(template)
    except ValueError:
        return FORM
    # An empty object or list is true in JavaScript.
    truthy = value is not None and value is not False and value not in (0, "")
    return JSON if truthy or isinstance(value, dict | list) else FORM


def body(template: str, context: Mapping[str, Any]) -> bytes:
    """
    The body Cal.com makes of *template*: no envelope is added to it.

    Raises:
        TemplateError: if Handlebars cannot parse the template; nothing is sent then.
        UnsupportedTemplateError: if the template needs more of Handlebars than is imitated.
    """
    text = render(template, context).replace("&quot;", '"')
    if content_type(template) == FORM:
        # A lone surrogate becomes U+FFFD when JavaScript's text is encoded.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    try:
        return javascript.stringify(parse(text))
    except ValueError:
        return BROKEN


def render(template: str, context: Mapping[str, Any]) -> str:
    """
    *template* with its placeholders filled from *context*.

    Raises:
        TemplateError: if Handlebars cannot parse the template.
        UnsupportedTemplateError: if the template needs more of Handlebars than is imitated.
    """
    if "\\{{" in template:
        raise UnsupportedTemplateError("a backslash before {{ is not imitated")
    template = _COMMENT.sub("", template)
    parts: list[str] = []
    end = 0
    for tag in _TAG.finditer(template):
        parts.append(_literal(template[end : tag.start()]))
        end = tag.end()
        if tag["raw"] is not None:
            parts.append(_printed(_look_up(_path(tag["raw"]), context)))
        else:
            parts.append(_filled(tag["escaped"], template[end : end + 1], context))
    parts.append(_literal(template[end:]))
    return "".join(parts)


def parse(text: str) -> Any:
    """
    What `JSON.parse` makes of *text*.

    Raises:
        ValueError: if *text* is not JSON; Python's own additions (`NaN`) are not JSON either.
    """
    return json.loads(text, parse_int=_integer, parse_constant=_no_constant)


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits; JavaScript rounds them.
    return int(digits) if len(digits) < 18 else float(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _literal(text: str) -> str:
    if "{{" in text:
        raise TemplateError("a placeholder is opened and never closed")
    return text


def _filled(inside: str, following: str, context: Mapping[str, Any]) -> str:
    # `{{x}}}` reads as "close an unescaped placeholder" although none was opened so.
    if following == "}" or inside.startswith("{"):
        raise TemplateError("the braces of a placeholder do not match")
    if inside.startswith("&"):
        return _printed(_look_up(_path(inside[1:]), context))
    printed = _printed(_look_up(_path(inside), context))
    return _ESCAPED.sub(lambda character: _ESCAPES[character.group()], printed)


def _path(inside: str) -> list[str]:
    text = inside.strip()
    if not text:
        raise TemplateError("a placeholder names nothing")
    if text in {"this", "."}:
        return []
    path = re.sub(r"^(?:this|\.)[./]", "", text)
    if not _PATH.fullmatch(path) or path.startswith("..") or path == "else":
        raise UnsupportedTemplateError(f"only plain paths are imitated, not {text!r}")
    return [bracketed or plain for bracketed, plain in _SEGMENT.findall(path)]


def _look_up(path: list[str], context: Any) -> Any:
    value = context
    for segment in path:
        if isinstance(value, Mapping):
            value = value.get(segment)
        elif isinstance(value, list | tuple | str) and segment == "length":
            value = len(value)
        elif isinstance(value, list | tuple | str) and segment.isdecimal():
            index = int(segment)
            value = value[index] if index < len(value) else None
        else:
            return None
    return value


def _printed(value: Any) -> str:
    """How JavaScript turns a value into text inside a template."""
    if value is None or value is javascript.UNDEFINED:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return javascript.number(value)
    if isinstance(value, list | tuple):
        return ",".join(_printed(element) for element in value)
    if isinstance(value, Mapping):
        return "[object Object]"
    return str(value)
