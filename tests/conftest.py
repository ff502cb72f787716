"""What tests of several rooms need."""

import pytest

from tests import postgresql as servers


@pytest.fixture(scope="session")
def postgresql():
    """The databases of a PostgreSQL server."""
    try:
        with servers.databases() as databases:
            yield databases
    except servers.NoServerError as problem:
        pytest.skip(str(problem))
