"""What is wrong with a setting, in words of ours."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping

from pydantic_core import ErrorDetails

from calcontract.errors import UsageError

#: What is to be said of each type of pydantic's that a setting can be wrong by.
_OBJECTIONS = {
    "bool_parsing": "it is to be true or false",
    "bool_type": "it is to be true or false",
    "dict_type": "it is to be a table",
    "float_parsing": "it is to be a number",
    "float_type": "it is to be a number",
    "greater_than": "it is to be more than {gt:g}",
    "greater_than_equal": "it is to be {ge:g} or more",
    "int_from_float": "it is to be a whole number",
    "int_parsing": "it is to be a whole number",
    "int_parsing_size": "it is to be a whole number of fewer digits",
    "int_type": "it is to be a whole number",
    "less_than": "it is to be less than {lt:g}",
    "finite_number": "it is to be a number",
    "less_than_equal": "it is to be {le:.16g} at the most",
    "model_type": "it is to be a table",
    "path_type": "it is to be the path of a file, as text",
    "string_type": "it is to be text",
    "tuple_type": "it is to be a list, such as [] or ['one']",
}


def sentence(problem: ErrorDetails, known: Mapping[str, Collection[str]]) -> str:
    """
    What is wrong with one setting; its value, which may be a secret, is not quoted.

    Args:
        problem: what pydantic says of it.
        known: what the settings are called, by the table that they stand in; outside of all it is
            "".
    """
    *table, name = (str(step) for step in problem["loc"] or ("settings",))
    place = ".".join([*table, name])
    if problem["type"] != "extra_forbidden":
        return f"{place}: {_objection(problem)}"
    near = difflib.get_close_matches(name, known[table[0] if table else ""], n=1)
    return f"no setting is called {place}" + (f", did you mean {near[0]}?" if near else "")


def _objection(problem: ErrorDetails) -> str:
    """What is wrong with a setting, in our words; pydantic's speak of its own types."""
    if known := _OBJECTIONS.get(problem["type"]):
        return known.format(**problem.get("ctx", {}))
    return problem["msg"].removeprefix("Value error, ")


def known_variables(prefix: str, settings: Collection[str], *, others: str) -> None:
    """
    Refuse a variable of ours that nobody reads: it was meant to say something.

    Args:
        prefix: how our variables begin.
        settings: what may come after it.
        others: how those begin that another process reads.

    Raises:
        UsageError: if there is one.
    """
    known = {name.upper() for name in settings}
    ours = [name for name in os.environ if name.startswith(prefix) and not name.startswith(others)]
    for variable in ours:
        name = variable.removeprefix(prefix)
        if name not in known:
            # By what comes after the prefix: with it, each is like all others.
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else "take it out of the environment"
            raise UsageError(f"no setting is called {variable}", hint=hint)
