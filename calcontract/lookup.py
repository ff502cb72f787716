"""
Which step stands behind a sentence: asked once per sentence, not once per use.

pytest-bdd looks through every fixture of the run for each step of each check, which costs more than
all else that a check does here.  Which steps there are depends on the place of the check alone, and
which of them is meant on the sentence, so both are remembered for as long as the run goes on.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pytest_bdd import compat
from pytest_bdd.parser import Step
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

# Not `from pytest_bdd import scenario`: that is the decorator of the same name.
_scenario: Any = importlib.import_module("pytest_bdd.scenario")

#: Where checks stand that see the same steps: the module they were collected from.
_Place = pytest.Item | pytest.Collector | None


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Steps that were found stay found until the end."""
    usual = _scenario.get_step_function
    visible: dict[_Place, Sequence[StepFunctionContext]] = {}
    found: dict[tuple[_Place, str, str], StepFunctionContext | None] = {}

    def get_step_function(request: pytest.FixtureRequest, step: Step) -> StepFunctionContext | None:
        place = request.node.parent
        if place not in visible:
            visible[place] = _visible(request)
        key = place, step.type, step.name
        if key not in found:
            found[key] = next((one for one in visible[place] if _fits(one, step)), None)
        return found[key]

    _scenario.get_step_function = get_step_function
    try:
        yield
    finally:
        _scenario.get_step_function = usual


def _visible(request: pytest.FixtureRequest) -> list[StepFunctionContext]:
    """The steps that the check of *request* can see; of two that fit, the first one is meant."""
    manager = request._fixturemanager  # noqa: SLF001 - as pytest-bdd does; there is no other way
    definitions = [
        definition
        for name in compat.get_fixture_names(manager)
        for definition in compat.getfixturedefs(manager, name, request.node) or ()
        if definition.func in step_function_context_registry
    ]
    # The deeper in the tree, the more it counts; else the later, as with any fixture.
    definitions.sort(key=lambda one: list(_scenario.iterparentnodeids(one.baseid)))
    return [step_function_context_registry[one.func] for one in reversed(definitions)]


def _fits(context: StepFunctionContext, step: Step) -> bool:
    return context.type in {None, step.type} and context.parser.is_matching(step.name)
