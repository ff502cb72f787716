"""Which step is meant, and that nobody looks twice."""

import importlib
from types import SimpleNamespace

import pytest
from pytest_bdd import compat, parsers
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from calcontract import lookup

scenario = importlib.import_module("pytest_bdd.scenario")


class Place:
    """The fixtures that the checks of one module see."""

    def __init__(self, *steps):
        self.contexts = []
        self.definitions = {"story": [SimpleNamespace(func=lambda: None, baseid="")]}
        for number, (kind, sentence, place) in enumerate(steps):
            self.contexts.append(
                StepFunctionContext(type=kind, step_func=print, parser=parsers.re(sentence))
            )
            definition = SimpleNamespace(func=lambda: None, baseid=place)
            step_function_context_registry[definition.func] = self.contexts[-1]
            self.definitions[f"step {number}"] = [definition]
        self.looked = 0

    def request(self):
        return SimpleNamespace(_fixturemanager=self, node=SimpleNamespace(parent=self))


@pytest.fixture(autouse=True)
def fixtures(monkeypatch):
    def definitions(place, name, node):
        place.looked += 1
        return place.definitions[name]

    monkeypatch.setattr(compat, "get_fixture_names", lambda place: list(place.definitions))
    monkeypatch.setattr(compat, "getfixturedefs", definitions)
    with lookup.remembered():
        yield


def found(place, kind, sentence):
    return scenario.get_step_function(place.request(), SimpleNamespace(type=kind, name=sentence))


def test_a_step_is_found_by_its_sentence_and_its_kind():
    place = Place(("given", "a booking", ""), ("when", "a booking", ""), (None, "a .* day", ""))
    assert found(place, "given", "a booking") is place.contexts[0]
    assert found(place, "when", "a booking") is place.contexts[1]
    assert found(place, "then", "a long day") is place.contexts[2]
    assert found(place, "then", "a booking") is None


def test_the_nearer_of_two_is_meant_and_else_the_later():
    place = Place(("given", "a .*", "suite/test_a.py"), ("given", "a b", ""), ("given", "a b", ""))
    assert found(place, "given", "a b") is place.contexts[0]
    twins = Place(("given", "a b", ""), ("given", "a b", ""))
    assert found(twins, "given", "a b") is twins.contexts[1]


def test_nobody_looks_twice_and_places_are_told_apart():
    here = Place(("given", "a", ""))
    there = Place(("given", "a", ""))
    assert found(here, "given", "a") is here.contexts[0]
    looked = here.looked
    assert found(here, "given", "a") is here.contexts[0]
    assert found(here, "given", "b") is None
    assert here.looked == looked
    assert found(there, "given", "a") is there.contexts[0]


def test_afterwards_everything_is_as_before():
    usual = scenario.get_step_function
    with lookup.remembered():
        assert scenario.get_step_function is not usual
    assert scenario.get_step_function is usual
