"""What tests of several rooms need."""

import os
import signal

import pytest

from mock_calcom.secrecy import MASK, Mask
from tests import postgresql as servers

# Whoever starts the tests in the background of a script has them ignore interrupts, and with them
# every command that they interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What the runs under test leave to the garbage collector is a fault of the suite, which only those
# who work on it are to be told of.
os.environ["PYTEST_ADDOPTS"] = " ".join(
    f"-W error::{category}"
    for category in (
        "ResourceWarning",
        "pytest.PytestUnraisableExceptionWarning",
        "pytest.PytestUnhandledThreadExceptionWarning",
    )
)


@pytest.fixture(autouse=True)
def _nothing_to_hide():
    """The mask of the process knows nothing of the tests before."""
    vars(MASK).update(vars(Mask()))


@pytest.fixture(scope="session")
def postgresql():
    """The databases of a PostgreSQL server."""
    try:
        with servers.databases() as databases:
            yield databases
    except servers.NoServerError as problem:
        pytest.skip(str(problem))
