"""Every scenario of every chapter."""

from pytest_bdd import scenarios

from calcontract import gherkins
from calcontract.resources import room

with gherkins.shared():
    scenarios(str(room("features")))
