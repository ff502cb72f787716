"""The search for what a receiver has died of, at the end of a run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from calcontract import inquest
from calcontract.recording import name_of
from calcontract.vigil import Check, Death, Vigil
from tests.unit.calcontract.makers import a_run


class Item:
    keywords = ()

    def __init__(self, nodeid):
        self.nodeid = nodeid


def test_a_search_that_is_interrupted_loses_no_death(monkeypatch):
    item = Item("suite/test_x.py::test_it")
    vigil = Vigil()
    vigil.deaths = [Death((Check("sig-001", name_of(item.nodeid)),))]
    life = SimpleNamespace(vigil=vigil, can_begin_anew=True, is_over=lambda: False)
    checks = SimpleNamespace(
        target=SimpleNamespace(life=life, process=None),
        run=a_run(),
    )

    def interrupted(*_):
        vigil.deaths.clear()
        raise KeyboardInterrupt

    monkeypatch.setattr(inquest, "_culprit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        inquest.hold(checks, [item])
    assert len(vigil.deaths) == 1
