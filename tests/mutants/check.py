"""The command `calcontract` with all that a check imports and reads, for `zygote`."""

from __future__ import annotations

import importlib
import json
import os
import zlib

from _pytest.config import default_plugins
from pytest_bdd import feature

from calcontract import catalogue, cli, lookup, plugin, resources, runner, selection, steps
from mock_calcom.people import People

__all__ = ["lookup", "main", "plugin", "runner"]

#: A variable that holds what of the contract a run may leave out; nothing, if it is not set.
SAMPLE = "GATE_SAMPLE"

#: Checks with one of these marks take as long as twenty others: they start the receiver anew, wait
#: for what its log has to say, try every order, or let time pass.
DEAR = {
    *("needs-log", "needs-process", "needs-rotation", "needs-secrets"),
    *("cfg-008", "idm-003", "idm-005", "idm-007", "net-002", "ord-010", "sec-006"),
}

#: Of dear checks one in so many of those is kept that would be kept of others.
RARER = 4


def main():
    """Run the command; with `SAMPLE`, over a part of the contract."""
    told = os.environ.pop(SAMPLE, None)
    if told:
        _leave_out(**json.loads(told))
    cli.main()


def _leave_out(named, salt, part):
    """
    Of the clauses that are not *named* run one check in *part*, others for another *salt*.

    Of those that are `DEAR` fewer, as long as the gate has hundreds of runs to share them out to.
    """
    whole = selection.of

    def kept(item):
        marks = {mark.name for mark in item.iter_markers()}
        one_in = part if marks.isdisjoint(DEAR) else part * RARER
        chosen = zlib.crc32(f"{salt} {item.nodeid}".encode()) % one_in == 0
        return chosen or "last" in marks or not marks.isdisjoint(named)

    def sampled(items, *arguments, **more):
        return whole([item for item in items if kept(item)], *arguments, **more)

    selection.of = sampled
    # What is left out is no gap of the run: it is looked at with another mutant.
    selection._gaps = lambda _chosen: []


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
