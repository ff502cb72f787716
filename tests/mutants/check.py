"""The command `calcontract` with all that a check imports and reads, for `zygote`."""

from __future__ import annotations

import importlib

from _pytest.config import default_plugins
from pytest_bdd import feature

from calcontract import catalogue, cli, lookup, plugin, resources, runner, steps
from mock_calcom.people import People

__all__ = ["lookup", "main", "plugin", "runner"]

main = cli.main

for name in default_plugins:
    importlib.import_module(f"_pytest.{name}")
for module in ("pytest_bdd.plugin", *steps.MODULES):
    importlib.import_module(module)
# What these have read, they keep.
catalogue.load()
feature.get_features([str(resources.room("features"))])
# Every kind of person once: what their names are made of is loaded then.
somebody = People(0)
for _ in range(100):
    somebody.guest()
