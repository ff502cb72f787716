"""Lets `pytest --target URL` work in a checkout, whether or not it is installed."""

pytest_plugins = ["calcontract.plugin"]
