"""
Where the rooms of the house are.

The contract (`features`), the schemas and the load test lie at the top of a checkout and inside
the package in a wheel.  Nobody else computes a path.  Standard library only, because every other
room may import this module.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent

#: The rooms that are data, not code: moved into the package when a wheel is built.
ROOMS = ("features", "schemas", "load")


class RoomMissingError(RuntimeError):
    """A room is neither inside the package nor beside it: the installation is incomplete."""


def room(name: str) -> Path:
    """
    The folder of the room called *name*, one of `ROOMS`.

    Raises:
        RoomMissingError: if the folder is neither in the package nor beside it.
    """
    for candidate in (_PACKAGE / name, _PACKAGE.parent / name):
        if name in ROOMS and candidate.is_dir():
            return candidate
    raise RoomMissingError(
        f"the {name!r} folder is missing from this installation of calcontract; "
        f"install it again (rooms: {', '.join(ROOMS)})"
    )


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """
    The JSON Schema or OpenAPI document `schemas/<name>.json`, parsed once.

    Args:
        name: the path below `schemas/` without its ending, such as `calcom/BOOKING_CREATED`.

    Raises:
        RoomMissingError: if there is no such file.
    """
    path = room("schemas") / f"{name}.json"
    if not path.is_file():
        raise RoomMissingError(f"there is no schema {name!r} in this installation of calcontract")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
