"""
How a command ends that did not do what it was asked for: with one sentence, and an exit code.

2 where a person has to mend something, and 75 where it may pass, so that whoever supervises the
process starts it again.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NoReturn

import click
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from reference_impl.listening import CannotListenError, CannotStartError
from reference_impl.settings import BadSettingsError
from reference_impl.store.schema import ForeignStoreError, NewerStoreError, OlderStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The exit code of trouble that may pass, of store, address or files (EX_TEMPFAIL).
MAY_PASS = 75

#: How SQLite calls it that a file cannot be written, or not be made.
_UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN")

#: The one of a question that was answered with no: as of a command that is interrupted.
_DECLINED = 130


class UsageError(Exception):
    """The command was used wrongly; the message is one sentence."""


#: What stays wrong until a person mends it.
_PERSONS = (
    BadSettingsError,
    ForeignStoreError,
    NewerStoreError,
    OlderStoreError,
    UsageError,
)


@contextlib.contextmanager
def one_sentence(*more: type[Exception]) -> Iterator[None]:
    """Turn trouble that is not ours, and *more* that a person can mend, into one sentence."""
    persons: tuple[type[Exception], ...] = (*_PERSONS, *more)
    try:
        yield
    except click.Abort:
        end("nothing was done", _DECLINED)
    except persons as problem:
        end(str(problem))
    except SQLAlchemyError as problem:
        cause = getattr(problem, "orig", None)
        kind = getattr(cause, "sqlite_errorname", "")
        if kind == "SQLITE_NOTADB":
            end("DATABASE_URL names a file that is no SQLite database")
        if isinstance(problem, ProgrammingError) and getattr(cause, "sqlstate", "") is None:
            # PostgreSQL's driver alone has seen it, which does not know an option, for example.
            end(f"DATABASE_URL cannot be used: {' '.join(str(cause).split())}")
        # A server's reasons are several lines, of which those that say DETAIL quote values.
        reason = str(cause or "see DATABASE_URL").partition("DETAIL:")[0]
        told = [" ".join(reason.split()), *getattr(problem, "__notes__", ())]
        if kind.startswith(_UNWRITABLE):
            told.append("its file and the folder of that have to be writable for who runs this")
        end(f"the store cannot be used: {'; '.join(told)}", MAY_PASS)
    except (CannotListenError, CannotStartError) as problem:
        end(str(problem), MAY_PASS)
    except OSError as problem:
        if not problem.filename:
            # Our output, then, which `main` sees to: what is held still would fail once more.
            raise
        end(trouble(problem), MAY_PASS)


def trouble(problem: OSError) -> str:
    """What the system could not do, and with which file."""
    reason = (problem.strerror or type(problem).__name__).lower()
    return f"cannot use {problem.filename!r}: {reason}" if problem.filename else reason


def end(sentence: str, code: int = 2) -> NoReturn:
    """End the command with *code*, saying *sentence* on stderr."""
    click.echo(f"reference-receiver: {sentence}", err=True)
    raise click.exceptions.Exit(code)
