"""What pytest's items say about the checks that they are."""

from __future__ import annotations

from typing import Any, cast

import pytest
from pytest_bdd.parser import Scenario, ScenarioTemplate
from pytest_bdd.scenario import scenario_wrapper_template_registry

#: How a check begins that starts the receiver itself, otherwise than usual.
_STARTS = "the receiver is started with "


def scenario(item: pytest.Item) -> Scenario:
    """The check that *item* runs, with the values of its row."""
    template: ScenarioTemplate = scenario_wrapper_template_registry[cast("Any", item).function]
    callspec = getattr(item, "callspec", None)
    return template.render(callspec.params["_pytest_bdd_example"] if callspec else {})


def starts_otherwise(item: pytest.Item) -> bool:
    """Whether the first thing that happens in *item* is that the receiver is started anew."""
    return scenario(item).steps[0].name.startswith(_STARTS)
