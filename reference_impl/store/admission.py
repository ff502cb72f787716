"""
Why PostgreSQL lets nobody in as `DATABASE_URL` says, when a start has failed for it.

The driver tells trouble at connecting in words alone, which servers say in many languages.  Of what
kind it is the library's own ping knows: it makes no attempt where the options make no sense, and
learns whether there is a server that answers.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping
from sqlalchemy.exc import OperationalError

from reference_impl.settings import BadSettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

#: What the library says of numbers, which it reads only when it has begun to try.
_NO_NUMBER = re.compile(r"invalid (?:integer value|port number)\b.*")

#: Seconds that a server has to answer.
_PATIENCE = "2"

#: A role, its password or the database may be missing because somebody is making them at this very
#: moment, restores them, or changes them there and not here; and a directory that the server asks
#: about passwords may be away.  A receiver that gave up would take nothing until a person starts it
#: again, and what nobody took Cal.com does not send again; one that tries again costs a line a
#: second.  So it may pass, and is told with what a person can do about it.
_NOT_LET_IN = (
    "the server answers and does not let the receiver in: unless that passes by itself, make the "
    "role, its password and the database as DATABASE_URL names them, or mend DATABASE_URL"
)


@contextlib.contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """
    Note with trouble that arises at connecting by *engine* what a person can do about it.

    Raises:
        BadSettingsError: if no server is ever asked with such options.
    """
    try:
        yield
    except OperationalError as problem:
        if problem.statement is not None or getattr(problem.orig, "sqlstate", None) is not None:
            # Somebody was let in.
            raise
        answer = _ping(engine)
        said = " ".join(str(problem.orig).split()).removeprefix("connection is bad: ")
        number = _NO_NUMBER.search(said)
        if number or answer == Ping.NO_ATTEMPT:
            reason = number[0] if number else said
            raise BadSettingsError(f"DATABASE_URL cannot be used: {reason}") from None
        if answer == Ping.OK:
            problem.add_note(_NOT_LET_IN)
        raise


def _ping(engine: Engine) -> Ping:
    _, options = engine.dialect.create_connect_args(engine.url)
    # The driver's own, which is no option of a connection.
    options.pop("context", None)
    words = make_conninfo(**{**options, "connect_timeout": _PATIENCE})
    return Ping(PGconn.ping(words.encode()))
