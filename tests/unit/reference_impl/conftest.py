import io

import pytest

from reference_impl import logs
from reference_impl.app import Machine, Parts
from reference_impl.settings import Settings
from tests.unit.reference_impl.bodies import SECRET, FixedClock


@pytest.fixture(autouse=True)
def log_lines():
    """What was logged: a stream whose lines are JSON."""
    stream = io.StringIO()
    logs.configure(stream)
    return stream


@pytest.fixture
def settings(tmp_path):
    return Settings(secret=SECRET, database_url=f"sqlite:///{tmp_path}/receiver.db")


@pytest.fixture
def assemble(settings):
    """Put receivers together: tables made, no thread started, the clock fixed."""
    machines = []

    def put_together(settings=settings, **parts):
        machine = Machine(settings, Parts(clock=FixedClock, **parts))
        machine.store.create()
        machines.append(machine)
        return machine

    yield put_together
    for machine in machines:
        machine.store.close()


@pytest.fixture
def machine(assemble):
    return assemble()
