"""
Names of variables that look like settings and are none.

A misspelt setting does nothing, and nobody notices until it should have: so it is said at the
start, by its name alone, since its value may be a secret.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from reference_impl import logs
from reference_impl.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Nobody else's variables begin like this.
_OURS = ("RECEIVER_", "CALCOM_WEBHOOK_")

#: How like each other two names have to be for one to be meant by the other.
_LIKE = 0.85


def warn(names: Iterable[str]) -> None:
    """Log those of *names* that are no setting, each with the setting that may be meant."""
    known = [field.metadata["variable"] for field in dataclasses.fields(Settings)]
    strange = sorted(name for name in names if name.upper().startswith(_OURS) and name not in known)
    if not strange:
        return
    import difflib  # noqa: PLC0415 - seldom needed

    for name in strange:
        near = difflib.get_close_matches(name.upper(), known, 1, _LIKE)
        meant = {"meant": near[0]} if near else {}
        logs.logger().warning("Unknown setting", name=logs.plain(name), **meant)
