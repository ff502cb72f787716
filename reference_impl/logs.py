"""
Logs: one JSON object a line, on stderr, greppable by the guide's names.

No secret, no signature, and no personal data unless the operator asked for payloads.  Lines are
ASCII, so no character of a stranger can break one in two (U+0085 and U+2028 could).
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, TextIO, cast, overload

# structlog loads rich where that is installed, for tracebacks in colour which nothing here prints:
# a sixth of the time that the receiver takes to start.
_rich = sys.modules.setdefault("rich", cast("ModuleType", None))
import orjson  # noqa: E402 - see above
import structlog  # noqa: E402 - see above

from reference_impl.floods import Floods  # noqa: E402 - see above

if _rich is None:
    del sys.modules["rich"]

#: Members of a payload that open doors: tokens of meetings and of confirmation links.
SECRETIVE = frozenset({"oneTimePassword", "password", "references", "secret", "token"})

_LONGEST = 200

#: The loggers of libraries that have something to say.
_OTHERS = ("uvicorn", "asyncio", "apprise")


def configure(stream: TextIO | None = None) -> None:
    """Send every log line of this process to *stream*, by default stderr."""
    for name in _OTHERS:
        # What they have left out yet is said where they wrote so far.
        for handler in logging.getLogger(name).handlers:
            handler.close()
    structlog.configure(
        processors=[_line],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.WriteLoggerFactory(
            file=cast("TextIO", _Lenient(sys.stderr if stream is None else stream))
        ),
        cache_logger_on_first_use=False,
    )

    # Apprise's own lines may name the addresses it was given, which hold credentials.
    for name in _OTHERS:
        other = logging.getLogger(name)
        other.handlers = [logging.NullHandler() if name == "apprise" else _Bridge()]
        other.propagate = False
        other.setLevel(logging.WARNING)


class _Lenient:
    """A stream that may lose a line; a full disk or a closed pipe costs no delivery."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write *text*, or keep it for as long as its thread holds lines back."""
        if _held.lines is None:
            self.pass_on(text)
            return
        if _held.stream is not self:
            _release()
            _held.stream = self
        if not _held.lines and _held.loop is not None:
            _held.loop.call_soon(_release)
        _held.lines.append(text)

    def pass_on(self, text: str) -> None:
        """Write *text* if that can be done."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def flush(self) -> None:
        """Do nothing more: nothing is left in the stream."""


class _Held(threading.local):
    """What a thread has logged and not written yet."""

    #: The lines; `None` for a thread that writes each of them at once.
    lines: list[str] | None = None
    stream: _Lenient | None = None
    #: In which they are written at the end of a turn.
    loop: AbstractEventLoop | None = None


_held = _Held()


def _release() -> None:
    if _held.lines and _held.stream is not None:
        text = "".join(_held.lines)
        _held.lines.clear()
        _held.stream.pass_on(text)


@contextlib.contextmanager
def together(loop: AbstractEventLoop | None = None) -> Iterator[None]:
    """
    Write what this thread logs meanwhile all at once: at the end, or in each turn of its *loop*.

    To write is a system call, for which a thread gives way to all others.  Whoever holds lines back
    already goes on doing so.
    """
    if _held.lines is not None:
        yield
        return
    _held.lines, _held.loop = [], loop
    try:
        yield
    finally:
        _release()
        _held.lines = _held.loop = None


class _Bridge(logging.Handler):
    """Turns what the server itself logs into lines like ours."""

    def __init__(self) -> None:
        super().__init__()
        self._floods = Floods(left_out)

    def close(self) -> None:
        """Say how many lines were left out, and end."""
        self._floods.tell()
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """Log *record*, its exception described and not quoted."""
        # The server warns of each connection that makes no sense.
        serious = record.levelno >= logging.ERROR
        if not serious and not self._floods.admits("server"):
            return
        problem = record.exc_info[1] if record.exc_info else None
        reason = {} if problem is None else {"reason": describe(problem)}
        # Its first line only: the server appends tracebacks to some messages.
        message, *more = record.getMessage().strip().splitlines() or [""]
        if message.startswith("Traceback "):
            # Some are nothing else.  What the exception says may be a guest's words.
            message, reason = "Server in trouble", {"reason": more[-1].partition(":")[0]}
        write = logger().error if serious else logger().warning
        write(short(message), **reason)


def logger() -> structlog.typing.FilteringBoundLogger:
    """The log of the receiver."""
    # Bound now: a lazy one would be bound again for every line.
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind()
    return bound


def left_out(kind: str, lines: int) -> None:
    """Log that so many *lines* of *kind* were not written: see `reference_impl.floods`."""
    logger().warning("Log lines left out", kind=kind, lines=lines)


def delivery(
    trigger: str, booking_id: int | None, uid: str | None, webhook_id: str | None
) -> dict[str, Any]:
    """How a line names the delivery that it is about, in the guide's words."""
    return {
        "triggerEvent": short(trigger),
        "calcomBookingId": booking_id,
        "uid": short(uid),
        "webhookId": webhook_id,
    }


@overload
def short(text: str) -> str: ...
@overload
def short(text: None) -> None: ...
@overload
def short(text: str | None) -> str | None: ...
def short(text: str | None) -> str | None:
    """*text* cut to a length that a log line and a reader can bear."""
    return text if text is None or len(text) <= _LONGEST else text[:_LONGEST] + "..."


def plain(text: str) -> str:
    """*text* for people's eyes: short, and without characters that steer whatever shows it."""
    return "".join(mark if mark.isprintable() else "?" for mark in short(text))


def redacted(value: Any) -> Any:
    """*value*, a parsed payload, without what opens doors."""
    if isinstance(value, Mapping):
        return {
            key: "[redacted]" if key in SECRETIVE and inner else redacted(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [redacted(inner) for inner in value]
    return value


def describe(problem: BaseException) -> str:
    """
    What went wrong, in words that hold no data: the kind of *problem* and where it arose.

    The text of an exception may quote a payload or a statement's parameters, so it is left out;
    what a database calls it is a fixed word (`SQLITE_FULL`, or PostgreSQL's five characters).
    """
    last = problem.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = ""
    if last is not None:
        code = last.tb_frame.f_code
        place = f" in {code.co_qualname} line {last.tb_lineno}"
    return type(problem).__name__ + _code(problem) + place


def _code(problem: BaseException) -> str:
    cause = getattr(problem, "orig", None)
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    if code is None and isinstance(cause, OSError):
        # The store's own: its words are ours.
        return f" ({cause})"
    if code is None and cause is not None and getattr(problem, "statement", "") is None:
        # Not of a statement, and nothing by which a server calls it: none was reached, or no more.
        return " (no connection)"
    return f" ({code})" if code else ""


def _spelled(value: Any) -> str:
    """*value*, of a kind that JSON does not know."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return repr(value)


#: Takes what orjson refuses, integers of any size for one, and spells every character in ASCII.
_CAREFUL = json.JSONEncoder(default=_spelled, separators=(",", ":"))


def _line(_logger: Any, level: str, event: MutableMapping[str, Any]) -> str:
    """The whole line, in one step: each delivery has three."""
    event["level"] = level
    event["timestamp"] = datetime.now(UTC)
    try:
        # A quarter of the time that the other one takes.
        line = orjson.dumps(event, default=_spelled, option=orjson.OPT_UTC_Z).decode()
    except TypeError:
        return _CAREFUL.encode(event)
    return line if line.isascii() else _CAREFUL.encode(event)
