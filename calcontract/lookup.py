"""
Which step stands behind a sentence: asked once per sentence, not once per use.

pytest-bdd looks through every fixture of the run for each step of each check, which costs more than
all else that a check does here.  The answer depends on the sentence and on the place of the check
alone, so it is remembered for as long as the run goes on.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_bdd.parser import Step
from pytest_bdd.steps import StepFunctionContext

# Not `from pytest_bdd import scenario`: that is the decorator of the same name.
_scenario: Any = importlib.import_module("pytest_bdd.scenario")


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Steps that were found stay found until the end."""
    usual = _scenario.get_step_function
    found: dict[tuple[pytest.Item | pytest.Collector | None, str, str], StepFunctionContext] = {}

    def get_step_function(request: pytest.FixtureRequest, step: Step) -> StepFunctionContext | None:
        # The checks of one module see the same steps; those of another may see others.
        place = request.node.parent, step.type, step.name
        context = found.get(place) or usual(request=request, step=step)
        if context is not None:
            found[place] = context
        return context

    _scenario.get_step_function = get_step_function
    try:
        yield
    finally:
        _scenario.get_step_function = usual
