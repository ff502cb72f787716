"""Where a run has its secrets from, and that nobody is shown them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from calcontract.errors import UsageError
from mock_calcom.secrecy import MASK

if TYPE_CHECKING:
    from calcontract.settings import Settings

#: What variables are called by everyone; nothing else is repeated in a message.
NAME = re.compile("[A-Z_][A-Z0-9_]*")

#: No secret has more characters: it is another file, whose every line would be looked for.
_LONGEST = 4096


def secret_of(told: Settings) -> str:
    """
    The secret that the target shares with Cal.com, of a run that was *told* this.

    Raises:
        UsageError: if no source names one, or the named source is missing or empty.
    """
    if told.secret_env:
        value = os.environ.get(told.secret_env, "")
        # What does not look like a name may be the secret itself, given by mistake.
        shown = told.secret_env if NAME.fullmatch(told.secret_env) else "that --secret-env names"
        source = f"the environment variable {shown}"
    elif told.secret_file:
        try:
            # One line end at the end is the editor's, not the secret's.
            value = told.secret_file.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise UsageError(
                f"the secret file {str(told.secret_file)!r} cannot be read: {why}",
                hint="name a readable text file with --secret-file",
            ) from error
        source = f"the file {told.secret_file}"
    elif told.secret is not None:
        value, source = told.secret.get_secret_value(), "--secret"
    else:
        raise UsageError(
            "no secret is given",
            hint="name the environment variable that holds it with --secret-env NAME",
        )
    if not value.strip():
        raise UsageError(
            f"{source} holds no secret",
            hint="write the receiver's secret into it"
            if told.secret_file
            else "set it to the receiver's secret; --secret-env takes a name, not the secret",
        )
    if len(value) > _LONGEST:
        raise UsageError(
            f"{source} holds {len(value):,} characters, which are no secret",
            hint="name what holds the secret, and nothing else",
        )
    MASK.learn(value)
    return value


def known(told: Settings) -> str:
    """The shared secret, or nothing where it is not to be had, or, from a pipe, only once."""
    try:
        once = told.secret_file is not None and not told.secret_file.is_file()
        return "" if once else secret_of(told)
    except (OSError, UsageError):
        return ""


def keep(told: Settings) -> None:
    """Let nobody be shown the secrets that are told, or led to, in *told*."""
    MASK.learn(known(told))
    variables = tuple(filter(None, (told.receiver_secret_env, told.receiver_previous_env)))
    for name in variables:
        MASK.learn(os.environ.get(name))
    for url in (told.target, told.probe, told.states):
        MASK.learn_url(url)
    MASK.learn_command(told.start, variables)
