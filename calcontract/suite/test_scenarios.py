"""Every scenario of every chapter."""

from pytest_bdd import scenarios

from calcontract.resources import room

scenarios(str(room("features")))
