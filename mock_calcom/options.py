"""What the options of several commands are held to."""

from __future__ import annotations

import math

import typer


def a_number(value: float) -> float:
    """
    *value*, for options whose bounds let "nan" pass: it is neither below nor above anything.

    Raises:
        typer.BadParameter: if it is no number.
    """
    if math.isnan(value):
        raise typer.BadParameter("nan is no number.")
    return value
