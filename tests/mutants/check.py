"""The command `calcontract` with what a check needs imported, for `zygote`."""

from __future__ import annotations

import importlib

from _pytest.config import default_plugins

from calcontract import cli, lookup, plugin, runner, steps
from mock_calcom.people import People

__all__ = ["lookup", "main", "plugin", "runner"]

main = cli.main

for module in (
    *(f"_pytest.{name}" for name in default_plugins),
    "pytest_bdd.plugin",
    *steps.MODULES,
):
    importlib.import_module(module)
# Every kind of person once: what they are made of is loaded then.
somebody = People(0)
for _ in range(100):
    somebody.guest()
